"""Second thoughts: what speaks for an unsure cut once the rest of the figure is known."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from covidct.imaging.panels.charts import SMALLEST
from covidct.imaging.panels.cut import Candidate, Cut, weigh
from covidct.imaging.panels.cutting import CUTS, Ended, Made, Page, area_of, made_by, needed, parted, same_size, size_of
from covidct.imaging.panels.leaf import DARK, PixelBox, crop, trim
from covidct.imaging.panels.letters import letter
from covidct.imaging.panels.lines import Region


def _aligned(page: Page, end: Ended, ended: Sequence[Ended], made: Sequence[Made]) -> Cut | None:
    """The best unsure cut that continues a sure one in the row above or below: grids are mostly regular."""
    for cut in end.cuts:
        if cut.score < CUTS.hint:
            return None
        this = made_by(cut, end.piece.box)
        near = (this.extent[1] - this.extent[0]) * CUTS.near
        if any(abs(other.place - this.place) <= near for other in _beside(this, made)):
            return cut
    return None


def _beside(this: Made, made: Sequence[Made]) -> list[Made]:
    """Cuts of the same axis through what begins and ends where this one's region does."""
    near = (this.extent[1] - this.extent[0]) * CUTS.near
    ends = [max(abs(a - b) for a, b in zip(this.extent, other.extent, strict=True)) for other in made]
    return [o for o, apart in zip(made, ends, strict=True) if o.axis == this.axis and apart <= 3 * near]


def _covers(other: Made, this: Made) -> bool:
    """Whether ``other`` cut, along the same axis, a region that reaches as far as this one or farther."""
    slack = 3 * CUTS.near * (this.extent[1] - this.extent[0])
    (start, stop), (first, last) = this.extent, other.extent
    return other.axis == this.axis and first <= start + slack and last >= stop - slack


def _repeated(page: Page, end: Ended, ended: Sequence[Ended], made: Sequence[Made]) -> Cut | None:
    """A cut that at least two rows (columns) as broad as this one have at one place, though nothing shows it here."""
    for axis in (0, 1):
        blank = Cut(Candidate(0, 0, "repeated"), axis, CUTS.hint, DARK)
        this = made_by(blank, end.piece.box)
        breadth = this.across[1] - this.across[0]
        near = (this.extent[1] - this.extent[0]) * CUTS.near * 1.5
        like = [o for o in made if _covers(o, this) and abs(o.across[1] - o.across[0] - breadth) <= 0.1 * breadth]
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
    usual = [a for a in areas if a >= 0.3 * max(areas)]
    if len(usual) < 2 or not end.cuts or area_of(end.piece.box) < 1.7 * float(np.median(usual)):
        return None
    return end.cuts[0] if end.sure >= needed(end.cuts, end.piece.box) / 2 else None


def _evening(page: Page, end: Ended, ended: Sequence[Ended], made: Sequence[Made]) -> Cut | None:
    """The best cut where it is nearly sure and leaves a piece of the very size of two others: grids are regular."""
    if not end.cuts or end.sure < CUTS.nearly * needed(end.cuts, end.piece.box):
        return None
    others = [size_of(other.piece.box) for other in ended if other is not end]
    for side in parted(end.piece, end.cuts[0]):
        size = size_of(trim(page.image, side).box)
        if sum(same_size(size, other) for other in others) >= 2:
            return end.cuts[0]
    return None


def _lettered(page: Page, end: Ended, ended: Sequence[Ended], made: Sequence[Made]) -> Cut | None:
    """In a figure that stayed whole, the first unsure cut whose two sides carry the letters A and B."""
    for cut in end.cuts[: CUTS.tried] if not made else ():
        if cut.score < CUTS.hint:
            return None
        sides = [trim(page.image, side).box for side in parted(end.piece, cut)]
        if letter(page.prints, sides).order:
            return cut
    return None


def _parting(page: Page, end: Ended, ended: Sequence[Ended], made: Sequence[Made]) -> Cut | None:
    """In a figure that stayed whole, a cut whose two sides both ask surely for one across it: rows of panels that touch
    hide the line between them, never those inside."""
    for cut in end.cuts[:2] if not made else ():
        sides = [trim(page.image, side).box for side in parted(end.piece, cut)]
        if all(_asks(page.image, box, 1 - cut.axis) for box in sides):
            return cut
    return None


def _asks(image: Region, box: PixelBox, axis: int) -> bool:
    if min(box[2] - box[0], box[3] - box[1]) < 2 * SMALLEST:
        return False
    weighed = weigh(crop(image, box), (image.shape[0], image.shape[1]))
    return bool(weighed.cuts) and weighed.cuts[0].axis == axis and weighed.sure >= CUTS.surely


SECOND: tuple[tuple[str, Callable[[Page, Ended, Sequence[Ended], Sequence[Made]], Cut | None]], ...] = (
    ("aligned", _aligned),
    ("oversized", _oversized),
    ("evening", _evening),
    ("lettered", _lettered),
    ("repeated", _repeated),
    ("parting", _parting),
)
"""Each gives the cut that it speaks for, or None; the first decides."""
