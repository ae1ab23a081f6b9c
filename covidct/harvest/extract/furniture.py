"""Stage 1b: what is no part of the paper's text is set aside before anything is read.

Notices of the server go first, before the page is turned upright and before heads are compared (``without_notices``);
running heads, page numbers and line numbers go once all pages are upright (``set_aside``).
"""

import itertools
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace

from covidct.captions.figure_labels import read_label
from covidct.harvest.extract.boxes import overlap_y
from covidct.harvest.extract.page import Line, Page
from covidct.harvest.extract.tally import Tally

_DIGITS = re.compile(r"\d+")
_NOTICE = re.compile(
    r"copyright holder for this preprint|certified by peer review|this version posted|perpetuity\.?\s*$"
    r"|(bio|med)rxiv preprint|made available under a\s+(cc|$)|note: this preprint reports new research"
    r"|it is made available under|^\s*international license\s*\.?\s*$"
    r"|^\s*cc-by(-nc)?(-nd)? \d\.\d international license",
    re.I,
)
_WORD = re.compile(r"[^\W_]")


@dataclass(frozen=True)
class Thresholds:
    """What the rules on furniture compare with."""

    edge: float = 0.1
    """Share of the page's height at top and bottom where page numbers and loose marks stand."""
    outer: float = 0.07
    """The same where a line on two pages is a running head, as on left and right pages of a short paper."""
    margin: float = 0.15
    """The same where a line on three pages is one."""
    side: float = 0.08
    """Share of the page's width at left and right where stamps stand."""
    numbered: int = 8
    """So many numbers in a row make a page line-numbered; fewer do where the page before was."""
    notice: float = 1.2
    """How far from a notice, in font sizes, the rest of it may stand."""
    place: float = 12.0
    """Points: heights nearer than this are one place on two pages."""
    head: int = 8
    """More letters than this has a text that on two pages is a running head; on three any has."""
    below: float = 1.6
    """How far below a caption's line, in font sizes, the next one stands."""
    counted: float = 0.5
    """Share of the lines that begin with a number from which equal steps number them."""
    flush: float = 20.0
    """Points by which left edges of line numbers in one margin may differ."""
    rest: int = 3
    """Letters of a fragment between the lines of a notice that belongs to it."""


LIMITS = Thresholds()


def without_notices(page: Page, tally: Tally) -> Page:
    """``page`` with the server's notice and stamp, and their loose fragments, moved to its furniture."""
    notices = [line for line in page.lines if _NOTICE.search(line.text)]
    if not notices:
        return page
    rests = [x for x in page.lines if x not in notices and any(_rest(x, notice) for notice in notices)]
    for line in (*notices, *rests):
        tally.fired("furniture:notice" if line in notices else "furniture:rest-of-notice")
    gone = {id(line) for line in (*notices, *rests)}
    page.furniture += [line for line in page.lines if id(line) in gone]
    page.lines = [line for line in page.lines if id(line) not in gone]
    return page


def _rest(line: Line, notice: Line) -> bool:
    """A mark or a few letters level with a line of the notice or right below it."""
    near = line.way == notice.way and overlap_y(line.box, notice.box) > -LIMITS.notice * notice.size
    return near and len(_WORD.findall(line.text)) <= LIMITS.rest


def set_aside(pages: list[Page], tally: Tally) -> None:
    """Move running heads, page numbers and line numbers from each page's lines to its ``furniture``."""
    repeated = _repeated(pages)
    last = 0
    for page in pages:
        numbers, last = line_numbers(page.lines, last)
        if numbers:
            tally.fired("furniture:line-numbers")
        kept: list[Line] = []
        for index, line in enumerate(page.lines):
            if index in numbers:
                kept += _without_number(line)
                continue
            rule = _rule(page, line, repeated)
            if rule:
                tally.fired(f"furniture:{rule}")
                page.furniture.append(line)
            else:
                kept.append(line)
        page.lines = kept


def _rule(page: Page, line: Line, repeated: set[tuple[str, int]]) -> str:
    if _signature(page, line) in repeated:
        return "running-head"
    if _at_edge(page, line) and re.fullmatch(r"\W*(page\s*)?\d{1,4}(\s*(of|/)\s*\d+)?\W*", line.text, re.I):
        return "page-number"
    if _at_edge(page, line) and not _WORD.search(line.text):
        return "loose-mark"
    return ""


def _at_edge(page: Page, line: Line) -> bool:
    return line.box[3] < LIMITS.edge * page.height or line.box[1] > (1 - LIMITS.edge) * page.height


def _signature(page: Page, line: Line) -> tuple[str, int]:
    place = round(line.box[1] / LIMITS.place)
    return (_DIGITS.sub("#", " ".join(line.text.split())).lower(), place)


