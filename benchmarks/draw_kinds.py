"""More kinds of pictures that papers hold, drawn for the training of triage (benchmarks/train_triage.py)."""

from functools import cache

import cv2
import numpy as np
from drawn.kinds import clouds
from drawn.prints import printed
from marks_backgrounds import add_clouds, cut_close, shown
from marks_draw import draw
from matplotlib.cbook import get_sample_data
from numpy.typing import NDArray
from PIL import Image
from sklearn.datasets import load_sample_images

Generator = np.random.Generator
Picture = NDArray[np.uint8]


def _grey(canvas: NDArray[np.floating]) -> Picture:
    return np.repeat(np.clip(canvas, 0, 255).astype(np.uint8)[:, :, None], 3, 2)


@cache
def _photos() -> tuple[Picture, ...]:
    """The photographs that matplotlib and scikit-learn bring for trying things out."""
    with get_sample_data("grace_hopper.jpg") as stream:
        face = np.asarray(Image.open(stream).convert("RGB"))
    return (face, *(np.asarray(picture) for picture in load_sample_images().images))


def real_photo(rng: Generator) -> Picture:
    """A part of a photograph, turned over or not, in other light."""
    picture = _photos()[int(rng.integers(3))]
    height, width = picture.shape[:2]
    h, w = int(height * rng.uniform(0.25, 1)), int(width * rng.uniform(0.25, 1))
    y, x = int(rng.integers(0, height - h + 1)), int(rng.integers(0, width - w + 1))
    part = picture[y : y + h, x : x + w].astype(np.float32) * rng.uniform(0.5, 1.3) + rng.uniform(-20, 30)
    return np.clip(part[:, ::-1] if rng.random() < 0.5 else part, 0, 255).astype(np.uint8)


def _noisy(rng: Generator, canvas: NDArray[np.floating], strength: float) -> Picture:
    noise = cv2.GaussianBlur(rng.normal(0, 1, canvas.shape), (0, 0), float(rng.uniform(0.4, 1.5)))
    return _grey(canvas + noise * strength)


