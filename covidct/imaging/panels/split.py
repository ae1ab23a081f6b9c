"""Panels of compound figures: cut where the evidence is best, again and again, then keep what is a picture.

Main path: ``split`` → ``divide`` (cuts, from ``cut``) → ``trim`` and ``RULES`` (from ``leaf``) →
reading order → letters (``letters``).
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import cv2
import numpy as np

from covidct.imaging.panels.align import align, bare
from covidct.imaging.panels.charts import SMALLEST, is_chart, is_scan
from covidct.imaging.panels.cut import Candidate, Cut, Weighed, turned, weigh
from covidct.imaging.panels.glyphs import characters
from covidct.imaging.panels.leaf import DARK, Piece, PixelBox, crop, look, reason_against, trim
from covidct.imaging.panels.letters import NONE, Lettering, letter
from covidct.imaging.panels.lines import Region, grey_of
from covidct.imaging.panels.prints import Print, prints
from covidct.imaging.panels.surround import surround
from covidct.imaging.triage import triage, triage_all

SURE = 0.1
"""Probability from which the best cut of a region is made: single slices of the published set stay below 0.04."""
SURE_BARE = 0.75
"""The same for a white or black band from top to bottom: between the two lungs of one slice there is one too."""
_WHITE = 225.0
_SLICE_SHAPE = (0.65, 1.9)
"""Width by height of a single slice, at least and at most."""
_EMPTY = 7.0
_LIT = 30
_STRAIGHT = 0.5
"""Share of a line beside bare black that is lit where a picture begins, not the round top of a body."""
_SURELY = 0.9
_NEARLY = 0.75
_LEAST = 0.012
"""Probability that the line of any cut has, however much the region asks for one."""
_NEAR = 0.02
"""Share of a region's length within which two places are one."""
_RIVAL = 0.3
_HINT = 0.02
"""Enough for a cut that continues a sure one of a neighbouring row or column."""
DRAWN = frozenset({"chart_or_diagram", "logo"})
_DRAWN_SURE = 0.6
CHARTS = DRAWN | {"chart"}
"""Reasons of what is dropped for being drawn."""
_LITTLE = 0.5
_TEXTURED, _SHOWN = 0.8, 0.15
"""Share of a piece that is textured where it is a photograph (fields of charts and maps mostly stay below 0.5), and the
share of a figure that its photographs fill where it is no drawing (a map of dots is as textured, and small)."""
_LIGHT, _RIM, _ALIKE = 0.3, 0.5, 0.06
"""Share of light paper, and of the sides in it, from which a piece is drawn whatever stands beside it; how far sizes of
one grid differ."""
_TRIED = 4
_LONGEST = 1800


@dataclass(frozen=True)
class PanelBox:
    """One panel: letter ("" where none), box in pixels, and how sure the boxes are (low: let a person look)."""

    label: str
    box: PixelBox
    score: float
    label_by: str = NONE
    """Whether the letter was ``read``, ``inferred`` from others, or there is ``none``."""
    label_score: float = 0.0
    """Probability of the letter."""


@dataclass(frozen=True)
class Page:
    """The figure that is cut, and the letters printed on it, which are read when they are first asked for."""

    image: Region

    @cached_property
    def prints(self) -> list[Print]:
        """All prints that may name a panel."""
        return prints(characters(self.image))


@dataclass(frozen=True)
class Dropped:
    """A piece that is no panel, and the rule that says so."""

    box: PixelBox
    reason: str


@dataclass(frozen=True)
class Split:
    """Panels in reading order, what was dropped, and how often each proposer and rule decided."""

    panels: tuple[PanelBox, ...]
    dropped: tuple[Dropped, ...]
    rules: Mapping[str, int]