def _repeated(pages: list[Page]) -> set[tuple[str, int]]:
    """Texts that stand at one height of three or more pages outside the middle, or of two within a line of the edge."""
    seen: dict[tuple[str, int], set[int]] = defaultdict(set)
    outer: dict[tuple[str, int], set[int]] = defaultdict(set)
    for page in pages:
        for line in _outside(page):
            text, place = _signature(page, line)
            for near in (place - 1, place, place + 1):
                seen[(text, near)].add(page.number)
            if line.box[3] < LIMITS.outer * page.height or line.box[1] > (1 - LIMITS.outer) * page.height:
                outer[(text, place)].add(page.number)
    twice = {key for key, numbers in outer.items() if len(numbers) == 2 and len(key[0]) > LIMITS.head}
    return twice | {key for key, numbers in seen.items() if len(numbers) >= 3 and len(key[0]) > 1}


def _outside(page: Page) -> Iterator[Line]:
    """Lines outside the middle of ``page``; a figure's label and the lines right below it are no running head."""
    captions: list[Line] = []
    for line in page.lines:
        label = read_label(line.text)
        if (label is not None and label.kind == "figure") or any(_right_below(line, other) for other in captions):
            captions.append(line)
            continue
        margin = line.box[3] < LIMITS.margin * page.height or line.box[1] > (1 - LIMITS.margin) * page.height
        beside = line.box[2] < LIMITS.side * page.width or line.box[0] > (1 - LIMITS.side) * page.width
        if margin or line.way or beside:
            yield line


def _right_below(line: Line, other: Line) -> bool:
    step = line.box[1] - other.box[1]
    return line.way == other.way and abs(line.box[0] - other.box[0]) < 2 and 0 < step < LIMITS.below * other.size


def line_numbers(lines: list[Line], last: int = 0) -> tuple[set[int], int]:
    """Positions of lines that are, or begin with, a line number, and the last number (0 where there is none).

    Equal steps down one margin: many on one page, or a few that go on from ``last``, the number that ended the page
    before, or that begin anew.
    """
    candidates = []
    for index, line in enumerate(lines):
        found = re.match(r"\s*(\d{1,4})(?=\s|$)", line.text)
        if found and not line.way:
            candidates.append((line.base, int(found.group(1)), index, line))
    candidates.sort(key=lambda item: (item[0], item[1]))
    steps = Counter(b[1] - a[1] for a, b in itertools.pairwise(candidates))
    step, count = steps.most_common(1)[0] if steps else (0, 0)
    if step in (1, 5) and count >= LIMITS.numbered and count >= LIMITS.counted * len(candidates):
        kept = _chain([(item[1], item[2], item[3]) for item in candidates], step)
    else:
        few = [(item[1], item[2], item[3]) for item in candidates]
        kept = (_goes_on(few, last) if last else set()) or (_goes_on(few, 0) if last and _in_margin(lines) else set())
    return kept, max((item[1] for item in candidates if item[2] in kept), default=0)


def _goes_on(items: list[tuple[int, int, Line]], last: int) -> set[int]:
    """Positions of numbers that count on from ``last``, one margin, nothing between."""
    kept: set[int] = set()
    first: Line | None = None
    for number, index, line in items:
        if number == last + 1 and (first is None or _flush(first, line)):
            kept.add(index)
            first, last = first or line, number
    return kept


def _in_margin(lines: list[Line]) -> bool:
    """Whether the left-most lines are numbers alone: they stand in the margin."""
    upright = [line for line in lines if not line.way]
    left = min((line.box[0] for line in upright if not line.text.strip().isdigit()), default=0.0)
    return any(line.text.strip() == "1" and line.box[2] < left for line in upright)


def _flush(one: Line, two: Line) -> bool:
    return abs(one.box[0] - two.box[0]) < LIMITS.flush


def _chain(items: list[tuple[int, int, Line]], step: int) -> set[int]:
    kept: set[int] = set()
    for (a, first, one), (b, second, two) in itertools.pairwise(items):
        if b - a == step and _flush(one, two):
            kept |= {first, second}
    return kept


def _without_number(line: Line) -> list[Line]:
    """``line`` without its leading number; nothing where nothing is left."""
    rest = re.sub(r"^\s*\d{1,4}\s*", "", line.text)
    if not rest:
        return []
    spans = list(line.spans)
    while spans and re.fullmatch(r"\s*\d{0,4}\s*", spans[0].text):
        spans.pop(0)
    share = (len(line.text) - len(rest)) / len(line.text)
    x0 = line.box[0] + share * (line.box[2] - line.box[0])
    if spans and len(spans) < len(line.spans) and spans[0].left is not None:
        x0 = spans[0].left
    return [replace(line, text=rest, box=(x0, *line.box[1:]), spans=tuple(spans) or line.spans)]
