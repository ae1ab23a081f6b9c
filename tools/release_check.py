"""Before a release: version, changelog, citation and archives say the same: ``python tools/release_check.py``."""

import re
import sys
import tarfile
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent


def main() -> None:
    """Print what does not agree; exit code 1 when anything does not."""
    version = str(tomllib.loads((TOP / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"])
    found = list(problems(version))
    for line in found:
        print(f"release-check: {line}")
    print(f"release-check: version {version}: {'not ready' if found else 'ready'}")
    sys.exit(bool(found))


def problems(version: str) -> Iterator[str]:
    """One line for each thing that has to be put right first."""
    changes = (TOP / "CHANGELOG.md").read_text(encoding="utf-8")
    heading = re.search(rf"^## {re.escape(version)} \((.+)\)$", changes, flags=re.M)
    if heading is None:
        yield f"CHANGELOG.md has no section '## {version} (date)'"
    elif not re.fullmatch(r"\d{4}-\d\d-\d\d", heading.group(1)):
        yield f"CHANGELOG.md: {version} is '{heading.group(1)}', not dated"
    if f"version: {version}" not in (TOP / "CITATION.cff").read_text(encoding="utf-8"):
        yield f"CITATION.cff does not say 'version: {version}'"
    yield from archive_problems(version)


def archive_problems(version: str) -> Iterator[str]:
    """The wheel and the source archive in dist/ hold what they must."""
    wheel, source = TOP / "dist" / f"covidct-{version}-py3-none-any.whl", TOP / "dist" / f"covidct-{version}.tar.gz"
    if not (wheel.is_file() and source.is_file()):
        yield "dist/ lacks the wheel or the source archive of this version: make wheel"
        return
    names = set(zipfile.ZipFile(wheel).namelist())
    for wanted in ("covidct/manifests/covid-ct/1.0.0/images.csv", "covidct/captions/rules.toml", "covidct/py.typed"):
        if wanted not in names:
            yield f"{wheel.name} lacks {wanted}"
    with tarfile.open(source) as archive:
        if f"covidct-{version}/LICENSE" not in archive.getnames():
            yield f"{source.name} lacks LICENSE"


if __name__ == "__main__":
    main()
