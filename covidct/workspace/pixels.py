"""Stored pictures as pixels: what a decision is anchored to, and blanking what must be forgotten."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

from covidct.records import Box


def pixel_hash(source: Path | bytes) -> str:
    """SHA-256 of mode, size and decoded pixels of a picture (a file, or its bytes), in whatever container it comes.

    Raises PictureError where it cannot be read.
    """
    from covidct.pictures import decode

    image = decode(source)
    head = f"{image.mode} {image.width} {image.height} ".encode()
    return hashlib.sha256(head + image.tobytes()).hexdigest()


def blanked(path: Path, places: Sequence[Box]) -> bytes:
    """PNG bytes of the picture with each box (fractions of width and height, grown by a pixel) painted black."""
    from covidct.pictures import decode, png_bytes, rgb

    pixels = rgb(decode(path))
    height, width = pixels.shape[:2]
    for x0, y0, x1, y1 in places:
        top, left = max(0, int(y0 * height) - 1), max(0, int(x0 * width) - 1)
        pixels[top : int(y1 * height) + 2, left : int(x1 * width) + 2] = 0
    return png_bytes(pixels)
