"""Pictures out of the workspace: found by id, never by path; small copies; a painted mask and what it hides."""

import base64
import binascii
import io
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from covidct.errors import UsageError
from covidct.pictures import grey_if_colourless, open_grey, open_picture, png_bytes, read_bytes
from covidct.records import Panel
from covidct.workspace.workspace import Workspace

MAX_FILE = 64 * 1024 * 1024
SMALL = 224
"""Longer side of a contact sheet's picture, pixels."""
MAGIC = {b"\x89PNG\r\n\x1a\n": "image/png", b"\xff\xd8\xff": "image/jpeg"}
Pixels = NDArray[np.uint8]


def as_shown(path: Path) -> tuple[bytes, str]:
    """A stored picture's bytes and media type; anything but PNG and JPEG is redrawn as PNG, so nothing can run."""
    data = read_bytes(path, MAX_FILE)
    for magic, media in MAGIC.items():
        if data.startswith(magic):
            return data, media
    return png_bytes(picture(data)), "image/png"


def picture(source: Path | bytes) -> Pixels:
    """The picture in ``source`` as 8-bit grey or RGB. Raises PictureError for anything broken, foreign or too large."""
    return grey_if_colourless(open_picture(source))


@lru_cache(maxsize=3000)
def small(path: Path) -> bytes:
    """A JPEG no larger than ``SMALL`` on its longer side; kept in memory, since stored files never change."""
    image = Image.fromarray(grey_if_colourless(open_picture(path, side=2 * SMALL)))
    image.thumbnail((SMALL, SMALL), Image.Resampling.BILINEAR)
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=82)
    return buffer.getvalue()


def panel_file(workspace: Workspace, panel: Panel, form: str) -> Path | None:
    """Where the panel's picture lies, or its ``mask`` or ``masked`` form; None where there is none."""
    if form == "plain":
        return workspace.path(panel.file) if panel.file else None
    decision = workspace.current("panel", panel.panel_id).get("mask")
    file = decision.value.get(form) if decision and isinstance(decision.value, dict) else None
    return workspace.path(file) if isinstance(file, str) and file else None


def painted(text: Any, size: tuple[int, int]) -> NDArray[np.bool_]:
    """A mask as the page sends it (base64 of a PNG, white hides), checked against the picture's height and width."""
    if not isinstance(text, str):
        raise UsageError("the mask must be base64 text")
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise UsageError("the mask must be base64 text") from error
    mask = open_grey(data, name="the mask") > 127
    if mask.shape != size:
        raise UsageError(f"the mask is {mask.shape[1]} x {mask.shape[0]}, the picture {size[1]} x {size[0]} pixels")
    return mask
