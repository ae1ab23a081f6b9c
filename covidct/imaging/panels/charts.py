"""Whether a piece of a figure is drawn, and so is not cut, or holds a picture somewhere."""

from dataclasses import dataclass

import cv2
import numpy as np

from covidct.imaging.panels.leaf import PixelBox, crop, look, reason_against
from covidct.imaging.panels.lines import Region, darkest
from covidct.imaging.triage import triage
from covidct.records import CT_KINDS

SCANS = CT_KINDS | {"xray", "pet"}
SMALLEST = 28
"""Shorter side, in pixels, below which nothing is looked at."""
_SIDE = 240
"""Longer side, pixels, at which islands are looked for."""


@dataclass(frozen=True)
class ChartLimits:
    """Thresholds of pictures among charts."""

    scan: float = 0.5
    """Triage's score from which something is a scan."""
    island: float = 0.015
    """Share of a piece that a picture among charts fills at least; ``most``: at most."""
    most: float = 0.9
    full: float = 0.8
    """Share of its box that an island fills, white within it included, where it is a picture; ``ink``: that is no
    paper: curves and bars leave paper between, a frame round them encloses it."""
    ink: float = 0.5
    paper: int = 228
    """Grey level of paper, at least."""
    beside: float = 0.6
    """Width by height from which what stands apart may be a slice."""
    textured: float = 0.1
    """Share of it that is textured, at least."""


CHART = ChartLimits()


def is_chart(image: Region, box: PixelBox, scans: list[PixelBox]) -> bool:
    """Whether there is nothing like a photograph or scan in ``box``: such a piece is not cut.

    ``scans``: boxes of those that were found in the figure so far; one that is found here is added.
    """
    short = min(box[2] - box[0], box[3] - box[1])
    area = (box[2] - box[0]) * (box[3] - box[1])
    if reason_against(look(image, box, area, short)) != "chart" or any(_within(scan, box) for scan in scans):
        return False
    parts = (part for find in (_itself, islands, apart) for part in find(image, box))
    scan = next((part for part in parts if is_scan(image, part)), None)
    if scan is not None:
        scans.append(scan)
    return scan is None


def _itself(image: Region, box: PixelBox) -> list[PixelBox]:
    return [box]


def _within(inner: PixelBox, outer: PixelBox) -> bool:
    """Whether ``outer`` holds ``inner``, but for the pixels by which islands are measured wrong."""
    return all(a >= b - 2 for a, b in zip(inner[:2], outer[:2], strict=True)) and all(
        a <= b + 2 for a, b in zip(inner[2:], outer[2:], strict=True)
    )


def is_scan(image: Region, box: PixelBox) -> bool:
    """Lungs in a wide window on white paper look like a chart by their flatness; triage knows them."""
    if min(box[2] - box[0], box[3] - box[1]) < SMALLEST:
        return False
    verdict = triage(crop(image, box))
    return verdict.kind in SCANS and verdict.score >= CHART.scan


def apart(image: Region, box: PixelBox) -> list[PixelBox]:
    """What stands side by side in ``box`` with white paper between: a bright slice on paper is no full rectangle."""
    part = crop(image, box)
    bare = np.asarray(cv2.reduce(darkest(part), 0, cv2.REDUCE_MIN)[0] > CHART.paper, np.int8)
    ends = np.flatnonzero(np.diff(np.concatenate([[1], bare, [1]])))
    found = [(box[0] + int(a), box[1], box[0] + int(b), box[3]) for a, b in zip(ends[::2], ends[1::2], strict=True)]
    if len(found) < 2:
        return []
    broad = [b for b in found if b[2] - b[0] >= CHART.beside * (b[3] - b[1])]
    return [b for b in broad if look(image, b, 1, 1).textured >= CHART.textured]


def islands(image: Region, box: PixelBox) -> list[PixelBox]:
    """Boxes of full rectangles on the light paper of ``box``: what may be a picture among charts."""
    part = crop(image, box)
    h, w = part.shape[:2]
    scale = min(1.0, _SIDE / max(h, w))
    size = (max(8, round(w * scale)), max(8, round(h * scale)))
    small = np.asarray(cv2.resize(part, size, interpolation=cv2.INTER_AREA), np.uint8)
    paper = np.pad(np.asarray(darkest(small) >= CHART.paper, np.uint8), 1, constant_values=1)
    cv2.floodFill(paper, None, (0, 0), 2)
    inked, solid = paper == 0, np.asarray(paper != 2, np.uint8)
    _, _, stats, _ = cv2.connectedComponentsWithStats(solid, connectivity=4)
    found = []
    for x, y, wide, tall, area in stats[1:]:
        share, ink = wide * tall / solid.size, inked[y : y + tall, x : x + wide].mean()
        if CHART.island <= share < CHART.most and area >= CHART.full * wide * tall and ink >= CHART.ink:
            x0, y0, x1, y1 = (round(float(v - 1) / scale) for v in (x, y, x + wide, y + tall))
            found.append((box[0] + x0, box[1] + y0, box[0] + x1, box[1] + y1))
    return found
