"""CSV tables of a release: read what people's tools write, write one fixed form that no spreadsheet executes.

A cell that a spreadsheet would run as a formula is written with a leading apostrophe and read back without it.
"""

import csv
import io
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

import pandas as pd

from covidct.errors import CovidctError

MAX_BYTES = 512 * 2**20
MAX_FIELD = 32_768
"""Characters in one cell; Excel's own limit is 32,767."""
_RISKY = ("=", "+", "-", "@", "\t", "\r", "'")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_BOMS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))


def read_table(path: Path) -> pd.DataFrame:
    """The table in ``path``, all cells ``str``, header names stripped; errors name the file and the row."""
    if not path.is_file():
        raise CovidctError(f"{path}: not there; a release needs it")
    if path.stat().st_size > MAX_BYTES:
        raise CovidctError(f"{path}: larger than {MAX_BYTES // 2**20} MiB; not read")
    return parse_table(path.read_bytes(), str(path))


def parse_table(data: bytes, name: str) -> pd.DataFrame:
    """A table from CSV bytes: UTF-8 or UTF-16 with byte order mark, any line ends, ``,`` ``;`` or tab between cells."""
    text = _decode(data, name)
    delimiter, text = _delimiter(text)
    rows = _rows(text, delimiter, name)
    if not rows:
        raise CovidctError(f"{name}: empty; its first line must name the columns")
    header = [cell.strip() for cell in rows[0]]
    _check_header(header, name)
    body = [row for row in rows[1:] if row]
    columns = list(zip(*body, strict=True)) if body else [()] * len(header)
    return pd.DataFrame({key: pd.Series(cells, dtype=object) for key, cells in zip(header, columns, strict=True)})


def dump_table(frame: pd.DataFrame, columns: Sequence[str]) -> bytes:
    """``columns`` of ``frame`` as UTF-8 CSV, ``\\n`` line ends, formulas made harmless: same frame, same bytes."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    for row in frame[list(columns)].itertuples(index=False, name=None):
        writer.writerow([escape_cell(text_of(cell)) for cell in row])
    return out.getvalue().encode("utf-8")


def text_of(cell: object) -> str:
    """A cell as text: missing values are empty, whole floats lose their ``.0``."""
    if cell is None or cell is pd.NA or (isinstance(cell, float) and cell != cell):
        return ""
    return str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell)


def escape_cell(text: str) -> str:
    """``text`` with an apostrophe before a first character that starts a formula (or is an apostrophe itself)."""
    clean = _CONTROL.sub("", text)
    return f"'{clean}" if clean.startswith(_RISKY) else clean


def unescape_cell(text: str) -> str:
    """The reverse of :func:`escape_cell`."""
    return text[1:] if len(text) > 1 and text[0] == "'" and text[1] in _RISKY else text


def _decode(data: bytes, name: str) -> str:
    encoding = next((enc for bom, enc in _BOMS if data.startswith(bom)), "utf-8")
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise CovidctError(f"{name}: line {line} is not {encoding}; save the file as 'CSV UTF-8'") from error
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise CovidctError(f"{name}: line {line} holds a NUL character; this is no CSV file")
    return text


def _delimiter(text: str) -> tuple[str, str]:
    first, _, rest = text.partition("\n")
    if first.strip().strip('"').lower().startswith("sep=") and len(first.strip().strip('"')) == 5:
        return first.strip().strip('"')[4], rest
    counts = {mark: first.count(mark) for mark in (",", ";", "\t")}
    best = max(counts, key=lambda mark: counts[mark])
    return (best if counts[best] else ","), text


def _rows(text: str, delimiter: str, name: str) -> list[list[str]]:
    old = csv.field_size_limit(MAX_FIELD)
    rows: list[list[str]] = []
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        for row in reader:
            if rows and row and len(row) != len(rows[0]):
                raise CovidctError(f"{name}: line {reader.line_num} has {len(row)} cells, the header {len(rows[0])}")
            rows.append([unescape_cell(cell) for cell in row])
    except csv.Error as error:
        raise CovidctError(f"{name}: line {reader.line_num}: {error}") from error
    finally:
        csv.field_size_limit(old)
    return rows


def _check_header(header: Iterable[str], name: str) -> None:
    seen: set[str] = set()
    for column in header:
        if not column:
            raise CovidctError(f"{name}: a column has no name; name it in the first line")
        if column in seen:
            raise CovidctError(f"{name}: the column {column!r} is there twice")
        seen.add(column)
