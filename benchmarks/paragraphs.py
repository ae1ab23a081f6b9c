"""Score what paragraphs say of the person in a figure: python benchmarks/paragraphs.py T2S2

T2S2 is a clone of github:jcweiss2/T2S2, case reports of PubMed Central as text. ``benchmarks/truth/paragraphs.csv``
holds no text: the article, the first 16 digits of the sha256 of each paragraph that cites a figure (batch 14: a table),
and the label that a machine reader (no clinician) gave to the paragraphs alone before the program ran, empty where in
doubt. ``article`` is what the whole article says where the paragraphs alone do not.
"""

import csv
import hashlib
import re
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from covidct.captions.context import label_figure
from covidct.captions.ways import Precision

TRUTH = Path(__file__).parent / "truth" / "paragraphs.csv"
_CAPTION = re.compile(r"(?<=[.!?)])\s?(?:Fig(?:ure|\.)?|Table)\s?\d+ (?=[A-Z(]).*$")
"""In these texts captions stand at the ends of paragraphs."""


def paragraphs(folder: Path) -> Iterator[str]:
    """Every paragraph of every article, without a caption at its end."""
    for file in folder.rglob("*body/*.txt"):
        for line in file.read_text("utf-8", errors="replace").split("\n"):
            yield _CAPTION.sub("", " ".join(line.split()))


def main(folder: Path) -> None:
    """Print, for each batch, what was read and how much of it is right by the words alone and by the article."""
    known = {hashlib.sha256(text.encode()).hexdigest()[:16]: text for text in paragraphs(folder)}
    words, articles, total = Counter[str](), Counter[str](), Counter[str]()
    with TRUTH.open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["label"]]
    for row in rows:
        texts = [known[digest] for digest in row["paragraphs"].split() if digest in known]
        if label_figure("Image.", paragraphs=texts).figure.label == "positive":
            total[row["batch"]] += 1
            words[row["batch"]] += row["label"] == "positive"
            articles[row["batch"]] += "positive" in (row["label"], row["article"])
    for batch in sorted(total):
        print(f"batch {batch}: {words[batch]} of {total[batch]} right by the words, {articles[batch]} by the article")
    for name, right in (("words", words), ("article", articles)):
        found = Precision(right.total(), total.total())
        print(f"all, by the {name}: {found.right} of {found.n} of {len(rows)}, lower 95 % bound {found.lower:.3f}")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(Path(sys.argv[1]))
