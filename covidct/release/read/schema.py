"""What the tables of a release must look like; every fault is found, none only the first (pandera, lazy)."""

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import pandas as pd

from covidct.records import CLASSES, SPLITS

if TYPE_CHECKING:
    import pandera.pandas as pa

FIGURE_BOX = ("figure_x0", "figure_y0", "figure_x1", "figure_y1")
"""Of the figure on its page, PDF points, origin top left."""
PANEL_BOX = ("panel_x0", "panel_y0", "panel_x1", "panel_y1")
"""Of the image in its figure, pixels of the figure."""
IMAGE_COLUMNS = (
    "image_id",
    "file",
    "label",
    "patient_id",
    "group_id",
    "split",
    "source",
    "paper_id",
    "doi",
    "version",
    "licence",
    "figure_label",
    "panel_label",
    "page",
    *FIGURE_BOX,
    *PANEL_BOX,
    "width",
    "height",
    "sha256",
    "phash",
    "age_band",
    "sex",
    "finding",
    "plane",
    "window",
    "label_by",
    "label_evidence",
    "artifacts",
    "notes",
)
PAPER_COLUMNS = ("paper_id", "doi", "version", "title", "date", "server", "licence", "images")
PATIENT_COLUMNS = ("patient_id", "source", "images", "age_band", "sex", "notes")
WITHDRAWN_COLUMNS = ("entity", "entity_id", "reason")
TABLES: Mapping[str, tuple[str, ...]] = {
    "images.csv": IMAGE_COLUMNS,
    "papers.csv": PAPER_COLUMNS,
    "patients.csv": PATIENT_COLUMNS,
    "withdrawn.csv": WITHDRAWN_COLUMNS,
}
LATER_COLUMNS = frozenset({*FIGURE_BOX, *PANEL_BOX})
"""Columns that releases written before 2026-11-27 lack; they are read as empty."""
MAX_TEXT = 4_000
_ID = r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}"
_UNSAFE_PATH = re.compile(r'^/|^[A-Za-z]:|\\|(^|/)\.{1,2}(/|$)|//|/$|[\x00-\x1f\x7f<>"|?*:]|(^|/)[^/]*[. ](/|$)')
_RESERVED = re.compile(r"(^|/)(con|prn|aux|nul|com\d|lpt\d)(\.[^/]*)?(/|$)", re.IGNORECASE)


@dataclass(frozen=True)
class Fault:
    """One thing wrong in a release: where, the value seen, the rule it breaks. ``row`` counts the header as 1."""

    file: str
    row: int | None
    column: str
    value: str
    rule: str

    def __str__(self) -> str:
        where = f"{self.file}" + (f" row {self.row}" if self.row else "")
        what = f" {self.column}={self.value[:80]!r}" if self.column else ""
        return f"{where}{what}: {self.rule}"


def is_safe_path(path: str) -> bool:
    """Whether ``path`` is a relative POSIX path that stays below its root on every system."""
    return bool(path) and len(path) <= 400 and not _UNSAFE_PATH.search(path) and not _RESERVED.search(path)


def plain_name(name: str) -> str:
    """``name`` as people, and disks that do not tell cases apart, know it again."""
    return unicodedata.normalize("NFKC", name).casefold()


def missing_columns(name: str, frame: pd.DataFrame) -> list[Fault]:
    """One fault for each column of table ``name`` that ``frame`` lacks."""
    needed = [column for column in TABLES[name] if column not in LATER_COLUMNS]
    return [Fault(name, 1, "", "", f"the column {c!r} is missing") for c in needed if c not in frame.columns]


def completed(name: str, frame: pd.DataFrame) -> pd.DataFrame:
    """``frame`` with the columns that an older release lacks, empty."""
    lacking = [column for column in TABLES[name] if column in LATER_COLUMNS and column not in frame.columns]
    empty = pd.Series("", index=frame.index, dtype=object)
    return frame.assign(**dict.fromkeys(lacking, empty)) if lacking else frame


def check_table(name: str, frame: pd.DataFrame, classes: Sequence[str] = CLASSES) -> list[Fault]:
    """All schema faults of one table, in row order; missing columns first, and alone. ``classes``: labels there are."""
    missing = missing_columns(name, frame)
    if missing:
        return missing
    import pandera.pandas as pa

    try:
        schema = _images_schema(classes) if name == "images.csv" else _SCHEMAS[name]()
        schema.validate(completed(name, frame), lazy=True)
    except pa.errors.SchemaErrors as error:
        cases = cast(pd.DataFrame, error.failure_cases)
        return sorted(_faults(name, cases), key=lambda f: (f.row or 0, f.column, f.rule))
    return []


def _faults(name: str, cases: pd.DataFrame) -> Iterable[Fault]:
    columns = (cases[key] for key in ("column", "check", "failure_case", "index"))
    for column, check, value, index in zip(*columns, strict=True):
        row = None if index is None or index != index else int(index) + 2
        yield Fault(name, row, str(column), str(value), _RULES.get(str(check), str(check)))


