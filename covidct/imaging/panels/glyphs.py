"""Printed characters in a figure: marks of ink, each read by itself by a small network.

The network saw letters of many faces, sizes and colours over LUNA16 slices and paper (``benchmarks/train_glyphs.py``);
its weights are ``glyphs.npz`` beside this file, their origin and scores ``glyphs.json``.
"""

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from io import BytesIO

import cv2
import numpy as np
from numpy.typing import NDArray

from covidct.imaging.panels.leaf import PixelBox
from covidct.imaging.panels.lines import Region, darkest, lightest

Grey = NDArray[np.uint8]
Patches = NDArray[np.float32]
"""(marks, SIDE, SIDE, 2): the grey round a mark, ink bright, and the mark's own pixels."""
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
CHARACTERS = LETTERS + LETTERS.lower() + "0123456789()"
"""What the network tells apart; its last output, beyond these, is "no character"."""
SIDE = 24
_TENTH = (SIDE * SIDE // 10, SIDE * SIDE // 10 + 1)
"""A tenth of a patch's pixels are darker than those of these ranks."""
_INK = 16
"""Longer side of a mark within its patch: what is left shows whether it stands by itself."""


@dataclass(frozen=True)
class Limits:
    """Thresholds of the search for marks."""

    pure: int = 236
    """Grey from which ink is white (for dark ink: black) as only print is."""
    usual: int = 165
    """The same, for ink that scaling and JPEG have dimmed."""
    faint: int = 110
    """The same, for strokes of one pixel and letters in one colour."""
    above: int = 45
    """Grey by which ink stands out from the mean of its surroundings, on tissue."""
    around: int = 31
    """Side of those surroundings, pixels."""
    lowest: int = 7
    """Height of a mark, pixels, after enlarging."""
    tallest: float = 0.14
    """Height of a mark as a share of the figure's shorter side, at most; 40 pixels are always allowed."""
    crowded: float = 0.42
    """Share of ink in a ring round the mark from which it is part of something else."""
    most: int = 700
    """Marks read in one map of ink: tissue and charts have thousands."""
    colour: int = 120
    """Levels between the channels of a strong colour; ``coloured``: share of it in a figure from which white on
    colours is read, too."""
    coloured: float = 0.005
    small: int = 1000
    """Longer side of a figure, pixels, up to which it is enlarged twice: letters of 8 pixels get 16."""


LIMITS = Limits()


@dataclass(frozen=True)
class Marks:
    """Marks of a letter's size: boxes (n, 4) in pixels, patches, and which were dark on light."""

    boxes: NDArray[np.int32]
    patches: Patches
    dark: NDArray[np.bool_]


@dataclass(frozen=True)
class Character:
    """One printed character: its likelihoods (len(CHARACTERS) + 1), box in pixels of the figure, and its ink."""

    scores: NDArray[np.float32]
    box: PixelBox
    dark: bool

    @property
    def name(self) -> str:
        """The likeliest character."""
        return CHARACTERS[int(self.scores[:-1].argmax())]

    @property
    def sure(self) -> float:
        """Probability that it is a character at all."""
        return 1 - float(self.scores[-1])


def characters(image: Region, least: float = 0.4) -> list[Character]:
    """Characters of ``image`` (H, W, 3), each of at least probability ``least``, the surest of any two that overlap."""
    scale = 2 if max(image.shape[:2]) <= LIMITS.small else 1
    seen = marks(enlarged(image, scale))
    scores = read(seen.patches)
    order = np.argsort(scores[:, -1], kind="stable")
    order = order[scores[order, -1] <= 1 - least]
    kept: list[int] = []
    for index in order.tolist():
        if not kept or float(_overlap(seen.boxes[index], seen.boxes[kept]).max()) < 0.3:
            kept.append(index)
    return [Character(scores[i], _box(seen.boxes[i], scale), bool(seen.dark[i])) for i in kept]


def _box(box: NDArray[np.int32], scale: int) -> PixelBox:
    x0, y0, x1, y1 = (int(v) for v in box)
    return x0 // scale, y0 // scale, -(-x1 // scale), -(-y1 // scale)


def _overlap(box: NDArray[np.int32], others: NDArray[np.int32]) -> NDArray[np.float64]:
    """Intersection over the smaller area of ``box`` with each of ``others`` (n, 4)."""
    sides = np.minimum(box[2:], others[:, 2:]) - np.maximum(box[:2], others[:, :2])
    both = np.clip(sides, 0, None).prod(1)
    areas = (others[:, 2:] - others[:, :2]).prod(1)
    return np.asarray(both / np.minimum(areas, (box[2:] - box[:2]).prod()))


def enlarged(image: Region, scale: int) -> Region:
    """Strokes a pixel wide keep their shape, and gaps between a letter and its bracket stay open."""
    if scale == 1:
        return image
    return np.asarray(cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC), np.uint8)


