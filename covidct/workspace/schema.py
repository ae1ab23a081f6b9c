"""The workspace's SQLite file: schema, migrations, connections.

WAL lets a harvest write while curators read and decide. ``PRAGMA user_version`` holds the schema version; a file of a
newer version is refused, an older one is migrated step by step, each step in one transaction.
"""

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from covidct.errors import CovidctError, UsageError

DATABASE = "covidct.sqlite"
BUSY_SECONDS = 30.0

MIGRATIONS = (
    """
    CREATE TABLE papers (
        paper_id TEXT PRIMARY KEY, source TEXT NOT NULL, doi TEXT NOT NULL, version INTEGER NOT NULL,
        versions TEXT NOT NULL, title TEXT NOT NULL, abstract TEXT NOT NULL, date TEXT NOT NULL, server TEXT NOT NULL,
        category TEXT NOT NULL, licence TEXT NOT NULL, url TEXT NOT NULL, jats_url TEXT NOT NULL, status TEXT NOT NULL,
        reason TEXT NOT NULL, source_file TEXT NOT NULL, sha256 TEXT NOT NULL, jats_sha256 TEXT NOT NULL
    );
    CREATE INDEX papers_doi ON papers (doi);
    CREATE INDEX papers_sha256 ON papers (sha256);
    CREATE TABLE figures (
        figure_id TEXT PRIMARY KEY, paper_id TEXT NOT NULL REFERENCES papers ON DELETE CASCADE,
        position INTEGER NOT NULL, paper_version INTEGER NOT NULL, source_file TEXT NOT NULL, label TEXT NOT NULL,
        page INTEGER, box TEXT, caption TEXT NOT NULL, caption_page INTEGER, mentions TEXT NOT NULL, kind TEXT NOT NULL,
        file TEXT NOT NULL, width INTEGER NOT NULL, height INTEGER NOT NULL, sha256 TEXT NOT NULL,
        pixel_hash TEXT NOT NULL, licence TEXT NOT NULL, provenance TEXT NOT NULL
    );
    CREATE INDEX figures_paper ON figures (paper_id, position);
    CREATE INDEX figures_file ON figures (file);
    CREATE TABLE panels (
        panel_id TEXT PRIMARY KEY, figure_id TEXT NOT NULL REFERENCES figures ON DELETE CASCADE,
        position INTEGER NOT NULL, panel_label TEXT NOT NULL, box TEXT NOT NULL, sub_caption TEXT NOT NULL,
        kind TEXT NOT NULL, score REAL NOT NULL, label TEXT NOT NULL, label_by TEXT NOT NULL,
        label_evidence TEXT NOT NULL, patient_id TEXT NOT NULL, file TEXT NOT NULL, width INTEGER NOT NULL,
        height INTEGER NOT NULL, sha256 TEXT NOT NULL, pixel_hash TEXT NOT NULL
    );
    CREATE INDEX panels_figure ON panels (figure_id, position);
    CREATE INDEX panels_file ON panels (file);
    CREATE TABLE decisions (
        decision_id INTEGER PRIMARY KEY AUTOINCREMENT, entity TEXT NOT NULL, entity_id TEXT NOT NULL,
        field TEXT NOT NULL, value TEXT NOT NULL, by TEXT NOT NULL, why TEXT NOT NULL, score REAL,
        evidence TEXT NOT NULL, anchor TEXT, seconds REAL NOT NULL, undoes INTEGER, at TEXT NOT NULL,
        client_key TEXT UNIQUE
    );
    CREATE INDEX decisions_entity ON decisions (entity, entity_id, field);
    CREATE INDEX decisions_by ON decisions (by);
    CREATE TABLE in_force (
        entity TEXT NOT NULL, entity_id TEXT NOT NULL, field TEXT NOT NULL, decision_id INTEGER NOT NULL,
        human INTEGER NOT NULL, conflict INTEGER NOT NULL, PRIMARY KEY (entity, entity_id, field)
    ) WITHOUT ROWID;
    CREATE INDEX in_force_field ON in_force (entity, field, human, conflict);
    CREATE TABLE pairs (
        a TEXT NOT NULL, b TEXT NOT NULL, score REAL NOT NULL, change TEXT NOT NULL, PRIMARY KEY (a, b)
    ) WITHOUT ROWID;
    CREATE TABLE steps_done (step TEXT NOT NULL, key TEXT NOT NULL, PRIMARY KEY (step, key)) WITHOUT ROWID;
    CREATE TABLE notes (
        scope TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (scope, key)
    ) WITHOUT ROWID;
    CREATE TABLE tombstones (
        entity TEXT NOT NULL, entity_id TEXT NOT NULL, paper_id TEXT NOT NULL, doi TEXT NOT NULL, reason TEXT NOT NULL,
        anchor TEXT, at TEXT NOT NULL, PRIMARY KEY (entity, entity_id)
    ) WITHOUT ROWID;
    """,
    """
    CREATE INDEX papers_doi_any_case ON papers (lower(doi));
    DROP INDEX papers_doi;
    """,
    """
    CREATE TABLE dropped (
        step TEXT NOT NULL, version TEXT NOT NULL, item TEXT NOT NULL, position INTEGER NOT NULL, what TEXT NOT NULL,
        rule TEXT NOT NULL, reason TEXT NOT NULL, page INTEGER, box TEXT, PRIMARY KEY (step, item, position)
    ) WITHOUT ROWID;
    ALTER TABLE panels ADD COLUMN letter_by TEXT NOT NULL DEFAULT 'none';
    UPDATE panels SET letter_by = 'inferred' WHERE panel_label != '';
    ALTER TABLE figures ADD COLUMN pair TEXT NOT NULL DEFAULT '';
    ALTER TABLE figures ADD COLUMN pair_score REAL NOT NULL DEFAULT 0;
    UPDATE figures SET pair = 'by-order' WHERE instr(provenance, '"by-order"') > 0;
    UPDATE figures SET pair = 'by-order-unequal' WHERE instr(provenance, '"by-order-unequal"') > 0;
    """,
    """
    ALTER TABLE figures ADD COLUMN paragraphs TEXT NOT NULL DEFAULT '[]';
    """,
)


