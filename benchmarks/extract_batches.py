"""Score public papers that nobody had opened before they were scored: labels found, whole captions.

    python benchmarks/extract_batches.py FOLDER [BATCH…]

FOLDER holds a git directory ``OWNER+NAME/repo`` for each repository named in truth/extract_batches.json, which has
locators (repository, commit, path, blob) and, for each figure, its label and a digest of the letters and digits of its
caption as a person read it; no text. A caption is whole where its digest agrees. Prints what is missed or not whole.
"""

import argparse
import hashlib
import json
import subprocess
import tempfile
import unicodedata
from pathlib import Path
from typing import Any

TRUTH = Path(__file__).parent / "truth" / "extract_batches.json"


def digest(caption: str) -> str:
    """What makes two readings of a caption the same: the beginning of the SHA-256 of its letters and digits."""
    letters = "".join(c for c in unicodedata.normalize("NFKC", caption).lower() if c.isalnum())
    return hashlib.sha256(letters.encode()).hexdigest()[:16]


def score(folder: Path, batch: dict[str, Any]) -> dict[str, float]:
    """Labels found and whole captions of one batch."""
    from covidct.captions.figure_labels import label_key
    from covidct.harvest.extract import Extractor, Limits

    total = found = whole = 0
    repository = folder / batch["repository"].replace("/", "+") / "repo"
    with tempfile.TemporaryDirectory() as name, Extractor(1, Limits(seconds=300)) as extractor:
        for number, paper in enumerate(batch["papers"]):
            pdf = Path(name) / f"{number}.pdf"
            pdf.write_bytes(subprocess.check_output(["git", "-C", repository, "cat-file", "blob", paper["blob"]]))
            figures = extractor.extract(pdf, Path(name) / str(number)).figures
            known = {label_key(figure.label) or figure.label: digest(figure.caption) for figure in figures}
            for label, caption in paper["figures"].items():
                read = known.get(label_key(label) or label)
                total, found, whole = total + 1, found + (read is not None), whole + (read == caption)
                if read != caption:
                    print("|", paper["path"], label, "missed" if read is None else "not whole")
    return {"figures": total, "labels": round(found / total, 3), "whole": round(whole / total, 3)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("batches", nargs="*")
    options = parser.parse_args()
    for name, batch in json.loads(TRUTH.read_text()).items():
        if not options.batches or name in options.batches:
            print(name, json.dumps(score(options.folder, batch)))


if __name__ == "__main__":
    main()
