"""A release may come as a folder, as the one archive of ``manifest pack``, or as the address of one."""

import hashlib
import re
import tempfile
import zipfile
from functools import lru_cache
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

from covidct.errors import CovidctError, UsageError
from covidct.release.read.shipped import by_name
from covidct.zips import check_zip

MAX_ARCHIVE = 4 * 2**30
MAX_SECONDS = 3600.0
"""For the whole download."""
MAX_MEMBERS = 500_000
MAX_UNPACKED = 16 * 2**30
MAX_RATIO = 200
"""Unpacked over packed bytes; tables of a release reach 30."""
_CHUNK = 1 << 20
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
    from covidct.net.failures import FetchError
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
    """Unpack ``archive`` below ``target``; names that leave it, links, bombs and encrypted members are refused."""
    with zipfile.ZipFile(archive) as bundle:
        members = bundle.infolist()
        _check_members(archive, members)
        for member in members:
            if not member.is_dir():
                _extract_one(bundle, member, target, archive)


def _check_members(archive: Path, members: list[zipfile.ZipInfo]) -> None:
    if len(members) > MAX_MEMBERS or sum(m.file_size for m in members) > MAX_UNPACKED:
        raise CovidctError(f"{archive}: unpacks to more than this program takes")
    for member in members:
        name = PurePosixPath(member.filename)
        if name.is_absolute() or ".." in name.parts or "\\" in member.filename or ":" in member.filename:
            raise CovidctError(f"{archive}: {member.filename!r} would land outside the target; archive refused")
        if (member.external_attr >> 16) & 0o170000 == 0o120000:
            raise CovidctError(f"{archive}: {member.filename!r} is a link; archive refused")
        if member.flag_bits & 0x1:
            raise CovidctError(f"{archive}: {member.filename!r} is encrypted; archive refused")
        if member.file_size > _CHUNK and member.file_size > MAX_RATIO * max(member.compress_size, 1):
            raise CovidctError(f"{archive}: {member.filename!r} is packed suspiciously well; archive refused")


def _extract_one(bundle: zipfile.ZipFile, member: zipfile.ZipInfo, target: Path, archive: Path) -> None:
    path = target / member.filename
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with bundle.open(member) as packed, path.open("wb") as out:
            left = member.file_size
            while chunk := packed.read(_CHUNK):
                left -= len(chunk)
                if left < 0:
                    raise CovidctError(f"{archive}: {member.filename!r} holds more than it says; archive refused")
                out.write(chunk)
    except (zipfile.BadZipFile, NotImplementedError, EOFError) as error:
        raise CovidctError(f"{archive}: {member.filename!r} cannot be unpacked ({error})") from error
