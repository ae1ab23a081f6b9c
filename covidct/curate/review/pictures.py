"""Pictures out of the workspace: found by id, never by path; small copies; a painted mask and what it hides."""

import base64
import binascii
import io
from functools import lru_cache
from pathlib import Path
from typing import Any

from PIL import Image

from covidct.errors import UsageError
from covidct.records import Panel
from covidct.workspace.workspace import Workspace

MAX_PIXELS = 100_000_000
"""Of a picture that is decoded here."""
MAX_FILE = 64 * 1024 * 1024
SMALL = 224
"""Longer side of a contact sheet's picture, pixels."""
MAGIC = {b"\x89PNG\r\n\x1a\n": "image/png", b"\xff\xd8\xff": "image/jpeg"}
READ = ("PNG", "JPEG", "TIFF", "GIF", "BMP", "WEBP")


def as_shown(path: Path) -> tuple[bytes, str]:
    """A stored picture's bytes and media type; anything but PNG and JPEG is redrawn as PNG, so nothing can run."""
    if path.stat().st_size > MAX_FILE:
        raise UsageError(f"the picture is larger than {MAX_FILE} bytes")
    data = path.read_bytes()
    for magic, media in MAGIC.items():
        if data.startswith(magic):
            return data, media
    return png(decoded(data)), "image/png"


def decoded(data: bytes) -> Image.Image:
    """The picture in ``data``; raises :class:`UsageError` for anything broken, foreign or too large."""
    try:
        image = Image.open(io.BytesIO(data), formats=READ)
        if image.width * image.height > MAX_PIXELS:
            raise UsageError(f"a picture of {image.width} x {image.height} pixels is too large")
        image.load()
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise UsageError(f"not a readable picture: {error}") from error
    return image


def png(image: Image.Image) -> bytes:
    """``image`` as PNG."""
    buffer = io.BytesIO()
    image.save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


@lru_cache(maxsize=3000)
def small(path: Path) -> bytes:
    """A JPEG no larger than ``SMALL`` on its longer side; kept in memory, since stored files never change."""
    if path.stat().st_size > MAX_FILE:
        raise UsageError(f"the picture is larger than {MAX_FILE} bytes")
    image = decoded(path.read_bytes())
    if image.mode not in ("L", "RGB"):
        image = flat(image)
    image.thumbnail((SMALL, SMALL), Image.Resampling.BILINEAR)
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=82)
    return buffer.getvalue()


def flat(image: Image.Image) -> Image.Image:
    """Grey or colour without transparency; 16-bit grey is scaled to 8 bits."""
    if image.mode.startswith("I;16") or image.mode in ("I", "F"):
        low, high = (float(value) for value in image.convert("F").getextrema())  # type: ignore[arg-type]
        scale = 255 / (high - low) if high > low else 1.0
        return image.convert("F").point(lambda value: (value - low) * scale).convert("L")
    return image.convert("L" if image.mode in ("1", "LA", "L") else "RGB")


def panel_file(workspace: Workspace, panel: Panel, form: str) -> Path | None:
    """Where the panel's picture lies, or its ``mask`` or ``masked`` form; None where there is none."""
    if form == "plain":
        return workspace.path(panel.file) if panel.file else None
    decision = workspace.current("panel", panel.panel_id).get("mask")
    file = decision.value.get(form) if decision and isinstance(decision.value, dict) else None
    return workspace.path(file) if isinstance(file, str) and file else None


def painted(text: Any, size: tuple[int, int]) -> Image.Image:
    """A mask as the page sends it (base64 of a PNG, white hides), checked against the picture's ``size``."""
    if not isinstance(text, str):
        raise UsageError("the mask must be base64 text")
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise UsageError("the mask must be base64 text") from error
    mask = decoded(data)
    if mask.size != size:
        raise UsageError(f"the mask is {mask.width} x {mask.height}, the picture {size[0]} x {size[1]} pixels")
    return mask.convert("L").point(lambda value: 255 if value > 127 else 0)
