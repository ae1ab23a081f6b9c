"""Stage 1, blocks: what one page holds: text lines, image placements, strokes; clipped as the page clips them.

Coordinates are points of the page as shown (page rotation applied), origin top left. A page whose text stands on its
side (landscape figures in a portrait page) is turned upright for the analysis; ``to_page`` turns results back.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import pymupdf

from covidct.captions.figure_labels import read_label
from covidct.harvest.extract.boxes import meet, union
from covidct.records import Box

PAINTED = 16 | 32
"""Flags of a letter that is filled or outlined."""
BOLD_NAMES = ("bold", "black", "heavy", "-bd", ",bd", "semibd", "demi")


@dataclass(frozen=True)
class Thresholds:
    """What reading a page compares with; in font sizes where nothing else is said."""

    turned: float = 0.6
    """Share of a page's letters that stand on their side before the page is turned."""
    letters: int = 200
    """So many of them at least, or a caption among them."""
    straight: float = 0.9
    """Cosine of the angle up to which a line is upright or on its side; others stand askew."""
    seen: int = 25
    """Opacity, of 255, above which a letter is painted."""
    level: float = 0.6
    """Share of the lower line's height that two pieces of one line have in common."""
    blank: tuple[float, float] = (-0.5, 2.5)
    """Blank between two pieces of one line: an overlap, or a wide space in justified text."""


LIMITS = Thresholds()


@dataclass(frozen=True)
class Span:
    """A run of text in one font; ``size`` in points."""

    text: str
    size: float
    font: str
    bold: bool
    color: int = 0
    inked: bool = True
    """False for text that is placed but not painted (as over scans)."""
    left: float | None = None
    """Where it begins on an upright page, points."""


@dataclass(frozen=True)
class Line:
    """One line of text; ``order`` is its position in the order of painting, comparable with ``Stroke.order``."""

    text: str
    box: Box
    spans: tuple[Span, ...]
    order: int
    way: int = 0
    """0 upright, 1 reading upwards, 2 upside down, 3 reading downwards, 4 any slant."""
    descent: float = 0.0
    """Points from the base line to the lower edge of the box, as read."""

    @property
    def base(self) -> float:
        """Height of the base line of an upright line."""
        return self.box[3] - self.descent

    @cached_property
    def main(self) -> Span:
        """The span with most letters."""
        return max(self.spans, key=lambda span: len(span.text.strip()))

    @cached_property
    def size(self) -> float:
        """Font size of most letters."""
        return self.main.size


@dataclass(frozen=True)
class Placement:
    """An image on the page: its visible part, the whole of it, and the embedded pixels."""

    box: Box
    full: Box
    pixels: tuple[int, int]
    """Width and height in the orientation shown."""
    stored: int = 0
    """Bytes of the embedded picture as it is stored: two pictures of one size hardly ever have as many."""


@dataclass(frozen=True)
class Stroke:
    """A drawn path: its visible box, whether it is only filled, and with which colour (0xRRGGBB)."""

    box: Box
    filled: bool
    color: int
    straight: bool
    order: int = 0
    """Position in the order of painting."""


@dataclass
class Page:
    """All of one page. ``rotation``: quarter turns (text upwards: 1, downwards: 3) taken out for the analysis."""

    number: int
    width: float
    height: float
    lines: list[Line] = field(default_factory=list)
    placements: list[Placement] = field(default_factory=list)
    strokes: list[Stroke] = field(default_factory=list)
    furniture: list[Line] = field(default_factory=list)
    rotation: int = 0

    @property
    def box(self) -> Box:
        """The visible page."""
        return (0.0, 0.0, self.width, self.height)

    def to_page(self, box: Box) -> Box:
        """``box`` of the analysis in points of the page as shown."""
        if self.rotation == 1:
            return (box[1], self.width - box[2], box[3], self.width - box[0])
        if self.rotation == 2:
            return (self.width - box[2], self.height - box[3], self.width - box[0], self.height - box[1])
        if self.rotation == 3:
            return (self.height - box[3], box[0], self.height - box[1], box[2])
        return box


