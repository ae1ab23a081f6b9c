"""Text burnt into pictures, by class: read by OCR on an even sample of each class, or on all."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from covidct.audit.cache import kept
from covidct.audit.findings import Finding, finding
from covidct.audit.resampling import association_p, cramers_v
from covidct.captions.identify import identifying
from covidct.files import sha256_file
from covidct.imaging.ocr import read_text
from covidct.pictures import open_grey
from covidct.progress import progress

_MIN_SCORE = 0.75
_TALLEST = 0.2
"""Share of the picture's height above which a line of text is a pair of lungs that looks like zeros."""
_CODE = ("covidct.imaging.ocr", "covidct.captions.identify", __name__)
_STRONG = 0.3
_P = 0.01


@dataclass(frozen=True)
class Read:
    """One picture that was read: how many lines stand in it, and how many of them may identify a person."""

    image: str
    lines: int
    identifying: int


def sample(images: pd.DataFrame, per_class: int | None) -> list[str]:
    """Ids to read: all, or ``per_class`` of each class, evenly spaced in the order of their hashes."""
    chosen: list[str] = []
    for _, rows in images.groupby("label"):
        ids = list(rows.sort_values("sha256")["image_id"])
        count = len(ids) if per_class is None else min(per_class, len(ids))
        chosen += [ids[k * len(ids) // count] for k in range(count)]
    return sorted(chosen)


def read_pictures(paths: Mapping[str, Path], ids: Sequence[str]) -> list[Read]:
    """OCR of the named pictures (0.3 to 1 s each); the texts themselves are not kept."""
    wanted = {image: paths[image] for image in ids if image in paths}
    return [_read(image, path) for image, path in progress(wanted.items(), "text", len(wanted))]


def _read(image: str, path: Path) -> Read:
    return Read(image, *kept("text", _CODE, [sha256_file(path)], lambda: _counts(path)))


def _counts(path: Path) -> tuple[int, int]:
    """Lines of text in a picture, and how many of them may identify a person."""
    grey = open_grey(path)
    tallest = _TALLEST * grey.shape[0]
    lines = [line.text for line in read_text(grey, min_score=_MIN_SCORE) if line.box[3] - line.box[1] <= tallest]
    words = [line for line in lines if sum(c.isalnum() for c in line) >= 2]
    return len(words), len({f.index for f in identifying(words)})


def text_findings(found: Sequence[Read], images: pd.DataFrame) -> Iterator[Finding]:
    """Pictures with text in them (a warning where one class has far more), and with text that may identify."""
    marked = [read.image for read in found if read.lines]
    table = images.set_index("image_id")
    if marked:
        by_class, stronger = _by_class(found, table)
        text = f"text is burnt into {len(marked)} of {len(found)} pictures that were read: {by_class}"
        action = "mask them ('covidct curate mask'), and materialise with --masked"
        yield finding(
            "burnt-in-text", "warning" if stronger else "note", text, action, marked, table["paper_id"][marked]
        )
    named = [read.image for read in found if read.identifying]
    if named:
        text = f"text in {len(named)} pictures may identify a person (read by OCR; a reason to look, not a proof)"
        yield finding("identifying-text", "error", text, "look at them; mask or take them out", named)


def _by_class(found: Sequence[Read], table: pd.DataFrame) -> tuple[str, bool]:
    labels = table["label"][[read.image for read in found]]
    has = np.asarray([read.lines > 0 for read in found], dtype=np.int64)
    classes = pd.factorize(labels, sort=True)[0].astype(np.int64)
    groups = pd.factorize(table["group_id"][labels.index])[0].astype(np.int64)
    counts = ", ".join(
        f"{label} {has[labels == label].sum()} of {(labels == label).sum()}" for label in sorted(set(labels))
    )
    strong = cramers_v(has, classes) >= _STRONG and association_p(has, classes, groups, 0) <= _P
    return counts, strong
