"""One cut after the other: pieces, the sure lines that part them, and what is left of unsure ones."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from covidct.imaging.panels.align import bare
from covidct.imaging.panels.charts import SMALLEST, is_chart
from covidct.imaging.panels.cut import Candidate, Cut, Weighed, turned, weigh
from covidct.imaging.panels.glyphs import Character, characters
from covidct.imaging.panels.leaf import DARK, Piece, PixelBox, crop, in_row, trim
from covidct.imaging.panels.lines import Region
from covidct.imaging.panels.prints import Print, prints


@dataclass(frozen=True)
class CutLimits:
    """Thresholds of cuts; probabilities are those of the forest that asks whether a region is cut at all."""

    sure: float = 0.1
    """Probability from which the best cut is made: single slices of the published set stay below 0.04."""
    sure_bare: float = 0.75
    """The same for a white or black band from top to bottom: between the two lungs of one slice there is one too."""
    sure_unseen: float = 0.3
    """The same for equal division: no line shows there."""
    least: float = 0.012
    """Probability that the line of any cut has, however much the region asks for one."""
    hint: float = 0.02
    """Probability that is enough for a cut that continues a sure one of a neighbouring row or column."""
    rival: float = 0.3
    """Share of the best line's probability that a gutter beside it must have to be cut instead."""
    near: float = 0.02
    """Share of a region's length within which two places are one."""
    alike: float = 0.06
    """Share of its size within which a piece has the size of others of a grid."""
    white: float = 225.0
    """Grey level of a white band, at least."""
    slice: tuple[float, float] = (0.65, 1.9)
    """Width by height of a single slice, at least and at most."""
    empty: float = 7.0
    """Standard deviation of grey under which there is nothing in a piece."""
    lit: int = 30
    """Grey levels above bare black from which something is lit."""
    straight: float = 0.5
    """Share of a line beside bare black that is lit where a picture begins, not the round top of a body."""


CUTS = CutLimits()


@dataclass(frozen=True)
class Page:
    """The figure that is cut, and what was found in it so far; letters are read when they are first asked for."""

    image: Region
    scans: list[PixelBox] = field(default_factory=list)
    """Boxes of scans that were found on the way."""

    @cached_property
    def characters(self) -> list[Character]:
        """All printed characters."""
        return characters(self.image)

    @cached_property
    def prints(self) -> list[Print]:
        """All prints that may name a panel."""
        return prints(self.characters)


@dataclass(frozen=True)
class Ended:
    """A piece without a sure cut, and the unsure ones."""

    piece: Piece
    cuts: tuple[Cut, ...] = ()
    sure: float = 0.0


@dataclass(frozen=True)
class Made:
    """A cut that was made of ``piece``; its score is how surely the piece asked for it."""

    piece: Piece
    cut: Cut

    @property
    def axis(self) -> int:
        """0: from top to bottom, along x."""
        return self.cut.axis

    @property
    def extent(self) -> tuple[int, int]:
        """Where the piece begins and ends along the axis, in pixels of the figure; ``across``: and across it."""
        return self.piece.box[self.axis], self.piece.box[self.axis + 2]

    @property
    def across(self) -> tuple[int, int]:
        return self.piece.box[1 - self.axis], self.piece.box[3 - self.axis]

    @property
    def place(self) -> float:
        """Where the cut lies in the figure."""
        return self.extent[0] + _middle(self.cut)


def whole(image: Region) -> Piece:
    """The figure as one piece; a black page round straight sides is trimmed as a black gutter is."""
    return Piece((0, 0, image.shape[1], image.shape[0]), dark_sides=(True, True, True, True))


def cut_up(page: Page, todo: list[Piece], made: list[Made], rules: Counter[str]) -> list[Ended]:
    image, ended = page.image, []
    while todo:
        untrimmed = todo.pop()
        piece = trim(image, untrimmed)
        if is_chart(image, untrimmed.box, page.scans) and is_chart(image, piece.box, page.scans):
            ended.append(Ended(untrimmed))
            continue
        x0, y0, x1, y1 = piece.box
        if min(x1 - x0, y1 - y0) < SMALLEST or float(crop(image, piece.box).std()) < CUTS.empty:
            ended.append(Ended(piece))
            continue
        weighed = weigh(crop(image, piece.box), (image.shape[0], image.shape[1]))
        if not _is_sure(weighed, piece.box) or _bares(image, piece, weighed.cuts[0]):
            ended.append(Ended(piece, weighed.cuts, weighed.sure))
            continue
        cut = replace(_exact(weighed.cuts, piece.box), score=weighed.sure)
        made.append(Made(piece, cut))
        rules[f"cut:{cut.candidate.origin}"] += 1
        todo += parted(piece, cut)
    return ended


