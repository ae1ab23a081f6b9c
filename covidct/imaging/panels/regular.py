"""Grids are regular: what the rows and columns of a figure say about cuts that were made, and about what was dropped.

A cut through a cell is undone, halves of a cell are joined, and a cell of which only bits were found is filled.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations

import cv2
import numpy as np

from covidct.imaging.panels.align import bare
from covidct.imaging.panels.choose import Dropped, on_paper
from covidct.imaging.panels.cut import Flow, turned
from covidct.imaging.panels.cutting import CUTS, Ended, Made, area_of, same_size, size_of
from covidct.imaging.panels.leaf import DARK, Piece, PixelBox, crop, look
from covidct.imaging.panels.lines import Region, darkest, grey_of, lightest


@dataclass(frozen=True)
class RegularLimits:
    """Thresholds of what a grid says."""

    firm: float = 0.7
    """Probability from which a cut stays that leaves no part of the size of other panels, and had a piece of it."""
    beside: float = 1.35
    """Length, as a share of another panel's, up to which a piece can be only one of those, with black beside it."""
    fills: float = 0.85
    """Share of the box round them that two halves of a picture fill."""
    grid: int = 4
    """Panels of one size, at least, beside which halves with bare black between them are one more."""
    goes_on: float = 0.5
    """Correlation of the detail on two sides of a line from which a picture goes on across it."""
    textured: float = 0.05
    """Share of a panel that is textured, under which it is a mask."""
    crossing: int = 2
    """Panels of the row and the column, together, that say where a cell of a grid lies."""


REGULAR = RegularLimits()


def undone(image: Region, ended: Sequence[Ended], made: Sequence[Made]) -> list[Ended]:
    """``ended`` without cuts of pieces that have the size of other panels, or little more along the cut, where the
    parts have not: unsure ones, and in a grid those across which the picture, or bare black, goes on."""
    left = list(ended)
    for before in sorted(made, key=lambda m: area_of(m.piece.box)):
        parts = [end for end in left if _inside(end.piece.box, before.piece.box)]
        others = [end for end in left if end not in parts]
        if len(parts) < 2:
            continue
        sizes = _firm(others, made)
        alike = sum(_holds_one(before, size) for size in sizes)
        if alike <= 2 * _most_alike(parts, sizes):
            continue
        lane, line = turned(crop(image, before.piece.box), before.axis), before.cut.candidate
        unsure = before.cut.score < REGULAR.firm
        if unsure or (alike >= REGULAR.grid and _goes_on(lane, line.start, line.stop, black=True)):
            left = [*others, Ended(before.piece, sure=min(before.cut.score, REGULAR.firm))]
    return left


def _most_alike(parts: Sequence[Ended], sizes: Sequence[tuple[int, int]]) -> int:
    """How many of ``sizes`` are those of a part, at most."""
    return max(sum(same_size(size_of(end.piece.box), size) for size in sizes) for end in parts)


def _firm(others: Sequence[Ended], made: Sequence[Made]) -> list[tuple[int, int]]:
    """Sizes of those that the last cut made surely: wrong ones agree with one another, too."""
    sizes = []
    for box in (end.piece.box for end in others):
        round_it = [m for m in made if m.piece.box != box and _inside(box, m.piece.box)]
        last = min(round_it, key=lambda m: area_of(m.piece.box), default=None)
        if last is None or last.cut.score >= REGULAR.firm:
            sizes.append(size_of(box))
    return sizes


def joined(image: Region, ended: Sequence[Ended], made: Sequence[Made]) -> list[Ended]:
    """``ended`` with the halves put together that a cut of the row above left of one picture: together they have the
    size of other panels, alone they have not, and the picture, or bare black in a grid, goes on from one to the
    other."""
    left = list(ended)
    boxes = {*(end.piece.box for end in ended), *(before.piece.box for before in made)}
    for first, second in permutations(sorted(boxes, key=area_of), 2):
        for axis in (0, 1):
            both = _together(first, second, axis)
            parts = [end for end in left if both and _inside(end.piece.box, both)]
            others = [end for end in left if end not in parts]
            if both is None or len(parts) < 2:
                continue
            sizes = _firm(others, made)
            alike = sum(same_size(size_of(both), size) for size in sizes)
            line = (first[axis + 2] - both[axis], second[axis] - both[axis])
            lane = turned(crop(image, both), axis)
            if alike > 2 * _most_alike(parts, sizes) and _goes_on(lane, min(line), max(line), alike >= REGULAR.grid):
                left = [*others, Ended(Piece(both, CUTS.hint))]
    return left


def _together(first: PixelBox, second: PixelBox, axis: int) -> PixelBox | None:
    """The box round two that touch along ``axis``, the first before the second, and fill it."""
    gap = second[axis] - first[axis + 2]
    both = (
        min(first[0], second[0]), min(first[1], second[1]), max(first[2], second[2]), max(first[3], second[3])
    )  # fmt: skip
    fills = area_of(first) + area_of(second) >= REGULAR.fills * area_of(both)
    return both if fills and -2 <= gap <= CUTS.alike * (both[axis + 2] - both[axis]) else None


