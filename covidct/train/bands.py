"""Bands round ROC and precision-recall curves: 95 % of the curves of resamples of whole groups, point by point."""

from collections.abc import Sequence
from typing import Literal

import numpy as np

from covidct.intervals import group_weights
from covidct.scores import Array

GRID = np.linspace(0, 1, 101)
"""Where the bands are known: false positive rates (ROC) or recalls (precision and recall)."""
DRAWS = 400
"""Resamples of a band: what is drawn, no more; printed intervals take more (:data:`covidct.intervals.DRAWS`)."""


def band(
    truth: Array, probability: Array, groups: Sequence[str], kind: Literal["roc", "pr"], draws: int = DRAWS
) -> tuple[Array, Array]:
    """Lower and upper edge (101,) on :data:`GRID`; resamples of one class only say nothing and are left out."""
    weights = group_weights(groups, draws, 0)
    positive, order = truth > 0.5, np.argsort(-probability, kind="stable")
    ends = np.flatnonzero(np.diff(probability[order], append=np.nan))
    tp, fp = (np.cumsum(weights[:, order] * side[order], axis=1)[:, ends] for side in (positive, ~positive))
    rows = [(t, f) for t, f in zip(tp, fp, strict=True) if t[-1] and f[-1]]
    curves = [_roc(t, f) if kind == "roc" else _precision(t, f) for t, f in rows]
    low, high = np.percentile(curves, [2.5, 97.5], axis=0) if curves else np.full((2, len(GRID)), np.nan)
    return low, high


def _roc(tp: Array, fp: Array) -> Array:
    return np.interp(GRID, np.r_[0, fp / fp[-1]], np.r_[0, tp / tp[-1]])


def _precision(tp: Array, fp: Array) -> Array:
    called = np.maximum(tp + fp, 1e-12)
    found = tp + fp > 0
    return np.interp(GRID, (tp / tp[-1])[found], (tp / called)[found])
