"""Slices without marks to draw on: phantoms made rougher than phantoms are, and real slices from a folder, made other.

Round a mark stands what a CT slice has that looks like one: ribs, table lines, gas, contrast, metal, wires.
"""

import hashlib
import io
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from covidct.imaging.phantoms import phantom

Grey = NDArray[np.uint8]
Generator = np.random.Generator
LEAST = 140
"""Pixels of the shorter side of a real slice: a patch for training must fit in."""


def curve(rng: Generator, n: int) -> NDArray[np.int32]:
    """A long smooth line across the picture, in 1/16 pixels: a table, a sheet, a wire."""
    t = np.linspace(-0.1, 1.1, 40)
    bend, tilt, height = rng.uniform(-0.5, 0.5), rng.uniform(-0.4, 0.4), rng.uniform(0, 1)
    y = height + tilt * (t - 0.5) + bend * (t - 0.5) ** 2
    points = np.stack([t, y] if rng.random() < 0.75 else [y, t], axis=1)
    return (points * n * 16).astype(np.int32)


def blob(rng: Generator, n: int, radius: float) -> NDArray[np.int32]:
    angles = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    wobble = 1 + sum(rng.normal(0, 0.18) * np.cos(k * angles + rng.uniform(0, 6)) for k in range(1, 5))
    flat = rng.uniform(0.4, 1)
    points = np.stack([np.cos(angles) * wobble, flat * np.sin(angles) * wobble], 1) * radius * n + rng.uniform(0, n, 2)
    return (points * 16).astype(np.int32)


def clutter(rng: Generator, image: NDArray[np.float32]) -> None:
    """Table lines, wires, gas, contrast, calcifications, metal, each with the soft edge of a scan."""
    n = image.shape[0]
    layer = image.copy()
    for _ in range(rng.integers(0, 3)):
        bright = float(rng.choice([rng.uniform(100, 260), 255]))
        cv2.polylines(layer, [curve(rng, n)], False, bright, int(rng.integers(1, 5)), cv2.LINE_AA, 4)
    for _ in range(rng.integers(0, 7)):
        level = float(rng.choice([0, rng.uniform(0, 40), rng.uniform(200, 255), 255]))
        cv2.fillPoly(layer, [blob(rng, n, rng.uniform(0.004, 0.06))], level, cv2.LINE_AA, 4)
    for _ in range(rng.integers(0, 3)):
        x, y = rng.uniform(0, n, 2)
        axes, level = (int(rng.uniform(2, 9)), int(rng.uniform(2, 9))), float(rng.uniform(150, 255))
        cv2.ellipse(layer, (int(x), int(y)), axes, rng.uniform(0, 180), 0, 360, level, 1, cv2.LINE_AA)
    image[:] = cv2.GaussianBlur(layer, (0, 0), rng.uniform(0.45, 0.9))
    if rng.random() < 0.12:
        x, y = rng.uniform(0.2 * n, 0.8 * n, 2)
        yy, xx = np.mgrid[:n, :n].astype(np.float32)
        angle, far = np.arctan2(yy - y, xx - x), np.hypot(yy - y, xx - x) / n
        streaks = np.sin(angle * rng.integers(3, 9) + rng.uniform(0, 6)) * np.exp(-far * 8) * rng.uniform(60, 250)
        image += streaks.astype(np.float32) + 255 * (far < rng.uniform(0.005, 0.03))


