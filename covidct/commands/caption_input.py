"""Captions given on the command line: ``--text``, or a CSV file with the columns ``id`` and ``text``."""

import csv
from pathlib import Path

from covidct.errors import UsageError

MAX_CELL = 1_000_000
"""Characters in one cell of a CSV file."""


def read_captions(path: Path, with_context: bool = False) -> list[dict[str, str]]:
    """Rows with ``id``, ``text`` and, where asked for, ``context``; raises :class:`UsageError` naming file and row."""
    csv.field_size_limit(MAX_CELL)
    try:
        with path.open(encoding="utf-8-sig", newline="") as handle:
            reader = csv.DictReader(handle)
            wanted = ["id", "text", *(["context"] if with_context else [])]
            _check_columns(path, reader.fieldnames or [], wanted)
            return [_row(path, number, row, wanted) for number, row in enumerate(reader, 2)]
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: not UTF-8 ({error.reason} at byte {error.start}); save it as UTF-8") from error
    except csv.Error as error:
        raise UsageError(f"{path}: no CSV that can be read: {error}") from error


def _check_columns(path: Path, there: list[str] | tuple[str, ...] | object, wanted: list[str]) -> None:
    names = list(there) if isinstance(there, list | tuple) else []
    lacking = [name for name in wanted if name not in names]
    if lacking:
        have = ", ".join(map(str, names)) or "nothing"
        raise UsageError(f"{path}: column {' and '.join(lacking)} missing (it has {have}); give id,text")


def _row(path: Path, number: int, row: dict[str, str | None], wanted: list[str]) -> dict[str, str]:
    if row["id"] is None or row["text"] is None:
        raise UsageError(f"{path}, line {number}: fewer cells than columns; quote texts that hold commas")
    return {name: row[name] or "" for name in wanted}
