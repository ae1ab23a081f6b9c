"""Anyone's own set as a release: a table of files and labels, and the folder the files lie in."""

import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from covidct.errors import CovidctError, UsageError
from covidct.files import safe_name
from covidct.pictures import PictureError, open_grey
from covidct.progress import progress, threaded
from covidct.records import CLASSES, NEGATIVE_CLASS, POSITIVE_CLASS, SPLITS
from covidct.release.make.policy import image_objections, settle
from covidct.release.make.split import leak_groups, split_images
from covidct.release.make.tables import paper_table, patient_table
from covidct.release.make.workspace import Order
from covidct.release.make.write import Draft, earlier_versions, old_test_ids
from covidct.release.read.facts import facts, picture_hash
from covidct.release.read.gate import normal_licence
from covidct.release.read.schema import IMAGE_COLUMNS, check_table, is_safe_path, plain_name
from covidct.tables import read_table

MISSING = frozenset(
    {"", "-", "--", "?", "na", "n/a", "n.a.", "#n/a", "<na>", "nan", "nat", "none", "null", "nil"}
    | {"unknown", "not known", "not available", "not applicable", "missing"}
)
"""What tools and people write into a cell for which they have no value, in lower case."""
_MEASURED = frozenset({"width", "height", "sha256", "phash"})
_SHOWN = 10
_ID_LENGTH = 200


@dataclass(frozen=True)
class Source:
    """What is imported: the table, the folder its ``file`` column starts from, and how it is read.

    ``positive``: labels that mean the positive class; all others then mean the negative one. ``duplicates``: pictures
    that show the same scan are searched for (about 0.04 s each) and join one group.
    """

    table: Path
    images: Path
    positive: tuple[str, ...] = ()
    duplicates: bool = True
    workers: int = 1


def draft_from_table(source: Source, order: Order, manifests: Path) -> tuple[Draft, list[str]]:
    """(draft, what has to be said about it) from a table with at least ``file`` and ``label``.

    All faults of all rows are gathered before the one error is raised.
    """
    raw, notes = _read(source)
    frame = _frame(raw)
    _refuse(source.table, [*_row_faults(frame), *_twins(frame)])
    frame = _measured(source, frame)
    frame["group_id"] = leak_groups(frame, _twin_links(frame, source.images) if source.duplicates else ())
    _refuse(source.table, _schema_faults(frame))
    frame, settled = settle(image_objections(frame), order.leave, frame)
    notes += _patient_notes(frame)
    if frame["split"].isin(SPLITS).all():
        _refuse(source.table, _torn(frame))
    else:
        notes += _split_notes(frame)
        old = old_test_ids(earlier_versions(manifests, order.name, order.version))
        frame["split"], _ = split_images(frame, order.ratios, order.seed, old)
    frame = frame.sort_values("image_id", ignore_index=True)
    about = {**settled, "origin": _ORIGIN}
    tables = paper_table(frame), patient_table(frame)
    return Draft(order.name, order.version, order.date, frame, *tables, about=about), notes


_ORIGIN = {"tool": "manifest import", "collection": "Imported from a table and a folder of pictures."}


def _read(source: Source) -> tuple[pd.DataFrame, list[str]]:
    """The table with missing values empty and labels mapped, and which of its columns are not taken."""
    if not source.table.is_file():
        raise UsageError(f"{source.table}: no such file")
    if not source.images.is_dir():
        raise UsageError(f"{source.images}: no such folder; name the pictures' folder with --images")
    raw = read_table(source.table)
    lacking = [column for column in ("file", "label") if column not in raw.columns]
    if lacking:
        raise CovidctError(f"{source.table}: no column {lacking[0]!r}; a table needs at least 'file' and 'label'")
    if raw.empty:
        raise CovidctError(f"{source.table}: no rows")
    raw = raw.apply(lambda cells: cells.str.strip().map(lambda text: "" if text.lower() in MISSING else text))
    ignored = [column for column in raw.columns if column not in IMAGE_COLUMNS or column in _MEASURED]
    notes = [f"column {column!r} is not taken from the table" for column in ignored]
    return (*_mapped(raw, source, notes),) if source.positive else (raw, notes)


def _mapped(raw: pd.DataFrame, source: Source, notes: list[str]) -> tuple[pd.DataFrame, list[str]]:
    """Labels as the two classes; what the table called them goes to ``finding`` where that column is not given."""
    wanted = {label.strip().lower() for label in source.positive}
    given = raw["label"]
    absent = wanted - set(given.str.lower())
    if absent:
        there = ", ".join(sorted(set(given) - {""})[:_SHOWN])
        raise UsageError(f"--positive {min(absent)}: no row of {source.table} has this label; it has {there}")
    classes = given.map(lambda text: text and (POSITIVE_CLASS if text.lower() in wanted else NEGATIVE_CLASS))
    counts = Counter(zip(given, classes, strict=True))
    mapped = [f"label {own!r} -> {label} ({count} images)" for (own, label), count in sorted(counts.items()) if own]
    finding = {} if "finding" in raw else {"finding": given}
    return raw.assign(label=classes, **finding), notes + mapped