def _is_sure(weighed: Weighed, box: PixelBox) -> bool:
    """Whether the region asks for a cut and there is a line that may be one."""
    least = bool(weighed.cuts) and weighed.cuts[0].score >= CUTS.least
    return least and weighed.sure >= needed(weighed.cuts, box)


def _exact(cuts: Sequence[Cut], box: PixelBox) -> Cut:
    """The best cut, or the gutter that it was drawn to: a step beside a gutter would leave paper on one side."""
    best = cuts[0]
    if best.candidate.origin in ("band", "thread"):
        return best
    length = box[best.axis + 2] - box[best.axis]
    near = [
        cut
        for cut in cuts[1:]
        if cut.axis == best.axis
        and cut.candidate.origin in ("band", "thread")
        and abs(_middle(cut) - _middle(best)) <= max(3.0, CUTS.near * length)
        and cut.score >= CUTS.rival * best.score
    ]
    return near[0] if near else best


def _middle(cut: Cut) -> float:
    return (cut.candidate.start + cut.candidate.stop) / 2


def needed(cuts: Sequence[Cut], box: PixelBox) -> float:
    """Probability from which a cut is made: more for equal division, and for a bare band through a piece that has the
    shape of one slice."""
    if cuts and cuts[0].candidate.origin == "division":
        return CUTS.sure_unseen
    band = bool(cuts) and (cuts[0].axis, cuts[0].candidate.origin) == (0, "band")
    bare_band = band and not DARK <= cuts[0].level <= CUTS.white
    low, high = CUTS.slice
    like_one = low <= (box[2] - box[0]) / (box[3] - box[1]) <= high
    return CUTS.sure_bare if bare_band and like_one else CUTS.sure


def _bares(image: Region, piece: Piece, cut: Cut) -> bool:
    """Whether the cut would only take bare black off a slice: its surround belongs to it. A strip with a letter goes:
    on a black page it stands outside, and where it does not, ``align`` brings the strip back."""
    first, second = parted(piece, cut)
    for side, other, end in ((first, second, -1), (second, first, 0)):
        part = crop(image, side.box)
        if not bare(part) or float(part.std()) >= CUTS.empty:
            continue
        line = turned(crop(image, other.box), cut.axis)
        beside = line[:, min(2, line.shape[1] - 1) if end else max(-3, -line.shape[1])]
        apart = np.abs(beside.mean(1) - np.median(part))
        if float((apart > CUTS.lit).mean()) < CUTS.straight:
            return True
    return False


def parted(piece: Piece, cut: Cut) -> list[Piece]:
    """The two sides of a cut; in a black band, where no side shows, equal parts are made."""
    near, far = cut.axis, cut.axis + 2
    dark = cut.candidate.origin == "band" and cut.level < DARK
    c = _place(cut.candidate, piece.box[far] - piece.box[near]) if dark else cut.candidate
    first, second = list(piece.box), list(piece.box)
    first[far], second[near] = piece.box[near] + c.start, piece.box[near] + c.stop
    sides = [list(piece.dark_sides), list(piece.dark_sides)]
    sides[0][far] = sides[1][near] = dark
    score = min(piece.score, cut.score)
    return [
        Piece((b[0], b[1], b[2], b[3]), score, (s[0], s[1], s[2], s[3]))
        for b, s in zip((first, second), sides, strict=True)
    ]


def _place(c: Candidate, width: int) -> Candidate:
    middle = (c.start + c.stop) / 2
    shares = [width * i / k for k in (2, 3, 4, 5) for i in range(1, k)]
    best = min((s for s in shares if c.start <= s <= c.stop), key=lambda s: abs(s - middle), default=middle)
    return Candidate(round(best), round(best), c.origin)


def area_of(box: PixelBox) -> int:
    """Pixels in ``box``."""
    return (box[2] - box[0]) * (box[3] - box[1])


def size_of(box: PixelBox) -> tuple[int, int]:
    """Width and height of ``box``."""
    return box[2] - box[0], box[3] - box[1]


def same_size(a: tuple[int, int], b: tuple[int, int]) -> bool:
    """Whether two sizes are those of one grid."""
    return max(abs(a[0] - b[0]), abs(a[1] - b[1])) <= CUTS.alike * min(b)


def reading_order(boxes: Sequence[PixelBox]) -> list[PixelBox]:
    """Row by row, left to right: a box belongs to a row when ``in_row`` with the row's first box."""
    rest, ordered = sorted(boxes, key=lambda b: (b[1], b[0])), []
    while rest:
        lead = rest[0]
        row = [b for b in rest if in_row(lead, b)]
        ordered += sorted(row, key=lambda b: b[0])
        rest = [b for b in rest if b not in row]
    return ordered
