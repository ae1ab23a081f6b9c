"""The stages in order: pages → furniture → captions → regions → match → assemble → pictures → mentions."""

from dataclasses import replace
from pathlib import Path

import pymupdf

from covidct.captions.figure_labels import read_label
from covidct.harvest.extract.abstract import find_abstract
from covidct.harvest.extract.beside import PageView
from covidct.harvest.extract.boxes import rounded
from covidct.harvest.extract.captions import (
    Caption,
    Reader,
    joined_text,
    read_captions,
)
from covidct.harvest.extract.document import (
    HEAD_LETTERS,
    LIBRARY_ERRORS,
    find_licence,
    open_pdf,
    out_of_memory,
    xmp_of,
)
from covidct.harvest.extract.doi import own_doi
from covidct.harvest.extract.doubts import doubts, spoken_of
from covidct.harvest.extract.figures import write_figures
from covidct.harvest.extract.furniture import set_aside, without_notices
from covidct.harvest.extract.graphics import find_regions
from covidct.harvest.extract.match import match_document
from covidct.harvest.extract.notes import with_legend_overleaf, with_note
from covidct.harvest.extract.page import Page, read_page, sideways, upright
from covidct.harvest.extract.paragraphs import read_flow
from covidct.harvest.extract.results import Extraction, Limits
from covidct.harvest.extract.running import running_text, title_lines
from covidct.harvest.extract.starts import best_of_label, body_style, continues, find_starts
from covidct.harvest.extract.strokes import tightened
from covidct.harvest.extract.tally import Tally
from covidct.harvest.extract.title import find_title
from covidct.harvest.extract.unseen import without_unseen
from covidct.harvest.extract.words import Vocabulary
from covidct.harvest.extract.work import Work, caption_lines, keep_listing


def prepare_library() -> None:
    """Silence the PDF library and load what the first paper would have to wait for."""
    pymupdf.TOOLS.mupdf_display_errors(False)
    pymupdf.TOOLS.mupdf_display_warnings(False)


def analyse(pdf: Path, out: Path, limits: Limits, stages: Path | None = None) -> Extraction:
    """All figures of ``pdf``; pictures are written to ``out``.

    Raises:
        Unreadable: the file is no PDF that can be read.
    """
    tally = Tally()
    document = open_pdf(pdf, limits)
    try:
        work = _layout(document, limits, tally)
        _find(work, tally)
        write_figures(work, out, limits, tally)
        if stages is not None:
            from covidct.harvest.extract.stages import draw_stages

            draw_stages(work, stages, pdf.stem)
        return _extraction(work, tally)
    finally:
        document.close()
        pymupdf.TOOLS.store_shrink(100)


def _layout(document: pymupdf.Document, limits: Limits, tally: Tally) -> Work:
    count = document.page_count
    if count > limits.pages:
        tally.drop(f"pages {limits.pages + 1} to {count}", "page-limit", "page limit")
    pages = []
    listings: dict[int, pymupdf.DisplayList] = {}
    kept = 0
    for number in range(min(count, limits.pages)):
        try:
            source = document.load_page(number)
            listing = source.get_displaylist()
            pages.append(_read(source, listing, number + 1, tally))
            kept = keep_listing(listings, pages[-1], listing, kept)
        except LIBRARY_ERRORS as error:
            if out_of_memory(error):
                raise
            tally.drop("page", "unreadable-page", f"page cannot be read: {type(error).__name__}", number + 1)
            pages.append(Page(number + 1, 0.0, 0.0))
    work = lay_out(document, pages, tally)
    work.listings = listings
    return work


def lay_out(document: pymupdf.Document, pages: list[Page], tally: Tally) -> Work:
    """``pages`` as they were read, without notices, turned upright, without heads and numbers, cut into paragraphs."""
    ready = [upright(without_notices(page, tally)) for page in pages]
    set_aside(ready, tally)
    ready += [side for page in ready if (side := sideways(page)) is not None]
    return Work(document, ready, body_style(ready), [read_flow(page) for page in ready])


def _read(source: pymupdf.Page, listing: pymupdf.DisplayList, number: int, tally: Tally) -> Page:
    shown = read_page(listing, number)
    shown.strokes = tightened(shown.strokes, listing)
    page, unseen = without_unseen(source, listing, shown)
    if unseen:
        tally.drop(f"{unseen} words", "unseen", "the page does not show them", number)
    return page


