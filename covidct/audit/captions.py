"""The captions file of an audit: texts by image, read from CSV or a workbook, never copied into a report."""

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import pandas as pd

from covidct.errors import CovidctError, UsageError
from covidct.tables import read_table

MAX_BOOK = 64 * 2**20
_NAMES = ("image_id", "panel_id", "file", "file name", "image name", "image")
_TEXTS = ("caption", "captions", "text", "sub_caption")
_TITLES = ("title", "article title")
_PICTURE = re.compile(r"\.(png|jpe?g|gif|bmp|tiff?|webp)$", re.IGNORECASE)
_PLACE = re.compile(r"(_\d{4}_[A-Z].*)?-p\d+-.*$|%\d+$")


@dataclass(frozen=True)
class Text:
    """What is said about one image: its caption and the title of its paper."""

    caption: str
    title: str = ""


def read_captions(path: Path) -> dict[str, Text]:
    """Texts by the name the file uses (image id, path or base name); a UsageError where columns are missing."""
    if not path.is_file():
        raise UsageError(f"{path}: no such file of captions")
    table = _workbook(path) if path.suffix.lower() in {".xlsx", ".xlsm"} else read_table(path)
    columns = {str(column).strip().lower(): str(column) for column in table.columns}
    name, text = (_pick(columns, wanted) for wanted in (_NAMES, _TEXTS))
    if name is None or text is None:
        raise UsageError(f"{path}: needs a column of image names ({', '.join(_NAMES)}) and one of captions")
    title = _pick(columns, _TITLES)
    return {
        str(row[name]).strip(): Text(clean(str(row[text])), str(row[title]).strip() if title else "")
        for row in table.to_dict("records")
        if str(row[name]).strip()
    }


def texts_by_image(images: pd.DataFrame, papers: pd.DataFrame, captions: Mapping[str, Text]) -> dict[str, Text]:
    """Texts by image id; titles from the captions file, else ``papers.csv``, else a file named after its article."""
    titles = dict(zip(papers["paper_id"], papers["title"], strict=True))
    found: dict[str, Text] = {}
    for image, file, paper in zip(images["image_id"], images["file"], images["paper_id"], strict=True):
        given = next((captions[name] for name in _names(image, file) if name in captions), Text(""))
        title = given.title or titles.get(paper, "") or title_in_name(file)
        if given.caption or title:
            found[image] = Text(given.caption, title)
    return found


def clean(text: str) -> str:
    """A caption without the list brackets that some tables carry (``['…']``) and without runs of blanks."""
    stripped = text.strip()
    if stripped[:2] in {"['", '["'}:
        try:
            parts = ast.literal_eval(stripped)
        except (ValueError, SyntaxError):
            parts = [stripped[2:].removesuffix("]").strip("'\"")]
        stripped = " ".join(str(part) for part in parts)
    return " ".join(stripped.split())


def title_in_name(file: str) -> str:
    """The article title that a file name carries, or empty: at least three words of three letters or more."""
    stem = _PICTURE.sub("", PurePosixPath(file).name)
    words = _PLACE.sub("", stem).replace("_", "-").split("-")
    return " ".join(words) if sum(len(word) > 2 and word.isalpha() for word in words) >= 3 else ""


def _names(image: str, file: str) -> Iterator[str]:
    base = PurePosixPath(file).name
    yield from (image, file, base, _PICTURE.sub("", base))


def _pick(columns: Mapping[str, str], wanted: tuple[str, ...]) -> str | None:
    return next((columns[name] for name in wanted if name in columns), None)


def _workbook(path: Path) -> pd.DataFrame:
    import zipfile

    from openpyxl import load_workbook
    from openpyxl.utils.exceptions import InvalidFileException

    if path.stat().st_size > MAX_BOOK:
        raise CovidctError(f"{path}: larger than {MAX_BOOK // 2**20} MiB; not read")
    try:
        rows = list(load_workbook(path, read_only=True, data_only=True).worksheets[0].iter_rows(values_only=True))
    except (InvalidFileException, zipfile.BadZipFile, KeyError, OSError, ValueError) as error:
        raise CovidctError(f"{path}: not a readable workbook ({error})") from error
    if not rows:
        raise CovidctError(f"{path}: its first sheet is empty")
    header = [str(cell or f"column {k}") for k, cell in enumerate(rows[0])]
    return pd.DataFrame([["" if c is None else str(c) for c in row] for row in rows[1:]], columns=header)
