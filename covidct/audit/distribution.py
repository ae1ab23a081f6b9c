"""What goes with the class or the split and should not: format, mode, size, compression, border, source, licence."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from covidct.audit.findings import Finding, finding
from covidct.audit.resampling import association_p, cramers_v
from covidct.audit.seen import Seen
from covidct.records import POSITIVE_CLASS, SPLITS

STRONG = 0.3
"""Cramér's V from which an association is worth a finding, if chance does not explain it."""
_P = 0.002
_BINS = 4
_SMALL_CELL = 10
_SMALL_GROUPS = 5
"""Groups of one class in one split under which an interval says little."""

Codes = NDArray[np.int64]


@dataclass(frozen=True)
class Association:
    """How strongly a property of pictures goes with class or split; ``table`` counts images by value and class."""

    name: str
    by: str
    v: float
    p: float
    table: pd.DataFrame

    @property
    def strong(self) -> bool:
        """Worth a finding."""
        return self.v >= STRONG and self.p <= _P

    @property
    def counts(self) -> str:
        """Images by value and class, the first six values."""
        return "; ".join(f"{value or 'none'}: {_counts(row)}" for value, row in list(self.table.iterrows())[:6])


def properties(images: pd.DataFrame, seen: Mapping[str, Seen]) -> dict[str, "pd.Series[str]"]:
    """Named properties of each image, as text; numbers as quarters of the release."""
    columns: dict[str, pd.Series[str]] = {
        "source": images["source"],
        "licence": images["licence"],
        "size": _quarters(images["width"].astype(float) * images["height"].astype(float)),
    }
    here = [seen.get(image) for image in images["image_id"]]
    if all(here):  # a materialised folder may have other sizes than the sources
        columns["size"] = _quarters(pd.Series([s.features["size"]["log_area"] for s in here if s], index=images.index))
    if not any(here):
        return columns
    columns["format"] = _text(images, [s.format if s else "" for s in here])
    columns["mode"] = _text(images, [s.mode if s else "" for s in here])
    for name, family, key in _NUMERIC:
        columns[name] = _quarters(
            pd.Series([s.features[family][key] if s else np.nan for s in here], index=images.index)
        )
    return columns


_NUMERIC = (
    ("compression", "compression", "bytes_per_pixel"),
    ("blocks", "compression", "blockiness"),
    ("border", "border", "border_black"),
    ("brightness", "intensity", "mean"),
    ("colour", "colour", "coloured"),
)
_SAYS = {
    "source": "the source decides or hints at the class",
    "licence": "the licence goes with the class",
    "size": "picture sizes go with the class",
    "format": "the file format goes with the class",
    "mode": "the colour mode goes with the class",
    "compression": "compression goes with the class",
    "blocks": "traces of JPEG go with the class",
    "border": "borders go with the class",
    "brightness": "overall brightness goes with the class",
    "colour": "coloured marks go with the class",
}


def associations(images: pd.DataFrame, seen: Mapping[str, Seen], seed: int = 0) -> list[Association]:
    """Every property against the class and against the split, with a null that keeps groups whole."""
    groups = pd.factorize(images["group_id"])[0].astype(np.int64)
    found = []
    for name, values in properties(images, seen).items():
        for by in ("label", "split"):
            found.append(_associate(name, values, by, images[by], groups, seed))
    return found


def association_findings(found: Sequence[Association], images: pd.DataFrame) -> Iterator[Finding]:
    """``NAME-by-class`` and ``NAME-by-split`` for what chance does not explain."""
    for one in found:
        if not one.strong:
            continue
        side = "class" if one.by == "label" else "split"
        text = f"{_SAYS[one.name].replace('class', side)} (Cramér's V {one.v:.2f}, p {one.p:.3f}): {one.counts}"
        severity = "warning" if one.by == "label" else "note"
        action = "materialise one canonical form, balance sources, and print the shortcut baselines beside scores"
        yield finding(f"{one.name}-by-{side}", severity, text, action, _telling(one, images))


