"""Pictures from outside, as PNG: decoded within limits, without what a file may carry beside its pixels."""

import io
from dataclasses import dataclass

from PIL import Image, UnidentifiedImageError

from covidct.harvest.net.failures import FetchError, Kind

MOST_PIXELS = 60_000_000


@dataclass(frozen=True)
class Picture:
    """A picture as PNG bytes, pixels as they were (16-bit grey and palettes included), nothing else of the file."""

    png: bytes
    width: int
    height: int


def as_png(data: bytes, what: str) -> Picture:
    """``data`` as PNG; ``FetchError`` names ``what`` where it is no picture, broken or too large."""
    try:
        with Image.open(io.BytesIO(data)) as image:
            if image.width * image.height > MOST_PIXELS:
                size = f"{image.width} × {image.height}"
                raise FetchError(Kind.LIMIT, f"{what}: a picture of {size} pixels", rule="picture-too-large")
            image.load()
            plain = image if image.mode in ("L", "RGB", "I;16", "1") else image.convert(_mode(image))
            clean = Image.frombytes(plain.mode, plain.size, plain.tobytes())
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise FetchError(Kind.UNUSABLE, f"{what}: no readable picture ({error})", rule="bad-picture") from error
    buffer = io.BytesIO()
    clean.save(buffer, format="PNG")
    return Picture(buffer.getvalue(), clean.width, clean.height)


def _mode(image: Image.Image) -> str:
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        return "RGBA"
    return {"I": "I;16", "F": "L"}.get(image.mode, "RGB")