def read_page(listing: pymupdf.DisplayList, number: int) -> Page:
    """The content of the page with display list ``listing``; ``number`` from 1."""
    bounds = listing.rect
    shift = (-bounds.x0, -bounds.y0)
    page = Page(number, bounds.width, bounds.height)
    flags = pymupdf.TEXT_PRESERVE_WHITESPACE | pymupdf.TEXT_MEDIABOX_CLIP | pymupdf.TEXT_CLIP
    text = text_page(listing, flags | pymupdf.TEXT_COLLECT_VECTORS).extractDICT()
    for count, block in enumerate(text["blocks"]):
        if block["type"] == 0:
            page.lines += _lines(block, count, shift)
        elif block["type"] == 3 and block["alpha"] > 0:
            _add_stroke(page, block, count, shift)
    images = text_page(listing, flags | pymupdf.TEXT_PRESERVE_IMAGES).extractIMGINFO()
    for image in images:
        _add_placement(page, image, shift)
    return page


def text_page(listing: pymupdf.DisplayList, flags: int) -> pymupdf.TextPage:
    """Some releases of the library hand out the bare structure instead of a ``TextPage``."""
    made = listing.get_textpage(flags)
    return made if isinstance(made, pymupdf.TextPage) else pymupdf.TextPage(made)


def _moved(box: tuple[float, ...], shift: tuple[float, float]) -> Box:
    return (box[0] + shift[0], box[1] + shift[1], box[2] + shift[0], box[3] + shift[1])


def _add_stroke(page: Page, block: Mapping[str, Any], order: int, shift: tuple[float, float]) -> None:
    box = meet(_moved(block["bbox"], shift), page.box)
    if box[2] >= box[0] and box[3] >= box[1]:
        page.strokes.append(Stroke(box, not block["stroked"], block["color"], block["isrect"], order))


def _add_placement(page: Page, image: Mapping[str, Any], shift: tuple[float, float]) -> None:
    a, b, c, d, e, f = image["transform"]
    corners = [(e, f), (e + a, f + b), (e + c, f + d), (e + a + c, f + b + d)]
    full = _moved((min(x for x, _ in corners), min(y for _, y in corners),
                   max(x for x, _ in corners), max(y for _, y in corners)), shift)  # fmt: skip
    visible = meet(meet(_moved(image["bbox"], shift), full), page.box)
    if visible[2] > visible[0] and visible[3] > visible[1]:
        size = (image["width"], image["height"])
        sideways = abs(b) + abs(c) > abs(a) + abs(d)
        page.placements.append(Placement(visible, full, size[::-1] if sideways else size, image["size"]))


def _lines(block: Mapping[str, Any], count: int, shift: tuple[float, float]) -> list[Line]:
    """The block's lines; pieces that stand on one base line within a few letters of each other are one line."""
    lines: list[Line] = []
    for item in block["lines"]:
        line = _line(item, count, shift)
        if line is None:
            continue
        if lines and _continues(lines[-1], line):
            lines[-1] = _joined(lines[-1], line)
        else:
            lines.append(line)
    return lines


def _line(item: Mapping[str, Any], count: int, shift: tuple[float, float]) -> Line | None:
    spans = tuple(_span(span, shift[0]) for span in item["spans"])
    text = "".join(span.text for span in spans)
    if not text.strip():
        return None
    inked = [span["bbox"] for span in item["spans"] if span["text"].strip()]
    x, y = item["dir"]
    least = LIMITS.straight
    way = 0 if x > least else 1 if y < -least else 2 if x < -least else 3 if y > least else 4
    line = Line(text, _moved(union(inked), shift), spans, count, way)
    main = max(item["spans"], key=lambda span: len(span["text"].strip()))
    return replace(line, descent=_as_read(line)[3] - _down(way, _moved((*main["origin"], *main["origin"]), shift)))


def _down(way: int, point: Box) -> float:
    """How far down ``point`` lies, in the direction in which lines of ``way`` follow each other."""
    return (point[1], point[0], -point[1], -point[0], point[1])[way]


def _span(span: Mapping[str, Any], shift: float) -> Span:
    name = span["font"].lower()
    bold = bool(span["flags"] & pymupdf.TEXT_FONT_BOLD) or name.endswith(".b") or any(w in name for w in BOLD_NAMES)
    painted = bool(span.get("char_flags", PAINTED) & PAINTED) and span.get("alpha", 255) > LIMITS.seen
    return Span(span["text"], span["size"], span["font"], bold, span["color"], painted, span["bbox"][0] + shift)


