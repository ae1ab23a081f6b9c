"""Hashes of the places in a picture, which survive crops, flips and marks.

A perceptual hash of a whole CT slice says little: all slices look alike (on the published COVID-CT set 64 bits give
397 false pairs). So the search for duplicates hashes *patches* round corners of a square thumbnail; two pictures are
candidates when several patches agree about one and the same shift and zoom.
"""

from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

SIDE = 128
"""Pixels of the square thumbnail: squaring it takes out every change of aspect ratio."""
CORNERS = 48
_PATCH = 38.0
"""Side, in thumbnail pixels, of the patch round a corner."""
_GRID = 10
_FREQUENCIES = 6
_FRAME_GREY = 60.0
_FRAME_NOISE = 6.0
"""Mean above which, and standard deviation under which, a line at the rim is part of a frame."""
_ZOOMS = ((1.0, 1.0), (1.1, 1.1), (1.21, 1.21), (1.18, 1.0), (1.0, 1.18))
VARIANTS = tuple((zx, zy, flip) for flip in (False, True) for zx, zy in _ZOOMS)
"""Zoom in x, zoom in y, mirrored: what is tried on a picture to see whether another shows a part of it. First: none."""


def thumbnail(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """``image`` (grey or RGB) as a grey SIDE x SIDE picture, without a plain frame round it."""
    grey = grey_of(image)
    rows, columns = frameless(grey)
    inner = grey[rows, columns]
    shrink = min(inner.shape) > SIDE
    small = cv2.resize(inner, (SIDE, SIDE), interpolation=cv2.INTER_AREA if shrink else cv2.INTER_LINEAR)
    return np.asarray(small, dtype=np.uint8)


def grey_of(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """``image`` (height x width, or x 3 RGB) as height x width grey."""
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) if image.ndim == 3 else image, dtype=np.uint8)


def frameless(grey: NDArray[np.uint8]) -> tuple[slice, slice]:
    """Rows and columns inside a plain bright frame of at most a sixth of each side; all of them where there is none.

    Black is left alone: the surround of a scan is black, and ends where noise and marks have it.
    """
    height, width = grey.shape
    if min(height, width) < 24:
        return slice(0, height), slice(0, width)
    return slice(*_bounds(grey)), slice(*_bounds(grey.T))


def _bounds(lines: NDArray[np.uint8]) -> tuple[int, int]:
    """First and one past the last line that is no frame; looked at from the rim, line by line, to its end."""
    outer = len(lines) // 6 + 1
    return _framed(lines[:outer]), len(lines) - _framed(lines[::-1][:outer])


def _framed(lines: NDArray[np.uint8]) -> int:
    """How many of the first lines are frame; 0 where all are, for then it is no frame."""
    return next((n for n, line in enumerate(lines) if line.std() >= _FRAME_NOISE or line.mean() <= _FRAME_GREY), 0)


@dataclass(frozen=True)
class Patches:
    """Where a picture was hashed, and to what; about 4 kB a picture.

    ``points``: corners x 2, float32, x and y in thumbnail pixels. ``keys``: corners x VARIANTS, uint64, the patch as
    each variant would show it: two hashes of 32 bits, each able to stand for the whole.
    """

    points: NDArray[np.float32]
    keys: NDArray[np.uint64]


def patches(small: NDArray[np.uint8]) -> Patches:
    """Hash the patches round the corners of a thumbnail; a flat picture has none."""
    smooth = np.asarray(cv2.GaussianBlur(small, (0, 0), 1.5), dtype=np.uint8)
    found = cv2.goodFeaturesToTrack(smooth, CORNERS, 0.005, 6, mask=_inner(), blockSize=7)
    corners = np.asarray([] if found is None else found, np.float32).reshape(-1, 2)
    if not len(corners):
        return Patches(np.zeros((0, 2), np.float32), np.zeros((0, len(VARIANTS)), np.uint64))
    blurred = np.asarray(cv2.GaussianBlur(smooth, (0, 0), _PATCH / _GRID / 2), dtype=np.uint8)
    spectra = np.stack([_sample(blurred, corners, zx, zy) @ _basis() for zx, zy in _ZOOMS], axis=1)
    return Patches(corners, _keys(np.concatenate([spectra, spectra * _mirror_signs()], axis=1)))


@cache
def _inner() -> NDArray[np.uint8]:
    mask = np.zeros((SIDE, SIDE), np.uint8)
    margin = round(_PATCH / 3)
    mask[margin:-margin, margin:-margin] = 255
    return mask


def _sample(small: NDArray[np.uint8], corners: NDArray[np.float32], zx: float, zy: float) -> NDArray[np.float32]:
    """corners x _GRID squared: grey values of the patches that a zoom by (zx, zy) would show at the usual size."""
    steps = (np.arange(_GRID, dtype=np.float32) + 0.5) / _GRID - 0.5
    x = corners[:, 0, None, None] + np.float32(_PATCH / zx) * steps[None, None, :] + 0 * steps[None, :, None]
    y = corners[:, 1, None, None] + np.float32(_PATCH / zy) * steps[None, :, None] + 0 * steps[None, None, :]
    shape = (len(corners), _GRID * _GRID)
    values = cv2.remap(small, x.reshape(shape), y.reshape(shape), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(values, dtype=np.float32)


@cache
def _basis() -> NDArray[np.float32]:
    """_GRID squared x 35: DCT-II in two dimensions without the mean.

    Spectra of pictures fall with the frequency squared: the weights undo that, so that all bits count alike.
    """
    n, order = np.arange(_GRID), np.arange(_FREQUENCIES)
    rows = np.cos(np.pi * order[:, None] * (2 * n[None, :] + 1) / (2 * _GRID))
    both = np.einsum("ki,lj->ijkl", rows, rows) * (order[:, None] ** 2 + order[None, :] ** 2)
    return np.ascontiguousarray(both.reshape(_GRID**2, -1)[:, 1:], dtype=np.float32)


@cache
def _mirror_signs() -> NDArray[np.float32]:
    """A mirrored patch has the same spectrum with the odd horizontal frequencies negated."""
    signs = np.where(np.arange(_FREQUENCIES) % 2 == 1, -1.0, 1.0)
    return np.tile(signs, (_FREQUENCIES, 1)).reshape(-1)[1:].astype(np.float32)


def _keys(spectra: NDArray[np.float32]) -> NDArray[np.uint64]:
    """64 bits: signs of the spectrum seen in two rotated frames, 32 of each."""
    signs = spectra @ _frames(spectra.shape[-1]) > 0
    return np.packbits(signs, axis=-1).view(np.uint64)[..., 0]


@cache
def _frames(size: int) -> NDArray[np.float32]:
    gauss = (np.random.default_rng(frame).normal(size=(size, size)) for frame in (0, 1))
    return np.hstack([np.linalg.qr(one)[0][:, :32] for one in gauss]).astype(np.float32)
