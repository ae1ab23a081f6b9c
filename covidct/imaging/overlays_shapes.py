"""What kind of mark a connected group of pixels is, by its outline alone."""

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
