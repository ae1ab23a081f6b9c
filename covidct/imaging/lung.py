"""Where the lungs are in an axial CT slice of unknown window: enough to ask whether evidence lies inside or outside."""

import cv2
import numpy as np
from numpy.typing import NDArray

_WORK = 256
"""Longer side, pixels, that the slice is brought to: the outline needs no more."""
_MIN_AREA = 0.004
"""A piece of lung smaller than this share of the picture is a bowel loop or noise."""


def lung_mask(image: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Boolean mask (height, width) of the air-filled lungs with their vessels in ``image`` (grey or RGB, 8 bit).

    Otsu's threshold parts air from tissue; air that reaches a corner is the room around the body; what is left inside
    the body and is large enough is lung. Closing takes in vessels and thin walls, so dense infiltrates at the rim stay
    out. All False where no lung is found (a slice of the abdomen, a chart): the caller decides what that means.
    """
    height, width = image.shape[:2]
    if min(height, width) < 8:
        return np.zeros((height, width), np.bool_)
    grey = _small_grey(image)
    lungs = np.zeros(grey.shape, np.uint8)
    rows, columns = _without_frame(grey)
    lungs[rows, columns] = _lungs(grey[rows, columns])
    return cv2.resize(lungs, (width, height), interpolation=cv2.INTER_NEAREST) > 0


def _lungs(grey: NDArray[np.uint8]) -> NDArray[np.bool_]:
    dark = _dark(grey)
    room = _room(dark)
    kept = _large_pieces(dark & ~room)
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (9, 9))
    return _fill_holes(_close(kept, disc)) & ~room


def _without_frame(grey: NDArray[np.uint8]) -> tuple[slice, slice]:
    """The part of a picture inside a white frame: frames shift the threshold and hide the room's corners."""
    white = cv2.medianBlur(grey, 3) >= 240
    spans = []
    for axis in (1, 0):
        filled = np.flatnonzero(white.mean(axis=axis) < 0.97)
        full = white.shape[1 - axis]
        first, last = (int(filled[0]), int(filled[-1])) if len(filled) > full // 2 else (0, full - 1)
        spans.append(slice(first + 2, last - 1))  # a hairline frame, or a blend with a broad one, is two pixels at most
    return spans[0], spans[1]


def _small_grey(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) if image.ndim == 3 else image
    scale = _WORK / max(grey.shape)
    size = max(8, round(grey.shape[1] * scale)), max(8, round(grey.shape[0] * scale))
    small = cv2.resize(grey, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    return np.asarray(cv2.medianBlur(small, 5), dtype=np.uint8)


def _dark(grey: NDArray[np.uint8]) -> NDArray[np.bool_]:
    threshold, _ = cv2.threshold(grey, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    return np.asarray(grey <= threshold, dtype=np.bool_)


def _room(dark: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Air around the body: dark pieces that hold a corner, or lie along a quarter of the rim.

    Thin bridges (a crop that opens the chest wall) are cut first, so that a lung at the rim is not taken for room.
    """
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (5, 5))
    core = cv2.morphologyEx(dark.astype(np.uint8), cv2.MORPH_OPEN, disc)
    count, pieces = cv2.connectedComponents(core, connectivity=4)
    rim = np.concatenate([pieces[0], pieces[-1], pieces[:, 0], pieces[:, -1]])
    share = np.bincount(rim, minlength=count) / len(rim)
    corners = {int(pieces[y, x]) for y in (0, -1) for x in (0, -1)}
    outside = [n for n in range(1, count) if n in corners or share[n] > 0.25]
    room = np.isin(pieces, outside).astype(np.uint8)
    return np.asarray((cv2.dilate(room, disc) > 0) & dark, dtype=np.bool_)


def _large_pieces(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    opened = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    count, pieces, stats, _ = cv2.connectedComponentsWithStats(opened, connectivity=4)
    large = [n for n in range(1, count) if stats[n, cv2.CC_STAT_AREA] >= _MIN_AREA * mask.size]
    return np.isin(pieces, large)


def _close(mask: NDArray[np.bool_], disc: cv2.typing.MatLike) -> NDArray[np.bool_]:
    margin = disc.shape[0]
    wide = cv2.copyMakeBorder(mask.astype(np.uint8), margin, margin, margin, margin, cv2.BORDER_CONSTANT, value=0)
    closed = cv2.morphologyEx(wide, cv2.MORPH_CLOSE, disc)
    return np.asarray(closed[margin:-margin, margin:-margin] > 0, dtype=np.bool_)


def _fill_holes(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    contours, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    filled = np.zeros(mask.shape, np.uint8)
    cv2.drawContours(filled, contours, -1, 1, cv2.FILLED)
    return filled > 0
