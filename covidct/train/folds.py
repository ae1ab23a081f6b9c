"""Grouped cross-validation: folds that keep groups whole, and what out-of-fold predictions choose.

The protocol ``robust``: every candidate (network, method, recipe) is trained once for each fold without that fold's
images, which it then scores. The mean AUC over folds chooses the epoch, the candidates and how many of them make the
ensemble; the test images take no part. What such a choice is worth is measured by leaving each fold out of it: the
other folds choose, the fold scores the choice (after Tsamardinos et al. 2018, who resample where we leave out).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from covidct.scores import Array, auc

Folds = NDArray[np.intp]


def grouped_folds(truth: Array, groups: Sequence[str], count: int, seed: int) -> Folds:
    """Fold number (n,) of each image: whole groups, the largest first, each to where its classes are fewest.

    The same groups get the same folds whatever the order of the images.
    """
    names, place = np.unique(np.asarray(groups, dtype=str), return_inverse=True)
    held = np.stack([np.bincount(place, (truth > 0.5) == kind, len(names)) for kind in (False, True)], 1)
    share = held / np.maximum(held.sum(0), 1)
    shuffled = np.random.default_rng(seed).permutation(len(names))
    filled = np.zeros((count, 2))
    fold = np.zeros(len(names), dtype=np.intp)
    for group in shuffled[np.argsort(-held[shuffled].sum(1), kind="stable")]:
        rise = ((filled + share[group]) ** 2 - filled**2).sum(1)
        fold[group] = int(np.argmin(rise))
        filled[fold[group]] += share[group]
    return fold[place]


@dataclass(frozen=True)
class Tried:
    """One candidate's out-of-fold probabilities ``held`` (repeats, epochs, images), at each of ``epochs``."""

    name: str
    epochs: tuple[int, ...]
    held: Array

    def at(self, epoch: int) -> Array:
        """(images,): the mean over repeats at one of ``epochs``."""
        return np.asarray(self.held[:, self.epochs.index(epoch)].mean(0))


@dataclass(frozen=True)
class Choice:
    """A candidate at its best epoch and its mean AUC over the folds."""

    name: str
    epoch: int
    auc: float


def fold_scores(tried: Tried, truth: Array, folds: Sequence[Folds]) -> Array:
    """AUC (epochs, repeats times folds) on each fold's own images; ``folds`` has one row a repeat."""
    return np.array(
        [
            [
                auc(truth[fold == number], tried.held[repeat, epoch][fold == number])
                for repeat, fold in enumerate(folds[: len(tried.held)])
                for number in range(int(fold.max()) + 1)
            ]
            for epoch in range(len(tried.epochs))
        ]
    )


def ranked(found: Sequence[Tried], truth: Array, folds: Sequence[Folds]) -> list[Choice]:
    """Every candidate at its best epoch, the highest mean AUC over folds first."""
    choices = []
    for tried in found:
        means = fold_scores(tried, truth, folds).mean(1)
        best = int(np.argmax(means))
        choices.append(Choice(tried.name, tried.epochs[best], float(means[best])))
    return sorted(choices, key=lambda one: -one.auc)


def nested_score(found: Sequence[Tried], truth: Array, folds: Sequence[Folds]) -> float:
    """The mean AUC of the choice: for each fold of the first repeat the others choose candidate and epoch."""
    table = np.concatenate([fold_scores(Tried(t.name, t.epochs, t.held[:1]), truth, folds) for t in found])
    scores = [table[np.argmax(np.delete(table, fold, axis=1).mean(1)), fold] for fold in range(table.shape[1])]
    return float(np.mean(scores))


@dataclass(frozen=True)
class Ensemble:
    """The best ``choices`` together; ``held`` (images,) is their mean out-of-fold probability, ``auc`` over folds."""

    choices: tuple[Choice, ...]
    held: Array
    auc: float


def ensemble(found: Sequence[Tried], truth: Array, folds: Sequence[Folds], most: int = 8) -> Ensemble:
    """The first m of :func:`ranked`, with that m up to ``most`` whose mean probability has the highest mean AUC.

    Compared on the repeats that all candidates share, so that a candidate with more of them has no advantage;
    ``held`` is of all repeats that the chosen ones share, which are the members that score test images.
    """
    shared = min(len(one.held) for one in found)
    level = [Tried(one.name, one.epochs, one.held[:shared]) for one in found]
    by_name = {one.name: one for one in level}
    order = ranked(level, truth, folds)[:most]
    made = []
    for count in range(1, len(order) + 1):
        members = [by_name[c.name].held[:, by_name[c.name].epochs.index(c.epoch)] for c in order[:count]]
        mean = np.mean(members, axis=0)
        score = float(fold_scores(Tried("", (0,), mean[:, None]), truth, folds).mean())
        made.append(Ensemble(tuple(order[:count]), mean.mean(0), score))
    best = max(made, key=lambda one: one.auc)
    return replace(best, held=_held(best.choices, {one.name: one for one in found}))


def _held(choices: Sequence[Choice], by_name: Mapping[str, Tried]) -> Array:
    """(images,): the mean over ``choices`` and over the repeats that they share."""
    repeats = min(len(by_name[one.name].held) for one in choices)
    rows = [by_name[c.name].held[:repeats, by_name[c.name].epochs.index(c.epoch)] for c in choices]
    return np.asarray(np.mean(rows, axis=(0, 1)))