def split(image: Region, expected: Sequence[str] | None = None) -> Split:
    """Panels of ``image``, (H, W, 3) RGB uint8. A picture that is not compound is one panel with label "".

    ``expected``: panel letters that the caption speaks of, used where none can be seen and the count agrees.
    """
    small, scale = _shrink(image)
    page = Page(small)
    rules: Counter[str] = Counter()
    pieces = divide(page, rules)
    panels, dropped = _choose(small, pieces, rules)
    surrounded = surround(small, [p.box for p in panels], [d.box for d in dropped if d.reason in CHARTS])
    placed = align(small, surrounded)
    ordered = reading_order([replace(p, box=box) for p, box in zip(panels, placed, strict=True)])
    charts = [d.box for d in dropped if d.reason in CHARTS]
    lettering = _letters(page, [p.box for p in ordered], charts, expected)
    if lettering.order:
        rules[f"letters:{lettering.order}"] += 1
    named = tuple(
        PanelBox(n.label, _grow(p.box, scale, image), _score(p), n.by, n.score)
        for n, p in zip(lettering.names, ordered, strict=True)
    )
    return Split(named, tuple(Dropped(_grow(d.box, scale, image), d.reason) for d in dropped), dict(rules))


def _letters(
    page: Page, boxes: Sequence[PixelBox], charts: Sequence[PixelBox], expected: Sequence[str] | None
) -> Lettering:
    """Letters of ``boxes``; charts beside them are no panels, but take part in the count."""
    if charts:
        together = [p.box for p in reading_order([Piece(box) for box in (*boxes, *charts)])]
        drawn = {together.index(box) for box in charts}
        found = letter(page.prints, together, expected, drawn)
        if found.order:
            return replace(found, names=tuple(found.names[together.index(box)] for box in boxes))
    return letter(page.prints if len(boxes) > 1 else (), boxes, expected)


def _shrink(image: Region) -> tuple[Region, float]:
    h, w = image.shape[:2]
    scale = min(1.0, _LONGEST / max(h, w))
    if scale == 1.0:
        return image, scale
    size = (round(w * scale), round(h * scale))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8), scale


def _grow(box: PixelBox, scale: float, image: Region) -> PixelBox:
    h, w = image.shape[:2]
    x0, y0, x1, y1 = (round(v / scale) for v in box)
    return max(0, x0), max(0, y0), min(w, x1), min(h, y1)


def _score(piece: Piece) -> float:
    return round(piece.score * (1 - piece.doubt), 3)


def whole(image: Region) -> Piece:
    """The figure as one piece; a black page round straight sides is trimmed as a black gutter is."""
    return Piece((0, 0, image.shape[1], image.shape[0]), dark_sides=(True, True, True, True))


def divide(page: Page, rules: Counter[str]) -> list[Piece]:
    """All pieces that the sure cuts leave; ``rules`` counts what proposed the cuts."""
    image = page.image
    todo, ended = [whole(image)], list[_Ended]()
    made: list[_Made] = []
    while todo:
        ended += _cut_up(image, todo, made, rules)
        todo = []
        for end in list(ended):
            tries = ((name, second(page, end, ended, made)) for name, second in SECOND)
            name, cut = next(((name, cut) for name, cut in tries if cut), ("", None))
            if cut is not None:
                rules[f"cut:{name}"] += 1
                ended.remove(end)
                todo += _part(end.piece, replace(cut, score=SURE))
    return [replace(end.piece, doubt=end.sure) for end in ended]


@dataclass(frozen=True)
class _Ended:
    """A piece without a sure cut, and the unsure ones."""

    piece: Piece
    cuts: tuple[Cut, ...] = ()
    sure: float = 0.0


@dataclass(frozen=True)
class _Made:
    """A cut that was made: its axis, where it lies in the figure, and the extent along that axis, and across, of what
    it cut."""

    axis: int
    place: float
    extent: tuple[int, int]
    across: tuple[int, int]


def _cut_up(image: Region, todo: list[Piece], made: list[_Made], rules: Counter[str]) -> list[_Ended]:
    ended = []
    while todo:
        untrimmed = todo.pop()
        piece = trim(image, untrimmed)
        if is_chart(image, untrimmed.box) and is_chart(image, piece.box):
            ended.append(_Ended(untrimmed))
            continue
        x0, y0, x1, y1 = piece.box
        if min(x1 - x0, y1 - y0) < SMALLEST or float(crop(image, piece.box).std()) < _EMPTY:
            ended.append(_Ended(piece))
            continue
        weighed = weigh(crop(image, piece.box), (image.shape[0], image.shape[1]))
        if not _is_sure(weighed, piece.box) or _bares(image, piece, weighed.cuts[0]):
            ended.append(_Ended(piece, weighed.cuts, weighed.sure))
            continue
        cut = _exact(weighed.cuts, piece.box)
        made.append(_made(cut, piece.box))
        rules[f"cut:{cut.candidate.origin}"] += 1
        todo += _part(piece, replace(cut, score=weighed.sure))
    return ended


