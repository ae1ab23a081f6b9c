"""Stage pictures: what each stage saw, drawn on the page. They show the rendered page only, never embedded pixels."""

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pymupdf
from PIL import Image, ImageDraw, ImageFont

from covidct.files import safe_name
from covidct.harvest.extract.boxes import overlap_x, overlap_y, union
from covidct.harvest.extract.page import Page
from covidct.records import Box

if TYPE_CHECKING:
    from covidct.harvest.extract.work import Work

SCALE = 1.5
"""Pixels per point of a stage picture."""
FADE = 0.55
COLOURS = {
    "running text": (120, 120, 120),
    "other text": (0, 120, 150),
    "set aside": (200, 150, 30),
    "paragraph": (120, 80, 30),
    "image": (20, 110, 220),
    "stroke": (20, 160, 90),
    "caption": (0, 130, 140),
    "label alone": (60, 170, 60),
    "table": (120, 90, 200),
    "in a figure": (230, 120, 20),
    "no caption": (150, 150, 150),
    "rules only": (225, 190, 150),
    "figure": (210, 20, 20),
    "its caption": (0, 130, 140),
}
FINE = frozenset({"running text", "other text", "set aside", "stroke"})
"""Marks that come in hundreds: drawn with a thin line."""
BAR = 30
"""Pixels of the bar over the page that holds title and key."""
TEXT = 13
Mark = tuple[Box, str, str]
"""Box on the page as shown, a name in ``COLOURS``, and words drawn beside it."""


