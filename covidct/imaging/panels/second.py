"""Second thoughts: what speaks for an unsure cut once the rest of the figure is known."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from covidct.imaging.panels.charts import SMALLEST
from covidct.imaging.panels.cut import Candidate, Cut
from covidct.imaging.panels.cutting import (
    CUTS,
    Ended,
    Made,
    Page,
    area_of,
    needed,
    parted,
    reading_order,
    same_size,
    size_of,
)
from covidct.imaging.panels.glyphs import LETTERS
from covidct.imaging.panels.leaf import DARK, Piece, PixelBox, crop, trim
from covidct.imaging.panels.letters import PRIOR, READ, letter
from covidct.imaging.panels.lines import Region
from covidct.imaging.triage import triage


@dataclass(frozen=True)
class SecondLimits:
    """Thresholds of second thoughts."""

    nearly: float = 0.75
    """Share of the bar that a cut must reach which leaves a piece of the others' size."""
    tried: int = 4
    """Unsure cuts whose sides are searched for the letters A and B."""
    asked: float = 0.3
    """Share of the bar that the best cut must reach in what triage calls compound with at least ``compound``."""
    compound: float = 0.8
    usual: float = 0.3
    """Area, as a share of the largest piece's, of what counts among the panels."""
    large: float = 1.7
    """Area, as a multiple of the usual one, from which a piece is two; ``half``: share of the bar for its cut."""
    half: float = 0.5
    breadth: float = 0.1
    """Share by which rows of one breadth differ, at most."""
    apart: float = 1.5
    """How much farther than ``CUTS.near`` cuts of several rows may lie apart; ``ends``: the ends of those rows."""
    ends: float = 3.0


SECONDS = SecondLimits()


def _aligned(page: Page, end: Ended, ended: Sequence[Ended], made: Sequence[Made]) -> Cut | None:
    """The best unsure cut that continues a sure one in the row above or below: grids are mostly regular."""
    for cut in end.cuts:
        if cut.score < CUTS.hint:
            return None
        this = Made(end.piece, cut)
        near = (this.extent[1] - this.extent[0]) * CUTS.near
        if any(abs(other.place - this.place) <= near for other in _beside(this, made)):
            return cut
    return None


def _beside(this: Made, made: Sequence[Made]) -> list[Made]:
    """Cuts of the same axis through what begins and ends where this one's region does."""
    near = (this.extent[1] - this.extent[0]) * CUTS.near
    ends = [max(abs(a - b) for a, b in zip(this.extent, other.extent, strict=True)) for other in made]
    return [o for o, apart in zip(made, ends, strict=True) if o.axis == this.axis and apart <= SECONDS.ends * near]


def _covers(other: Made, this: Made) -> bool:
    """Whether ``other`` cut, along the same axis, a region that reaches as far as this one or farther."""
    slack = SECONDS.ends * CUTS.near * (this.extent[1] - this.extent[0])
    (start, stop), (first, last) = this.extent, other.extent
    return other.axis == this.axis and first <= start + slack and last >= stop - slack


def _repeated(page: Page, end: Ended, ended: Sequence[Ended], made: Sequence[Made]) -> Cut | None:
    """A cut that at least two rows (columns) as broad as this one have at one place, though nothing shows it here."""
    for axis in (0, 1):
        blank = Cut(Candidate(0, 0, "repeated"), axis, CUTS.hint, DARK)
        this = Made(end.piece, blank)
        breadth = this.across[1] - this.across[0]
        near = (this.extent[1] - this.extent[0]) * CUTS.near * SECONDS.apart
        like = [
            o
            for o in made
            if _covers(o, this) and abs(o.across[1] - o.across[0] - breadth) <= SECONDS.breadth * breadth
        ]
        for other in like:
            same = [o.place for o in like if abs(o.place - other.place) <= near]
            inside = this.extent[0] + SMALLEST < other.place < this.extent[1] - SMALLEST
            if len(same) >= 2 and inside:
                at = round(float(np.median(same))) - this.extent[0]
                return replace(blank, candidate=Candidate(at, at, "repeated"))
    return None


