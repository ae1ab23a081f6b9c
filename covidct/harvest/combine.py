"""PDF and JATS of one paper put together: the JATS has the words, the PDF the place and the pixels.

Figures are matched by the number in their label, then by their captions; what both have and say differently is
recorded, what only the JATS knows is kept without a place on a page.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from covidct.harvest import ids
from covidct.harvest.articles import Article, ArticleFigure, label_key, similarity
from covidct.records import Figure, Paper

SAME = 0.9
"""Captions less alike than this are a disagreement worth a note."""
MATCH = 0.6
"""Captions at least so alike belong to one figure, where labels do not decide."""


@dataclass(frozen=True)
class FigurePicture:
    """A stored picture of a figure."""

    file: str
    sha256: str
    width: int
    height: int


@dataclass(frozen=True)
class Combined:
    """The figures of a paper, and where its two sources disagree."""

    figures: list[Figure]
    notes: list[str]


def combine(
    paper: Paper, figures: Sequence[Figure], article: Article, pictures: Mapping[str, FigurePicture]
) -> Combined:
    """``figures`` of the PDF with the words of ``article``; ``pictures`` are the package's own, by graphic name."""
    left = list(figures)
    out: list[Figure] = []
    notes: list[str] = []
    alone = 0
    for told in article.figures:
        match = _match(told, left)
        if match is None:
            alone += 1
            out.append(_from_jats(paper, told, ids.figure_id(paper.paper_id, None, alone), pictures))
            continue
        left.remove(match)
        alike = similarity(match.caption, told.caption)
        if alike < SAME and told.caption:
            notes.append(f"{paper.paper_id} {told.label}: PDF and JATS captions differ (alike {alike:.2f})")
        out.append(_with_words(match, told, alike))
    if left and article.figures:
        notes.append(f"{paper.paper_id}: only in the PDF: {', '.join(f.label or f.figure_id for f in left)}")
    order = {figure.figure_id: number for number, figure in enumerate(figures)}
    placed = sorted([f for f in out + left if f.page is not None], key=lambda f: order[f.figure_id])
    return Combined(placed + [f for f in out if f.page is None], notes)


def _match(told: ArticleFigure, figures: Sequence[Figure]) -> Figure | None:
    keyed = [f for f in figures if told.key and label_key(f.label) == told.key]
    if keyed:
        return max(keyed, key=lambda f: similarity(f.caption, told.caption))
    free = [f for f in figures if not label_key(f.label) or not told.key]
    alike = [(similarity(f.caption, told.caption), f) for f in free if f.caption and told.caption]
    best = max(alike, key=lambda pair: pair[0], default=None)
    return best[1] if best and best[0] >= MATCH else None


def _with_words(figure: Figure, told: ArticleFigure, alike: float) -> Figure:
    provenance = {
        **figure.provenance,
        "caption_from": "jats" if told.caption else "pdf",
        "captions_alike": round(alike, 3),
    }
    return dataclasses.replace(
        figure,
        label=told.label or figure.label,
        caption=told.caption or figure.caption,
        mentions=told.mentions or figure.mentions,
        provenance=provenance,
    )


def _from_jats(paper: Paper, told: ArticleFigure, identity: str, pictures: Mapping[str, FigurePicture]) -> Figure:
    picture = next((pictures[name] for name in told.graphics if name in pictures), FigurePicture("", "", 0, 0))
    return Figure(
        figure_id=identity,
        paper_id=paper.paper_id,
        source_file=paper.source_file,
        label=told.label,
        caption=told.caption,
        mentions=told.mentions,
        kind="raster" if picture.file else "",
        file=picture.file,
        width=picture.width,
        height=picture.height,
        sha256=picture.sha256,
        licence=paper.licence,
        provenance={"rule": "jats-only", "graphics": list(told.graphics), "version": paper.version},
    )
