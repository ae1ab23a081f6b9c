"""The workspace's folder: which disks are refused, files by content hash, one run of a kind at a time."""

import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from covidct.errors import CovidctError, UsageError
from covidct.files import safe_name, sha256_bytes, sha256_file, write_bytes

NETWORK_FILESYSTEMS = frozenset(
    {
        *("nfs", "nfs4", "cifs", "smb3", "smbfs", "ncpfs", "afs", "9p", "ceph", "lustre", "gpfs", "beegfs", "davfs"),
        *("orangefs", "glusterfs", "fuse.glusterfs", "fuse.sshfs", "fuse.s3fs", "fuse.rclone", "fuse.gcsfuse"),
    }
)
"""SQLite's WAL needs shared memory and working locks; these give neither."""

MOUNTS = Path("/proc/mounts")


@dataclass(frozen=True)
class Stored:
    """A file in the store: ``file`` is its POSIX path below the workspace's folder."""

    file: str
    sha256: str


def refuse_network_disk(folder: Path, mounts: str | None = None) -> None:
    """Raise :class:`UsageError` when ``folder`` lies on a network file system; ``mounts`` as in /proc/mounts."""
    if mounts is None:
        mounts = MOUNTS.read_text(encoding="utf-8", errors="replace") if MOUNTS.exists() else ""
    kind = _filesystem(folder.absolute(), mounts)
    if kind in NETWORK_FILESYSTEMS:
        raise UsageError(f"{folder} is on a network file system ({kind}), where SQLite loses data: use a local disk")


def _filesystem(folder: Path, mounts: str) -> str:
    best, kind = "", ""
    for line in mounts.splitlines():
        fields = line.split()
        if len(fields) < 3:
            continue
        point = fields[1].replace("\\040", " ")
        if (folder == Path(point) or Path(point) in folder.parents) and len(point) >= len(best):
            best, kind = point, fields[2]
    return kind


def make_private(folder: Path, new: bool) -> None:
    """A folder for a ``new`` workspace that nobody else may read: made, or an empty one closed to others.

    Raises UsageError where the folder holds something and others may read it, before anything is written.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    mode = stat.S_IMODE(folder.stat().st_mode)
    if not new or not mode & 0o077:
        return
    if any(folder.iterdir()):
        raise UsageError(
            f"{folder} is not empty and others may read it (mode {mode:04o}), a workspace holds patients' pictures:"
            f" name a new folder with -w, or 'chmod 700 {folder}'"
        )
    folder.chmod(0o700)


def stored_name(sha256: str, suffix: str) -> str:
    """Where the store keeps bytes with this digest."""
    return f"files/{sha256[:2]}/{sha256}{suffix}"


def named(data: bytes, suffix: str) -> Stored:
    """The name that the store will give to ``data``; nothing is written."""
    digest = sha256_bytes(data)
    return Stored(stored_name(digest, suffix), digest)


def store_bytes(folder: Path, data: bytes, suffix: str) -> Stored:
    """Put ``data`` under its SHA-256; writing the same bytes again is free."""
    stored = named(data, suffix)
    target = folder / stored.file
    if not (target.is_file() and target.stat().st_size == len(data)):
        write_bytes(target, data)
    return stored


def intact(folder: Path, file: str) -> bool:
    """Does a stored file still hold the bytes that its name promises?"""
    path = folder / file
    return path.is_file() and sha256_file(path) == path.name.split(".")[0]


@contextmanager
def lease(folder: Path, name: str) -> Iterator[None]:
    """Hold the only lease called ``name``; the kernel gives it back when its holder ends, killed or not."""
    path = folder / "locks" / f"{safe_name(name)}.lock"
    path.parent.mkdir(mode=0o700, exist_ok=True)
    with path.open("a+") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            handle.seek(0)
            holder = handle.read().strip() or "?"
            raise CovidctError(
                f"another '{name}' (process {holder}) works on {folder}: wait for it, or stop it"
            ) from None
        handle.truncate(0)
        handle.write(str(os.getpid()))
        handle.flush()
        yield
