"""The protocol ``robust``: members of fold ensembles, trained each on its own.

A member is one candidate trained without one fold of the pooled training and validation images. It leaves
probabilities for its fold and for the test images at several epochs, so a stopped run goes on with the members that
are missing, and nothing that chooses ever reads a test probability.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from covidct.files import atomic_path
from covidct.models import Classifier
from covidct.scores import Array
from covidct.train.devices import Devices, launch, tune_process
from covidct.train.folds import Folds, Tried
from covidct.train.loop import START, Job, Pictures, Training, probabilities, scaled
from covidct.train.recipe import Recipe

if TYPE_CHECKING:
    from lightning_fabric import Fabric

KEPT = (0.5, 0.7, 0.85, 1.0)
"""Shares of the training at which a member is scored: the epochs that cross-validation can choose."""


@dataclass(frozen=True)
class Member:
    """One training of a candidate: without ``fold`` of the partition number ``repeat``."""

    candidate: str
    repeat: int
    fold: int

    def file(self, out: Path) -> Path:
        return out / "members" / self.candidate / f"repeat-{self.repeat}-fold-{self.fold}.npz"


def kept_epochs(recipe: Recipe) -> tuple[int, ...]:
    """The epochs, counted from 1, after which a member is scored."""
    return tuple(sorted({max(1, math.ceil(share * recipe.epochs)) for share in KEPT}))


def mirrored_probabilities(network: Classifier, inputs: Tensor, batch: int = 128) -> Array:
    """Probability of COVID, mean of each picture and its mirror image, for inputs (n, 1, size, size) uint8."""
    there, back = (probabilities(network, x, batch) for x in (inputs, inputs.flip(-1)))
    return np.asarray((there + back) / 2)


def fit_member(
    job: Job, test: NDArray[np.uint8], network: Classifier, target: Path, where: Devices, kept: Sequence[int] = ()
) -> None:
    """Train ``network`` as ``job`` says (``job.val`` is the fold left out); leaves ``target``.

    ``kept`` are the epochs that are scored, by default those of :func:`kept_epochs`.
    """
    with atomic_path(job.folder / START) as part:
        torch.save(network.state_dict(), part)
    launch(
        partial(_fit, test=test, target=target, kept=kept or kept_epochs(job.recipe)), job, where, job.recipe.precision
    )
    (job.folder / START).unlink()


def _fit(
    fabric: "Fabric", job: Job, compiling: str, test: NDArray[np.uint8], target: Path, kept: Sequence[int]
) -> None:
    tune_process()
    run = Training(fabric, job, compiling)
    inputs = [scaled(torch.from_numpy(x), job.recipe.size).to(fabric.device) for x in (job.val.pixels, test)]
    found: list[list[Array]] = []
    losses = []
    for number in range(job.recipe.epochs):
        losses.append(run.train_epoch(number))
        if number + 1 in kept:
            with fabric.autocast():
                found.append([mirrored_probabilities(run.scored, x) for x in inputs])
    if fabric.is_global_zero:
        held, tested = (np.array(one) for one in zip(*found, strict=True))
        with atomic_path(target) as part, part.open("wb") as handle:
            np.savez(handle, epochs=np.array(kept), held=held, test=tested, losses=np.array(losses))


def gather(out: Path, candidate: str, folds: Sequence[Folds]) -> Tried | None:
    """A candidate's out-of-fold probabilities from its finished repeats; None where not even the first is."""
    rows = []
    for repeat, fold in enumerate(folds):
        files = [Member(candidate, repeat, number).file(out) for number in range(int(fold.max()) + 1)]
        if not all(file.is_file() for file in files):
            break
        parts = [np.load(file) for file in files]
        row = np.zeros((len(parts[0]["epochs"]), len(fold)))
        for number, part in enumerate(parts):
            row[:, fold == number] = part["held"]
        rows.append(row)
        epochs = tuple(int(e) for e in parts[0]["epochs"])
    return Tried(candidate, epochs, np.array(rows)) if rows else None


def split_of(pool: Pictures, fold: Folds, number: int) -> tuple[Pictures, Pictures]:
    """The images outside and inside one fold."""
    inside = fold == number
    return Pictures(pool.pixels[~inside], pool.truth[~inside]), Pictures(pool.pixels[inside], pool.truth[inside])
