"""Drawn pictures of the other kinds that papers hold: charts, and what only looks like a CT slice at first sight."""

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from covidct.imaging.phantoms import phantom
from drawn.coronal import coronal

Picture = NDArray[np.uint8]
"""(H, W, 3), RGB."""
Drawing = Callable[[np.random.Generator], Picture]
Canvas = NDArray[np.float32]
INKS = ((31, 119, 180), (255, 127, 14), (44, 160, 44), (214, 39, 40), (148, 103, 189), (90, 90, 90), (0, 0, 0))
WORDS = (
    "Patients",
    "Days",
    "COVID-19",
    "Excluded",
    "n = 42",
    "Control",
    "Enrolled",
    "RT-PCR",
    "Fever",
    "Total",
    "0.05",
)


def chart(rng: np.random.Generator, width: int = 320, height: int = 260) -> Picture:
    """A bar, line, band or dot chart with axes, ticks and words on white, (height, width, 3)."""
    image = np.full((height, width, 3), 255, np.uint8)
    left, right, top, bottom = round(width * 0.16), round(width * 0.95), round(height * 0.12), round(height * 0.85)
    draw = (_bars, _curves, _dots, _ribbon)[int(rng.integers(4))]
    if rng.random() < 0.4:
        for y in np.linspace(top, bottom, 6).astype(int):
            cv2.line(image, (left, int(y)), (right, int(y)), (225, 225, 225), 1)
    draw(rng, image, (left, top, right, bottom))
    cv2.line(image, (left, top), (left, bottom), (0, 0, 0), 1)
    cv2.line(image, (left, bottom), (right, bottom), (0, 0, 0), 1)
    scale = max(0.25, height / 900)
    for index in range(5):
        y = bottom - index * (bottom - top) // 5
        cv2.line(image, (left - 4, y), (left, y), (0, 0, 0), 1)
        cv2.putText(image, str(index * int(rng.integers(1, 30))), (2, y + 3), 0, scale, (0, 0, 0), 1, cv2.LINE_AA)
        x = left + index * (right - left) // 5
        cv2.line(image, (x, bottom), (x, bottom + 4), (0, 0, 0), 1)
        cv2.putText(image, f"{index}d", (x + 4, bottom + 14), 0, scale, (0, 0, 0), 1, cv2.LINE_AA)
    cv2.putText(image, "Patients (n)", (left + 10, max(10, top - 6)), 0, scale * 1.2, (0, 0, 0), 1, cv2.LINE_AA)
    return image


def _ink(rng: np.random.Generator) -> tuple[int, int, int]:
    return INKS[int(rng.integers(len(INKS)))]


def _colour(rng: np.random.Generator, low: int = 0, high: int = 256) -> tuple[int, int, int]:
    r, g, b = rng.integers(low, high, 3)
    return int(r), int(g), int(b)


def _bars(rng: np.random.Generator, image: Picture, frame: tuple[int, int, int, int]) -> None:
    left, top, right, bottom = frame
    count, inks = int(rng.integers(3, 30)), [_ink(rng) for _ in range(int(rng.integers(1, 5)))]
    step = (right - left) / count
    for index in range(count):
        x, y = round(left + index * step + step * 0.2), bottom
        for ink in inks[: int(rng.integers(1, len(inks) + 1))]:
            rise = round(rng.uniform(0, max(2, (y - top) * 0.8)))
            cv2.rectangle(image, (x, y - rise), (round(x + step * 0.6), y), ink, -1)
            y -= rise


def _curves(rng: np.random.Generator, image: Picture, frame: tuple[int, int, int, int]) -> None:
    left, top, right, bottom = frame
    for _ in range(int(rng.integers(1, 5))):
        x = np.linspace(left, right, 40)
        level = np.cumsum(rng.normal(0, 1, 40))
        level = (level - level.min()) / max(float(np.ptp(level)), 1e-6)
        points = np.stack([x, bottom - level * (bottom - top) * rng.uniform(0.3, 0.95)], 1).round().astype(np.int32)
        cv2.polylines(image, [points], False, _ink(rng), int(rng.integers(1, 3)), cv2.LINE_AA)


