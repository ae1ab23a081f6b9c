"""Figures as method papers and viewers have them, with true boxes: python benchmarks/mixed_figures.py SLICES OUT [SEED]

Eighteen kinds, five of each; by rules of their own, so that they measure what training did not draw: slices of SLICES
that ``train_panels.py`` does not use, other faces, other lines. OUT gets PNG and JPEG files and ``truth.json``, as
``score/panels.py`` reads it. Masks, maps and renderings beside CT are panels, charts and fields of a diagram are not.
"""

import io
import json
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from drawn.prints import draw_phantom
from matplotlib import colormaps, font_manager
from matplotlib.figure import Figure
from PIL import Image, ImageDraw, ImageFilter, ImageFont

Box = tuple[int, int, int, int]
Panels = list[tuple[str, Box]]
Made = tuple[Image.Image, Panels]
Rng = np.random.Generator
WHITE, BLACK = (255, 255, 255), (0, 0, 0)
LINES = ((255, 255, 0), (0, 255, 0), (255, 0, 0), (0, 200, 255), (255, 255, 255), (255, 140, 0))
SLICES: list[Path] = []
EACH = 5


def font(size: int, bold: bool = False) -> ImageFont.FreeTypeFont:
    weight = "bold" if bold else "normal"
    return ImageFont.truetype(
        font_manager.findfont(font_manager.FontProperties(family="DejaVu Sans", weight=weight)), size
    )


def slice_of(rng: Rng, w: int, h: int, tight: bool | None = None) -> Image.Image:
    """A slice, whole or cut close to the body, of size w x h."""
    image = Image.open(SLICES[int(rng.integers(len(SLICES)))]).convert("L")
    grey = np.asarray(image)
    if tight or (tight is None and rng.random() < 0.6):
        lit = np.asarray(image.filter(ImageFilter.BoxBlur(6))) > 60
        ys, xs = np.flatnonzero(lit.mean(1) > 0.12), np.flatnonzero(lit.mean(0) > 0.12)
        if len(ys) > 60 and len(xs) > 60:
            grey = grey[ys[0] : ys[-1], xs[0] : xs[-1]]
    return Image.fromarray(grey).convert("RGB").resize((w, h), Image.Resampling.BICUBIC)


def view_of(rng: Rng, plane: str, w: int, h: int) -> Image.Image:
    return Image.fromarray(draw_phantom(rng, plane=plane, window="lung")).convert("RGB").resize((w, h))


def lungs(image: Image.Image) -> np.ndarray:
    """Where the lungs are, roughly: dark within the middle."""
    grey = np.asarray(image.convert("L").filter(ImageFilter.GaussianBlur(3)))
    h, w = grey.shape
    ys, xs = np.mgrid[0:h, 0:w]
    inner = ((xs / w - 0.5) / 0.42) ** 2 + ((ys / h - 0.5) / 0.36) ** 2 < 1
    return (grey < 95) & inner


def blobs(rng: Rng, h: int, w: int) -> np.ndarray:
    ys, xs = np.mgrid[0:h, 0:w]
    heat = np.zeros((h, w))
    for _ in range(int(rng.integers(2, 5))):
        cx, cy, s = rng.uniform(0.2, 0.8) * w, rng.uniform(0.25, 0.75) * h, rng.uniform(0.06, 0.16) * w
        heat += np.exp(-((xs - cx) ** 2 + (ys - cy) ** 2) / (2 * s * s))
    return np.clip(heat, 0, 1)


def mask(rng: Rng, image: Image.Image) -> Image.Image:
    found = lungs(image)
    if rng.random() < 0.4:
        found &= blobs(rng, *found.shape) > 0.25
    out = np.zeros((*found.shape, 3), np.uint8)
    out[found] = WHITE if rng.random() < 0.6 else LINES[int(rng.integers(4))]
    return Image.fromarray(out)


def overlay(rng: Rng, image: Image.Image) -> Image.Image:
    found = (lungs(image) & (blobs(rng, image.height, image.width) > 0.3))[:, :, None]
    tint = np.array(LINES[int(rng.integers(4))])
    return Image.fromarray(np.where(found, np.asarray(image) * 0.45 + tint * 0.55, np.asarray(image)).astype(np.uint8))


