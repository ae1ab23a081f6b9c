"""Drawn slices as a paper prints them: cropped, windowed, scaled up, with arrows and words burnt in.

The pictures of one figure mostly come from one scanner and one hand, so a ``Style`` is drawn once and used for all.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from covidct.imaging.phantoms import Grey, axial, phantom
from drawn.coronal import coronal

Picture = NDArray[np.uint8]
SCALERS = (cv2.INTER_LINEAR, cv2.INTER_CUBIC, cv2.INTER_AREA)


@dataclass(frozen=True)
class Style:
    """How slices are shown: grey levels below ``low`` black and above ``high`` white, margins cut off as shares."""

    low: float
    high: float
    gamma: float
    margins: tuple[float, float, float, float]
    """Left, top, right, bottom."""
    scale: float
    scaler: int
    grain: float


def draw_style(rng: np.random.Generator) -> Style:
    """As it is, cut to the body, or cut into the body so that the lungs fill the picture."""
    choice = rng.random()
    tight = 0.0 if choice < 0.3 else rng.uniform(0.02, 0.12) if choice < 0.6 else rng.uniform(0.1, 0.2)
    left, top, right, bottom = (tight * rng.uniform(0.3, 1.2) for _ in range(4))
    extra = (0.1, 0.14) if tight else (0.0, 0.0)
    low = rng.uniform(0, 75) if rng.random() < 0.6 else 0.0
    high = rng.uniform(150, 255) if rng.random() < 0.6 else 255.0
    grain = rng.uniform(2, 9) if rng.random() < 0.3 else 0.0
    margins = (float(left), float(top + extra[0]), float(right), float(bottom + extra[1]))
    scale, how = float(rng.uniform(0.7, 2.2)), SCALERS[int(rng.integers(3))]
    return Style(float(low), float(high), float(rng.uniform(0.7, 1.4)), margins, scale, how, float(grain))


def print_slice(rng: np.random.Generator, slice_: Grey, style: Style) -> Picture:
    """``slice_`` (h, w) in ``style``: (H, W) uint8 or, with coloured marks, (H, W, 3)."""
    h, w = slice_.shape
    left, top, right, bottom = (m * rng.uniform(0.85, 1.15) for m in style.margins)
    part = slice_[round(h * top) : round(h * (1 - bottom)), round(w * left) : round(w * (1 - right))]
    level = np.clip((part.astype(np.float32) - style.low) / max(style.high - style.low, 1), 0, 1) ** style.gamma
    size = (max(32, round(part.shape[1] * style.scale)), max(32, round(part.shape[0] * style.scale)))
    scaled = np.asarray(cv2.resize(level * 255, size, interpolation=style.scaler), np.float32)
    if style.grain:
        scaled = scaled + rng.normal(0, style.grain, scaled.shape).astype(np.float32) * (scaled > 4)
    return _mark(rng, np.asarray(np.clip(scaled, 0, 255), np.uint8))


def printed(rng: np.random.Generator, *, plane: str = "", window: str = "") -> Picture:
    """One slice in a style of its own. Plane and window are drawn where empty."""
    return print_slice(rng, draw_phantom(rng, plane=plane, window=window), draw_style(rng))


def draw_phantom(rng: np.random.Generator, *, plane: str = "", window: str = "") -> Grey:
    """A bare slice of 180 to 380 pixels: mostly axial, mostly in the lung window, mostly ill."""
    plane = plane or ("coronal" if rng.random() < 0.1 else "axial")
    window = window or ("mediastinal" if rng.random() < 0.15 else "lung")
    size, ill = int(rng.integers(180, 380)), bool(rng.random() < 0.6)
    draw = coronal if plane == "coronal" else axial
    return phantom(rng, size=size, lesion=ill, window=window, draw=draw)  # type: ignore[arg-type]


def printed_set(rng: np.random.Generator, slices: Sequence[Grey], count: int) -> list[Picture]:
    """``count`` of ``slices`` as one paper prints them: two times in three all in one style."""
    style = draw_style(rng)
    shared = rng.random() < 0.67
    chosen = rng.choice(len(slices), count, replace=len(slices) < count)
    return [print_slice(rng, slices[i], style if shared else draw_style(rng)) for i in chosen]


def _mark(rng: np.random.Generator, slice_: Grey) -> Picture:
    choice = rng.random()
    if choice < 0.6:
        return slice_
    colour = ((255, 255, 255), (255, 0, 0), (255, 255, 0), (0, 0, 0))[int(rng.integers(4))]
    picture = np.ascontiguousarray(np.repeat(slice_[:, :, None], 3, 2))
    h, w = slice_.shape
    for _ in range(int(rng.integers(1, 4))):
        x, y = int(rng.uniform(0.15, 0.85) * w), int(rng.uniform(0.15, 0.85) * h)
        tip = (x + int(rng.integers(-w // 8, w // 8)), y + int(rng.integers(-h // 8, h // 8)))
        if choice < 0.8:
            cv2.arrowedLine(picture, (x, y), tip, colour, max(1, h // 120), cv2.LINE_AA, tipLength=0.4)
        else:
            words = ("R", "Se:4 Im:35", "W1500 L-600", "10 cm", "Zoom 120%")[int(rng.integers(5))]
            spot, white = (4, int(rng.uniform(0.1, 0.97) * h)), (255, 255, 255)
            cv2.putText(picture, words, spot, 0, h / 700, white, 1, cv2.LINE_AA)
    return picture
