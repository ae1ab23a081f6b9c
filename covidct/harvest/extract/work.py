"""Everything known of a paper between the stages; stages.py draws it."""

from dataclasses import dataclass, field

import pymupdf

from covidct.harvest.extract.captions import Caption
from covidct.harvest.extract.graphics import Region
from covidct.harvest.extract.match import Found, PageView
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


def caption_lines(page: Page, number: int, captions: list[Caption]) -> list[Line]:
    """The lines of ``captions`` on the page at position ``number``."""
    own = [page.lines[i] for c in captions if c.page == number for i in c.lines]
    return own + [page.lines[i] for c in captions if c.page == number - 1 for i in c.overleaf]
