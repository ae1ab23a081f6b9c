"""What features know before any label is used: whether a picture's nearest neighbour is of its own kind."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor


def nearest_share(features: Tensor, names: Sequence[str]) -> float:
    """The share of rows of ``features`` (n, d) whose nearest other row, by cosine, has the same name (a 1-NN probe).

    Names are subjects (of two slices of one patient each should find the other) or classes. Names that occur once
    are compared with, but not counted.
    """
    kinds, place = np.unique(np.asarray(names, dtype=str), return_inverse=True)
    unit = torch.nn.functional.normalize(features.float().cpu(), dim=1)
    likeness = unit @ unit.T
    likeness.fill_diagonal_(-2)
    nearest = likeness.argmax(1).numpy()
    counted = np.bincount(place, minlength=len(kinds))[place] > 1
    return float((place[nearest] == place)[counted].mean()) if counted.any() else float("nan")