_RULES = {"field_uniqueness": "the same value stands in another row", "not_nullable": "empty"}


def _check(rule: str, good: Callable[["pd.Series[str]"], "pd.Series[bool]"]) -> "pa.Check":
    import pandera.pandas as pa

    return pa.Check(good, error=rule, name=rule)


def _match(pattern: str, rule: str) -> "pa.Check":
    return _check(rule, lambda cells: cells.str.fullmatch(pattern, flags=re.ASCII))


def _one_of(values: Iterable[str]) -> "pa.Check":
    allowed = sorted(values)
    return _check(f"not one of {', '.join(v or '(empty)' for v in allowed)}", lambda cells: cells.isin(allowed))


def _text(*checks: "pa.Check", unique: bool = False, limit: int = MAX_TEXT) -> "pa.Column":
    import pandera.pandas as pa

    too_long = _check(f"longer than {limit} characters", lambda cells: cells.str.len() <= limit)
    control = _check("holds a control character", lambda cells: ~cells.str.contains(r"[\x00-\x08\x0b-\x1f\x7f]"))
    return pa.Column(object, [*checks, too_long, control], unique=unique, nullable=False)


def _id(unique: bool = False, empty: bool = False) -> "pa.Column":
    rule = "not an id: letters, digits, '.', '_', '-', at most 200"
    return _text(_match(f"({_ID})?" if empty else _ID, rule), unique=unique)


def _number(empty: bool = False, least: int = 1) -> "pa.Column":
    pattern = ("" if least else "0|") + r"[1-9]\d{0,8}" + ("|" if empty else "")
    return _text(_match(pattern, f"not a whole number from {least} up"))


def _images_schema(classes: Sequence[str]) -> "pa.DataFrameSchema":
    import pandera.pandas as pa

    path_rule = "not a safe relative path: no '..', no drive, no '\\', no leading '/'"
    special = {
        "image_id": _id(unique=True),
        "file": _text(_check(path_rule, lambda cells: cells.map(is_safe_path).astype(bool)), unique=True),
        "label": _text(_one_of(classes)),
        "patient_id": _id(empty=True),
        "group_id": _id(),
        "split": _text(_one_of([*SPLITS, ""])),
        "paper_id": _id(empty=True),
        "page": _number(empty=True, least=0),
        **dict.fromkeys(FIGURE_BOX, _text(_match(r"(-?\d{1,6}(\.\d{1,4})?)?", "not a coordinate in points"))),
        **dict.fromkeys(PANEL_BOX, _text(_match(r"(\d{1,6}(\.\d{1,4})?)?", "not a coordinate in pixels"))),
        "width": _number(),
        "height": _number(),
        "sha256": _text(_match(r"[0-9a-f]{64}", "not a SHA-256 in lower-case hex")),
        "phash": _text(_match(r"([0-9a-f]{16}|[0-9a-f]{64})?", "not a perceptual hash of 64 or 256 bits in hex")),
        "age_band": _text(_match(r"(\d{1,3}-\d{1,3}|\d{1,3}\+|child|adult)?", "not an age band such as 40-49 or 90+")),
        "sex": _text(_one_of(["", "F", "M", "O"])),
        "source": _id(empty=True),
    }
    return pa.DataFrameSchema({c: special.get(c, _text()) for c in IMAGE_COLUMNS}, strict=False)


def _papers_schema() -> "pa.DataFrameSchema":
    import pandera.pandas as pa

    date = _text(_match(r"(\d{4}(-\d{2}(-\d{2})?)?)?", "not a date such as 2020-03-25"))
    special = {"paper_id": _id(unique=True), "images": _number(least=0), "date": date}
    return pa.DataFrameSchema({c: special.get(c, _text()) for c in PAPER_COLUMNS}, strict=False)


def _patients_schema() -> "pa.DataFrameSchema":
    import pandera.pandas as pa

    special = {"patient_id": _id(unique=True), "images": _number(least=0), "sex": _text(_one_of(["", "F", "M", "O"]))}
    return pa.DataFrameSchema({c: special.get(c, _text()) for c in PATIENT_COLUMNS}, strict=False)


def _withdrawn_schema() -> "pa.DataFrameSchema":
    import pandera.pandas as pa

    special = {"entity": _text(_one_of(["paper", "figure", "panel", "image"])), "entity_id": _id()}
    return pa.DataFrameSchema({c: special.get(c, _text()) for c in WITHDRAWN_COLUMNS}, strict=False)


_SCHEMAS: Mapping[str, Callable[[], "pa.DataFrameSchema"]] = {
    "papers.csv": _papers_schema,
    "patients.csv": _patients_schema,
    "withdrawn.csv": _withdrawn_schema,
}
