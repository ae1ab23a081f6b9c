"""Scores of a binary classifier; COVID is the positive class, 1, everywhere. Plain NumPy on (n,) arrays."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

Array = NDArray[np.float64]
METRICS = ("accuracy", "precision", "recall", "f1", "auc", "specificity", "brier", "ece")


@dataclass(frozen=True)
class Scores:
    """Scores at one threshold; ``auc``, ``brier`` and ``ece`` do not depend on it. NaN where a class is missing."""

    accuracy: float
    precision: float
    recall: float
    f1: float
    auc: float
    specificity: float
    brier: float
    ece: float


def score(truth: Array, probability: Array, threshold: float = 0.5) -> Scores:
    """All scores of ``probability`` (of COVID) against ``truth`` (0 or 1); called positive from ``threshold`` on."""
    called = probability >= threshold
    positive = truth > 0.5
    tp, fp = float((called & positive).sum()), float((called & ~positive).sum())
    fn, tn = float((~called & positive).sum()), float((~called & ~positive).sum())
    return Scores(
        accuracy=_share(tp + tn, len(truth)),
        precision=_share(tp, tp + fp, empty=0.0),
        recall=_share(tp, tp + fn),
        f1=_share(2 * tp, 2 * tp + fp + fn, empty=0.0),
        auc=auc(truth, probability),
        specificity=_share(tn, tn + fp),
        brier=float(np.mean((probability - truth) ** 2)) if len(truth) else float("nan"),
        ece=calibration_error(truth, probability),
    )


def _share(part: float, whole: float, empty: float = float("nan")) -> float:
    return part / whole if whole else empty


def auc(truth: Array, probability: Array) -> float:
    """Area under the ROC curve = the chance that a positive scores above a negative, ties counting half."""
    positive = truth > 0.5
    count, rest = int(positive.sum()), int((~positive).sum())
    if not count or not rest:
        return float("nan")
    return float((rankdata(probability)[positive].sum() - count * (count + 1) / 2) / (count * rest))


def calibration(truth: Array, probability: Array, bins: int = 10) -> list[tuple[float, float, int]]:
    """Per bin of equal width that holds any image: mean probability, share of positives, number of images."""
    place = np.minimum((probability * bins).astype(int), bins - 1)
    held = [place == number for number in range(bins)]
    return [(float(probability[m].mean()), float(truth[m].mean()), int(m.sum())) for m in held if m.any()]


def calibration_error(truth: Array, probability: Array, bins: int = 10) -> float:
    """Expected calibration error (Naeini et al. 2015): mean gap between predicted and observed
    frequency, weighted by bin size."""
    if not len(truth):
        return float("nan")
    return sum(abs(predicted - seen) * n for predicted, seen, n in calibration(truth, probability, bins)) / len(truth)


def best_threshold(truth: Array, probability: Array) -> float:
    """The cut of highest accuracy, halfway between two neighbouring probabilities; of equals the nearest to 0.5."""
    values = np.unique(probability)
    cuts = np.concatenate([[0.5], (values[1:] + values[:-1]) / 2])
    hits = ((probability[None, :] >= cuts[:, None]) == (truth[None, :] > 0.5)).mean(axis=1)
    ties = cuts[hits >= hits.max() - 1e-12]
    return float(ties[np.argmin(np.abs(ties - 0.5))])


def roc(truth: Array, probability: Array) -> tuple[Array, Array]:
    """False and true positive rates from (0, 0) to (1, 1), one point for each distinct probability."""
    cuts = np.unique(probability)[::-1]
    called = probability[None, :] >= cuts[:, None]
    positive = truth > 0.5
    true = (called & positive).sum(1) / max(1, positive.sum())
    false = (called & ~positive).sum(1) / max(1, (~positive).sum())
    return np.concatenate([[0.0], false]), np.concatenate([[0.0], true])


def precision_recall(truth: Array, probability: Array) -> tuple[Array, Array]:
    """Recall and precision, one point for each distinct probability, from the highest on."""
    cuts = np.unique(probability)[::-1]
    called = probability[None, :] >= cuts[:, None]
    hits = (called & (truth > 0.5)).sum(1)
    return np.asarray(hits / max(1.0, float(truth.sum()))), np.asarray(hits / called.sum(1))
