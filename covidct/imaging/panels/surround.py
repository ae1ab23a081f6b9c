"""The black surround of a scan, given back to panels that were trimmed of it.

Black beside a body is a gutter on a black page and part of the picture elsewhere. Which of the two it is, shows only
once all panels are known: paper of another colour lies beyond it, or pictures touch, so that there is no paper at all.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from covidct.imaging.panels.leaf import SIDES, PixelBox
from covidct.imaging.panels.lines import Region, lightest


@dataclass(frozen=True)
class SurroundLimits:
    """Thresholds of the black round a scan; shares are of pixels, where nothing else is said."""

    black: int = 56
    """Grey level of black, at most."""
    bare: float = 0.93
    """Share of black from which a strip holds no picture; a letter or the scanner's text may stand in it."""
    line: float = 0.5
    """Share of black up to which a line across the strip is where it ends."""
    paper: float = 0.06
    """Share of black up to which that line is paper (or a picture's straight side)."""
    touch: int = 2
    """Pixels up to which neighbours touch."""
    straight: float = 0.5
    """Share of a panel's outermost line that is lit where it is a straight side."""
    most: float = 0.7
    """A panel grows by no more than this share of its length."""


SURROUND = SurroundLimits()


def surround(image: Region, boxes: Sequence[PixelBox], page: Sequence[PixelBox] = ()) -> list[PixelBox]:
    """``boxes`` with the black beyond their sides that can only be theirs; ``page``: other things on the page.

    A picture that is alone keeps the black round it, but for a margin before a straight side.
    """
    black = np.asarray(lightest(image) <= SURROUND.black, np.uint8)
    walls = [*boxes, *page]
    placed = list(boxes)
    for index in range(len(placed)):
        for side in SIDES:
            others = [w for i, w in enumerate(walls) if i != index]
            placed[index] = _towards_paper(black, placed[index], others, side)
    known = _known(black, placed)
    if not known and walls[1:]:
        return placed
    for index in range(len(placed)):
        for side in SIDES:
            if not known and _lit(black, placed[index], side) >= SURROUND.straight:
                continue
            others = [b for i, b in enumerate(placed) if i != index] + list(page)
            placed[index] = _towards_edge(black, placed[index], others, side)
    return placed


def _lane(black: NDArray[np.uint8], box: PixelBox, others: Sequence[PixelBox], side: int) -> NDArray[np.float32]:
    """Share of black in each line beyond ``side``, nearest first, up to the next of ``others`` or the figure's edge."""
    axis = side % 2
    low, high = box[1 - axis], box[3 - axis]
    part = black[low:high] if axis == 0 else black[:, low:high]
    lines = np.asarray(part.mean(axis=axis), np.float32)
    beyond = [o for o in others if min(o[3 - axis], high) - max(o[1 - axis], low) > 1]
    if side < 2:
        start = max((o[axis + 2] for o in beyond if o[axis + 2] <= box[side] + SURROUND.touch), default=0)
        return lines[min(start, box[side]) : box[side]][::-1]
    stop = min((o[axis] for o in beyond if o[axis] >= box[side] - SURROUND.touch), default=len(lines))
    return lines[box[side] : max(stop, box[side])]


def _bare_run(lane: NDArray[np.float32]) -> int:
    """How many lines of ``lane`` are black, but for letters, before something else begins; 0 where there is more."""
    lit = np.flatnonzero(lane < SURROUND.line)
    run = int(lit[0]) if len(lit) else len(lane)
    return run if run and float(lane[:run].mean()) >= SURROUND.bare else 0


def _towards_paper(black: NDArray[np.uint8], box: PixelBox, others: Sequence[PixelBox], side: int) -> PixelBox:
    """The box grown through black to the paper behind it."""
    lane = _lane(black, box, others, side)
    run = _bare_run(lane)
    behind = lane[run + 1 : run + 3] if run + 1 < len(lane) else lane[run : run + 1]
    on_paper = len(behind) > 0 and float(behind.max()) <= SURROUND.paper
    return _grown(box, side, run) if on_paper else box


def _towards_edge(black: NDArray[np.uint8], box: PixelBox, others: Sequence[PixelBox], side: int) -> PixelBox:
    """The box grown through black to the figure's edge or to its neighbour."""
    lane = _lane(black, box, others, side)
    run = _bare_run(lane)
    return _grown(box, side, run) if run == len(lane) else box


def _grown(box: PixelBox, side: int, by: int) -> PixelBox:
    axis = side % 2
    if by > SURROUND.most * (box[axis + 2] - box[axis]):
        return box
    values = list(box)
    values[side] += -by if side < 2 else by
    return values[0], values[1], values[2], values[3]


def _known(black: NDArray[np.uint8], boxes: Sequence[PixelBox]) -> bool:
    """Whether the page is known not to be black: everywhere between neighbours is paper, or they touch where a
    picture is lit; a black band between two that are lit says that it is."""
    seams = [_seam(black, boxes, index, side) for index in range(len(boxes)) for side in (2, 3)]
    return "light" in seams and "dark" not in seams


def _seam(black: NDArray[np.uint8], boxes: Sequence[PixelBox], index: int, side: int) -> str:
    """What lies between a panel and the next one beyond ``side``: ``light`` (paper, or a lit side that touches),
    ``dark`` (a black band before a lit, straight side), or "" where there is none or it cannot be told."""
    box = boxes[index]
    lane = _lane(black, box, [b for i, b in enumerate(boxes) if i != index], side)
    if not any(_next_to(box, b, side, len(lane)) for i, b in enumerate(boxes) if i != index):
        return ""
    sides = [_lit(black, box, side), *(_lit(black, b, side - 2) for b in boxes if _next_to(box, b, side, len(lane)))]
    if len(lane) <= SURROUND.touch:
        return "light" if max(sides) >= SURROUND.straight else ""
    if float(lane.min()) <= SURROUND.paper:
        return "light"
    return "dark" if float(lane.min()) > 1 - SURROUND.paper and max(sides) >= SURROUND.straight else ""


def _next_to(box: PixelBox, other: PixelBox, side: int, gap: int) -> bool:
    axis = side % 2
    shared = min(box[3 - axis], other[3 - axis]) - max(box[1 - axis], other[1 - axis])
    return shared > 1 and abs(other[axis] - box[side] - gap) <= SURROUND.touch


def _lit(black: NDArray[np.uint8], box: PixelBox, side: int) -> float:
    """How much of a panel's outermost lines on ``side`` is not black."""
    axis = side % 2
    at = box[side] + (1 if side < 2 else -2)
    line = black[box[1] : box[3], at] if axis == 0 else black[at, box[0] : box[2]]
    return 1 - float(line.mean())
