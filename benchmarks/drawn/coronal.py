"""Coronal slices of a chest that nobody has, for ``phantom(…, draw=coronal)``."""

import cv2
import numpy as np
from numpy.typing import NDArray

from covidct.imaging.phantoms import (
    AIR,
    BLOOD,
    BONE,
    FAT,
    LUNG,
    MUSCLE,
    Canvas,
    blob,
    fill,
    lesions,
    mask,
    shade_lungs,
    vessels,
)


def coronal(rng: np.random.Generator, n: int, lesion: str) -> Canvas:
    """A coronal slice in Hounsfield units, (n, n): shoulders above, liver and stomach below."""
    canvas = np.full((n, n), AIR, np.float32)
    middle, width = n * rng.uniform(0.48, 0.52), n * rng.uniform(0.34, 0.42)
    fill(canvas, _torso(rng, n, middle, width), FAT)
    fill(canvas, _torso(rng, n, middle, width * 0.92), MUSCLE)
    lungs = [_coronal_lung(rng, n, middle, width, side) for side in (-1, 1)]
    for lung in lungs:
        fill(canvas, lung, LUNG)
    inside = mask(canvas, lungs)
    vessels(rng, canvas, inside, [(middle + side * width * 0.2, n * 0.5) for side in (-1, 1)], width * 0.8)
    shade_lungs(rng, canvas, inside)
    lesions(rng, canvas, inside, lesion)
    heart = (middle + width * rng.uniform(0.05, 0.2), n * rng.uniform(0.58, 0.64))
    fill(canvas, blob(rng, heart, (width * rng.uniform(0.2, 0.34), n * 0.13), rough=0.08), BLOOD)
    fill(canvas, blob(rng, (middle, n * 0.35), (width * 0.13, n * 0.22), rough=0.05), BLOOD)
    fill(canvas, blob(rng, (middle, n * 0.22), (width * 0.045, n * 0.2), rough=0.05), AIR + 20)
    _coronal_bones(rng, canvas, middle, width)
    return canvas


def _torso(rng: np.random.Generator, n: int, middle: float, width: float) -> NDArray[np.int32]:
    right = [(0.3, -0.02), (0.34, 0.06), (1.05, 0.14), (1.1, 0.25), (0.95, 0.45), (0.97, 0.75), (1.0, 1.02)]
    waver = rng.uniform(0.98, 1.02, len(right))
    outline = [(middle + x * width * k, y * n) for (x, y), k in zip(right, waver, strict=True)]
    outline += [(middle - x * width * k, y * n) for (x, y), k in reversed(list(zip(right, waver, strict=True)))]
    return np.array(outline).round().astype(np.int32)


def _coronal_lung(rng: np.random.Generator, n: int, middle: float, width: float, side: int) -> NDArray[np.int32]:
    top, bottom = n * rng.uniform(0.12, 0.17), n * rng.uniform(0.74, 0.82)
    shape = [
        (0.25, 0.1),
        (0.38, 0.0),
        (0.58, 0.08),
        (0.76, 0.35),
        (0.84, 0.75),
        (0.86, 1.0),
        (0.7, 0.88),
        (0.45, 0.8),
        (0.2, 0.92),
    ]
    shape += [(0.14, 0.6), (0.16, 0.3)]
    points = [(middle + side * x * width * rng.uniform(0.97, 1.03), top + y * (bottom - top)) for x, y in shape]
    return np.array(points).round().astype(np.int32)


def _coronal_bones(rng: np.random.Generator, canvas: Canvas, middle: float, width: float) -> None:
    n = canvas.shape[0]
    for index in range(int(rng.integers(8, 11))):
        y = n * (0.2 + 0.065 * index)
        reach = width * min(0.91, 0.62 + 0.05 * index)
        for side in (-1, 1):
            rib = (round(middle + side * reach), round(y))
            cv2.ellipse(
                canvas,
                rib,
                (round(n * 0.012), round(n * 0.02)),
                side * 20,
                0,
                360,
                BONE * float(rng.uniform(0.8, 1.3)),
                -1,
            )
    if rng.random() < 0.5:
        for index in range(14):
            fill(
                canvas,
                blob(rng, (middle, n * (0.05 + 0.07 * index)), (width * 0.12, n * 0.028), power=4, rough=0.03),
                BONE * 0.7,
            )
