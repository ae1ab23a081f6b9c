"""Words that no reader of the page sees are taken out: invisible, paper-coloured, clipped or painted over.

Cheap signs make a line a suspect; what decides is a rendering of the page: a word whose place shows one flat colour
is not there. Invisible words over a scan stay, since the scan shows them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pymupdf

from covidct.harvest.extract.boxes import area, inside, meet, overlap_x, overlap_y
from covidct.harvest.extract.page import Line, Page, Stroke, text_page
from covidct.records import Box


@dataclass(frozen=True)
class Thresholds:
    """What tells words that nobody sees."""

    scale: float = 2.0
    """Pixels per point of the rendering that decides."""
    most_pixels: int = 12_000_000
    """Pixels of a page that is rendered at once: 1,700 points square."""
    inset: tuple[float, float] = (0.2, 0.15)
    """Shares of a word's height at its upper and lower edge, where the lines over and under it may reach in."""
    flat: int = 24
    """Grey levels between the darkest and the lightest pixel of a place that shows nothing."""
    pale: int = 225
    """Level of all channels from which ink is near the colour of paper."""
    overlap: float = 3.0
    """Points of a line that a shape drawn later must cover, left to right, and so large must the shape be."""
    covered: float = 0.4
    """Share of its height that it must cover."""
    own: float = 0.6
    """Share of a word inside a line's box that makes it the line's."""


LIMITS = Thresholds()
Grey = np.ndarray[tuple[int, int], np.dtype[np.uint8]]


def without_unseen(source: pymupdf.Page, listing: pymupdf.DisplayList, page: Page) -> tuple[Page, int]:
    """``page`` (not turned yet) without unseen words, and how many were taken out."""
    covers = [s for s in page.strokes if s.filled and min(s.box[2] - s.box[0], s.box[3] - s.box[1]) > LIMITS.overlap]
    suspects = {id(line) for line in page.lines if _suspect(line, page)} | _painted_over(page.lines, covers)
    suspects |= _under_images(source, page)
    if not suspects:
        return page, 0
    shown = _Shown(listing)
    words = _words(listing)
    kept: list[Line] = []
    dropped = 0
    for line in page.lines:
        seen, lost = (line, 0) if id(line) not in suspects else _seen(line, words, shown)
        dropped += lost
        if seen is not None:
            kept.append(seen)
    page.lines = kept
    return page, dropped


def _suspect(line: Line, page: Page) -> bool:
    if any(not span.inked or _pale(span.color) for span in line.spans if span.text.strip()):
        return True
    x0, _, x1, y1 = page.box
    return line.box[0] < x0 or line.box[2] > x1 or line.box[3] > y1


def _painted_over(lines: list[Line], covers: list[Stroke]) -> set[int]:
    """Lines that a shape filled after them overlaps."""
    if not covers:
        return set()
    x0, y0, x1, y1 = np.array([cover.box for cover in covers]).T
    order = np.array([cover.order for cover in covers])
    out = set()
    for line in lines:
        a, b, c, d = line.box
        across = np.minimum(x1, c) - np.maximum(x0, a) > LIMITS.overlap
        down = np.minimum(y1, d) - np.maximum(y0, b) > LIMITS.covered * (d - b)
        if (across & down & (order > line.order)).any():
            out.add(id(line))
    return out


def _pale(color: int) -> bool:
    return min(color >> 16 & 255, color >> 8 & 255, color & 255) > LIMITS.pale


def _covers(cover: Box, line: Box) -> bool:
    return overlap_x(cover, line) > LIMITS.overlap and overlap_y(cover, line) > LIMITS.covered * (line[3] - line[1])


def _under_images(source: pymupdf.Page, page: Page) -> set[int]:
    """Lines that an image painted after them overlaps."""
    touched = [line for line in page.lines if any(_covers(p.box, line.box) for p in page.placements)]
    if not touched:
        return set()
    steps = source.get_bboxlog()
    out = set()
    for line in touched:
        painted = [n for n, (kind, box) in enumerate(steps) if "text" in kind and area(meet(box, line.box)) > 0]
        images = [n for n, (kind, box) in enumerate(steps) if "image" in kind and _covers(box, line.box)]
        if painted and images and max(images) > min(painted):
            out.add(id(line))
    return out


class _Shown:
    """What the page shows, two pixels a point: the page at once, or a large one place by place."""

    def __init__(self, listing: pymupdf.DisplayList) -> None:
        self._listing = listing
        bounds = listing.rect
        self._corner = (bounds.x0, bounds.y0)
        small = bounds.width * bounds.height * LIMITS.scale**2 <= LIMITS.most_pixels
        self._page = self._rendered((0.0, 0.0, bounds.width, bounds.height)) if small else None

    def place(self, box: Box) -> Grey:
        """Grey levels (rows, columns) of ``box``, points from the corner of the page."""
        grey = self._page if self._page is not None else self._rendered(box)
        left, top = (0.0, 0.0) if self._page is not None else (box[0], box[1])
        x0, x1 = int((box[0] - left) * LIMITS.scale), int((box[2] - left) * LIMITS.scale) + 1
        y0, y1 = int((box[1] - top) * LIMITS.scale), int((box[3] - top) * LIMITS.scale) + 1
        return grey[max(y0, 0) : max(y1, 0), max(x0, 0) : max(x1, 0)]

    def _rendered(self, box: Box) -> Grey:
        x, y = self._corner
        clip = pymupdf.Rect(box[0] + x, box[1] + y, box[2] + x, box[3] + y)
        matrix = pymupdf.Matrix(LIMITS.scale, LIMITS.scale)
        pixmap = self._listing.get_pixmap(matrix=matrix, colorspace=pymupdf.csGRAY, alpha=False, clip=clip)
        rows = np.frombuffer(pixmap.samples, np.uint8).reshape(pixmap.height, pixmap.stride)
        grey: Grey = rows[:, : pixmap.width]
        return grey


def _words(listing: pymupdf.DisplayList) -> list[tuple[Box, str]]:
    bounds = listing.rect
    flags = pymupdf.TEXT_PRESERVE_WHITESPACE | pymupdf.TEXT_MEDIABOX_CLIP
    out = []
    for x0, y0, x1, y1, word, *_ in text_page(listing, flags).extractWORDS():
        out.append(((x0 - bounds.x0, y0 - bounds.y0, x1 - bounds.x0, y1 - bounds.y0), word))
    return out


def _seen(line: Line, words: Sequence[tuple[Box, str]], shown: _Shown) -> tuple[Line | None, int]:
    """``line`` with the words that show, None where none does; and how many do not."""
    own = [(box, word) for box, word in words if inside(box, line.box) > LIMITS.own]
    visible = [word for box, word in own if _shows(box, line.way, shown)]
    lost = len(own) - len(visible)
    if not lost:
        return line, 0
    if not visible:
        return None, lost
    text = " ".join(visible)
    return replace(line, text=text, spans=(replace(line.main, text=text),)), lost


def _shows(box: Box, way: int, shown: _Shown) -> bool:
    """Whether there is ink between the upper and the lower edge of a word, its neighbours' left out."""
    x0, y0, x1, y1 = box
    a, b = (LIMITS.inset if way < 2 else LIMITS.inset[::-1]) if way < 4 else (0.0, 0.0)
    if way in (1, 3):
        place = shown.place((x0 + a * (x1 - x0), y0, x1 - b * (x1 - x0), y1))
    else:
        place = shown.place((x0, y0 + a * (y1 - y0), x1, y1 - b * (y1 - y0)))
    return bool(place.size) and int(place.max()) - int(place.min()) >= LIMITS.flat
