"""How sure a score is: bootstrap over groups, DeLong beside it, and a paired comparison of two runs.

Images of one patient or paper are alike, so groups are drawn, not images (Field & Welsh 2007). DeLong's variance
(DeLong et al. 1988) takes images as independent and is therefore too narrow on clustered data; it is shown for
comparison only.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from covidct.scores import Array, auc

DRAWS = 2000
OPERATING_POINTS: Mapping[str, tuple[str, float]] = {
    f"{metric}_at_{held}_{level}": (metric, level / 100)
    for metric, held in (("recall", "specificity"), ("specificity", "recall"))
    for level in (90, 95)
}
"""Name of a score: the metric, and the level at which the other one is held; recall is sensitivity."""


@dataclass(frozen=True)
class Interval:
    """A value with its 95 % interval; ``dropped`` draws held one class only and say nothing."""

    value: float
    low: float
    high: float
    dropped: int = 0


def group_weights(groups: Sequence[str], draws: int, seed: int) -> Array:
    """(draws, n): how often each image is in each resample when whole groups are drawn with replacement."""
    _, place = np.unique(np.asarray(groups, dtype=str), return_inverse=True)
    count = int(place.max()) + 1 if len(place) else 0
    rng = np.random.default_rng(seed)
    times = rng.multinomial(count, np.full(count, 1 / count), size=draws)
    return np.asarray(times[:, place], dtype=np.float64)


def weighted(truth: Array, probability: Array, weights: Array, metric: str, threshold: float) -> Array:
    """``metric`` under each row of ``weights`` (draws, n): the scores of many resamples at once."""
    positive = truth > 0.5
    if metric in OPERATING_POINTS:
        return _operating_point(positive, probability, weights, *OPERATING_POINTS[metric])
    if metric == "auc":
        return _weighted_auc(positive, probability, weights)
    if metric == "brier":
        return _ratio(weights @ (probability - truth) ** 2, weights.sum(1))
    called = probability >= threshold
    tp, fp = weights @ (called & positive), weights @ (called & ~positive)
    fn, tn = weights @ (~called & positive), weights @ (~called & ~positive)
    parts = {
        "accuracy": (tp + tn, tp + tn + fp + fn),
        "precision": (tp, tp + fp),
        "recall": (tp, tp + fn),
        "f1": (2 * tp, 2 * tp + fp + fn),
        "specificity": (tn, tn + fp),
    }
    return _ratio(*parts[metric])


def _weighted_auc(positive: NDArray[np.bool_], probability: Array, weights: Array) -> Array:
    """AUC under each row of ``weights``, in time and memory that grow with the images, not with their pairs."""
    order = np.argsort(probability, kind="stable")
    starts = np.flatnonzero(np.diff(probability[order], prepend=-np.inf))
    ahead, behind = (np.add.reduceat(weights[:, order] * kind[order], starts, axis=1) for kind in (positive, ~positive))
    below = np.cumsum(behind, axis=1) - behind / 2
    return _ratio((ahead * below).sum(1), ahead.sum(1) * behind.sum(1))


def _operating_point(
    positive: NDArray[np.bool_], probability: Array, weights: Array, metric: str, level: float
) -> Array:
    """The highest recall (or specificity) at any threshold at which the other one is at least ``level``."""
    order = np.argsort(-probability, kind="stable")
    ends = np.flatnonzero(np.diff(probability[order], append=np.nan))
    called = [np.cumsum(weights[:, order] * kind[order], axis=1) for kind in (positive, ~positive)]
    tp, fp = (np.concatenate([np.zeros((len(weights), 1)), one[:, ends]], axis=1) for one in called)
    recall, specificity = _ratio(tp, called[0][:, -1:]), 1 - _ratio(fp, called[1][:, -1:])
    wanted, held = (recall, specificity) if metric == "recall" else (specificity, recall)
    best = np.where(held >= level - 1e-12, wanted, -1).max(axis=1)
    return np.asarray(np.where(np.isfinite(recall[:, -1] + specificity[:, -1]), best, np.nan), dtype=np.float64)


def _ratio(part: Array, whole: Array) -> Array:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.where(whole > 0, part / whole, np.nan), dtype=np.float64)


def bootstrap(
    truth: Array,
    runs: Sequence[Array],
    groups: Sequence[str],
    metric: str,
    thresholds: Sequence[float] | None = None,
    draws: int = DRAWS,
    seed: int = 0,
) -> Interval:
    """The mean of ``metric`` over ``runs`` (one array of probabilities a seed) and its percentile interval.

    Each resample draws groups with replacement and takes the mean over all runs on it. One group alone has no interval.
    """
    cuts = thresholds or [0.5] * len(runs)
    once = np.ones((1, len(truth)))
    value = float(np.mean([weighted(truth, p, once, metric, t)[0] for p, t in zip(runs, cuts, strict=True)]))
    if len(set(groups)) < 2:
        return Interval(value, float("nan"), float("nan"), draws)
    weights = group_weights(groups, draws, seed)
    spread = np.mean([weighted(truth, p, weights, metric, t) for p, t in zip(runs, cuts, strict=True)], axis=0)
    return percentiles(value, spread)


def percentiles(value: float, spread: Array) -> Interval:
    """The 2.5 and 97.5 % points of ``spread``, NaN left out and counted."""
    kept = spread[np.isfinite(spread)]
    if not len(kept):
        return Interval(value, float("nan"), float("nan"), len(spread))
    low, high = np.percentile(kept, [2.5, 97.5])
    return Interval(value, float(low), float(high), len(spread) - len(kept))


def delong(truth: Array, probability: Array) -> Interval:
    """AUC with DeLong's interval (images taken as independent), cut to 0 and 1; by ranks (Sun & Xu 2014)."""
    positive = truth > 0.5
    ranks = rankdata(probability)
    counts = int(positive.sum()), int((~positive).sum())
    if min(counts) < 2:
        return Interval(auc(truth, probability), float("nan"), float("nan"))
    ahead = (ranks[positive] - rankdata(probability[positive])) / counts[1]
    behind = 1 - (ranks[~positive] - rankdata(probability[~positive])) / counts[0]
    area = float(ahead.mean())
    spread = 1.959964 * math.sqrt(ahead.var(ddof=1) / counts[0] + behind.var(ddof=1) / counts[1])
    return Interval(area, max(0.0, area - spread), min(1.0, area + spread))