def _is_sure(weighed: Weighed, box: PixelBox) -> bool:
    """Whether the region asks for a cut and there is a line that may be one."""
    least = bool(weighed.cuts) and weighed.cuts[0].score >= _LEAST
    return least and weighed.sure >= _needed(weighed.cuts, box)


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
        and abs(_middle(cut) - _middle(best)) <= max(3.0, _NEAR * length)
        and cut.score >= _RIVAL * best.score
    ]
    return near[0] if near else best


def _middle(cut: Cut) -> float:
    return (cut.candidate.start + cut.candidate.stop) / 2


def _made(cut: Cut, box: PixelBox) -> _Made:
    axis = cut.axis
    extent, across = (box[axis], box[axis + 2]), (box[1 - axis], box[3 - axis])
    return _Made(axis, extent[0] + _middle(cut), extent, across)


def _needed(cuts: Sequence[Cut], box: PixelBox) -> float:
    """The bar is higher for a bare band from top to bottom of a piece that has the shape of one slice."""
    band = bool(cuts) and (cuts[0].axis, cuts[0].candidate.origin) == (0, "band")
    bare_band = band and not DARK <= cuts[0].level <= _WHITE
    low, high = _SLICE_SHAPE
    like_one = low <= (box[2] - box[0]) / (box[3] - box[1]) <= high
    return SURE_BARE if bare_band and like_one else SURE


def _bares(image: Region, piece: Piece, cut: Cut) -> bool:
    """Whether the cut would only take bare black off a slice: its surround belongs to it. A strip with a letter goes:
    on a black page it stands outside, and where it does not, ``align`` brings the strip back."""
    first, second = _part(piece, cut)
    for side, other, end in ((first, second, -1), (second, first, 0)):
        part = crop(image, side.box)
        if not bare(part) or float(part.std()) >= _EMPTY:
            continue
        line = turned(crop(image, other.box), cut.axis)
        beside = line[:, min(2, line.shape[1] - 1) if end else max(-3, -line.shape[1])]
        apart = np.abs(beside.mean(1) - np.median(part))
        if float((apart > _LIT).mean()) < _STRAIGHT:
            return True
    return False


def _aligned(page: Page, end: _Ended, ended: Sequence[_Ended], made: Sequence[_Made]) -> Cut | None:
    """The best unsure cut that continues a sure one in the row above or below: grids are mostly regular."""
    for cut in end.cuts:
        if cut.score < _HINT:
            return None
        this = _made(cut, end.piece.box)
        near = (this.extent[1] - this.extent[0]) * _NEAR
        if any(abs(other.place - this.place) <= near for other in _beside(this, made)):
            return cut
    return None


def _beside(this: _Made, made: Sequence[_Made]) -> list[_Made]:
    """Cuts of the same axis through what begins and ends where this one's region does."""
    near = (this.extent[1] - this.extent[0]) * _NEAR
    ends = [max(abs(a - b) for a, b in zip(this.extent, other.extent, strict=True)) for other in made]
    return [o for o, apart in zip(made, ends, strict=True) if o.axis == this.axis and apart <= 3 * near]


def _covers(other: _Made, this: _Made) -> bool:
    """Whether ``other`` cut, along the same axis, a region that reaches as far as this one or farther."""
    slack = 3 * _NEAR * (this.extent[1] - this.extent[0])
    (start, stop), (first, last) = this.extent, other.extent
    return other.axis == this.axis and first <= start + slack and last >= stop - slack


def _repeated(page: Page, end: _Ended, ended: Sequence[_Ended], made: Sequence[_Made]) -> Cut | None:
    """A cut that at least two rows (columns) as broad as this one have at one place, though nothing shows it here."""
    for axis in (0, 1):
        blank = Cut(Candidate(0, 0, "repeated"), axis, _HINT, DARK)
        this = _made(blank, end.piece.box)
        breadth = this.across[1] - this.across[0]
        near = (this.extent[1] - this.extent[0]) * _NEAR * 1.5
        like = [o for o in made if _covers(o, this) and abs(o.across[1] - o.across[0] - breadth) <= 0.1 * breadth]
        for other in like:
            same = [o.place for o in like if abs(o.place - other.place) <= near]
            inside = this.extent[0] + SMALLEST < other.place < this.extent[1] - SMALLEST
            if len(same) >= 2 and inside:
                at = round(float(np.median(same))) - this.extent[0]
                return replace(blank, candidate=Candidate(at, at, "repeated"))
    return None


