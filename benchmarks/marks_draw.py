"""Marks drawn on slices the way that figures carry them, with the class of each pixel beside the picture.

Text of many kinds and faint scanner text, arrows, rings, boxes, bars, stars, measuring lines, outlines drawn by hand,
coloured veils; sharp or shrunk from twice the size, and half of it through JPEG.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from marks_backgrounds import Generator, jpeg
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from covidct.imaging.overlays.net import CLASSES

_LISTED = (
    "A B C D E F G H R L P a b c d 1 2 3 4 10 1A 2b 3c (a) (b) (C) * ** + I: II Day 3 Day 12 day 7 Feb 10 "
    "2020-01-30 12/02/2020 12:45:10 Se: 3 Im: 12/60 120 kV 250 mAs W 1200 WL:-500 WW:1600 W:350 L:40 5 cm 10 "
    "mm FOV 350 1.25mm HOSPITAL M 45Y ID 002143 NAME X LUNG 512x512 R L A P H F Axial 2.5 Zoom:120% x7 No. 4 "
    "Pre Post "
)
WORDS = _LISTED.split()
LETTERS = list("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:/.-abcdefghkmnrstuxyz")
Ink = tuple[int, int, int]
Pictures = tuple[NDArray[np.uint8], NDArray[np.uint8]]
PURE = [(255, 255, 255), (0, 0, 0), (255, 255, 0), (255, 0, 0), (0, 255, 255), (0, 255, 0), (0, 0, 255), (255, 0, 255)]
SEEN = 16
"""A mark's pixel counts where it differs from the slice by more than this many grey levels."""


def pick(rng: Generator, *choices: float) -> float:
    return float(rng.choice(choices))


def colour(rng: Generator, white: float = 0.0) -> Ink:
    """An ink; ``white``: share of cases in which it is white whatever else is drawn."""
    if rng.random() < white:
        return 255, 255, 255
    draw = rng.random()
    if draw < 0.34:
        level = 255 if rng.random() < 0.8 else int(rng.integers(225, 256))
        return level, level, level
    if draw < 0.62:
        level = 0 if rng.random() < 0.8 else int(rng.integers(0, 30))
        return level, level, level
    if draw < 0.85:
        return PURE[int(rng.integers(2, len(PURE)))]
    hue = np.array([[[rng.integers(0, 180), rng.integers(150, 256), rng.integers(150, 256)]]], np.uint8)
    r, g, b = cv2.cvtColor(hue, cv2.COLOR_HSV2RGB)[0, 0]
    return int(r), int(g), int(b)


@dataclass(frozen=True)
class Canvas:
    """A picture that is drawn on, ``width`` x ``height`` pixels; marks are measured in its shorter side ``n``."""

    image: Image.Image
    pen: ImageDraw.ImageDraw
    width: int
    height: int

    @property
    def n(self) -> int:
        return min(self.width, self.height)

    def place(self, rng: Generator, low: float = 0.0, high: float = 1.0) -> NDArray[np.float64]:
        """A point, x and y in pixels, each between the shares ``low`` and ``high`` of the picture's size."""
        return np.asarray(rng.uniform(low, high, 2) * (self.width, self.height), np.float64)

    def dark_place(self, rng: Generator) -> NDArray[np.float64]:
        """A point in what may be lung: dark, but not the black of ink; anywhere where none is met."""
        for _ in range(30):
            point = self.place(rng, 0.05, 0.95)
            if 15 <= np.mean(self.image.getpixel((int(point[0]), int(point[1])))) <= 110:
                break
        return point


