"""Panel letters: small isolated glyphs in or beside the panels, read by shape, believed when they count up.

One glyph alone is easily misread (a vessel end looks like an I); a run A, B, C over the panels in order is not.
Orders in ``ORDERS`` are tried: a letter a panel row by row, a letter a panel column by column, one letter a row.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from covidct.imaging.panels.leaf import PixelBox
from covidct.imaging.panels.lines import Region, grey_of

Grey = NDArray[np.uint8]
ALPHABET = "ABCDEFGHIJKLMNOPQRST"
_GLYPH = 20
_LIKE = 0.62
"""Correlation with a printed letter from which a glyph may be that letter."""
_ENOUGH = 0.6
"""Share of a run's letters that must be seen."""
_PLAIN = 0.87
_FINE = 0.4


@dataclass(frozen=True)
class Glyph:
    """A possible letter: how much it looks like each letter of both cases, its box, and where it lies by the panel."""

    likeness: dict[str, float]
    box: PixelBox
    place: str


def _norm(glyph: NDArray[np.float32]) -> NDArray[np.float32]:
    """Ink fitted into a square with its shape kept, centred, of unit length, flattened."""
    h, w = glyph.shape
    scale = _GLYPH / max(h, w)
    size = (max(1, round(w * scale)), max(1, round(h * scale)))
    canvas = np.zeros((_GLYPH, _GLYPH), np.float32)
    y, x = (_GLYPH - size[1]) // 2, (_GLYPH - size[0]) // 2
    canvas[y : y + size[1], x : x + size[0]] = cv2.resize(glyph, size, interpolation=cv2.INTER_AREA)
    soft = cv2.GaussianBlur(canvas, (0, 0), 0.8).ravel()
    soft = soft - soft.mean()
    return np.asarray(soft / max(float(np.linalg.norm(soft)), 1e-6), np.float32)


def _inked(picture: NDArray[np.uint8]) -> NDArray[np.float32]:
    rows, columns = np.flatnonzero(picture.max(1) > 90), np.flatnonzero(picture.max(0) > 90)
    return picture[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].astype(np.float32)


def _hershey(letter: str) -> list[NDArray[np.float32]]:
    drawn = []
    for face, thick in ((0, 3), (0, 6), (2, 4), (2, 7), (3, 3), (3, 6), (4, 3), (4, 6)):
        canvas = np.zeros((100, 100), np.uint8)
        cv2.putText(canvas, letter, (25, 70), face, 2, 255, thick, cv2.LINE_AA)
        drawn.append(_inked(canvas))
    return drawn


def _typeset(letter: str) -> list[NDArray[np.float32]]:
    drawn = []
    for stroke in (0, 1, 2, 4):
        picture = Image.new("L", (110, 110))
        font = ImageFont.load_default(size=60)
        ImageDraw.Draw(picture).text((20, 15), letter, fill=255, font=font, stroke_width=stroke, stroke_fill=255)
        drawn.append(_inked(np.asarray(picture)))
    return drawn


@cache
def _templates() -> tuple[tuple[str, ...], NDArray[np.float32]]:
    names, rows = [], []
    for letter in ALPHABET + ALPHABET.lower() + "()":
        for glyph in (*_hershey(letter), *_typeset(letter)):
            names.append(letter)
            rows.append(_norm(glyph))
    return tuple(names), np.stack(rows)


def likeness(ink: NDArray[np.float32]) -> dict[str, float]:
    """Best correlation of an ink picture (h, w; larger is inkier) with each letter of both cases and brackets."""
    names, rows = _templates()
    scores = rows @ _norm(ink)
    best: dict[str, float] = {}
    for name, score in zip(names, scores, strict=True):
        best[name] = max(best.get(name, 0.0), float(score))
    return best


def glyphs(grey: Grey, box: PixelBox, place: str, height: int) -> list[Glyph]:
    """Isolated marks of a letter's size in ``box``; ``height``: of the panel, pixels."""
    x0, y0, x1, y1 = box
    part = grey[y0:y1, x0:x1]
    found: list[Glyph] = []
    if min(part.shape, default=0) < 6:
        return found
    for light in (True, False):
        bright = part if light else 255 - part
        for level in _levels(bright):
            found += _marks(bright, level, (x0, y0), place, height)
    return found


def _levels(bright: Grey) -> list[float]:
    """From where on a pixel is ink: well above most of the picture; all but white, for a letter on grey tissue; half
    way to the lightest, for thin strokes that scaling and JPEG have dimmed."""
    usual = max(150.0, float(np.percentile(bright, 99)) * 0.72)
    most = float(np.percentile(bright, 99.9))
    faint = (float(np.median(bright)) + most) / 2
    levels = [usual, 236.0] if usual < 225 and bright.max() > 245 else [usual]
    return [*levels, faint] if 110 < faint < usual - 12 else levels