def leaves(rng: Generator, image: NDArray[np.float32], count: int) -> None:
    """Blobs and bands of a few grey levels over one another, small ones most often: the edges of any anatomy."""
    n = image.shape[0]
    levels = np.r_[0.0, 255.0, rng.uniform(0, 255, 5)]
    for _ in range(count):
        level = float(rng.choice(levels) + rng.normal(0, 5))
        radius = 0.004 * (0.25 / 0.004) ** (rng.random() ** 1.7)
        if rng.random() < 0.1:
            thick = int(rng.integers(1, max(2, n // 30)))
            cv2.polylines(image, [curve(rng, n)], False, level, thick, cv2.LINE_AA, 4)
        else:
            cv2.fillPoly(image, [blob(rng, n, radius)], level, cv2.LINE_AA, 4)


def vessels(rng: Generator, image: NDArray[np.float32]) -> None:
    """Round and oval bright spots with soft edges where it is dark: vessels cut across."""
    n = image.shape[0]
    layer, dark = np.zeros_like(image), cv2.GaussianBlur(image, (0, 0), 3) < 90
    for _ in range(int(rng.integers(10, 120))):
        centre = (rng.uniform(0, n, 2) * 16).astype(int)
        axes = (rng.uniform(0.4, 4, 2) * 16).astype(int)
        level = float(rng.uniform(90, 250))
        cv2.ellipse(layer, centre.tolist(), axes.tolist(), rng.uniform(0, 180), 0, 360, level, -1, cv2.LINE_AA, 4)
    layer = cv2.GaussianBlur(layer, (0, 0), rng.uniform(0.4, 0.9))
    image[dark] = np.maximum(image, layer)[dark]


def tables(rng: Generator, image: NDArray[np.float32]) -> None:
    """Broad bright bands below the body, on black."""
    n = image.shape[0]
    for _ in range(int(rng.integers(1, 4))):
        middle, half, y = rng.uniform(0.3, 0.7) * n, rng.uniform(0.15, 0.6) * n, rng.uniform(0.75, 1.0) * n
        x = np.linspace(middle - half, middle + half, 30)
        line = y - rng.uniform(-0.05, 0.25) * n * ((x - middle) / half) ** 2
        points = (np.stack([x, line], 1) * 16).astype(np.int32)
        cv2.polylines(image, [points], False, float(rng.uniform(140, 255)), int(rng.integers(1, 9)), cv2.LINE_AA, 4)


def start(rng: Generator) -> NDArray[np.float32]:
    size = int(rng.integers(200, 420))
    if rng.random() < 0.35:
        image = np.full((size, size), float(rng.choice([0, 0, 30, 200])), np.float32)
        leaves(rng, image, int(rng.integers(30, 250)))
        return image
    window = "lung" if rng.random() < 0.8 else "mediastinal"
    image = phantom(rng, size=size, lesion=bool(rng.random() < 0.4), window=window).astype(np.float32)
    if rng.random() < 0.5:
        low = rng.uniform(20, 70)
        image = np.clip((image - low) * 255 / (255 - low), 0, 255)
    if rng.random() < 0.25:
        leaves(rng, image, int(rng.integers(1, 30)))
    return image


def base(rng: Generator) -> Grey:
    """A slice without marks: a phantom, made rougher than phantoms are, or no more than leaves."""
    image = start(rng)
    size = image.shape[0]
    if rng.random() < 0.5:
        tables(rng, image)
    if rng.random() < 0.6:
        vessels(rng, image)
    if rng.random() < 0.6:  # less than saturated: the wide windows of many published slices
        image = image * rng.uniform(0.6, 0.95) + rng.uniform(-15, 20)
    clouds = cv2.resize(rng.normal(0, 1, (24, 24)).astype(np.float32), (size, size), interpolation=cv2.INTER_CUBIC)
    image *= 1 + 0.06 * clouds
    coarse = cv2.GaussianBlur(rng.normal(0, 1, image.shape).astype(np.float32), (0, 0), rng.uniform(0.5, 1.6))
    image += (image > 30) * coarse * rng.uniform(2, 30) + (image > 210) * coarse * rng.uniform(0, 60)
    clutter(rng, image)
    image = np.clip(image * rng.uniform(0.9, 1.15) + rng.uniform(-8, 5), 0, 255)
    return jpeg(rng, image.astype(np.uint8), 70, 96) if rng.random() < 0.7 else image.astype(np.uint8)


def jpeg(rng: Generator, image: Grey, low: int, high: int) -> Grey:
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", quality=int(rng.integers(low, high)))
    return np.asarray(Image.open(buffer).convert("L" if image.ndim == 2 else "RGB"))


# Real slices ----------------------------------------------------------------------------------------------------------


def series_half(path: Path) -> int:
    """0 or 1 by the series that the file name names before its last ``_``: slices of one body stay together."""
    series = path.stem.rpartition("_")[0] or path.stem
    return hashlib.sha256(series.encode()).digest()[0] % 2


def slices_of(folder: Path, half: int | None = None) -> list[Path]:
    """The pictures in ``folder``, sorted; with ``half``, those whose series fall into it."""
    files = sorted(path for path in folder.iterdir() if path.suffix.lower() in (".jpg", ".jpeg", ".png"))
    return [path for path in files if half is None or series_half(path) == half]


def real(rng: Generator, path: Path) -> Grey:
    """The slice in ``path`` as another publisher would print it: other levels, sharpness, size, crop, JPEG."""
    with Image.open(path) as picture:
        image = np.asarray(picture.convert("L")).astype(np.float32)
    choice = rng.random()
    if choice < 0.6:
        image = _cropped(rng, image) if choice < 0.25 else cut_close(rng, image.astype(np.uint8)).astype(np.float32)
    if rng.random() < 0.6 or min(image.shape) < LEAST:
        image = _resampled(rng, image)
    if rng.random() < 0.25:
        add_clouds(rng, image)
    if rng.random() < 0.8:
        image = (_levels if rng.random() < 0.35 else shown)(rng, image)
    if rng.random() < 0.25:
        _bed(rng, image)
    if rng.random() < 0.35:
        image += rng.uniform(0.3, 5) * (image - cv2.GaussianBlur(image, (0, 0), rng.uniform(0.7, 2)))
    if rng.random() < 0.2:
        grain = cv2.GaussianBlur(rng.normal(0, 1, image.shape).astype(np.float32), (0, 0), rng.uniform(0.4, 1.2))
        image += (image > 20) * grain * rng.uniform(3, 25)
    if rng.random() < 0.3:
        _wires(rng, image)
    if rng.random() < 0.25:
        _round(rng, image)
    if rng.random() < 0.06:
        _specks(rng, image)
    if rng.random() < 0.35:
        image = _frame(rng, image)
    plain = np.clip(image, 0, 255).astype(np.uint8)
    return jpeg(rng, plain, 50, 96) if rng.random() < 0.5 else plain


def tinted(rng: Generator, plain: Grey) -> NDArray[np.uint8]:
    """``plain`` as a photo of a screen has it: height x width x 3, the channels apart by a slow wave and by noise."""
    layers = []
    for _ in range(3):
        wave = cv2.resize(rng.normal(0, 1, (3, 3)).astype(np.float32), plain.shape[::-1], interpolation=cv2.INTER_CUBIC)
        grain = cv2.GaussianBlur(rng.normal(0, 1, plain.shape).astype(np.float32), (0, 0), rng.uniform(0.5, 3))
        layers.append(plain * (1 + rng.uniform(0.02, 0.1) * wave) + rng.uniform(0, 12) * grain)
    picture = np.clip(np.stack(layers, axis=2), 0, 255).astype(np.uint8)
    shifted = np.roll(picture[:, :, 2], int(rng.integers(-1, 2)), axis=1)
    return jpeg(rng, np.dstack([picture[:, :, :2], shifted]), 50, 90)


def _cropped(rng: Generator, image: NDArray[np.float32]) -> NDArray[np.float32]:
    height, width = image.shape
    y0, x0 = int(rng.uniform(0, 0.3) * height), int(rng.uniform(0, 0.3) * width)
    y1, x1 = height - int(rng.uniform(0, 0.3) * height), width - int(rng.uniform(0, 0.3) * width)
    return image[y0:y1, x0:x1].copy()


def _resampled(rng: Generator, image: NDArray[np.float32]) -> NDArray[np.float32]:
    """Another size, sometimes by way of a small one; between 200 and 460 pixels on the longer side."""
    if rng.random() < 0.35:
        small = rng.uniform(0.4, 0.85)
        image = cv2.resize(image, None, fx=small, fy=small, interpolation=cv2.INTER_AREA)
    if rng.random() < 0.3:
        image = cv2.resize(image, None, fx=rng.uniform(1, 1.5), fy=1, interpolation=cv2.INTER_LINEAR)
    scale = max(rng.uniform(200, 460) / max(image.shape), LEAST / min(image.shape))
    how = cv2.INTER_AREA if scale < 1 else (cv2.INTER_LINEAR, cv2.INTER_CUBIC)[int(rng.integers(2))]
    return np.asarray(cv2.resize(image, None, fx=scale, fy=scale, interpolation=how), np.float32)


def _levels(rng: Generator, image: NDArray[np.float32]) -> NDArray[np.float32]:
    """Another window: cut off at both ends, bent, washed out, or (seldom) white for black."""
    draw = rng.random()
    if draw < 0.5:
        tissue = rng.random() < 0.5  # as a mediastinal window: black lungs, white bone
        low, high = rng.uniform((130, 205), (175, 245)) if tissue else rng.uniform((0, 130), (70, 255))
        image = (image - low) * 255 / (high - low)
    elif draw < 0.75:
        image = 255 * (np.clip(image, 0, 255) / 255) ** rng.uniform(0.5, 1.8)
    elif draw < 0.95:
        image = image * rng.uniform(0.55, 0.95) + rng.uniform(0, 60)
    else:
        image = 255 - image
    return np.asarray(np.clip(image, 0, 255), np.float32)


def lungs_of(plain: Grey) -> NDArray[np.bool_]:
    """Which pixels of a slice (h, w) in the lung window are dark and do not reach the frame; small pieces left out."""
    _, dark = cv2.threshold(cv2.GaussianBlur(plain, (0, 0), 2), 0, 1, cv2.THRESH_BINARY_INV + cv2.THRESH_OTSU)
    _, label, stats, _ = cv2.connectedComponentsWithStats(np.pad(dark, 1, constant_values=1).astype(np.uint8))
    inner = [i for i in range(1, len(stats)) if i != label[0, 0] and stats[i, 4] > 0.02 * plain.size]
    return np.isin(label[1:-1, 1:-1], inner)


def cut_close(rng: Generator, plain: Grey) -> Grey:
    """The whole slice, or what lies round the lungs with a margin that may be none at all, or broad."""
    found, choice = lungs_of(plain), rng.random()
    if choice < 0.25 or not found.any():
        return plain
    (h, w), most = plain.shape, 0.08 if choice < 0.6 else 0.2
    ys, xs = np.flatnonzero(found.any(1)), np.flatnonzero(found.any(0))
    left, top, right, bottom = (int(v * w) for v in rng.uniform(-0.02, most, 4))
    y0, y1 = max(0, int(ys[0]) - top), min(h, int(ys[-1]) + bottom + 1)
    x0, x1 = max(0, int(xs[0]) - left), min(w, int(xs[-1]) + right + 1)
    return plain[y0:y1, x0:x1]


def shown(rng: Generator, image: NDArray[np.floating]) -> NDArray[np.float32]:
    """Another window: hard, dim, pale, or lungs dark and the rest of one middle grey."""
    choice = rng.random()
    if choice < 0.35:
        low, high = rng.uniform(0, 70), rng.uniform(95, 230)
        image = (image - low) * 255 / (high - low)
    elif choice < 0.6:
        image = image * rng.uniform(0.25, 0.75) + rng.uniform(0, 25)
    elif choice < 0.85:
        strength = rng.uniform(0.3, 0.8)
        image = image * strength + rng.uniform(0.3, 1.0) * 255 * (1 - strength)
    else:
        image = np.where(image > 150, 150 + (image - 150) * rng.uniform(0.1, 2), image) * rng.uniform(0.4, 0.9)
    return np.asarray(np.clip(image, 0, 255), np.float32)


def add_clouds(rng: Generator, image: NDArray[np.float32]) -> None:
    """Opacities with ragged edges where it is dark: what such slices are published for."""
    size = int(rng.integers(4, 24))
    noise = rng.normal(0, 1, (size, size)).astype(np.float32)
    cloud = cv2.resize(noise, image.shape[::-1], interpolation=cv2.INTER_CUBIC) - rng.uniform(0, 1.2)
    grain = cv2.GaussianBlur(rng.normal(0, 1, image.shape).astype(np.float32), (0, 0), rng.uniform(0.6, 2))
    dark = np.clip((110 - cv2.GaussianBlur(image, (0, 0), 1.5)) / 40, 0, 1)
    image += dark * np.clip(cloud + rng.uniform(0, 1) * grain, 0, 1.5) * rng.uniform(60, 170)


def _bed(rng: Generator, image: NDArray[np.float32]) -> None:
    """The lines of a table and its sheet under what is left of the body."""
    layer = image.copy()
    tables(rng, layer)
    image[:] = cv2.GaussianBlur(layer, (0, 0), rng.uniform(0.4, 1.0))


def _round(rng: Generator, image: NDArray[np.float32]) -> None:
    """The round field of a scanner, seldom in the middle after a crop; other levels outside, in steps at times."""
    height, width = image.shape
    ys, xs = np.mgrid[:height, :width] // int(rng.choice([1, 1, 2, 3, 4])) * 1.0
    middle, reach = rng.normal(0.5, 0.08, 2) * (height, width), rng.uniform(0.48, 0.62) * max(height, width)
    image[np.hypot(xs - middle[1], ys - middle[0]) > reach] = float(rng.choice([0, 0, 40, 255]))


def _wires(rng: Generator, image: NDArray[np.float32]) -> None:
    """Electrodes and clips: small white discs and rings in a black halo, as sharp kernels render metal."""
    for _ in range(int(rng.integers(1, 5))):
        at, size = tuple(int(rng.integers(0, side)) for side in image.shape[::-1]), int(rng.integers(1, 5))
        cv2.circle(image, at, size + int(rng.integers(2, 5)), float(rng.uniform(0, 60)), -1, cv2.LINE_AA)
        cv2.circle(image, at, size, 255.0, int(rng.choice([-1, 1, 2])), cv2.LINE_AA)


def _specks(rng: Generator, image: NDArray[np.float32]) -> None:
    """Single black and white pixels in a round part of the slice: overflow of a window."""
    height, width = image.shape
    ys, xs = np.mgrid[:height, :width]
    near = np.hypot(xs - rng.uniform(0, width), ys - rng.uniform(0, height)) < rng.uniform(0.03, 0.25) * width
    image[near & (rng.random(image.shape) < rng.uniform(0.02, 0.2))] = float(rng.choice([0, 255]))


def _frame(rng: Generator, image: NDArray[np.float32]) -> NDArray[np.float32]:
    """White or black rims, or one in the other, sharp or soft; all round at times: another rule finds borders, the
    network shall not take them for ink."""
    framed, level, rim = image.copy(), float(rng.choice([255, 0, rng.uniform(0, 255)])), int(rng.integers(1, 4))
    round_all = rng.random() < 0.3
    for turned in (framed, framed[::-1], framed.T, framed.T[::-1]):
        if round_all:
            turned[:rim] = level
        for deep in sorted(rng.integers(1, 20, 2), reverse=True) if rng.random() < 0.4 else ():
            turned[: int(deep)] = float(rng.choice([255, 255, 0, rng.uniform(0, 255)]))
    return framed if rng.random() < 0.5 else np.asarray(cv2.GaussianBlur(framed, (0, 0), rng.uniform(0.3, 1.5)))