def draw_stages(work: "Work", folder: Path, stem: str) -> None:
    """Write ``STEM-pNNN-K-STAGE.png`` for every page that holds captions or graphics."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, page in enumerate(work.pages):
        stages = {
            "1-lines": _lines(work, number, page),
            "2-paragraphs": _paragraphs(work, number, page),
            "3-placements": _placements(page),
            "4-captions": _captions(work, number, page),
            "5-clusters": _clusters(work, number, page),
            "6-figures": _figures(work, page),
        }
        if not any(stages[name] for name in ("4-captions", "5-clusters", "6-figures")):
            continue
        side = "-side" if any(page.number == other.number for other in work.pages[:number]) else ""
        paper = _paper(work.document.load_page(page.number - 1))
        for name, marks in stages.items():
            _draw(paper, marks, f"{stem}  page {page.number}  {name}").save(
                folder / f"{safe_name(stem)}-p{page.number:03d}{side}-{name}.png"
            )


def _lines(work: "Work", number: int, page: Page) -> list[Mark]:
    running = {id(line) for line in work.views[number].running}
    names = [("running text" if id(line) in running else "other text", line) for line in page.lines]
    names += [("set aside", line) for line in page.furniture]
    return [(page.to_page(line.box), name, "") for name, line in names]


def _paragraphs(work: "Work", number: int, page: Page) -> list[Mark]:
    """A box round each paragraph, with the rule that parts it from the lines over it and the pitch around it."""
    flow = work.flows[number]
    marks: list[Mark] = []
    for first, border in enumerate(flow.border):
        if not border or page.lines[first].way:
            continue
        lines, at = [first], first
        while (below := flow.below[at]) is not None and not flow.border[below]:
            lines.append(below)
            at = below
        box = union([page.lines[n].box for n in lines])
        pitch = flow.pitch[lines[-1]]
        text = (
            f"{border}, {pitch:.1f} pt"
            if len(lines) > 1 and pitch
            else border
            if len(page.lines[first].text) > 12
            else ""
        )
        marks.append((page.to_page(box), "paragraph", text))
    return marks


def _placements(page: Page) -> list[Mark]:
    strokes: list[Mark] = [(page.to_page(s.box), "stroke", "") for s in page.strokes[:5000]]
    return strokes + [(page.to_page(p.box), "image", f"{p.pixels[0]}x{p.pixels[1]} px") for p in page.placements]


def _captions(work: "Work", number: int, page: Page) -> list[Mark]:
    marks: list[Mark] = []
    for caption in work.captions:
        if caption.page == number:
            name = "caption" if caption.label.kind == "figure" else "table"
            text = f"{caption.label.printed} ({caption.score:g}): {', '.join(caption.rules)}"
            marks.append((page.to_page(caption.box), name, text))
        for tag in caption.tags:
            if tag.page == number:
                marks.append((page.to_page(tag.box), "label alone", tag.label.printed))
        if caption.page == number - 1 and caption.overleaf:
            box = union([page.lines[i].box for i in caption.overleaf])
            marks.append((page.to_page(box), "caption", f"{caption.label.printed}, from the page before"))
    return marks


def _clusters(work: "Work", number: int, page: Page) -> list[Mark]:
    used = {id(r) for found in work.found for part in (found, *found.more) for r in part.regions}
    marks: list[Mark] = []
    for region in work.regions[number]:
        name = "in a figure" if id(region) in used else "rules only" if region.weak else "no caption"
        large = region.strong or id(region) in used
        text = f"{len(region.placements)} images, {region.strokes} strokes" if large else ""
        marks.append((page.to_page(region.box), name, text))
    return marks


def _figures(work: "Work", page: Page) -> list[Mark]:
    marks: list[Mark] = []
    for figure in work.figures:
        if figure.page == page.number and figure.box is not None:
            rules = ", ".join(figure.provenance["match_rules"])
            pair = f"{figure.provenance['pair']} {figure.provenance['pair_score']}"
            text = f"{figure.label}: {figure.kind}, {figure.width}x{figure.height} px, {rules} ({pair})"
            marks.append((figure.box, "figure", text))
        if figure.caption_page == page.number:
            apart = "" if figure.page == page.number else f"{figure.label}: on page {figure.page}"
            marks.append((figure.provenance["caption_box"], "its caption", apart))
    return marks


def _paper(source: pymupdf.Page) -> Image.Image:
    scale = min(SCALE, 2000 / max(source.rect.width, source.rect.height, 1))
    pixmap = source.get_pixmap(matrix=pymupdf.Matrix(scale, scale), colorspace=pymupdf.csRGB, alpha=False)
    image = Image.frombytes("RGB", (pixmap.width, pixmap.height), pixmap.samples)
    image.info["scale"] = scale
    return image


def _draw(paper: Image.Image, marks: list[Mark], title: str) -> Image.Image:
    faded = Image.blend(paper, Image.new("RGB", paper.size, "white"), FADE)
    out = Image.new("RGB", (paper.width, paper.height + BAR), "white")
    out.paste(faded, (0, BAR))
    pen = ImageDraw.Draw(out, "RGBA")
    pen.font = ImageFont.load_default(TEXT)
    _key(pen, marks, title, paper.width)
    scale = paper.info["scale"]
    labels: list[tuple[Box, str, str]] = []
    for box, name, text in marks:
        x0, y0, x1, y1 = (box[0] * scale, box[1] * scale + BAR, box[2] * scale, box[3] * scale + BAR)
        place = (x0, y0, max(x1, x0), max(y1, y0))
        pen.rectangle(place, outline=COLOURS[name], fill=(*COLOURS[name], 26), width=1 if name in FINE else 3)
        if text:
            labels.append((place, name, text))
    taken: list[Box] = []
    for place, name, text in labels:
        _label(pen, place, COLOURS[name], text, taken, paper.width)
    return out


def _key(pen: ImageDraw.ImageDraw, marks: list[Mark], title: str, wide: int) -> None:
    """Title on the left; on the right what each colour means, and how often it was drawn."""
    pen.rectangle((0, 0, wide, BAR - 4), fill=(40, 44, 52))
    pen.text((8, 5), title, fill="white")
    x = float(wide - 8)
    for name, count in reversed(Counter(name for _, name, _ in marks).items()):
        text = f"{name} {count}"
        x -= pen.textlength(text)
        pen.text((x, 5), text, fill="white")
        x -= 18
        pen.rectangle((x, 7, x + 12, 19), fill=COLOURS[name], outline="white")
        x -= 12


def _label(
    pen: ImageDraw.ImageDraw, place: Box, colour: tuple[int, int, int], text: str, taken: list[Box], wide: int
) -> None:
    """``text`` over the upper edge of ``place``, lower where another label stands already; cut to the page."""
    while pen.textlength(text) > wide - 12 and len(text) > 8:
        text = text[: len(text) * 9 // 10].rstrip(" .,…") + "…"
    long, high = pen.textlength(text) + 8, TEXT + 4
    x, y = max(0.0, min(place[0], wide - long)), max(place[1] - high, float(BAR))
    box = (x, y, x + long, y + high)
    while any(overlap_x(box, other) > 0 and overlap_y(box, other) > 0 for other in taken):
        box = (box[0], box[1] + high, box[2], box[3] + high)
    taken.append(box)
    pen.rectangle(box, fill=(*colour, 235))
    pen.text((box[0] + 4, box[1]), text, fill="white")
