"""Stage 6 and 7: pairs of caption and regions become figures with picture, mentions and provenance."""

from pathlib import Path

from covidct.captions.mentions import find_mentions, find_paragraphs
from covidct.harvest.extract.assemble import Around, Assembled, assemble
from covidct.harvest.extract.beside import Found
from covidct.harvest.extract.boxes import rounded
from covidct.harvest.extract.document import LIBRARY_ERRORS, out_of_memory
from covidct.harvest.extract.prose import paragraphs_of, running_words
from covidct.harvest.extract.render import Picture, render, stacked, write
from covidct.harvest.extract.results import ExtractedFigure, Limits
from covidct.harvest.extract.tally import Tally
from covidct.harvest.extract.work import Work, caption_lines

Part = tuple[Found, Assembled, Picture]


def write_figures(work: Work, out: Path, limits: Limits, tally: Tally) -> None:
    """Fill ``work.figures`` in the order of the captions; pictures go to ``out``."""
    order = {id(caption): n for n, caption in enumerate(work.captions)}
    labels = [found.caption.label.printed for found in work.found]
    mentions, paragraphs = find_mentions(running_words(work), labels), find_paragraphs(paragraphs_of(work), labels)
    ordered = sorted(work.found, key=lambda found: order[id(found.caption)])
    for found in ordered[limits.figures :]:
        tally.drop(found.caption.label.printed, "figure-limit", "figure limit", work.pages[found.page].number)
    for found in ordered[: limits.figures]:
        parts = [part for one in (found, *found.more) if (part := _part(work, one, limits, tally)) is not None]
        if parts:
            label = found.caption.label.printed
            work.figures.append(_figure(work, found, parts, out, (mentions[label], paragraphs[label])))


def _part(work: Work, found: Found, limits: Limits, tally: Tally) -> Part | None:
    page = work.pages[found.page]
    tags = [tag for caption in work.captions for tag in caption.tags]
    barred = caption_lines(page, found.page, [*work.captions, *tags])
    own = {id(region) for region in found.regions}
    others = [region.box for region in work.regions[found.page] if id(region) not in own and not region.weak]
    figure = assemble(found, page, Around(work.views[found.page].running, barred, others), work.body)
    box = rounded(page.to_page(figure.box))
    try:
        picture = render(work.listing(page.number), page, figure, limits.picture_megapixels)
    except LIBRARY_ERRORS as error:
        if out_of_memory(error):
            raise
        tally.drop(
            found.caption.label.printed, "undrawable", f"cannot be drawn: {type(error).__name__}", page.number, box
        )
        return None
    if picture is None:
        tally.drop(found.caption.label.printed, "nothing-shown", "the page shows nothing there", page.number, box)
        return None
    return found, figure, picture


def _figure(
    work: Work, found: Found, parts: list[Part], out: Path, told: tuple[tuple[str, ...], tuple[str, ...]]
) -> ExtractedFigure:
    """``told``: the sentences and the paragraphs that mention it."""
    caption = found.caption
    first, figure, picture = parts[0]
    page = work.pages[first.page].number
    target = out / f"figure-{len(work.figures) + 1:03d}-p{page}.png"
    width, height = write(stacked([shown.pixels for _, _, shown in parts]), target)
    return ExtractedFigure(
        label=caption.label.printed,
        page=page,
        box=rounded(picture.box),
        caption=caption.text,
        caption_page=work.pages[caption.page].number,
        mentions=told[0],
        paragraphs=told[1],
        kind=figure.kind,
        picture=target,
        width=width,
        height=height,
        provenance=_provenance(work, found, parts),
    )


def _provenance(work: Work, found: Found, parts: list[Part]) -> dict[str, object]:
    caption = found.caption
    _, figure, picture = parts[0]
    rows, columns = picture.pixels.shape[:2]
    out: dict[str, object] = {
        "caption_rules": list(caption.rules),
        "caption_score": caption.score,
        "caption_box": rounded(work.pages[caption.page].to_page(caption.box)),
        "match_rules": list(found.how),
        "pair": found.pair,
        "pair_score": found.pair_score,
        "images": len(figure.placements),
        "words": figure.words,
        "pixels_per_point": [
            round(columns / max(picture.box[2] - picture.box[0], 0.01), 3),
            round(rows / max(picture.box[3] - picture.box[1], 0.01), 3),
        ],
    }
    if len(parts) > 1:
        out["parts"] = [
            {"page": work.pages[one.page].number, "box": rounded(shown.box), "rows": shown.pixels.shape[0]}
            for one, _, shown in parts
        ]
    return out
