"""Stage 4c: small print under a figure whose caption stands above it becomes part of the caption."""

import re
from dataclasses import dataclass, replace

from covidct.harvest.extract.boxes import overlap_x, union, width
from covidct.harvest.extract.captions import NOTE, Caption, Reader, extent
from covidct.harvest.extract.page import Line
from covidct.harvest.extract.paragraphs import face
from covidct.harvest.extract.starts import Body
from covidct.harvest.extract.words import join_lines
from covidct.records import Box


@dataclass(frozen=True)
class Thresholds:
    """What tells small print that explains a figure; points where nothing else is said."""

    same: float = 0.1
    """By which small print may be larger than the caption."""
    smaller: float = 0.3
    """By which it is smaller than the running text."""
    small: float = 0.8
    """The same where it is in the typeface of the running text."""
    flush: float = 3.0
    """By which left edges of caption and small print may differ."""
    prose: tuple[int, int] = (40, 5)
    """Letters and words of its first line."""
    below: tuple[float, float] = (6.0, 12.0)
    """How far under the figure it begins: font sizes, and points more."""
    shared: float = 0.6
    """Share of its width that lies under the figure or the caption."""


LIMITS = Thresholds()


def with_note(reader: Reader, caption: Caption, number: int, box: Box, barred: set[int]) -> Caption:
    """``caption``, which stands above its figure at ``box`` of page ``number``, with the small print below, if any.

    Where the figure ends its page, the small print may begin the next. ``barred``: lines of captions on that page.
    """
    page, body = reader.pages[number], reader.body
    style = reader.pages[caption.page].lines[caption.lines[0]]

    def explains(line: Line) -> bool:
        return _below(line, caption, box) and bool(NOTE.match(line.text) or _small_print(line, style, body))

    first = next((n for n, line in enumerate(page.lines) if n not in barred and explains(line)), None)
    if first is None:
        return caption
    small = replace(reader, body=Body("", page.lines[first].size, width(box)))
    return _explained(small, caption, number, extent(small, number, first, barred, (False, False))[0])


def _explained(reader: Reader, caption: Caption, number: int, taken: list[int]) -> Caption:
    """``caption`` with the lines ``taken`` of its page, or of the page after."""
    text = join_lines([reader.pages[number].lines[i].text for i in taken], reader.words)
    here = number == caption.page
    return replace(
        caption,
        text=f"{caption.text} {text}".strip(),
        lines=(*caption.lines, *taken) if here else caption.lines,
        overleaf=caption.overleaf if here else (*caption.overleaf, *taken),
        rules=(*caption.rules, "note-below"),
    )


def with_legend_overleaf(reader: Reader, caption: Caption, box: Box, barred: set[int]) -> Caption:
    """``caption``, whose figure at ``box`` under it fills the page, with the small print that begins the next page."""
    page = reader.pages[caption.page]
    if caption.page + 1 >= len(reader.pages) or any(x.box[1] > box[3] - 2 for x in page.lines if not x.way):
        return caption
    after = reader.pages[caption.page + 1]
    lines = [n for n, line in enumerate(after.lines) if not line.way]
    first = min(lines, key=lambda n: (round(after.lines[n].box[1] / 4), after.lines[n].box[0]), default=None)
    style = page.lines[caption.lines[0]]
    if first is None or first in barred or not _small_print(after.lines[first], style, reader.body):
        return caption
    small = replace(reader, body=Body("", after.lines[first].size, width(box)))
    return _explained(
        small, caption, caption.page + 1, extent(small, caption.page + 1, first, barred, (False, False))[0]
    )


def _below(line: Line, caption: Caption, box: Box) -> bool:
    near = -2 < line.box[1] - box[3] < LIMITS.below[0] * line.size + LIMITS.below[1]
    inset = overlap_x(line.box, union((box, caption.box))) > LIMITS.shared * width(line.box)
    return near and inset and not line.way


def _small_print(line: Line, style: Line, body: Body) -> bool:
    """Prose flush with the caption above, in its typeface, no larger, and unlike the running text or much smaller."""
    prose = len(line.text) > LIMITS.prose[0] and len(re.findall(r"[^\W\d_]{2,}", line.text)) > LIMITS.prose[1]
    flush = abs(line.box[0] - style.box[0]) < LIMITS.flush
    alike = face(line.main.font) == face(style.main.font)
    small = line.size < style.size + LIMITS.same and line.size < body.size - LIMITS.smaller
    unlike = line.main.font != body.font or (line.size < body.size - LIMITS.small and line.text.lstrip()[:1].isupper())
    return prose and flush and alike and small and unlike
