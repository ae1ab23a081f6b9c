"""What is known of a picture file without a person looking at it."""

from dataclasses import dataclass
from pathlib import Path

import imagehash
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


def picture_hash(path: Path) -> str:
    """256-bit perceptual hash (DCT, 16 x 16) of the picture in ``path``, in hex. Raises PictureError."""
    return str(imagehash.phash(Image.fromarray(open_grey(path)), hash_size=16))
