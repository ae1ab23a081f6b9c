"""Abstracts that PDFs print against those of the JATS beside them: python benchmarks/abstracts.py FOLDER...

``right``: 95 % of the letters alike; ``part``: the words stand so in the JATS; ``other``: they do not (also where the
JATS holds a publisher's short one); ``missed``: none was read; ``none``: neither has one; ``invented``: only the PDF.
"""

import sys
import tempfile
from collections import Counter
from pathlib import Path

from covidct.harvest.articles import read_article
from covidct.harvest.extract.analyse import analyse, prepare_library
from covidct.harvest.extract.merge import similarity
from covidct.harvest.extract.results import Limits
from covidct.harvest.extract.words import letters_of

LIKE = 0.95
PAGES = 6


def verdict(printed: str, known: str) -> str:
    """How the two compare."""
    if not known or not printed:
        return "none" if not known and not printed else "missed" if known else "invented"
    bare = letters_of(known).removeprefix("abstract").removeprefix("summary")
    if similarity(printed, bare) > LIKE:
        return "right"
    return "part" if letters_of(printed) in bare else "other"


def main(folders: list[Path]) -> None:
    """Print a line for each paper that is not right, then the counts."""
    prepare_library()
    counts: Counter[str] = Counter()
    for xml in sorted(xml for folder in folders for xml in folder.glob("*.xml") if xml.with_suffix(".pdf").is_file()):
        with tempfile.TemporaryDirectory() as out:
            printed = analyse(xml.with_suffix(".pdf"), Path(out), Limits(pages=PAGES, figures=0)).abstract
        known = read_article(xml.read_bytes(), xml.name).abstract
        counts[found := verdict(printed, known)] += 1
        if found not in ("right", "none"):
            print(f"{found} {xml.stem}: {len(printed)} of {len(known)} letters")
    print(dict(counts))


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    main([Path(word) for word in sys.argv[1:]])