def _marks(bright: Grey, level: float, origin: tuple[int, int], place: str, height: int) -> list[Glyph]:
    x0, y0 = origin
    _, marks, stats, _ = cv2.connectedComponentsWithStats((bright > level).astype(np.uint8))
    found: list[Glyph] = []
    for index in range(1, min(len(stats), 60)):
        x, y, w, h, area = (int(v) for v in stats[index])
        if _letter_sized(w, h, area, height) and _isolated(bright, level, (x, y, x + w, y + h)):
            shape = np.where(marks[y : y + h, x : x + w] == index, bright[y : y + h, x : x + w], 0)
            scores = likeness(shape.astype(np.float32))
            if max(scores.values()) >= _LIKE:
                found.append(Glyph(scores, (x0 + x, y0 + y, x0 + x + w, y0 + y + h), place))
    return found


def _letter_sized(w: int, h: int, area: int, height: int) -> bool:
    tall = max(7.0, height * 0.018) <= h <= max(16.0, height * 0.17)
    return tall and 0.15 <= w / h <= 1.35 and w >= 2 and area >= 0.18 * w * h


def _isolated(bright: Grey, level: float, box: PixelBox) -> bool:
    """Whether hardly any ink lies in a ring round the mark, and the ring is clearly darker."""
    x0, y0, x1, y1 = box
    rim = max(2, (y1 - y0) // 6)
    outer = bright[max(0, y0 - rim) : y1 + rim, max(0, x0 - rim) : x1 + rim]
    inner = bright[y0:y1, x0:x1]
    ring_inked = float((outer > level).sum()) - float((inner > level).sum())
    ring = outer.size - inner.size
    paper = float(np.percentile(outer, 20))
    return ring > 0 and ring_inked / ring < 0.12 and float(inner.max()) - paper > (70 if level < 230 else 35)


def _beside(panel: PixelBox, panels: Sequence[PixelBox], shape: tuple[int, ...]) -> list[tuple[str, PixelBox]]:
    """Where a panel's letter may stand: its corners, and the bare strips around it up to the next panel."""
    x0, y0, x1, y1 = panel
    w, h = x1 - x0, y1 - y0
    cw, ch, reach = round(w * 0.24), round(h * 0.24), round(max(min(w, h) * 0.22, 30))
    free = _free(panel, panels, shape, reach)
    return [
        ("top-left", (x0, y0, x0 + cw, y0 + ch)),
        ("bottom-left", (x0, y1 - ch, x0 + cw, y1)),
        ("top-right", (x1 - cw, y0, x1, y0 + ch)),
        ("bottom-right", (x1 - cw, y1 - ch, x1, y1)),
        ("above", (max(0, x0 - 4), free[1], x1, y0)),
        ("below", (x0, y1, x1, free[3])),
        ("left", (free[0], max(0, y0 - 4), x0, y1)),
    ]


def _free(panel: PixelBox, panels: Sequence[PixelBox], shape: tuple[int, ...], reach: int) -> PixelBox:
    x0, y0, x1, y1 = panel
    limits = [max(0, x0 - reach), max(0, y0 - reach), min(shape[1], x1 + reach), min(shape[0], y1 + reach)]
    for other in panels:
        if other == panel:
            continue
        if other[0] < x1 and other[2] > x0:
            if other[3] <= y0 + 4:
                limits[1] = max(limits[1], min(other[3], y0))
            if other[1] >= y1 - 4:
                limits[3] = min(limits[3], max(other[1], y1))
        if other[1] < y1 and other[3] > y0 and other[2] <= x0 + 4:
            limits[0] = max(limits[0], min(other[2], x0))
    return limits[0], limits[1], limits[2], limits[3]


def _rows(panels: Sequence[PixelBox]) -> list[int]:
    """The row of each panel (panels in reading order), counted from 0."""
    rows: list[int] = []
    lead = panels[0]
    for box in panels:
        if not lead[1] <= (box[1] + box[3]) / 2 <= lead[3]:
            lead = box
            rows.append(rows[-1] + 1)
        else:
            rows.append(rows[-1] if rows else 0)
    return rows


def _by_rows(panels: Sequence[PixelBox]) -> list[int]:
    return list(range(len(panels)))


def _by_columns(panels: Sequence[PixelBox]) -> list[int]:
    order = sorted(range(len(panels)), key=lambda i: (round((panels[i][0]) / max(1, panels[i][2] - panels[i][0])), i))
    return [order.index(i) for i in range(len(panels))]


def _one_a_row(panels: Sequence[PixelBox]) -> list[int]:
    return _rows(panels)


ORDERS: tuple[tuple[str, Callable[[Sequence[PixelBox]], list[int]]], ...] = (
    ("rows", _by_rows),
    ("columns", _by_columns),
    ("a row", _one_a_row),
)


@dataclass(frozen=True)
class Lettering:
    """Letters for the panels in reading order ("" where none), and the order that explains them ("" for none)."""

    letters: tuple[str, ...]
    order: str
    support: float
    """Share of the letters that were seen, the others being inferred from the run."""


def letter(
    image: Region,
    panels: Sequence[PixelBox],
    expected: Sequence[str] | None = None,
    drawn: Collection[int] = (),
) -> Lettering:
    """Letters of ``panels`` (in reading order) in ``image`` (H, W, 3).

    ``drawn``: indices of those that are charts; their boxes hold their letters, which stand above those of pictures.

    ``expected``: letters that the caption speaks of; where none can be seen and there are as many as panels, they are
    given in order with support 0.
    """
    nothing = Lettering(("",) * len(panels), "", 0.0)
    if len(panels) < 2:
        return nothing
    seen = _seen(image, panels, [p for index, p in enumerate(panels) if index not in drawn])
    if drawn:
        seen = [[replace(g, place="top") if g.place in ("above", "top-left") else g for g in found] for found in seen]
    best = _best_run(seen, panels)
    if best is not None:
        run = ALPHABET.lower() if best.small else ALPHABET
        return Lettering(tuple(run[p] for p in best.places), best.name, round(best.support, 3))
    if expected and len(expected) == len(panels):
        return Lettering(tuple(expected), "caption", 0.0)
    return nothing


def _seen(image: Region, panels: Sequence[PixelBox], walls: Sequence[PixelBox]) -> list[list[Glyph]]:
    """Glyphs in and around each panel, up to the next of ``walls``."""
    grey = np.asarray(grey_of(image), np.uint8)
    return [
        [g for place, box in _beside(p, walls, grey.shape) for g in glyphs(grey, box, place, p[3] - p[1])]
        for p in panels
    ]


@dataclass(frozen=True)
class _Run:
    """An order of letters, how much of it was seen in one and the same place by the panels, and how plainly."""

    name: str
    places: Sequence[int]
    support: float
    """Share of its letters that were seen."""
    weight: float
    """Sum over the panels of how plainly a letter was seen, less a fine for each letter that was not."""
    small: bool
    plain: bool

    @property
    def believed(self) -> bool:
        """Enough is seen, or half with a letter among it that chance does not print."""
        return self.support >= _ENOUGH or (self.plain and self.support >= 0.5 and self.name != "a row")


def _best_run(seen: Sequence[Sequence[Glyph]], panels: Sequence[PixelBox]) -> _Run | None:
    """The believed order that explains the glyphs best; the first of ``ORDERS`` among equals."""
    runs = []
    for name, order in ORDERS:
        places = order(panels)
        if 0 < max(places) < len(ALPHABET):
            runs += [_read_run(seen, name, places, at) for at in sorted({g.place for found in seen for g in found})]
    return max((run for run in runs if run.believed), key=lambda run: run.weight, default=None)


def _read_run(seen: Sequence[Sequence[Glyph]], name: str, places: Sequence[int], at: str) -> _Run:
    """How far glyphs ``at`` one place by the panels read as the run; a letter for a row must stand by its first panel,
    and may come back by the others."""
    weight, lean, plain = 0.0, 0.0, 0.0
    met: set[int] = set()
    for panel, (found, index) in enumerate(zip(seen, places, strict=True)):
        name_of = ALPHABET[index]
        fitting = [g for g in found if g.place == at and _reads(g, name_of)]
        if not fitting:
            continue
        best = max(fitting, key=lambda g: _likeness(g, name_of))
        weight += 2 * _likeness(best, name_of) - 1
        lean += best.likeness[name_of.lower()] - best.likeness[name_of]
        if index not in places[:panel]:
            met.add(index)
            plain = max(plain, _plainness(best, name_of))
    missed = len(set(places)) - len(met)
    return _Run(name, places, len(met) / len(set(places)), weight - _FINE * missed, lean > 0, plain >= _PLAIN)


def _likeness(glyph: Glyph, letter: str) -> float:
    return max(glyph.likeness[letter], glyph.likeness[letter.lower()])


def _plainness(glyph: Glyph, letter: str) -> float:
    """Likeness to a letter that no vessel, bone or side mark resembles; 0 for A, I, L and O."""
    return 0.0 if letter in "AILOR" else _likeness(glyph, letter)


def _reads(glyph: Glyph, letter: str) -> bool:
    """Whether it looks about as much like ``letter``, of either case, as like anything else."""
    own = _likeness(glyph, letter)
    return own >= _LIKE and own >= max(glyph.likeness.values()) - 0.06
