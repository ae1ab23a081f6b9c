"""Stroked curves at their true size: the library bounds them by the longest mitre that their line could have.

With usual settings that is ten line widths on each side and more, which makes figures of two columns touch.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import pymupdf
from pymupdf import mupdf

from covidct.harvest.extract.page import Stroke
from covidct.records import Box


@dataclass(frozen=True)
class Thresholds:
    """Points."""

    small: float = 8.0
    """The bounds of smaller strokes do no harm, but for thin lines: a scaled one comes 20 times as wide."""
    thin: float = 2.6
    """A line no thicker has its bounds right."""
    half: float = 0.25
    """Half the width of the thinnest line that is drawn."""
    near: float = 0.5
    """By how much a path may reach out of the bounds that hold it."""


LIMITS = Thresholds()
Key = tuple[int, int]


class _Paths(mupdf.FzDevice2):  # type: ignore[misc]
    """Notes the bounds of each stroked path, wider by half its line on all sides."""

    def __init__(self) -> None:
        super().__init__()
        self.use_virtual_stroke_path()
        self.boxes: list[Box] = []

    def stroke_path(self, _context: Any, path: Any, stroke: Any, matrix: Any, *_paint: Any) -> None:
        bounds = mupdf.ll_fz_bound_path(path, None, matrix)
        scale = abs(matrix.a * matrix.d - matrix.b * matrix.c) ** 0.5
        half = max(stroke.linewidth * scale / 2, LIMITS.half)
        self.boxes.append((bounds.x0 - half, bounds.y0 - half, bounds.x1 + half, bounds.y1 + half))


def tightened(strokes: list[Stroke], listing: pymupdf.DisplayList) -> list[Stroke]:
    """``strokes`` of a page with the bounds of curves cut back to the path itself, where it can be told apart."""
    if not any(_loose(stroke) for stroke in strokes):
        return strokes
    known: dict[Key, list[Box]] = defaultdict(list)
    left, top = listing.rect.x0, listing.rect.y0
    for x0, y0, x1, y1 in _paths(listing):
        box = (x0 - left, y0 - top, x1 - left, y1 - top)
        known[_key(box)].append(box)
    return [replace(s, box=_true(s.box, known)) if _loose(s) else s for s in strokes]


def _paths(listing: pymupdf.DisplayList) -> Sequence[Box]:
    device = _Paths()
    everywhere = mupdf.FzRect(mupdf.FzRect.Fixed_INFINITE)
    mupdf.fz_run_display_list(listing.this, device, mupdf.FzMatrix(), everywhere, mupdf.FzCookie())
    mupdf.fz_close_device(device)
    return device.boxes


def _loose(stroke: Stroke) -> bool:
    wide, high = stroke.box[2] - stroke.box[0], stroke.box[3] - stroke.box[1]
    thick = LIMITS.thin < min(wide, high) <= LIMITS.small and max(wide, high) > LIMITS.small
    return not stroke.filled and (thick or (not stroke.straight and min(wide, high) > LIMITS.small))


def _key(box: Box) -> Key:
    return (round(box[0] + box[2]), round(box[1] + box[3]))


def _true(box: Box, known: dict[Key, list[Box]]) -> Box:
    """The largest path with the centre of ``box`` that lies inside it; else ``box``."""
    x, y = _key(box)
    around = (path for a in (-1, 0, 1) for b in (-1, 0, 1) for path in known.get((x + a, y + b), ()))
    fitting = [path for path in around if path[0] > box[0] - LIMITS.near and path[1] > box[1] - LIMITS.near]
    if not fitting:
        return box
    x0, y0, x1, y1 = max(fitting, key=lambda path: path[2] - path[0] + path[3] - path[1])
    return (max(x0, box[0]), max(y0, box[1]), min(x1, box[2]), min(y1, box[3]))
