"""Anyone's own set: a CSV table and a folder of pictures become a draft, through the same checks as our own."""

import re
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pandas as pd

from covidct.errors import CovidctError, UsageError
from covidct.files import safe_name
from covidct.pictures import PictureError, open_grey
from covidct.progress import progress
from covidct.records import CLASSES, SPLITS
from covidct.release.make.policy import image_objections, waived
from covidct.release.make.split import leak_groups, split_images
from covidct.release.make.tables import paper_table, patient_table
from covidct.release.make.workspace import Order
from covidct.release.make.write import Draft, earlier_versions, old_test_ids
from covidct.release.read.facts import facts, picture_hash
from covidct.release.read.gate import normal_licence
from covidct.release.read.schema import IMAGE_COLUMNS, is_safe_path
from covidct.tables import read_table

_MEASURED = frozenset({"width", "height", "sha256", "phash"})
_SHOWN = 10


def ignored_columns(table: Path) -> list[str]:
    """Columns of ``table`` that a release has no place for, and measured ones, which are taken from the pictures."""
    return [column for column in read_table(table).columns if column not in IMAGE_COLUMNS or column in _MEASURED]


def draft_from_table(
    table: Path, images: Path, order: Order, manifests: Path, workers: int = 1, duplicates: bool = True
) -> Draft:
    """A draft from ``table`` (at least ``file`` and ``label``) and the pictures below ``images``.

    ``duplicates``: pictures that show the same scan are searched for (about 0.04 s each) and join one group.
    All faults of all rows are gathered before the one error is raised.
    """
    if not images.is_dir():
        raise UsageError(f"{images}: no such folder; name the pictures' folder with --images")
    raw = read_table(table)
    lacking = [column for column in ("file", "label") if column not in raw.columns]
    if lacking:
        raise CovidctError(f"{table}: no column {lacking[0]!r}; a table needs at least 'file' and 'label'")
    if raw.empty:
        raise CovidctError(f"{table}: no rows")
    frame = _frame(raw)
    faults = [*_row_faults(frame), *_twins(frame)]
    _refuse(table, faults)
    frame = _measured(table, frame, images, workers)
    frame["group_id"] = leak_groups(frame, _twin_links(frame, images) if duplicates else ())
    if not frame["split"].isin(SPLITS).all():
        old = old_test_ids(earlier_versions(manifests, order.name, order.version))
        frame["split"], _ = split_images(frame, order.ratios, order.seed, old)
    frame = frame.sort_values("image_id", ignore_index=True)
    about = {"waivers": waived(image_objections(frame), order.waivers or {}), "origin": _ORIGIN}
    return Draft(order.name, order.version, order.date, frame, paper_table(frame), patient_table(frame), about=about)


_ORIGIN = {"tool": "manifest import", "collection": "Imported from a table and a folder of pictures."}


def _frame(raw: pd.DataFrame) -> pd.DataFrame:
    """The contract's columns; ids made safe, defaults filled in."""
    cells = {c: raw[c].str.strip() if c in raw else pd.Series("", index=raw.index, dtype=object) for c in IMAGE_COLUMNS}
    frame = pd.DataFrame(cells)
    frame["label"] = frame["label"].str.lower()
    stems = frame["file"].map(lambda file: safe_name(re.sub(r"\.[A-Za-z0-9]{2,5}$", "", file.replace("/", "-"))))
    frame["image_id"] = frame["image_id"].where(frame["image_id"] != "", stems.str[:200])
    for column in ("patient_id", "paper_id", "source"):
        frame[column] = frame[column].map(lambda text: safe_name(text) if text else "")
    frame["licence"] = frame["licence"].map(lambda text: normal_licence(text) if text else "")
    frame["label_by"] = frame["label_by"].where(frame["label_by"] != "", "imported")
    return frame


def _row_faults(frame: pd.DataFrame) -> list[str]:
    faults = []
    for row, (file, label, split) in enumerate(zip(frame["file"], frame["label"], frame["split"], strict=True), 2):
        if not is_safe_path(file):
            faults.append(f"row {row}: file={file[:80]!r} is no relative path below the images' folder")
        if label not in CLASSES:
            faults.append(f"row {row}: label={label[:40]!r} is neither {' nor '.join(repr(c) for c in CLASSES)}")
        if split not in (*SPLITS, ""):
            faults.append(f"row {row}: split={split[:40]!r} is none of {', '.join(SPLITS)}")
    return faults


def _twins(frame: pd.DataFrame) -> list[str]:
    faults = []
    for column in ("image_id", "file"):
        for row in frame.index[frame[column].duplicated()]:
            faults.append(f"row {row + 2}: {column}={frame[column][row][:80]!r} stands in another row")
    return faults


def _refuse(table: Path, faults: list[str]) -> None:
    if faults:
        more = f"; and {len(faults) - _SHOWN} more" if len(faults) > _SHOWN else ""
        raise CovidctError(f"{table}: {'; '.join(faults[:_SHOWN])}{more}")


def _measured(table: Path, frame: pd.DataFrame, images: Path, workers: int) -> pd.DataFrame:
    home = images.resolve()
    with ThreadPoolExecutor(workers) as pool:
        jobs = pool.map(lambda file: _measure(home, file), frame["file"])
        results = list(progress(jobs, "pictures", len(frame)))
    _refuse(table, [f"row {row}: {result}" for row, result in enumerate(results, 2) if isinstance(result, str)])
    measured = pd.DataFrame([result for result in results if not isinstance(result, str)], index=frame.index)
    return frame.assign(**{column: measured[column] for column in sorted(_MEASURED)})


def _twin_links(frame: pd.DataFrame, images: Path) -> list[tuple[str, str]]:
    """Pairs of image ids whose pictures show the same scan."""
    from covidct.imaging.duplicates.search import find_duplicates

    ids = list(frame["image_id"])
    pixels = (open_grey(images / file) for file in progress(frame["file"], "duplicates", len(frame)))
    return [(ids[twin.i], ids[twin.j]) for twin in find_duplicates(pixels)]


def _measure(home: Path, file: str) -> Mapping[str, object] | str:
    path = home / file
    if not path.resolve().is_relative_to(home):
        return f"file={file!r} leads out of the images' folder"
    try:
        seen = facts(path)
        return {"width": seen.width, "height": seen.height, "sha256": seen.sha256, "phash": picture_hash(path)}
    except PictureError as error:
        return str(error)
