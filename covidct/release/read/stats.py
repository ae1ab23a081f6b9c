"""The counts of a release as the COVID-CT paper prints them: Table I, and section III-A (images a patient, sizes)."""

from dataclasses import dataclass

import pandas as pd

from covidct.records import SPLITS
from covidct.release.read.release import Release


@dataclass(frozen=True)
class Spread:
    """Mean, greatest and least of something counted."""

    mean: float
    max: int
    min: int


@dataclass(frozen=True)
class ClassStats:
    """One class of a release; ``height`` and ``width`` in pixels."""

    images: dict[str, int]
    """By split, and ``all``."""
    patients: dict[str, int]
    """Distinct patient ids by split, and ``all``; a patient in two splits counts in both and once in ``all``."""
    groups: dict[str, int]
    images_per_patient: Spread
    height: Spread
    width: Spread


def spread(values: "pd.Series[int]") -> Spread:
    """Mean, maximum and minimum; zeros where there is nothing."""
    if values.empty:
        return Spread(0.0, 0, 0)
    return Spread(round(float(values.mean()), 2), int(values.max()), int(values.min()))


def class_stats(images: pd.DataFrame) -> ClassStats:
    """Counts of the rows of one class."""
    named = images[images["patient_id"] != ""]
    return ClassStats(
        images=_by_split(images, "image_id"),
        patients=_by_split(named, "patient_id"),
        groups=_by_split(images, "group_id"),
        images_per_patient=spread(named.groupby("patient_id").size()),
        height=spread(images["height"]),
        width=spread(images["width"]),
    )


def release_stats(release: Release) -> dict[str, ClassStats]:
    """Stats of each class, positive class first."""
    return {name: class_stats(release.images[release.images["label"] == name]) for name in reversed(release.classes)}


def _by_split(images: pd.DataFrame, column: str) -> dict[str, int]:
    splits = [*SPLITS, *([""] if (images["split"] == "").any() else [])]
    counts = {split or "none": int(images.loc[images["split"] == split, column].nunique()) for split in splits}
    return {**counts, "all": int(images[column].nunique())}