def heat(rng: Rng, image: Image.Image) -> Image.Image:
    tone = colormaps[("jet", "hot", "turbo")[int(rng.integers(3))]](blobs(rng, image.height, image.width))[..., :3]
    return Image.fromarray((np.asarray(image) * 0.5 + tone * 127).clip(0, 255).astype(np.uint8))


def outline(rng: Rng, image: Image.Image) -> Image.Image:
    edge = np.asarray(Image.fromarray(lungs(image)).convert("L").filter(ImageFilter.FIND_EDGES)) > 90
    thick = np.asarray(Image.fromarray(edge).convert("L").filter(ImageFilter.MaxFilter(3))) > 0
    out = np.asarray(image).copy()
    out[thick] = LINES[int(rng.integers(4))]
    return Image.fromarray(out)


def rendering(rng: Rng, w: int, h: int, paper: tuple[int, int, int]) -> Image.Image:
    """Two shaded lobes and an airway that fill nearly all of w x h."""
    ys, xs = np.mgrid[0:h, 0:w]
    out = np.full((h, w, 3), paper, float)
    ink = np.array(((225, 120, 110), (110, 190, 225), (230, 205, 130))[int(rng.integers(3))])
    for cx in (0.27, 0.73):
        depth = 1 - ((xs / w - cx) / 0.245) ** 2 - ((ys / h - 0.5) / 0.48) ** 2
        shade = np.sqrt(np.clip(depth, 0, 1))[:, :, None]
        out = np.where(depth[:, :, None] > 0, ink * (0.2 + 0.8 * shade), out)
    return Image.fromarray(out.astype(np.uint8))


VARIANTS = (mask, overlay, heat, outline)


def cross(rng: Rng, image: Image.Image) -> Image.Image:
    """A viewer's two lines, in one or two colours, whole or open in the middle, with a small scale at one side."""
    draw, (w, h) = ImageDraw.Draw(image), image.size
    x, y, thick = int(rng.uniform(0.25, 0.75) * w), int(rng.uniform(0.25, 0.75) * h), int(rng.integers(1, 3))
    one, two = (LINES[int(i)] for i in rng.integers(0, len(LINES), 2))
    gap = int(rng.integers(0, 2)) * 14
    for a, b in (((0, y), (x - gap, y)), ((x + gap, y), (w, y))):
        draw.line((a, b), fill=one, width=thick)
    for a, b in (((x, 0), (x, y - gap)), ((x, y + gap), (x, h))):
        draw.line((a, b), fill=two, width=thick)
    if rng.random() < 0.5:
        for tick in range(11):
            draw.line(
                (w - 8 - 5 * (tick % 5 == 0), h * (0.3 + 0.04 * tick), w - 4, h * (0.3 + 0.04 * tick)), fill=WHITE
            )
    return image


class Sheet:
    """Paper, what was put on it, and what of that is a panel."""

    def __init__(self, w: int, h: int, paper: tuple[int, int, int]) -> None:
        self.image, self.paper, self.panels = Image.new("RGB", (w, h), paper), paper, list[tuple[str, Box]]()
        self.ink = BLACK if sum(paper) > 380 else WHITE

    def put(self, tile: Image.Image, x: int, y: int, label: str = "", panel: bool = True) -> None:
        self.image.paste(tile, (x, y))
        if panel:
            self.panels.append((label, (x, y, x + tile.width, y + tile.height)))

    def write(self, words: str, x: float, y: float, size: int, bold: bool = False, anchor: str = "la") -> None:
        ImageDraw.Draw(self.image).text((x, y), words, fill=self.ink, font=font(size, bold), anchor=anchor)

    def done(self) -> Made:
        return self.image, self.panels


def paper_of(rng: Rng) -> tuple[int, int, int]:
    return BLACK if rng.random() < 0.45 else WHITE


