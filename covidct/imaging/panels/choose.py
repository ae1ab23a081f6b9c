"""Which pieces of a figure are pictures, and why the others are not."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from covidct.imaging.panels.align import overlap
from covidct.imaging.panels.charts import is_scan, islands
from covidct.imaging.panels.cutting import CUTS, Page, area_of, same_size, size_of, whole
from covidct.imaging.panels.leaf import Piece, PixelBox, crop, look, reason_against, trim
from covidct.imaging.panels.lines import Region, darkest, grey_of, lightest
from covidct.imaging.triage import triage, triage_all

DRAWN = frozenset({"chart_or_diagram", "logo"})
CHARTS = DRAWN | {"chart"}
"""Reasons of what is dropped for being drawn."""


@dataclass(frozen=True)
class KeptLimits:
    """Thresholds of what is no panel; shares of pixels, where nothing else is said."""

    drawn: float = 0.6
    """Triage's score from which something is drawn."""
    little: float = 0.5
    """Share of a figure, its margins left out, that its pieces fill at most where all of it may be drawn."""
    textured: float = 0.8
    """Share of a piece that is textured where it is a photograph; fields of charts and maps mostly stay below 0.5."""
    shown: float = 0.15
    """Share of a figure that its photographs fill where it is no drawing; a map of dots is as textured, and small."""
    light: float = 0.3
    """Share of light paper from which a piece is drawn whatever stands beside it; ``rim``: the same of its sides."""
    rim: float = 0.5
    flat: float = 0.25
    """Share of flat areas that it has besides, at least."""
    black: int = 56
    """Grey level of black, at most."""
    ink: float = 0.15
    """Share of a piece that words on black leave not black, at most."""
    character: float = 0.5
    """Probability that a mark is a character; ``gap``, in heights: thin ones between two are not read."""
    gap: float = 0.6
    letters: int = 3
    """Characters of words, at least: a mask may look as one or two."""
    read: float = 0.7
    """Share of what is not black that lies in characters where a piece holds words only."""


KEPT = KeptLimits()


@dataclass(frozen=True)
class Dropped:
    """A piece that is no panel, and the rule that says so."""

    box: PixelBox
    reason: str


def choose(page: Page, pieces: Sequence[Piece], rules: Counter[str]) -> tuple[list[Piece], list[Dropped]]:
    """Pieces that are pictures; where none is (a chart, a table), the figure is one panel, whole."""
    image = page.image
    big = sorted(pieces, key=lambda p: area_of(p.box), reverse=True)
    big = [p for p in big if area_of(p.box) >= area_of(big[0].box) * 0.2]
    area = float(np.median([area_of(p.box) for p in big]))
    short = float(np.median([min(p.box[2] - p.box[0], p.box[3] - p.box[1]) for p in big]))
    kept, dropped = [], []
    for piece in pieces:
        reason = reason_against(look(image, piece.box, area, short))
        reason = "words" if _words(page, piece.box, len(pieces)) else reason
        if reason and not (reason in ("chart", "key") and is_scan(image, piece.box)):
            rules[f"dropped:{reason}"] += 1
            dropped.append(Dropped(piece.box, reason))
        else:
            kept.append(piece)
    kept, drawn = _without_drawings(image, kept)
    back = [d for d in (*dropped, *drawn) if _of_a_grid(image, d, kept)]
    kept += [p for p in pieces if p.box in {d.box for d in back}]
    dropped, drawn = [d for d in dropped if d not in back], [d for d in drawn if d not in back]
    kept += (found := _among_charts(image, (*dropped, *drawn), kept))
    rules.update(["kept:among charts"] * len(found))
    rules.update(f"dropped:{d.reason}" for d in drawn)
    if kept and not _only_drawn(image, [p.box for p in kept]):
        return kept, dropped + drawn
    return [replace(whole(image), score=min(p.score for p in pieces))], []


