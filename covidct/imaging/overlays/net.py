"""A small U-Net that marks burnt-in text, arrows and markers, run by OpenCV.

Trained by benchmarks/train_marks.py on drawn marks over phantoms and LUNA16 slices (docs/marks.md); it is ``net.onnx``
beside this file.
"""

from functools import cache
from importlib.resources import files
from threading import Lock
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

CLASSES = ("nothing", "text", "arrow", "marker")
WIDTHS = (8, 16, 32, 48)
"""Channels of the network's levels, each of half the resolution of the one before."""
_STRIDE = 2 ** (len(WIDTHS) - 1)
_LARGEST, _SMALLEST = 640, 320
"""Longer side, pixels, that a picture is brought between: marks then are as wide as those the network has seen."""
_lock = Lock()

Planes = NDArray[np.float32]
"""height x width x channels."""


def mark_probabilities(image: NDArray[np.uint8]) -> Planes:
    """height x width x CLASSES: how likely each pixel of ``image`` (grey or RGB) belongs to a mark of each kind."""
    height, width = image.shape[:2]
    found = _run(sized(features_of(image)))
    if found.shape[:2] != (height, width):
        found = np.asarray(cv2.resize(found, (width, height), interpolation=cv2.INTER_LINEAR), np.float32)
    return found


def sized(planes: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """``planes`` (height x width x channels) as the network looks at them: its longer side brought between both."""
    height, width = planes.shape[:2]
    scale = float(np.clip(max(height, width), _SMALLEST, _LARGEST)) / max(height, width)
    if scale == 1:
        return planes
    size = max(_STRIDE, round(width * scale)), max(_STRIDE, round(height * scale))
    return np.asarray(cv2.resize(planes, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR))


def features_of(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """height x width x 2: luminance, and the spread of the three colours, which a scan has not."""
    if image.ndim == 2:
        return np.dstack([image, np.zeros_like(image)])
    return np.dstack([cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), image.max(2) - image.min(2)])


def _run(planes: NDArray[np.uint8]) -> Planes:
    height, width = planes.shape[:2]
    whole = np.pad(planes, ((0, -height % _STRIDE), (0, -width % _STRIDE), (0, 0)), mode="edge")
    inputs = np.ascontiguousarray(whole.transpose(2, 0, 1)[None], np.float32) / np.float32(255)
    with _lock:  # the engine keeps its buffers on itself
        _net().setInput(inputs)
        found = _net().forward()[0]
    return np.ascontiguousarray(found[:, :height, :width].transpose(1, 2, 0))


@cache
def _net() -> Any:
    data = files("covidct.imaging.overlays").joinpath("net.onnx").read_bytes()
    return cv2.dnn.readNetFromONNX(np.frombuffer(data, np.uint8))
