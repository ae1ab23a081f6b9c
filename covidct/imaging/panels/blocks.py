"""Letters that name a block of panels: a line of them, each at the middle or the beginning of its block."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from covidct.imaging.panels.leaf import PixelBox
from covidct.imaging.panels.prints import Print


@dataclass(frozen=True)
class BlockLimits:
    """Thresholds of a line of letters; lengths are shares of a block's or a panel's, where nothing else is said."""

    read: float = 0.5
    """Probability of a letter from which it stands in a line; one of them is ``plain``."""
    plain: float = 0.85
    level: float = 0.5
    """How far apart, in heights, letters of one line stand across it."""
    unlike: float = 1.8
    """How much higher one of them is than another."""
    middle: float = 0.04
    """By how much of a block a letter misses its middle."""
    edge: tuple[float, float] = (-0.15, 0.35)
    """By how much of a panel a letter stands before the beginning of its block."""


BLOCKS = BlockLimits()
Owners = list[int]
"""(panels,): index of each panel's letter in the line."""


def blocks(found: Sequence[Print], panels: Sequence[PixelBox], wanted: Sequence[int]) -> dict[int, tuple[int, Print]]:
    """Letter and print of each panel, by a line of the first of ``wanted`` that stands outside of all ``panels``."""
    outer = [p for p in found if p.sure >= BLOCKS.read and not any(_holds(box, p.centre) for box in panels)]
    for axis in (0, 1):
        for line in _lines(outer, panels, wanted, axis):
            for shared in (_middles, _edges):
                owners = shared([p.box for p in line], panels, axis)
                if len(owners) > len(line) and set(owners) == set(range(len(line))):
                    return {panel: (line[owner].best, line[owner]) for panel, owner in enumerate(owners)}
    return {}


def _holds(box: PixelBox, point: tuple[float, float]) -> bool:
    return all(box[axis] <= point[axis] < box[axis + 2] for axis in (0, 1))


def _lines(
    outer: Sequence[Print], panels: Sequence[PixelBox], wanted: Sequence[int], axis: int
) -> Iterator[list[Print]]:
    """Letters beside all panels, on one level and of one size, that count up and are all that stands there."""
    first, last = min(box[1 - axis] for box in panels), max(box[3 - axis] for box in panels)
    for lead in (p for p in outer if p.best == wanted[0]):
        height, level = lead.box[3] - lead.box[1], lead.centre[1 - axis]
        line = [p for p in outer if abs(p.centre[1 - axis] - level) <= BLOCKS.level * height]
        line = [p for p in line if 1 / BLOCKS.unlike <= (p.box[3] - p.box[1]) / height <= BLOCKS.unlike]
        line.sort(key=lambda p: p.centre[axis])
        beside = all(p.centre[1 - axis] < first for p in line) or all(p.centre[1 - axis] > last for p in line)
        counts = len(line) > 1 and [p.best for p in line] == list(wanted[: len(line)])
        if beside and counts and max(p.sure for p in line) >= BLOCKS.plain:
            yield line


def _middles(line: Sequence[PixelBox], panels: Sequence[PixelBox], axis: int) -> Owners:
    """Each panel belongs to the nearest letter, and each letter stands at the middle of what is its own."""
    middles = [(box[axis] + box[axis + 2]) / 2 for box in line]
    places = [(box[axis] + box[axis + 2]) / 2 for box in panels]
    owners = [min(range(len(line)), key=lambda i: abs(middles[i] - place)) for place in places]
    for letter, middle in enumerate(middles):
        own = [box for box, owner in zip(panels, owners, strict=True) if owner == letter]
        start, stop = min((box[axis] for box in own), default=0), max((box[axis + 2] for box in own), default=0)
        if abs((start + stop) / 2 - middle) > BLOCKS.middle * (stop - start):
            return []
    return owners


def _edges(line: Sequence[PixelBox], panels: Sequence[PixelBox], axis: int) -> Owners:
    """Each panel belongs to the last letter before it, and each letter stands at the beginning of what is its own."""
    low, high = BLOCKS.edge
    owners = []
    for box in panels:
        slack = low * (box[axis + 2] - box[axis])
        before = [i for i, letter in enumerate(line) if letter[axis] + slack <= box[axis]]
        owners.append(max(before, default=-1))
    for letter, place in enumerate(line):
        own = [box for box, owner in zip(panels, owners, strict=True) if owner == letter]
        first = min(own, key=lambda box: box[axis], default=place)
        if first[axis] - place[axis] > high * (first[axis + 2] - first[axis]):
            return []
    return owners
