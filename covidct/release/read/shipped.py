"""Releases by name: those under ``./manifests`` and those that ship with covidct."""

import re
from collections.abc import Iterator
from pathlib import Path

META = "release.json"
DEFAULT = "covid-ct/1.0.0"
NAME = re.compile(r"[A-Za-z0-9][\w.-]*/\d+\.\d+\.\d+")


def roots() -> list[Path]:
    """Folders that hold releases: the working folder's, a checkout's, and the package data of a wheel."""
    package = Path(__file__).resolve().parents[2]
    return [Path("manifests"), package.parent / "manifests", package / "manifests"]


def by_name(name: str) -> Path | None:
    """The folder of the release called ``NAME/X.Y.Z``; None where no root has one, or the words are no name."""
    if not NAME.fullmatch(name):
        return None
    return next((root / name for root in roots() if (root / name / META).is_file()), None)


def releases() -> Iterator[Path]:
    """Every release of every root, each name once."""
    seen: set[str] = set()
    for root in roots():
        for meta in sorted(root.glob(f"*/*/{META}")):
            name = f"{meta.parent.parent.name}/{meta.parent.name}"
            if NAME.fullmatch(name) and name not in seen:
                seen.add(name)
                yield meta.parent
