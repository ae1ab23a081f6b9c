"""Pictures from outside, as PNG: decoded within limits, without metadata."""

from dataclasses import dataclass

import numpy as np

from covidct.net.failures import FetchError, Kind
from covidct.pictures import MAX_PIXELS, PictureError, PictureTooLargeError, decode, png_bytes


@dataclass(frozen=True)
class Picture:
    """A picture as PNG bytes, pixels as they were (16-bit grey and transparency included), nothing else of the file."""

    png: bytes
    width: int
    height: int


def as_png(data: bytes, what: str, limit: int = MAX_PIXELS) -> Picture:
    """``data`` as PNG; ``FetchError`` names ``what`` where it is no picture, broken or over ``limit`` pixels."""
    try:
        image = decode(data, name=what, limit=limit)
    except PictureTooLargeError as error:
        raise FetchError(Kind.LIMIT, str(error), rule="picture-too-large") from error
    except PictureError as error:
        raise FetchError(Kind.UNUSABLE, str(error), rule="bad-picture") from error
    kept = {"L": "L", "1": "1", "I;16": "I;16", "I": "I;16", "F": "L"}.get(image.mode, "RGB")
    layered = image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info
    plain = np.asarray(image.convert("RGBA" if layered else kept))
    return Picture(png_bytes(plain), image.width, image.height)
