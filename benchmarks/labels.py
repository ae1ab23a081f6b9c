"""Score caption labels on the captions of benchmarks/truth/labels.csv: python benchmarks/labels.py TEXTS.json...

The table holds no text: locators, the first 16 digits of the sha256 of each text (blanks single), and the label that a
machine reader (no clinician) gave before the program ran; an empty label was doubtful. TEXTS are JSON files in which
the texts stand, in any form: MedPix 2.0's Descriptions.json and Case_topic.json, {paper: {figure: caption}}, or a list;
or a folder of articles: text such as T2S2's ``PMC…_body.txt``, in which captions begin with ``Fig. 1``, markdown with
captions as alternative texts (``![Figure 1, …](…)``), JATS.
Prints macro-F1, what was called what, and the precision of each way.
"""

import argparse
import hashlib
import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

from covidct.captions.labels import label_caption
from covidct.captions.ways import Precision, Way
from covidct.errors import CovidctError
from covidct.harvest.articles import read_article
from covidct.tables import read_csv

TRUTH = Path(__file__).parent / "truth" / "labels.csv"
CLASSES = ("positive", "negative", "unclear")


def main() -> None:
    """Print the scores of every batch and the table of ways."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("texts", nargs="+", type=Path)
    texts = {_digest(t): t for file in parser.parse_args().texts for t in _texts(file)}
    _, rows = read_csv(TRUTH)
    found = [(row, texts[row["sha256"]]) for row in rows if row["sha256"] in texts and row["label"]]
    pairs: dict[str, list[tuple[str, str]]] = defaultdict(list)
    ways: dict[str, list[bool]] = defaultdict(list)
    for row, text in found:
        figure = label_caption(text).figure
        said = "not-a-scan" if figure.way is Way.NOT_A_SCAN else figure.label
        pairs[row["batch"]].append((_merged(row["label"]), _merged(said)))
        ways[figure.way].append(said == row["label"])
    print(json.dumps({"texts found": len(found), "of": sum(bool(row["label"]) for row in rows)}))
    for batch, called in sorted(pairs.items()):
        print(json.dumps({"batch": batch, **_scores(called)}))
    for way, right in sorted(ways.items()):
        measured = Precision(sum(right), len(right))
        print(f"{way:<18} {measured.right:>4} of {measured.n:<4} lower 95 % bound {measured.lower:.3f}")


_CAPTION = re.compile(
    r"(?:^|(?<=[.)\]?!:;%\"”’a-z]))Fig(?:ure|\.)?\s?\d+[.:]?\s+(?=[A-Z(\[])"
    r"(?P<text>[^\n]+(?:\n\n?(?:\(?[A-Z]\)?[.:,)] )[^\n]+)*)",
    re.MULTILINE,
)


def _texts(path: Path) -> Iterator[str]:
    if not path.is_dir():
        yield from _strings(json.loads(path.read_text("utf-8")))
        return
    for suffix, captions in _KINDS.items():
        for file in path.rglob(f"*.{suffix}"):
            yield from captions(file.read_text("utf-8", errors="replace"))


def _of_text(text: str) -> Iterator[str]:
    for found in _CAPTION.finditer(text):
        yield re.sub(r"^Fig(?:ure|\.)?\s?\d+[.:]?\s+", "", " ".join(found["text"].split()))


def _of_markdown(text: str) -> Iterator[str]:
    for found in re.findall(r"!\[Fig(?:ure|\.)?\s*[\w.-]+[,.:]?\s*(.*?)\]\(http", text, re.DOTALL):
        yield found.replace("\\", "")


def _of_jats(text: str) -> Iterator[str]:
    try:
        article = read_article(text.encode(), "an article")
    except CovidctError:  # a file that is no article holds no caption
        return
    yield from (figure.caption for figure in article.figures)


_KINDS = {"txt": _of_text, "md": _of_markdown, "xml": _of_jats}


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _strings(inner)


def _digest(text: str) -> str:
    return hashlib.sha256(" ".join(text.split()).encode()).hexdigest()[:16]


def _merged(label: str) -> str:
    return "negative" if label == "not-a-scan" else label


def _scores(called: list[tuple[str, str]]) -> dict[str, object]:
    """Macro-F1 over the classes that are there; negatives called positive and the reverse; refusal."""
    there = [c for c in CLASSES if any(c == want for want, _ in called)]
    f1 = []
    for name in there:
        hits = sum(want == got == name for want, got in called)
        f1.append(2 * hits / max(1, sum(want == name for want, _ in called) + sum(got == name for _, got in called)))
    accepted = [(want, got) for want, got in called if got != "unclear"]
    wrong = Counter(called)
    return {
        "captions": len(called),
        "macro_f1": round(sum(f1) / len(f1), 3),
        "negative_called_positive": wrong["negative", "positive"],
        "positive_called_negative": wrong["positive", "negative"],
        "accepted_precision": round(sum(want == got for want, got in accepted) / max(1, len(accepted)), 3),
        "coverage": round(len(accepted) / len(called), 3),
    }


if __name__ == "__main__":
    main()
