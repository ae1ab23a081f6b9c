"""What a run looks at: Grad-CAM maps, and as numbers where they fall (lungs, border, burnt-in marks)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from covidct.imaging.lung import lung_mask
from covidct.models import Classifier
from covidct.models.gradcam import grad_cam
from covidct.train.loop import scaled

Grey = NDArray[np.uint8]
BORDER = 0.08
"""Width of the border, as a share of the side."""
DISCLAIMER = "Not for clinical use: a research benchmark on published figures, no medical device."


@dataclass(frozen=True)
class Places:
    """Shares of a map's sum: inside the lungs, on the picture's border, on burnt-in marks; and of the area alike.

    ``lung`` is NaN where no lung was found, all three shares where the map is empty: nothing spoke for the class, and
    nothing falls anywhere. A map spread evenly has each share equal to its area share.
    """

    lung: float
    lung_area: float
    border: float
    border_area: float
    marks: float
    marks_area: float


def maps(network: Classifier, pixels: Grey, size: int, batch: int = 16) -> NDArray[np.float32]:
    """Grad-CAM for COVID of stored pictures (n, side, side): (n, size, size) in 0 to 1."""
    inputs = scaled(torch.from_numpy(pixels), size)
    found = [grad_cam(network, part.float() / 255) for part in torch.split(inputs, batch)]
    return torch.cat(found).numpy()


def places(heat: NDArray[np.float32], picture: Grey, boxes: Sequence[Sequence[float]] = ()) -> Places:
    """Where ``heat`` (h, w) falls on ``picture`` (any size); ``boxes`` are marks as x0, y0, x1, y1 in 0 to 1."""
    height, width = heat.shape
    lung = _fit(lung_mask(picture), height, width)
    edge = np.ones((height, width), bool)
    across, down = max(1, round(BORDER * width)), max(1, round(BORDER * height))
    edge[down:-down, across:-across] = False
    marks = np.zeros((height, width), bool)
    for x0, y0, x1, y1 in boxes:
        marks[int(y0 * height) : int(np.ceil(y1 * height)), int(x0 * width) : int(np.ceil(x1 * width))] = True
    inside = _share(heat, lung) if lung.any() else float("nan")
    return Places(
        inside, float(lung.mean()), _share(heat, edge), float(edge.mean()), _share(heat, marks), float(marks.mean())
    )


def _share(heat: NDArray[np.float32], where: NDArray[np.bool_]) -> float:
    total = float(heat.sum())
    return float(heat[where].sum()) / total if total > 0 else float("nan")


def _fit(mask: NDArray[np.bool_], height: int, width: int) -> NDArray[np.bool_]:
    rows = np.arange(height) * mask.shape[0] // height
    columns = np.arange(width) * mask.shape[1] // width
    return np.asarray(mask[np.ix_(rows, columns)])


def mean_places(found: Sequence[Places]) -> dict[str, float]:
    """Means over pictures whose map is not empty; the empty ones are counted beside.

    Lung shares where a lung was found, shares on marks where marks are known; NaN for none.
    """
    shown = [one for one in found if one.border == one.border]
    kinds = {
        "lung": [one for one in shown if one.lung == one.lung],
        "border": shown,
        "marks": [one for one in shown if one.marks_area > 0],
    }
    table: dict[str, float] = {"pictures": len(found), "empty_maps": len(found) - len(shown)}
    for kind, chosen in kinds.items():
        table[f"{kind}_pictures"] = len(chosen)
        for name in (kind, f"{kind}_area"):
            table[name] = float(np.mean([getattr(one, name) for one in chosen])) if chosen else float("nan")
    return table


def overlay(picture: Grey, heat: NDArray[np.float32]) -> Grey:
    """``picture`` (h, w) in grey under ``heat`` (h, w) from blue through yellow to red: (h, w, 3)."""
    warm = np.stack([_ramp(heat, 0.35, 0.65), _ramp(heat, 0.0, 0.5) - _ramp(heat, 0.6, 1.0), _cold(heat)], axis=2)
    ground = np.repeat(picture[:, :, None].astype(np.float32) / 255, 3, axis=2)
    weight = 0.6 * np.clip(heat, 0, 1)[:, :, None] ** 0.7
    return np.asarray(np.rint(255 * ((1 - weight) * ground + weight * warm)).astype(np.uint8))


def _ramp(heat: NDArray[np.float32], low: float, high: float) -> NDArray[np.float32]:
    return np.asarray(np.clip((heat - low) / (high - low), 0, 1), dtype=np.float32)


def _cold(heat: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(1 - _ramp(heat, 0.1, 0.5), dtype=np.float32)
