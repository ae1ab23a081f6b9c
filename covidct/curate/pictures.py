"""Pictures from disk as pixels, with limits: what a curator points at may be anything."""

import warnings
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from covidct.errors import CovidctError

MAX_PIXELS = 150_000_000
"""A figure at 600 dpi over a double page has less."""
_SIXTEEN_BIT = ("I;16", "I;16B", "I;16L", "I", "F")


def read_picture(path: Path, side: int = 0) -> NDArray[np.uint8]:
    """The picture in ``path`` as RGB, (H, W, 3) uint8; transparency becomes white, 16 bits are scaled to 8.

    With ``side``, a JPEG is decoded at a fraction of its size, its longer side still of at least that many pixels.
    Raises CovidctError, naming the file, where it is missing, no picture, truncated or too large.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path) as image:
                if image.width * image.height > MAX_PIXELS:
                    raise CovidctError(f"{path}: {image.width} x {image.height} pixels are too many: scale it down")
                if side:
                    image.draft(None, (side, side))
                return _rgb(image)
    except FileNotFoundError as error:
        raise CovidctError(f"{path}: no such file") from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise CovidctError(f"{path}: too many pixels: scale it down") from error
    except (OSError, ValueError, SyntaxError, EOFError) as error:
        raise CovidctError(f"{path}: not a picture that can be read ({error})") from error


def _rgb(image: Image.Image) -> NDArray[np.uint8]:
    if image.mode in _SIXTEEN_BIT:
        values = np.asarray(image, np.float32)
        low, high = float(values.min()), float(values.max())
        grey = ((values - low) / max(high - low, 1e-6) * 255).astype(np.uint8)
        return np.repeat(grey[:, :, None], 3, 2)
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        clear = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", clear.size, (255, 255, 255, 255)), clear)
    return np.ascontiguousarray(np.asarray(image.convert("RGB"), np.uint8))
