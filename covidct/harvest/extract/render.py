"""Stage 6, pixels: what a reader of the page sees inside a figure's box, at the resolution of what is embedded.

Every picture is rendered from the page, never taken out of the file: clip paths, crop boxes, covering shapes, masks
and colour spaces are applied by construction. The matrix is chosen so that one pixel of an embedded image falls on
one pixel of the picture, which keeps its values as they are.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pymupdf

from covidct.harvest.extract.assemble import Assembled
from covidct.harvest.extract.boxes import area, height, meet, width
from covidct.harvest.extract.page import Page
from covidct.pictures import grey_if_colourless, png_bytes
from covidct.records import Box

DPI = 300.0
BLANK = 248
"""Grey level (of the darkest channel) from which a pixel counts as paper."""

Pixels = np.ndarray[tuple[int, int, int], np.dtype[np.uint8]]


@dataclass(frozen=True)
class Picture:
    """Pixels (height, width, 3) and the part of the page (points, as shown) that they are."""

    pixels: Pixels
    box: Box


def resolution(figure: Assembled) -> tuple[float, float]:
    """Pixels per point across and down (analysis frame)."""
    scales = [
        (p.pixels[0] / width(p.full), p.pixels[1] / height(p.full))
        for p in figure.placements
        if width(p.full) > 0 and height(p.full) > 0
    ]
    if figure.kind == "raster" and len(scales) == 1:
        return scales[0]
    best = max((max(scale) for scale in scales), default=0.0)
    if figure.kind != "raster":
        best = max(best, DPI / 72)
    return best, best


def render(listing: pymupdf.DisplayList, page: Page, figure: Assembled, megapixels: float) -> Picture | None:
    """The picture of ``figure`` without its blank margins, or None where the page shows nothing there."""
    box = page.to_page(figure.box)
    x, y = resolution(figure)
    if page.rotation in (1, 3):
        x, y = y, x
    excess = area(box) * x * y / (megapixels * 1e6)
    if excess > 1:
        x, y = x / excess**0.5, y / excess**0.5
    origin = _origin(page, figure)
    bounds = listing.rect
    shift = pymupdf.Matrix(1, 0, 0, 1, -bounds.x0 - origin[0], -bounds.y0 - origin[1])
    matrix = shift * pymupdf.Matrix(x, y)
    clip = pymupdf.Rect(box) + pymupdf.Rect(bounds.x0, bounds.y0, bounds.x0, bounds.y0)
    pixmap = listing.get_pixmap(matrix=matrix, colorspace=pymupdf.csRGB, alpha=False, clip=clip)
    if pixmap.width < 1 or pixmap.height < 1:
        return None
    rows = np.frombuffer(pixmap.samples, np.uint8).reshape(pixmap.height, pixmap.stride)
    pixels = rows[:, : pixmap.width * 3].reshape(pixmap.height, pixmap.width, 3)
    return _trimmed(pixels, (pixmap.x / x + origin[0], pixmap.y / y + origin[1]), (x, y), box)


def _origin(page: Page, figure: Assembled) -> tuple[float, float]:
    """The corner of the page that falls on a whole pixel: that of the largest image, so that its pixels stay whole."""
    if not figure.placements:
        return (0.0, 0.0)
    largest = max(figure.placements, key=lambda p: area(p.box))
    full = page.to_page(largest.full)
    return full[0], full[1]


def _trimmed(pixels: Pixels, corner: tuple[float, float], scale: tuple[float, float], box: Box) -> Picture | None:
    ink = (pixels[..., 0] < BLANK) | (pixels[..., 1] < BLANK) | (pixels[..., 2] < BLANK)
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    if not rows.size:
        return None
    y0, y1, x0, x1 = int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1
    place = (
        corner[0] + x0 / scale[0],
        corner[1] + y0 / scale[1],
        corner[0] + x1 / scale[0],
        corner[1] + y1 / scale[1],
    )
    return Picture(pixels[y0:y1, x0:x1], meet(place, box))


def write(picture: Pixels, target: Path) -> tuple[int, int]:
    """Write ``picture`` as PNG, in one channel where it has no colour; returns width and height."""
    target.write_bytes(png_bytes(grey_if_colourless(picture)))
    return picture.shape[1], picture.shape[0]


def stacked(parts: list[Pixels]) -> Pixels:
    """Parts of a figure that runs over pages, one under the other on white."""
    if len(parts) == 1:
        return parts[0]
    wide = max(part.shape[1] for part in parts)
    rows = [np.pad(p, ((0, 0), (0, wide - p.shape[1]), (0, 0)), constant_values=255) for p in parts]
    return np.concatenate(rows)