def sagittal(rng: Generator) -> Picture:
    """One lung from the side: half of a coronal slice with the spine behind it and the diaphragm below."""
    half = printed(rng, plane="coronal")
    half = half if half.ndim == 2 else cv2.cvtColor(half, cv2.COLOR_RGB2GRAY)
    h, w = half.shape
    part = half[:, : round(w * rng.uniform(0.45, 0.6))].astype(np.float32)
    x = part.shape[1] * (1 - rng.uniform(0.05, 0.2)) + np.cumsum(rng.normal(0, w / 400, 12))
    for row, y in enumerate(np.linspace(0, h, 12)):
        at, axes = (int(x[row]), int(y)), (max(3, w // 16), max(3, h // 34))
        cv2.ellipse(part, at, axes, float(rng.uniform(-20, 20)), 0, 360, float(rng.uniform(190, 255)), -1)
    part = cv2.GaussianBlur(part, (0, 0), float(rng.uniform(0.5, 1.2)))
    size = round(part.shape[1] * rng.uniform(1, 1.4)), h
    part = cv2.resize(part, size)
    return np.asarray(np.clip(part[:, ::-1] if rng.random() < 0.5 else part, 0, 255), np.uint8)


def ultrasound(rng: Generator) -> Picture:
    """A fan of speckle on black, with bright lines across."""
    n = int(rng.integers(240, 480))
    ys, xs = np.mgrid[0:n, 0:n].astype(np.float32)
    across, deep = np.arctan2(xs - n / 2, ys + n * 0.15), np.hypot(xs - n / 2, ys + n * 0.15) / n
    speckle = np.abs(cv2.GaussianBlur(rng.normal(0, 1, (n, n)), (0, 0), float(rng.uniform(0.8, 2)))) * 200
    canvas = speckle * clouds(rng, n, n, n / 6) * rng.uniform(0.5, 1.3)
    for _ in range(int(rng.integers(1, 5))):
        canvas += 160 * np.exp(-(((deep - rng.uniform(0.25, 1)) / 0.01) ** 2)) * clouds(rng, n, n, n / 4)
    fan = (np.abs(across) < rng.uniform(0.4, 0.8)) & (deep > 0.2) & (deep < 1.1)
    return _grey(np.where(fan, canvas, 0))


def gel(rng: Generator) -> Picture:
    """Bands of a blot or gel: dark on pale grey, or bright on dark."""
    h, w = int(rng.integers(60, 360)), int(rng.integers(200, 560))
    canvas = np.full((h, w), rng.uniform(170, 245), np.float32) + clouds(rng, h, w, w / 5) * 25
    lanes = int(rng.integers(3, 15))
    for lane in range(lanes):
        for _ in range(int(rng.integers(1, 7))):
            at = (int((lane + 0.5) * w / lanes), int(rng.uniform(0.05, 0.95) * h))
            axes = (max(3, int(w / lanes * rng.uniform(0.2, 0.45))), max(2, int(h * rng.uniform(0.01, 0.05))))
            cv2.ellipse(canvas, at, axes, 0, 0, 360, float(rng.uniform(0, 150)), -1)
    canvas = cv2.GaussianBlur(canvas, (0, 0), float(rng.uniform(1, 3)))
    return _noisy(rng, 255 - canvas if rng.random() < 0.3 else canvas, 5)


def electron_micrograph(rng: Generator) -> Picture:
    """Round particles and membranes in grey, edge to edge."""
    h, w = (int(v) for v in rng.integers(220, 560, 2))
    canvas = 90 + 110 * clouds(rng, h, w, w / rng.uniform(3, 20))
    for _ in range(int(rng.integers(5, 90))):
        at, size = (int(rng.integers(0, w)), int(rng.integers(0, h))), int(rng.integers(4, max(5, w // 9)))
        cv2.circle(canvas, at, size, float(rng.uniform(20, 230)), int(rng.choice([-1, 1, 2, 3])))
    canvas = cv2.GaussianBlur(canvas, (0, 0), float(rng.uniform(0.8, 2.5)))
    picture = _noisy(rng, canvas, float(rng.uniform(8, 30)))
    if rng.random() < 0.5:
        cv2.rectangle(picture, (w - w // 4, h - 16), (w - 12, h - 11), (255, 255, 255), -1)
    return picture


def mask_of(rng: Generator, slice_: Picture) -> Picture:
    """What a network makes of ``slice_`` (h, w, 3): a mask, a map of probabilities, or coloured regions laid on it."""
    grey = cv2.GaussianBlur(cv2.cvtColor(slice_, cv2.COLOR_RGB2GRAY), (0, 0), float(rng.uniform(1, 4)))
    h, w = grey.shape
    lung = (grey < rng.uniform(60, 120)).astype(np.uint8)
    lung[[0, -1]] = lung[:, [0, -1]] = 1
    _, pieces = cv2.connectedComponents(lung)
    inside = (lung > 0) & (pieces != pieces[0, 0])
    if inside.mean() < 0.05:
        inside = grey > 110
    sick = inside & (clouds(rng, h, w, w / 8) > rng.uniform(0.5, 0.8))
    choice = rng.random()
    if choice < 0.4:
        return _grey(np.where(sick if rng.random() < 0.4 else inside, 255, 0).astype(np.float32))
    if choice < 0.6:
        return _grey(cv2.GaussianBlur(inside.astype(np.float32) * 255, (0, 0), float(rng.uniform(1, 9))))
    paint = np.zeros((h, w, 3), np.float32) if choice < 0.75 else slice_.astype(np.float32)
    for region in (inside, sick):
        ink = np.array([(230, 30, 30), (30, 200, 60), (40, 80, 240), (240, 220, 40)][int(rng.integers(4))], np.float32)
        share = rng.uniform(0.35, 1.0)
        paint[region] = paint[region] * (1 - share) + ink * share
    return paint.astype(np.uint8)


def rendering(rng: Generator) -> Picture:
    """Shaded solids on black or white: lungs and vessels in three dimensions."""
    n = int(rng.integers(240, 460))
    height = np.zeros((n, n), np.float32)
    for side in (-1, 1):
        at = (int(n * (0.5 + side * rng.uniform(0.16, 0.24))), int(n * rng.uniform(0.45, 0.55)))
        axes = (int(n * rng.uniform(0.12, 0.2)), int(n * rng.uniform(0.26, 0.4)))
        cv2.ellipse(height, at, axes, side * float(rng.uniform(0, 14)), 0, 360, 1.0, -1)
    solid = height > 0
    height = cv2.GaussianBlur(height, (0, 0), n / 12) + 0.06 * clouds(rng, n, n, n / 18)
    dy, dx = np.gradient(height * n)
    shade = np.clip((1 - dx * 0.5 - dy * 0.5) / np.sqrt(1 + dx**2 + dy**2), 0, 1)[:, :, None]
    tint = rng.uniform(60, 255, 3) if rng.random() < 0.7 else np.full(3, rng.uniform(140, 255))
    ground = 0.0 if rng.random() < 0.6 else 255.0
    return np.where(solid[:, :, None], np.clip(shade * tint, 0, 255), ground).astype(np.uint8)


def as_published(rng: Generator, plain: Picture, marks: int = 4) -> Picture:
    """``plain`` (h, w), a slice in the lung window, as papers have it: cut close to the lungs, dim, pale or hard,
    squeezed, on a page, tinted, with burnt-in marks; (H, W, 3)."""
    image = cut_close(rng, plain).astype(np.float32)
    if rng.random() < 0.35:
        add_clouds(rng, image)
    if rng.random() < 0.85:
        image = shown(rng, image)
    if rng.random() < 0.25:
        image += rng.uniform(0.5, 3) * (image - cv2.GaussianBlur(image, (0, 0), float(rng.uniform(0.7, 2))))
    if rng.random() < 0.3:
        image += cv2.GaussianBlur(rng.normal(0, 1, image.shape), (0, 0), float(rng.uniform(0.4, 1.2))) * rng.uniform(
            2, 18
        )
    wide, tall = rng.uniform(0.75, 1.45), rng.uniform(0.6, 1.1) if rng.random() < 0.4 else 1.0
    size = round(image.shape[1] * wide), max(40, round(image.shape[0] * tall * rng.uniform(0.8, 1.2)))
    picture = np.clip(cv2.resize(image, size), 0, 255).astype(np.uint8)
    drawn = draw(rng, picture, marks).picture if rng.random() < 0.4 else np.repeat(picture[:, :, None], 3, 2)
    return _on_page(rng, _tinge(rng, drawn))


def _tinge(rng: Generator, picture: Picture) -> Picture:
    """Seldom: the channels apart, as in photographs of a screen and of print."""
    if rng.random() < 0.9:
        return picture
    return np.clip(picture * rng.uniform(0.88, 1.0, 3) + rng.uniform(0, 8, 3), 0, 255).astype(np.uint8)


def _on_page(rng: Generator, picture: Picture) -> Picture:
    """Seldom: with a margin on one or more sides, black, white or grey, up to half as much again."""
    if rng.random() < 0.8:
        return picture
    h, w = picture.shape[:2]
    level = int(rng.choice([0, 0, 255, rng.integers(20, 90)]))
    top, bottom, left, right = (int(v) for v in rng.uniform(0, 1, 4) ** 3 * (0.3 * h, 0.3 * h, 0.2 * w, 0.2 * w))
    return np.pad(picture, ((top, bottom), (left, right), (0, 0)), constant_values=level)


def cut_out(rng: Generator, plain: Picture) -> Picture:
    """A small part of a slice (h, w), enlarged: what arrows in the whole picture point at; (H, W, 3)."""
    h, w = plain.shape
    tall, wide = (int(side * rng.uniform(0.18, 0.4)) for side in (h, w))
    y, x = int(rng.uniform(0.2, 0.8) * (h - tall)), int(rng.uniform(0.1, 0.9) * (w - wide))
    part = plain[y : y + tall, x : x + wide].astype(np.float32)
    part = shown(rng, part) if rng.random() < 0.5 else part
    size = round(wide * rng.uniform(1.5, 4)), round(tall * rng.uniform(1.5, 4))
    return _grey(cv2.resize(part, size, interpolation=cv2.INTER_CUBIC))
