"""What is known of a picture file without a person looking at it."""

from dataclasses import dataclass
from pathlib import Path

import imagehash
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from covidct.files import sha256_bytes
from covidct.pictures import decode, open_grey, read_bytes


@dataclass(frozen=True)
class PictureFacts:
    """Size in pixels, bytes and SHA-256 of a picture file; ``format`` and ``mode`` as Pillow names them."""

    width: int
    height: int
    format: str
    mode: str
    bytes: int
    sha256: str


def facts(path: Path) -> PictureFacts:
    """The facts of the picture file in ``path``, which is decoded whole. Raises PictureError."""
    data = read_bytes(path)
    picture = decode(data, name=str(path))
    size = picture.width, picture.height
    return PictureFacts(*size, picture.format or "", picture.mode, len(data), sha256_bytes(data))


FORM_BITS = 40
"""Of the 256 bits of two hashes: masked, resized and re-encoded forms of a slice differ in fewer, others in more."""


def same_picture(path: Path, phash: str) -> bool:
    """Whether the picture in ``path`` is a form of the one with ``phash`` (64 or 256 bits in hex); False for none."""
    return len(phash) == 64 and not another_picture(picture_hash(path), phash)


def another_picture(a: str, b: str) -> bool:
    """Whether two hashes of 256 bits in hex are of pictures that show different things; False where one is none."""
    return len(a) == len(b) == 64 and (int(a, 16) ^ int(b, 16)).bit_count() > FORM_BITS


def picture_hash(path: Path) -> str:
    """256-bit perceptual hash (DCT, 16 x 16) of the picture in ``path``, in hex. Raises PictureError."""
    return array_hash(open_grey(path))


def array_hash(pixels: NDArray[np.uint8]) -> str:
    """The same of grey ``pixels`` (height x width)."""
    return str(imagehash.phash(Image.fromarray(pixels), hash_size=16))