def _words(page: Page, box: PixelBox, pieces: int) -> bool:
    """Whether nearly all that is not black in a piece of a compound figure are printed characters."""
    lit = lightest(crop(page.image, box)) > KEPT.black
    if pieces < 2 or not 0 < float(lit.mean()) <= KEPT.ink:
        return False
    near = [c.box for c in page.characters if c.sure >= KEPT.character and overlap(c.box, box)]
    if len(near) < KEPT.letters:
        return False
    read = np.zeros(lit.shape, np.bool_)
    for x0, y0, x1, y1 in near:
        top, left, gap = y0 - box[1], x0 - box[0], round(KEPT.gap * (y1 - y0))
        read[max(0, top - 2) : max(0, y1 - box[1] + 2), max(0, left - gap) : max(0, x1 - box[0] + gap)] = True
    return float(read[lit].mean()) >= KEPT.read


def _of_a_grid(image: Region, dropped: Dropped, kept: Sequence[Piece]) -> bool:
    """Whether what was dropped has the size of a picture in its row or column and is not drawn on light
    paper: masks are as flat as drawings, tissue may be as white as paper, if not as flat, and a slice nearly black."""
    drawn = on_paper(crop(image, dropped.box)) and look(image, dropped.box, 1, 1).flat >= KEPT.flat
    if dropped.reason == "words" or drawn:
        return False
    size, corner = size_of(dropped.box), dropped.box[:2]
    slack = CUTS.alike * min(size)
    alike = [p.box for p in kept if same_size(size_of(p.box), size)]
    return any(min(abs(box[0] - corner[0]), abs(box[1] - corner[1])) <= slack for box in alike)


def _among_charts(image: Region, dropped: Sequence[Dropped], kept: Sequence[Piece]) -> list[Piece]:
    """Full rectangles of the size of a panel on the paper of a chart: the maps that a pipeline puts out are no scans
    for triage."""
    sizes = {size_of(p.box) for p in kept}
    boxes = [box for d in dropped if d.reason in CHARTS for box in islands(image, d.box)]
    found = [box for box in boxes if any(same_size(size_of(box), size) for size in sizes)]
    return [trim(image, Piece((max(0, x0 - 4), max(0, y0 - 4), x1 + 4, y1 + 4))) for x0, y0, x1, y1 in found]


def on_paper(part: Region) -> bool:
    """Whether there is light paper within and along most of the sides: a pale slice reaches to its own."""
    light = np.asarray(darkest(part) > CUTS.white)
    rim = max(2, min(light.shape) // 30)
    inner = light[rim:-rim, rim:-rim]
    along = (light.sum() - inner.sum()) / max(1, light.size - inner.size)
    return float(light.mean()) > KEPT.light and float(along) > KEPT.rim


def _only_drawn(image: Region, boxes: Sequence[PixelBox]) -> bool:
    """Whether ``boxes`` are bars and fields of a chart or diagram: little of it, and no scan or large photograph."""
    printed = area_of(trim(image, whole(image)).box)
    if sum(area_of(box) for box in boxes) > KEPT.little * printed:
        return False
    if sum(area_of(box) for box in boxes if _is_photograph(image, box)) >= KEPT.shown * printed:
        return False
    verdict = triage(image)
    drawn = verdict.kind in DRAWN and verdict.score >= KEPT.drawn
    return drawn and not any(is_scan(image, box) for box in boxes)


def _is_photograph(image: Region, box: PixelBox) -> bool:
    """Whether a piece is textured all over and triage does not call it drawn."""
    return look(image, box, 1, 1).textured >= KEPT.textured and triage(crop(image, box)).kind not in DRAWN


def _without_drawings(image: Region, pieces: list[Piece]) -> tuple[list[Piece], list[Dropped]]:
    """Pieces that triage is not sure to be charts or logos; what a figure holds alone it keeps."""
    if len(pieces) < 2:
        return pieces, []
    kinds = triage_all([_colourless(crop(image, p.box)) for p in pieces])
    kept, dropped = [], []
    for piece, verdict in zip(pieces, kinds, strict=True):
        if verdict.kind in DRAWN and verdict.score >= KEPT.drawn:
            dropped.append(Dropped(piece.box, verdict.kind))
        else:
            kept.append(piece)
    return kept, dropped


def _colourless(part: Region) -> Region:
    """Grey values alone: a slice in false colours is flat as a drawing is."""
    return np.asarray(np.repeat(grey_of(part)[:, :, None], 3, 2), np.uint8)
