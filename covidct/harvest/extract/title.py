"""The title of a paper, from its metadata or from its first pages.

Printed titles are the largest text of a page that is no notice of the publisher; what stands in the same size without
being title (kind of article, names of authors) is told by its words, and by a change of the look.
"""

import html
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from covidct.captions.figure_labels import read_label
from covidct.harvest.extract.page import Line, Page
from covidct.harvest.extract.words import Vocabulary, join_lines, letters_of


@dataclass(frozen=True)
class Thresholds:
    """What makes lines one title; chosen on the first pages of 46 papers, without unit where none is named."""

    pages: int = 2
    """Pages looked at: a publisher's cover sheet may come before the paper."""
    upper: float = 0.6
    """Share of the page's height in which a title begins."""
    alike: float = 0.6
    """Points by which sizes of one title differ."""
    gap: float = 1.6
    """Free height between two lines of one title, in sizes: manuscripts are set double-spaced."""
    letters: int = 15
    words: int = 2
    lines: int = 8
    readable: float = 0.5
    """Share of letters and digits in a line; below, a font without meaning was used."""


LIMITS = Thresholds()
_MADE_UP = re.compile(
    r"^(untitled|microsoft word|.*\.(docx?|pdf|indd|qxd|dvi|tex)$|.*\b\d+\.\.\d+$|[\w.-]*\d[\w.-]*$)", re.I
)
_ADDRESS = re.compile(r"https?:|www\.|\S@\S|\b10\.\d{4,9}/", re.I)
_NOTICE = re.compile(
    r"resource cent(er|re)|hereby grants|publish(ed)? (online )?ahead of print|accepted (article|manuscript)|pre-?proof"
    r"|protected by copyright|this version posted|author manuscript|provisional pdf|downloaded from|available online",
    re.I,
)
_RUNNING = re.compile(r"et al\b.*\d{4}|\(\d{4}\) ?\d+|peer[- ]review|special issue|^\d{1,2} \w+ \d{4}$", re.I)
_KIND = re.compile(
    r"(original|research|short|brief|rapid|case|review|clinical|systematic|mini)?[\s-]*"
    r"(article|report|paper|communication|case series|review|letter|note|research|study|editorial|correspondence"
    r"|commentary|imaging)s?( (article|report)s?| to the editor)?\W*",
    re.I,
)
_AUTHORS = re.compile(r"[^\W\d_]{2}\d(?=[,;*†‡§\s]|$)")
_AFTER = re.compile(r"(affiliations?|authors?|abstract|summary|correspond\w*|department|running (title|head))\b", re.I)
_TITLE = re.compile(r"^(full )?title\s*:\s*", re.I)
_VERSION = re.compile(r"\s*\[(v\d|version \d)[^\]]*\]?", re.I)


@dataclass(frozen=True)
class _Row:
    text: str
    size: float
    font: str
    top: float
    bottom: float

    @property
    def bold(self) -> bool:
        return re.search(r"bold|black|heavy|\.B$", self.font, re.I) is not None


def find_title(metadata: str, pages: Sequence[Page]) -> str:
    """The title: that of the ``metadata`` where the first pages print it, else what they print largest."""
    stated = " ".join(html.unescape(metadata).split())
    if not _is_title(stated) or _MADE_UP.match(stated):
        stated = ""
    first = pages[: LIMITS.pages]
    text = letters_of(" ".join(line.text for page in first for line in page.lines))
    if stated and letters_of(stated) in text:
        return stated
    return next((title for page in first if (title := printed_title(page))), stated)


def printed_title(page: Page) -> str:
    """The title that ``page`` prints; empty where its largest text is a notice, or no title."""
    blocks = [block for block in _blocks(list(_rows(page))) if block[0].top < LIMITS.upper * page.height]
    titled = [(block, text) for block in blocks if (text := _text(block))]
    if not titled:
        return ""
    largest = max(block[0].size for block, _ in titled)
    large = [(block, text) for block, text in titled if block[0].size > largest - LIMITS.alike]
    found = next((text for block, text in large if block[0].bold), large[0][1])
    return "" if _NOTICE.search(found) else found


def _text(block: Sequence[_Row]) -> str:
    text = join_lines((row.text for row in block[: LIMITS.lines]), Vocabulary(()))
    text = _TITLE.sub("", _VERSION.sub("", text)).rstrip(" *†‡§¶")
    return text if _is_title(text) else ""


def _is_title(text: str) -> bool:
    return sum(c.isalnum() for c in text) >= LIMITS.letters and len(text.split()) >= LIMITS.words


def _rows(page: Page) -> Iterator[_Row]:
    """Readable lines from top to bottom; what stands in one row in one size is one line, whatever its fonts."""
    lines = sorted(filter(_readable, page.lines), key=lambda line: (line.box[1], line.box[0]))
    taken = [False] * len(lines)
    for number, first in enumerate(lines):
        if taken[number]:
            continue
        beside = [other for other in _beside(lines, number) if not taken[other]]
        for other in beside:
            taken[other] = True
        row = sorted((lines[other] for other in (number, *beside)), key=lambda line: line.box[0])
        longest = max(row, key=lambda line: len(line.text))
        text = " ".join(line.text.strip() for line in row)
        yield _Row(text, first.size, longest.main.font, first.box[1], max(line.box[3] for line in row))


def _beside(lines: Sequence[Line], number: int) -> Iterator[int]:
    """Those of the following ``lines``, which are sorted by height, that share half the height of this one."""
    first = lines[number]
    half = (first.box[3] - first.box[1]) / 2
    for other in range(number + 1, len(lines)):
        line = lines[other]
        if first.box[3] - line.box[1] <= half:
            return
        if abs(line.size - first.size) < LIMITS.alike and line.box[3] - line.box[1] > half:
            yield other


def _readable(line: Line) -> bool:
    """Painted words that read from left to right; no address, no caption, no letters without meaning."""
    shown = any(span.inked for span in line.spans if span.text.strip())
    text = _VERSION.sub("", line.text)
    return (
        shown
        and not line.way
        and sum(c.isalnum() for c in text) > LIMITS.readable * len(text)
        and not (_ADDRESS.search(text) or _RUNNING.search(text.strip()) or read_label(text))
    )


def _blocks(rows: Sequence[_Row]) -> list[list[_Row]]:
    """Rows of one size and look, one right below the other, whatever stands beside them.

    Names of authors and what follows them begin no block, and end the one above them.
    """
    blocks: list[list[_Row]] = []
    within = LIMITS.gap * max((row.size for row in rows), default=0)
    near: list[list[_Row]] = []
    for row in rows:
        near = [block for block in near if row.top - block[-1].bottom < within]
        if _AFTER.match(row.text) or len(_AUTHORS.findall(row.text)) > 1:
            near = []
            continue
        above = next((block for block in reversed(near) if _continues(block[-1], row)), None)
        if above is not None:
            above.append(row)
        elif not _KIND.fullmatch(row.text.strip()):
            blocks.append([row])
            near.append(blocks[-1])
    return blocks


def _continues(last: _Row, row: _Row) -> bool:
    close = row.top - last.bottom < LIMITS.gap * row.size
    alike = last.bold == row.bold or row.text[:1].islower()
    return close and abs(row.size - last.size) < LIMITS.alike and alike
