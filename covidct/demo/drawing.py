"""Pictures of the made-up corpus: panels on a grid with letters and arrows, and numbers for charts."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from covidct.pictures import png_bytes
from covidct.records import Box

Grey = NDArray[np.uint8]


@dataclass(frozen=True)
class Arrow:
    """An arrow burnt into the first panel: tip as fractions of the panel, direction in radians."""

    x: float
    y: float
    angle: float


@dataclass(frozen=True)
class FigurePicture:
    """A drawn figure: PNG bytes, size in pixels, and where its panels lie (fractions of the size)."""

    png: bytes
    width: int
    height: int
    places: tuple[Box, ...]


def compose(
    slices: list[Grey], letters: list[str], columns: int, *, gutter: int, dark: bool, arrow: Arrow | None
) -> FigurePicture:
    """Panels of one size on a grid with a gutter (pixels, black when ``dark``), letters in their top left corners."""
    side = min(len(s) for s in slices)
    rows = -(-len(slices) // columns)
    width, height = columns * (side + gutter) - gutter, rows * (side + gutter) - gutter
    canvas = Image.new("L", (width, height), 0 if dark else 255)
    corners = [((i % columns) * (side + gutter), (i // columns) * (side + gutter)) for i in range(len(slices))]
    for pixels, corner in zip(slices, corners, strict=True):
        canvas.paste(Image.fromarray(pixels).resize((side, side), Image.Resampling.BICUBIC), corner)
    pen = ImageDraw.Draw(canvas)
    for letter, (x, y) in zip(letters, corners, strict=True):
        pen.text((x + 8, y + 4), letter, fill=255, font=ImageFont.load_default(22), stroke_width=1, stroke_fill=0)
    if arrow:
        _draw_arrow(pen, arrow, side)
    places = tuple((x / width, y / height, (x + side) / width, (y + side) / height) for x, y in corners)
    return FigurePicture(png_bytes(np.asarray(canvas)), width, height, places)


def _draw_arrow(pen: ImageDraw.ImageDraw, arrow: Arrow, side: int) -> None:
    along = np.array([np.cos(arrow.angle), np.sin(arrow.angle)])
    across = np.array([-along[1], along[0]])
    tip = np.array([arrow.x, arrow.y]) * side
    neck = tip - 0.06 * side * along
    pen.line([*(tip - 0.14 * side * along), *neck], fill=255, width=3)
    pen.polygon([tuple(p) for p in (tip, neck + 0.03 * side * across, neck - 0.03 * side * across)], fill=255)


def chart_bars(rng: np.random.Generator) -> tuple[float, ...]:
    """Heights of a bar chart, 0 to 1."""
    return tuple(float(v) for v in rng.uniform(0.15, 1.0, int(rng.integers(6, 11))))