def marks(image: Region) -> Marks:
    """Marks of a letter's size in ``image`` (h, w, 3), light ones and dark ones."""
    tallest = max(40, round(LIMITS.tallest * min(image.shape[:2])))
    boxes, patches, dark = [], [], []
    for is_dark, ink in _inks(image):
        for inked in _maps(ink):
            found = _sized(inked, tallest)
            boxes += [box for box, _ in found]
            patches += [_patch(ink, box, own) for box, own in found]
            dark += [is_dark] * len(found)
    return Marks(
        np.asarray(boxes, np.int32).reshape(-1, 4),
        np.asarray(patches, np.float32).reshape(-1, SIDE, SIDE, 2),
        np.asarray(dark, np.bool_),
    )


def _inks(image: Region) -> list[tuple[bool, Grey]]:
    """Light ink and dark ink; where there are colours also white on them, which is no lighter than orange is."""
    light, least = lightest(image), darkest(image)
    inks = [(False, light), (True, np.asarray(255 - least, np.uint8))]
    coloured = float((cv2.subtract(light, least) > LIMITS.colour).mean()) >= LIMITS.coloured
    return [*inks, (False, least)] if coloured else inks


def _maps(ink: Grey) -> list[Grey]:
    """Where ink is, by each threshold, as 0 and 1."""
    around = cv2.blur(ink, (LIMITS.around, LIMITS.around))
    levels = [np.asarray(ink > level, np.uint8) for level in (LIMITS.pure, LIMITS.usual, LIMITS.faint)]
    return [*levels, np.asarray(cv2.subtract(ink, around) > LIMITS.above, np.uint8)]


def _sized(inked: Grey, tallest: int) -> list[tuple[PixelBox, NDArray[np.bool_]]]:
    """Connected ink of a letter's size and shape that stands apart: box, and its own pixels within."""
    _, labels, measured, _ = cv2.connectedComponentsWithStats(inked)
    stats = np.asarray(measured, np.int64)
    x, y, w, h, area = stats.T
    fits = (h >= LIMITS.lowest) & (h <= tallest) & (w >= 2) & (w <= 1.5 * h) & (w >= 0.12 * h) & (area >= 0.14 * w * h)
    fits[0] = False
    chosen = np.flatnonzero(fits)
    chosen = chosen[_crowd(inked, stats[chosen]) < LIMITS.crowded][: LIMITS.most]
    found = []
    for index in chosen.tolist():
        x0, y0, x1, y1 = (int(v) for v in (x[index], y[index], x[index] + w[index], y[index] + h[index]))
        found.append(((x0, y0, x1, y1), labels[y0:y1, x0:x1] == index))
    return found


