"""Whether a piece of a figure is drawn, and so is not cut, or holds a picture somewhere."""

import cv2
import numpy as np

from covidct.imaging.panels.leaf import PixelBox, crop, look, reason_against
from covidct.imaging.panels.lines import Region, darkest
from covidct.imaging.triage import triage
from covidct.records import CT_KINDS

SCANS = CT_KINDS | {"xray", "pet"}
SMALLEST = 28
"""Shorter side, in pixels, below which nothing is looked at."""
_SCAN_SURE = 0.5
_SIDE = 240
_ISLAND = 0.015
"""Share of a piece that a picture among charts fills at least."""
_FULL = 0.8
"""Share of its box that an island of pixels fills where it is a picture; curves and bars leave paper between."""
_PAPER = 228
_BESIDE = 0.6
"""Width by height from which what stands apart may be a slice."""
_TEXTURED = 0.1


def is_chart(image: Region, box: PixelBox) -> bool:
    """Whether there is nothing like a photograph or scan in ``box``: such a piece is not cut."""
    short = min(box[2] - box[0], box[3] - box[1])
    area = (box[2] - box[0]) * (box[3] - box[1])
    drawn = reason_against(look(image, box, area, short)) == "chart"
    if not drawn or is_scan(image, box):
        return False
    return not any(is_scan(image, b) for b in (*islands(image, box), *apart(image, box)))


def is_scan(image: Region, box: PixelBox) -> bool:
    """Lungs in a wide window on white paper look like a chart by their flatness; triage knows them."""
    if min(box[2] - box[0], box[3] - box[1]) < SMALLEST:
        return False
    verdict = triage(crop(image, box))
    return verdict.kind in SCANS and verdict.score >= _SCAN_SURE


def apart(image: Region, box: PixelBox) -> list[PixelBox]:
    """What stands side by side in ``box`` with white paper between: a bright slice on paper is no full rectangle."""
    part = crop(image, box)
    bare = np.asarray(cv2.reduce(darkest(part), 0, cv2.REDUCE_MIN)[0] > _PAPER, np.int8)
    ends = np.flatnonzero(np.diff(np.concatenate([[1], bare, [1]])))
    found = [(box[0] + int(a), box[1], box[0] + int(b), box[3]) for a, b in zip(ends[::2], ends[1::2], strict=True)]
    if len(found) < 2:
        return []
    broad = [b for b in found if b[2] - b[0] >= _BESIDE * (b[3] - b[1])]
    return [b for b in broad if look(image, b, 1, 1).textured >= _TEXTURED]


def islands(image: Region, box: PixelBox) -> list[PixelBox]:
    """Boxes of full rectangles on the light paper of ``box``: what may be a picture among charts."""
    part = crop(image, box)
    h, w = part.shape[:2]
    scale = min(1.0, _SIDE / max(h, w))
    small = cv2.resize(part, (max(8, round(w * scale)), max(8, round(h * scale))), interpolation=cv2.INTER_AREA)
    inked = (small.min(2) < _PAPER).astype(np.uint8)
    _, _, stats, _ = cv2.connectedComponentsWithStats(inked, connectivity=4)
    found = []
    for x, y, wide, tall, area in stats[1:]:
        if wide * tall >= _ISLAND * inked.size and area >= _FULL * wide * tall and wide * tall < 0.9 * inked.size:
            corners = (x, y, x + wide, y + tall)
            x0, y0, x1, y1 = (round(float(v) / scale) for v in corners)
            found.append((box[0] + x0, box[1] + y0, box[0] + x1, box[1] + y1))
    return found
