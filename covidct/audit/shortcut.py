"""Shortcut baselines: how far a classifier gets that never sees anatomy.

A random forest on size, on file format, on intensity and border statistics, on all of them; and a small network on
pictures whose lungs are blanked. Trained on train (train itself is scored by cross-validation over groups), scored on
every split with an interval by group and a permutation null.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from covidct.audit.cache import kept
from covidct.audit.findings import Finding, finding
from covidct.audit.resampling import Auc, grouped_auc
from covidct.audit.seen import Seen
from covidct.files import sha256_bytes
from covidct.records import SPLITS
from covidct.release.read.classes import is_positive
from covidct.scaling import scaled

FAMILIES: Mapping[str, tuple[str, ...]] = {
    "size only": ("size",),
    "file format only": ("format",),
    "intensity and border only": ("intensity", "border"),
    "all": ("size", "format", "compression", "intensity", "border", "colour"),
}
TREES = 100
_P = 0.05
_WORTH = 0.6
_BAD = 0.8
_FEWEST = 20
"""Images in train under which nothing is fitted."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Baseline:
    """One baseline on one split. ``accuracy`` and ``f1`` (of covid) at a threshold of one half."""

    name: str
    split: str
    auc: Auc
    accuracy: float
    f1: float


def feature_table(images: pd.DataFrame, seen: Mapping[str, Seen], families: Sequence[str]) -> Floats:
    """images x features of the named families; unread pictures keep only their size."""
    rows = []
    for image, width, height in zip(images["image_id"], images["width"], images["height"], strict=True):
        one = seen.get(image)
        if one is None:
            rows.append({"width": float(width), "height": float(height), "aspect": float(width) / float(height)})
        else:
            rows.append({f"{f}:{k}" if f != "size" else k: v for f in families for k, v in one.features[f].items()})
    return pd.DataFrame(rows).fillna(-1.0).to_numpy(dtype=np.float64)


def shortcut_baselines(
    images: pd.DataFrame, seen: Mapping[str, Seen], seed: int = 0, workers: int = 1, rounds: int = 1000
) -> list[Baseline]:
    """Every family on every split; only ``size only`` where no picture was read. Empty where train lacks a class."""
    families = FAMILIES if seen else {"size only": FAMILIES["size only"]}
    found: list[Baseline] = []
    for name, parts in families.items():
        scores = _kept_scores(feature_table(images, seen, parts), images, seed, workers)
        if scores is not None:
            found += score_baseline(name, scores, images, seed, rounds)
    return found


def _kept_scores(table: Floats, images: pd.DataFrame, seed: int, workers: int) -> Floats | None:
    """What :func:`forest_scores` gives, or gave for the same features, labels, splits and groups."""
    rows = ["\t".join(map(str, row)) for row in images[["label", "split", "group_id"]].itertuples(index=False)]
    key = [str(seed), str(scaled(TREES)), sha256_bytes(table.tobytes()), sha256_bytes("\n".join(rows).encode())]

    def find() -> list[float] | None:
        scores = forest_scores(table, images, seed, workers)
        return None if scores is None else [float(score) for score in scores]

    found = kept("forest", (__name__,), key, find)
    return None if found is None else np.asarray(found, np.float64)


def forest_scores(table: Floats, images: pd.DataFrame, seed: int, workers: int = 1) -> Floats | None:
    """Probability of covid for each image: out-of-group for train, from the forest of train for the rest."""
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.model_selection import StratifiedGroupKFold, cross_val_predict

    positive = is_positive(images)
    train = (images["split"] == "train").to_numpy()
    groups = pd.factorize(images["group_id"])[0]
    folds = _folds(positive[train], groups[train])
    if folds < 2:
        return None
    forest = RandomForestClassifier(scaled(TREES), min_samples_leaf=2, random_state=seed, n_jobs=workers)
    scores = np.zeros(len(images))
    way = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
    scores[train] = cross_val_predict(
        forest, table[train], positive[train], groups=groups[train], cv=way, method="predict_proba"
    )[:, 1]
    if (~train).any():
        scores[~train] = forest.fit(table[train], positive[train]).predict_proba(table[~train])[:, 1]
    return scores


def score_baseline(name: str, scores: Floats, images: pd.DataFrame, seed: int, rounds: int = 1000) -> list[Baseline]:
    """``scores`` (probability of covid) on each split that holds both classes."""
    positive = is_positive(images)
    groups = pd.factorize(images["group_id"])[0].astype(np.int64)
    found = []
    for split in SPLITS:
        rows = (images["split"] == split).to_numpy()
        if rows.any() and 0 < positive[rows].sum() < rows.sum():
            area = grouped_auc(scores[rows], positive[rows], groups[rows], seed, rounds)
            predicted = scores[rows] >= 0.5
            hits = int((predicted & positive[rows]).sum())
            f1 = 2 * hits / max(int(predicted.sum() + positive[rows].sum()), 1)
            found.append(Baseline(name, split, area, float((predicted == positive[rows]).mean()), f1))
    return found


def shortcut_findings(baselines: Sequence[Baseline]) -> list[Finding]:
    """Baselines that chance does not explain (Bonferroni over all that were run), and how good they are."""
    found = []
    for one in baselines:
        if one.auc.p * len(baselines) > _P or one.auc.low <= 0.5 or one.auc.value < _WORTH:
            continue
        severity = "error" if one.auc.value >= _BAD and one.split == "test" else "warning"
        text = (
            f"'{one.name}' reaches AUC {one.auc.value:.3f} [{one.auc.low:.3f}, {one.auc.high:.3f}] on {one.split}, "
            f"accuracy {one.accuracy:.3f}, F1 {one.f1:.3f}, without seeing anatomy (chance up to {one.auc.null:.3f})"
        )
        action = "materialise one canonical form; print this row beside every score on this release"
        found.append(finding("shortcut", severity, text, action))
    return found


def _folds(positive: NDArray[np.bool_], groups: NDArray[np.int64]) -> int:
    """Folds that leave both classes in every training part; 0 where there are too few."""
    if len(positive) < _FEWEST:
        return 0
    fewest = min(len(set(groups[positive])), len(set(groups[~positive])))
    return min(5, fewest)