def _ribbon(rng: np.random.Generator, image: Picture, frame: tuple[int, int, int, int]) -> None:
    """A curve with its band of uncertainty."""
    left, top, right, bottom = frame
    x = np.linspace(left, right, 40)
    middle = (top + bottom) / 2 + np.cumsum(rng.normal(0, (bottom - top) / 60, 40))
    half = (bottom - top) * rng.uniform(0.05, 0.3, 40).cumsum() / 12
    edge = np.concatenate([np.stack([x, middle - half], 1), np.stack([x[::-1], (middle + half)[::-1]], 1)])
    cv2.fillPoly(image, [edge.round().astype(np.int32)], _colour(rng, 120, 235))
    cv2.polylines(image, [np.stack([x, middle], 1).round().astype(np.int32)], False, _ink(rng), 2, cv2.LINE_AA)


def _dots(rng: np.random.Generator, image: Picture, frame: tuple[int, int, int, int]) -> None:
    left, top, right, bottom = frame
    ink = _ink(rng)
    for _ in range(int(rng.integers(20, 90))):
        spot = (int(rng.uniform(left, right)), int(rng.uniform(top, bottom)))
        cv2.circle(image, spot, int(rng.integers(2, 4)), ink, -1, cv2.LINE_AA)


def _size(rng: np.random.Generator) -> tuple[int, int]:
    return int(rng.integers(220, 640)), int(rng.integers(200, 620))


def charts(rng: np.random.Generator) -> Picture:
    """One chart, or a page of several."""
    rows, columns = ((1, 1), (1, 1), (1, 2), (2, 2), (2, 1), (3, 3))[int(rng.integers(6))]
    width, height = int(rng.integers(160, 420)), int(rng.integers(140, 360))
    return np.vstack([np.hstack([chart(rng, width, height) for _ in range(columns)]) for _ in range(rows)])


def diagram(rng: np.random.Generator) -> Picture:
    """A flow chart, a table, a tree of lines, or a map of coloured patches, on white or pale paper."""
    w, h = _size(rng)
    paper = (255, 255, 255) if rng.random() < 0.8 else _colour(rng, 205, 256)
    image = np.full((h, w, 3), paper, np.uint8)
    (_flow, _table, _tree, _map)[int(rng.integers(4))](rng, image)
    return image


def _word(rng: np.random.Generator, image: Picture, x: int, y: int) -> None:
    word = " ".join(WORDS[int(i)] for i in rng.integers(0, len(WORDS), int(rng.integers(1, 4))))
    cv2.putText(image, word, (x, y), 0, float(rng.uniform(0.3, 0.55)), (20, 20, 20), 1, cv2.LINE_AA)


