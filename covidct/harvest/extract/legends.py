"""Captions of several paragraphs: panels that begin a line, and lists of legends."""

import itertools
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from covidct.captions.figure_labels import plain
from covidct.harvest.extract.boxes import height, width
from covidct.harvest.extract.page import Line, Page
from covidct.harvest.extract.paragraphs import bold, ends_sentence
from covidct.harvest.extract.starts import Body, CaptionStart

_TITLE = re.compile(r"\b(legends?|captions?)\b", re.I)
_MARK = r"\(?([A-Ha-h])(?:\s*(?:[-–,&]|and)\s*([A-Ha-h]))?[).,:]"
_OPENS = re.compile(rf"^\W{{0,2}}{_MARK}\s*\W?\w")
_INSIDE = re.compile(rf"(?:^|(?<=\s)){_MARK}(?=\s|$)")


@dataclass(frozen=True)
class Thresholds:
    """What the rules on legends compare with."""

    rule: float = 2.6
    """Points: strokes no thicker are rules."""
    drawn: int = 5
    """So many other strokes are a drawing."""
    some_strokes: int = 8
    """More strokes of any kind are one on a page that may hold a figure alone."""
    picture: float = 28.0
    """Points: width and height of a picture that may be a figure."""
    title: int = 40
    """Letters of the longest heading over a list of legends."""
    prose: int = 40
    """Letters of a line that may be running text."""
    wide: float = 0.5
    """Share of the usual width that such a line has."""
    small: float = 2.5
    """Points by which small print below a legend is smaller than the running text."""
    foot: float = 0.85
    """Share of a page's height over which the text of a page of its own ends."""
    short: float = 0.6
    """Share of a page's height over which the end of the last legend of a list stands."""
    longest: int = 24
    """Lines of prose on such a page."""
    head: float = 0.3
    """Share of a page above which the first legend of a list begins."""


LIMITS = Thresholds()


def next_panel(before: Iterable[Line], line: Line) -> bool:
    """Whether ``line`` opens with the panel letter that comes after those of ``before``: "(A)", then "(B)"."""
    found = _OPENS.match(plain(line.text))
    if found is None:
        return False
    seen = [x.lower() for b in before for pair in _INSIDE.findall(plain(b.text)) for x in pair if x]
    return found.group(1).lower() == (chr(ord(max(seen)) + 1) if seen else "a")


def legend_pages(pages: Sequence[Page], starts: Sequence[CaptionStart]) -> set[int]:
    """Positions of pages that hold nothing but legends of figures, one after the other."""
    out: set[int] = set()
    for number, page in enumerate(pages):
        own = [page.lines[s.line] for s in starts if s.page == number and s.label.kind == "figure"]
        if not own and number - 1 in out and _bare(page) and _short(page):
            out.add(number)
        if not own or not _bare(page):
            continue
        first = min(own, key=lambda line: line.box[1])
        above = [line for line in page.lines if not line.way and line.box[1] < first.box[1] - 1]
        titled = any(len(line.text) < LIMITS.title and _TITLE.search(line.text) for line in above)
        at_head = len(above) <= 2 and first.box[1] < LIMITS.head * page.height
        if titled or (at_head and len(own) > 1) or number - 1 in out:
            out.add(number)
    return out


def _short(page: Page) -> bool:
    """A few lines at the head of a page that holds nothing else: the end of the last legend of a list."""
    lines = [x for x in page.lines if not x.way]
    return 0 < len(lines) <= LIMITS.longest and max(x.box[3] for x in lines) < LIMITS.short * page.height


def stands_alone(pages: Sequence[Page], starts: Sequence[CaptionStart], body: Body) -> set[int]:
    """Positions of pages that hold nothing but figures and what explains them: all of their prose is caption.

    No prose stands over the first caption or figure, no heading below it, and the text ends before the page does, with
    a full stop.
    """
    out: set[int] = set()
    for number, page in enumerate(pages):
        own = [page.lines[s.line] for s in starts if s.page == number and s.label.kind == "figure"]
        first = min(own, key=lambda line: line.box[1], default=None)
        if first is not None and (_drawn(page) or _faces(pages, number, first)) and _ends_early(page, first, body):
            out.add(number)
    return out


def _faces(pages: Sequence[Page], number: int, first: Line) -> bool:
    """Whether the page begins with its caption and stands beside a page that holds a figure and no prose."""
    page = pages[number]
    head = min((x for x in page.lines if not x.way), key=lambda line: line.base)
    near = [pages[n] for n in (number - 1, number + 1) if 0 <= n < len(pages)]
    alone = [p for p in near if _drawn(p) and not any(len(x.text) > LIMITS.prose for x in p.lines if not x.way)]
    return head is first and bool(alone)


def _ends_early(page: Page, first: Line, body: Body) -> bool:
    prose = [
        x for x in page.lines if not x.way and len(x.text) > LIMITS.prose and width(x.box) > LIMITS.wide * body.width
    ]
    if any(line.base < first.base - 1 for line in prose):
        return False
    below = [x for x in page.lines if not x.way and x.base > first.base + 1 and x.size > body.size - LIMITS.small]
    after = list(itertools.dropwhile(bold, sorted(below, key=lambda x: x.base)))
    if not below or any(bold(x) and len(x.text) < LIMITS.prose and x.size > body.size - 0.5 for x in after):
        return False
    last = max((x for x in prose if x.base >= first.base), key=lambda x: x.base, default=first)
    lines = sum(x.base >= first.base for x in prose)
    end = max(below, key=lambda x: x.base)
    early = end.box[3] < LIMITS.foot * page.height or _drawn_below(page, last)
    return lines <= LIMITS.longest and early and ends_sentence(end.text)


def _drawn(page: Page) -> bool:
    return (
        any(min(width(p.box), height(p.box)) > LIMITS.picture for p in page.placements)
        or len(page.strokes) > LIMITS.some_strokes
    )


def _drawn_below(page: Page, line: Line) -> bool:
    return any(
        p.box[1] > line.box[3] - 4 and min(width(p.box), height(p.box)) > LIMITS.picture for p in page.placements
    )


def _bare(page: Page) -> bool:
    """No picture, and no drawing but rules."""
    images = any(min(width(p.box), height(p.box)) > LIMITS.picture for p in page.placements)
    drawn = sum(min(width(s.box), height(s.box)) > LIMITS.rule for s in page.strokes)
    return not images and drawn < LIMITS.drawn
