"""ZIP files from outside: nothing is unpacked by name, every member is bounded, every oddity is a recorded refusal."""

import lzma
import stat
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import IO

from covidct.net.failures import FetchError, Kind

MOST_MEMBERS = 5_000
LARGEST_MEMBER = 400_000_000
LARGEST_RATIO = 400
"""Unpacked to packed size, for members over a megabyte: TIFF figures reach about 100, bombs over 1,000."""

BROKEN = (zipfile.BadZipFile, OSError, ValueError, RuntimeError, EOFError, zlib.error, lzma.LZMAError)
"""What Python raises for archives that are cut, altered, locked or packed in a way that it does not know."""


@dataclass(frozen=True)
class MemberRule:
    """Why a member is left alone."""

    name: str
    reason: str

    def matches(self, info: zipfile.ZipInfo) -> bool:
        return bool(_TESTS[self.name](info))


def _leads_out(info: zipfile.ZipInfo) -> bool:
    raw = info.orig_filename.replace("\\", "/")
    return ".." in PurePosixPath(raw).parts or ".." in raw.split("/")


def _is_absolute(info: zipfile.ZipInfo) -> bool:
    raw = info.orig_filename.replace("\\", "/")
    return raw.startswith("/") or raw[1:2] == ":"


_TESTS: dict[str, Callable[[zipfile.ZipInfo], object]] = {
    "absolute-path": _is_absolute,
    "path-leads-out": _leads_out,
    "symbolic-link": lambda i: stat.S_ISLNK(i.external_attr >> 16),
    "special-file": lambda i: stat.S_IFMT(i.external_attr >> 16) not in (0, stat.S_IFREG, stat.S_IFDIR),
    "encrypted": lambda i: i.flag_bits & 1,
    "too-large": lambda i: i.file_size > LARGEST_MEMBER,
    "packed-too-tightly": lambda i: i.file_size > 1 << 20 and i.file_size > LARGEST_RATIO * max(1, i.compress_size),
    "control-characters": lambda i: any(ord(c) < 32 for c in i.orig_filename),
}
MEMBER_RULES = (
    MemberRule("absolute-path", "an absolute path"),
    MemberRule("path-leads-out", "a path that leads out (..)"),
    MemberRule("symbolic-link", "a symbolic link"),
    MemberRule("special-file", "no plain file"),
    MemberRule("encrypted", "encrypted"),
    MemberRule("too-large", f"more than {LARGEST_MEMBER:,} bytes unpacked"),
    MemberRule("packed-too-tightly", f"unpacks to more than {LARGEST_RATIO} times its size"),
    MemberRule("control-characters", "control characters in its name"),
)


@dataclass
class SafeZip:
    """The sound members of a ZIP, by name; ``refused`` says which were left and why."""

    archive: zipfile.ZipFile
    members: dict[str, zipfile.ZipInfo] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)

    def read(self, name: str, limit: int = LARGEST_MEMBER) -> bytes:
        """One member's bytes, at most ``limit`` whatever its header claims; ``FetchError`` where it is broken."""
        info = self.members.get(name)
        if info is None:
            raise FetchError(Kind.NOT_FOUND, f"no member {name[:80]!r}", rule="zip-no-member")
        try:
            with self.archive.open(info) as handle:
                data = handle.read(limit + 1)
        except BROKEN as error:
            raise FetchError(Kind.BROKEN, f"{name[:80]}: broken in the package ({error})", rule="zip-broken") from error
        if len(data) > limit:
            raise FetchError(Kind.LIMIT, f"{name[:80]}: more than {limit:,} bytes", rule="zip-too-large")
        return data


def open_zip(handle: "IO[bytes]", what: str, most: int = MOST_MEMBERS) -> SafeZip:
    """The ZIP in ``handle``, its members judged by ``MEMBER_RULES``; ``FetchError`` where it is none."""
    try:
        archive = zipfile.ZipFile(handle)
    except BROKEN as error:
        raise FetchError(Kind.UNUSABLE, f"{what}: no readable ZIP ({error})", rule="not-a-zip") from error
    infos = archive.infolist()
    if len(infos) > most:
        raise FetchError(Kind.POLICY, f"{what}: more than {most} members", rule="zip-too-many")
    safe = SafeZip(archive)
    for info in infos:
        reasons = [rule.reason for rule in MEMBER_RULES if rule.matches(info)]
        if reasons:
            safe.refused.append(f"{info.orig_filename[:80]!r}: {reasons[0]}")
        elif not info.is_dir():
            safe.members.setdefault(info.filename, info)
    return safe


def check_zip(start: bytes, end: bytes) -> None:
    """A ZIP begins with a member and ends with its directory: the check of a download."""
    if not start.startswith(b"PK") or b"PK\x05\x06" not in end:
        raise FetchError(Kind.BROKEN, "not a whole ZIP", rule="not-a-zip")