def _frame(raw: pd.DataFrame) -> pd.DataFrame:
    """The contract's columns; ids made safe, defaults filled in."""
    empty = pd.Series("", index=raw.index, dtype=object)
    frame = pd.DataFrame({column: raw.get(column, empty) for column in IMAGE_COLUMNS})
    frame["label"] = frame["label"].str.lower()
    stems = frame["file"].map(lambda file: re.sub(r"\.[A-Za-z0-9]{2,5}$", "", file.replace("/", "-")))
    frame["image_id"] = frame["image_id"].where(frame["image_id"] != "", stems.map(distinct_id))
    for column in ("patient_id", "paper_id", "source"):
        frame[column] = frame[column].map(distinct_id)
    frame["licence"] = frame["licence"].map(lambda text: normal_licence(text) if text else "")
    frame["label_by"] = frame["label_by"].where(frame["label_by"] != "", "imported")
    return frame


def distinct_id(text: str) -> str:
    """``text`` as an id; where letters get lost on the way, a digest keeps different texts apart."""
    text = unicodedata.normalize("NFKC", " ".join(text.split()))  # one person in two spellings is one
    safe = safe_name(text)
    if safe == text and len(text) <= _ID_LENGTH:
        return text
    digest = hashlib.sha256(plain_name(text).encode()).hexdigest()[:10]
    return f"{safe.strip('_-')[: _ID_LENGTH - 11] or 'x'}-{digest}" if text else ""


def _row_faults(frame: pd.DataFrame) -> list[str]:
    faults = []
    for row, (file, label, split) in enumerate(zip(frame["file"], frame["label"], frame["split"], strict=True), 2):
        if not is_safe_path(file):
            faults.append(f"row {row}: file={file[:80]!r} is no relative path below the images' folder")
        if label not in CLASSES:
            words = f"neither {' nor '.join(repr(c) for c in CLASSES)}; map your own with --positive LABEL"
            faults.append(f"row {row}: label={label[:40]!r} is {words}")
        if split not in (*SPLITS, ""):
            faults.append(f"row {row}: split={split[:40]!r} is none of {', '.join(SPLITS)}")
    return faults


def _twins(frame: pd.DataFrame) -> list[str]:
    faults = []
    for column in ("image_id", "file"):
        for row in frame.index[frame[column].duplicated()]:
            faults.append(f"row {row + 2}: {column}={frame[column][row][:80]!r} stands in another row")
    return faults


def _schema_faults(frame: pd.DataFrame) -> list[str]:
    """What ``manifest validate`` would say of the rows, by the rows of the table that is imported."""
    faults = check_table("images.csv", frame.astype(str).astype(object))
    return [f"row {fault.row}: {fault.column}={fault.value[:40]!r} {fault.rule}" for fault in faults]


def _torn(frame: pd.DataFrame) -> list[str]:
    """Groups that the table's own split tears."""
    splits = frame.groupby("group_id")["split"].agg(lambda cells: sorted(set(cells)))
    faults = []
    for group, parts in splits[splits.map(len) > 1].items():
        rows = [row + 2 for row in frame.index[frame["group_id"] == group]]
        named = ", ".join(map(str, rows[:4])) + (", …" if len(rows) > 4 else "")
        why = "belong together (patient, paper or the same scan)"
        faults.append(f"rows {named} {why} and stand in {' and '.join(parts)}")
    advice = f"{len(faults)} torn groups: correct the column 'split', or leave it empty and whole groups are split"
    return [advice, *faults] if faults else []


def _patient_notes(frame: pd.DataFrame) -> list[str]:
    unknown = int((frame["patient_id"] == "").sum())
    warning = f"the patient of {unknown} of {len(frame)} images is not known: one person may stand in two splits"
    return [warning] if unknown else []


def _split_notes(frame: pd.DataFrame) -> list[str]:
    given = int((frame["split"] != "").sum())
    return [f"only {given} of {len(frame)} images have a split: all were split anew"] if given else []


def _refuse(table: Path, faults: list[str]) -> None:
    if faults:
        more = f"; and {len(faults) - _SHOWN} more" if len(faults) > _SHOWN else ""
        raise CovidctError(f"{table}: {'; '.join(faults[:_SHOWN])}{more}")


def _measured(source: Source, frame: pd.DataFrame) -> pd.DataFrame:
    home = source.images.resolve()
    results = list(threaded(lambda file: _measure(home, file), list(frame["file"]), source.workers, "pictures"))
    _refuse(source.table, [f"row {row}: {result}" for row, result in enumerate(results, 2) if isinstance(result, str)])
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
