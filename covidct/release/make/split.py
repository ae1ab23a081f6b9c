"""Splits that keep groups whole and come as near to the ratios as groups allow, in every label and source.

A group is what could leak: images that share a paper, a patient or a near-duplicate. Cost of an assignment is the
sum over strata (label x source, each label, all) of the squared distance from the wished share, in units of the
stratum's size. The search starts from largest-first placing in several seeded orders and improves each by moving
and swapping groups until nothing helps.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from covidct.errors import UsageError
from covidct.grouping import groups
from covidct.records import SPLITS
from covidct.release.read.schema import plain_name

DEFAULT_RATIOS = (0.6, 0.15, 0.25)
_SMALL = 3_000
"""Groups up to which several starts are tried."""
_STARTS = 12
_SWAPS = 20_000
_ROUNDS = 20
_NEAR = 0.01
"""A cost under which nothing is left to gain: every stratum is within a few images of its share."""

Counts = NDArray[np.float64]
Places = NDArray[np.int64]


@dataclass(frozen=True)
class Fit:
    """How well a split came out; ``rows`` has one line a stratum and split: wished and reached share."""

    cost: float
    rows: list[dict[str, str | int | float]]
    largest: list[tuple[str, int]] = field(default_factory=list)
    """The largest groups with their numbers of images: what stood in the way."""


@dataclass
class Problem:
    """Groups x strata counts, the wished shares (places x 1), and for each group the place it must have (-1: any)."""

    counts: Counts
    shares: NDArray[np.float64]
    fixed: Places

    @cached_property
    def wished(self) -> Counts:
        """places x strata: images that each place should hold."""
        return np.asarray(self.shares[:, None] * self.counts.sum(axis=0)[None, :])

    @cached_property
    def weights(self) -> NDArray[np.float64]:
        """One over the size of each stratum."""
        return np.asarray(1.0 / np.maximum(self.counts.sum(axis=0), 1.0))


def leak_groups(images: pd.DataFrame, links: Iterable[tuple[str, str]] = ()) -> "pd.Series[str]":
    """Group id of each row: union of ``group_id``, ``paper_id``, ``patient_id`` and ``links`` between image ids.

    A group is named by the smallest image id in it.
    """
    bridges: list[tuple[str, str]] = list(links)
    for column in ("group_id", "paper_id", "patient_id"):
        pairs = zip(images["image_id"], images[column], strict=True)
        bridges += [(image, f"\x7f{column}:{plain_name(key)}") for image, key in pairs if key]
    found = groups(list(images["image_id"]), bridges)
    return images["image_id"].map(found)


def check_ratios(ratios: Sequence[float]) -> NDArray[np.float64]:
    """``ratios`` as shares that add up to 1; anything else is a UsageError."""
    shares = np.asarray(ratios, dtype=np.float64)
    if len(shares) < 2 or (shares < 0).any() or not np.isclose(shares.sum(), 1.0, atol=1e-6):
        raise UsageError(f"ratios {', '.join(f'{r:g}' for r in ratios)} do not add up to 1; give e.g. 0.6,0.15,0.25")
    return shares


def split_images(
    images: pd.DataFrame,
    ratios: Sequence[float] = DEFAULT_RATIOS,
    seed: int = 0,
    old_test: frozenset[str] = frozenset(),
) -> tuple["pd.Series[str]", Fit]:
    """(split of each row, fit). A group that holds an id of ``old_test`` goes whole into test."""
    if len(ratios) != len(SPLITS):
        raise UsageError(f"give three ratios (train, val, test), not {len(ratios)}")
    held = set(images.loc[images["image_id"].isin(old_test), "group_id"])
    fixed = {group: SPLITS.index("test") for group in held}
    place, fit = _solve(images, check_ratios(ratios), seed, fixed, list(SPLITS))
    return images["group_id"].map(lambda group: SPLITS[place[group]]), fit


def fold_images(images: pd.DataFrame, folds: int, seed: int = 0) -> tuple["pd.Series[int]", Fit]:
    """(fold 0 … folds-1 of each row, fit): k-fold with whole groups."""
    count = images["group_id"].nunique()
    if not 2 <= folds <= count:
        raise UsageError(f"{folds} folds of {count} groups: give a number from 2 to {count}")
    place, fit = _solve(images, np.full(folds, 1.0 / folds), seed, {}, [f"fold {k}" for k in range(folds)])
    return images["group_id"].map(place), fit


def _solve(
    images: pd.DataFrame, shares: NDArray[np.float64], seed: int, fixed: Mapping[str, int], names: list[str]
) -> tuple[dict[str, int], Fit]:
    keys, strata, counts = _tabulate(images)
    problem = Problem(counts, shares, np.asarray([fixed.get(key, -1) for key in keys], dtype=np.int64))
    starts = _STARTS if len(keys) <= _SMALL else 1
    tries = [_improve(problem, _first(problem, seed, start), seed + start) for start in range(starts)]
    best = min(tries, key=lambda places: (round(_cost(problem, places), 9), places.tobytes()))
    return dict(zip(keys, best.tolist(), strict=True)), _fit(problem, best, keys, strata, names)


def _tabulate(images: pd.DataFrame) -> tuple[list[str], list[str], Counts]:
    """Group keys, names of strata, and the groups x strata table of images."""
    group, keys = pd.factorize(images["group_id"], sort=True)
    everything = pd.Series("all", index=images.index)
    strata: list[str] = []
    columns: list[Counts] = []
    for parts in (("label", "source"), ("label",), ()):
        names = _joined(images, parts) if parts else everything
        code, found = pd.factorize(names, sort=True)
        table = np.zeros((len(keys), len(found)))
        np.add.at(table, (group, code), 1.0)
        columns.append(table)
        strata += [str(name) for name in found]
    return [str(key) for key in keys], strata, np.concatenate(columns, axis=1)


def _joined(images: pd.DataFrame, parts: Sequence[str]) -> "pd.Series[str]":
    joined = images[parts[0]].astype(str)
    for part in parts[1:]:
        joined = joined + " / " + images[part].astype(str)
    return joined


def _first(problem: Problem, seed: int, start: int) -> Places:
    """Largest group first, each to the place where it costs least; equal sizes in a seeded order."""
    rng = np.random.default_rng([seed, start])
    size = problem.counts[:, -1]
    order = np.lexsort((rng.permutation(len(size)), -size, problem.fixed < 0))
    left = problem.wished.copy()
    places = np.zeros(len(size), dtype=np.int64)
    for group in order:
        row = problem.counts[group]
        gain = (row * (2 * left - row) * problem.weights).sum(axis=1)
        forced = problem.fixed[group]
        places[group] = forced if forced >= 0 else int(np.argmax(gain))
        left[places[group]] -= row
    return places


def _held(problem: Problem, places: Places) -> Counts:
    held = np.zeros_like(problem.wished)
    np.add.at(held, places, problem.counts)
    return held


def _cost(problem: Problem, places: Places) -> float:
    return float((((_held(problem, places) - problem.wished) ** 2) * problem.weights).sum())


def _improve(problem: Problem, places: Places, seed: int) -> Places:
    """Move single groups, then swap pairs, until neither lowers the cost."""
    rng = np.random.default_rng([seed, 1])
    free = np.flatnonzero(problem.fixed < 0)
    excess = _held(problem, places) - problem.wished
    for _ in range(_ROUNDS if len(places) <= _SMALL else 2):
        if ((excess**2) * problem.weights).sum() < _NEAR and len(places) > _SMALL:
            break
        if not _moves(problem, places, excess, rng.permutation(free)) and not _swaps(
            problem, places, excess, rng, free
        ):
            break
    return places


def _moves(problem: Problem, places: Places, excess: Counts, order: Places) -> int:
    moved = 0
    for group in order:
        row, here = problem.counts[group], places[group]
        leave = (problem.weights * row * (row - 2 * excess[here])).sum()
        enter = (problem.weights * row * (row + 2 * excess)).sum(axis=1)
        enter[here] = -leave
        there = int(np.argmin(enter))
        if enter[there] + leave < -1e-9:
            excess[here] -= row
            excess[there] += row
            places[group] = there
            moved += 1
    return moved


def _swaps(problem: Problem, places: Places, excess: Counts, rng: np.random.Generator, free: Places) -> int:
    if len(free) < 2:
        return 0
    swapped = 0
    pairs = rng.choice(free, size=(min(_SWAPS, len(free) ** 2), 2))
    for a, b in pairs[places[pairs[:, 0]] != places[pairs[:, 1]]]:
        here, there = places[a], places[b]
        if here == there:
            continue
        change = problem.counts[b] - problem.counts[a]
        gain = (problem.weights * change * (change + excess[here] - excess[there])).sum() * 2
        if gain < -1e-9:
            excess[here] += change
            excess[there] -= change
            places[a], places[b] = there, here
            swapped += 1
    return swapped


def _fit(problem: Problem, places: Places, keys: list[str], strata: list[str], names: list[str]) -> Fit:
    held, totals = _held(problem, places), problem.counts.sum(axis=0)
    rows: list[dict[str, str | int | float]] = [
        {
            "stratum": stratum,
            "split": name,
            "images": int(held[k, s]),
            "share": round(float(held[k, s] / totals[s]), 4),
            "wished": round(float(problem.shares[k]), 4),
        }
        for s, stratum in enumerate(strata)
        for k, name in enumerate(names)
    ]
    size = problem.counts[:, -1]
    top = [(keys[g], int(size[g])) for g in np.argsort(-size, kind="stable")[:5]]
    return Fit(round(_cost(problem, places), 6), rows, top)
