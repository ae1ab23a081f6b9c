"""Stage pictures: what each stage saw, drawn on the page. They show the rendered page only, never embedded pixels."""

from pathlib import Path
from typing import TYPE_CHECKING

import pymupdf
from PIL import Image, ImageDraw

from covidct.files import safe_name
from covidct.harvest.extract.page import Page
from covidct.records import Box

if TYPE_CHECKING:
    from covidct.harvest.extract.work import Work

SCALE = 1.5
"""Pixels per point of a stage picture."""
FADE = 0.55
COLOURS = {
    "blocks": (120, 120, 120),
    "furniture": (190, 150, 60),
    "placements": (20, 110, 220),
    "strokes": (20, 160, 90),
    "captions": (0, 130, 140),
    "tables": (120, 90, 200),
    "clusters": (230, 120, 20),
    "weak": (235, 195, 150),
    "figures": (210, 20, 20),
}
Mark = tuple[Box, str, str]
"""Box on the page as shown, a name in ``COLOURS``, and a caption drawn beside it."""


def draw_stages(work: "Work", folder: Path, stem: str) -> None:
    """Write ``STEM-pNNN-K-STAGE.png`` for every page that holds captions or graphics."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, page in enumerate(work.pages):
        stages = {
            "1-blocks": _blocks(page),
            "2-placements": _placements(page),
            "3-captions": _captions(work, number, page),
            "4-clusters": _clusters(work, number, page),
            "5-figures": _figures(work, page),
        }
        if not any(stages[name] for name in ("3-captions", "4-clusters", "5-figures")):
            continue
        paper = _paper(work.document.load_page(page.number - 1))
        for name, marks in stages.items():
            _draw(paper, marks, f"{stem}  page {page.number}  {name}").save(
                folder / f"{safe_name(stem)}-p{page.number:03d}-{name}.png"
            )


def _blocks(page: Page) -> list[Mark]:
    lines = [(page.to_page(line.box), "blocks", "") for line in page.lines]
    return lines + [(page.to_page(line.box), "furniture", "") for line in page.furniture]


def _placements(page: Page) -> list[Mark]:
    images = [(page.to_page(p.box), "placements", f"{p.pixels[0]}x{p.pixels[1]} px") for p in page.placements]
    return images + [(page.to_page(s.box), "strokes", "") for s in page.strokes[:5000]]


def _captions(work: "Work", number: int, page: Page) -> list[Mark]:
    marks = []
    for caption in work.captions:
        if caption.page == number:
            name = "captions" if caption.label.kind == "figure" else "tables"
            text = f"{caption.label.printed} ({caption.score:g}) {' '.join(caption.rules)}"
            marks.append((page.to_page(caption.box), name, text))
    return marks


def _clusters(work: "Work", number: int, page: Page) -> list[Mark]:
    marks = []
    for region in work.regions[number]:
        text = f"{len(region.placements)} images, {region.strokes} strokes"
        marks.append((page.to_page(region.box), "weak" if region.weak else "clusters", text))
    return marks


def _figures(work: "Work", page: Page) -> list[Mark]:
    marks = []
    for figure in work.figures:
        if figure.page == page.number and figure.box is not None:
            rules = " ".join(figure.provenance["match_rules"])
            text = f"{figure.label}: {figure.kind}, {figure.width}x{figure.height} px, {rules}"
            marks.append((figure.box, "figures", text))
    return marks


def _paper(source: pymupdf.Page) -> Image.Image:
    scale = min(SCALE, 2000 / max(source.rect.width, source.rect.height, 1))
    pixmap = source.get_pixmap(matrix=pymupdf.Matrix(scale, scale), colorspace=pymupdf.csRGB, alpha=False)
    image = Image.frombytes("RGB", (pixmap.width, pixmap.height), pixmap.samples)
    image.info["scale"] = scale
    return image


def _draw(paper: Image.Image, marks: list[Mark], title: str) -> Image.Image:
    faded = Image.blend(paper, Image.new("RGB", paper.size, "white"), FADE)
    out = Image.new("RGB", (paper.width, paper.height + 22), "white")
    out.paste(faded, (0, 22))
    pen = ImageDraw.Draw(out, "RGBA")
    pen.text((6, 5), title, fill=(0, 0, 0))
    scale = paper.info["scale"]
    for box, name, text in marks:
        colour = COLOURS[name]
        place = (box[0] * scale, box[1] * scale + 22, max(box[2], box[0]) * scale, max(box[3], box[1]) * scale + 22)
        pen.rectangle(place, outline=colour, fill=(*colour, 28), width=2)
        if text:
            width = pen.textlength(text)
            x, y = min(place[0], max(0, paper.width - width - 4)), max(place[1] - 13, 22)
            pen.rectangle((x, y, x + width + 4, y + 12), fill=(255, 255, 255, 230))
            pen.text((x + 2, y), text, fill=colour)
    return out
