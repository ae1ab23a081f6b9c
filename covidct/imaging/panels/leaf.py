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
"""Grey level of black paper, at most."""
_ROWS = 160
"""Rows, at most, by which it is measured whether a column is bare."""


@dataclass(frozen=True)
class TrimLimits:
    """Thresholds of the paper along a piece's sides, in grey levels and shares of a line or of the piece's length."""

    white: float = 225.0
    """Grey level of white paper, at least."""
    sombre: float = 110.0
    """Grey up to here may be the air round a body in a wide window: it is paper only before a straight side."""
    alike: float = 14.0
    """Grey levels within which a line has the colour of the one before."""
    ink: float = 24.0
    """Grey levels from which something is no paper."""
    coloured: float = 30.0
    """Grey levels between the channels from which paper is coloured."""
    straight: float = 0.25
    """Share of a line that is lit where a picture begins at a gutter."""
    very_straight: float = 0.75
    """Where nothing else says that the dark is a gutter's: the scanner's table begins with half a line, too."""
    no_more: float = 0.35
    """Depth of paper, at most; ``no_more_white``: of white paper, which no slice has."""
    no_more_white: float = 0.8
    letter: float = 0.2
    """Depth of paper with a letter, at most."""
    rise: float = 0.5
    """Share of a line that is no paper more than of the line before where a picture begins behind a letter."""
    lettered: float = 0.3
    """Share of a line that a letter takes, at most."""


TRIM = TrimLimits()


@dataclass(frozen=True)
class LookLimits:
    """Thresholds of what is no panel; shares of pixels, where nothing else is said."""

    contrast: float = 5.0
    """Standard deviation of the grey levels under which a piece is blank."""
    short: float = 0.22
    """Shorter side, as a share of what is usual in the figure, under which it is a sliver; ``area``: likewise."""
    area: float = 0.06
    flat_text: float = 0.9
    """Share of flat areas from which words stand on black; under ``pale`` levels of contrast."""
    pale: float = 35.0
    short_text: float = 0.4
    """Shorter side up to which a piece without texture is words."""
    textured_text: float = 0.08
    key: float = 0.5
    """Shorter side up to which flat fields (``flat``) with little texture (``textured_key``) are a key of colours."""
    textured_key: float = 0.3
    paper: float = 0.65
    """Share of light paper from which a piece may be a chart; less texture than ``textured`` makes it one."""
    textured: float = 0.15
    painted: float = 0.7
    """Share of flat areas from which a piece with some paper (``some``) and hardly any texture (``smooth``) is one."""
    some: float = 0.2
    smooth: float = 0.06
    half: float = 0.45
    """Share of paper from which a flat (``flat``) piece of little contrast (``dim`` levels) is one."""
    flat: float = 0.4
    dim: float = 80.0


LOOK = LookLimits()


@dataclass(frozen=True)
class Piece:
    """A part of a figure: its box, the lowest probability among the cuts that made it, and how its sides came to be."""

    box: PixelBox
    score: float = 1.0
    dark_sides: tuple[bool, bool, bool, bool] = (False, False, False, False)
    """Sides that lie in a black band, where the picture's own black and the gutter's cannot be told apart."""
    doubt: float = 0.0
    """Probability of the best cut that was not made inside."""


def in_row(a: PixelBox, b: PixelBox) -> bool:
    """Whether the middle of each lies beside the other: one that is as high as two rows is a row of its own."""
    return all(one[1] <= (other[1] + other[3]) / 2 <= one[3] for one, other in ((a, b), (b, a)))


def crop(image: Region, box: PixelBox) -> Region:
    """The pixels of ``box``."""
    return image[box[1] : box[3], box[0] : box[2]]


def _lane(image: Region, box: PixelBox, side: int) -> Region:
    """The piece turned so that ``side`` is at the left: columns are then walked from that side inwards."""
    part = crop(image, box)
    if side in (1, 3):
        part = part.transpose(1, 0, 2)
    return part[:, ::-1] if side in (2, 3) else part