@dataclass(frozen=True)
class Paired:
    """``value`` = second minus first, its interval over groups, and the share of label swaps that differ as much."""

    value: float
    low: float
    high: float
    p: float


def paired(
    truth: Array,
    first: Sequence[Array],
    second: Sequence[Array],
    groups: Sequence[str],
    metric: str = "auc",
    draws: int = DRAWS,
    seed: int = 0,
) -> Paired:
    """Two runs on the same images: the mean over seeds of each, differenced within every resample of groups.

    The p-value swaps the two runs' predictions group by group, the first seed of one with the first of the other and
    so on: with unequal numbers of seeds it is of the pairs alone.
    """
    weights = group_weights(groups, draws, seed)
    once = np.ones((1, len(truth)))

    def mean(runs: Sequence[Array], rows: Array) -> Array:
        return np.asarray(np.mean([weighted(truth, p, rows, metric, 0.5) for p in runs], axis=0))

    seen = float(mean(second, once)[0] - mean(first, once)[0])
    interval = percentiles(seen, mean(second, weights) - mean(first, weights))
    return Paired(seen, interval.low, interval.high, _swap_test(truth, first, second, groups, metric, seed))


def holm(values: Sequence[float]) -> list[float]:
    """p values corrected for their number, in the order given (Holm 1979): never smaller than before, at most 1."""
    order = sorted(range(len(values)), key=lambda place: values[place])
    found, highest = [0.0] * len(values), 0.0
    for rank, place in enumerate(order):
        highest = max(highest, min(1.0, (len(values) - rank) * values[place]))
        found[place] = highest
    return found


def _swap_test(
    truth: Array,
    first: Sequence[Array],
    second: Sequence[Array],
    groups: Sequence[str],
    metric: str,
    seed: int,
) -> float:
    """Share of swaps, group by group, after which the runs differ at least as much as they do.

    What is swapped is what the metric reads of a run (:func:`_read`), so that runs on different scales can be.
    """
    _, place = np.unique(np.asarray(groups, dtype=str), return_inverse=True)
    rng = np.random.default_rng(seed + 1)
    once = np.ones((1, len(truth)))
    pairs = [(_read(a, metric), _read(b, metric)) for a, b in zip(first, second, strict=False)]

    def gap(swap: NDArray[np.bool_]) -> float:
        sides = [(np.where(swap, a, b), np.where(swap, b, a)) for a, b in pairs]
        gaps = [weighted(truth, x, once, metric, 0.5) - weighted(truth, y, once, metric, 0.5) for x, y in sides]
        return abs(float(np.mean(gaps)))

    seen = gap(np.zeros(len(truth), dtype=np.bool_))
    trials = 1000
    hits = sum(gap(rng.random(place.max() + 1)[place] < 0.5) >= seen - 1e-12 for _ in range(trials))
    return (hits + 1) / (trials + 1)


def _read(run: Array, metric: str) -> Array:
    """What a metric reads of a run: ranks for AUC, calls at 0.5 as 0 and 1, or for Brier the probabilities."""
    if metric == "auc":
        return np.asarray(rankdata(run), dtype=np.float64)
    return run if metric == "brier" else np.asarray(run >= 0.5, dtype=np.float64)


def deviation_text(deviation: float | None) -> str:
    """``0.012``; a dash where there is one seed only, which has no deviation."""
    return "–" if deviation is None else f"{deviation:.3f}"


def interval_text(score: Mapping[str, Any]) -> str:
    """``0.712 to 0.854``; empty where there are too few groups, or one class alone, for an interval."""
    low, high = score.get("low"), score.get("high")
    known = low is not None and high is not None and math.isfinite(low) and math.isfinite(high)
    return f"{low:.3f} to {high:.3f}" if known else ""