def method_rows(rng: Rng) -> Made:
    """Rows of a slice, then its mask, overlay, heat map, outline or rendering, with words over the columns."""
    rows, columns = int(rng.integers(2, 5)), int(rng.integers(3, 6))
    w, h = int(rng.integers(130, 230)), int(rng.integers(120, 190))
    gap, head, side = int(rng.integers(2, 14)), 30 * int(rng.integers(2)), 70 * int(rng.integers(2))
    paper = paper_of(rng)
    sheet = Sheet(side + columns * (w + gap) + gap, head + rows * (h + gap) + gap, paper)
    kinds = [None, *(int(k) for k in rng.integers(0, 5, columns - 1))]
    for r in range(rows):
        plain = slice_of(rng, w, h)
        for c, kind in enumerate(kinds):
            x, y = side + gap + c * (w + gap), head + gap + r * (h + gap)
            tile = plain if kind is None else rendering(rng, w, h, BLACK) if kind == 4 else VARIANTS[kind](rng, plain)
            sheet.put(tile, x, y)
        if side:
            sheet.write(f"Case {r + 1}", 6, head + gap + r * (h + gap) + h / 2, 14)
    for c, kind in enumerate(kinds if head else ()):
        words = "CT slice" if kind is None else ("GT mask", "Ours", "Grad-CAM", "Contour", "3D view")[kind]
        sheet.write(words, side + gap + c * (w + gap) + w / 2, 6, 16, anchor="ma")
    return sheet.done()


