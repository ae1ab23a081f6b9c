"""An open workspace: its folder, one connection a thread, short write transactions, files by content hash, leases."""

import sqlite3
import threading
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from itertools import islice
from pathlib import Path
from typing import Self, TypeVar

from covidct.errors import CovidctError, UsageError
from covidct.workspace import disk
from covidct.workspace.disk import Stored
from covidct.workspace.lock import written
from covidct.workspace.schema import DATABASE, connect, migrate, told

T = TypeVar("T")

BATCH = 100
"""Rows in one transaction: well under 100 ms of write lock."""
PAUSE = 0.002
"""Seconds between two batches, in which somebody else gets the lock."""


class Opened:
    """One folder with one SQLite file and the files it speaks of; a context manager, usable from several threads."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._local = threading.local()
        self._opened: list[sqlite3.Connection] = []
        self._guard = threading.Lock()

    @classmethod
    def create(cls, folder: Path) -> Self:
        """Open the workspace in ``folder``, making it (mode 0700) when it is not there."""
        disk.refuse_network_disk(folder)
        if folder.exists() and not folder.is_dir():
            raise UsageError(f"{folder} is a file: name a folder with -w")
        disk.make_private(folder, new=not (folder / DATABASE).exists())
        migrate(folder)
        return cls(folder)

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Open the workspace in ``folder``; raises :class:`UsageError` when there is none."""
        if not (folder / DATABASE).is_file():
            raise UsageError(f"{folder} is no workspace: make one with 'covidct harvest -w {folder}'")
        return cls.create(folder)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        self.close()
        if isinstance(error, sqlite3.Error):
            with told(self.folder):
                raise error

    def close(self) -> None:
        """Close every connection; threads that use the workspace afterwards open new ones."""
        with self._guard:
            for connection in self._opened:
                connection.close()
            self._opened.clear()
            self._local = threading.local()

    @property
    def connection(self) -> sqlite3.Connection:
        """This thread's connection, for reading."""
        found: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if found is None:
            found = connect(self.folder)
            self._local.connection = found
            with self._guard:
                self._opened.append(found)
        return found

    def transaction(self, eager: bool = False) -> AbstractContextManager[sqlite3.Connection]:
        """A short write transaction: do nothing slow inside. ``eager`` waits for the lock as a person would."""
        return written(self.connection, eager)

    def path(self, file: str) -> Path:
        """Where a stored file lies; refuses names that lead out of the workspace."""
        path = (self.folder / file).resolve()
        if not path.is_relative_to(self.folder.resolve()):
            raise CovidctError(f"{file} leads out of the workspace {self.folder}: refused")
        return path

    def store(self, data: bytes, suffix: str) -> Stored:
        """Keep ``data`` under its SHA-256; ``suffix`` with its dot."""
        return disk.store_bytes(self.folder, data, suffix)

    def store_file(self, path: Path, suffix: str) -> Stored:
        """Keep a copy of a file under its SHA-256."""
        return self.store(path.read_bytes(), suffix)

    def stored(self, sha256: str, suffix: str) -> Path | None:
        """The stored file with this digest, or None."""
        path = self.folder / disk.stored_name(sha256, suffix)
        return path if sha256 and path.is_file() else None

    def lease(self, name: str) -> AbstractContextManager[None]:
        """Only one process at a time holds the lease ``name``; a killed holder loses it."""
        return disk.lease(self.folder, name)


def batches(items: Iterable[T]) -> Iterator[list[T]]:
    """``items`` in lists of ``BATCH``."""
    rest = iter(items)
    while batch := list(islice(rest, BATCH)):
        yield batch
