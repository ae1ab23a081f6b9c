"""What a picture tells without its anatomy: size, file format, compression, grey range, border, colour.

A classifier that gets far with these alone has found a shortcut; the audit measures how far.
"""

import math
import zlib
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from PIL import Image

FORMATS = ("PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP")
MODES = ("L", "RGB", "RGBA", "P", "LA", "1", "I;16")
_BORDER = 0.05
"""Share of a side that counts as border."""
_COLOURED = 24
"""Difference between colour channels (0 to 255) from which a pixel counts as coloured."""

Grey = NDArray[np.uint8]


def size_features(width: int, height: int) -> dict[str, float]:
    """Width, height (pixels), aspect ratio and log area."""
    return {
        "width": float(width),
        "height": float(height),
        "aspect": width / height,
        "log_area": math.log(width * height),
    }


def format_features(picture: Image.Image, suffix: str) -> dict[str, float]:
    """One-hot format and mode, and whether the file's suffix lies about its format."""
    kind = picture.format or ""
    named = {".jpg": "JPEG", ".jpeg": "JPEG", ".tif": "TIFF"}.get(suffix.lower(), suffix.lstrip(".").upper())
    return {
        **{f"format_{name}": float(kind == name) for name in FORMATS},
        **{f"mode_{name}": float(picture.mode == name) for name in MODES},
        "suffix_lies": float(bool(kind) and named != kind),
    }


def intensity_features(grey: Grey) -> dict[str, float]:
    """Mean, spread, percentiles, extremes and entropy (bits) of the grey values of ``grey`` (height x width)."""
    counts = np.bincount(grey.ravel(), minlength=256)
    shares, levels = counts / grey.size, np.arange(256)
    used, mean = shares[shares > 0], float((shares * levels).sum())
    percentiles = _percentiles(counts, (1, 5, 25, 50, 75, 95, 99))
    return {
        "mean": mean,
        "spread": float(np.sqrt((shares * (levels - mean) ** 2).sum())),
        **{f"p{q}": float(v) for q, v in zip((1, 5, 25, 50, 75, 95, 99), percentiles, strict=True)},
        "share_black": float(shares[0]),
        "share_white": float(shares[255]),
        "entropy": float(-(used * np.log2(used)).sum()),
    }


def _percentiles(counts: NDArray[np.int64], shares: tuple[int, ...]) -> NDArray[np.float64]:
    """What ``np.percentile`` gives, from how often each grey value occurs: without sorting the picture."""
    place = np.asarray(shares) / 100 * (counts.sum() - 1)
    low, high = (np.searchsorted(np.cumsum(counts), edge, side="right") for edge in (np.floor(place), np.ceil(place)))
    return np.asarray(low + (high - low) * (place % 1), np.float64)


def border_features(grey: Grey) -> dict[str, float]:
    """Mean, spread, black and white share of the outer five per cent, and of each side its mean."""
    height, width = grey.shape
    rows, columns = max(1, round(height * _BORDER)), max(1, round(width * _BORDER))
    sides = {
        "top": grey[:rows],
        "bottom": grey[-rows:],
        "left": grey[:, :columns],
        "right": grey[:, -columns:],
    }
    rim = np.concatenate([side.ravel() for side in sides.values()])
    return {
        **{f"border_{name}": float(side.mean()) for name, side in sides.items()},
        "border_spread": float(rim.std()),
        "border_black": float((rim <= 2).mean()),
        "border_white": float((rim >= 253).mean()),
    }


def compression_features(size: int, grey: Grey) -> dict[str, float]:
    """Bytes a pixel of the file, the 8 x 8 block pattern that JPEG leaves, fine noise, and how well the grey packs."""
    packed = len(zlib.compress(np.ascontiguousarray(grey).tobytes(), 1))
    return {
        "bytes_per_pixel": size / grey.size,
        "blockiness": blockiness(grey),
        "fine_noise": float(np.abs(np.diff(grey.astype(np.int16), axis=1)).mean()) if grey.shape[1] > 1 else 0.0,
        "packing": packed / grey.size,
    }


def blockiness(grey: Grey) -> float:
    """Mean step across 8-pixel block edges over the mean step elsewhere, minus 1; near 0 without JPEG on this grid."""
    if min(grey.shape) < 24:
        return 0.0
    ratios = []
    for values in (grey, grey.T):
        steps = np.abs(np.diff(values.astype(np.int16), axis=1)).mean(axis=0)
        edge = np.arange(len(steps)) % 8 == 7
        ratios.append(float(steps[edge].mean() / (steps[~edge].mean() + 1e-6)))
    return float(np.mean(ratios)) - 1.0


def colour_share(picture: Image.Image) -> float:
    """Share of pixels whose colour channels differ clearly: arrows, boxes, overlays on a grey slice."""
    if picture.mode in {"L", "1", "I", "F", "I;16"}:
        return 0.0
    red, green, blue = np.moveaxis(np.asarray(picture.convert("RGB")), 2, 0)
    highest = np.maximum(np.maximum(red, green), blue)
    return float((highest - np.minimum(np.minimum(red, green), blue) > _COLOURED).mean())


def picture_features(data: bytes, picture: Image.Image, grey: Grey, suffix: str) -> Mapping[str, Mapping[str, float]]:
    """All features by family: ``size``, ``format``, ``compression``, ``intensity``, ``border``, ``colour``."""
    return {
        "size": size_features(picture.width, picture.height),
        "format": format_features(picture, suffix),
        "compression": compression_features(len(data), grey),
        "intensity": intensity_features(grey),
        "border": border_features(grey),
        "colour": {"coloured": colour_share(picture)},
    }
