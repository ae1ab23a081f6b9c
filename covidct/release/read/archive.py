"""A release may come as a folder, as the one archive of ``manifest pack``, or as the address of one."""

import hashlib
import re
import tempfile
import zipfile
from functools import lru_cache
from pathlib import Path
from urllib.parse import urlsplit

from covidct.errors import CovidctError, UsageError
from covidct.net.failures import FetchError
from covidct.release.read.shipped import by_name
from covidct.zips import check_zip, open_zip

MAX_ARCHIVE = 4 * 2**30
MAX_SECONDS = 3600.0
"""For the whole download."""
MAX_MEMBERS = 500_000
MAX_UNPACKED = 16 * 2**30
_ONE_SLASH = re.compile(r"^(https?):/(?!/)")


def unpacked(source: Path | str) -> Path:
    """The folder of a release: ``source`` itself, or where its archive was unpacked (kept while the process runs)."""
    text = _ONE_SLASH.sub(r"\1://", str(source))  # a Path of an address has lost a slash
    if urlsplit(text).scheme in {"http", "https"}:
        return _from_address(text)
    path = Path(source)
    if path.is_dir():
        return path
    if not path.exists():
        named = by_name(text)
        if named is not None:
            return named
        raise UsageError(f"{path}: no such release; give a name of 'covidct manifest list', a folder, archive or URL")
    if not zipfile.is_zipfile(path):
        raise UsageError(f"{path}: neither a release folder nor a zip archive of 'covidct manifest pack'")
    return _from_archive(path.resolve(), path.stat().st_mtime_ns)


@lru_cache(maxsize=16)
def _from_address(address: str) -> Path:
    from covidct.net.client import HttpClient, Settings
    from covidct.net.wire import Limits

    client = HttpClient(Settings(attempts=3, limits=Limits(bytes=MAX_ARCHIVE, seconds=MAX_SECONDS)))
    try:
        got = client.download(address, Path(_scratch().name), check=check_zip)
    except FetchError as error:
        why = f"no zip archive to be had ({error.reason}); download it yourself and give the file"
        raise CovidctError(f"{address}: {why}") from error
    return _from_archive(got.path, got.path.stat().st_mtime_ns)


@lru_cache(maxsize=16)
def _from_archive(path: Path, _changed: int) -> Path:
    target = Path(_scratch().name) / hashlib.sha256(str(path).encode()).hexdigest()[:12]
    extract(path, target)
    folders = sorted({found.parent for found in target.rglob("release.json")}, key=lambda f: (len(f.parts), f))
    if not folders:
        raise CovidctError(f"{path}: no release.json inside; this is no archive of 'covidct manifest pack'")
    return folders[0]


@lru_cache(maxsize=1)
def _scratch() -> "tempfile.TemporaryDirectory[str]":
    return tempfile.TemporaryDirectory(prefix="covidct-release-")


def extract(archive: Path, target: Path) -> None:
    """Unpack ``archive`` below ``target``; a member that the rules of ``zips`` refuse, or a broken one, refuses it."""
    with archive.open("rb") as handle:
        safe = open_zip(handle, str(archive), MAX_MEMBERS)
        if safe.refused or sum(member.file_size for member in safe.members.values()) > MAX_UNPACKED:
            why = next(iter(safe.refused), "unpacks to more than this program takes")
            raise CovidctError(f"{archive}: {why}; archive refused")
        for name in safe.members:
            try:
                (target / name).parent.mkdir(parents=True, exist_ok=True)
                (target / name).write_bytes(safe.read(name))
            except (FetchError, OSError) as error:
                reason = getattr(error, "reason", "") or f"{name[:80]!r}: {getattr(error, 'strerror', None) or error}"
                raise CovidctError(f"{archive}: {reason}; archive refused") from error
