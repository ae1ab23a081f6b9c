"""Captions of several paragraphs: panels that begin a line, and lists of legends."""

import re
from collections.abc import Iterable, Sequence

from covidct.captions.figure_labels import plain
from covidct.harvest.extract.boxes import height, width
from covidct.harvest.extract.page import Line, Page
from covidct.harvest.extract.starts import Start

_TITLE = re.compile(r"\b(legends?|captions?)\b", re.I)
_MARK = r"\(?([A-Ha-h])(?:\s*(?:[-–,&]|and)\s*([A-Ha-h]))?[).,:]"
_OPENS = re.compile(rf"^\W{{0,2}}{_MARK}\s*\W?\w")
_INSIDE = re.compile(rf"(?:^|(?<=\s)){_MARK}(?=\s|$)")
_RULE = 2.6
"""Points: strokes no thicker are rules."""
HEAD = 0.3
"""Share of a page above which the first legend of a list begins."""


def next_panel(before: Iterable[Line], line: Line) -> bool:
    """Whether ``line`` opens with the panel letter that comes after those of ``before``: "(A)", then "(B)"."""
    found = _OPENS.match(plain(line.text))
    if found is None:
        return False
    seen = [x.lower() for b in before for pair in _INSIDE.findall(plain(b.text)) for x in pair if x]
    return found.group(1).lower() == (chr(ord(max(seen)) + 1) if seen else "a")


def legend_pages(pages: Sequence[Page], starts: Sequence[Start]) -> set[int]:
    """Positions of pages that hold nothing but legends of figures, one after the other."""
    out: set[int] = set()
    for number, page in enumerate(pages):
        own = [page.lines[s.line] for s in starts if s.page == number and s.label.kind == "figure"]
        if not own or not _bare(page):
            continue
        first = min(own, key=lambda line: line.box[1])
        above = [line for line in page.lines if not line.way and line.box[1] < first.box[1] - 1]
        titled = any(len(line.text) < 40 and _TITLE.search(line.text) for line in above)
        at_head = len(above) <= 2 and first.box[1] < HEAD * page.height
        if titled or (at_head and len(own) > 1) or number - 1 in out:
            out.add(number)
    return out


def _bare(page: Page) -> bool:
    """No picture, and no drawing but rules."""
    images = any(min(width(p.box), height(p.box)) > 28 for p in page.placements)
    drawn = sum(min(width(s.box), height(s.box)) > _RULE for s in page.strokes)
    return not images and drawn < 5
