"""LUNA16: two axial slices of each of 500 subjects, as in the paper (III-C), from the scans in MetaImage format.

Window: level −600 HU, width 1500 HU (the usual lung window; the authors' own is not known). Every picture is turned
to the same orientation (patient's right on the left, front on top) whatever the scan's TransformMatrix says.
World → voxel: ``inv(Direction) · (world − Offset) / Spacing``; SimpleITK does it on the turned volume.
"""

import dataclasses
import random
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from covidct.errors import CovidctError, UsageError, one_line
from covidct.extras import needed
from covidct.files import sha256_file, write_bytes
from covidct.pictures import png_bytes
from covidct.tables import read_csv, write_csv

LEVEL, WIDTH = -600.0, 1500.0
SUBJECTS = 500
APART = 10.0
"""Millimetres between the two slices of a subject, where its lungs are high enough."""
LUNG_HU = (-950.0, -500.0)
LUNG_SHARE = 0.06
"""Least share of a slice that lung takes up."""
MOST_VOXELS = 1024 * 1024 * 1500
LICENCE = "cc-by-4.0"


@dataclass(frozen=True)
class Lesion:
    """One annotated nodule: centre in world millimetres, diameter in millimetres."""

    centre: tuple[float, float, float]
    diameter: float


@dataclass(frozen=True)
class Slice:
    """One exported slice; ``z`` is its index in the file."""

    file: str
    series: str
    z: int
    reason: str
    """``lesion`` or ``lung``."""
    width: int
    height: int
    sha256: str


@dataclass(frozen=True)
class LunaImport:
    """What an import gave."""

    slices: tuple[Slice, ...]
    failed: tuple[tuple[str, str], ...]
    subjects: int


def read_annotations(path: Path) -> dict[str, list[Lesion]]:
    """``annotations.csv`` by series; ``UsageError`` names a row that cannot be read."""
    lesions: dict[str, list[Lesion]] = {}
    for number, row in enumerate(read_csv(path)[1], 2):
        try:
            centre = (float(row["coordX"]), float(row["coordY"]), float(row["coordZ"]))
            lesions.setdefault(row["seriesuid"], []).append(Lesion(centre, float(row["diameter_mm"])))
        except (KeyError, ValueError) as error:
            columns = "seriesuid, coordX, coordY, coordZ, diameter_mm"
            raise UsageError(f"{path} row {number}: not as expected ({columns})") from error
    return lesions


def check_header(path: Path) -> None:
    """Refuse a header that points outside its folder, promises too much, or whose voxels are not all there."""
    words = path.read_bytes()[:20_000].decode("latin-1")
    fields = dict(re.findall(r"^\s*(\w+)\s*=\s*(.*?)\s*$", words, re.MULTILINE))
    data = fields.get("ElementDataFile", "")
    if not re.fullmatch(r"[\w.-]+\.(raw|zraw)", data):
        raise CovidctError(f"{path}: its header names the voxel file {data[:60]!r}, not in a .raw beside it: refused")
    sizes = [int(n) for n in fields.get("DimSize", "").split() if n.isdigit()]
    if len(sizes) != 3 or not 0 < int(np.prod(sizes, dtype=np.int64)) <= MOST_VOXELS:
        raise CovidctError(f"{path}: no usable DimSize ({fields.get('DimSize', '')[:40]!r})")
    raw = path.with_name(data)
    if not raw.is_file():
        raise CovidctError(f"{path}: its voxels {raw.name} are missing")
    whole = int(np.prod(sizes, dtype=np.int64)) * (2 if "SHORT" in fields.get("ElementType", "") else 1)
    if fields.get("CompressedData", "False").lower() != "true" and raw.stat().st_size < whole:
        raise CovidctError(f"{raw}: {raw.stat().st_size:,} of at least {whole:,} bytes: download it again")


def windowed(hounsfield: NDArray[Any]) -> NDArray[np.uint8]:
    """HU to 0–255 through the lung window; padding values far below air become black."""
    low = LEVEL - WIDTH / 2
    scaled = (np.clip(hounsfield.astype(np.float32), low, low + WIDTH) - low) / WIDTH * 255.0
    return np.round(scaled).astype(np.uint8)


def lung_share(hounsfield: NDArray[Any]) -> float:
    """Share of an axial slice that is lung: aerated voxels that do not touch the picture's edge."""
    from scipy import ndimage

    aerated = (hounsfield > LUNG_HU[0]) & (hounsfield < LUNG_HU[1])
    marks, count = ndimage.label(hounsfield < LUNG_HU[1])
    if not count:
        return 0.0
    border = np.unique(np.concatenate([marks[0], marks[-1], marks[:, 0], marks[:, -1]]))
    return float((aerated & ~np.isin(marks, border)).mean())


