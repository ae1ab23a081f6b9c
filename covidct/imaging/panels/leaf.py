"""What is left between cuts: trim it to its picture, and say whether it is one.

``RULES`` are tried in order on each piece; the first that fires names the reason why the piece is no panel.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from covidct.imaging.panels.lines import UNIFORM, Region

PixelBox = tuple[int, int, int, int]
SIDES = (0, 1, 2, 3)
"""Left, top, right, bottom: indices into a box."""
DARK = 40.0
_WHITE = 225.0
_SOMBRE = 110.0
"""Grey up to here may be the air round a body in a wide window: it is paper only before a straight side."""
_STRAIGHT = 0.25
_VERY_STRAIGHT = 0.75
"""Where nothing else says that the dark is a gutter's: the scanner's table begins with half a line, too."""
_NO_MORE = 0.35
_NO_MORE_WHITE = 0.8
_ROWS = 160


@dataclass(frozen=True)
class Piece:
    """A part of a figure: its box, the lowest probability among the cuts that made it, and how its sides came to be."""

    box: PixelBox
    score: float = 1.0
    dark_sides: tuple[bool, bool, bool, bool] = (False, False, False, False)
    """Sides that lie in a black band, where the picture's own black and the gutter's cannot be told apart."""
    doubt: float = 0.0
    """Probability of the best cut that was not made inside."""


def crop(image: Region, box: PixelBox) -> Region:
    """The pixels of ``box``."""
    return image[box[1] : box[3], box[0] : box[2]]


def _lane(image: Region, box: PixelBox, side: int) -> Region:
    """The piece turned so that ``side`` is at the left: columns are then walked from that side inwards."""
    part = crop(image, box)
    if side in (1, 3):
        part = part.transpose(1, 0, 2)
    return part[:, ::-1] if side in (2, 3) else part


def _paper_depth(lane: Region, dark: bool) -> int:
    """How many columns from the left are bare paper (white, grey or coloured; black only where ``dark``)."""
    white = float(lane[:, 0].mean()) > _WHITE
    most = int(lane.shape[1] * (_NO_MORE_WHITE if white else _NO_MORE))
    ordered = np.sort(lane[:: -(-len(lane) // _ROWS), : most + 1], axis=0)
    edge, last = len(ordered) // 50, len(ordered) - 1
    centre = ordered[last // 2].astype(np.float32)
    even = (ordered[last - edge] - ordered[edge]).max(1) <= UNIFORM
    alike = np.abs(centre - centre[0]).max(1) <= 14
    level, coloured = float(centre[0].mean()), float(np.ptp(centre[0])) > 30
    if not even[0]:
        return 0
    bare = even & alike
    depth = int(bare.argmin()) if not bare.all() else 0
    if level > _SOMBRE or coloured:
        return depth
    return depth if _straight(lane, depth, centre[0]) >= (_STRAIGHT if dark else _VERY_STRAIGHT) else 0


def _straight(lane: Region, depth: int, paper: NDArray[np.float32]) -> float:
    """How much of a straight line the picture begins with at ``depth``: little with the tip of something round, and
    what ends after a few pixels (the scanner's table, a letter) does not count."""
    width = lane.shape[1]
    columns = lane[:, [min(depth + 1, width - 1), min(depth + max(6, width // 25), width - 1)]]
    return float((np.abs(columns - paper).max(2) > 24).mean(0).min())


def _letter_depth(lane: Region) -> int:
    """Columns from the left that hold only paper and a letter, up to a straight side of the picture; else 0."""
    most = int(lane.shape[1] * 0.2)
    sample = lane[:: -(-len(lane) // _ROWS), : most + 2].astype(np.int16)
    paper = np.median(sample[:, 0], axis=0)
    if float(paper.mean()) <= _SOMBRE:
        return 0
    inked = (np.abs(sample - paper).max(2) > 24).mean(0)
    rise = inked[1:] - inked[:-1]
    if len(rise) < 2:
        return 0
    at = int(rise.argmax()) + 1
    return at if rise[at - 1] > 0.5 and inked[:at].max() < 0.3 else 0


def trim(image: Region, piece: Piece) -> Piece:
    """The piece without bare paper, or paper with a letter, along its sides."""
    box, dark = list(piece.box), list(piece.dark_sides)
    for _ in range(2):
        for side in SIDES:
            lane = _lane(image, (box[0], box[1], box[2], box[3]), side)
            if min(lane.shape[:2]) < 12:
                continue
            # Behind white paper black is the picture's own.
            dark[side] = dark[side] and float(lane[:, 0].mean()) <= DARK
            depth = _paper_depth(lane, dark[side])
            depth = depth or _letter_depth(lane)
            box[side] += depth if side < 2 else -depth
    return replace(piece, box=(box[0], box[1], box[2], box[3]), dark_sides=(dark[0], dark[1], dark[2], dark[3]))


@dataclass(frozen=True)
class Look:
    """What a piece looks like: sizes relative to the larger pieces of the figure, colours, texture."""

    area: float
    """Relative to the median of the larger half of the pieces."""
    short: float
    """Shorter side, relative likewise."""
    contrast: float
    flat: float
    """Share of pixels in areas of one exact colour."""
    paper: float
    """Share of pixels of the commonest light colour."""
    textured: float
    """Share of pixels with the fine unrest of a photograph: neither flat nor a hard edge."""


def look(image: Region, box: PixelBox, area: float, short: float) -> Look:
    """Measure the pixels of ``box``; ``area`` and ``short``: what is usual in this figure."""
    part = crop(image, box)
    h, w = part.shape[:2]
    scale = min(1.0, 300 / max(h, w))
    if scale < 1:
        part = np.asarray(cv2.resize(part, (max(8, round(w * scale)), max(8, round(h * scale)))), np.uint8)
    grey = part.mean(2).astype(np.float32)
    mean, square = cv2.blur(grey, (5, 5)), cv2.blur(grey * grey, (5, 5))
    unrest = np.sqrt(np.maximum(square - mean * mean, 0))
    light = grey > 225
    middle = (mean > 20) & (mean < 225)
    textured = ((unrest > 1.2) & (unrest < 40) & middle).astype(np.uint8)
    solid = cv2.morphologyEx(textured, cv2.MORPH_OPEN, np.ones((5, 5), np.uint8))
    return Look(
        h * w / max(area, 1), min(h, w) / max(short, 1), float(grey.std()), float((unrest < 0.8).mean()),
        float(light.mean()), float(solid.mean()),
    )  # fmt: skip


def _blank(seen: Look) -> bool:
    return seen.contrast < 5


def _sliver(seen: Look) -> bool:
    return seen.short < 0.22 or seen.area < 0.06


def _text(seen: Look) -> bool:
    on_black = seen.flat > 0.9 and seen.textured < 0.01 and seen.paper < 0.02 and seen.contrast < 35
    return on_black or (seen.short < 0.4 and seen.textured < 0.08)


def _chart(seen: Look) -> bool:
    on_paper = seen.paper > 0.65 and seen.textured < 0.15
    painted = seen.flat > 0.7 and seen.textured < 0.06 and seen.paper > 0.2
    return (
        on_paper or painted or (seen.paper > 0.45 and seen.textured < 0.06 and seen.flat > 0.4 and seen.contrast < 80)
    )


RULES: tuple[tuple[str, Callable[[Look], bool]], ...] = (
    ("blank", _blank),
    ("sliver", _sliver),
    ("text", _text),
    ("chart", _chart),
)


def reason_against(seen: Look) -> str:
    """The name of the first rule that says this is no panel, or ""."""
    return next((name for name, fires in RULES if fires(seen)), "")
