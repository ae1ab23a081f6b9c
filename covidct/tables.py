"""Tables: the one reader and writer of CSV files, and the one writer of tables for the terminal.

A cell that a spreadsheet would run as a formula is written with a leading apostrophe and read back without it; control
characters never get into a file or onto a terminal, where they would be commands.
"""

import csv
import io
import itertools
import numbers
import re
import shutil
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from covidct.errors import CovidctError
from covidct.files import atomic_path

if TYPE_CHECKING:
    import pandas as pd

MAX_BYTES = 512 * 2**20
MAX_FIELD = 32_768
"""Characters in one cell; Excel's own limit is 32,767."""
WIDEST = 48
"""Characters of a cell in a table for people; CSV and JSON give everything."""
NARROWEST = 12
"""Characters to which a column is cut before others are left out."""
_MEASURED = 1_000
"""Rows whose cells decide how wide the columns of a table for people are; the rest is printed as it comes."""
_RISKY = (*"=+-@", "\t", "\r", "\n", *"\uff1d\uff0b\uff0d\uff20", "'")
"""First characters that start a formula (the full-width ones do in East Asian versions), and the apostrophe itself."""
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
_INDEX = "index"
_BOMS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))


def read_csv(path: Path, limit: int = MAX_FIELD) -> tuple[list[str], list[dict[str, str]]]:
    """(column names, rows by column name) of the CSV file in ``path``; ``limit`` = characters in one cell.

    Takes what people's tools write: UTF-8 or UTF-16 with byte order mark, any line ends, ``,`` ``;`` or tab between
    cells. A CovidctError names the file and the line.
    """
    header, rows = _parse(_bytes(path), str(path), limit)
    return header, [dict(zip(header, row, strict=True)) for row in rows]


def read_table(path: Path) -> "pd.DataFrame":
    """The same as a data frame, all cells ``str``."""
    return parse_table(_bytes(path), str(path))


def parse_table(data: bytes, name: str) -> "pd.DataFrame":
    """A data frame from the bytes of a CSV file; ``name`` is what errors call it."""
    import pandas as pd

    header, body = _parse(data, name, MAX_FIELD)
    columns = list(zip(*body, strict=True)) if body else [()] * len(header)
    return pd.DataFrame({key: pd.Series(cells, dtype=object) for key, cells in zip(header, columns, strict=True)})


def dump_table(frame: "pd.DataFrame", columns: Sequence[str]) -> bytes:
    """``columns`` of ``frame`` as the bytes of a CSV file: same frame, same bytes."""
    rows = frame[list(columns)].itertuples(index=False, name=None)
    return "".join(_lines(columns, rows)).encode("utf-8")


def write_csv(target: Path | TextIO, columns: Sequence[str], rows: Iterable[Mapping[str, object]]) -> None:
    """``rows`` to a file (whole or not at all) or a stream, one at a time; a column that a row lacks is empty."""
    cells = ([row.get(column) for column in columns] for row in rows)
    if isinstance(target, Path):
        with atomic_path(target) as part, part.open("w", encoding="utf-8", newline="") as out:
            out.writelines(_lines(columns, cells))
    else:
        target.writelines(_lines(columns, cells))


def text_of(cell: object) -> str:
    """A cell as text: missing values are empty, whole floats lose their ``.0``."""
    if cell is None or type(cell).__name__ in {"NAType", "NaTType"} or (isinstance(cell, float) and cell != cell):
        return ""
    return str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell)


def escape_cell(text: str) -> str:
    """``text`` without control characters, after an apostrophe where it would start a formula."""
    clean = _CONTROL.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    return f"'{clean}" if clean.startswith(_RISKY) else clean


def unescape_cell(text: str) -> str:
    """The reverse of :func:`escape_cell`."""
    return text[1:] if len(text) > 1 and text[0] == "'" and text[1] in _RISKY else text


def printable(text: object) -> str:
    """``text`` on one line, without anything that a terminal obeys: control, format and unassigned characters."""
    return "".join(c if c.isprintable() else " " if c.isspace() else "" for c in str(text))


def say(text: object = "", err: bool = False) -> None:
    """One printable line on standard output (or standard error): what commands tell a person."""
    print(printable(text), file=sys.stderr if err else sys.stdout, flush=err)


def terminal_width() -> int | None:
    """Characters of a line where standard output is a terminal; None where it is a file or a pipe."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def print_table(
    columns: Sequence[str],
    rows: Iterable[Mapping[str, object]],
    room: int | None = None,
    widest: int | None = WIDEST,
) -> int:
    """A table for people on standard output, as it comes; returns the number of rows.

    The first rows decide the width of each column; cells over ``widest`` characters are cut. ``room`` = characters of a
    line: the longest columns are cut first, and columns at the end are left out where that is not enough.
    """
    cells = ([_short(row.get(column), widest) for column in columns] for row in rows)
    first = list(itertools.islice(cells, _MEASURED))
    widths = _fitting([max(map(len, column)) for column in zip(columns, *first, strict=True)], room)
    printed = 0
    for line in itertools.chain([columns], first, cells):
        print("  ".join(_short(c, room and w).ljust(w) for c, w in zip(line, widths, strict=False)).rstrip())  # noqa: T201
        printed += 1
    if len(widths) < len(columns):
        say(f"not shown: {', '.join(columns[len(widths) :])} (--wide shows all, --columns those you name)", err=True)
    return printed - 1


def _fitting(widths: list[int], room: int | None) -> list[int]:
    """``widths`` made to fit into ``room`` characters with two blanks between; columns at the end go if they must."""
    while room is not None and sum(widths) + 2 * (len(widths) - 1) > room and len(widths) > 1:
        longest = max(range(len(widths)), key=lambda n: widths[n])
        if widths[longest] > NARROWEST:
            widths[longest] -= 1
        else:
            widths.pop()
    return widths


def _short(cell: object, most: int | None) -> str:
    text = " ".join(printable(text_of(cell)).split())
    return text if most is None or len(text) <= most else f"{text[: most - 1]}…"


def _lines(columns: Sequence[str], rows: Iterable[Iterable[object]]) -> Iterator[str]:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    for row in itertools.chain([columns], rows):
        # A number is none of a stranger's words: -0.5 stays what it is.
        writer.writerow([text_of(c) if isinstance(c, numbers.Number) else escape_cell(text_of(c)) for c in row])
        yield out.getvalue()
        out.seek(0)
        out.truncate()


def _bytes(path: Path) -> bytes:
    if not path.is_file():
        raise CovidctError(f"{path}: no such file")
    if path.stat().st_size > MAX_BYTES:
        raise CovidctError(f"{path}: larger than {MAX_BYTES // 2**20} MiB; not read")
    return path.read_bytes()


def _parse(data: bytes, name: str, limit: int) -> tuple[list[str], list[list[str]]]:
    delimiter, text = _delimiter(_decode(data, name))
    rows = _rows(text, delimiter, name, limit)
    if not rows or not rows[0]:
        raise CovidctError(f"{name}: empty; its first line must name the columns")
    header = [cell.strip() for cell in rows[0]]
    if header[0] == "" and len(header) > 1:
        header[0] = _INDEX  # pandas writes its row numbers under no name
    _check_header(header, name)
    return header, [row for row in rows[1:] if row]


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


def _rows(text: str, delimiter: str, name: str, limit: int) -> list[list[str]]:
    old = csv.field_size_limit(limit)
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
