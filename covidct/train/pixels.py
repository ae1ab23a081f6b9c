"""Pictures decoded once: grey, 8 bit, one fixed size, memory-mapped; training never opens a picture file again."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from covidct.errors import CovidctError, UsageError
from covidct.files import atomic_path, read_document, sha256_file, write_text
from covidct.imaging.lung import lung_mask
from covidct.imaging.overlays.find import find_overlays, paint_over
from covidct.pictures import open_grey
from covidct.progress import progress

PIXELS, INDEX = "pixels.npy", "index.json"
MIN_LUNG = 0.04
"""Share of the picture under which lungs are taken for not found: a slice of the abdomen, or a very dense chest."""
SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff"}


@dataclass(frozen=True)
class PixelStore:
    """``pixels`` is (n, side, side) uint8, memory-mapped; row i belongs to ``ids[i]``; ``digest`` names the content."""

    ids: tuple[str, ...]
    pixels: NDArray[np.uint8]
    digest: str
    folder: Path
    sums: Mapping[str, str] = field(default_factory=dict)
    """sha256 of the file that each picture was decoded from."""

    @property
    def side(self) -> int:
        return int(self.pixels.shape[1])

    def rows(self, ids: Sequence[str]) -> NDArray[np.uint8]:
        """The pictures of ``ids`` in that order, as one array in memory; an unknown id is a CovidctError."""
        place = {name: row for row, name in enumerate(self.ids)}
        gone = [name for name in ids if name not in place]
        if gone:
            raise CovidctError(f"{gone[0]}: not in the packed pictures ({len(gone)} missing); pack them again")
        return np.ascontiguousarray(self.pixels[[place[name] for name in ids]])


def _masked(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Arrows, letters and frames painted over (text is found by its strokes; it is not read)."""
    return paint_over(picture, find_overlays(picture).mask)


def _lungs(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The box round the lungs with a margin of a twentieth; the whole picture where hardly any lung is found."""
    mask = lung_mask(picture)
    if mask.mean() < MIN_LUNG:
        return picture
    spans = []
    for axis in (1, 0):
        filled = np.flatnonzero(mask.any(axis=axis))
        margin = (filled[-1] - filled[0]) // 20
        spans.append(slice(max(0, filled[0] - margin), filled[-1] + margin + 1))
    return picture[spans[0], spans[1]]


VIEWS: Mapping[str, Callable[[NDArray[np.uint8]], NDArray[np.uint8]]] = {
    "whole": lambda picture: picture,
    "masked": _masked,
    "lungs": _lungs,
}
"""What a network is shown of a picture, by the recipe's ``view``."""


def square(path: Path, side: int, view: str = "whole") -> NDArray[np.uint8]:
    """The picture in ``path`` as grey (side, side) uint8; the aspect is not kept, as in the paper's 224 x 224."""
    picture = Image.fromarray(VIEWS[view](open_grey(path)))
    return np.asarray(picture.resize((side, side), Image.Resampling.BILINEAR, reducing_gap=None))


def pack(paths: Mapping[str, Path], side: int, folder: Path, view: str = "whole") -> PixelStore:
    """Decode every picture into ``folder``; a folder that already holds these very files at this size is used as is."""
    if not paths:
        raise UsageError("no pictures to pack; give a folder or release that has some")
    sums = {name: sha256_file(path) for name, path in paths.items()}
    digest = hashlib.sha256(json.dumps([side, sums, *([view] if view != "whole" else [])]).encode()).hexdigest()
    target = folder / f"{digest[:16]}-{side}"
    if (target / INDEX).is_file():
        return open_store(target)
    with atomic_path(target / PIXELS) as part:
        pixels = np.lib.format.open_memmap(part, mode="w+", dtype=np.uint8, shape=(len(paths), side, side))
        for row, path in enumerate(progress(paths.values(), "decode")):
            pixels[row] = square(path, side, view)
        pixels.flush()
        del pixels
    write_text(
        target / INDEX, json.dumps({"digest": digest, "side": side, "ids": list(paths), "sha256": sums}, indent=0)
    )
    return open_store(target)


def open_store(folder: Path) -> PixelStore:
    """A folder written by :func:`pack` (``covidct data pack``); checked against its index."""
    try:
        index = read_document(folder / INDEX)
        pixels = np.load(folder / PIXELS, mmap_mode="r", allow_pickle=False)
        ids = tuple(str(name) for name in index["ids"])
        digest, side = str(index["digest"]), int(index["side"])
        sums = {str(name): str(value) for name, value in dict(index.get("sha256", {})).items()}
    except FileNotFoundError as error:
        raise UsageError(
            f"{folder}: no packed pictures ({INDEX}, {PIXELS}); make them with 'covidct data pack'"
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise CovidctError(f"{folder}: not a folder of packed pictures ({error}); pack them again") from error
    if pixels.shape != (len(ids), side, side) or pixels.dtype != np.uint8:
        raise CovidctError(f"{folder}: {PIXELS} does not fit its index; pack the pictures again")
    return PixelStore(ids, pixels, digest, folder, sums)


def folder_pictures(folder: Path) -> dict[str, Path]:
    """Every picture below ``folder`` by its POSIX path there: the unlabelled sets (LUNA16 slices, anyone's)."""
    if not folder.is_dir():
        raise UsageError(f"{folder}: no such folder of pictures")
    found = {p.relative_to(folder).as_posix(): p for p in sorted(folder.rglob("*")) if p.suffix.lower() in SUFFIXES}
    if not found:
        raise UsageError(f"{folder}: holds no pictures ({', '.join(sorted(SUFFIXES))})")
    return found
