"""Burnt-in marks: where text, arrows, markers and borders are painted over a slice, and the slice without them.

A list of named rules proposes pixels (``rules``); what they propose is cut into connected marks, and named filters drop
what cannot be one, with the reason (``pieces``). The black surround of a scan is not a border.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from covidct.errors import UsageError
from covidct.imaging.ocr import PixelBox, TextBox
from covidct.imaging.overlays.pieces import pieces_of
from covidct.imaging.overlays.rules import RULES
from covidct.imaging.overlays.scene import LIMITS, Bools, apart, is_line, is_plain, scene_of

LARGEST = 2400
"""Longer side, pixels, up to which marks are looked for at full size."""
_RADIUS, _MARGIN = 3, 12
"""Pixels from which a masked one is filled in, and pixels round all marks that are looked at for it."""
KINDS = ("text", "arrow", "marker", "border")


@dataclass(frozen=True)
class Mark:
    """One mark: ``kind`` of KINDS, tight ``box``, the ``rule`` that saw most of it, and how sure, 0 to 1."""

    kind: str
    box: PixelBox
    rule: str
    score: float


@dataclass
class Overlays:
    """``mask`` (height x width) of all marks, the ``marks``, what was ``dropped`` and why, how often rules fired."""

    mask: Bools
    marks: list[Mark] = field(default_factory=list)
    dropped: list[tuple[PixelBox, str]] = field(default_factory=list)
    fired: dict[str, int] = field(default_factory=dict)

    def share(self, box: PixelBox) -> float:
        """Share of ``box`` that is masked."""
        x0, y0, x1, y1 = box
        return float(self.mask[y0:y1, x0:x1].mean())

    def count(self, name: str) -> None:
        """One more time that a rule or filter decided."""
        self.fired[name] = self.fired.get(name, 0) + 1

    def take(self, mark: Mark, pixels: Bools | bool = True) -> None:
        """Add ``mark``, with ``pixels`` of its box, or all of it."""
        x0, y0, x1, y1 = mark.box
        self.mask[y0:y1, x0:x1] |= pixels
        self.marks.append(mark)
        self.count(mark.rule)


def find_overlays(image: NDArray[np.uint8], texts: Sequence[TextBox] = ()) -> Overlays:
    """Marks on ``image`` (height x width grey, or x 3 RGB, 8 bit), given the lines of text read in it, if any were.

    Raises UsageError for anything but 8-bit pixels.
    """
    if image.dtype != np.uint8 or image.ndim not in (2, 3):
        raise UsageError(f"marks are looked for in 8-bit grey or RGB, not {image.dtype} with {image.ndim} axes")
    found = Overlays(np.zeros(image.shape[:2], np.bool_))
    if min(image.shape[:2]) < 16:
        return found
    if max(image.shape[:2]) > LARGEST:
        return _found_small(image, texts)
    scene = scene_of(image, texts)
    kept, dropped = pieces_of(scene, {name: rule(scene) for name, rule in RULES.items()})
    for piece, reason in dropped:
        found.dropped.append((piece.box, reason))
        found.count(reason)
    for piece in kept:
        found.take(Mark(piece.kind, piece.box, piece.rule, piece.score), piece.pixels)
    words = [line.box for line in scene.lines] + [mark.box for mark in found.marks if mark.kind == "text"]
    found.mask = what_shows(image, widened(found.mask), words)
    for box in scene.borders:
        found.take(Mark("border", box, "border", 1.0))
    return found


def widened(mask: Bools) -> Bools:
    """``mask`` with the next pixel, the soft rim that ink has where it was drawn smooth, shrunk or compressed."""
    return np.asarray(cv2.dilate(mask.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0, np.bool_)


def what_shows(image: NDArray[np.uint8], mask: Bools, texts: Sequence[PixelBox]) -> Bools:
    """``mask`` without the pixels that painting over would hardly change: there the slice stays as it is.

    Within ``texts`` it takes less change, since of words a faint rest can be read. The comparison is with a broader
    painting, into which no ink runs that the mask has missed.
    """
    if not mask.any():
        return mask
    change = cv2.absdiff(image, paint_over(image, widened(widened(mask))))
    change = change.max(axis=2) if image.ndim == 3 else change
    least = np.full(mask.shape, LIMITS.shows, np.uint8)
    for x0, y0, x1, y1 in texts:
        least[max(0, y0 - 1) : y1 + 1, max(0, x0 - 1) : x1 + 1] = LIMITS.faint
    return np.asarray(mask & (change > least), np.bool_)


def _found_small(image: NDArray[np.uint8], texts: Sequence[TextBox]) -> Overlays:
    """Marks of a very large picture, looked for in a smaller copy: full-size maps of 64 megapixels take gigabytes."""
    height, width = image.shape[:2]
    scale = LARGEST / max(height, width)
    size = (max(16, round(width * scale)), max(16, round(height * scale)))
    small = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
    lines = [replace(line, box=_scaled(line.box, scale, size)) for line in texts]
    found = find_overlays(small, lines)
    wide = widened(found.mask).astype(np.uint8)
    found.mask = np.asarray(cv2.resize(wide, (width, height), interpolation=cv2.INTER_NEAREST) > 0, np.bool_)
    found.marks = [replace(mark, box=_scaled(mark.box, 1 / scale, (width, height))) for mark in found.marks]
    found.dropped = [(_scaled(box, 1 / scale, (width, height)), why) for box, why in found.dropped]
    return found


def _scaled(box: PixelBox, scale: float, size: tuple[int, int]) -> PixelBox:
    x0, y0, x1, y1 = (value * scale for value in box)
    return int(x0), int(y0), min(size[0], math.ceil(x1)), min(size[1], math.ceil(y1))


def paint_over(image: NDArray[np.uint8], mask: Bools) -> NDArray[np.uint8]:
    """``image`` with the masked pixels filled in from round them (Bertalmio 2001); all others are as they were."""
    painted = image.copy()
    if mask.any():
        spans = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
        place = tuple(slice(max(0, int(span[0]) - _MARGIN), int(span[-1]) + _MARGIN + 1) for span in spans)
        where, part = mask[place], painted[place]
        part[where] = cv2.inpaint(part, where.astype(np.uint8), _RADIUS, cv2.INPAINT_NS)[where]
    return painted


def still_legible(before: Sequence[TextBox], after: Sequence[TextBox]) -> list[TextBox]:
    """Lines read in the painted picture: plain words, and whatever is read where text was read before."""
    return [line for line in after if is_plain(line) or any(apart(line.box, known.box) < 0 for known in before)]


def cover(found: Overlays, lines: Sequence[TextBox]) -> None:
    """Take the whole box of each line into the mask; a slice that was read as a letter is no line."""
    for line in lines:
        if is_line(line, found.mask.shape):
            found.take(Mark("text", line.box, "read again", line.score))
