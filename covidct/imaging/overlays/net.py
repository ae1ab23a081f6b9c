"""A small U-Net that marks burnt-in text, arrows and markers, run with numpy alone.

Trained by benchmarks/train_marks.py on drawn marks over phantoms and LUNA16 slices (docs/marks.md); its weights are
``net.npz`` beside this file.
"""

from functools import cache
from importlib.resources import files
from io import BytesIO

import cv2
import numpy as np
from numpy.typing import NDArray

CLASSES = ("nothing", "text", "arrow", "marker")
WIDTHS = (8, 16, 32, 48)
"""Channels of the network's levels, each of half the resolution of the one before."""
_STRIDE = 2 ** (len(WIDTHS) - 1)
_LARGEST, _SMALLEST = 640, 256
"""Longer side, pixels, that a picture is brought between: marks then are as wide as those the network has seen."""

_STRIP = 32
"""Rows convolved at once: enough for speed, little enough for memory."""

Planes = NDArray[np.float32]
"""height x width x channels."""


def mark_probabilities(image: NDArray[np.uint8]) -> Planes:
    """height x width x CLASSES: how likely each pixel of ``image`` (grey or RGB) belongs to a mark of each kind."""
    height, width = image.shape[:2]
    scale = float(np.clip(max(height, width), _SMALLEST, _LARGEST)) / max(height, width)
    planes = features_of(image)
    if scale != 1:
        size = max(_STRIDE, round(width * scale)), max(_STRIDE, round(height * scale))
        how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        planes = np.asarray(cv2.resize(planes, size, interpolation=how), np.uint8)
    found = _softmax(_run(planes.astype(np.float32) / np.float32(255)))
    if scale != 1:
        found = np.asarray(cv2.resize(found, (width, height), interpolation=cv2.INTER_LINEAR), np.float32)
    return found


def features_of(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """height x width x 2: luminance, and the spread of the three colours, which a scan has not."""
    if image.ndim == 2:
        return np.dstack([image, np.zeros_like(image)])
    return np.dstack([cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), image.max(2) - image.min(2)])


def _run(inputs: Planes) -> Planes:
    weights = _weights()
    height, width = inputs.shape[:2]
    x = np.pad(inputs, ((0, -height % _STRIDE), (0, -width % _STRIDE), (0, 0)), mode="edge")
    kept = []
    for level in range(len(WIDTHS)):
        x = _block(x if level == 0 else _halve(x), weights, f"down.{level}")
        kept.append(x)
    for level in reversed(range(len(WIDTHS) - 1)):
        doubled = x.repeat(2, axis=0).repeat(2, axis=1)
        x = _block(np.concatenate([kept[level], doubled], axis=2), weights, f"up.{level}")
    out = x @ weights["out.weight"][:, :, 0, 0].T + weights["out.bias"]
    return np.asarray(out[:height, :width], dtype=np.float32)


def _block(x: Planes, weights: dict[str, Planes], name: str) -> Planes:
    for layer in ("0", "2"):
        x = _convolve(x, weights[f"{name}.{layer}.weight"], weights[f"{name}.{layer}.bias"])
        np.maximum(x, 0, out=x)
    return x


def _convolve(x: Planes, weight: Planes, bias: Planes) -> Planes:
    """3 x 3 convolution with zeros round the picture; ``weight`` is outputs x inputs x 3 x 3."""
    height, width, channels = x.shape
    padded = np.pad(x, ((1, 1), (1, 1), (0, 0)))
    matrix = np.ascontiguousarray(weight.transpose(2, 3, 1, 0).reshape(9 * channels, -1))
    out = np.empty((height, width, matrix.shape[1]), np.float32)
    for top in range(0, height, _STRIP):
        rows = padded[top : top + _STRIP + 2]
        views = np.lib.stride_tricks.sliding_window_view(rows, (3, 3), axis=(0, 1)).transpose(0, 1, 3, 4, 2)
        strip = views.reshape(-1, 9 * channels) @ matrix + bias
        out[top : top + _STRIP] = strip.reshape(-1, width, matrix.shape[1])
    return out


def _halve(x: Planes) -> Planes:
    height, width, channels = x.shape
    return np.asarray(x.reshape(height // 2, 2, width // 2, 2, channels).max(axis=(1, 3)), dtype=np.float32)


def _softmax(logits: Planes) -> Planes:
    powers = np.exp(logits - logits.max(axis=2, keepdims=True))
    return np.asarray(powers / powers.sum(axis=2, keepdims=True), dtype=np.float32)


@cache
def _weights() -> dict[str, Planes]:
    data = files("covidct.imaging.overlays").joinpath("net.npz").read_bytes()
    with np.load(BytesIO(data), allow_pickle=False) as stored:
        return {name: np.ascontiguousarray(stored[name], dtype=np.float32) for name in stored.files}
