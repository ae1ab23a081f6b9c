"""Writing a release: all files from one draft, in a fixed form, and the whole folder or nothing."""

import json
import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from covidct.errors import UsageError
from covidct.files import sha256_bytes
from covidct.release.read.release import META, SUMS
from covidct.release.read.schema import PAPER_COLUMNS, PATIENT_COLUMNS, TABLES, WITHDRAWN_COLUMNS
from covidct.release.read.tables import dump_table
from covidct.release.read.validate import count_images
from covidct.release.read.version import parse_version

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
_DATE = re.compile(r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])")


@dataclass(frozen=True)
class Draft:
    """What a release will say; ``images`` has the contract's columns, ``about`` the free parts of ``release.json``."""

    name: str
    version: str
    date: str
    images: pd.DataFrame
    papers: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=PAPER_COLUMNS))
    patients: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=PATIENT_COLUMNS))
    withdrawn: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=WITHDRAWN_COLUMNS))
    about: Mapping[str, Any] = field(default_factory=dict)


def render(draft: Draft) -> dict[str, bytes]:
    """All files of the release; the same draft gives the same bytes."""
    _check_names(draft)
    frames = (draft.images, draft.papers, draft.patients, draft.withdrawn)
    files = {name: dump_table(frame, TABLES[name]) for name, frame in zip(TABLES, frames, strict=True)}
    files[META] = _json(_meta(draft))
    files[SUMS] = _sums(files)
    return files


def write_release(draft: Draft, manifests: Path) -> Path:
    """``manifests/NAME/X.Y.Z`` with all files, or nothing; a folder that exists with other bytes is a UsageError."""
    files = render(draft)
    home = manifests / draft.name
    target = home / draft.version
    if target.exists():
        if _same(target, files):
            return target
        raise UsageError(f"{target} exists and differs: a published version never changes; give a higher --version")
    home.mkdir(parents=True, exist_ok=True)
    _sweep(home)
    part = home / f".{draft.version}.{os.getpid()}.part"
    part.mkdir()
    try:
        for name, data in files.items():
            with (part / name).open("wb") as handle:
                handle.write(data)
                handle.flush()
                os.fsync(handle.fileno())
        part.rename(target)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return target


def _check_names(draft: Draft) -> None:
    parse_version(draft.version)
    if not _NAME.fullmatch(draft.name):
        raise UsageError(f"{draft.name!r} is no release name: lower-case letters, digits and '-', at most 64")
    if not _DATE.fullmatch(draft.date):
        raise UsageError(f"{draft.date!r} is no date: give --date YYYY-MM-DD")


def _meta(draft: Draft) -> dict[str, Any]:
    fixed = {"name": draft.name, "version": draft.version, "date": draft.date}
    return {**fixed, "counts": count_images(draft.images), **draft.about}


def _json(value: object) -> bytes:
    return (json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True) + "\n").encode()


def _sums(files: Mapping[str, bytes]) -> bytes:
    return "".join(f"{sha256_bytes(files[name])}  {name}\n" for name in sorted(files)).encode()


def _same(target: Path, files: Mapping[str, bytes]) -> bool:
    here = {path.name for path in target.iterdir()} if target.is_dir() else set()
    return here == set(files) and all((target / name).read_bytes() == data for name, data in files.items())


def _sweep(home: Path) -> None:
    """Remove what builds left that were killed: a part whose process is gone."""
    for part in home.glob(".*.part"):
        owner = part.name.split(".")[-2]
        if owner.isdigit() and not _alive(int(owner)):
            shutil.rmtree(part, ignore_errors=True)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
