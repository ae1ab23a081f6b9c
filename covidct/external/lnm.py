"""LNM, the lung nodule patches of Kaggle's ``kmader/lungnodemalignancy``: one HDF5 file of 64 × 64 slices.

Counts are computed, never assumed. There is no patient id in the file, and its nodules come from LIDC, as LUNA16's do:
never evaluate on one what was pretrained on the other.
"""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from covidct.errors import UsageError
from covidct.extras import needed
from covidct.files import sha256_file, write_bytes
from covidct.pictures import png_bytes
from covidct.tables import write_csv

SLICES, CLASSES = "ct_slices", "slice_class"
WINDOW = (-600.0, 300.0)
"""HU, as the data set's own notebook shows its patches."""
MOST = 200_000


@dataclass(frozen=True)
class LnmImport:
    """What an import gave."""

    patches: int
    counts: dict[str, int]
    """Patches by class, ``benign`` and ``malignant``."""
    lowest: float
    highest: float


def _open(path: Path) -> tuple[NDArray[Any], NDArray[Any]]:
    h5py = needed("h5py", "sources", "LNM's HDF5 file")
    file = path if path.is_file() else path / "all_patches.hdf5"
    if not file.is_file():
        raise UsageError(f"{path}: no all_patches.hdf5 here; download kmader/lungnodemalignancy from Kaggle first")
    try:
        with h5py.File(file, "r") as handle:
            missing = [name for name in (SLICES, CLASSES) if not isinstance(handle.get(name), h5py.Dataset)]
            if missing:
                raise UsageError(f"{file}: no dataset {missing[0]} in it: this is not the LNM file")
            shape = handle[SLICES].shape
            if len(shape) != 3 or not 0 < shape[0] <= MOST or max(shape[1:]) > 1024:
                raise UsageError(f"{file}: {SLICES} has the shape {shape}, not (patches, height, width)")
            if handle[CLASSES].shape[0] != shape[0]:
                raise UsageError(f"{file}: {shape[0]} patches but {handle[CLASSES].shape[0]} classes")
            return np.asarray(handle[SLICES], np.float32), np.asarray(handle[CLASSES]).reshape(shape[0], -1)[:, 0]
    except OSError as error:
        raise UsageError(f"{file}: no readable HDF5 file ({error})") from error


def windowed(values: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Hounsfield units to 0–255. Done before any conversion to a picture: there, lung below zero would become black."""
    low, high = WINDOW
    return np.round((np.clip(values, low, high) - low) / (high - low) * 255.0).astype(np.uint8)


def import_lnm(path: Path, out: Path) -> LnmImport:
    """Every patch as an 8-bit grey PNG in ``out/benign`` and ``out/malignant``, with ``patches.csv``."""
    values, classes = _open(path)
    if not set(np.unique(classes).tolist()) <= {0, 1}:
        raise UsageError(f"{path}: classes other than 0 and 1 in {CLASSES}")
    if float(values.min()) >= 0:
        raise UsageError(f"{path}: {SLICES} holds no Hounsfield units (nothing below 0): the window would not fit")
    names = [("benign", "malignant")[int(c)] for c in classes]
    rows = []
    for number, (patch, name) in enumerate(zip(windowed(values), names, strict=True)):
        file = f"{name}/{number:05d}.png"
        write_bytes(out / file, png_bytes(patch))
        height, width = patch.shape
        rows.append({"file": file, "label": name, "width": width, "height": height, "sha256": sha256_file(out / file)})
    write_csv(out / "patches.csv", list(rows[0]), rows)
    return LnmImport(len(names), dict(sorted(Counter(names).items())), float(values.min()), float(values.max()))
