"""Everything known of a paper between the stages; stages.py draws it."""

from dataclasses import dataclass, field

import pymupdf

from covidct.harvest.extract.beside import Found, PageView
from covidct.harvest.extract.captions import Caption
from covidct.harvest.extract.graphics import Region
from covidct.harvest.extract.page import Line, Page
from covidct.harvest.extract.paragraphs import Flow
from covidct.harvest.extract.results import ExtractedFigure
from covidct.harvest.extract.starts import Body


@dataclass
class Work:
    """One paper under analysis; lists are filled stage by stage."""

    document: pymupdf.Document
    pages: list[Page]
    body: Body
    flows: list[Flow] = field(default_factory=list)
    captions: list[Caption] = field(default_factory=list)
    regions: list[list[Region]] = field(default_factory=list)
    views: list[PageView] = field(default_factory=list)
    found: list[Found] = field(default_factory=list)
    figures: list[ExtractedFigure] = field(default_factory=list)
    listings: dict[int, pymupdf.DisplayList] = field(default_factory=dict)
    """What pages with graphics draw, by page number, as far as it was kept."""

    def listing(self, number: int) -> pymupdf.DisplayList:
        """What the page with ``number`` (from 1) draws."""
        return self.listings.get(number) or self.document.load_page(number - 1).get_displaylist()


MOST_KEPT = 60_000
"""Lines, pictures and strokes on pages whose drawing is kept from reading to rendering: some 60 MB."""


def keep_listing(listings: dict[int, pymupdf.DisplayList], page: Page, listing: pymupdf.DisplayList, kept: int) -> int:
    """Keep the drawing of a page that may hold a figure while there is room; how much is kept then."""
    parts = len(page.lines) + len(page.placements) + len(page.strokes)
    if not (page.placements or page.strokes) or kept + parts > MOST_KEPT:
        return kept
    listings[page.number] = listing
    return kept + parts


def caption_lines(page: Page, number: int, captions: list[Caption]) -> list[Line]:
    """The lines of ``captions`` on the page at position ``number``."""
    own = [page.lines[i] for c in captions if c.page == number for i in c.lines]
    return own + [page.lines[i] for c in captions if c.page == number - 1 for i in c.overleaf]
