"""A release in memory: three tables, what was withdrawn, and what ``release.json`` says about them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from covidct.errors import CovidctError, UsageError
from covidct.files import read_document
from covidct.release.read.archive import unpacked
from covidct.release.read.classes import NAMES, names_in
from covidct.release.read.schema import TABLES, Fault, check_table, completed
from covidct.release.read.shipped import DEFAULT, META, by_name
from covidct.release.read.version import VERSION
from covidct.tables import read_table

SUMS = "SHA256SUMS"
FILES = (*TABLES, META, SUMS, "croissant.json", "datasheet.md", "CHANGES.md")
RELEASE_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
"""Names become folders and file names, also those that come out of a stranger's archive."""
CLASS_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,40}")
_NUMBERS = ("width", "height")
_KINDS: Mapping[str, type] = {
    **{"waivers": list, "remarks": list, "origin": dict, "reasons": dict, "excluded": dict, "held_back": dict},
    **dict.fromkeys(("date", "title", "description", "homepage", "citation", "creators"), str),
    "private": bool,
    NAMES: list,
}


@dataclass(frozen=True)
class Release:
    """A named, versioned set of image facts; no pixels. Table cells are ``str``, ``width``/``height`` are ``int``."""

    name: str
    version: str
    path: Path
    images: pd.DataFrame
    papers: pd.DataFrame
    patients: pd.DataFrame
    withdrawn: pd.DataFrame
    meta: Mapping[str, Any]

    @property
    def title(self) -> str:
        """``name/version``, as printed beside every result."""
        return f"{self.name}/{self.version}"

    @property
    def classes(self) -> tuple[str, str]:
        """Names of the negative and the positive class."""
        return names_in(self.meta)


def read_release(source: Path | str) -> Release:
    """The release in a folder, by its name (``covid-ct/2.0.0``), in an archive or at an http(s) address of one.

    A release that breaks its schema is refused: the message names the first fault and counts the others.
    """
    folder = unpacked(source)
    meta = read_meta(folder)
    tables = {name: read_table(folder / name) for name in TABLES}
    faults = [fault for name, frame in tables.items() for fault in check_table(name, frame, names_in(meta))]
    if faults:
        raise CovidctError(f"{folder / faults[0].file}: {_first(faults)}; see 'covidct manifest validate {source}'")
    return assemble(folder, tables, meta)


def assemble(folder: Path, tables: Mapping[str, pd.DataFrame], meta: Mapping[str, Any]) -> Release:
    """A Release from tables that were checked."""
    images = completed("images.csv", tables["images.csv"]).astype(dict.fromkeys(_NUMBERS, int))
    images.attrs[NAMES] = names_in(meta)
    return Release(
        name=str(meta["name"]),
        version=str(meta["version"]),
        path=folder,
        images=images,
        papers=tables["papers.csv"],
        patients=tables["patients.csv"],
        withdrawn=tables["withdrawn.csv"],
        meta=meta,
    )


def read_meta(folder: Path) -> dict[str, Any]:
    """``release.json``: at least ``name``, ``version`` and ``date``."""
    path = folder / META
    try:
        meta = read_document(path)
    except FileNotFoundError as error:
        raise UsageError(f"{folder}: no {META}; this is no release folder (manifests/NAME/X.Y.Z)") from error
    lacking = [key for key in ("name", "version", "date") if not isinstance(meta, dict) or key not in meta]
    if lacking:
        raise CovidctError(f"{path}: does not say {', '.join(lacking)}")
    if not RELEASE_NAME.fullmatch(str(meta["name"])) or not VERSION.fullmatch(str(meta["version"])):
        raise CovidctError(f"{path}: {meta['name']!r} {meta['version']!r} are no name and version of a release")
    wrong = [key for key, kind in _KINDS.items() if not isinstance(meta.get(key, kind()), kind)]
    if wrong:
        raise CovidctError(f"{path}: {wrong[0]!r} is no {_KINDS[wrong[0]].__name__}")
    if any(not isinstance(one, dict) or not {"what", "reason"} <= one.keys() for one in meta.get("waivers", ())):
        raise CovidctError(f"{path}: 'waivers' do not all say what and reason")
    if NAMES in meta and not _two_names(meta[NAMES]):
        raise CovidctError(f"{path}: {NAMES!r} are not the names of two classes")
    return dict(meta)


def _two_names(names: list[Any]) -> bool:
    """Labels become folders: small letters, digits and hyphens."""
    return len(set(map(str, names))) == len(names) == 2 and all(CLASS_NAME.fullmatch(str(name)) for name in names)


def default_release() -> Path:
    """The folder of covid-ct/1.0.0 that ships with covidct (``manifests/`` of a checkout, package data of a wheel)."""
    folder = by_name(DEFAULT)
    if folder is not None:
        return folder
    raise CovidctError("covid-ct/1.0.0 is missing from this installation; install covidct again")


def _first(faults: list[Fault]) -> str:
    more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
    first = faults[0]
    where = f"row {first.row}: " if first.row else ""
    what = f"{first.column}={first.value[:60]!r} " if first.column else ""
    return f"{where}{what}{first.rule}{more}"