def confounding_findings(images: pd.DataFrame) -> Iterator[Finding]:
    """Sources that only one class has."""
    table = pd.crosstab(images["source"], images["label"])
    if table.shape[1] < 2 or len(table) < 2:
        return
    lone = [str(source) for source, row in table.iterrows() if source and (row == 0).any() and row.sum() >= _SMALL_CELL]
    if lone:
        rows = images[images["source"].isin(lone)]
        text = f"only one class comes from {', '.join(lone)} ({len(rows)} of {len(images)} images)"
        action = "add images of the other class from the same sources, or report scores by source"
        yield finding("source-confounded", "warning", text, action, rows["image_id"], rows["paper_id"])


def size_findings(images: pd.DataFrame) -> Iterator[Finding]:
    """Splits without a class, or with too few groups of one for an interval; a class far larger than the other."""
    known = images[images["split"] != ""]
    for split in [s for s in SPLITS if (known["split"] == s).any()]:
        for label in sorted(set(images["label"])):
            rows = known[(known["split"] == split) & (known["label"] == label)]
            count = rows["group_id"].nunique()
            if count < _SMALL_GROUPS:
                text = f"{split} holds {count} groups ({len(rows)} images) of {label}: intervals will be wide"
                yield finding("small-group", "note", text, "collect more, or use k-fold", rows["image_id"])
    shares = images["label"].value_counts(normalize=True)
    if len(shares) < 2 or shares.min() < 0.1:
        text = ", ".join(f"{label} {share:.0%}" for label, share in shares.items())
        yield finding(
            "class-imbalance", "warning", f"classes are far from balance: {text}", "report AUC and both rates"
        )
    largest = images["group_id"].value_counts()
    if len(images) >= 50 and largest.iloc[0] > 0.1 * len(images):
        rows = images[images["group_id"] == largest.index[0]]
        text = f"group {largest.index[0]} holds {len(rows)} of {len(images)} images"
        yield finding("large-group", "note", text, "weight by group when scoring", rows["image_id"], rows["paper_id"])


def _associate(
    name: str, values: "pd.Series[str]", by: str, classes: "pd.Series[str]", groups: Codes, seed: int
) -> Association:
    value_codes = pd.factorize(values, sort=True)[0].astype(np.int64)
    class_codes = pd.factorize(classes, sort=True)[0].astype(np.int64)
    v = cramers_v(value_codes, class_codes)
    p = association_p(value_codes, class_codes, groups, seed) if v >= STRONG else 1.0
    return Association(name, by, v, p, pd.crosstab(values, classes))


def _telling(one: Association, images: pd.DataFrame) -> list[str]:
    """Images with a value that only one class has, at most; all of them would say nothing."""
    if one.by != "label" or one.name not in {"format", "mode", "source", "licence"}:
        return []
    lone = {value for value, row in one.table.iterrows() if (row == 0).any()}
    column = one.name if one.name in images.columns else ""
    return [] if not column else list(images.loc[images[column].isin(lone), "image_id"])


def _counts(row: "pd.Series[int]") -> str:
    order = [POSITIVE_CLASS, *[key for key in row.index if key != POSITIVE_CLASS]]
    return ", ".join(f"{key or 'none'} {row[key]}" for key in order if key in row.index)


def _quarters(values: "pd.Series[float]") -> "pd.Series[str]":
    edges = np.unique(np.nanquantile(values, np.linspace(0, 1, _BINS + 1)))
    if len(edges) < 3:
        return pd.Series("all", index=values.index, dtype=object)
    bins = np.clip(np.searchsorted(edges, values, side="right") - 1, 0, len(edges) - 2)
    names = [f"{edges[k]:.3g} to {edges[k + 1]:.3g}" for k in range(len(edges) - 1)]
    return pd.Series([names[k] for k in bins], index=values.index, dtype=object)


def _text(images: pd.DataFrame, values: list[str]) -> "pd.Series[str]":
    return pd.Series(values, index=images.index, dtype=object)
