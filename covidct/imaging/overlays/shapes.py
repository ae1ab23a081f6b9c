"""What kind of mark a connected group of pixels is, by its outline alone."""

import cv2
import numpy as np
from numpy.typing import NDArray

_HOLLOW = 0.6
"""Share of a ring's hull that is hole."""
_LONG = 6.0
"""Length over width of a bar or measuring line."""
_ROUND_OFF, _SQUARE_OFF = 1.1, 1.6
"""Pixels that a drawn ring may be off its ellipse (standard deviation), and each pixel of a frame off its rectangle."""
_ROUND, _TURNS = 0.75, 36
"""Share of all directions, and of a rectangle's rim, in which a drawn outline must be there."""
_CORNER = 0.035
"""How far, in shares of an outline's length, a corner stands out."""
_ARROW_FILL = (0.55, 0.9)
"""Share of its hull that an arrow with a broad shaft fills."""
_FLATTEST = 2.0
"""Longer over shorter axis of a ring; tables and ribs are flatter."""
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


def is_broad_arrow(pixels: NDArray[np.bool_]) -> bool:
    """Whether the outline of ``pixels`` is a head and a broad shaft: seven corners, two of them turned inwards."""
    contours, _ = cv2.findContours(np.pad(pixels.astype(np.uint8), 1), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    outline = max(contours, key=cv2.contourArea)
    hull = cv2.contourArea(cv2.convexHull(outline))
    corners = cv2.approxPolyDP(outline, _CORNER * cv2.arcLength(outline, True), True)
    return hull > 0 and len(corners) == 7 and _ARROW_FILL[0] <= cv2.contourArea(outline) / hull <= _ARROW_FILL[1]


def is_drawn_outline(pixels: NDArray[np.bool_]) -> bool:
    """Whether ``pixels`` are one thin ellipse or upright rectangle, exact as only a drawing program makes them."""
    height, width = pixels.shape
    if max(height, width) > _FLATTEST * min(height, width) or pixels.sum() > 0.4 * pixels.size:
        return False
    y, x = np.nonzero(pixels)
    return _is_ellipse(x, y, width, height) or _is_frame(x, y, width, height)


def _is_ellipse(x: NDArray[np.intp], y: NDArray[np.intp], width: int, height: int) -> bool:
    """Measured against the ellipse that fills the box, a pixel inside its outer rim."""
    across, down = (x - (width - 1) / 2) / (width / 2), (y - (height - 1) / 2) / (height / 2)
    far = np.hypot(across, down)
    if float(far.std()) * (width + height) / 4 > _ROUND_OFF:
        return False
    turns = np.floor((np.arctan2(down, across) / (2 * np.pi) + 0.5) * _TURNS).astype(int) % _TURNS
    return len(np.unique(turns)) >= _ROUND * _TURNS


def _is_frame(x: NDArray[np.intp], y: NDArray[np.intp], width: int, height: int) -> bool:
    sides = np.stack([x, width - 1 - x, y, height - 1 - y])
    if float((sides.min(axis=0) <= 2 * _SQUARE_OFF).mean()) < 0.95:
        return False
    nearest = sides.argmin(axis=0)
    seen = sum(len(np.unique(y[nearest == side])) for side in (0, 1))
    seen += sum(len(np.unique(x[nearest == side])) for side in (2, 3))
    return seen >= _ROUND * 2 * (width + height)