def _oversized(page: Page, end: _Ended, ended: Sequence[_Ended], made: Sequence[_Made]) -> Cut | None:
    """The best cut of a piece much larger than the others: the panels of a figure are of about one size."""
    areas = [_area(other.piece.box) for other in ended if other is not end]
    usual = [a for a in areas if a >= 0.3 * max(areas)]
    if len(usual) < 2 or not end.cuts or _area(end.piece.box) < 1.7 * float(np.median(usual)):
        return None
    return end.cuts[0] if end.sure >= _needed(end.cuts, end.piece.box) / 2 else None


def _evening(page: Page, end: _Ended, ended: Sequence[_Ended], made: Sequence[_Made]) -> Cut | None:
    """The best cut where it is nearly sure and leaves a piece of the very size of two others: grids are regular."""
    if not end.cuts or end.sure < _NEARLY * _needed(end.cuts, end.piece.box):
        return None
    others = [_size(other.piece.box) for other in ended if other is not end]
    for side in _part(end.piece, end.cuts[0]):
        size = _size(trim(page.image, side).box)
        if sum(_same_size(size, other) for other in others) >= 2:
            return end.cuts[0]
    return None


def _lettered(page: Page, end: _Ended, ended: Sequence[_Ended], made: Sequence[_Made]) -> Cut | None:
    """In a figure that stayed whole, the first unsure cut whose two sides carry the letters A and B."""
    for cut in end.cuts[:_TRIED] if not made else ():
        if cut.score < _HINT:
            return None
        sides = [trim(page.image, side).box for side in _part(end.piece, cut)]
        if letter(page.prints, sides).order:
            return cut
    return None


def _parting(page: Page, end: _Ended, ended: Sequence[_Ended], made: Sequence[_Made]) -> Cut | None:
    """In a figure that stayed whole, a cut whose two sides both ask surely for one across it: rows of panels that touch
    hide the line between them, never those inside."""
    for cut in end.cuts[:2] if not made else ():
        sides = [trim(page.image, side).box for side in _part(end.piece, cut)]
        if all(_asks(page.image, box, 1 - cut.axis) for box in sides):
            return cut
    return None


def _asks(image: Region, box: PixelBox, axis: int) -> bool:
    if min(box[2] - box[0], box[3] - box[1]) < 2 * SMALLEST:
        return False
    weighed = weigh(crop(image, box), (image.shape[0], image.shape[1]))
    return bool(weighed.cuts) and weighed.cuts[0].axis == axis and weighed.sure >= _SURELY


SECOND: tuple[tuple[str, Callable[[Page, _Ended, Sequence[_Ended], Sequence[_Made]], Cut | None]], ...] = (
    ("aligned", _aligned),
    ("oversized", _oversized),
    ("evening", _evening),
    ("lettered", _lettered),
    ("repeated", _repeated),
    ("parting", _parting),
)
"""What speaks for an unsure cut once the rest of the figure is known."""


def _part(piece: Piece, cut: Cut) -> list[Piece]:
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


def _choose(image: Region, pieces: Sequence[Piece], rules: Counter[str]) -> tuple[list[Piece], list[Dropped]]:
    """Pieces that are pictures; where none is (a chart, a table), the figure is one panel, whole."""
    big = sorted(pieces, key=lambda p: _area(p.box), reverse=True)
    big = [p for p in big if _area(p.box) >= _area(big[0].box) * 0.2]
    area = float(np.median([_area(p.box) for p in big]))
    short = float(np.median([min(p.box[2] - p.box[0], p.box[3] - p.box[1]) for p in big]))
    kept, dropped = [], []
    for piece in pieces:
        reason = reason_against(look(image, piece.box, area, short))
        if reason and not (reason == "chart" and is_scan(image, piece.box)):
            rules[f"dropped:{reason}"] += 1
            dropped.append(Dropped(piece.box, reason))
        else:
            kept.append(piece)
    kept, drawn = _without_drawings(image, kept)
    back = [d for d in (*dropped, *drawn) if _of_a_grid(image, d, kept)]
    kept += [p for p in pieces if p.box in {d.box for d in back}]
    dropped, drawn = [d for d in dropped if d not in back], [d for d in drawn if d not in back]
    rules.update(f"dropped:{d.reason}" for d in drawn)
    if kept and not _only_drawn(image, [p.box for p in kept]):
        return kept, dropped + drawn
    return [replace(whole(image), score=min(p.score for p in pieces))], []


