"""White borders round a slice, and slivers of the neighbouring panel that a careless crop has left.

Told from white tissue and from the black surround by what lies next to them: a border ends in a straight line beyond
which the picture begins at once.
"""

import numpy as np
from numpy.typing import NDArray

from covidct.imaging.ocr import PixelBox

Grey = NDArray[np.uint8]

_WHITE, _SPREAD = 235.0, 8.0
"""A line is white when its mean is above and its standard deviation below."""
_DEEPEST = 0.17
"""Share of the picture's size that a border may take on one side."""
_SLIVER = 0.1
"""Share of the picture's size that a sliver with its gutter may take."""
_BEGINS = 0.5
"""Share of the first line of picture that must differ from the border: tissue that is white thins out slowly."""
_INWARD = 2
"""Lines that JPEG and resampling blend; the picture is looked for beyond them."""


def borders(grey: Grey) -> list[PixelBox]:
    """Boxes of white borders and slivers in ``grey`` (height x width)."""
    height, width = grey.shape
    if min(height, width) < 32:
        return []
    left, right = _both_ends(grey.T)
    top, bottom = _both_ends(grey)
    boxes = [
        (0, 0, left, height),
        (width - right, 0, width, height),
        (0, 0, width, top),
        (0, height - bottom, width, height),
    ]
    return [box for box in boxes if box[2] > box[0] and box[3] > box[1]]


def _both_ends(lines: Grey) -> tuple[int, int]:
    return depth(lines), depth(np.ascontiguousarray(lines[::-1]))


def depth(lines: Grey) -> int:
    """How many of the first lines are border, or sliver and gutter; 0 where there is neither."""
    white = _white(lines[: int(len(lines) * max(_DEEPEST, _SLIVER)) + _INWARD + 2])
    outer = int(np.argmin(white)) if not white.all() else 0
    if outer and outer <= _DEEPEST * len(lines):
        return outer if _picture_begins(lines, outer) else 0
    return _sliver(lines, white)


def _white(lines: Grey) -> NDArray[np.bool_]:
    return np.asarray((lines.mean(axis=1) > _WHITE) & (lines.std(axis=1) < _SPREAD), dtype=np.bool_)


def _picture_begins(lines: Grey, first: int) -> bool:
    inner = lines[min(first + _INWARD, len(lines) - 1)]
    return bool((inner < _WHITE - 15).mean() >= _BEGINS)


def _sliver(lines: Grey, white: NDArray[np.bool_]) -> int:
    """Lines up to the end of a white gutter close to the rim that has picture on both sides."""
    inside = np.flatnonzero(white[: int(_SLIVER * len(lines))])
    if not len(inside) or inside[0] == 0:
        return 0
    end = int(inside[0]) + int(np.argmin(np.r_[white[inside[0] :], False]))
    before = lines[max(0, int(inside[0]) - 1 - _INWARD)]
    picture_before = bool((before < _WHITE - 15).mean() >= _BEGINS)
    return end if picture_before and _picture_begins(lines, end) else 0
