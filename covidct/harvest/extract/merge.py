"""JATS first: its captions win, the PDF gives place and pixels, disagreements are recorded.

A package's lossless picture is taken only where it shows what the page shows: it may be a larger original with names
that the page has cut off.
"""

import difflib
import re
import unicodedata
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter

from covidct.captions.figure_labels import label_key
from covidct.harvest.articles import Article, ArticleFigure, by_label
from covidct.harvest.extract.results import Dropped, ExtractedFigure, Extraction
from covidct.pictures import PictureError, decode, grey_if_colourless, open_picture, png_bytes

SAME_TEXT = 0.98
LARGEST_DIFFERENCE = 30
"""Grey levels by which a place of 8 x 8 pixels may differ in two copies of one picture, seen small."""
SAME_SHAPE = 0.03
"""Largest difference of height to width ratios."""
PAIR: dict[str, object] = {"pair": "jats", "pair_score": 1.0}
"""The JATS itself names the picture of the caption."""
Grey = np.ndarray[tuple[int, int], np.dtype[np.float64]]
SUFFIXES = (".tif", ".tiff", ".png", ".jpg", ".jpeg", ".webp", ".gif")


def merge(extraction: Extraction, article: Article, graphics: Path | None, out: Path) -> Extraction:
    """``extraction`` with the article's captions, mentions and figures that only JATS knows.

    ``graphics`` is a folder with the package's pictures; pictures of figures without a page go to ``out``.
    """
    listed = by_label(article.figures)
    known = {_key(figure.label): figure for figure in listed if figure.label}
    files = picture_files(graphics)
    figures = [_merged(figure, known.get(_key(figure.label)), files) for figure in extraction.figures]
    found = {_key(figure.label) for figure in extraction.figures}
    dropped = list(extraction.dropped)
    for figure in listed:
        if figure.label and _key(figure.label) in found:
            continue
        made = _only_in_jats(figure, files, out, len(figures))
        if made is None:
            reason = "in the JATS but not found in the PDF, and no picture of it is here"
            dropped.append(Dropped(figure.label or "figure without a label", reason, rule="jats-only"))
        else:
            figures.append(made)
    return replace(
        extraction,
        doi=extraction.doi or article.doi.lower(),
        title=article.title or extraction.title,
        licence=article.licence or extraction.licence,
        figures=tuple(figures),
        dropped=tuple(dropped),
        rules={**extraction.rules, **_counts(figures)},
    )


def picture_files(folder: Path | None) -> dict[str, Path]:
    """Picture files of ``folder`` by lower-case stem, TIFF before others."""
    if folder is None:
        return {}
    files = sorted(
        (p for p in folder.iterdir() if p.suffix.lower() in SUFFIXES and p.is_file()),
        key=lambda p: SUFFIXES.index(p.suffix.lower()),
        reverse=True,
    )
    return {p.stem.lower(): p for p in files}


def _key(label: str) -> str:
    bare = label.strip(" .:").lower()
    return label_key(label) or ("" if bare in ("figure", "fig") else bare)


def _merged(figure: ExtractedFigure, known: ArticleFigure | None, files: dict[str, Path]) -> ExtractedFigure:
    if known is None:
        return replace(figure, provenance={**figure.provenance, "jats": "not in the JATS"})
    notes: dict[str, object] = {**figure.provenance, "caption_from": "jats", "jats_id": known.identifier}
    alike = similarity(known.caption, figure.caption)
    if alike < SAME_TEXT:
        notes["jats_disagrees"] = {"similarity": round(alike, 3), "pdf_caption": figure.caption}
    figure, notes["picture_from"] = _with_better_picture(figure, known, files)
    if notes["picture_from"] in {file.name for file in files.values()}:
        notes |= PAIR
    quoted = known if known.mentions else figure
    told = replace(figure, mentions=quoted.mentions, paragraphs=quoted.paragraphs)
    return replace(told, caption=known.caption or figure.caption, provenance=notes)


def similarity(a: str, b: str) -> float:
    """Edit similarity of letters and digits, 0 to 1."""
    return difflib.SequenceMatcher(None, _letters(a), _letters(b), autojunk=False).ratio()


def _letters(text: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFKC", text).lower() if c.isalnum())


def _with_better_picture(
    figure: ExtractedFigure, known: ArticleFigure, files: dict[str, Path]
) -> tuple[ExtractedFigure, str]:
    if len(known.graphics) != 1:
        return figure, "pdf"
    file = files.get(_stem(known.graphics[0]))
    if file is None:
        return figure, "pdf"
    other = _opened(file)
    if other is None:
        return figure, f"pdf: {file.name} cannot be read"
    if other.width * other.height < figure.width * figure.height:
        return figure, f"pdf: {file.name} is smaller"
    if not same_picture(decode(figure.picture), other):
        return figure, f"pdf: {file.name} shows something else than the page"
    figure.picture.write_bytes(png_bytes(np.asarray(other)))
    return replace(figure, width=other.width, height=other.height), file.name


def _stem(name: str) -> str:
    return re.sub(r"\.(tiff?|png|jpe?g|webp|gif)$", "", name, flags=re.I).lower()


def _opened(file: Path) -> Image.Image | None:
    """The first picture in ``file`` without blank margins, as grey or RGB; None where it is damaged or too large."""
    try:
        picture = Image.fromarray(grey_if_colourless(open_picture(file)))
    except PictureError:
        return None
    ink = np.asarray(picture.convert("L")) < 248
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    if not rows.size:
        return None
    return picture.crop((int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1))


def same_picture(a: Image.Image, b: Image.Image) -> bool:
    """Whether two pictures without margins show the same in every place: nothing cut off, nothing painted over.

    Compared at 512 pixels, slightly blurred, so that resolution and compression do not count and a covered name does.
    """
    if abs(a.height / a.width - b.height / b.width) > SAME_SHAPE * a.height / a.width:
        return False
    scale = 512 / max(a.size)
    size = (max(8, round(a.width * scale)), max(8, round(a.height * scale)))
    one, other = (_small(picture, size) for picture in (a, b))
    difference = Image.fromarray(np.abs(one - other).astype(np.float32))
    places = difference.resize((max(1, size[0] // 8), max(1, size[1] // 8)), Image.Resampling.BOX)
    return bool(np.asarray(places).max() <= LARGEST_DIFFERENCE)


def _small(picture: Image.Image, size: tuple[int, int]) -> Grey:
    grey = picture.convert("L").resize(size, Image.Resampling.BOX).filter(ImageFilter.GaussianBlur(1.5))
    return np.asarray(grey, dtype=float)


def _only_in_jats(figure: ArticleFigure, files: dict[str, Path], out: Path, count: int) -> ExtractedFigure | None:
    file = files.get(_stem(figure.graphics[0])) if figure.graphics else None
    picture = _opened(file) if file is not None else None
    if file is None or picture is None:
        return None
    target = out / f"figure-{count + 1:03d}-jats.png"
    target.write_bytes(png_bytes(np.asarray(picture)))
    notes = {"caption_from": "jats", "jats_id": figure.identifier, "picture_from": file.name, **PAIR}
    told = (figure.mentions, figure.paragraphs)
    return ExtractedFigure(
        figure.label, None, None, figure.caption, None, *told, "raster", target, *picture.size, notes
    )


def _counts(figures: list[ExtractedFigure]) -> dict[str, int]:
    rules = {"caption_from": "jats:caption", "jats_disagrees": "jats:disagrees", "jats": "jats:not-there"}
    return dict(Counter(rules[note] for figure in figures for note in figure.provenance if note in rules))