def font(rng: Generator, size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    import matplotlib

    folder = Path(matplotlib.get_data_path()) / "fonts/ttf"
    names = ("DejaVuSans.ttf", "DejaVuSans-Bold.ttf", "DejaVuSerif.ttf", "DejaVuSerif-Bold.ttf", "DejaVuSansMono.ttf")
    if rng.random() < 0.5:
        return ImageFont.load_default(size)
    return ImageFont.truetype(str(folder / str(rng.choice(names))), size)


def words(rng: Generator) -> str:
    if rng.random() < 0.25:
        return "".join(rng.choice(LETTERS, rng.integers(1, 9)))
    return " ".join(rng.choice(WORDS, int(pick(rng, 1, 1, 1, 2, 3))))


def text(canvas: Canvas, rng: Generator) -> str:
    ink = colour(rng)
    edge = (0, 0, 0) if sum(ink) > 300 else (255, 255, 255)
    width = int(pick(rng, 0, 0, 0, 1))
    size = int(rng.uniform(0.03, 0.12) * canvas.n)
    at = tuple(canvas.place(rng, -0.03, 0.95))
    canvas.pen.text(at, words(rng), fill=ink, font=font(rng, max(8, size)), stroke_width=width, stroke_fill=edge)
    return "text"


def plate(canvas: Canvas, rng: Generator) -> str:
    """Text on a small filled board."""
    at, letters = tuple(canvas.place(rng, 0, 0.9)), words(rng)[:6]
    face = font(rng, max(8, int(rng.uniform(0.03, 0.1) * canvas.n)))
    x0, y0, x1, y1 = canvas.pen.textbbox(at, letters, font=face)
    board, ink = ((255, 255, 255), (0, 0, 0)) if rng.random() < 0.5 else ((0, 0, 0), (255, 255, 255))
    rim = rng.uniform(0.005, 0.03) * canvas.n
    canvas.pen.rectangle([x0 - rim, y0 - rim, x1 + rim, y1 + rim], fill=board)
    canvas.pen.text(at, letters, fill=ink, font=face)
    return "text"


def scanner_text(canvas: Canvas, rng: Generator) -> str:
    """A few small lines of grey, often faint text in a corner, as consoles print it."""
    level = int(rng.uniform(80, 255))
    face = font(rng, max(7, int(rng.uniform(0.022, 0.05) * canvas.n)))
    lines = "\n".join(words(rng) for _ in range(int(rng.integers(1, 5))))
    x = float(rng.choice([rng.uniform(-0.05, 0.05), rng.uniform(0.6, 0.95)])) * canvas.width
    y = float(rng.choice([rng.uniform(-0.03, 0.05), rng.uniform(0.75, 0.98)])) * canvas.height
    blue = level if rng.random() < 0.85 else level // 2
    canvas.pen.multiline_text((x, y), lines, fill=(level, level, blue), font=face)
    return "text"


def arrow(canvas: Canvas, rng: Generator) -> str:
    angle, length = rng.uniform(0, 2 * np.pi), rng.uniform(0.04, 0.16) * canvas.n
    along, across = np.array([np.cos(angle), np.sin(angle)]), np.array([-np.sin(angle), np.cos(angle)])
    tip, head, wide = canvas.place(rng, 0.03, 0.97), rng.uniform(0.25, 0.6), rng.uniform(0.15, 0.4)
    neck, ink = tip - head * length * along, colour(rng, 0.2)
    edge = [None, None, (0, 0, 0), (255, 255, 255)][int(rng.integers(4))]
    width = max(1, int(rng.uniform(0.004, 0.02) * canvas.n))
    shaft = rng.random() < 0.6
    if shaft:
        canvas.pen.line([*(tip - length * along), *neck], fill=ink, width=width)
    left, right = neck + wide * length * across, neck - wide * length * across
    if rng.random() < 0.2 and shaft:  # an open head
        canvas.pen.line([*left, *tip, *right], fill=ink, width=width)
        return "arrow"
    middle = [tuple(neck + rng.uniform(0.1, 0.3) * length * along)] if rng.random() < 0.25 else []
    canvas.pen.polygon([tuple(tip), tuple(left), *middle, tuple(right)], fill=ink, outline=edge)
    return "arrow"


def dark_arrow(canvas: Canvas, rng: Generator) -> str:
    """A black arrow, sometimes without a shaft, that points at something, mostly in the lung."""
    level = 0 if rng.random() < 0.65 else int(rng.integers(0, 70))
    place = canvas.dark_place(rng) if rng.random() < 0.6 else canvas.place(rng, 0.03, 0.97)
    return _pointer(canvas, rng, place, (level, level, level), bool(rng.random() < 0.6))


def arrowhead(canvas: Canvas, rng: Generator) -> str:
    """A solid triangle without a shaft, black or white."""
    level = 0 if rng.random() < 0.5 else 255
    place = canvas.dark_place(rng) if level == 0 or rng.random() < 0.5 else canvas.place(rng, 0.03, 0.97)
    return _pointer(canvas, rng, place, (level, level, level), False)


def _pointer(canvas: Canvas, rng: Generator, tip: NDArray[np.float64], ink: Ink, shaft: bool) -> str:
    angle, size = rng.uniform(0, 2 * np.pi), rng.uniform(0.018, 0.09) * canvas.n
    along, across = np.array([np.cos(angle), np.sin(angle)]), np.array([-np.sin(angle), np.cos(angle)])
    neck, wide = tip - size * along, rng.uniform(0.25, 0.6) * size
    notch = [tuple(neck + rng.uniform(0.1, 0.45) * size * along)] if rng.random() < 0.4 else []
    if shaft:
        thick = max(1, int(rng.uniform(0.15, 0.5) * size))
        canvas.pen.line(
            [*(neck - rng.uniform(0.5, 3) * size * along), *(neck + 0.2 * size * along)], fill=ink, width=thick
        )
    edge = (255, 255, 255) if sum(ink) == 0 and rng.random() < 0.15 else None
    canvas.pen.polygon(
        [tuple(tip), tuple(neck + wide * across), *notch, tuple(neck - wide * across)], fill=ink, outline=edge
    )
    return "arrow"


def block_arrow(canvas: Canvas, rng: Generator) -> str:
    """An arrow of one outline with a broad shaft, filled or hollow."""
    angle, length = rng.uniform(0, 2 * np.pi), rng.uniform(0.04, 0.2) * canvas.n
    along, across = np.array([np.cos(angle), np.sin(angle)]), np.array([-np.sin(angle), np.cos(angle)])
    head, wide, shaft = rng.uniform(0.35, 0.6), rng.uniform(0.25, 0.45), rng.uniform(0.06, 0.24)
    outline = [(0, 0), (head, wide), (head, shaft), (1, shaft), (1, -shaft), (head, -shaft), (head, -wide)]
    tip, ink = canvas.place(rng, 0.05, 0.95), colour(rng, 0.3)
    points = [tuple(tip - length * (back * along - side * across)) for back, side in outline]
    fill = None if rng.random() < 0.3 else ink
    edge = [ink, (0, 0, 0), (255, 255, 255)][int(rng.integers(3))] if fill else ink
    canvas.pen.polygon(points, fill=fill, outline=edge, width=max(1, int(rng.uniform(0.003, 0.008) * canvas.n)))
    return "arrow"


def outlined_arrow(canvas: Canvas, rng: Generator) -> str:
    """A white arrow with a black rim, or the other way round; small ones too, with or without a shaft."""
    angle, length = rng.uniform(0, 2 * np.pi), rng.uniform(0.025, 0.2) * canvas.n
    along, across = np.array([np.cos(angle), np.sin(angle)]), np.array([-np.sin(angle), np.cos(angle)])
    head, wide, shaft = rng.uniform(0.15, 0.6), rng.uniform(0.1, 0.45), rng.uniform(0.02, 0.2)
    outline = [(0, 0), (head, wide), (head, shaft), (1, shaft), (1, -shaft), (head, -shaft), (head, -wide)]
    points = [tuple(length * (back * along - side * across)) for back, side in outline]
    kept = points if rng.random() < 0.7 else [points[0], points[1], points[-1]]
    tip, rim = canvas.place(rng, 0.03, 0.97), max(1, int(rng.uniform(0.003, 0.009) * canvas.n))
    ink, edge = ((255,) * 3, (0,) * 3) if rng.random() < 0.6 else ((0,) * 3, (255,) * 3)
    canvas.pen.polygon([(tip[0] + x, tip[1] + y) for x, y in kept], fill=ink, outline=edge, width=rim)
    return "arrow"


def _hollow(canvas: Canvas, rng: Generator, shape: Callable[..., None]) -> str:
    r = rng.uniform(0.025, 0.14, 2) if rng.random() < 0.4 else np.full(2, rng.uniform(0.03, 0.13))
    centre, width = canvas.place(rng), max(1, int(rng.uniform(0.004, 0.012) * canvas.n))
    shape([*(centre - r * canvas.n), *(centre + r * canvas.n)], outline=colour(rng), width=width)
    return "marker"


def ring(canvas: Canvas, rng: Generator) -> str:
    return _hollow(canvas, rng, canvas.pen.ellipse)


def box(canvas: Canvas, rng: Generator) -> str:
    return _hollow(canvas, rng, canvas.pen.rectangle)


def outline(canvas: Canvas, rng: Generator) -> str:
    """A closed line drawn by hand round a finding."""
    points = _wobbly(canvas, rng, rng.uniform(0.04, 0.15))
    canvas.pen.line([*points, points[0]], fill=colour(rng), width=max(1, int(rng.uniform(0.004, 0.01) * canvas.n)))
    return "marker"


def veil(canvas: Canvas, rng: Generator) -> str:
    """A see-through patch of strong colour."""
    canvas.pen.polygon(_wobbly(canvas, rng, rng.uniform(0.02, 0.12)), fill=PURE[int(rng.integers(2, len(PURE)))])
    return "marker"


def _wobbly(canvas: Canvas, rng: Generator, radius: float) -> list[tuple[float, float]]:
    angles = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    far = 1 + sum(rng.normal(0, 0.12) * np.cos(k * angles + rng.uniform(0, 6)) for k in range(1, 6))
    points = np.stack([np.cos(angles) * far, np.sin(angles) * far], 1) * radius * canvas.n + canvas.place(rng)
    return [(float(x), float(y)) for x, y in points]


def bar(canvas: Canvas, rng: Generator) -> str:
    n, ink, thick = canvas.n, colour(rng), max(1.0, rng.uniform(0.004, 0.015) * canvas.n)
    (x, y), long = canvas.place(rng, 0, 0.95), rng.uniform(0.05, 0.3) * n
    upright = rng.random() < 0.3
    canvas.pen.rectangle([x, y, x + thick, y + long] if upright else [x, y, x + long, y + thick], fill=ink)
    if rng.random() < 0.25:
        for step in np.linspace(0, long, int(rng.integers(2, 11))):
            at = [x, y + step, x + 3 * thick, y + step] if upright else [x + step, y - 2 * thick, x + step, y]
            canvas.pen.line(at, fill=ink, width=max(1, int(thick / 2)))
    return "marker"


def ruler(canvas: Canvas, rng: Generator) -> str:
    """The console's column of ticks near a side, some of them longer."""
    level, step = int(rng.uniform(0, 255)), rng.uniform(0.012, 0.06) * canvas.n
    x, y = canvas.place(rng, 0.02, 0.6)
    x = float(rng.choice([rng.uniform(-0.01, 0.06), rng.uniform(0.88, 0.99)])) * canvas.width
    ink, ticks = (level, level, level) if rng.random() < 0.6 else colour(rng), int(rng.integers(6, 22))
    if rng.random() < 0.5:
        side = x + float(rng.choice([0, 0.035])) * canvas.n
        canvas.pen.line([side, y, side, y + (ticks - 1) * step], fill=ink, width=max(1, canvas.n // 300))
    for tick in range(ticks):
        long = (0.035 if tick % 5 == 0 else 0.018) * canvas.n
        canvas.pen.line([x, y + tick * step, x + long, y + tick * step], fill=ink, width=max(1, canvas.n // 300))
    return "marker"


def scale(canvas: Canvas, rng: Generator) -> str:
    """A long line with ticks along a side or through the picture, sometimes with its length beside it."""
    level = int(rng.uniform(120, 255))
    ink = (level, level, level) if rng.random() < 0.7 else colour(rng)
    start, long, ticks = canvas.place(rng, 0.01, 0.5), rng.uniform(0.25, 0.9) * canvas.n, int(rng.integers(3, 25))
    upright, wide = bool(rng.random() < 0.5), max(1, canvas.n // 300)
    step = np.array([0.0, 1.0]) if upright else np.array([1.0, 0.0])
    for tick in np.linspace(0, long, ticks):
        side = step[::-1] * rng.choice([0.012, 0.02]) * canvas.n
        canvas.pen.line([*(start + tick * step - side), *(start + tick * step + side)], fill=ink, width=wide)
    if rng.random() < 0.8:
        canvas.pen.line([*start, *(start + long * step)], fill=ink, width=wide)
    if rng.random() < 0.4:
        face = font(rng, max(8, int(0.04 * canvas.n)))
        canvas.pen.text(
            tuple(start + 0.03 * canvas.n), str(rng.choice(["10 cm", "5 cm", "50 mm"])), fill=ink, font=face
        )
    return "marker"


def reference(canvas: Canvas, rng: Generator) -> str:
    """A thin line over the whole picture, as viewers draw where another plane lies; sometimes two that cross."""
    ink, width = colour(rng, 0.3), max(1, canvas.n // int(rng.integers(150, 500)))
    tilt = 0.0 if rng.random() < 0.8 else rng.uniform(-0.6, 0.6)
    middle, reach = canvas.place(rng, 0.05, 0.95), 2 * max(canvas.width, canvas.height)
    turns = (tilt, tilt + np.pi / 2) if rng.random() < 0.4 else (tilt + (np.pi / 2 if rng.random() < 0.5 else 0),)
    dash = rng.uniform(3, 12) if rng.random() < 0.35 else 0.0
    for turn in turns:
        step = np.array([np.cos(turn), np.sin(turn)])
        pieces = np.arange(-reach, reach, 2 * dash) if dash else np.array([-reach])
        for low in pieces:
            high = low + dash if dash else reach
            canvas.pen.line([*(middle + low * step), *(middle + high * step)], fill=ink, width=width)
    return "marker"


def cut_words(canvas: Canvas, rng: Generator) -> str:
    """A line of words that a crop has cut through."""
    level = int(rng.uniform(110, 255)) if rng.random() < 0.7 else 0
    face = font(rng, max(7, int(rng.uniform(0.02, 0.09) * canvas.n)))
    line = words(rng) + " " + words(rng) if rng.random() < 0.5 else words(rng)
    _, y0, x1, y1 = canvas.pen.textbbox((0, 0), line, font=face)
    x, y = canvas.place(rng, 0, 0.9)
    side, share = int(rng.integers(4)), rng.uniform(0.2, 0.85)
    x = (-share * x1, canvas.width - (1 - share) * x1, x, x)[side]
    y = (y, y, -share * y1, canvas.height - y0 - (1 - share) * (y1 - y0))[side]
    canvas.pen.text((float(x), float(y)), line, fill=(level, level, level), font=face)
    return "text"


def star(canvas: Canvas, rng: Generator) -> str:
    centre, r, ink = canvas.place(rng, 0.02, 0.98), rng.uniform(0.01, 0.03) * canvas.n, colour(rng)
    arms, turn = int(rng.integers(2, 5)), rng.uniform(0, np.pi)
    for angle in turn + np.arange(arms) * np.pi / arms:
        step = r * np.array([np.cos(angle), np.sin(angle)])
        canvas.pen.line([*(centre - step), *(centre + step)], fill=ink, width=max(1, int(0.006 * canvas.n)))
    return "marker"


def stroke(canvas: Canvas, rng: Generator) -> str:
    """A straight measuring line, sometimes dashed."""
    start, ink, width = canvas.place(rng), colour(rng), max(1, int(rng.uniform(0.003, 0.01) * canvas.n))
    angle, length = rng.uniform(0, 2 * np.pi), rng.uniform(0.05, 0.3) * canvas.n
    step = length * np.array([np.cos(angle), np.sin(angle)])
    pieces = np.linspace(0, 1, 12).reshape(-1, 2) if rng.random() < 0.4 else np.array([[0.0, 1.0]])
    for low, high in pieces:
        canvas.pen.line([*(start + low * step), *(start + high * step)], fill=ink, width=width)
    return "marker"


Pen = Callable[[Canvas, Generator], str]
"""Draws one mark and says of which of the network's classes it is."""
PENS: dict[Pen, float] = {
    text: 5,
    scanner_text: 5,
    plate: 1,
    arrow: 5,
    block_arrow: 5,
    outlined_arrow: 5,
    dark_arrow: 7,
    arrowhead: 4,
    ring: 1.5,
    box: 1.5,
    outline: 0.5,
    veil: 0.5,
    bar: 1,
    ruler: 4,
    scale: 1,
    reference: 1,
    cut_words: 8,
    star: 0.5,
    stroke: 0.5,
}
"""How often each is drawn."""
_SHARES = np.array(list(PENS.values())) / sum(PENS.values())


@dataclass(frozen=True)
class Drawn:
    """``picture``: height x width x 3; ``owner``: height x width, 0 or 1 + the place in ``marks`` of what shows."""

    picture: NDArray[np.uint8]
    owner: NDArray[np.uint8]
    marks: list[tuple[str, str]]
    """Pen and class of each mark."""

    @property
    def classes(self) -> NDArray[np.uint8]:
        """height x width: the place in CLASSES."""
        table = np.array([0, *(CLASSES.index(kind) for _, kind in self.marks)], np.uint8)
        return np.asarray(table[self.owner])


def draw(rng: Generator, plain: NDArray[np.uint8], most: int = 6) -> Drawn:
    """``plain`` (height x width, or x 3) with up to ``most`` marks, none at all on some."""
    clean = np.repeat(plain[:, :, None], 3, axis=2) if plain.ndim == 2 else plain
    picture, owner = clean.copy(), np.zeros(plain.shape[:2], np.uint8)
    marks: list[tuple[str, str]] = []
    for number in range(1, 1 + int(rng.integers(0, most + 1))):
        pen = list(PENS)[int(rng.choice(len(PENS), p=_SHARES))]
        changed, kind = (_sharp if rng.random() < 0.5 else _smooth)(rng, picture, pen)
        if pen is veil:
            changed = cv2.addWeighted(picture, 1 - (clear := rng.uniform(0.25, 0.7)), changed, clear, 0)
        owner[np.abs(changed.astype(int) - picture).max(2) > 0] = number
        picture = changed
        marks.append((pen.__name__, kind))
    owner[np.abs(picture.astype(int) - clean).max(2) <= SEEN] = 0
    return Drawn(picture, owner, marks)


def _sharp(rng: Generator, picture: NDArray[np.uint8], pen: Pen) -> tuple[NDArray[np.uint8], str]:
    image = Image.fromarray(picture)
    kind = pen(Canvas(image, ImageDraw.Draw(image), *image.size), rng)
    return np.asarray(image), kind


def _smooth(rng: Generator, picture: NDArray[np.uint8], pen: Pen) -> tuple[NDArray[np.uint8], str]:
    """Drawn large and shrunk: smooth edges, as vector marks have when a page is rendered."""
    height, width = picture.shape[:2]
    big = Image.fromarray(picture).resize((2 * width, 2 * height), Image.Resampling.BILINEAR)
    before = np.asarray(big, np.int16)
    kind = pen(Canvas(big, ImageDraw.Draw(big), *big.size), rng)
    change = (np.asarray(big, np.int16) - before).astype(np.float32)
    change = np.asarray(cv2.resize(change, (width, height), interpolation=cv2.INTER_AREA))
    return np.clip(picture + change, 0, 255).astype(np.uint8), kind


def softened(rng: Generator, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Slice and marks as a figure is after a change of size or two: most published marks have no sharp edge left."""
    draw, (height, width) = rng.random(), picture.shape[:2]
    if draw < 0.35:
        return np.asarray(cv2.GaussianBlur(picture, (0, 0), rng.uniform(0.35, 1.3)), np.uint8)
    if draw > 0.8:
        return picture
    share = rng.uniform(0.4, 0.95)
    small = cv2.resize(picture, (int(share * width), int(share * height)), interpolation=cv2.INTER_AREA)
    how = (cv2.INTER_LINEAR, cv2.INTER_CUBIC)[int(rng.integers(2))]
    return np.asarray(cv2.resize(small, (width, height), interpolation=how), np.uint8)


def spoil(rng: Generator, picture: NDArray[np.uint8], owner: NDArray[np.uint8], least: int) -> Pictures:
    """Most go through JPEG, most are softened and some change their size first, not below ``least`` pixels."""
    picture = softened(rng, picture)
    if rng.random() < 0.4:
        size = (np.array(picture.shape[1::-1]) * rng.uniform(0.55, 1.8)).astype(int)
        size = np.maximum(size, least)
        how = cv2.INTER_AREA if size[0] < picture.shape[1] else cv2.INTER_LINEAR
        picture = np.asarray(cv2.resize(picture, size, interpolation=how))
        owner = np.asarray(cv2.resize(owner, size, interpolation=cv2.INTER_NEAREST))
    if rng.random() < 0.7:
        picture = jpeg(rng, picture, 45, 95)
    return picture, owner