def _goes_on(lane: Region, start: int, stop: int, black: bool) -> bool:
    """Whether the picture goes on across columns ``start`` to ``stop``, or bare black where that is enough."""
    if black and bare(lane[:, max(0, start - 2) : stop + 2]):
        return True
    return Flow(grey_of(lane)).features(start, stop)[0] >= REGULAR.goes_on


def _holds_one(before: Made, other: tuple[int, int]) -> bool:
    """Whether the piece that was cut is one panel of the size of another, with some black beside it perhaps."""
    size, axis = size_of(before.piece.box), before.axis
    across = abs(size[1 - axis] - other[1 - axis]) <= CUTS.alike * other[1 - axis]
    return across and 1 - CUTS.alike <= size[axis] / other[axis] <= REGULAR.beside


def _inside(inner: PixelBox, outer: PixelBox) -> bool:
    return all(outer[axis] <= inner[axis] and inner[axis + 2] <= outer[axis + 2] for axis in (0, 1))


def cells(image: Region, dropped: Sequence[Dropped], boxes: Sequence[PixelBox]) -> list[PixelBox]:
    """Cells of a grid on black of which only bits were found: masks have no sides to be seen, and may be a few specks.

    ``boxes``: the panels as they were placed; those that lie in a cell are bits of it.
    """
    bits = [box for box in boxes if _is_mask(image, box)]
    solid = [box for box in boxes if box not in bits]
    found: list[PixelBox] = []
    page = _printed(image)
    for bit in (*bits, *(d.box for d in dropped if d.reason != "words")):
        cell = _cell(bit, solid, page)
        free = cell is not None and not any(shares(cell, box) for box in (*solid, *found))
        if cell is not None and free and cell not in boxes and _is_dark_picture(crop(image, cell)):
            found.append(cell)
    return found


def _printed(image: Region) -> PixelBox:
    """The box round all that is no light paper."""
    x, y, w, h = cv2.boundingRect(np.asarray(darkest(image) <= CUTS.white, np.uint8))
    return x, y, x + w, y + h


def _is_mask(image: Region, box: PixelBox) -> bool:
    """Whether a panel is flat and mostly black."""
    part = crop(image, box)
    return float(np.median(lightest(part))) <= DARK and look(image, box, 1, 1).textured < REGULAR.textured


def _is_dark_picture(part: Region) -> bool:
    black = float(np.median(lightest(part))) <= DARK
    return black and float(part.std()) >= CUTS.empty and not on_paper(part)


def _cell(bit: PixelBox, boxes: Sequence[PixelBox], page: PixelBox) -> PixelBox | None:
    """Where the row and the column of ``bit`` cross, as panels of three or more, all of the same sides, say."""
    lines = [_line(bit, boxes, axis) for axis in (0, 1)]
    if sum(map(len, lines)) < REGULAR.crossing:
        return None
    spans = [_common(line, a) if line else _between(bit, lines[1 - a], a, page) for a, line in enumerate(lines)]
    if spans[0] is None or spans[1] is None:
        return None
    return spans[0][0], spans[1][0], spans[0][1], spans[1][1]


def _line(bit: PixelBox, boxes: Sequence[PixelBox], axis: int) -> list[PixelBox]:
    """Panels in the column (``axis`` 0) or the row (1) of ``bit``."""
    middle = (bit[axis] + bit[axis + 2]) / 2
    own = [(box[axis], box[axis + 2], box) for box in boxes]
    return [box for start, stop, box in own if start <= middle <= stop]


def _common(line: Sequence[PixelBox], axis: int) -> tuple[int, int] | None:
    """Where all of ``line`` begin and end along ``axis``, if they do so in one place."""
    start, stop = (round(float(np.median([box[side] for box in line]))) for side in (axis, axis + 2))
    slack = CUTS.alike * (stop - start)
    same = all(abs(box[axis] - start) <= slack and abs(box[axis + 2] - stop) <= slack for box in line)
    return (start, stop) if same else None


def _between(bit: PixelBox, row: Sequence[PixelBox], axis: int, page: PixelBox) -> tuple[int, int] | None:
    """Where ``bit`` begins and ends along ``axis`` if what its row leaves free there is shared out evenly."""
    length = float(np.median([box[axis + 2] - box[axis] for box in row]))
    middle = (bit[axis] + bit[axis + 2]) / 2
    before = max((box[axis + 2] for box in row if box[axis + 2] <= middle), default=page[axis])
    after = min((box[axis] for box in row if box[axis] >= middle), default=page[axis + 2])
    count = round((after - before) / length)
    share = (after - before) / max(1, count)
    if count < 1 or not 1 - CUTS.alike <= share / length <= REGULAR.beside:
        return None
    start = before + int((middle - before) / share) * share + (share - length) / 2
    return max(page[axis], round(start)), min(page[axis + 2], round(start + length))


def shares(a: PixelBox, b: PixelBox) -> bool:
    """Whether ``b`` overlaps ``a`` by more than a few of its pixels each way."""
    return all(min(a[i + 2], b[i + 2]) - max(a[i], b[i]) > CUTS.alike * (a[i + 2] - a[i]) for i in (0, 1))
