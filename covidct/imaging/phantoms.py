"""CT-like slices of a chest that nobody has: for the demo, for tests, and to train what may be shipped.

A slice is drawn in Hounsfield units on a canvas of twice the size, given noise, shrunk and windowed. Everything
comes from the generator that is passed in: the same generator state gives the same bytes.
"""

from collections.abc import Callable
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

Canvas = NDArray[np.float32]
Grey = NDArray[np.uint8]
Window = Literal["lung", "mediastinal"]
Point = tuple[float, float]

WINDOWS: dict[str, tuple[float, float]] = {"lung": (-600.0, 1500.0), "mediastinal": (40.0, 400.0)}
"""Name: (centre, width) in Hounsfield units, the usual presets."""
LESIONS = ("ground-glass", "consolidation", "mixed")
AIR, LUNG, FAT, MUSCLE, BLOOD, BONE, TABLE = -1000.0, -850.0, -100.0, 40.0, 55.0, 420.0, -300.0


def axial(rng: np.random.Generator, n: int, lesion: str) -> Canvas:
    """An axial slice in Hounsfield units, (n, n)."""
    canvas = np.full((n, n), AIR, np.float32)
    middle = (n * rng.uniform(0.48, 0.52), n * rng.uniform(0.45, 0.51))
    half = (n * rng.uniform(0.40, 0.50), n * rng.uniform(0.30, 0.40))
    _table(rng, canvas, middle[1] + half[1] * 1.02)
    fill(canvas, blob(rng, middle, half, rough=0.03, power=2.4), FAT)
    fill(canvas, blob(rng, middle, (half[0] * 0.93, half[1] * 0.92), rough=0.03, power=2.4), MUSCLE)
    lungs = [_axial_lung(rng, middle, half, side) for side in (-1, 1)]
    for lung in lungs:
        fill(canvas, lung, LUNG)
    inside = mask(canvas, lungs)
    _ribs(rng, canvas, middle, half)
    vessels(rng, canvas, inside, [(middle[0] + side * half[0] * 0.2, middle[1]) for side in (-1, 1)], half[0] * 0.75)
    shade_lungs(rng, canvas, inside)
    lesions(rng, canvas, inside, lesion)
    _mediastinum(rng, canvas, middle, half)
    return canvas


def phantom(
    rng: np.random.Generator,
    *,
    size: int = 256,
    lesion: bool | str = False,
    window: Window = "lung",
    draw: Callable[[np.random.Generator, int, str], Canvas] = axial,
) -> Grey:
    """One slice, (size, size) uint8, drawn by ``draw``. ``lesion``: True for any kind, or one of ``LESIONS``."""
    kind = lesion if isinstance(lesion, str) else str(rng.choice(LESIONS)) if lesion else ""
    hounsfield = draw(rng, size * 2, kind)
    small = np.asarray(cv2.resize(hounsfield, (size, size), interpolation=cv2.INTER_AREA), np.float32)
    small += _grain(rng, size, rng.uniform(8, 35))
    _field_of_view(rng, small)
    centre, width = WINDOWS[window]
    centre, width = centre * rng.uniform(0.8, 1.1), width * rng.uniform(0.75, 1.1)
    level = (small - (centre - width / 2)) / width
    return np.asarray((np.clip(level, 0, 1) * 255).round(), np.uint8)


def _grain(rng: np.random.Generator, size: int, strength: float) -> Canvas:
    """Scanner noise: a little blurred, (size, size), standard deviation ``strength``."""
    noise = rng.standard_normal((size, size)).astype(np.float32)
    blurred = cv2.GaussianBlur(noise, (0, 0), float(rng.uniform(0.4, 0.9)))
    return np.asarray(blurred * (strength / max(float(blurred.std()), 1e-6)), np.float32)


def _field_of_view(rng: np.random.Generator, hounsfield: Canvas) -> None:
    """Half of the scanners leave what lies outside the circle of reconstruction black."""
    if rng.random() < 0.5:
        return
    n = hounsfield.shape[0]
    ys, xs = np.mgrid[0:n, 0:n]
    hounsfield[np.hypot(xs - n / 2, ys - n / 2) > n * rng.uniform(0.49, 0.53)] = -3000.0


def blob(
    rng: np.random.Generator, centre: Point, radii: Point, *, rough: float = 0.06, power: float = 2.0
) -> NDArray[np.int32]:
    """A closed outline, (n, 2): a superellipse whose radius wavers by ``rough`` (a few low harmonics)."""
    angle = np.linspace(0, 2 * np.pi, 96, endpoint=False)
    waver = np.ones_like(angle)
    for harmonic in range(2, 6):
        waver += rough / harmonic * np.cos(harmonic * angle + rng.uniform(0, 2 * np.pi)) * rng.uniform(0.3, 1.5)
    x = np.sign(np.cos(angle)) * np.abs(np.cos(angle)) ** (2 / power) * radii[0] * waver + centre[0]
    y = np.sign(np.sin(angle)) * np.abs(np.sin(angle)) ** (2 / power) * radii[1] * waver + centre[1]
    return np.stack([x, y], 1).round().astype(np.int32)


