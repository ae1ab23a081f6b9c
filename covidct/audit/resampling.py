"""AUC with an interval and a null, both by group: images of one group are not independent."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from covidct.intervals import bootstrap

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Auc:
    """Area under the ROC curve, 95 % interval (bootstrap of groups), 97.5 % point of the null, one-sided p."""

    value: float
    low: float
    high: float
    null: float
    p: float
    images: int


def grouped_auc(
    scores: Floats, positive: NDArray[np.bool_], groups: NDArray[np.int64], seed: int, rounds: int = 1000
) -> Auc:
    """AUC with its interval (groups drawn with replacement) and a permutation null (labels dealt out by group)."""
    truth = positive.astype(np.float64)
    found = bootstrap(truth, [scores], [str(group) for group in groups], "auc", draws=rounds, seed=seed)
    null = permuted_aucs(scores, positive, _members(groups), np.random.default_rng(seed), rounds)
    beyond = float((1 + (null >= found.value).sum()) / (1 + len(null))) if np.isfinite(found.value) else 1.0
    point = float(np.nanpercentile(null, 97.5)) if np.isfinite(null).any() else float("nan")
    return Auc(found.value, found.low, found.high, point, beyond, len(scores))


def permuted_aucs(
    scores: Floats, positive: NDArray[np.bool_], members: list[NDArray[np.int64]], rng: np.random.Generator, rounds: int
) -> Floats:
    """AUCs after the groups' labels were dealt out anew; an image takes the share of positives of its new group."""
    ranks = rankdata(scores)
    share = np.asarray([positive[rows].mean() for rows in members])
    sums = np.asarray([ranks[rows].sum() for rows in members])
    sizes = np.asarray([len(rows) for rows in members], dtype=np.float64)
    aucs = np.full(rounds, np.nan)
    for k in range(rounds):
        dealt = rng.permutation(share)
        count = float((dealt * sizes).sum())
        rest = len(scores) - count
        if count > 0 and rest > 0:
            aucs[k] = ((dealt * sums).sum() - _pair_sum(count)) / (count * rest)
    return aucs


def _pair_sum(count: float) -> float:
    return count * (count + 1) / 2


def _members(groups: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    order = np.argsort(groups, kind="stable")
    edges = np.flatnonzero(np.diff(groups[order])) + 1
    return np.split(order, edges)


def cramers_v(values: NDArray[np.int64], classes: NDArray[np.int64]) -> float:
    """Cramér's V of two codings (0 … n-1): 0 independent, 1 one decides the other."""
    table = np.zeros((int(values.max()) + 1, int(classes.max()) + 1))
    np.add.at(table, (values, classes), 1.0)
    table = table[table.sum(axis=1) > 0][:, table.sum(axis=0) > 0]
    if min(table.shape) < 2:
        return 0.0
    expected = table.sum(axis=1, keepdims=True) * table.sum(axis=0, keepdims=True) / table.sum()
    chi2 = float(((table - expected) ** 2 / expected).sum())
    return float(np.sqrt(chi2 / (table.sum() * (min(table.shape) - 1))))


def association_p(
    values: NDArray[np.int64], classes: NDArray[np.int64], groups: NDArray[np.int64], seed: int, rounds: int = 999
) -> float:
    """How often Cramér's V is as large when the classes are dealt out anew by group (blocks kept whole)."""
    rng = np.random.default_rng(seed)
    own = cramers_v(values, classes)
    first = np.zeros(int(groups.max()) + 1, dtype=np.int64)
    first[groups[::-1]] = classes[::-1]
    beyond = sum(cramers_v(values, rng.permutation(first)[groups]) >= own for _ in range(rounds))
    return (1 + beyond) / (1 + rounds)
