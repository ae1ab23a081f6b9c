"""``manifest split``: a release's images regrouped and split anew, as a report, a table, or the next version."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from covidct.errors import CovidctError, UsageError
from covidct.files import write_bytes
from covidct.release.make.split import Fit, fold_images, leak_groups, split_images
from covidct.release.make.write import Draft, earlier_versions, old_test_ids, write_release
from covidct.release.read import Release, read_release
from covidct.release.read.classes import class_gaps
from covidct.tables import dump_table, read_table


@dataclass(frozen=True)
class Resplit:
    """A release, its rows with new ``group_id`` and ``split`` (or ``fold``), and how well it fits."""

    release: Release
    images: pd.DataFrame
    fit: Fit
    column: str

    @property
    def gaps(self) -> list[str]:
        """What a split lacks, with what to do; folds are not looked at."""
        return class_gaps(self.images) if self.column == "split" else []


def split_release(
    source: str, ratios: list[float], seed: int, folds: int | None, links: Path | None, manifests: Path
) -> Resplit:
    """New groups and splits; whoever stood in a test split of this or an earlier version stays in test."""
    release = read_release(source)
    images = release.images.copy()
    images["group_id"] = leak_groups(images, _read_links(links, set(images["image_id"])) if links else ())
    if folds:
        images["fold"], fit = fold_images(images, folds, seed)
        return Resplit(release, images, fit, "fold")
    earlier = [*earlier_versions(manifests, release.name, release.version), release]
    images["split"], fit = split_images(images, ratios, seed, old_test_ids(earlier))
    return Resplit(release, images, fit, "split")


def write_table(done: Resplit, path: Path) -> None:
    """``image_id,group_id,split`` (or ``fold``)."""
    write_bytes(path, dump_table(done.images, ("image_id", "group_id", done.column)))


def write_version(done: Resplit, version: str, date: str, manifests: Path) -> Path:
    """The release with its new splits as ``version``.

    Raises CovidctError with what helps where a split lacks a class: nothing could be trained on it or scored.
    """
    if done.gaps:
        raise CovidctError(f"{done.release.title} {version} is not written: {'; '.join(done.gaps)}")
    old = done.release
    about = {key: value for key, value in old.meta.items() if key not in {"name", "version", "date", "counts"}}
    tables = (done.images, old.papers, old.patients, old.withdrawn)
    return write_release(Draft(old.name, version, date, *tables, about=about), manifests)


def _read_links(path: Path, images: set[str]) -> list[tuple[str, str]]:
    table = read_table(path)
    if not {"a", "b"} <= set(table.columns):
        raise CovidctError(f"{path}: no columns 'a' and 'b'")
    pairs = list(zip(table["a"], table["b"], strict=True))
    unknown = [name for pair in pairs for name in pair if name not in images]
    if unknown:
        raise UsageError(f"{path}: {unknown[0]!r} is no image of the release")
    return pairs