def choose_slices(
    volume: NDArray[Any], spacing_z: float, lesions: Sequence[tuple[int, float]], rng: random.Random
) -> list[tuple[int, str]]:
    """Two slices (index, reason) of a volume [z, y, x]: with a lesion first, lung shadow otherwise.

    ``lesions`` are (slice index of the centre, diameter in mm); a lesion reaches ``diameter / (2 · spacing)`` slices
    either way. Two lesions give two slices; else the second slice lies at least 10 mm away.
    """
    depth = volume.shape[0]
    chosen: list[tuple[int, str]] = []
    for centre, diameter in rng.sample(list(lesions), len(lesions)):
        reach = int(diameter / 2 / spacing_z)
        z = min(max(centre + rng.randint(-reach, reach), 0), depth - 1)
        if all(abs(z - other) * spacing_z >= APART for other, _ in chosen) and len(chosen) < 2:
            chosen.append((z, "lesion"))
    lungs = [z for z in range(depth) if lung_share(volume[z]) >= LUNG_SHARE] if len(chosen) < 2 else []
    for least in (APART, spacing_z / 2):
        fitting = [z for z in lungs if all(abs(z - other) * spacing_z >= least for other, _ in chosen)]
        while fitting and len(chosen) < 2:
            z = rng.choice(fitting)
            chosen.append((z, "lung"))
            fitting = [f for f in fitting if abs(f - z) * spacing_z >= least]
    return sorted(chosen)


def _export(path: Path, lesions: Sequence[Lesion], rng: random.Random, out: Path) -> list[Slice]:
    reader = needed("SimpleITK", "sources", "LUNA16's scans")
    check_header(path)
    try:
        image = reader.ReadImage(str(path))
        turned = reader.DICOMOrient(image, "LPS")
    except RuntimeError as error:
        raise CovidctError(f"{path}: SimpleITK cannot read it ({one_line(error)[-160:]})") from error
    volume = reader.GetArrayFromImage(turned)
    known = [(turned.TransformPhysicalPointToIndex(lesion.centre)[2], lesion.diameter) for lesion in lesions]
    inside = [(z, diameter) for z, diameter in known if 0 <= z < volume.shape[0]]
    slices = []
    for z, reason in choose_slices(volume, turned.GetSpacing()[2], inside, rng):
        index = image.TransformPhysicalPointToIndex(turned.TransformIndexToPhysicalPoint((0, 0, z)))[2]
        slices.append(_write(volume[z], path.stem, index, reason, out))
    return slices


def _write(hounsfield: NDArray[Any], series: str, z: int, reason: str, out: Path) -> Slice:
    name = f"{series}.mhd_{z}.png"
    picture = windowed(hounsfield)
    write_bytes(out / name, png_bytes(picture))
    return Slice(name, series, z, reason, picture.shape[1], picture.shape[0], sha256_file(out / name))


def import_luna16(folder: Path, out: Path, subjects: int = SUBJECTS, seed: int = 0) -> LunaImport:
    """Slices of ``subjects`` series, chosen by ``seed`` from those below ``folder``, into ``out`` with ``slices.csv``.

    A scan that cannot be read, or shows no lung, is replaced by the next in the shuffled order and reported.
    """
    scans = {path.stem: path for path in sorted(folder.rglob("*.mhd"))}
    notes = sorted(folder.rglob("annotations.csv"))
    if not scans or not notes:
        what = "scans (*.mhd)" if not scans else "annotations.csv"
        raise UsageError(
            f"{folder}: no {what} of LUNA16 here; give the folder that holds subset0…9 and annotations.csv"
        )
    lesions = read_annotations(notes[0])
    order = random.Random(seed).sample(sorted(scans), len(scans))
    slices: list[Slice] = []
    failed: list[tuple[str, str]] = []
    done = 0
    for series in order:
        if done == subjects:
            break
        try:
            found = _export(scans[series], lesions.get(series, []), random.Random(f"{seed}|{series}"), out)
        except CovidctError as error:
            failed.append((series, str(error)))
            continue
        if len(found) < 2:
            failed.append((series, "fewer than two slices show lung"))
            continue
        slices += found
        done += 1
    rows = [dataclasses.asdict(s) for s in sorted(slices, key=lambda s: (s.series, s.z))]
    write_csv(out / "slices.csv", [field.name for field in dataclasses.fields(Slice)], rows)
    return LunaImport(tuple(slices), tuple(failed), done)
