"""The stages in order: pages → furniture → captions → regions → match → assemble → pictures → mentions."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pymupdf

from covidct.captions.mentions import find_mentions
from covidct.harvest.extract import pictures
from covidct.harvest.extract.assemble import Assembled, assemble
from covidct.harvest.extract.boxes import rounded
from covidct.harvest.extract.captions import Caption, read_captions
from covidct.harvest.extract.document import find_doi, find_licence, find_title, open_pdf
from covidct.harvest.extract.furniture import set_aside
from covidct.harvest.extract.graphics import Region, find_regions, running_text
from covidct.harvest.extract.match import Found, PageView, match_document
from covidct.harvest.extract.page import Line, Page, read_page
from covidct.harvest.extract.results import ExtractedFigure, Extraction, Limits
from covidct.harvest.extract.starts import Body, best_of_label, body_style, find_starts
from covidct.harvest.extract.tally import Tally
from covidct.harvest.extract.words import Vocabulary, join_lines


@dataclass
class Work:
    """Everything known of a paper between the stages; stages.py draws it."""

    document: pymupdf.Document
    pages: list[Page]
    body: Body
    captions: list[Caption] = field(default_factory=list)
    regions: list[list[Region]] = field(default_factory=list)
    views: list[PageView] = field(default_factory=list)
    found: list[Found] = field(default_factory=list)
    figures: list[ExtractedFigure] = field(default_factory=list)


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
        _picture(work, out, limits, tally)
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
        tally.drop(f"pages {limits.pages + 1} to {count}", "page limit")
    pages = []
    for number in range(min(count, limits.pages)):
        try:
            pages.append(read_page(document.load_page(number), number + 1))
        except (RuntimeError, ValueError) as error:
            if "alloc" in str(error):
                raise
            tally.drop("page", f"page cannot be read: {type(error).__name__}", number + 1)
            pages.append(Page(number + 1, 0.0, 0.0))
    set_aside(pages, tally)
    return Work(document, pages, body_style(pages))


def _find(work: Work, tally: Tally) -> None:
    pages, body = work.pages, work.body
    words = Vocabulary(line.text for page in pages for line in page.lines)
    starts = find_starts(pages, body, tally)
    chosen, others = best_of_label(starts)
    chosen_captions = read_captions(pages, chosen, body, words, tally)
    tags = read_captions(pages, [s for s in others if "alone" in s.rules], body, words, tally)
    work.captions = [replace(c, tags=tuple(t for t in tags if t.label.key == c.label.key)) for c in chosen_captions]
    everything = [*work.captions, *tags]
    work.regions = find_regions(pages, everything, body, tally)
    for number, page in enumerate(pages):
        own = [c for c in work.captions if c.page == number]
        running = running_text(page, _barred(page, number, everything), body)
        work.views.append(PageView(own, work.regions[number], running, body.width))
    work.found = match_document(work.views, tally)
    _report_drops(work, tally)


def _barred(page: Page, number: int, captions: list[Caption]) -> list[Line]:
    return [page.lines[i] for c in captions if c.page == number for i in c.lines]


def _report_drops(work: Work, tally: Tally) -> None:
    used = {id(region) for found in work.found for region in found.regions}
    for regions in work.regions:
        for region in regions:
            if id(region) not in used and region.strong:
                page = work.pages[region.page]
                tally.drop("graphic", "no caption belongs to it", page.number, rounded(page.to_page(region.box)))
    placed = {id(found.caption) for found in work.found}
    for caption in work.captions:
        if caption.label.kind == "figure" and id(caption) not in placed:
            page = work.pages[caption.page]
            box = rounded(page.to_page(caption.box))
            tally.drop(caption.label.printed, "caption without graphics", page.number, box)


def _picture(work: Work, out: Path, limits: Limits, tally: Tally) -> None:
    order = {id(caption): n for n, caption in enumerate(work.captions)}
    text = _running_words(work)
    labels = [found.caption.label.printed for found in work.found]
    mentions = find_mentions(text, labels)
    for found in sorted(work.found, key=lambda f: order[id(f.caption)])[: limits.figures]:
        page = work.pages[found.page]
        barred = _barred(page, found.page, [*work.captions, *(t for c in work.captions for t in c.tags)])
        figure = assemble(found, page, barred, work.views[found.page].running, work.body)
        picture = pictures.render(work.document.load_page(page.number - 1), page, figure, limits.picture_megapixels)
        if picture is None:
            tally.drop(found.caption.label.printed, "the page shows nothing there", page.number, rounded(figure.box))
            continue
        name = f"figure-{len(work.figures) + 1:03d}-p{page.number}.png"
        size = pictures.write(picture.pixels, out / name)
        quoted = mentions.get(found.caption.label.printed, ())
        work.figures.append(_figure(work, found, figure, picture, out / name, size, quoted))


def _figure(
    work: Work,
    found: Found,
    figure: Assembled,
    picture: pictures.Picture,
    target: Path,
    size: tuple[int, int],
    mentions: tuple[str, ...],
) -> ExtractedFigure:
    caption = found.caption
    provenance = {
        "caption_rules": list(caption.rules),
        "caption_score": caption.score,
        "match_rules": found.how,
        "images": len(figure.placements),
        "words": figure.words,
        "caption_box": rounded(work.pages[caption.page].to_page(caption.box)),
        "pixels_per_point": round(size[0] / max(picture.box[2] - picture.box[0], 0.01), 3),
    }
    return ExtractedFigure(
        label=caption.label.printed,
        page=work.pages[found.page].number,
        box=rounded(picture.box),
        caption=caption.text,
        caption_page=work.pages[caption.page].number,
        mentions=mentions,
        kind=figure.kind,
        picture=target,
        width=size[0],
        height=size[1],
        provenance=provenance,
    )


def _running_words(work: Work) -> str:
    """The text of the document without captions, as one string."""

    def lines() -> Iterator[str]:
        for number, page in enumerate(work.pages):
            taken = {i for c in work.captions if c.page == number for i in c.lines}
            yield from (line.text for i, line in enumerate(page.lines) if i not in taken and not line.way)

    return join_lines(lines(), Vocabulary(()))


def _extraction(work: Work, tally: Tally) -> Extraction:
    head = [line for page in work.pages[:2] for line in (*page.lines, *page.furniture)]
    everything = "\n".join(line.text for page in work.pages for line in (*page.furniture, *page.lines))
    return Extraction(
        ok=True,
        doi=find_doi(head),
        title=find_title(work.document, work.pages[0]),
        licence=find_licence(everything),
        pages=len(work.pages),
        figures=tuple(work.figures),
        dropped=tuple(tally.dropped),
        rules=dict(sorted(tally.rules.items())),
    )
