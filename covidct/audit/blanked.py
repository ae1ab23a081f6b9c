"""A small network on pictures whose lungs are blanked: what it learns cannot be disease of the lung."""

import importlib.util
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from covidct.audit.seen import pixels
from covidct.imaging.lung import lung_mask
from covidct.progress import progress
from covidct.release.read.classes import is_positive
from covidct.scaling import scaled

if TYPE_CHECKING:
    import torch

SIDE = 48
EPOCHS = 25
_BATCH = 32
_RATE = 2e-3

Floats = NDArray[np.float64]


def torch_available() -> bool:
    """Whether the ``train`` extra is installed."""
    return importlib.util.find_spec("torch") is not None


def blanked_stack(paths: Mapping[str, Path]) -> NDArray[np.float32]:
    """pictures x SIDE x SIDE in 0 … 1, the lungs painted with the mean of the rest; in the order of ``paths``."""
    import cv2

    stack = np.zeros((len(paths), SIDE, SIDE), np.float32)
    for k, grey in enumerate(progress(pixels(paths), "blanked", len(paths))):
        lungs = lung_mask(grey)
        rest = grey[~lungs]
        blank = np.where(lungs, np.uint8(rest.mean()) if rest.size else np.uint8(0), grey).astype(np.uint8)
        stack[k] = cv2.resize(blank, (SIDE, SIDE), interpolation=cv2.INTER_AREA) / np.float32(255)
    return stack


def blanked_scores(stack: NDArray[np.float32], images: pd.DataFrame, seed: int = 0) -> Floats | None:
    """Probability of covid for each picture; trained on train, whose own scores are out of group (two halves).

    None where train lacks a class. Rows of ``stack`` are those of ``images``.
    """
    positive = is_positive(images)
    train = np.flatnonzero((images["split"] == "train").to_numpy())
    rest = np.flatnonzero((images["split"] != "train").to_numpy())
    halves = _halves(train, images["group_id"].to_numpy(), seed)
    if any(len(set(positive[half])) < 2 for half in halves):
        return None
    scores = np.zeros(len(images))
    scores[rest] = _fit_and_score(stack, positive, train, rest, seed)
    for fit_on, score_on in (halves, halves[::-1]):
        scores[score_on] = _fit_and_score(stack, positive, fit_on, score_on, seed)
    return scores


def _halves(
    rows: NDArray[np.int64], groups: NDArray[np.object_], seed: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    names = sorted(set(groups[rows]))
    first = set(np.random.default_rng(seed).permutation(names)[: len(names) // 2])
    inside = np.asarray([groups[row] in first for row in rows], dtype=bool)
    return rows[inside], rows[~inside]


def _fit_and_score(
    stack: NDArray[np.float32],
    positive: NDArray[np.bool_],
    fit_on: NDArray[np.int64],
    score_on: NDArray[np.int64],
    seed: int,
) -> Floats:
    import torch

    if len(score_on) == 0:
        return np.zeros(0)
    torch.manual_seed(seed)
    order = np.random.default_rng(seed)
    net = _net().to(memory_format=torch.channels_last)
    inputs = torch.from_numpy((stack - stack[fit_on].mean()) / (stack[fit_on].std() + 1e-6)).unsqueeze(1)
    targets = torch.from_numpy(positive.astype(np.float32))
    optimiser = torch.optim.Adam(net.parameters(), lr=_RATE, weight_decay=1e-4)
    net.train()
    for _ in range(scaled(EPOCHS)):
        shuffled = order.permutation(fit_on)
        for rows in np.array_split(shuffled, max(1, len(shuffled) // _BATCH)):
            batch = inputs[rows]
            batch = torch.flip(batch, (3,)) if order.random() < 0.5 else batch
            loss = torch.nn.functional.binary_cross_entropy_with_logits(net(batch).squeeze(1), targets[rows])
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
    net.eval()
    with torch.no_grad():
        logits = torch.cat(
            [net(inputs[rows]).squeeze(1) for rows in np.array_split(score_on, max(1, len(score_on) // 64))]
        )
    return np.asarray(torch.sigmoid(logits).numpy(), dtype=np.float64)


def _net() -> "torch.nn.Module":
    from torch import nn

    layers: list[nn.Module] = []
    for before, after in ((1, 8), (8, 16), (16, 32)):
        layers += [nn.Conv2d(before, after, 3, padding=1), nn.BatchNorm2d(after), nn.ReLU(), nn.MaxPool2d(2)]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Dropout(0.3), nn.Linear(32 * 4, 1))