def _oversized(page: Page, end: Ended, ended: Sequence[Ended], made: Sequence[Made]) -> Cut | None:
    """The best cut of a piece much larger than the others: the panels of a figure are of about one size."""
    areas = [area_of(other.piece.box) for other in ended if other is not end]
    usual = [a for a in areas if a >= SECONDS.usual * max(areas)]
    if len(usual) < 2 or not end.cuts or area_of(end.piece.box) < SECONDS.large * float(np.median(usual)):
        return None
    return end.cuts[0] if end.sure >= needed(end.cuts, end.piece.box) * SECONDS.half else None


def _evening(page: Page, end: Ended, ended: Sequence[Ended], made: Sequence[Made]) -> Cut | None:
    """The best cut where it is nearly sure and leaves a piece of the very size of two others: grids are regular."""
    if not end.cuts or end.sure < SECONDS.nearly * needed(end.cuts, end.piece.box):
        return None
    others = [size_of(other.piece.box) for other in ended if other is not end]
    for side in parted(end.piece, end.cuts[0]):
        size = size_of(trim(page.image, side).box)
        if sum(same_size(size, other) for other in others) >= 2:
            return end.cuts[0]
    return None


def _lettered(page: Page, end: Ended, ended: Sequence[Ended], made: Sequence[Made]) -> Cut | None:
    """An unsure cut that gives a letter which is left out: A, B, D speak of a third panel somewhere; in a figure that
    stayed whole, one whose two sides carry A and B. First one that leaves pieces of the others' size."""
    tried = [cut for cut in end.cuts[: SECONDS.tried] if cut.score >= CUTS.hint]
    others = _panels(page.image, [other.piece for other in ended if other is not end]) if made and tried else []
    before = _named(page, [*others, end.piece.box]) if tried else frozenset()
    if made and not _left_out(before):
        return None
    found = []
    for cut in tried:
        sides = [trim(page.image, side).box for side in parted(end.piece, cut)]
        after = _named(page, others + sides)
        if len(after) > len(before) and len(_left_out(after)) < max(1, len(_left_out(before))):
            alike = sum(same_size(size_of(side), size_of(other)) for side in sides for other in others)
            found.append((alike, cut.score, cut))
    return max(found, key=lambda f: f[:2])[2] if found else None


def _panels(image: Region, pieces: Sequence[Piece]) -> list[PixelBox]:
    """Boxes of the larger pieces."""
    boxes = [trim(image, piece).box for piece in pieces]
    least = SECONDS.usual * max(map(area_of, boxes), default=0)
    return [box for box in boxes if area_of(box) >= least]


def _named(page: Page, boxes: Sequence[PixelBox]) -> frozenset[int]:
    """Letters that are plainly read in ``boxes``, as numbers."""
    found = letter(page.prints, reading_order(boxes)).names
    plain = [name.label.upper() for name in found if name.by == READ and name.score >= PRIOR.plain]
    return frozenset(map(LETTERS.index, plain))


def _left_out(letters: frozenset[int]) -> frozenset[int]:
    return frozenset(range(max(letters, default=0))) - letters


def _compound(page: Page, end: Ended, ended: Sequence[Ended], made: Sequence[Made]) -> Cut | None:
    """The best cut, if it is not far from sure, of what triage calls several pictures."""
    if not end.cuts or end.sure < SECONDS.asked * needed(end.cuts, end.piece.box):
        return None
    verdict = triage(crop(page.image, end.piece.box))
    return end.cuts[0] if verdict.kind == "compound_with_ct" and verdict.score >= SECONDS.compound else None


SECOND: tuple[tuple[str, Callable[[Page, Ended, Sequence[Ended], Sequence[Made]], Cut | None]], ...] = (
    ("aligned", _aligned),
    ("oversized", _oversized),
    ("evening", _evening),
    ("lettered", _lettered),
    ("repeated", _repeated),
    ("compound", _compound),
)
"""Each gives the cut that it speaks for, or None; the first decides."""
