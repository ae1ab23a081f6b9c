"""Opening pictures that strangers made: bounded in bytes and pixels, one clear error when they cannot be read."""

import hashlib
import io
import warnings
from dataclasses import dataclass
from pathlib import Path

import imagehash
import numpy as np
from PIL import Image, UnidentifiedImageError

from covidct.errors import CovidctError

MAX_PIXELS = 64_000_000
MAX_FILE_BYTES = 256 * 2**20


class PictureError(CovidctError):
    """A picture that is gone, too large, or not decodable."""


@dataclass(frozen=True)
class PictureFacts:
    """What is known of a picture file without a person looking; ``format`` and ``mode`` as Pillow names them."""

    width: int
    height: int
    format: str
    mode: str
    bytes: int
    sha256: str


def read_bytes(path: Path) -> bytes:
    """A picture file's bytes, bounded."""
    try:
        size = path.stat().st_size
        if size > MAX_FILE_BYTES:
            raise PictureError(f"{path}: {size} bytes; pictures over {MAX_FILE_BYTES} are not read")
        return path.read_bytes()
    except OSError as error:
        raise PictureError(f"{path}: {error.strerror or error}") from error


def decode(data: bytes, name: str) -> Image.Image:
    """The decoded first frame of a picture; a truncated or foreign file is a PictureError that names it."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            picture = Image.open(io.BytesIO(data))
            if picture.width * picture.height > MAX_PIXELS:
                raise PictureError(f"{name}: {picture.width} x {picture.height} pixels; over {MAX_PIXELS} is not read")
            picture.load()
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise PictureError(f"{name}: not a readable picture ({error})") from error
    return picture


def open_picture(path: Path) -> Image.Image:
    """The picture in ``path``, decoded."""
    return decode(read_bytes(path), str(path))


def grey(picture: Image.Image) -> "np.ndarray[tuple[int, int], np.dtype[np.uint8]]":
    """Luminance as (height, width) uint8; 16-bit and float pictures are scaled from their own range, alpha is dropped.

    A picture with transparent pixels is laid on black, which is what a viewer of a CT shows.
    """
    if picture.mode in {"I", "F", "I;16", "I;16B", "I;16L"}:
        values = np.asarray(picture, dtype=np.float64)
        low, high = float(values.min()), float(values.max())
        scaled = (values - low) * (255.0 / (high - low)) if high > low else np.zeros_like(values)
        return np.rint(scaled).astype(np.uint8)
    if picture.mode in {"RGBA", "LA", "PA"} or "transparency" in picture.info:
        layer = picture.convert("RGBA")
        ground = Image.new("RGBA", layer.size, (0, 0, 0, 255))
        picture = Image.alpha_composite(ground, layer)
    return np.asarray(picture.convert("L"))


def facts(path: Path) -> PictureFacts:
    """Size, format, mode and SHA-256 of the picture file in ``path``, which is decoded whole."""
    data = read_bytes(path)
    picture = decode(data, str(path))
    return PictureFacts(
        width=picture.width,
        height=picture.height,
        format=picture.format or "",
        mode=picture.mode,
        bytes=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
    )


def picture_hash(path: Path) -> str:
    """256-bit perceptual hash (DCT, 16 x 16) of the picture in ``path``, in hex."""
    return str(imagehash.phash(Image.fromarray(grey(open_picture(path))), hash_size=16))
