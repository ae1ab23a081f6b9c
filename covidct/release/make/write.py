"""Writing a release: all files from one draft, in a fixed form, and the whole folder or nothing."""

import datetime as dt
import json
import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from covidct.errors import CovidctError, UsageError
from covidct.files import sha256_bytes, write_bytes
from covidct.release.make.croissant import croissant
from covidct.release.make.datasheet import changes, datasheet
from covidct.release.read.classes import names_in
from covidct.release.read.diff import check_old_tests, check_step, diff_images
from covidct.release.read.release import RELEASE_NAME, SUMS, Release, assemble, read_release
from covidct.release.read.schema import (
    LATER_COLUMNS,
    PAPER_COLUMNS,
    PATIENT_COLUMNS,
    TABLES,
    WITHDRAWN_COLUMNS,
    Fault,
    check_table,
)
from covidct.release.read.shipped import META
from covidct.release.read.validate import count_images, release_faults
from covidct.release.read.version import VERSION, parse_version
from covidct.tables import dump_table, parse_table


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


def render(draft: Draft, earlier: Sequence[Release] = ()) -> dict[str, bytes]:
    """All files of the release; the same draft and earlier versions give the same bytes.

    ``earlier``: releases of the same name with lower versions, rising. A version that is too small a step from the
    last of them, or that moves an image out of an old test split into train, is a UsageError.
    """
    check_names(draft.name, draft.version, draft.date)
    frames = dict(zip(TABLES, (draft.images, draft.papers, draft.patients, draft.withdrawn), strict=True))
    columns = {name: columns_of(name, frame) for name, frame in frames.items()}
    files = {name: dump_table(frame, columns[name]) for name, frame in frames.items()}
    meta = _meta(draft)
    classes = names_in(meta)
    faults = [fault for name, data in files.items() for fault in check_table(name, parse_table(data, name), classes)]
    _refuse(draft, faults)
    release = assemble(Path(), {name: parse_table(files[name], name) for name in TABLES}, meta)
    _refuse(draft, release_faults(release))
    digests = {name: sha256_bytes(files[name]) for name in TABLES}
    licences = sorted({licence for licence in release.images["licence"] if licence})
    files[META] = _json(meta)
    files["croissant.json"] = _json(croissant(meta, digests, licences, columns))
    files["datasheet.md"] = datasheet(release).encode()
    files["CHANGES.md"] = _changes(release, earlier).encode()
    files[SUMS] = _sums(files)
    return files


def columns_of(name: str, frame: pd.DataFrame) -> list[str]:
    """The columns that a table is written with: all, but later ones only where the draft has them."""
    return [column for column in TABLES[name] if column in frame or column not in LATER_COLUMNS]


def _refuse(draft: Draft, faults: Sequence[Fault]) -> None:
    """What ``manifest validate`` would refuse is never written."""
    if faults:
        raise CovidctError(f"{draft.name} {draft.version}: {faults[0]} ({len(faults)} faults); nothing written")


def _changes(release: Release, earlier: Sequence[Release]) -> str:
    check_old_tests(old_test_ids(earlier), release.images)
    if not earlier:
        return changes(release, "", [])
    reasons = {str(key): str(text) for key, text in release.meta.get("reasons", {}).items()}
    found = diff_images(earlier[-1].images, release.images, release.withdrawn, reasons)
    check_step(earlier[-1].version, release.version, found)
    return changes(release, earlier[-1].title, found)


def old_test_ids(earlier: Sequence[Release]) -> frozenset[str]:
    """Ids of all images that ever stood in a test split."""
    return frozenset(i for r in earlier for i in r.images.loc[r.images["split"] == "test", "image_id"])


def earlier_versions(manifests: Path, name: str, version: str) -> list[Release]:
    """Releases in ``manifests/NAME`` with a version lower than ``version``, rising."""
    wanted = parse_version(version)
    home = manifests / name
    folders = [p for p in home.iterdir() if p.is_dir() and not p.name.startswith(".")] if home.is_dir() else []
    found = sorted((parse_version(folder.name), folder) for folder in folders if VERSION.fullmatch(folder.name))
    return [read_release(folder) for number, folder in found if number < wanted]


def write_release(draft: Draft, manifests: Path) -> Path:
    """``manifests/NAME/X.Y.Z`` with all files, or nothing; a folder that exists with other bytes is a UsageError."""
    check_names(draft.name, draft.version, draft.date)
    files = render(draft, earlier_versions(manifests, draft.name, draft.version))
    home = manifests / draft.name
    target = home / draft.version
    if target.exists():
        if _same(target, files):
            return target
        raise UsageError(f"{target} exists and differs: a published version never changes; give a higher --version")
    home.mkdir(parents=True, exist_ok=True)
    _sweep(home)
    with tempfile.TemporaryDirectory(prefix=f".{draft.version}.{os.getpid()}.", suffix=".part", dir=home) as part:
        whole = Path(part) / "whole"
        whole.mkdir()
        for name, data in files.items():
            write_bytes(whole / name, data)
        whole.rename(target)
    return target


def check_names(name: str, version: str, date: str) -> None:
    """A name, version or date that a release cannot have is a UsageError."""
    parse_version(version)
    if not RELEASE_NAME.fullmatch(name):
        raise UsageError(f"{name!r} is no release name: lower-case letters, digits and '-', at most 64")
    try:
        right = dt.date.fromisoformat(date).isoformat() == date
    except ValueError:
        right = False
    if not right:
        raise UsageError(f"{date!r} is no date: give --date YYYY-MM-DD")


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
        owner = part.name.split(".")[-3]
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
