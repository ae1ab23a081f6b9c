"""Captions given on the command line: ``--text``, or a CSV file with the columns ``id`` and ``text``."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from covidct.errors import CovidctError, UsageError
from covidct.tables import read_csv

MAX_CELL = 1_000_000
"""Characters in one cell of a CSV file."""


def read_captions(path: Path, with_context: bool = False) -> list[dict[str, str]]:
    """Rows with ``id``, ``text`` and, where asked for, ``context``; raises :class:`UsageError` naming file and row.

    Columns are found whatever their case; cells may be parted by comma, semicolon or tab.
    """
    try:
        header, rows = read_csv(path, MAX_CELL)
    except CovidctError as error:
        raise UsageError(f"{error}; quote texts that hold a comma, a semicolon or a line end") from error
    wanted = ["id", "text", *(["context"] if with_context else [])]
    columns = _columns(path, header, wanted)
    found = [{name: row[column] for name, column in columns.items()} for row in rows]
    _check_ids(path, (row["id"] for row in found))
    return found


def _columns(path: Path, header: Sequence[str], wanted: Sequence[str]) -> dict[str, str]:
    there = {name.casefold(): name for name in reversed(header)}
    lacking = [name for name in wanted if name not in there]
    if lacking:
        raise UsageError(f"{path}: column {' and '.join(lacking)} missing (it has {', '.join(header)}); give id,text")
    return {name: there[name] for name in wanted}


def _check_ids(path: Path, ids: Iterable[str]) -> None:
    seen: dict[str, int] = {}
    for number, name in enumerate(ids, 1):
        if not name.strip():
            raise UsageError(f"{path}, row {number}: no id; give each caption one")
        if name in seen:
            raise UsageError(f"{path}, row {number}: id {name!r} is that of row {seen[name]} too; give each its own")
        seen[name] = number
