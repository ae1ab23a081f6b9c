"""Panel letters: small isolated glyphs in or beside the panels, read by shape, believed when they count up.

One glyph alone is easily misread (a vessel end looks like an I); a run A, B, C over the panels in order is not.
Orders in ``ORDERS`` are tried: a letter a panel row by row, a letter a panel column by column, one letter a row.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from covidct.imaging.panels.leaf import PixelBox
from covidct.imaging.panels.lines import Region, darkest, lightest

Grey = NDArray[np.uint8]
ALPHABET = "ABCDEFGHIJKLMNOPQRST"
PRINTED = ALPHABET + ALPHABET.lower() + "()"
_GLYPH = 20
_LIKE = 0.62
"""Correlation with a printed letter from which a glyph may be that letter."""
_ENOUGH = 0.6
"""Share of a run's letters that must be seen."""
_PLAIN = 0.87
_FINE = 0.4
_TINY, _SMALL = 200, 400
"""Heights of a panel, in pixels, below which letters are looked at three and two times as large."""
_FAINT = 70
_MARKS = 60
"""No more marks of a letter's size are read in one place: noise has hundreds."""


@dataclass(frozen=True)
class Glyph:
    """A possible letter: how much it looks like each letter of both cases, its box, and where it lies by the panel."""

    likeness: dict[str, float]
    box: PixelBox
    place: str


def fitted(glyph: NDArray[np.float32]) -> NDArray[np.float32]:
    """Ink (h, w; 0 to 255) fitted into a square of 20 pixels with its shape kept, centred."""
    h, w = glyph.shape
    scale = _GLYPH / max(h, w)
    size = (max(1, round(w * scale)), max(1, round(h * scale)))
    canvas = np.zeros((_GLYPH, _GLYPH), np.float32)
    y, x = (_GLYPH - size[1]) // 2, (_GLYPH - size[0]) // 2
    canvas[y : y + size[1], x : x + size[0]] = cv2.resize(glyph, size, interpolation=cv2.INTER_AREA)
    return canvas


def _unit(square: NDArray[np.float32]) -> NDArray[np.float32]:
    """Softened, of mean 0 and unit length, flattened."""
    soft = cv2.GaussianBlur(square, (0, 0), 0.8).ravel()
    soft = soft - soft.mean()
    return np.asarray(soft / max(float(np.linalg.norm(soft)), 1e-6), np.float32)


def inked(picture: NDArray[np.uint8]) -> NDArray[np.float32]:
    """``picture`` cropped to its ink."""
    rows, columns = np.flatnonzero(picture.max(1) > 90), np.flatnonzero(picture.max(0) > 90)
    return picture[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].astype(np.float32)


def _hershey(letter: str) -> list[NDArray[np.float32]]:
    drawn = []
    for face, thick in ((0, 3), (0, 6), (2, 4), (2, 7), (3, 3), (3, 6), (4, 3), (4, 6)):
        canvas = np.zeros((100, 100), np.uint8)
        cv2.putText(canvas, letter, (25, 70), face, 2, 255, thick, cv2.LINE_AA)
        drawn.append(inked(canvas))
    return drawn


def _typeset(letter: str) -> list[NDArray[np.float32]]:
    drawn = []
    for stroke in (0, 1, 2, 4):
        picture = Image.new("L", (110, 110))
        font = ImageFont.load_default(size=60)
        ImageDraw.Draw(picture).text((20, 15), letter, fill=255, font=font, stroke_width=stroke, stroke_fill=255)
        drawn.append(inked(np.asarray(picture)))
    return drawn


@cache
def _templates() -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """Letters drawn here and now, and those of ``letters.npz`` (``benchmarks/draw_letters.py``), in the order of
    ``PRINTED``: where each letter begins, and all rows."""
    names, rows = [], []
    for letter in PRINTED:
        for glyph in (*_hershey(letter), *_typeset(letter)):
            names.append(letter)
            rows.append(_unit(fitted(glyph)))
    with np.load(Path(str(files("covidct.imaging.panels"))) / "letters.npz", allow_pickle=False) as data:
        names += map(str, data["names"])
        rows += [_unit(picture.astype(np.float32)) for picture in data["pictures"]]
    places = np.array([PRINTED.index(name) for name in names])
    order = np.argsort(places, kind="stable")
    return np.searchsorted(places[order], np.arange(len(PRINTED))), np.stack(rows)[order]


def likeness(ink: NDArray[np.float32]) -> dict[str, float]:
    """Best correlation of an ink picture (h, w; larger is inkier) with each letter of both cases and brackets."""
    starts, rows = _templates()
    best = np.maximum.reduceat(rows @ _unit(fitted(ink)), starts)
    return dict(zip(PRINTED, map(float, best), strict=True))


def inks(image: Region) -> tuple[Grey, Grey]:
    """Two pictures (h, w) in which ink is bright: light ink of any colour, then dark or coloured ink on light paper."""
    return lightest(image), 255 - darkest(image)


