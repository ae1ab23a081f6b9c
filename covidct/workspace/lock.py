"""Write transactions: who gets the write lock of a workspace, and how it is waited for."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager

from covidct.errors import CovidctError
from covidct.workspace.schema import BUSY_SECONDS


class Busy(CovidctError):
    """Another program has held the write lock for too long; the same action may be tried again."""


@contextmanager
def written(connection: sqlite3.Connection, eager: bool = False) -> Iterator[sqlite3.Connection]:
    """All that happens inside is committed, or none of it. ``eager`` is for a person who waits."""
    if eager:
        _begin_eagerly(connection)
    else:
        connection.execute("BEGIN IMMEDIATE")
    try:
        yield connection
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def _begin_eagerly(connection: sqlite3.Connection) -> None:
    """Ask for the lock every millisecond.

    SQLite's own waiting sleeps up to 100 ms between two tries, and so misses the short pauses of a busy harvest.
    """
    until = time.monotonic() + BUSY_SECONDS
    connection.execute("PRAGMA busy_timeout = 0")
    try:
        while not _begun(connection):
            if time.monotonic() > until:
                raise Busy("the workspace has been locked for half a minute: is another program writing?")
            time.sleep(0.001)
    finally:
        connection.execute(f"PRAGMA busy_timeout = {int(BUSY_SECONDS * 1000)}")


def _begun(connection: sqlite3.Connection) -> bool:
    try:
        connection.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
            raise
        return False
    return True
