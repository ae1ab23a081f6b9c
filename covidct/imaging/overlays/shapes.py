"""What kind of mark a connected group of pixels is, by its outline alone."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

_HOLLOW = 0.6
"""Share of a ring's hull that is hole."""
_LONG = 6.0
"""Length over width of a bar or measuring line."""
_TRIANGLE = 0.7
"""Share of the smallest triangle round an arrowhead that it fills; letters fill less."""


def kind_of_shape(pixels: NDArray[np.bool_]) -> str | None:
    """``marker`` for rings, frames and bars, ``arrow`` for filled triangles with or without a shaft, None otherwise."""
    wide = np.pad(pixels.astype(np.uint8), 1)
    contours, _ = cv2.findContours(wide, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    outline = np.concatenate([np.asarray(contour) for contour in contours])
    if _is_long(outline) or _is_hollow(wide, outline):
        return "marker"
    return "arrow" if _is_head(wide) else None


def _is_long(outline: NDArray[np.int32]) -> bool:
    _, sides, _ = cv2.minAreaRect(outline)
    return (max(sides) + 1) / (min(sides) + 1) >= _LONG


def _is_hollow(wide: NDArray[np.uint8], outline: NDArray[np.int32]) -> bool:
    hull = cv2.contourArea(cv2.convexHull(outline))
    filled = wide.copy()
    cv2.floodFill(filled, None, (0, 0), 1)
    holes = int((filled == 0).sum())
    return holes > _HOLLOW * max(hull, 40.0)


def _is_head(wide: NDArray[np.uint8]) -> bool:
    """Whether a solid triangle is left when thin parts (a shaft) are taken away."""
    solid = cv2.morphologyEx(wide, cv2.MORPH_OPEN, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (5, 5)))
    contours, _ = cv2.findContours(solid, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    if not contours:
        return False
    largest = max(contours, key=cv2.contourArea)
    area = cv2.contourArea(largest)
    triangle, _ = cv2.minEnclosingTriangle(largest)
    return area >= 30 and 2 * area >= int(wide.sum()) and area >= _TRIANGLE * triangle


@dataclass(frozen=True)
class Pointer:
    """How exact a thin arrow is; set on seven published ones and on what is black in 105 slices without one."""

    long: float = 2.5
    """Spread along the axis over spread across it, at least; the published ones have 3.3 and more."""
    rises: float = 0.75
    """Correlation of the width of the head with the distance from its tip, at least; straight sides give 1."""
    head: tuple[float, float] = (0.15, 0.6)
    """Share of the length at which it is broadest."""
    shaft: float = 0.46
    """Mean width of the shaft, as share of the head's, at most."""
    even: float = 0.5
    """Standard deviation of the shaft's width over its mean, at most; what tapers has .57."""
    off: float = 0.06
    """Mean distance of the middle of each cross-section from the axis, as share of the head's width, at most."""


POINTER = Pointer()


def is_pointer(pixels: NDArray[np.bool_]) -> bool:
    """Whether ``pixels`` are a head that grows evenly from its tip and a thin shaft, mirrored in their axis."""
    points = np.argwhere(pixels) - np.argwhere(pixels).mean(axis=0)
    spreads, axes = np.linalg.eigh(points.T @ points)
    if spreads[1] < POINTER.long**2 * spreads[0]:
        return False
    along, across = points @ axes[:, 1], points @ axes[:, 0]
    return any(_points(sign * along, across) for sign in (1, -1))


def _points(along: NDArray[np.float64], across: NDArray[np.float64]) -> bool:
    step = np.round(along - along.min()).astype(np.int64)
    width = np.bincount(step).astype(np.float64)
    broadest = int(np.argmax(np.convolve(width, (0.25, 0.5, 0.25), "same")))
    head, shaft = width[: broadest + 1], width[broadest + 3 :]
    if not POINTER.head[0] <= broadest / len(width) <= POINTER.head[1] or len(shaft) < 3 or np.ptp(head) == 0:
        return False
    return bool(
        np.corrcoef(np.arange(len(head)), head)[0, 1] >= POINTER.rises
        and shaft.mean() <= POINTER.shaft * width.max()
        and shaft[:-1].std() <= POINTER.even * shaft.mean()
        and np.abs(np.bincount(step, across)).sum() <= POINTER.off * width.max() * width.sum()
    )