def _crowd(inked: Grey, stats: NDArray[np.int64]) -> NDArray[np.float64]:
    """Share of other ink in a ring of a sixth of its height round each mark."""
    total = cv2.integral(inked)
    x, y, w, h, _ = stats.T
    rim = np.maximum(2, h // 6)
    left, top = np.maximum(0, x - rim), np.maximum(0, y - rim)
    right, bottom = np.minimum(inked.shape[1], x + w + rim), np.minimum(inked.shape[0], y + h + rim)
    outer = total[bottom, right] - total[top, right] - total[bottom, left] + total[top, left]
    inner = total[y + h, x + w] - total[y, x + w] - total[y + h, x] + total[y, x]
    ring = (right - left) * (bottom - top) - w * h
    return np.asarray((outer - inner) / np.maximum(ring, 1), np.float64)


def _patch(ink: Grey, box: PixelBox, own: NDArray[np.bool_]) -> Patches:
    """The mark in the middle of its surroundings, scaled so that its longer side is ``_INK`` pixels."""
    x0, y0, x1, y1 = box
    scale = _INK / max(x1 - x0, y1 - y0)
    shift = np.array([[scale, 0, 0], [0, scale, 0]], np.float64)
    reach = round(SIDE / 2 / scale) + 2
    cx, cy = (x0 + x1) / 2, (y0 + y1) / 2
    left, top = max(0, int(cx) - reach), max(0, int(cy) - reach)
    part = ink[top : int(cy) + reach + 1, left : int(cx) + reach + 1]
    mask = np.zeros(part.shape, np.uint8)
    mask[y0 - top : y1 - top, x0 - left : x1 - left] = own * np.uint8(255)
    shift[:, 2] = SIDE / 2 - scale * (cx - left - 0.5) - 0.5, SIDE / 2 - scale * (cy - top - 0.5) - 0.5
    out = np.empty((SIDE, SIDE, 2), np.float32)
    for channel, picture in enumerate((part, mask)):
        soft = cv2.blur(picture, (k, k)) if (k := int(1 / scale)) > 1 else picture
        out[:, :, channel] = cv2.warpAffine(soft, shift, (SIDE, SIDE), borderMode=cv2.BORDER_REPLICATE)
    low = float(np.partition(out[:, :, 0], _TENTH, axis=None)[list(_TENTH)].mean())
    high = max(low + 20, float(out[4:-4, 4:-4, 0].max()))
    out[:, :, 0] = np.clip((out[:, :, 0] - low) / (high - low), -0.5, 1)
    out[:, :, 1] /= 255
    return out


def read(patches: Patches, batch: int = 256) -> NDArray[np.float32]:
    """(n, len(CHARACTERS) + 1) probabilities of each character, and of none, for ``patches``."""
    parts = [_run(patches[start : start + batch]) for start in range(0, len(patches), batch)]
    return np.concatenate(parts) if parts else np.zeros((0, len(CHARACTERS) + 1), np.float32)


def _run(x: Patches) -> NDArray[np.float32]:
    weights = _weights()
    for layer in ("0", "3", "6"):
        x = np.maximum(_halve(_convolve(x, weights[f"{layer}.weight"], weights[f"{layer}.bias"])), 0)
    flat = x.transpose(0, 3, 1, 2).reshape(len(x), -1)
    hidden = np.maximum(flat @ weights["10.weight"].T + weights["10.bias"], 0)
    logits = hidden @ weights["12.weight"].T + weights["12.bias"]
    powers = np.exp(logits - logits.max(1, keepdims=True))
    return np.asarray(powers / powers.sum(1, keepdims=True), np.float32)


def _convolve(x: Patches, weight: NDArray[np.float32], bias: NDArray[np.float32]) -> Patches:
    """3 x 3 convolution with zeros around; x is (n, h, w, inputs), ``weight`` outputs x inputs x 3 x 3."""
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    views = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(1, 2)).transpose(0, 1, 2, 4, 5, 3)
    matrix = weight.transpose(2, 3, 1, 0).reshape(-1, len(weight))
    out = views.reshape(-1, len(matrix)) @ matrix + bias
    return np.asarray(out.reshape(*x.shape[:3], -1), np.float32)


def _halve(x: Patches) -> Patches:
    rows = np.maximum(x[:, ::2], x[:, 1::2])
    return np.asarray(np.maximum(rows[:, :, ::2], rows[:, :, 1::2]), np.float32)


@cache
def _weights() -> dict[str, NDArray[np.float32]]:
    data = files("covidct.imaging.panels").joinpath("glyphs.npz").read_bytes()
    with np.load(BytesIO(data), allow_pickle=False) as stored:
        return {name: stored[name].astype(np.float32) for name in stored.files}