def fill(canvas: Canvas, outline: NDArray[np.int32], value: float) -> None:
    cv2.fillPoly(canvas, [outline], value)


def mask(canvas: Canvas, outlines: list[NDArray[np.int32]]) -> NDArray[np.bool_]:
    drawn = np.zeros(canvas.shape, np.uint8)
    for outline in outlines:
        cv2.fillPoly(drawn, [outline], 1)
    return drawn > 0


def _table(rng: np.random.Generator, canvas: Canvas, top: float) -> None:
    n = canvas.shape[0]
    depth, lift = n * rng.uniform(0.05, 0.09), n * rng.uniform(0.0, 0.05)
    for offset in (0.0, n * rng.uniform(0.03, 0.05)):
        centre = (n // 2, int(top - depth + offset + lift))
        cv2.ellipse(canvas, centre, (int(n * 0.42), int(depth)), 0, 15, 165, TABLE, max(1, n // 150))


def _axial_lung(rng: np.random.Generator, middle: Point, half: Point, side: int) -> NDArray[np.int32]:
    centre = (middle[0] + side * half[0] * rng.uniform(0.42, 0.47), middle[1] + half[1] * rng.uniform(-0.03, 0.05))
    radii = (half[0] * rng.uniform(0.31, 0.36), half[1] * rng.uniform(0.58, 0.70))
    return blob(rng, centre, radii, rough=0.09, power=2.2)


def _mediastinum(rng: np.random.Generator, canvas: Canvas, middle: Point, half: Point) -> None:
    """Heart or great vessels, aorta, windpipe, spine: drawn over the lungs' inner edge."""
    heart = (middle[0] + half[0] * rng.uniform(0.0, 0.14), middle[1] - half[1] * rng.uniform(0.02, 0.14))
    fill(
        canvas,
        blob(rng, heart, (half[0] * rng.uniform(0.16, 0.32), half[1] * rng.uniform(0.3, 0.45)), rough=0.08),
        BLOOD,
    )
    aorta = (middle[0] + half[0] * rng.uniform(0.08, 0.16), middle[1] + half[1] * rng.uniform(0.3, 0.4))
    fill(canvas, blob(rng, aorta, (half[0] * 0.08, half[0] * 0.08), rough=0.02), BLOOD + rng.uniform(0, 120))
    if rng.random() < 0.6:
        for shift in ((-0.1, 0.1), (0.0,))[rng.integers(2)]:
            fill(
                canvas, blob(rng, (middle[0] + shift * half[0], middle[1]), (half[0] * 0.05, half[0] * 0.05)), AIR + 20
            )
    spine = (middle[0], middle[1] + half[1] * rng.uniform(0.55, 0.62))
    fill(
        canvas, blob(rng, spine, (half[0] * 0.13, half[1] * 0.15), rough=0.04, power=2.5), BONE * rng.uniform(0.5, 0.8)
    )
    back = (spine[0], spine[1] + half[1] * 0.18)
    fill(canvas, blob(rng, back, (half[0] * 0.11, half[1] * 0.09), rough=0.1), BONE)
    fill(canvas, blob(rng, (back[0], back[1] - half[1] * 0.01), (half[0] * 0.055, half[1] * 0.055)), 30.0)
    sternum = (middle[0], middle[1] - half[1] * rng.uniform(0.76, 0.82))
    fill(canvas, blob(rng, sternum, (half[0] * 0.13, half[1] * 0.05), rough=0.05), BONE * 0.6)


def _ribs(rng: np.random.Generator, canvas: Canvas, middle: Point, half: Point) -> None:
    ring = (int(half[0] * 0.83), int(half[1] * 0.80))
    centre, thick = (int(middle[0]), int(middle[1])), max(2, int(half[0] * 0.045))
    start = rng.uniform(0, 20)
    for index in range(int(rng.integers(7, 11))):
        angle = start + index * 36 + rng.uniform(-6, 6)
        arc = float(rng.uniform(9, 22))
        cv2.ellipse(canvas, centre, ring, 0, angle, angle + arc, BONE * float(rng.uniform(0.8, 1.4)), thick)
        cv2.ellipse(canvas, centre, ring, 0, angle + 1, angle + arc - 1, 150.0, max(1, thick // 3))
    for side in (-1, 1):
        blade = (int(middle[0] + side * half[0] * 0.68), int(middle[1] + half[1] * 0.66))
        cv2.ellipse(canvas, blade, (int(half[0] * 0.16), thick // 2 + 1), -side * 35, 0, 360, BONE * 1.2, -1)


def vessels(
    rng: np.random.Generator, canvas: Canvas, inside: NDArray[np.bool_], roots: list[Point], reach: float
) -> None:
    """Trees of bright branches that spring from the lung roots and thin out; cut to the lungs."""
    drawn = np.full(canvas.shape, AIR, np.float32)
    for index, root in enumerate(roots):
        outward = 0.0 if index else np.pi
        for _ in range(int(rng.integers(6, 10))):
            spread, length = rng.uniform(-1.6, 1.6), reach * rng.uniform(0.2, 0.45)
            _branch(rng, drawn, root, outward + spread, length, reach * rng.uniform(0.025, 0.045))
    for _ in range(int(rng.integers(20, 60))):
        spot = (int(rng.uniform(0, canvas.shape[1])), int(rng.uniform(0, canvas.shape[0])))
        cv2.circle(drawn, spot, max(1, int(reach * rng.uniform(0.004, 0.014))), float(rng.uniform(-500, 20)), -1)
    canvas[inside] = np.maximum(canvas, drawn)[inside]


def _branch(rng: np.random.Generator, canvas: Canvas, start: Point, angle: float, length: float, thick: float) -> None:
    if thick < 0.8 or length < 3:
        return
    end = (start[0] + np.cos(angle) * length, start[1] + np.sin(angle) * length)
    value = float(np.clip(-450 + 160 * thick, -450, 50))
    cv2.line(canvas, (round(start[0]), round(start[1])), (round(end[0]), round(end[1])), value, max(1, round(thick)))
    for _ in range(int(rng.integers(1, 4))):
        turn, further = rng.uniform(-0.9, 0.9), length * rng.uniform(0.5, 0.9)
        _branch(rng, canvas, end, angle + turn, further, thick * rng.uniform(0.4, 0.7))


def shade_lungs(rng: np.random.Generator, canvas: Canvas, inside: NDArray[np.bool_]) -> None:
    """Lung is denser where the patient lies on it, and nowhere quite even."""
    n = canvas.shape[0]
    slope = np.linspace(0, rng.uniform(20, 120), n, dtype=np.float32)[:, None]
    canvas[inside] += (slope + _clouds(rng, n, n / 12) * rng.uniform(5, 25))[inside]


def _clouds(rng: np.random.Generator, n: int, scale: float) -> Canvas:
    """Smooth noise of mean 0 and standard deviation 1, (n, n), with features of about ``scale`` pixels."""
    cells = max(2, round(n / max(scale, 2.0)))
    coarse = rng.standard_normal((cells, cells)).astype(np.float32)
    smooth = np.asarray(cv2.resize(coarse, (n, n), interpolation=cv2.INTER_CUBIC), np.float32)
    return np.asarray((smooth - smooth.mean()) / max(float(smooth.std()), 1e-6), np.float32)


def lesions(rng: np.random.Generator, canvas: Canvas, inside: NDArray[np.bool_], kind: str) -> None:
    """Patches under the pleura: ``ground-glass`` veils the vessels, ``consolidation`` hides all but the airways."""
    if not kind:
        return
    n = canvas.shape[0]
    depth = cv2.distanceTransform(inside.astype(np.uint8), cv2.DIST_L2, 3)
    rim = np.argwhere(inside & (depth < n * 0.08) & (depth > n * 0.01))
    kinds = ("ground-glass", "consolidation") if kind == "mixed" else (kind,)
    for index in range(int(rng.integers(2, 6))):
        if not len(rim):
            return
        row, column = rim[rng.integers(len(rim))]
        radius = n * rng.uniform(0.05, 0.11)
        veil = _veil(rng, n, (float(column), float(row)), radius) * inside
        target = rng.uniform(-620, -450) if kinds[index % len(kinds)] == "ground-glass" else rng.uniform(-80, 30)
        canvas[:] = np.where(canvas < target, canvas + (target - canvas) * veil, canvas)


def _veil(rng: np.random.Generator, n: int, centre: Point, radius: float) -> Canvas:
    """How much of a patch lies on each pixel, 0 to 1, (n, n): a ragged disc with soft edge and gaps."""
    ys, xs = np.mgrid[0:n, 0:n].astype(np.float32)
    distance = np.hypot((xs - centre[0]) / rng.uniform(0.8, 1.6), ys - centre[1]) / radius
    ragged = distance + 0.25 * _clouds(rng, n, radius * 0.7) + 0.08 * _clouds(rng, n, radius * 0.2)
    veil = np.clip((1.15 - ragged) / 0.35, 0, 1)
    return np.asarray(cv2.GaussianBlur(veil.astype(np.float32), (0, 0), max(0.6, n / 400)), np.float32)