JSON_COLUMNS = (
    ("papers", "versions"),
    *(("figures", column) for column in ("box", "mentions", "paragraphs", "provenance")),
    ("panels", "box"),
    *(("decisions", column) for column in ("value", "evidence", "anchor")),
)
"""Where a value is JSON; NULL is none."""


def connect(folder: Path) -> sqlite3.Connection:
    """A connection in autocommit mode; transactions are opened by hand (``BEGIN IMMEDIATE``) and kept short.

    One thread uses it; another one may close it once that thread is done (``check_same_thread``).
    """
    connection = sqlite3.connect(folder / DATABASE, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    connection.row_factory = sqlite3.Row
    connection.execute("PRAGMA foreign_keys = ON")
    # In WAL mode a killed process loses nothing with this. A commit that waits for the disk would hold the write lock
    # meanwhile, and with it every curator; what only a power cut could take is flushed from the review page.
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA secure_delete = ON")
    return connection


def migrate(folder: Path) -> None:
    """Create the tables or bring them to today's version; raises on a newer file and on one that is no database."""
    with told(folder), contextlib.closing(connect(folder)) as connection:
        _migrate(connection, folder)


@contextlib.contextmanager
def told(folder: Path) -> Iterator[None]:
    """What SQLite says of a damaged file, a full disk or a folder without rights, in one line with what to do."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        if isinstance(error, sqlite3.OperationalError):
            todo = "is the disk full, may the folder be written? Mend that and run the same command again"
            raise CovidctError(f"{folder / DATABASE}: {error}: {todo}") from error
        if type(error) is not sqlite3.DatabaseError:
            raise
        raise CovidctError(
            f"{folder / DATABASE} is damaged ({error}): restore it from a copy, or start a new workspace"
        ) from error


def _migrate(connection: sqlite3.Connection, folder: Path) -> None:
    found = _version(connection)
    if found > len(MIGRATIONS):
        raise UsageError(
            f"{folder} was written by a newer covidct (schema {found}, this one knows {len(MIGRATIONS)}): upgrade it"
        )
    if found < len(MIGRATIONS):
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("BEGIN IMMEDIATE")  # two processes may start at once: look again under the lock
        found = _version(connection)
        if not found and any((folder / "files").glob("*")):
            raise CovidctError(
                f"{folder / DATABASE} is empty or gone while files/ holds pictures: restore it from a copy, "
                "or name a new folder with -w"
            )
        for number in range(found, len(MIGRATIONS)):
            for statement in MIGRATIONS[number].split(";"):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {number + 1}")
        connection.execute("COMMIT")


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])
