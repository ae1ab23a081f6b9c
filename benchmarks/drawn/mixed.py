"""What else papers print beside plain slices: lines of a viewer, boxes, contours, masks, maps, renderings, fields of a
flow chart."""

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from drawn.kinds import clouds

Picture = NDArray[np.uint8]
"""(H, W, 3), RGB."""
Colour = tuple[int, int, int]
INKS: tuple[Colour, ...] = (
    (255, 255, 0), (0, 255, 0), (255, 165, 0), (255, 0, 0), (0, 160, 255), (255, 255, 255), (0, 0, 0)
)  # fmt: skip
MAPS = (cv2.COLORMAP_JET, cv2.COLORMAP_VIRIDIS, cv2.COLORMAP_HOT, cv2.COLORMAP_BONE, cv2.COLORMAP_PLASMA)


def drawn_over(rng: np.random.Generator, slice_: Picture) -> Picture:
    """Straight lines from side to side, a cross-hair, a box or an outline: all of it lies on one picture."""
    image = np.ascontiguousarray(slice_)
    h, w = image.shape[:2]
    ink, thick = INKS[int(rng.integers(len(INKS)))], int(rng.integers(1, 4))
    x, y = int(rng.uniform(0.2, 0.8) * w), int(rng.uniform(0.2, 0.8) * h)
    choice = rng.random()
    if choice < 0.5:
        if choice < 0.4:
            cv2.line(image, (0, y), (w, y), ink, thick)
        if choice > 0.12:
            cv2.line(image, (x, 0), (x, h), ink if rng.random() < 0.5 else INKS[int(rng.integers(len(INKS)))], thick)
    elif choice < 0.8:
        for _ in range(int(rng.integers(1, 3))):
            left, top = rng.uniform(0.03, 0.3, 2)
            right, bottom = rng.uniform(0.6, 0.97, 2)
            spot = (int(left * w), int(top * h)), (int(right * w), int(bottom * h))
            cv2.rectangle(image, *spot, ink, thick)
    else:
        size = (int(rng.uniform(0.2, 0.48) * w), int(rng.uniform(0.2, 0.48) * h))
        cv2.ellipse(image, (w // 2, h // 2), size, 0, 0, 360, ink, int(rng.integers(3, 12)), cv2.LINE_AA)
    return image


def lungs_of(slice_: Picture) -> NDArray[np.uint8]:
    """(h, w) 0 and 1: what is dark within the body, as far as grey tells; empty where there is little."""
    grey = cv2.GaussianBlur(slice_[:, :, 1], (0, 0), 2)
    dark = np.asarray(grey < 100, np.uint8)
    _, marks, stats, _ = cv2.connectedComponentsWithStats(dark)
    outer = set(marks[0]) | set(marks[-1]) | set(marks[:, 0]) | set(marks[:, -1])
    keep = [i for i in range(1, len(stats)) if i not in outer and stats[i, cv2.CC_STAT_AREA] > dark.size * 0.02]
    inner = np.isin(marks, keep).astype(np.uint8)
    return np.asarray(cv2.morphologyEx(inner, cv2.MORPH_CLOSE, np.ones((7, 7), np.uint8)), np.uint8)


def cut_out(slice_: Picture, paper: int) -> Picture:
    """The lungs alone, on black or white, brightened where the paper is black."""
    lungs = lungs_of(slice_)
    if lungs.mean() < 0.05:
        return slice_
    inside = np.clip(slice_.astype(np.float32) * 1.8 + 40, 0, 255) if paper == 0 else slice_
    return np.asarray(np.where(lungs[:, :, None] > 0, inside, paper), np.uint8)


def pale(slice_: Picture) -> Picture:
    """A wide window: air is grey and tissue white; not of what has no air in it."""
    tone = 255 * (slice_ / 255.0) ** 0.35
    if (tone > 150).mean() > 0.8:
        return slice_
    return np.asarray(np.where(tone > 150, 255, tone), np.uint8)


def _mask(rng: np.random.Generator, slice_: Picture) -> Picture:
    lungs = lungs_of(slice_)
    spots = np.asarray(clouds(rng, lungs.shape[0], lungs.shape[1], 5) > rng.uniform(0.55, 0.75), np.uint8)
    chosen = lungs if rng.random() < 0.5 or (lungs & spots).sum() < 30 else lungs & spots
    if rng.random() < 0.6:
        return np.repeat((chosen * 255)[:, :, None], 3, 2)
    picture = np.zeros_like(slice_)
    picture[chosen > 0] = INKS[int(rng.integers(4))]
    picture[(chosen > 0) & (np.arange(picture.shape[1])[None, :] > picture.shape[1] // 2)] = INKS[int(rng.integers(4))]
    return picture


def _coloured(rng: np.random.Generator, slice_: Picture) -> Picture:
    return np.asarray(cv2.applyColorMap(slice_[:, :, 1], MAPS[int(rng.integers(len(MAPS)))])[:, :, ::-1], np.uint8)


def _probability(rng: np.random.Generator, slice_: Picture) -> Picture:
    soft = cv2.GaussianBlur(lungs_of(slice_).astype(np.float32), (0, 0), slice_.shape[0] / 30)
    level = np.asarray(255 * soft * clouds(rng, soft.shape[0], soft.shape[1], 4), np.uint8)
    return np.asarray(cv2.applyColorMap(level, MAPS[int(rng.integers(len(MAPS)))])[:, :, ::-1], np.uint8)


def _overlay(rng: np.random.Generator, slice_: Picture) -> Picture:
    marked = lungs_of(slice_) & np.asarray(clouds(rng, slice_.shape[0], slice_.shape[1], 5) > 0.5, np.uint8)
    picture = slice_.astype(np.float32)
    picture[marked > 0] = picture[marked > 0] * 0.5 + np.array(INKS[int(rng.integers(5))]) * 0.5
    return np.asarray(picture, np.uint8)


def _rendering(rng: np.random.Generator, slice_: Picture) -> Picture:
    """Two shaded lobes on black or white, as surface renderings are shown."""
    h, w = slice_.shape[:2]
    paper = 0 if rng.random() < 0.6 else 255
    ys, xs = np.mgrid[0:h, 0:w].astype(np.float32)
    image = np.full((h, w, 3), paper, np.float32)
    ink = np.array(((230, 140, 120), (120, 180, 230), (220, 200, 120))[int(rng.integers(3))], np.float32)
    for side in (0.32, 0.68):
        rx, ry = w * rng.uniform(0.13, 0.17), h * rng.uniform(0.3, 0.42)
        depth = 1 - ((xs - side * w) / rx) ** 2 - ((ys - h / 2) / ry) ** 2
        shade = np.sqrt(np.clip(depth, 0, 1)) * (0.75 + 0.25 * clouds(rng, h, w, 6))
        image = np.where(depth[:, :, None] > 0, ink * (0.25 + 0.75 * shade[:, :, None]), image)
    return np.asarray(np.clip(image, 0, 255), np.uint8)


MADE: tuple[Callable[[np.random.Generator, Picture], Picture], ...] = (
    _mask, _coloured, _probability, _overlay, _rendering
)  # fmt: skip


def mapped(rng: np.random.Generator, slice_: Picture) -> Picture:
    """A mask, a colour map, a probability map, an overlay or a rendering in place of the slice."""
    return MADE[int(rng.integers(len(MADE)))](rng, slice_)


def box_of_words(rng: np.random.Generator, width: int, height: int) -> Picture:
    """A drawn field of a flow chart: a frame, a tint, a word or layers of a network."""
    image = np.full((height, width, 3), 255, np.uint8)
    tint = tuple(int(v) for v in rng.integers(170, 256, 3))
    if rng.random() < 0.6:
        cv2.rectangle(image, (2, 2), (width - 3, height - 3), tint, -1)
        cv2.rectangle(image, (2, 2), (width - 3, height - 3), (60, 60, 60), 1)
        word = ("U-Net", "CNN", "Encoder", "FC layer", "Softmax", "Training")[int(rng.integers(6))]
        cv2.putText(image, word, (8, height // 2), 0, max(0.3, width / 260), (0, 0, 0), 1, cv2.LINE_AA)
        return image
    for index in range(int(rng.integers(3, 7))):
        x = 4 + index * max(8, width // 8)
        tall = max(6, height // 2 - index * height // 16)
        cv2.rectangle(image, (x, height // 2 - tall), (x + max(3, width // 18), height // 2 + tall), tint, -1)
        cv2.rectangle(image, (x, height // 2 - tall), (x + max(3, width // 18), height // 2 + tall), (80, 80, 80), 1)
    return image
