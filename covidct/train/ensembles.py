"""What the members of a chosen ensemble say of the test images, and the files that this makes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from covidct.scores import Array, auc, best_threshold
from covidct.train import results
from covidct.train.data import Part
from covidct.train.folds import Ensemble, Folds
from covidct.train.robust import Member


@dataclass(frozen=True)
class Predicted:
    """What one member says at its candidate's epoch: of its own fold (``place`` in the pool) and of test."""

    member: Member
    epoch: int
    place: NDArray[np.intp]
    held: Array
    test: Array


def predictions_of(out: Path, chosen: Ensemble, folds: Sequence[Folds], repeats: int) -> list[Predicted]:
    """Every member of the ensemble with its predictions; only here are those of test images read."""
    found = []
    for one in chosen.choices:
        for repeat, number in [(r, n) for r in range(repeats) for n in range(int(folds[r].max()) + 1)]:
            member = Member(one.name, repeat, number)
            with np.load(member.file(out)) as kept:
                row = list(kept["epochs"]).index(one.epoch)
                place = np.flatnonzero(folds[repeat] == number)
                found.append(Predicted(member, one.epoch, place, kept["held"][row], kept["test"][row]))
    return found


def mean_of(members: Sequence[Predicted]) -> Array:
    """The ensemble's probability of each test image."""
    return np.asarray(np.mean([one.test for one in members], axis=0))


def write_results(
    out: Path,
    facts: Mapping[str, Any],
    pool: Part,
    test: Part,
    chosen: Ensemble,
    nested: float,
    members: Sequence[Predicted],
) -> dict[str, Any]:
    """results.csv (a row a member), predictions.csv (all members) and summary.json (of their mean); the summary.

    In predictions.csv ``seed`` numbers the members; rows of split ``out-of-fold`` are each member's own fold.
    """
    cut = best_threshold(pool.truth, chosen.held)
    whole = results.SeedResult(0, 0, chosen.auc, chosen.held, mean_of(members))
    summary = results.summary(facts, [whole], [cut], test) | _choice(chosen, nested, members, test)
    lines, rows = [], []
    for number, one in enumerate(members):
        own = pool.take([int(row) for row in one.place])
        single = results.SeedResult(number, one.epoch, auc(own.truth, one.held), one.held, one.test)
        names = {"candidate": one.member.candidate, "repeat": one.member.repeat, "fold": one.member.fold}
        lines.append(results.row({**facts, **names}, single, cut, test))
        for split, part, values in (("out-of-fold", own, one.held), ("test", test, one.test)):
            rows += [line | names for line in results.predictions(number, split, part, values)]
    return results.write_run(out, lines, rows, summary)


def _choice(chosen: Ensemble, nested: float, members: Sequence[Predicted], test: Part) -> dict[str, Any]:
    """How the ensemble was chosen, what such a choice is worth, and what its members score alone."""
    alone = [auc(test.truth, one.test) for one in members]
    return {
        "seeds": list(range(len(members))),
        "members": {"count": len(members), "auc_mean": float(np.mean(alone)), "auc_sd": float(np.std(alone, ddof=1))},
        "cross_validation": {
            "auc": chosen.auc,
            "auc_of_a_choice_that_never_saw_its_fold": nested,
            "chosen": [{"candidate": c.name, "epoch": c.epoch, "auc": c.auc} for c in chosen.choices],
        },
        "notes": [
            "candidates, epochs, their number and the threshold were chosen by out-of-fold predictions of training and "
            "validation images; test was scored once, by the mean probability of all members",
            f"intervals: 95 %, bootstrap over groups (group_id); {test.classes[1]} is the positive class",
        ],
    }