def _find(work: Work, tally: Tally) -> None:
    pages, body = work.pages, work.body
    reader = Reader(pages, work.flows, body, Vocabulary(line.text for page in pages for line in page.lines))
    starts = find_starts(pages, work.flows, body, tally)
    chosen, others = best_of_label(starts, pages)
    chosen += [s for s in others if continues(s, pages[s.page].lines[s.line])]
    chosen_captions = read_captions(reader, chosen, tally)
    tags = read_captions(reader, [s for s in others if "alone" in s.rules], tally)
    tagged = [replace(c, tags=tuple(t for t in tags if t.label.key == c.label.key)) for c in chosen_captions]
    work.captions = [c if c.continues else replace(c, text=joined_text(c, tagged)) for c in tagged]
    everything = [*work.captions, *tags]
    running = [running_text(page, caption_lines(page, n, everything), body) for n, page in enumerate(pages)]
    work.regions = find_regions(pages, everything, running, tally)
    for number, page in enumerate(pages):
        own = [c for c in work.captions if c.page == number]
        titles = tuple(title_lines(page, body)) if number == 0 else ()
        work.views.append(PageView(own, work.regions[number], running[number], body.width, titles, page.width))
    work.found = match_document(work.views, tally)
    _add_notes(work, reader, tally)
    _report_drops(work, tally)


def _add_notes(work: Work, reader: Reader, tally: Tally) -> None:
    """Small print under a figure whose caption stands above it becomes part of the caption."""
    for found in work.found:
        caption = found.caption
        ahead = found.how[0] == "page-after"
        if not ahead and (found.page != caption.page or found.box[1] < caption.box[3] - 2):
            continue
        whole = with_note(reader, caption, found.page, found.box, _lines_of_captions(work, found.page))
        if whole is caption and not ahead:
            whole = with_legend_overleaf(reader, caption, found.box, _lines_of_captions(work, found.page + 1))
        if whole is not caption:
            tally.fired("caption:note-below")
            work.captions[work.captions.index(caption)] = whole
            found.caption = whole


def _lines_of_captions(work: Work, number: int) -> set[int]:
    own = {i for c in work.captions if c.page == number for i in c.lines}
    return own | {i for c in work.captions if c.page == number - 1 for i in c.overleaf}


def _report_drops(work: Work, tally: Tally) -> None:
    used = {id(region) for found in work.found for part in (found, *found.more) for region in part.regions}
    for regions in work.regions:
        for region in regions:
            if id(region) not in used and region.strong:
                page = work.pages[region.page]
                box = rounded(page.to_page(region.box))
                tally.drop("graphic", "no-caption", "no caption belongs to it", page.number, box)
    placed = {id(part.caption) for found in work.found for part in (found, *found.more)}
    for caption in work.captions:
        if caption.label.kind == "figure" and id(caption) not in placed:
            page = work.pages[caption.page]
            rule, reason = _why_not_placed(caption)
            tally.drop(caption.label.printed, rule, reason, page.number, rounded(page.to_page(caption.box)))
    _report_sideways(work, tally)


def _why_not_placed(caption: Caption) -> tuple[str, str]:
    if caption.supporting:
        return "supporting-file", "it names a file of its own that is not in this document"
    return "no-graphics", "caption without graphics"


def _report_sideways(work: Work, tally: Tally) -> None:
    """Captions on their side, on a page that otherwise reads upright, are not read: say which figures are lost."""
    known = {caption.label.key for caption in work.captions if caption.label.kind == "figure"}
    for page in work.pages:
        for line in page.lines:
            label = read_label(line.text) if line.way in (1, 2, 3) else None
            if label is not None and label.kind == "figure" and label.key and label.key not in known:
                reason = "its caption stands on its side on an upright page"
                tally.drop(label.printed, "caption-on-its-side", reason, page.number, rounded(page.to_page(line.box)))


def _extraction(work: Work, tally: Tally) -> Extraction:
    own = own_doi(work.pages, work.document.metadata or {}, xmp_of(work.document))
    everything = "\n".join(line.text for page in work.pages for line in (*page.furniture, *page.lines))
    return Extraction(
        ok=True,
        doi=own.doi,
        doi_weight=own.weight,
        head=" ".join(line.text for page in work.pages[:2] for line in page.lines)[:HEAD_LETTERS],
        title=find_title(str((work.document.metadata or {}).get("title") or ""), work.pages),
        abstract=find_abstract(work.pages, work.flows, work.body),
        licence=find_licence(everything),
        pages=len({page.number for page in work.pages}),
        figures=tuple(work.figures),
        dropped=tuple(tally.dropped),
        rules=dict(sorted(tally.rules.items())),
        doubts=doubts(work.pages, len(work.figures)),
        spoken_of=spoken_of(work.pages),
    )
