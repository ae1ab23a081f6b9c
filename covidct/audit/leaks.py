"""What ties splits or labels together that should be apart: duplicates, papers, patients, groups."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from covidct.audit.cache import kept
from covidct.audit.findings import Finding, finding
from covidct.audit.seen import Grey, pixels
from covidct.files import sha256_file
from covidct.grouping import groups
from covidct.imaging.duplicates.search import find_duplicates
from covidct.progress import progress

_CODE = (
    *("covidct.imaging.duplicates.search", "covidct.imaging.duplicates.hashes"),
    *("covidct.imaging.duplicates.correlation", "covidct.pictures"),
)


@dataclass(frozen=True)
class Twin:
    """Two images that show the same scan; ``change`` says how they differ."""

    a: str
    b: str
    score: float
    change: str


def find_twins(paths: Mapping[str, Path]) -> list[Twin]:
    """All pairs of pictures that show the same scan, by image ids."""
    ids = list(paths)
    found = kept(
        "twins",
        _CODE,
        [sha256_file(path) for path in paths.values()],
        lambda: [(d.i, d.j, round(d.score, 3), d.change) for d in find_duplicates(_announced(paths))],
    )
    return [Twin(ids[i], ids[j], score, change) for i, j, score, change in found]


def _announced(paths: Mapping[str, Path]) -> Iterator[Grey]:
    return iter(progress(pixels(paths), "fingerprints", len(paths)))


def duplicate_findings(twins: Sequence[Twin], images: pd.DataFrame) -> Iterator[Finding]:
    """One finding for each set of twins and the worst that it does: labels, then splits, then mere repetition."""
    rows = _rows(images)
    of = groups({name for twin in twins for name in (twin.a, twin.b)}, [(twin.a, twin.b) for twin in twins])
    for root in sorted(set(of.values())):
        members = sorted(name for name, group in of.items() if group == root)
        pairs = [twin for twin in twins if of[twin.a] == root]
        papers = [rows[name]["paper_id"] for name in members]
        seen = ", ".join(f"{twin.a} = {twin.b} ({twin.score:.3f}, {twin.change})" for twin in pairs[:4])
        labels, splits = ({rows[name][column] for name in members} for column in ("label", "split"))
        if len(labels) > 1:
            text = f"the same picture under both labels: {seen}"
            yield finding("cross-label-duplicate", "error", text, "find the true label; keep one copy", members, papers)
        if len(splits - {""}) > 1:
            text = f"the same picture in {' and '.join(sorted(splits))}: {seen}"
            yield finding("cross-split-duplicate", "error", text, "put the copies into one group", members, papers)
        if len(labels) == 1 and len(splits) == 1:
            yield finding("duplicate", "note", f"the same picture twice: {seen}", "keep one copy", members, papers)


def torn_findings(images: pd.DataFrame) -> Iterator[Finding]:
    """Papers, patients and groups that stand in more than one split; patients in more than one group."""
    for column, kind in (("paper_id", "torn-paper"), ("patient_id", "torn-patient"), ("group_id", "torn-group")):
        for key, rows in _spread(images, column, "split"):
            counts = ", ".join(f"{split} {n}" for split, n in sorted(rows["split"].value_counts().items()))
            action = "put all of it into one split; if part of it was in test, into test"
            papers = [*rows["paper_id"], *([key] if column == "paper_id" else [])]
            evidence = f"{column} {key} stands in {counts}"
            yield finding(kind, "error", evidence, action, rows["image_id"], papers)
    for key, rows in _spread(images, "patient_id", "group_id"):
        evidence = f"patient {key} belongs to {rows['group_id'].nunique()} groups"
        yield finding("patient-over-groups", "warning", evidence, "join the groups", rows["image_id"], rows["paper_id"])


def label_spread_findings(images: pd.DataFrame) -> Iterator[Finding]:
    """Patients whose images carry both labels."""
    for key, rows in _spread(images, "patient_id", "label"):
        evidence = f"patient {key} has images of both classes"
        action = "look at the captions: one of the labels, or the patient id, is wrong"
        yield finding("patient-with-both-labels", "warning", evidence, action, rows["image_id"], rows["paper_id"])


def _spread(images: pd.DataFrame, key: str, over: str) -> Iterator[tuple[str, pd.DataFrame]]:
    named = images[(images[key] != "") & (images[over] != "")]
    counts = named.groupby(key)[over].nunique()
    for name in counts.index[counts > 1]:
        yield str(name), named[named[key] == name]


def _rows(images: pd.DataFrame) -> dict[str, dict[str, str]]:
    records = images[["image_id", "label", "split", "paper_id"]].to_dict("records")
    return {str(row["image_id"]): {str(k): str(v) for k, v in row.items()} for row in records}
