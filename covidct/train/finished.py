"""A finished run, read back from its folder, and what its networks look at."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from covidct.errors import UsageError
from covidct.files import read_document
from covidct.scores import Array
from covidct.train import results
from covidct.train.environment import kept
from covidct.train.evaluate import run_config
from covidct.train.experiment import load_best
from covidct.train.explain import maps
from covidct.train.loop import scaled
from covidct.train.report import Column


@dataclass(frozen=True)
class Finished:
    """Settings, summary and test predictions of a run; ``name`` is its folder's."""

    folder: Path
    config: dict[str, Any]
    summary: dict[str, Any]
    test: results.Predictions
    own: str | None = None
    """``FILE.py:factory`` as the caller names it, where the network is none of the registry."""

    @property
    def name(self) -> str:
        return self.folder.resolve().name

    @property
    def title(self) -> str:
        """Model, method and protocol."""
        run = self.config["run"]
        return f"{run['model']}, {run['method']} ({run['protocol']})"

    @property
    def size(self) -> int:
        return int(self.config["recipe"]["size"])

    @property
    def view(self) -> str:
        """What of a picture its networks were shown."""
        return str(self.config["recipe"].get("view", "whole"))

    @property
    def mean(self) -> Array:
        """Probability of each test image, mean over seeds."""
        return np.asarray(np.mean(list(self.test.runs.values()), axis=0))

    @property
    def environment(self) -> dict[str, str]:
        """What the first seed was trained with."""
        return kept(self.folder / f"seed-{self.config['run']['seeds'][0]}")

    def maps(self, seed: int, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Grad-CAM of a seed's network for stored pictures; a NoMapError where it has no maps."""
        network, _ = load_best(self.folder / f"seed-{seed}", self.own)
        return maps(network, pixels, self.size)

    def column(self, seed: int, title: str, pixels: NDArray[np.uint8], ids: Sequence[str]) -> Column:
        """The maps of one seed on stored pictures of test images, with what it says of them."""
        shown = scaled(torch.from_numpy(pixels), self.size)[:, 0].numpy()
        predicted = dict(zip(self.test.ids, self.test.runs[seed], strict=True))
        return Column(title, shown, self.maps(seed, pixels), np.array([predicted[image] for image in ids]))


def finished(folder: Path, own: str | None = None) -> Finished:
    """The run in ``folder``; a UsageError or CovidctError says what is missing or broken there."""
    config = run_config(folder)
    path = folder / results.SUMMARY
    if not path.is_file():
        raise UsageError(f"{folder}: no {results.SUMMARY}; this run is not finished, start it again to go on")
    summary = read_document(path, advice=results.AGAIN)
    return Finished(folder, config, summary, results.read_predictions(folder, "test"), own)