def _of_a_grid(image: Region, dropped: Dropped, kept: Sequence[Piece]) -> bool:
    """Whether what was dropped has the size of a picture in its row or column and is not drawn on light
    paper: masks are as flat as drawings, tissue may be as white as paper, and a slice nearly black."""
    if _on_paper(crop(image, dropped.box)):
        return False
    size, corner = _size(dropped.box), dropped.box[:2]
    slack = _ALIKE * min(size)
    alike = [p.box for p in kept if _same_size(_size(p.box), size)]
    return any(min(abs(box[0] - corner[0]), abs(box[1] - corner[1])) <= slack for box in alike)


def _on_paper(part: Region) -> bool:
    """Whether there is light paper within and along most of the sides: a pale slice reaches to its own."""
    light = np.asarray(part.min(2) > _WHITE)
    rim = max(2, min(light.shape) // 30)
    inner = light[rim:-rim, rim:-rim]
    along = (light.sum() - inner.sum()) / max(1, light.size - inner.size)
    return float(light.mean()) > _LIGHT and float(along) > _RIM


def _same_size(a: tuple[int, int], b: tuple[int, int]) -> bool:
    return max(abs(a[0] - b[0]), abs(a[1] - b[1])) <= _ALIKE * min(b)


def _size(box: PixelBox) -> tuple[int, int]:
    return box[2] - box[0], box[3] - box[1]


def _only_drawn(image: Region, boxes: Sequence[PixelBox]) -> bool:
    """Whether ``boxes`` are bars and fields of a chart or diagram: little of it, and no scan or large photograph."""
    if sum(_area(box) for box in boxes) > _LITTLE * image.shape[0] * image.shape[1]:
        return False
    if sum(_area(box) for box in boxes if _is_photograph(image, box)) >= _SHOWN * image.shape[0] * image.shape[1]:
        return False
    verdict = triage(image)
    drawn = verdict.kind in DRAWN and verdict.score >= _DRAWN_SURE
    return drawn and not any(is_scan(image, box) for box in boxes)


def _is_photograph(image: Region, box: PixelBox) -> bool:
    """Whether a piece is textured all over and triage does not call it drawn."""
    return look(image, box, 1, 1).textured >= _TEXTURED and triage(crop(image, box)).kind not in DRAWN


def _without_drawings(image: Region, pieces: list[Piece]) -> tuple[list[Piece], list[Dropped]]:
    """Pieces that triage is not sure to be charts or logos; what a figure holds alone it keeps."""
    if len(pieces) < 2:
        return pieces, []
    kinds = triage_all([_colourless(crop(image, p.box)) for p in pieces])
    kept, dropped = [], []
    for piece, verdict in zip(pieces, kinds, strict=True):
        if verdict.kind in DRAWN and verdict.score >= _DRAWN_SURE:
            dropped.append(Dropped(piece.box, verdict.kind))
        else:
            kept.append(piece)
    return kept, dropped


def _colourless(part: Region) -> Region:
    """Grey values alone: a slice in false colours is flat as a drawing is."""
    return np.asarray(np.repeat(grey_of(part)[:, :, None], 3, 2), np.uint8)


def _area(box: PixelBox) -> int:
    return (box[2] - box[0]) * (box[3] - box[1])


def reading_order(pieces: Sequence[Piece]) -> list[Piece]:
    """Row by row, left to right: a piece belongs to a row when its middle lies within the row's first piece."""
    rest, ordered = sorted(pieces, key=lambda p: (p.box[1], p.box[0])), []
    while rest:
        lead = rest[0].box
        row = [p for p in rest if lead[1] <= (p.box[1] + p.box[3]) / 2 <= lead[3]] or rest[:1]
        ordered += sorted(row, key=lambda p: p.box[0])
        rest = [p for p in rest if p not in row]
    return ordered
