"""The one opener and the one writer of pictures: what a stranger made is bounded before a decoder sees it.

Regular files only, six formats (never a language such as PostScript), a limit on bytes and one on pixels, the first
frame, white where the picture is transparent. Whatever goes wrong is one PictureError that names the file.
"""

import io
import os
import stat
import warnings
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from covidct.errors import CovidctError, one_line

FORMATS = ("PNG", "JPEG", "TIFF", "BMP", "GIF", "WEBP")
MAX_PIXELS = 100_000_000
"""Two A4 pages side by side at 600 dpi have 70 million."""
MAX_FILE_BYTES = 256 * 2**20
LEAST_SIDE = 2
WORK_LEVEL = 1
"""PNG compression of files that only this program reads; level 6 takes four times as long for 6 % fewer bytes."""
_READ = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)
_ROWS = 256
"""Rows of a picture that are worked on at once where the numbers are larger than its own."""
_DEEP = frozenset({"I", "F", "I;16", "I;16B", "I;16L", "I;16N"})
_LAYERED = frozenset({"RGBA", "LA", "PA", "La", "RGBa"})

Grey = NDArray[np.uint8]
"""height x width."""
Rgb = NDArray[np.uint8]
"""height x width x 3."""


class PictureError(CovidctError):
    """A picture that is gone, no regular file, too large, or not decodable."""


class PictureTooLargeError(PictureError):
    """A picture over the limit of bytes or pixels."""


def open_picture(source: Path | bytes, *, name: str = "", limit: int = MAX_PIXELS, side: int = 0) -> Rgb:
    """The picture in ``source`` (a file, or its bytes under ``name``) as 8-bit RGB on white ground.

    ``limit``: most pixels. With ``side``, a JPEG may come at a fraction of its size, its longer side still of at least
    that many pixels. 16-bit and float values are scaled from their own range. Raises PictureError, also for a picture
    of less than ``LEAST_SIDE`` pixels either way: a spacer or a tracking pixel.
    """
    return _wide_enough(rgb(decode(source, name=name, limit=limit, side=side)), source, name)


def open_grey(source: Path | bytes, *, name: str = "", limit: int = MAX_PIXELS) -> Grey:
    """The luminance of the picture in ``source``, else as :func:`open_picture`."""
    return _wide_enough(grey(decode(source, name=name, limit=limit)), source, name)


def _wide_enough(pixels: NDArray[np.uint8], source: Path | bytes, name: str) -> NDArray[np.uint8]:
    if min(pixels.shape[:2]) < LEAST_SIDE:
        name = name or ("picture" if isinstance(source, bytes) else str(source))
        raise PictureError(f"{name}: {pixels.shape[1]} x {pixels.shape[0]} pixels show nothing: leave it out")
    return pixels


def decode(source: Path | bytes, *, name: str = "", limit: int = MAX_PIXELS, side: int = 0) -> Image.Image:
    """The decoded first frame in ``source`` with its own ``mode`` and ``format``; in an exotic mode it comes as RGB."""
    data, name = (source, name or "picture") if isinstance(source, bytes) else (read_bytes(source), name or str(source))
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module="PIL")
            image = Image.open(io.BytesIO(data), formats=FORMATS)
            if image.width * image.height <= limit:
                if side:
                    image.draft(None, (side, side))
                image.load()
                return image if image.mode in _KNOWN else _plain(image)
        size = f"{image.width} x {image.height}"
    except Image.DecompressionBombError:
        size = "far"
    except UnidentifiedImageError as error:
        raise PictureError(f"{name}: not a readable picture (it is none of {', '.join(FORMATS)})") from error
    except Exception as error:
        raise PictureError(f"{name}: not a readable picture ({one_line(error)})") from error
    raise PictureTooLargeError(f"{name}: {size} pixels are too many (at most {limit}): scale it down")


def _plain(image: Image.Image) -> Image.Image:
    plain = image.convert("RGB")
    plain.format = image.format
    return plain


_KNOWN = _DEEP | _LAYERED | {"1", "L", "P", "RGB", "CMYK", "YCbCr"}


def read_bytes(path: Path, limit: int = MAX_FILE_BYTES) -> bytes:
    """The bytes of a regular file, at most ``limit``; a pipe or a device is refused and never waited for."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise PictureError(f"{path}: not a regular file")
        with os.fdopen(os.open(path, _READ), "rb") as handle:
            regular = stat.S_ISREG(os.fstat(handle.fileno()).st_mode)
            data = handle.read(limit + 1) if regular else b""
    except (OSError, ValueError) as error:
        raise PictureError(f"{path}: {getattr(error, 'strerror', None) or error}") from error
    if len(data) > limit:
        raise PictureTooLargeError(f"{path}: over {limit} bytes, and is not read")
    return data


def rgb(image: Image.Image) -> Rgb:
    """``image`` as (height, width, 3) uint8 on white ground."""
    if image.mode in _DEEP:
        return np.repeat(_scaled(image)[:, :, None], 3, axis=2)
    return _array(_on_white(image), "RGB")


def grey(image: Image.Image) -> Grey:
    """Luminance of ``image`` as (height, width) uint8 on white ground."""
    return _scaled(image) if image.mode in _DEEP else _array(_on_white(image), "L")


def _array(image: Image.Image, mode: str) -> NDArray[np.uint8]:
    """Pixels of ``image`` in ``mode``, without a copy of the whole where it is in that mode already."""
    return np.array(image if image.mode == mode else image.convert(mode), np.uint8)


def _on_white(image: Image.Image) -> Image.Image:
    if image.mode not in _LAYERED and "transparency" not in image.info:
        return image
    layer, ground = image.convert("RGBA"), Image.new("RGB", image.size, (255, 255, 255))
    ground.paste(layer, mask=layer.getchannel("A"))
    return ground


def _scaled(image: Image.Image) -> Grey:
    """8 bit from the picture's own range, some rows at a time: in float64 the whole would be eight times its size."""
    values = np.asarray(image)
    if values.dtype.kind == "f":
        values = np.nan_to_num(values, posinf=0.0, neginf=0.0)
    low, high = float(values.min()), float(values.max())
    factor, scaled = 255.0 / (high - low) if high > low else 0.0, np.empty(values.shape, np.uint8)
    for top in range(0, len(values), _ROWS):
        part = slice(top, top + _ROWS)
        scaled[part] = np.rint((values[part].astype(np.float64) - low) * factor)
    return scaled


def grey_if_colourless(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """One channel of RGB ``pixels`` whose three are equal, so that no colour is claimed that is not there."""
    sample = pixels[::16, ::16]
    equal = pixels.ndim == 3 and all(bool((part[:, :, :1] == part).all()) for part in (sample, pixels))
    return np.ascontiguousarray(pixels[:, :, 0]) if equal else pixels


def png_bytes(pixels: NDArray[np.generic], level: int = WORK_LEVEL) -> bytes:
    """``pixels`` (height x width: 8 bit, 16 bit or bool; or x 3 or 4, 8 bit) as PNG that holds nothing else."""
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG", compress_level=level)
    return out.getvalue()
