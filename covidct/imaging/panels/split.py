"""Panels of compound figures: cut where the evidence is best, again and again, then keep what is a picture.

Main path: ``split`` → ``divide`` (``cutting``, with second thoughts from ``second``) → ``choose`` → reading order →
letters (``letters``).
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from covidct.imaging.panels.align import align
from covidct.imaging.panels.charts import SMALLEST
from covidct.imaging.panels.choose import CHARTS, Dropped, choose
from covidct.imaging.panels.cutting import CUTS, Ended, Made, Page, cut_up, parted, reading_order, whole
from covidct.imaging.panels.leaf import Piece, PixelBox
from covidct.imaging.panels.letters import NONE, Lettering, letter
from covidct.imaging.panels.lines import Region
from covidct.imaging.panels.regular import cells, joined, shares, undone
from covidct.imaging.panels.second import SECOND
from covidct.imaging.panels.surround import surround

_LONGEST = 1800
"""Longer side, pixels, to which larger figures are shrunk."""


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
    if min(small.shape[:2]) < SMALLEST:
        return Split((PanelBox("", (0, 0, image.shape[1], image.shape[0]), 1.0),), (), {})
    page = Page(small)
    rules: Counter[str] = Counter()
    pieces = divide(page, rules)
    panels, dropped = choose(page, pieces, rules)
    surrounded = surround(page.image, [p.box for p in panels], [d.box for d in dropped if d.reason in CHARTS])
    placed = align(page.image, surrounded)
    by_box = {box: replace(p, box=box) for p, box in zip(panels, placed, strict=True)}
    for cell in cells(page.image, dropped, placed):
        rules["cell"] += 1
        by_box = {box: piece for box, piece in by_box.items() if not shares(box, cell)}
        by_box[cell] = Piece(cell, CUTS.hint)
    ordered = [by_box[box] for box in reading_order(list(by_box))]
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
        together = reading_order([*boxes, *charts])
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
    size = (max(1, round(w * scale)), max(1, round(h * scale)))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8), scale


def _grow(box: PixelBox, scale: float, image: Region) -> PixelBox:
    h, w = image.shape[:2]
    x0, y0, x1, y1 = (round(v / scale) for v in box)
    return max(0, x0), max(0, y0), min(w, x1), min(h, y1)


def _score(piece: Piece) -> float:
    return round(piece.score * (1 - piece.doubt), 3)


def divide(page: Page, rules: Counter[str]) -> list[Piece]:
    """All pieces that the sure cuts leave; ``rules`` counts what proposed the cuts."""
    todo, ended = [whole(page.image)], list[Ended]()
    made, hinted = list[Made](), list[Made]()
    while todo:
        ended += cut_up(page, todo, made, rules)
        todo = []
        for end in list(ended):
            tries = ((name, second(page, end, ended, made)) for name, second in SECOND)
            name, cut = next(((name, cut) for name, cut in tries if cut), ("", None))
            if cut is not None:
                rules[f"cut:{name}"] += 1
                ended.remove(end)
                hinted.append(Made(end.piece, replace(cut, score=CUTS.sure)))
                todo += parted(end.piece, hinted[-1].cut)
    settled = joined(page.image, undone(page.image, ended, [*made, *hinted]), [*made, *hinted])
    rules.update(["undone"] * (len(ended) - len(settled)))
    return [replace(end.piece, doubt=end.sure) for end in settled]