def _flow(rng: np.random.Generator, image: Picture) -> None:
    h, w = image.shape[:2]
    fill = (255, 255, 255) if rng.random() < 0.5 else _colour(rng, 150, 250)
    for y in range(12, h - 40, max(50, h // 6)):
        for x in range(12, w - 90, max(110, w // int(rng.integers(1, 4)))):
            right = min(w - 6, x + int(rng.integers(80, 180)))
            cv2.rectangle(image, (x, y), (right, y + 32), fill, -1)
            cv2.rectangle(image, (x, y), (right, y + 32), (0, 0, 0), 1)
            _word(rng, image, x + 4, y + 20)
            cv2.arrowedLine(image, ((x + right) // 2, y + 32), ((x + right) // 2, y + 46), (0, 0, 0), 1)


def _table(rng: np.random.Generator, image: Picture) -> None:
    h, w = image.shape[:2]
    stripe = _colour(rng, 200, 250)
    image[:24] = _colour(rng, 30, 220)
    for row, y in enumerate(range(24, h, 22)):
        if row % 2 and rng.random() < 0.9:
            image[y : y + 22] = stripe
        for x in range(6, w - 40, max(80, w // 5)):
            _word(rng, image, x, y + 15)


def _tree(rng: np.random.Generator, image: Picture) -> None:
    h, w = image.shape[:2]
    for _ in range(int(rng.integers(20, 90))):
        x, y = int(rng.integers(0, w)), int(rng.integers(0, h))
        end = (min(w - 1, x + int(rng.integers(5, w // 3))), y)
        cv2.line(image, (x, y), end, _ink(rng) if rng.random() < 0.3 else (0, 0, 0), 1)
        cv2.line(image, (x, y), (x, min(h - 1, y + int(rng.integers(4, 50)))), (0, 0, 0), 1)
        if rng.random() < 0.5:
            _word(rng, image, end[0], y)


def _map(rng: np.random.Generator, image: Picture) -> None:
    h, w = image.shape[:2]
    base = np.array(_colour(rng, 60, 220))
    for _ in range(int(rng.integers(8, 40))):
        middle, reach = rng.uniform((0.2 * w, 0.2 * h), (0.8 * w, 0.8 * h)), rng.uniform(0.05, 0.2) * min(w, h)
        angle = np.sort(rng.uniform(0, 2 * np.pi, 9))
        radius = reach * rng.uniform(0.6, 1.2, 9)
        outline = np.stack([middle[0] + radius * np.cos(angle), middle[1] + radius * np.sin(angle)], 1).round()
        shade = np.clip(base + rng.integers(-60, 60), 0, 255)
        cv2.fillPoly(image, [outline.astype(np.int32)], tuple(int(v) for v in shade))
        cv2.polylines(image, [outline.astype(np.int32)], True, (90, 90, 90), 1, cv2.LINE_AA)
    for _ in range(5):
        _word(rng, image, int(rng.integers(0, w - 60)), int(rng.integers(20, h)))


def clouds(rng: np.random.Generator, h: int, w: int, scale: float) -> Canvas:
    """Smooth noise between 0 and 1, (h, w), with features of about ``scale`` pixels."""
    size = (max(2, round(w / scale)), max(2, round(h / scale)))
    coarse = rng.random((size[1], size[0])).astype(np.float32)
    return np.asarray(np.clip(cv2.resize(coarse, (w, h), interpolation=cv2.INTER_CUBIC), 0, 1), np.float32)


def _grey(canvas: Canvas) -> Picture:
    return np.repeat(np.clip(canvas, 0, 255).astype(np.uint8)[:, :, None], 3, 2)


def xray(rng: np.random.Generator) -> Picture:
    """A frontal chest radiograph: soft lungs between bright shoulders, ribs that cross them, no sharp inner edge."""
    n = int(rng.integers(260, 520))
    base = phantom(rng, size=n, draw=coronal).astype(np.float32)
    soft = np.asarray(cv2.GaussianBlur(base, (0, 0), n * rng.uniform(0.012, 0.03)), np.float32)
    for index in range(9):
        for side in (-1, 1):
            centre = (round(n * (0.5 + side * 0.17)), round(n * (0.2 + 0.075 * index)))
            ribs = np.zeros_like(soft)
            cv2.ellipse(
                ribs, centre, (n // 6, n // 9), side * 25, 180, 360, float(rng.uniform(14, 38)), max(2, n // 45)
            )
            soft = np.asarray(soft + cv2.GaussianBlur(ribs, (0, 0), n / 250), np.float32)
    heart = np.zeros_like(soft)
    cv2.ellipse(heart, (round(n * 0.54), round(n * 0.62)), (n // 7, n // 6), 20, 0, 360, 90.0, -1)
    soft = np.asarray(soft + cv2.GaussianBlur(heart, (0, 0), n / 40), np.float32)
    soft = (soft - soft.min()) / np.ptp(soft)
    level = soft ** rng.uniform(0.6, 1.3) * rng.uniform(170, 250) + rng.normal(0, 2, soft.shape)
    top, left = int(n * rng.uniform(0, 0.15)), int(n * rng.uniform(0, 0.15))
    image = _grey(np.asarray(level, np.float32)[top : n - top // 2, left : n - left])
    if rng.random() < 0.4:
        cv2.putText(image, "L" if rng.random() < 0.5 else "R", (10, 30), 0, n / 400, (255, 255, 255), 2, cv2.LINE_AA)
    return image


def pet(rng: np.random.Generator) -> Picture:
    """A PET picture: a whole body or a slice in black on white, or a slice under a glow of colour."""
    return (_pet_body, _pet_slice, _pet_fused)[int(rng.integers(3))](rng)


def _hot_spots(rng: np.random.Generator, uptake: Canvas, inside: NDArray[np.bool_], count: int) -> None:
    h, w = uptake.shape
    spots = np.zeros_like(uptake)
    places = np.argwhere(inside)
    for _ in range(count):
        y, x = places[rng.integers(len(places))]
        axes = (int(rng.integers(2, max(3, w // 14))), int(rng.integers(2, max(3, h // 22))))
        cv2.ellipse(spots, (int(x), int(y)), axes, float(rng.uniform(0, 180)), 0, 360, float(rng.uniform(80, 255)), -1)
    uptake += cv2.GaussianBlur(spots, (0, 0), w / 90)


def _pet_body(rng: np.random.Generator) -> Picture:
    h = int(rng.integers(420, 760))
    w = int(h * rng.uniform(0.42, 0.6))
    body = np.zeros((h, w), np.float32)
    middle, shade = w // 2, float(rng.uniform(20, 60))
    cv2.ellipse(body, (middle, int(h * 0.08)), (int(w * 0.13), int(h * 0.07)), 0, 0, 360, shade, -1)
    cv2.ellipse(body, (middle, int(h * 0.5)), (int(w * 0.3), int(h * 0.38)), 0, 0, 360, shade, -1)
    for side in (-1, 1):
        cv2.ellipse(
            body, (middle + side * int(w * 0.38), int(h * 0.5)), (int(w * 0.06), int(h * 0.3)), 0, 0, 360, shade, -1
        )
    inside = body > 0
    uptake = cv2.GaussianBlur(body, (0, 0), w / 60) + clouds(rng, h, w, w / 20) * 30 * inside
    _hot_spots(rng, uptake, inside, int(rng.integers(8, 30)))
    cv2.ellipse(uptake, (middle, int(h * 0.06)), (int(w * 0.1), int(h * 0.05)), 0, 0, 360, 255.0, -1)
    return _grey(255 - uptake)


def _pet_slice(rng: np.random.Generator) -> Picture:
    n = int(rng.integers(240, 420))
    base = phantom(rng, size=n, window="mediastinal").astype(np.float32)
    inside = cv2.GaussianBlur(base, (0, 0), n / 30) > 20
    uptake = cv2.GaussianBlur(base, (0, 0), n / 40) * rng.uniform(0.15, 0.4) + clouds(rng, n, n, n / 25) * 40 * inside
    _hot_spots(rng, uptake, inside, int(rng.integers(2, 9)))
    picture = _grey(255 - np.asarray(uptake, np.float32))
    return picture[n // 8 : -n // 8]


def _pet_fused(rng: np.random.Generator) -> Picture:
    n = int(rng.integers(240, 420))
    base = phantom(rng, size=n, window="lung" if rng.random() < 0.6 else "mediastinal").astype(np.float32)
    inside = base > 60
    uptake = clouds(rng, n, n, n / 20) * 70 * inside
    _hot_spots(rng, uptake, inside, int(rng.integers(2, 8)))
    hot = np.clip(uptake / 255, 0, 1)
    glow = np.stack([np.clip(hot * 3, 0, 1), np.clip(hot * 3 - 1, 0, 1), np.clip(hot * 3 - 2, 0, 1)], 2) * 255
    mix = base[:, :, None] * rng.uniform(0.45, 0.7) + glow * rng.uniform(0.5, 0.9)
    return np.asarray(np.clip(mix, 0, 255), np.uint8)[n // 8 : -n // 8]


def glow(rng: np.random.Generator, slice_: Picture) -> Picture:
    """``slice_`` (h, w, 3) under a map of colours from blue to red, as class activation maps are printed."""
    h, w = slice_.shape[:2]
    heat = np.zeros((h, w), np.float32)
    for _ in range(int(rng.integers(1, 4))):
        spot = (int(rng.uniform(0.15, 0.85) * w), int(rng.uniform(0.15, 0.85) * h))
        cv2.circle(heat, spot, max(2, int(rng.uniform(0.08, 0.28) * h)), 1.0, -1)
    heat = np.asarray(cv2.GaussianBlur(heat, (0, 0), h / rng.uniform(10, 24)), np.float32)
    ramp = np.asarray(np.clip(heat / max(float(heat.max()), 1e-3), 0, 1) * 255, np.uint8)
    colours = cv2.applyColorMap(ramp, cv2.COLORMAP_JET)[:, :, ::-1].astype(np.float32)
    share = rng.uniform(0.3, 0.55)
    return np.asarray(slice_ * (1 - share) + colours * share, np.uint8)


def microscopy(rng: np.random.Generator) -> Picture:
    """Stained tissue in pink and violet or brown, or glowing cells on black."""
    w, h = _size(rng)
    grain = clouds(rng, h, w, 7)[:, :, None]
    if rng.random() < 0.5:
        stains = ((232, 190, 212), (222, 205, 185), (240, 215, 230))
        image = np.array(stains[int(rng.integers(3))]) - grain * rng.uniform(20, 70)
        ink = ((88, 50, 130), (120, 75, 40), (60, 60, 140))[int(rng.integers(3))]
    else:
        image = np.zeros((h, w, 3)) + grain * 18
        ink = ((220, 40, 40), (40, 220, 60), (60, 80, 240))[int(rng.integers(3))]
    picture = np.ascontiguousarray(np.clip(image, 0, 255).astype(np.uint8))
    for _ in range(int(rng.integers(60, 420))):
        spot, size = (int(rng.integers(0, w)), int(rng.integers(0, h))), int(rng.integers(3, 10))
        shade = tuple(int(v * rng.uniform(0.7, 1.1)) for v in ink)
        cv2.ellipse(
            picture, spot, (size, int(size * rng.uniform(0.5, 1))), float(rng.uniform(0, 180)), 0, 360, shade, -1
        )
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), float(rng.uniform(0.5, 1.5))), np.uint8)


def photo(rng: np.random.Generator) -> Picture:
    """Something out of the world of colour: soft light, large shapes; or the red round view of an endoscope."""
    w, h = _size(rng)
    layers = [clouds(rng, h, w, max(20.0, w / rng.uniform(2, 9))) for _ in range(3)]
    tint, spread = rng.uniform(40, 200, 3), rng.uniform(30, 120, 3)
    picture = np.stack([t + s * (layer - 0.5) for t, s, layer in zip(tint, spread, layers, strict=True)], 2)
    if rng.random() < 0.4:
        picture = np.stack([150 + 90 * layers[0], 60 + 80 * layers[1], 40 + 60 * layers[1]], 2)
        ys, xs = np.mgrid[0:h, 0:w]
        picture[np.hypot(xs - w / 2, ys - h / 2) > min(h, w) * 0.52] = 4
    picture = picture * (0.85 + 0.3 * clouds(rng, h, w, 5)[:, :, None]) + rng.normal(0, 3, (h, w, 1))
    image = np.ascontiguousarray(np.clip(picture, 0, 255).astype(np.uint8))
    for _ in range(int(rng.integers(0, 6))):
        spot, axes = (
            (int(rng.integers(0, w)), int(rng.integers(0, h))),
            tuple(int(v) for v in rng.integers(8, w // 4, 2)),
        )
        cv2.ellipse(image, spot, axes, float(rng.uniform(0, 180)), 0, 360, _colour(rng), -1, cv2.LINE_AA)
    return np.asarray(cv2.GaussianBlur(image, (0, 0), float(rng.uniform(0.6, 2.0))), np.uint8)


def logo(rng: np.random.Generator) -> Picture:
    """A cover or a brand: one strong colour, big words, sweeping shapes."""
    w, h = _size(rng)
    image = np.full((h, w, 3), (255, 255, 255) if rng.random() < 0.4 else _colour(rng), np.uint8)
    for _ in range(int(rng.integers(1, 5))):
        corners = rng.integers((-w // 4, -h // 4), (w * 5 // 4, h * 5 // 4), (int(rng.integers(3, 7)), 2)).astype(
            np.int32
        )
        cv2.fillPoly(image, [corners], _colour(rng), cv2.LINE_AA)
    for line in range(int(rng.integers(1, 4))):
        word = ("MEDICINE", "Journal of", "Radiology", "OPEN", "Science", "LAB")[int(rng.integers(6))]
        place = (int(w * rng.uniform(0.02, 0.3)), int(h * (0.25 + 0.25 * line)))
        cv2.putText(
            image, word, place, 3, w / 300, (255, 255, 255) if rng.random() < 0.6 else (0, 0, 0), 3, cv2.LINE_AA
        )
    return image


def other_scan(rng: np.random.Generator) -> Picture:
    """A head or a belly by magnetic resonance: soft greys, no dark lungs."""
    n = int(rng.integers(220, 420))
    canvas = np.zeros((n, n), np.float32)
    middle, axes = (n // 2, n // 2), (int(n * rng.uniform(0.32, 0.42)), int(n * rng.uniform(0.36, 0.46)))
    if rng.random() < 0.5:
        axes = (axes[1], int(axes[0] * 0.8))
    cv2.ellipse(canvas, middle, axes, 0, 0, 360, float(rng.uniform(120, 255)), -1)
    cv2.ellipse(canvas, middle, tuple(int(a * 0.93) for a in axes), 0, 0, 360, float(rng.uniform(10, 60)), -1)
    cv2.ellipse(canvas, middle, tuple(int(a * 0.86) for a in axes), 0, 0, 360, float(rng.uniform(70, 130)), -1)
    inside = canvas > 65
    canvas += (clouds(rng, n, n, n / 22) - 0.5) * rng.uniform(40, 140) * inside
    for _ in range(int(rng.integers(2, 9))):
        spot = tuple(int(v) for v in rng.integers(n * 3 // 10, n * 7 // 10, 2))
        size = tuple(int(v) for v in rng.integers(4, n // 9, 2))
        cv2.ellipse(canvas, spot, size, float(rng.uniform(0, 180)), 0, 360, float(rng.uniform(20, 230)), -1)
    soft = cv2.GaussianBlur(canvas, (0, 0), float(rng.uniform(0.8, 2.5))) + rng.normal(0, 3, canvas.shape)
    return _grey(np.asarray(soft * rng.uniform(0.35, 1.0), np.float32))


def belly(rng: np.random.Generator) -> Picture:
    """An abdominal CT slice in the soft-tissue window: liver, spleen, kidneys, spine, gas; no lung."""
    n = int(rng.integers(240, 420))
    canvas = np.zeros((n, n), np.float32)
    middle, axes = (n // 2, int(n * 0.48)), (int(n * rng.uniform(0.38, 0.47)), int(n * rng.uniform(0.28, 0.38)))
    cv2.ellipse(canvas, middle, axes, 0, 0, 360, float(rng.uniform(35, 75)), -1)
    cv2.ellipse(canvas, middle, tuple(int(a * 0.88) for a in axes), 0, 0, 360, float(rng.uniform(95, 125)), -1)
    for dx, dy, sx, sy in (
        (-0.4, -0.1, 0.42, 0.6),
        (0.5, 0.1, 0.22, 0.4),
        (-0.35, 0.5, 0.14, 0.2),
        (0.35, 0.5, 0.14, 0.2),
    ):
        spot = (int(middle[0] + dx * axes[0]), int(middle[1] + dy * axes[1]))
        size = (int(sx * axes[0] * rng.uniform(0.8, 1.1)), int(sy * axes[1] * rng.uniform(0.8, 1.1)))
        cv2.ellipse(canvas, spot, size, float(rng.uniform(-20, 20)), 0, 360, float(rng.uniform(125, 175)), -1)
    for _ in range(int(rng.integers(2, 8))):
        spot = (int(middle[0] + rng.uniform(-0.4, 0.6) * axes[0]), int(middle[1] + rng.uniform(-0.6, 0.2) * axes[1]))
        shade = 0.0 if rng.random() < 0.5 else float(rng.uniform(60, 220))
        cv2.ellipse(canvas, spot, tuple(int(v) for v in rng.integers(4, n // 14, 2)), 0, 0, 360, shade, -1)
    cv2.ellipse(
        canvas, (middle[0], int(middle[1] + axes[1] * 0.55)), (axes[0] // 7, axes[1] // 6), 0, 0, 360, 240.0, -1
    )
    canvas += rng.normal(0, rng.uniform(3, 14), canvas.shape) * (canvas > 8)
    return _grey(np.asarray(cv2.GaussianBlur(canvas, (0, 0), float(rng.uniform(0.6, 1.4))), np.float32))


def blank(rng: np.random.Generator) -> Picture:
    """Nothing: one colour, or a slow gradient."""
    w, h = _size(rng)
    level = np.linspace(0, rng.uniform(0, 30), w)[None, :] + np.full((h, 1), rng.uniform(0, 255))
    return _grey(np.asarray(np.clip(level, 0, 255), np.float32))


OTHER_KINDS: dict[str, tuple[Drawing, ...]] = {
    "xray": (xray,),
    "pet": (pet,),
    "chart_or_diagram": (charts, diagram),
    "microscopy": (microscopy,),
    "photo": (photo,),
    "logo": (logo,),
    "other": (other_scan, other_scan, other_scan, blank),
}
"""Triage kinds that are no CT, and who draws them."""
