"""Burnt-in marks: where text, arrows, markers and borders are painted over a slice, and the slice without them.

A list of named rules proposes pixels; what they propose is cut into connected marks; named filters drop what cannot
be one, with the reason. The black surround of a scan is not a border.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from covidct.errors import UsageError
from covidct.imaging.ocr import PixelBox, TextBox
from covidct.imaging.overlays.borders import borders
from covidct.imaging.overlays.net import CLASSES, features_of, mark_probabilities
from covidct.imaging.overlays.shapes import is_broad_arrow, is_drawn_outline, kind_of_shape

LARGEST = 2400
"""Longer side, pixels, up to which marks are looked for at full size."""
KINDS = ("text", "arrow", "marker", "border")

Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Mark:
    """One mark: ``kind`` of KINDS, tight ``box``, the ``rule`` that saw most of it, and how sure, 0 to 1."""

    kind: str
    box: PixelBox
    rule: str
    score: float


@dataclass(frozen=True)
class Scene:
    """What the rules look at. ``image``: height x width x 3; ``likely``: height x width x CLASSES, see ``net``."""

    image: NDArray[np.uint8]
    grey: NDArray[np.uint8]
    chroma: NDArray[np.uint8]
    likely: NDArray[np.float32]
    texts: Sequence[TextBox]

    @property
    def painted(self) -> NDArray[np.float32]:
        """height x width: how likely a pixel belongs to a mark of any kind."""
        return np.asarray(1 - self.likely[:, :, 0], dtype=np.float32)


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
        self.fired[name] = self.fired.get(name, 0) + 1


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
    scene = _scene(image, texts)
    proposals = {name: rule(scene) for name, rule in RULES.items()}
    _cut(scene, proposals, found)
    for box in borders(scene.grey):
        x0, y0, x1, y1 = box
        found.mask[y0:y1, x0:x1] = True
        found.marks.append(Mark("border", box, "border", 1.0))
        found.count("border")
    return found


def _found_small(image: NDArray[np.uint8], texts: Sequence[TextBox]) -> Overlays:
    """Marks of a very large picture, looked for in a smaller copy: full-size maps of 64 megapixels take gigabytes."""
    height, width = image.shape[:2]
    scale = LARGEST / max(height, width)
    size = (max(16, round(width * scale)), max(16, round(height * scale)))
    small = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
    lines = [replace(line, box=_scaled(line.box, scale, size)) for line in texts]
    found = find_overlays(small, lines)
    wide = cv2.dilate(found.mask.astype(np.uint8), np.ones((3, 3), np.uint8))
    found.mask = np.asarray(cv2.resize(wide, (width, height), interpolation=cv2.INTER_NEAREST) > 0, np.bool_)
    found.marks = [replace(mark, box=_scaled(mark.box, 1 / scale, (width, height))) for mark in found.marks]
    found.dropped = [(_scaled(box, 1 / scale, (width, height)), why) for box, why in found.dropped]
    return found


def _scaled(box: PixelBox, scale: float, size: tuple[int, int]) -> PixelBox:
    x0, y0, x1, y1 = (value * scale for value in box)
    return int(x0), int(y0), min(size[0], math.ceil(x1)), min(size[1], math.ceil(y1))


def paint_over(image: NDArray[np.uint8], mask: Bools) -> NDArray[np.uint8]:
    """``image`` with the masked pixels filled in from round them (Telea 2004); all others are as they were."""
    if not mask.any():
        return image.copy()
    filled = cv2.inpaint(image, mask.astype(np.uint8), 3, cv2.INPAINT_TELEA)
    where = mask if image.ndim == 2 else mask[:, :, None]
    return np.asarray(np.where(where, filled, image), dtype=np.uint8)


def _scene(image: NDArray[np.uint8], texts: Sequence[TextBox]) -> Scene:
    planes = features_of(image)
    colour = image if image.ndim == 3 else np.repeat(image[:, :, None], 3, axis=2)
    return Scene(colour, planes[:, :, 0], planes[:, :, 1], mark_probabilities(image), texts)


# Rules: each proposes pixels ------------------------------------------------------------------------------------------


def learned(scene: Scene) -> Bools:
    """What the network is sure of, and what hangs together with it that it finds likely.

    Where that were more than marks ever cover, it mistakes the scan itself (sharp kernels ring like ink): it must be
    surer then, and is not believed at all in the end.
    """
    for sure, likely in _STEPS:
        seen = _hysteresis(scene.painted, sure, likely)
        seen |= _ink(scene, seen)
        if (seen & (scene.chroma < _SOME_COLOUR)).mean() <= _MOST:
            return seen
    return np.zeros_like(seen)


def coloured(scene: Scene) -> Bools:
    """Strong colour: a scan has none. Left alone where most of the picture is coloured (a fused PET, a rendering)."""
    strong = scene.chroma > _STRONG_COLOUR
    if strong.mean() > _COLOURED_PICTURE:
        return np.zeros_like(strong)
    return _hysteresis(scene.chroma.astype(np.float32), _STRONG_COLOUR, _SOME_COLOUR)


def read(scene: Scene) -> Bools:
    """Strokes inside a line of text that was read: what the network finds at all possible there.

    Where the words are plain, also all that differs from its surroundings, over the whole line: what a machine can read
    must not stay in the picture because a network overlooked it, or half of it.
    """
    found = np.zeros(scene.grey.shape, np.bool_)
    for line in scene.texts:
        x0, y0, x1, y1 = line.box
        if min(x1 - x0, y1 - y0) < _LINE or (x1 - x0) * (y1 - y0) > _SLICE * found.size:
            continue
        seen = scene.painted[y0:y1, x0:x1] > _POSSIBLE
        if is_plain(line):
            seen |= _strokes(scene.grey, line.box)
        found[y0:y1, x0:x1] |= seen
    return found


def is_plain(line: TextBox) -> bool:
    """Whether a line is surely words: anatomy is read as a letter or two at times, hardly ever as more."""
    return line.score >= _PLAIN and sum(letter.isalnum() for letter in line.text) >= _PLAIN_LETTERS


def still_legible(before: Sequence[TextBox], after: Sequence[TextBox]) -> list[TextBox]:
    """Lines read in the painted picture: plain words, and whatever is read where text was read before."""
    return [line for line in after if is_plain(line) or any(_meet(line.box, known.box) for known in before)]


def cover(found: Overlays, lines: Sequence[TextBox]) -> None:
    """Take the whole box of each line into the mask."""
    for line in lines:
        x0, y0, x1, y1 = line.box
        found.mask[y0:y1, x0:x1] = True
        found.marks.append(Mark("text", line.box, "read again", line.score))
        found.count("read again")


def _meet(a: PixelBox, b: PixelBox) -> bool:
    return min(a[2], b[2]) > max(a[0], b[0]) and min(a[3], b[3]) > max(a[1], b[1])


def _strokes(grey: NDArray[np.uint8], box: PixelBox) -> Bools:
    """Pixels of ``box`` that differ from the median round them, with a pixel's margin."""
    x0, y0, x1, y1 = box
    side = y1 - y0
    around = cv2.copyMakeBorder(grey, side, side, side, side, cv2.BORDER_REPLICATE)[
        y0 : y1 + 2 * side, x0 : x1 + 2 * side
    ]
    ink = cv2.absdiff(around, cv2.medianBlur(around, side // 2 * 2 + 1)) > _STROKE
    wide = cv2.dilate(ink.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    return np.asarray(wide[side:-side, side:-side], dtype=np.bool_)


def flat(scene: Scene) -> Bools:
    """Arrows of one grey level, flatter than bone: broad ones with their rim, and heads that the network suspects.

    Without a look at the network, hearts, vertebrae and spinous processes in narrow windows are arrowheads, too.
    """
    found = np.zeros(scene.grey.shape, np.bool_)
    for place, pixels in _pieces(scene.grey >= _WHITE_INK, connectivity=4):
        if not _HEAD_PIXELS <= pixels.sum() <= _MOST * found.size:
            continue
        core = cv2.erode(np.pad(pixels.astype(np.uint8), 1), np.ones((3, 3), np.uint8))[1:-1, 1:-1] > 0
        spread = float(scene.grey[place][core].std()) if core.any() else _FLAT
        if spread < _EXACT and pixels.sum() >= _BROAD and is_broad_arrow(pixels):
            alone = np.zeros(found.shape, np.uint8)
            alone[place] = pixels
            found |= cv2.dilate(alone, np.ones((2 * _RIM + 1, 2 * _RIM + 1), np.uint8)) > 0
        elif spread < _FLAT and scene.painted[place][pixels].mean() >= _SOME and kind_of_shape(pixels) == "arrow":
            found[place] |= pixels
    return found


def outlined(scene: Scene) -> Bools:
    """Thin white or black rings and frames, too exact for anatomy."""
    found = np.zeros(scene.grey.shape, np.bool_)
    least, most = _RING[0] * min(found.shape), _RING[1] * min(found.shape)
    for ink in (scene.grey >= _WHITE_INK, scene.grey <= _BLACK_INK):
        for place, pixels in _pieces(ink, connectivity=8):
            if least <= min(pixels.shape) and max(pixels.shape) <= most and is_drawn_outline(pixels):
                found[place] |= pixels
    return found


def _pieces(ink: Bools, connectivity: int) -> Iterator[tuple[tuple[slice, slice], Bools]]:
    """Connected pixels of some size: where they are, and which there."""
    count, pieces, stats, _ = cv2.connectedComponentsWithStats(ink.astype(np.uint8), connectivity=connectivity)
    for n in range(1, count):
        x, y, width, height, area = (int(v) for v in stats[n])
        if area >= _HEAD_PIXELS:
            place = slice(y, y + height), slice(x, x + width)
            yield place, pieces[place] == n


RULES: dict[str, Callable[[Scene], Bools]] = {
    "learned": learned,
    "coloured": coloured,
    "read": read,
    "flat": flat,
    "outlined": outlined,
}

_STEPS = ((0.7, 0.2), (0.9, 0.4), (0.98, 0.7))
_MOST = 0.08
_HEAD_PIXELS, _FLAT = 40, 5.0
_RING = (0.045, 0.33)
"""Width of a drawn ring or frame, in shares of the picture."""
_POSSIBLE = 0.15
_STROKE = 14
_LINE = 7
"""Pixels of the shorter side of a line of text; less is a rim that was read as a letter."""
_SLICE = 0.5
"""Share of the picture that a line of text takes at most; readers take a whole slice for a letter at times."""
_EXACT, _BROAD = 2.0, 200
"""Spread of grey levels inside a broad arrow, and pixels it has: bone of that shape is smaller or less even."""
_RIM = 3
"""Pixels round a broad arrow that its black outline may take."""
_SOME = 0.05
"""Mean probability of a mark below which a white triangle is bone."""
_PLAIN, _PLAIN_LETTERS = 0.7, 3
_WHITE_INK, _BLACK_INK = 225, 25
_KNOWN_PIXELS, _KNOWN_SHARE = 12, 0.25
_STRONG_COLOUR, _SOME_COLOUR = 90, 45
_COLOURED_PICTURE = 0.3


def _ink(scene: Scene, seen: Bools) -> Bools:
    """The rest of a mark of which part was seen: pixels of the same white or black that hang together with it.

    Left alone where most of what hangs together was not seen: that is bone, or the black surround.
    """
    found = np.zeros_like(seen)
    for same in (scene.grey >= _WHITE_INK, scene.grey <= _BLACK_INK):
        count, pieces = cv2.connectedComponents(same.astype(np.uint8), connectivity=8)
        size = np.bincount(pieces.ravel(), minlength=count)
        known = np.bincount(pieces[seen], minlength=count)
        belongs = (known >= _KNOWN_PIXELS) & (known >= _KNOWN_SHARE * size)
        belongs[0] = False
        found |= belongs[pieces]
    return found


def _hysteresis(values: NDArray[np.float32], high: float, low: float) -> Bools:
    """Pixels over ``low`` that are connected with one over ``high``."""
    count, pieces = cv2.connectedComponents((values > low).astype(np.uint8), connectivity=8)
    kept = np.zeros(count, np.bool_)
    kept[pieces[values > high]] = True
    kept[0] = False
    return np.asarray(kept[pieces], dtype=np.bool_)


# Marks: connected pixels, with their kind -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Piece:
    """A connected proposal: its pixels inside ``box`` and where it came from."""

    box: PixelBox
    pixels: Bools
    rule: str
    kind: str
    score: float
    rim: bool = False
    """Whether it is a thin line along a side of the picture."""


def too_small(piece: Piece) -> bool:
    """Grain: fewer pixels than the smallest full stop that anyone reads."""
    return int(piece.pixels.sum()) < _FEWEST


def doubtful(piece: Piece) -> bool:
    """The network alone saw it, and on average hardly believes it."""
    return piece.rule == "learned" and piece.score < _DOUBT


def at_rim(piece: Piece) -> bool:
    """A thin line along the rim: the edge of a crop or of a page, which readers take for a letter, not a mark."""
    return piece.rule in ("learned", "read") and piece.rim


FILTERS: tuple[Callable[[Piece], bool], ...] = (too_small, doubtful, at_rim)
_FEWEST = 8
_RIM_DEPTH, _RIM_LONG = 0.015, 3.0
"""Depth of a rim as share of the shorter side (3 pixels at least); how much longer than deep a line there is."""
_DOUBT = 0.5


def _cut(scene: Scene, proposals: dict[str, Bools], found: Overlays) -> None:
    together = np.logical_or.reduce(list(proposals.values())).astype(np.uint8)
    count, pieces, stats, _ = cv2.connectedComponentsWithStats(together, connectivity=8)
    kept = np.zeros(count, np.bool_)
    for n in range(1, count):
        x, y, width, height = (int(v) for v in stats[n, :4])
        piece = _piece(scene, proposals, (x, y, x + width, y + height), pieces[y : y + height, x : x + width] == n)
        reason = next((rule.__name__ for rule in FILTERS if rule(piece)), None)
        if reason is not None:
            found.dropped.append((piece.box, reason))
            found.count(reason)
            continue
        kept[n] = True
        found.marks.append(Mark(piece.kind, piece.box, piece.rule, piece.score))
        found.count(piece.rule)
    found.mask |= kept[pieces]


def _piece(scene: Scene, proposals: dict[str, Bools], box: PixelBox, pixels: Bools) -> Piece:
    x0, y0, x1, y1 = box
    shares = {name: int((mask[y0:y1, x0:x1] & pixels).sum()) for name, mask in proposals.items()}
    rule = max(shares, key=lambda name: shares[name])
    likely = scene.likely[y0:y1, x0:x1][pixels]
    kind = kind_of_shape(pixels) or CLASSES[1 + int(likely[:, 1:].mean(axis=0).argmax())]
    if any(_covers(line.box, box) for line in scene.texts):
        kind = "text"
    score = 1.0 if rule in ("coloured", "flat", "outlined") else float(np.percentile(1 - likely[:, 0], 80))
    return Piece(box, pixels, rule, kind, round(score, 3), _along_rim(box, scene.grey.shape))


def _along_rim(box: PixelBox, shape: tuple[int, ...]) -> bool:
    height, width = shape[:2]
    deep = max(3, round(_RIM_DEPTH * min(height, width)))
    wide, tall = box[2] - box[0], box[3] - box[1]
    side = (box[2] <= deep or box[0] >= width - deep) and tall >= _RIM_LONG * wide
    end = (box[3] <= deep or box[1] >= height - deep) and wide >= _RIM_LONG * tall
    return side or end


def _covers(line: PixelBox, box: PixelBox) -> bool:
    """Whether half of ``box`` lies in ``line``."""
    width = min(line[2], box[2]) - max(line[0], box[0])
    height = min(line[3], box[3]) - max(line[1], box[1])
    return width > 0 and height > 0 and 2 * width * height >= (box[2] - box[0]) * (box[3] - box[1])