def viewer_single(rng: Rng) -> Made:
    """One slice with a cross-hair, words in its corners, sometimes a margin."""
    w, h = int(rng.integers(300, 620)), int(rng.integers(280, 520))
    tile = cross(rng, slice_of(rng, w, h))
    ImageDraw.Draw(tile).text((6, 6), "Im: 112/320\nSe: 4", fill=WHITE, font=font(max(9, h // 40)))
    return tile, [("", (0, 0, w, h))]


def viewer_views(rng: Rng) -> Made:
    """Axial, sagittal and coronal views with cross-hairs, one large beside two or two by two with a rendering."""
    w, h, gap = int(rng.integers(220, 330)), int(rng.integers(200, 300)), int(rng.integers(1, 9))
    sheet = Sheet(2 * w + gap, 2 * h + gap, (BLACK, (90, 90, 90), WHITE)[int(rng.integers(3))])
    sheet.put(cross(rng, slice_of(rng, w, h)), 0, 0)
    sheet.put(cross(rng, view_of(rng, "coronal", w, h)), w + gap, 0)
    sheet.put(cross(rng, view_of(rng, "coronal", w, h)), 0, h + gap)
    sheet.put(rendering(rng, w, h, BLACK), w + gap, h + gap)
    return sheet.done()


def insets(rng: Rng) -> Made:
    """A grid of slices, each with a field marked and the same field enlarged in a corner."""
    rows, columns, gap = int(rng.integers(1, 3)), int(rng.integers(2, 4)), int(rng.integers(3, 16))
    w, h = int(rng.integers(230, 330)), int(rng.integers(200, 290))
    sheet = Sheet(columns * (w + gap) - gap, rows * (h + gap) - gap, paper_of(rng))
    for index in range(rows * columns):
        tile, share = slice_of(rng, w, h), rng.uniform(0.25, 0.42)
        iw, ih, line = round(w * share), round(h * share), LINES[int(rng.integers(len(LINES)))]
        x, y = int(rng.uniform(0.2, 0.5) * w), int(rng.uniform(0.25, 0.5) * h)
        part = tile.crop((x, y, x + iw // 2, y + ih // 2)).resize((iw, ih))
        draw = ImageDraw.Draw(tile)
        draw.rectangle((x, y, x + iw // 2, y + ih // 2), outline=line, width=2)
        left, top = (0 if rng.random() < 0.3 else w - iw), (0 if rng.random() < 0.3 else h - ih)
        tile.paste(part, (left, top))
        draw.rectangle((left, top, left + iw - 1, top + ih - 1), outline=line, width=2)
        label = "ABCDEF"[index]
        draw.text((8, 5) if (left, top) != (0, 0) else (w - 26, 5), label, fill=WHITE, font=font(20, True))
        sheet.put(tile, index % columns * (w + gap), index // columns * (h + gap), label)
    return sheet.done()


def uneven(rng: Rng) -> Made:
    """Rows of unlike numbers, brought to one width."""
    counts = ((2, 3), (3, 2), (1, 3), (2, 4), (3, 1, 2))[int(rng.integers(5))]
    gap, width, paper = int(rng.integers(0, 10)), int(rng.integers(620, 860)), paper_of(rng)
    heights = [round((width - (n - 1) * gap) / n * rng.uniform(0.68, 0.85)) for n in counts]
    sheet, y, index = Sheet(width, sum(heights) + gap * (len(counts) - 1), paper), 0, 0
    lettered = rng.random() < 0.6
    for n, h in zip(counts, heights, strict=True):
        edges = [round(i * (width + gap) / n) for i in range(n + 1)]
        for x, stop in pairwise(edges):
            tile, label = slice_of(rng, stop - x - gap, h), "abcdefgh"[index] if lettered else ""
            if label:
                ImageDraw.Draw(tile).text((6, h - 30), label, fill=WHITE, font=font(22, True))
            sheet.put(tile, x, y, label)
            index += 1
        y += h + gap
    return sheet.done()


def flow(rng: Rng) -> Made:
    """A pipeline: slices, arrows, layers of a network drawn as boxes, words, slices with what was found."""
    w, h = int(rng.integers(120, 180)), int(rng.integers(110, 160))
    rows, gap = int(rng.integers(1, 4)), int(rng.integers(20, 44))
    sheet = Sheet(5 * w + 6 * 60, rows * (h + gap) + gap + 20, WHITE)
    draw, middle = ImageDraw.Draw(sheet.image), gap + (rows * (h + gap) - gap) / 2
    for r in range(rows):
        y, plain = gap + r * (h + gap), slice_of(rng, w, h)
        sheet.put(plain, 30, y)
        sheet.put(VARIANTS[int(rng.integers(4))](rng, plain), 4 * w + 5 * 60, y)
        for x in (30 + w, 4 * w + 4 * 60 - 10):
            draw.line((x + 8, y + h / 2, x + 52, y + h / 2), fill=(60, 60, 60), width=3)
            draw.polygon([(x + 56, y + h / 2), (x + 44, y + h / 2 - 6), (x + 44, y + h / 2 + 6)], fill=(60, 60, 60))
    for layer in range(int(rng.integers(4, 8))):
        x, tall = w + 110 + layer * 46, 60 - 6 * layer
        tint = tuple(int(v) for v in rng.integers(120, 245, 3))
        draw.rectangle((x, middle - tall, x + 24, middle + tall), fill=tint, outline=(40, 40, 40))
    sheet.write("Feature extraction", w + 150, middle + 66, 15)
    sheet.write("Input", 30 + w / 2, 4, 14, anchor="ma")
    sheet.write("Segmentation", 4 * w + 300 + w / 2, 4, 14, anchor="ma")
    return sheet.done()


def planes(rng: Rng) -> Made:
    """Axial, coronal and sagittal in rows, of unlike widths, lettered over or in the corner."""
    rows, h, gap, above = int(rng.integers(1, 3)), int(rng.integers(200, 300)), int(rng.integers(2, 14)), 0
    widths = [round(h * f) for f in (1.3, rng.uniform(0.9, 1.2), rng.uniform(0.75, 1.0))]
    paper, outside = paper_of(rng), rng.random() < 0.5
    above = 30 if outside else 0
    sheet = Sheet(sum(widths) + 2 * gap, rows * (h + above + gap) - gap, paper)
    for r in range(rows):
        x, y = 0, r * (h + above + gap) + above
        for c, w in enumerate(widths):
            tile = slice_of(rng, w, h, True) if c == 0 else view_of(rng, "coronal", w, h)
            label = "ABCDEF"[3 * r + c]
            if outside:
                sheet.write(label, x + 2, y - 28, 22, True)
            else:
                ImageDraw.Draw(tile).text((7, 4), label, fill=WHITE, font=font(22, True))
            sheet.put(tile, x, y, label)
            x += w + gap
    return sheet.done()


def plot(rng: Rng, w: int, h: int) -> Image.Image:
    """A bar chart, curves or points, by matplotlib."""
    figure = Figure(figsize=(w / 100, h / 100), dpi=100)
    axes, kind = figure.subplots(), int(rng.integers(3))
    if kind == 0:
        axes.bar(list("abcde"), rng.uniform(1, 9, 5), color=["tab:blue", "tab:orange"][int(rng.integers(2))])
    elif kind == 1:
        axes.plot(np.cumsum(rng.normal(size=(40, 3)), 0), label=["train", "test", "val"])
        axes.legend()
    else:
        axes.scatter(*rng.normal(size=(2, 80)), s=9)
    axes.set_xlabel("day"), axes.set_ylabel("score")
    figure.tight_layout()
    data = io.BytesIO()
    figure.savefig(data)
    return Image.open(data).convert("RGB").resize((w, h))


def beside_charts(rng: Rng) -> Made:
    """Slices and charts on one white page, each with a letter over it."""
    places, w, h, gap = int(rng.integers(3, 7)), int(rng.integers(240, 330)), int(rng.integers(200, 270)), 16
    columns = 2 if places < 5 else 3
    drawn = set(rng.choice(places, int(rng.integers(1, places // 2 + 1)), replace=False).tolist())
    sheet = Sheet(columns * (w + gap) + gap, -(-places // columns) * (h + gap + 30) + gap, WHITE)
    for index in range(places):
        x, y = gap + index % columns * (w + gap), gap + 30 + index // columns * (h + gap + 30)
        tile = plot(rng, w, h) if index in drawn else slice_of(rng, w, h)
        sheet.put(tile, x, y, "ABCDEFG"[index], index not in drawn)
        sheet.write("ABCDEFG"[index], x, y - 28, 22, True)
    return sheet.done()


def black_grid(rng: Rng) -> Made:
    """Whole slices that touch, their own black all there is between them, on a black page."""
    rows, columns = int(rng.integers(1, 4)), int(rng.integers(2, 5))
    w, h, gap = int(rng.integers(150, 240)), int(rng.integers(140, 220)), int(rng.integers(0, 4))
    sheet, lettered = Sheet(columns * (w + gap) - gap, rows * (h + gap) - gap, BLACK), rng.random() < 0.5
    for index in range(rows * columns):
        tile, label = slice_of(rng, w, h, False), "ABCDEFGHIJKL"[index] if lettered else ""
        if label:
            ImageDraw.Draw(tile).text((5, 3), label, fill=WHITE, font=font(18, True))
        sheet.put(tile, index % columns * (w + gap), index // columns * (h + gap), label)
    return sheet.done()


def days(rng: Rng) -> Made:
    """A row a patient, a column a day, words over the columns and before the rows."""
    rows, columns, gap = int(rng.integers(2, 4)), int(rng.integers(3, 6)), int(rng.integers(1, 9))
    w, h = int(rng.integers(130, 200)), int(rng.integers(110, 170))
    sheet = Sheet(90 + columns * (w + gap), 34 + rows * (h + gap), paper_of(rng))
    for r in range(rows):
        sheet.write(f"Patient {r + 1}", 4, 34 + r * (h + gap) + h / 2, 14)
        for c in range(columns):
            sheet.put(slice_of(rng, w, h), 90 + c * (w + gap), 34 + r * (h + gap))
    for c in range(columns):
        sheet.write(f"Day {3 * c + 1}", 90 + c * (w + gap) + w / 2, 8, 16, anchor="ma")
    return sheet.done()


def missed_one(rng: Rng) -> Made:
    """Lettered rows in which one slice hardly parts from the next: same paper, same height, no gutter."""
    columns, rows, w, h = int(rng.integers(2, 5)), int(rng.integers(1, 3)), 240, int(rng.integers(190, 250))
    gaps = [0 if rng.random() < 0.4 else 6 for _ in range(columns - 1)]
    sheet, index = Sheet(columns * w + sum(gaps), rows * h + 6 * (rows - 1), WHITE), 0
    for r in range(rows):
        x = 0
        for c in range(columns):
            tile, label = slice_of(rng, w, h), "ABCDEFGH"[index]
            ImageDraw.Draw(tile).text((8, 5), f"({label})" if rng.random() < 0.3 else label, WHITE, font(20, True))
            sheet.put(tile, x, r * (h + 6), label)
            x, index = x + w + (gaps[c] if c < columns - 1 else 0), index + 1
    return sheet.done()


def map_with_bar(rng: Rng) -> Made:
    """A slice, a map in false colours and their difference, each of the maps with a bar of colours beside it."""
    w, h, gap = int(rng.integers(220, 300)), int(rng.integers(200, 280)), int(rng.integers(10, 26))
    sheet, plain = Sheet(3 * w + 2 * gap + 120, h + 40, paper_of(rng)), slice_of(rng, w, h)
    scale = colormaps[("jet", "viridis", "bwr")[int(rng.integers(3))]]
    bar = Image.fromarray((scale(np.linspace(1, 0, h)[:, None].repeat(14, 1))[..., :3] * 255).astype(np.uint8))
    sheet.put(plain, 0, 34, "a")
    for number in (0, 1):
        x, tone = w + gap + number * (w + gap + 60), scale(np.asarray(slice_of(rng, w, h).convert("L")))[..., :3]
        sheet.put(Image.fromarray((tone * 255).astype(np.uint8)), x, 34, "bc"[number])
        sheet.put(bar, x + w + 6, 34, panel=False)
        for tick in range(5):
            sheet.write(f"{1 - tick / 4:.2f}", x + w + 23, 30 + tick * (h - 12) / 4, 11)
    for label, x in zip("abc", (0, w + gap, 2 * (w + gap) + 60), strict=True):
        sheet.write(f"({label})", x + 2, 6, 18)
    return sheet.done()


def crossed_grid(rng: Rng) -> Made:
    """A grid of slices and maps, most of them under a viewer's lines."""
    rows, columns, gap = int(rng.integers(1, 4)), int(rng.integers(2, 5)), int(rng.integers(0, 12))
    w, h = int(rng.integers(150, 260)), int(rng.integers(140, 220))
    sheet = Sheet(columns * (w + gap) - gap, rows * (h + gap) - gap, paper_of(rng))
    for r in range(rows):
        plain = slice_of(rng, w, h)
        for c in range(columns):
            other = slice_of(rng, w, h) if rng.random() < 0.5 else VARIANTS[int(rng.integers(4))](rng, plain)
            tile = plain.copy() if c == 0 else other
            sheet.put(cross(rng, tile) if rng.random() < 0.8 else tile, c * (w + gap), r * (h + gap))
    return sheet.done()


def masks_on_black(rng: Rng) -> Made:
    """Whole slices with their own black, masks and renderings on a black page."""
    rows, columns, gap = int(rng.integers(2, 5)), int(rng.integers(3, 6)), int(rng.integers(0, 9))
    w, h = int(rng.integers(120, 220)), int(rng.integers(110, 190))
    sheet = Sheet(columns * (w + gap) + gap, rows * (h + gap) + gap, BLACK)
    kinds = [None, *(int(k) for k in rng.choice([0, 0, 1, 2, 3, 4], columns - 1))]
    for r in range(rows):
        plain = slice_of(rng, w, h, False)
        for c, kind in enumerate(kinds):
            tile = plain if kind is None else rendering(rng, w, h, BLACK) if kind == 4 else VARIANTS[kind](rng, plain)
            sheet.put(tile, gap + c * (w + gap), gap + r * (h + gap))
    return sheet.done()


def zooms(rng: Rng) -> Made:
    """A slice with a field marked, the field enlarged beside it, lines from one to the other."""
    rows, w, h = int(rng.integers(2, 4)), int(rng.integers(220, 300)), int(rng.integers(190, 260))
    gap = int(rng.integers(6, 24))
    sheet = Sheet(2 * w + gap, rows * (h + gap) - gap, paper_of(rng))
    for r in range(rows):
        tile, ink, top = slice_of(rng, w, h), LINES[int(rng.integers(len(LINES)))], r * (h + gap)
        x, y = int(rng.uniform(0.2, 0.5) * w), int(rng.uniform(0.25, 0.5) * h)
        part = tile.crop((x, y, x + w // 4, y + h // 4)).resize((w, h))
        ImageDraw.Draw(tile).rectangle((x, y, x + w // 4, y + h // 4), outline=ink, width=2)
        ImageDraw.Draw(part).rectangle((0, 0, w - 1, h - 1), outline=ink, width=2)
        sheet.put(tile, 0, top), sheet.put(part, w + gap, top)
        draw = ImageDraw.Draw(sheet.image)
        draw.line((x + w // 4, top + y, w + gap, top), fill=ink)
        draw.line((x + w // 4, top + y + h // 4, w + gap, top + h), fill=ink)
    return sheet.done()


def renderings_on_white(rng: Rng) -> Made:
    """Slices, and in the last column renderings on the white of the page, each with a letter over it."""
    columns, rows, gap = int(rng.integers(2, 4)), int(rng.integers(1, 3)), int(rng.integers(8, 24))
    w, h = int(rng.integers(200, 280)), int(rng.integers(180, 250))
    sheet = Sheet(columns * (w + gap), rows * (h + gap + 28), WHITE)
    for index in range(rows * columns):
        x, y = index % columns * (w + gap), index // columns * (h + gap + 28) + 28
        last = index % columns == columns - 1
        sheet.put(rendering(rng, w, h, WHITE) if last else slice_of(rng, w, h), x, y, "ABCDEF"[index])
        sheet.write("ABCDEF"[index], x + 2, y - 26, 20, True)
    return sheet.done()


def window(rng: Rng) -> Made:
    """A program's window: a title, buttons, two by two views."""
    w, h = int(rng.integers(200, 300)), int(rng.integers(180, 260))
    sheet = Sheet(2 * w + 150, 2 * h + 70, (205, 208, 212))
    draw = ImageDraw.Draw(sheet.image)
    draw.rectangle((0, 0, sheet.image.width, 28), fill=(60, 80, 120))
    draw.text((8, 6), "Viewer 4.11 - CT chest", fill=WHITE, font=font(14))
    for i, words in enumerate(("Open", "Zoom", "Pan", "Window", "Measure", "Segment", "Export", "Close")):
        draw.rectangle((8, 50 + i * 40, 120, 80 + i * 40), fill=(235, 236, 238), outline=(120, 120, 120))
        draw.text((14, 56 + i * 40), words, fill=BLACK, font=font(12))
    views = [cross(rng, slice_of(rng, w, h)), *(cross(rng, view_of(rng, "coronal", w, h)) for _ in range(2))]
    for i, tile in enumerate([*views, rendering(rng, w, h, BLACK)]):
        sheet.put(tile, 136 + i % 2 * (w + 4), 40 + i // 2 * (h + 4))
    return sheet.done()


def letter_a_row(rng: Rng) -> Made:
    """Rows of slices, each row with one letter at its left."""
    rows, columns, gap = int(rng.integers(2, 4)), int(rng.integers(2, 5)), int(rng.integers(2, 8))
    w, h = int(rng.integers(150, 230)), int(rng.integers(130, 200))
    sheet = Sheet(30 + columns * (w + gap), rows * (h + gap), paper_of(rng))
    for r in range(rows):
        sheet.write("ABC"[r], 5, r * (h + gap) + 4, 22, True)
        for c in range(columns):
            sheet.put(slice_of(rng, w, h), 30 + c * (w + gap), r * (h + gap), "ABC"[r])
    return sheet.done()


KINDS: tuple[Callable[[Rng], Made], ...] = (
    method_rows, viewer_single, viewer_views, insets, uneven, flow, planes, beside_charts, black_grid, days,
    missed_one, map_with_bar, crossed_grid, masks_on_black, zooms, renderings_on_white, window, letter_a_row,
)  # fmt: skip


def main() -> None:
    folder, out, seed = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else 1
    matplotlib.use("agg")
    used = set(sorted(folder.iterdir())[:800:8])
    SLICES.extend(path for path in sorted(folder.glob("*.jpg")) if path not in used)
    out.mkdir(parents=True, exist_ok=True)
    truth: dict[str, Any] = {}
    for number, make in enumerate(kind for kind in KINDS for _ in range(EACH)):
        rng = np.random.default_rng((seed, number))
        image, panels = make(rng)
        name = f"{make.__name__}-{number % EACH}.{'jpg' if rng.random() < 0.6 else 'png'}"
        image.save(out / name, quality=int(rng.integers(60, 95)))
        boxes = [{"label": label, "box": box} for label, box in panels]
        truth[name] = {"width": image.width, "height": image.height, "panels": boxes}
    (out / "truth.json").write_text(json.dumps(truth), encoding="utf-8")


if __name__ == "__main__":
    main()
