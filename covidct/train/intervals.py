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

from covidct.train.scores import Array, wins

DRAWS = 2000


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
    if metric == "auc":
        ahead, behind = weights[:, positive], weights[:, ~positive]
        won = np.einsum("bi,ij,bj->b", ahead, wins(truth, probability), behind, optimize=True)
        return _ratio(won, ahead.sum(1) * behind.sum(1))
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

    Each resample draws groups with replacement and takes the mean over all runs on it.
    """
    weights = group_weights(groups, draws, seed)
    cuts = thresholds or [0.5] * len(runs)
    once = np.ones((1, len(truth)))
    value = float(np.mean([weighted(truth, p, once, metric, t)[0] for p, t in zip(runs, cuts, strict=True)]))
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
    """AUC with DeLong's interval (images taken as independent), cut to 0 and 1."""
    matrix = wins(truth, probability)
    area = float(matrix.mean())
    spread = 1.959964 * math.sqrt(_delong_variance(matrix))
    return Interval(area, max(0.0, area - spread), min(1.0, area + spread))


def _delong_variance(matrix: NDArray[np.float64]) -> float:
    positives, negatives = matrix.shape
    if positives < 2 or negatives < 2:
        return float("nan")
    return float(matrix.mean(1).var(ddof=1) / positives + matrix.mean(0).var(ddof=1) / negatives)


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
    together = min(len(first), len(second))
    gap = mean(second[:together], once)[0] - mean(first[:together], once)[0]
    p = _swap_test(truth, first, second, groups, metric, abs(float(gap)), seed)
    return Paired(seen, interval.low, interval.high, p)


def _swap_test(
    truth: Array,
    first: Sequence[Array],
    second: Sequence[Array],
    groups: Sequence[str],
    metric: str,
    seen: float,
    seed: int,
) -> float:
    _, place = np.unique(np.asarray(groups, dtype=str), return_inverse=True)
    rng = np.random.default_rng(seed + 1)
    once = np.ones((1, len(truth)))
    pairs = list(zip(first, second, strict=False))
    hits = 0
    trials = 1000
    for _ in range(trials):
        swap = rng.random(place.max() + 1)[place] < 0.5
        gaps = [
            weighted(truth, np.where(swap, a, b), once, metric, 0.5)
            - weighted(truth, np.where(swap, b, a), once, metric, 0.5)
            for a, b in pairs
        ]
        hits += abs(float(np.mean(gaps))) >= seen - 1e-12
    return (hits + 1) / (trials + 1)


def interval_text(score: Mapping[str, Any]) -> str:
    """``0.712 to 0.854``; empty where there are too few groups, or one class alone, for an interval."""
    low, high = score.get("low"), score.get("high")
    known = low is not None and high is not None and math.isfinite(low) and math.isfinite(high)
    return f"{low:.3f} to {high:.3f}" if known else ""
