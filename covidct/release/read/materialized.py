"""The listing that ``manifest materialize`` leaves beside the pictures, and how to check a folder against it."""

import hashlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from covidct.errors import CovidctError
from covidct.release.read.gate import Form
from covidct.tables import read_csv

LISTING = "materialized.csv"
LISTING_COLUMNS = ("image_id", "file", "sha256", "pixels_sha256", "source_sha256", "width", "height", "form")


def pixel_digest(pixels: NDArray[np.uint8]) -> str:
    """SHA-256 over ``height x width`` and the grey values: the same whichever encoder wrote the file."""
    height, width = pixels.shape
    return hashlib.sha256(f"{height}x{width}\n".encode() + np.ascontiguousarray(pixels).tobytes()).hexdigest()


def read_listing(root: Path) -> dict[str, dict[str, str]]:
    """Rows of ``materialized.csv`` by image id, from ``root`` or the folder it lies in; empty where there is none."""
    path = next((home / LISTING for home in (root, root.parent) if (home / LISTING).is_file()), None)
    if path is None:
        return {}
    columns, rows = read_csv(path)
    lacking = [column for column in LISTING_COLUMNS if column not in columns]
    strange = {row["form"] for row in rows} - {*Form} if not lacking else set()
    if lacking or strange:
        what = f"the column {lacking[0]!r} is missing" if lacking else f"{min(strange)[:40]!r} is no form of a picture"
        raise CovidctError(f"{path}: {what}; write the pictures anew with 'covidct manifest materialize'")
    return {row["image_id"]: row for row in rows}
