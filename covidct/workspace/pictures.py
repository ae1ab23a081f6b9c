"""Stored pictures as pixels: what a decision is anchored to, and blanking what must be forgotten."""

import hashlib
import io
from collections.abc import Sequence
from pathlib import Path

from covidct.errors import CovidctError
from covidct.records import Box

MAX_PIXELS = 400_000_000
"""A larger picture is a bomb, not a figure."""


def pixel_hash(path: Path) -> str:
    """SHA-256 of a picture's mode, size and decoded pixels; equal for equal pixels in any container."""
    from PIL import Image

    try:
        with Image.open(path) as image:
            if image.width * image.height > MAX_PIXELS:
                raise CovidctError(f"{path}: {image.width} x {image.height} pixels is more than a figure can have")
            head = f"{image.mode} {image.width} {image.height} ".encode()
            return hashlib.sha256(head + image.tobytes()).hexdigest()
    except (OSError, ValueError, SyntaxError) as error:
        raise CovidctError(f"{path} is no readable picture ({error}): remove it and harvest again") from error


def blanked(path: Path, places: Sequence[Box]) -> bytes:
    """PNG bytes of the picture with each box (fractions of width and height, grown by a pixel) painted black."""
    from PIL import Image, ImageDraw

    with Image.open(path) as image:
        flat = image.convert("RGB")
    for x0, y0, x1, y1 in places:
        corners = (x0 * flat.width - 1, y0 * flat.height - 1, x1 * flat.width + 1, y1 * flat.height + 1)
        ImageDraw.Draw(flat).rectangle(corners, fill=(0, 0, 0))
    buffer = io.BytesIO()
    flat.save(buffer, "PNG")
    return buffer.getvalue()
