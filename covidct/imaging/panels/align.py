"""Sides of panels that lie in bare black, put where the other panels of the figure say they are.

A slice's black surround and a black gutter look alike, and a straight line is nowhere to be seen; but the panels of a
row begin and end at one height, those of a column at one width, and neighbours keep one distance.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np

from covidct.imaging.panels.leaf import SIDES, PixelBox, crop
from covidct.imaging.panels.lines import Region, darkest, lightest


@dataclass(frozen=True)
class AlignLimits:
    """Thresholds of sides in bare black; shares are of the panel's length, where nothing else is said."""

    dark: int = 110
    """Grey level of a bare strip, at most: some pages are dark grey."""
    even: int = 40
    """Grey levels by which it varies: JPEG, and a soft edge."""
    bare: float = 0.97
    """Share of one dark grey from which a strip holds no picture; a letter may stand in it."""
    most: float = 0.5
    """By how much a side moves, at most: more would be another panel."""
    near: float = 0.02
    """Within this two places are one."""
    like: tuple[float, float] = (0.6, 1.7)
    """Length of a neighbour relative to the panel's, for its sides to count."""
    agree: float = 0.6
    """Share of the neighbours that want a side farther in, for it to be taken back."""


ALIGN = AlignLimits()


def bare(part: Region) -> bool:
    """Whether there is nothing but one black or dark grey, and at most a letter, in ``part`` (h, w, 3)."""
    if part.size == 0:
        return False
    level = float(np.median(part))
    if level > ALIGN.dark:
        return False
    near = (lightest(part) < level + ALIGN.even) & (darkest(part) > level - ALIGN.even)
    return float(near.mean()) >= ALIGN.bare


def align(image: Region, boxes: Sequence[PixelBox]) -> list[PixelBox]:
    """``boxes`` with sides in bare black moved to where the others agree, (x0, y0, x1, y1) as they came."""
    placed = list(boxes)
    for index in range(len(placed)):
        for side in SIDES:
            placed[index] = _moved(image, placed, index, side)
    return placed


def _moved(image: Region, boxes: Sequence[PixelBox], index: int, side: int) -> PixelBox:
    box, others = boxes[index], [b for i, b in enumerate(boxes) if i != index]
    length = box[side % 2 + 2] - box[side % 2]
    peers = [b[side] for b in _in_line(box, others, side)]
    wishes = [box[side], *peers, *_beside(box, others, boxes, side), *_by_length(box, others, side)]
    for place, votes in _by_votes(wishes, ALIGN.near * length):
        outward = (place < box[side]) == (side < 2)
        enough = outward or (votes >= 2 and votes >= ALIGN.agree * len(peers))
        if abs(place - box[side]) <= max(1.0, ALIGN.near * length):
            return box
        if abs(place - box[side]) > ALIGN.most * length or not enough:
            continue
        moved = _with(box, side, place)
        strip = _with(moved if outward else box, (side + 2) % 4, box[side] if outward else place)
        free = not outward or not any(overlap(moved, b) for b in others)
        if free and bare(crop(image, strip)):
            return moved
    return box


def _with(box: PixelBox, side: int, place: int) -> PixelBox:
    values = list(box)
    values[side] = place
    return values[0], values[1], values[2], values[3]


def overlap(a: PixelBox, b: PixelBox) -> bool:
    """Whether two boxes share more than a line of pixels."""
    return min(a[2], b[2]) - max(a[0], b[0]) > 1 and min(a[3], b[3]) - max(a[1], b[1]) > 1


def _shared(a: PixelBox, b: PixelBox, axis: int) -> float:
    """How much of the shorter extent along ``axis`` (0: x) the two have in common."""
    both = min(a[axis + 2], b[axis + 2]) - max(a[axis], b[axis])
    return both / max(1, min(a[axis + 2] - a[axis], b[axis + 2] - b[axis]))


def _in_line(box: PixelBox, others: Sequence[PixelBox], side: int) -> Iterator[PixelBox]:
    """Panels of the same row (for top and bottom) or column (for left and right), of about the same length."""
    axis = side % 2
    length = box[axis + 2] - box[axis]
    for other in others:
        ratio = (other[axis + 2] - other[axis]) / max(1, length)
        in_line = _shared(box, other, axis) > 0.5 and _shared(box, other, 1 - axis) < 0.2
        if in_line and ALIGN.like[0] <= ratio <= ALIGN.like[1]:
            yield other


def _beside(box: PixelBox, others: Sequence[PixelBox], boxes: Sequence[PixelBox], side: int) -> Iterator[int]:
    """Where the panel would end if it kept the figure's least distance from its neighbour beyond ``side``."""
    axis, far = side % 2, (side + 2) % 4
    gap = _least_gap(boxes, axis)
    for other in others:
        beyond = other[far] <= box[side] + 2 if side < 2 else other[far] >= box[side] - 2
        if beyond and _shared(box, other, 1 - axis) > 0.5:
            yield other[far] + gap if side < 2 else other[far] - gap


def _least_gap(boxes: Sequence[PixelBox], axis: int) -> int:
    gaps = [
        b[axis] - a[axis + 2]
        for a in boxes
        for b in boxes
        if b[axis] >= a[axis + 2] - 1 and _shared(a, b, 1 - axis) > 0.5
    ]
    return max(0, min(gaps, default=0))


def _by_length(box: PixelBox, others: Sequence[PixelBox], side: int) -> Iterator[int]:
    """Where the panel would end if it were as long as the others usually are."""
    axis, far = side % 2, (side + 2) % 4
    if others:
        usual = round(median(o[axis + 2] - o[axis] for o in others))
        yield box[far] - usual if side < 2 else box[far] + usual


def _by_votes(wishes: Sequence[int], near: float) -> list[tuple[int, int]]:
    """Places with the number of wishes close by, most first; each place is the median of its wishes."""
    found: dict[int, int] = {}
    for wish in wishes:
        close = [w for w in wishes if abs(w - wish) <= max(1.0, near)]
        found[round(float(np.median(close)))] = len(close)
    return sorted(found.items(), key=lambda item: -item[1])
