"""What a run needs of a release: labelled images by split, with their groups, and their pixels."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from covidct.errors import UsageError
from covidct.records import CLASSES
from covidct.release.read import Release
from covidct.release.read.classes import class_names, is_positive, need_both_classes
from covidct.train.loop import Pictures
from covidct.train.pixels import PixelStore
from covidct.train.seen import Marks, marks

PARTS = ("train", "val", "test")


@dataclass(frozen=True)
class Part:
    """One split: all sequences have one entry an image; ``groups`` never cross splits.

    ``truth`` is 1 for the positive class, ``classes`` the names of the negative and the positive one.
    """

    ids: tuple[str, ...]
    truth: NDArray[np.float64]
    groups: tuple[str, ...]
    sources: tuple[str, ...]
    classes: tuple[str, str] = CLASSES

    def take(self, chosen: Sequence[int]) -> "Part":
        return Part(
            tuple(self.ids[i] for i in chosen),
            self.truth[list(chosen)],
            tuple(self.groups[i] for i in chosen),
            tuple(self.sources[i] for i in chosen),
            self.classes,
        )


def joined(parts: Sequence[Part]) -> Part:
    """Several parts behind each other."""
    return Part(
        tuple(image for part in parts for image in part.ids),
        np.concatenate([part.truth for part in parts]),
        tuple(group for part in parts for group in part.groups),
        tuple(source for part in parts for source in part.sources),
        parts[0].classes,
    )


@dataclass(frozen=True)
class BenchData:
    """A release ready for training; ``title`` is ``name/version``."""

    title: str
    parts: dict[str, Part]
    store: PixelStore
    marks: Mapping[str, Marks] = field(default_factory=dict)
    """What each image is known by, whatever its name (:mod:`covidct.train.seen`)."""

    def seen(self, *splits: str) -> Marks:
        """The marks of all images of ``splits``."""
        return frozenset().union(*(self.marks.get(image, ()) for split in splits for image in self.parts[split].ids))

    def pictures(self, split: str) -> Pictures:
        part = self.parts[split]
        return Pictures(self.store.rows(part.ids), part.truth)


def bench_data(release: Release, store: PixelStore, needed: Sequence[str] = PARTS) -> BenchData:
    """``release`` by split; a needed split without both classes is a UsageError."""
    check_parts(release, needed)
    parts = {split: _part(release.images[release.images["split"] == split]) for split in PARTS}
    return BenchData(release.title, parts, store, marks(release))


def _part(rows: pd.DataFrame) -> Part:
    groups = rows["group_id"].where(rows["group_id"] != "", rows["patient_id"])
    groups = groups.where(groups != "", rows["image_id"])
    truth = is_positive(rows).astype(np.float64)
    return Part(tuple(rows["image_id"]), truth, tuple(groups), tuple(rows["source"]), class_names(rows))


def check_parts(release: Release, needed: Sequence[str] = PARTS) -> None:
    """A UsageError in one line where a needed split is empty or lacks a class; it says what to do."""
    here = set(release.images["split"])
    for split in needed:
        if split not in here and release.images["label"].nunique() > 1:
            raise UsageError(f"{release.title}: no images in the {split} split; make one with 'covidct manifest split'")
    need_both_classes(release, needed)


def fraction_of(data: BenchData, share: float, seed: int) -> BenchData:
    """``data`` with ``share`` of the training groups of each class; a smaller share is part of every larger one."""
    if not 0 < share <= 1:
        raise UsageError(f"fraction {share}: give shares above 0 and up to 1")
    if share == 1:
        return data
    part = data.parts["train"]
    rng = np.random.default_rng(seed)
    kept: set[str] = set()
    for label in (0.0, 1.0):
        groups = sorted({g for g, t in zip(part.groups, part.truth, strict=True) if t == label})
        order = rng.permutation(len(groups))
        kept |= {groups[i] for i in order[: max(1, round(share * len(groups)))]}
    chosen = [i for i, group in enumerate(part.groups) if group in kept]
    return replace(data, parts={**data.parts, "train": part.take(chosen)})
