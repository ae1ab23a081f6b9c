"""Boosted trees read from a small file of numbers: what a training script leaves, run with numpy alone.

A file holds plain arrays (no pickle): nothing in it can run, and a reader can look at every threshold.
"""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from covidct.errors import CovidctError

LEAF = -1


@dataclass(frozen=True)
class Forest:
    """Trees that vote for classes; arrays are (trees, nodes), node 0 is a tree's root, leaves have feature -1."""

    classes: tuple[str, ...]
    names: tuple[str, ...]
    """Feature names, in column order."""
    feature: NDArray[np.int16]
    threshold: NDArray[np.float64]
    left: NDArray[np.int16]
    right: NDArray[np.int16]
    value: NDArray[np.float32]
    tree_class: NDArray[np.int16]
    start: NDArray[np.float32]
    """(classes,): the scores before any tree."""

    def scores(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """Probabilities (n, classes) for ``features`` (n, len(names)); rows add up to 1."""
        n = len(features)
        total = np.tile(self.start, (n, 1)).astype(np.float32)
        rows = np.arange(n)
        node = np.zeros((len(self.feature), n), np.int64)
        trees = np.arange(len(self.feature))[:, None]
        for _ in range(self.depth):
            chosen = self.feature[trees, node]
            goes_left = features[rows, np.maximum(chosen, 0)] <= self.threshold[trees, node]
            below = np.where(goes_left, self.left[trees, node], self.right[trees, node])
            node = np.where(chosen == LEAF, node, below)
        leaves = self.value[trees, node]
        for index in range(len(self.classes)):
            total[:, index] += leaves[self.tree_class == index].sum(0)
        grown = np.exp(total - total.max(1, keepdims=True))
        return np.asarray(grown / grown.sum(1, keepdims=True), np.float32)

    @cached_property
    def depth(self) -> int:
        """Steps from any root to any leaf, at most."""
        level = np.zeros(self.feature.shape, np.int64)
        for node in range(self.feature.shape[1]):
            inner = np.flatnonzero(self.feature[:, node] != LEAF)
            for side in (self.left, self.right):
                level[inner, side[inner, node]] = level[inner, node] + 1
        return int(level.max())

    def save(self, path: Path) -> None:
        """Write the arrays to ``path`` (.npz, compressed)."""
        arrays = {name: getattr(self, name) for name in _ARRAYS}
        with path.open("wb") as handle:
            np.savez_compressed(handle, classes=np.array(self.classes), names=np.array(self.names), **arrays)


_ARRAYS = ("feature", "threshold", "left", "right", "value", "tree_class", "start")


def load_forest(path: Path) -> Forest:
    """The forest in ``path``; a file that is none is named in the error."""
    try:
        with np.load(path, allow_pickle=False) as data:
            arrays: dict[str, Any] = {name: data[name] for name in _ARRAYS}
            return Forest(tuple(map(str, data["classes"])), tuple(map(str, data["names"])), **arrays)
    except (OSError, ValueError, KeyError) as error:
        raise CovidctError(f"{path}: no forest that can be read ({error}); install covidct again") from error