def glyphs(pictures: Sequence[Grey], box: PixelBox, place: str, height: int) -> list[Glyph]:
    """Isolated marks of a letter's size in ``box`` of ``pictures`` (of ``inks``); ``height``: of the panel, pixels."""
    x0, y0, x1, y1 = box
    found: list[Glyph] = []
    if min(x1 - x0, y1 - y0) < 6:
        return found
    for times in _sizes(height):
        for ink in pictures:
            part = ink[y0:y1, x0:x1]
            bright = _enlarged(part, times) if times > 1 else part
            for level in _levels(bright):
                for scores, (left, top, right, bottom) in _marks(bright, level, height * times):
                    spot = (x0 + left // times, y0 + top // times, x0 - -right // times, y0 - -bottom // times)
                    found.append(Glyph(scores, spot, place))
    return found


def _sizes(height: int) -> tuple[int, ...]:
    """How many times as large letters are looked at in a panel of ``height``: small ones enlarged, too."""
    if height < _TINY:
        return 1, 3
    return (1, 2) if height < _SMALL else (1,)


def _enlarged(part: Grey, times: int) -> Grey:
    """Strokes a pixel wide keep their shape, and gaps between a letter and its bracket stay open."""
    return np.asarray(cv2.resize(part, None, fx=times, fy=times, interpolation=cv2.INTER_CUBIC), np.uint8)


def _levels(bright: Grey) -> list[float]:
    """From where on a pixel is ink: well above most of the picture; all but white, for a letter on grey tissue; half
    way to the lightest, for thin strokes that scaling and JPEG have dimmed."""
    usual = max(150.0, float(np.percentile(bright, 99)) * 0.72)
    most = float(np.percentile(bright, 99.9))
    faint = (float(np.median(bright)) + most) / 2
    levels = [usual, 236.0] if usual < 225 and bright.max() > 245 else [usual]
    return [*levels, faint] if _FAINT < faint < usual - 12 else levels


def _marks(bright: Grey, level: float, height: int) -> list[tuple[dict[str, float], PixelBox]]:
    """What may be letters among the connected ink of ``bright``: likeness and box."""
    _, marks, measured, _ = cv2.connectedComponentsWithStats((bright > level).astype(np.uint8))
    stats = np.asarray(measured, np.int32)
    found = []
    sized = [i for i, (_, _, w, h, area) in enumerate(stats.tolist()) if i and _letter_sized(w, h, area, height)]
    for index in sized[:_MARKS]:
        x, y, w, h = (int(v) for v in stats[index, :4])
        if not _isolated(bright, level, (x, y, x + w, y + h), _companions(stats, index)):
            continue
        shape = np.where(marks[y : y + h, x : x + w] == index, bright[y : y + h, x : x + w], 0)
        scores = likeness(shape.astype(np.float32))
        if max(scores.values()) >= _LIKE:
            found.append((scores, (x, y, x + w, y + h)))
    return found


def _letter_sized(w: int, h: int, area: int, height: int) -> bool:
    tall = max(7.0, height * 0.018) <= h <= max(16.0, height * 0.17)
    return tall and 0.15 <= w / h <= 1.35 and w >= 2 and area >= 0.14 * w * h


def _companions(stats: NDArray[np.int32], index: int) -> list[PixelBox]:
    """Brackets and full stops beside a mark: narrow, on its line, and with nothing of their kind behind them."""
    x, y, w, h = (int(v) for v in stats[index, :4])
    boxes = [(a, b, a + c, b + d) for a, b, c, d in stats[1:, :4] if (a, b, c, d) != (x, y, w, h)]
    line = [q for q in boxes if q[1] < y + h + h // 3 and q[3] > y and q[3] - q[1] <= 2 * h]
    beside = [q for q in line if x - h <= q[0] and q[2] <= x + w + h]
    narrow = [q for q in beside if q[2] - q[0] <= 0.5 * h]
    return narrow if len(narrow) == len(beside) <= 2 else []


def _isolated(bright: Grey, level: float, box: PixelBox, companions: Sequence[PixelBox]) -> bool:
    """Whether hardly any ink but that of ``companions`` lies in a ring round the mark, and the ring is clearly
    darker."""
    x0, y0, x1, y1 = box
    rim = max(2, (y1 - y0) // 6)
    left, top = max(0, x0 - rim), max(0, y0 - rim)
    outer = bright[top : y1 + rim, left : x1 + rim]
    inked = outer > level
    for a, b, c, d in companions:
        inked[max(0, b - top) : max(0, d - top), max(0, a - left) : max(0, c - left)] = False
    inked[y0 - top : y1 - top, x0 - left : x1 - left] = False
    ring = outer.size - (x1 - x0) * (y1 - y0)
    paper = float(np.percentile(outer, 20))
    inner = float(bright[y0:y1, x0:x1].max())
    return ring > 0 and float(inked.sum()) / ring < 0.12 and inner - paper > (70 if level < 230 else 35)


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
    pictures = inks(image)
    return [
        [g for place, box in _beside(p, walls, image.shape) for g in glyphs(pictures, box, place, p[3] - p[1])]
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