def _paper_depth(lane: Region, dark: bool, corners: NDArray[np.uint8]) -> int:
    """How many columns from the left are bare paper: white, or of the colour of the page's ``corners`` (4, 3), and
    before a straight side of any other, as the ground of a map is of one colour too; black sooner where ``dark``."""
    white = float(lane[:, 0].mean()) > TRIM.white
    most = int(lane.shape[1] * (TRIM.no_more_white if white else TRIM.no_more))
    depth, paper = _bare(lane[:: -(-len(lane) // _ROWS), : most + 1])
    level, coloured = float(paper.mean()), float(np.ptp(paper)) > TRIM.coloured
    own = level > TRIM.white or bool((np.abs(corners - paper).max(1) <= TRIM.alike).any())
    if not depth or (own and (level > TRIM.sombre or coloured)):
        return depth
    return depth if _straight(lane, depth, paper) >= (TRIM.straight if dark else TRIM.very_straight) else 0


def _bare(lane: Region) -> tuple[int, NDArray[np.float32]]:
    """Columns from the left that are of one colour, and the colour; 0 where all are. Read in steps: most end soon."""
    edge, last, depth = len(lane) // 50, len(lane) - 1, 0
    paper = np.zeros(3, np.float32)
    while depth < lane.shape[1]:
        part = np.ascontiguousarray(lane[:, depth : depth + max(8, depth)].transpose(1, 2, 0))
        ordered = np.sort(part, axis=2, kind="stable")
        centre = ordered[:, :, last // 2].astype(np.float32)
        paper = centre[0] if depth == 0 else paper
        even = (ordered[:, :, last - edge] - ordered[:, :, edge]).max(1) <= UNIFORM
        bare = even & (np.abs(centre - paper).max(1) <= TRIM.alike)
        if not bare.all():
            return depth + int(bare.argmin()), paper
        depth += len(bare)
    return 0, paper


def _straight(lane: Region, depth: int, paper: NDArray[np.float32]) -> float:
    """How much of a straight line the picture begins with at ``depth``: little with the tip of something round, and
    what ends after a few pixels (the scanner's table, a letter) does not count."""
    width = lane.shape[1]
    columns = lane[:, [min(depth + 1, width - 1), min(depth + max(6, width // 25), width - 1)]]
    return float((np.abs(columns - paper).max(2) > TRIM.ink).mean(0).min())


def _letter_depth(lane: Region) -> int:
    """Columns from the left that hold only paper and a letter, up to a straight side of the picture; else 0."""
    most = int(lane.shape[1] * TRIM.letter)
    sample = lane[:: -(-len(lane) // _ROWS), : most + 2]
    paper = np.median(sample[:, 0], axis=0)
    if float(paper.mean()) <= TRIM.sombre:
        return 0
    inked = (np.abs(sample.astype(np.int16) - paper).max(2) > TRIM.ink).mean(0)
    rise = inked[1:] - inked[:-1]
    if len(rise) < 2:
        return 0
    at = int(rise.argmax()) + 1
    return at if rise[at - 1] > TRIM.rise and inked[:at].max() < TRIM.lettered else 0


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
            depth = _paper_depth(lane, dark[side], image[[0, 0, -1, -1], [0, -1, 0, -1]])
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
    return seen.contrast < LOOK.contrast


def _sliver(seen: Look) -> bool:
    return seen.short < LOOK.short or seen.area < LOOK.area


def _text(seen: Look) -> bool:
    on_black = seen.flat > LOOK.flat_text and seen.textured < 0.01 and seen.paper < 0.02 and seen.contrast < LOOK.pale
    return on_black or (seen.short < LOOK.short_text and seen.textured < LOOK.textured_text)


def _key(seen: Look) -> bool:
    return seen.short < LOOK.key and seen.flat > LOOK.flat and seen.textured < LOOK.textured_key


def _chart(seen: Look) -> bool:
    if seen.textured >= LOOK.smooth:
        return seen.paper > LOOK.paper and seen.textured < LOOK.textured
    painted = seen.flat > LOOK.painted and seen.paper > LOOK.some
    pale = seen.paper > LOOK.half and seen.flat > LOOK.flat and seen.contrast < LOOK.dim
    return seen.paper > LOOK.paper or painted or pale


RULES: tuple[tuple[str, Callable[[Look], bool]], ...] = (
    ("blank", _blank),
    ("sliver", _sliver),
    ("text", _text),
    ("key", _key),
    ("chart", _chart),
)


def reason_against(seen: Look) -> str:
    """The name of the first rule that says this is no panel, or ""."""
    return next((name for name, fires in RULES if fires(seen)), "")