def _continues(last: Line, line: Line) -> bool:
    if last.way != line.way or line.way == 4:
        return False
    one, two = _as_read(last), _as_read(line)
    high = min(one[3] - one[1], two[3] - two[1])
    level = min(one[3], two[3]) - max(one[1], two[1])
    least, most = LIMITS.blank
    return level > LIMITS.level * high and least * line.size < two[0] - one[2] < most * line.size


def _as_read(line: Line) -> Box:
    """The line's box turned so that it reads from left to right."""
    x0, y0, x1, y1 = line.box
    upright = (x0, y0, x1, y1)
    return (upright, (-y1, x0, -y0, x1), (-x1, -y1, -x0, -y0), (y0, -x1, y1, -x0), upright)[line.way]


def _joined(last: Line, line: Line) -> Line:
    blank = "" if last.text.endswith(" ") or line.text.startswith(" ") else " "
    spans = (*last.spans, *((Span(" ", line.size, line.main.font, line.main.bold),) if blank else ()), *line.spans)
    whole = Line(last.text + blank + line.text, union((last.box, line.box)), spans, last.order, last.way)
    return replace(whole, descent=_as_read(whole)[3] - _as_read(last)[3] + last.descent)


def upright(page: Page) -> Page:
    """``page`` turned so that most of its letters read from left to right."""
    letters = [0, 0, 0, 0, 0]
    for line in page.lines:
        letters[line.way] += len(line.text)
    rotation = max((1, 2, 3), key=lambda way: letters[way])
    captioned = any(line.way == rotation and _figure_label(line) for line in page.lines)
    few = letters[rotation] < LIMITS.letters and not captioned
    if few or letters[rotation] < LIMITS.turned * sum(letters):
        return page
    return _rotated(page, rotation)


def sideways(page: Page) -> Page | None:
    """What stands on its side on an upright page: lines of one way with a figure's label, and the page's graphics.

    They are taken from ``page`` and read as a page of their own, unless upright captions stand there too.
    """
    labels = [line for line in page.lines if _figure_label(line, marked=True)]
    way = next((line.way for line in labels if line.way in (1, 3)), 0)
    if page.rotation or not way or any(not line.way for line in labels):
        return None
    own = replace(page, lines=[x for x in page.lines if x.way == way], furniture=[])
    page.lines = [x for x in page.lines if x.way != way]
    page.placements, page.strokes = [], []
    return _rotated(own, way)


def _rotated(page: Page, rotation: int) -> Page:
    """``page`` with lines of way ``rotation`` upright."""
    wide, high = page.width, page.height

    def rotated(box: Box) -> Box:
        if rotation == 1:
            return (high - box[3], box[0], high - box[1], box[2])
        if rotation == 2:
            return (wide - box[2], high - box[3], wide - box[0], high - box[1])
        return (box[1], wide - box[2], box[3], wide - box[0])

    def shown(placement: Placement) -> Placement:
        pixels = placement.pixels if rotation == 2 else placement.pixels[::-1]
        return Placement(rotated(placement.box), rotated(placement.full), pixels, placement.stored)

    def read(line: Line) -> Line:
        spans = tuple(replace(span, left=None) for span in line.spans)
        return replace(line, box=rotated(line.box), spans=spans, way=(line.way - rotation) % 4 if line.way < 4 else 4)

    return Page(
        page.number,
        wide if rotation == 2 else high,
        high if rotation == 2 else wide,
        [read(line) for line in page.lines],
        [shown(placement) for placement in page.placements],
        [replace(stroke, box=rotated(stroke.box)) for stroke in page.strokes],
        [read(line) for line in page.furniture],
        rotation=rotation,
    )


def _figure_label(line: Line, marked: bool = False) -> bool:
    """Whether ``line`` begins with the label of a figure; ``marked``: with a mark behind it, or alone on its line."""
    label = read_label(line.text)
    if label is None or label.kind != "figure":
        return False
    return not marked or not line.text.strip()[len(label.printed) :] or label.after.strip()[:1] in tuple(".:|–—")
