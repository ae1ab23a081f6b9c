"""The workspace as the rest of covidct sees it: papers, figures, panels, decisions, files.

Only the driver opens SQLite; workers return values. Every write is one short ``BEGIN IMMEDIATE`` transaction, so a
curator's decision lands while a harvest writes. One connection a thread.
"""

import json
import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any, Self, TypeVar

from covidct.errors import CovidctError, UsageError
from covidct.files import sha256_bytes
from covidct.records import Decision, Dropped, Figure, Panel, Paper, PaperStatus
from covidct.workspace import disk, forget, journal
from covidct.workspace.disk import Stored
from covidct.workspace.forget import Tombstone
from covidct.workspace.lock import written
from covidct.workspace.pixels import blanked, pixel_hash
from covidct.workspace.replace import (
    forgotten_pictures,
    forgotten_places,
    hashes_of,
    replace_figures,
    replace_panels,
)
from covidct.workspace.rows import (
    box_of,
    decision_of,
    dropped_row,
    dump,
    figure_of,
    panel_of,
    paper_of,
    paper_row,
)
from covidct.workspace.schema import BUSY_SECONDS, DATABASE, connect, migrate

T = TypeVar("T")

BATCH = 100
"""Rows in one transaction: well under 100 ms of write lock."""
HOLD = 0.02
"""Seconds after which a long list of decisions lets go of the write lock, on a slow machine as on a fast one."""
PURGE_SECONDS = 5
"""How long a takedown waits for other processes to let go of an older state of the database."""
PAUSE = 0.002
"""Seconds between two batches, in which somebody else gets the lock."""


@dataclass(frozen=True)
class Pair:
    """Two panels that may show the same picture; ``a`` < ``b``."""

    a: str
    b: str
    score: float
    change: str = ""

    @property
    def pair_id(self) -> str:
        """The id under which people decide on it."""
        return f"{self.a}|{self.b}"


@dataclass(frozen=True)
class Left:
    """An entry of the ledger: what ``step`` of ``version`` left out of ``item``."""

    step: str
    version: str
    item: str
    dropped: Dropped


class Workspace:
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

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close every connection; threads that use the workspace afterwards open new ones."""
        with self._guard:
            for connection in self._opened:
                connection.close()
            self._opened.clear()
            self._local = threading.local()

    # -- connections -------------------------------------------------------------------------------------------

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

    # -- files -------------------------------------------------------------------------------------------------

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

    def drop_files(self, files: Iterable[str]) -> None:
        """Delete stored files that nothing refers to any more."""
        for file in forget.unused(self.connection, files):
            self.path(file).unlink(missing_ok=True)

    # -- papers ------------------------------------------------------------------------------------------------

    def papers(self) -> list[Paper]:
        """All papers, by id."""
        return [paper_of(row) for row in self.connection.execute("SELECT * FROM papers ORDER BY paper_id")]

    def paper(self, paper_id: str) -> Paper | None:
        """One paper, or None."""
        row = self.connection.execute("SELECT * FROM papers WHERE paper_id = ?", (paper_id,)).fetchone()
        return None if row is None else paper_of(row)

    def paper_by_doi(self, doi: str) -> Paper | None:
        """The paper with this DOI (case does not count), never a supplement of it; or None."""
        row = self.connection.execute(
            "SELECT * FROM papers WHERE lower(doi) = lower(?) AND source != 'supplement' LIMIT 1", (doi,)
        ).fetchone()
        return None if row is None or not doi else paper_of(row)

    def paper_by_sha256(self, sha256: str) -> Paper | None:
        """The paper whose PDF has this digest, else the one whose JATS has it; or None."""
        query = "SELECT * FROM papers WHERE sha256 = ? OR jats_sha256 = ? ORDER BY sha256 != ? LIMIT 1"
        row = self.connection.execute(query, (sha256,) * 3).fetchone()
        return None if row is None or not sha256 else paper_of(row)

    def save_papers(self, papers: Iterable[Paper]) -> None:
        """Insert or update, in short transactions; a forgotten paper stays forgotten."""
        for batch in _batches(papers):
            with self.transaction() as connection:
                for paper in batch:
                    _save_paper(connection, paper)
            time.sleep(PAUSE)

    # -- figures and panels ------------------------------------------------------------------------------------

    def figures(self, paper_id: str | None = None) -> list[Figure]:
        """All figures, or one paper's, in reading order."""
        where, values = ("WHERE paper_id = ?", (paper_id,)) if paper_id is not None else ("", ())
        rows = self.connection.execute(f"SELECT * FROM figures {where} ORDER BY paper_id, position, figure_id", values)
        return [figure_of(row) for row in rows]

    def figure(self, figure_id: str) -> Figure | None:
        """One figure, or None."""
        row = self.connection.execute("SELECT * FROM figures WHERE figure_id = ?", (figure_id,)).fetchone()
        return None if row is None else figure_of(row)

    def replace_figures(self, paper_id: str, figures: Sequence[Figure]) -> None:
        """Set a paper's figures; one that stands where an old one stood keeps its id, panels and people's words.

        "Where": equal pixels, else overlap of at least 0.5 on the same page of the same version of the paper. Human
        decisions on figures that are gone go back to the review queue (:meth:`orphans`).
        """
        paper = self.paper(paper_id)
        if paper is None:
            raise CovidctError(f"paper {paper_id} is not in the workspace: save it before its figures")
        if paper.status == PaperStatus.FORGOTTEN:
            return
        before = {figure.file for figure in self.figures(paper_id)}
        cleaned = [self._cleaned(figure) for figure in figures]
        hashes = hashes_of(self.folder, [figure.file for figure in cleaned])
        banned = forgotten_pictures(self.connection, paper_id)
        kept = [(figure, h) for figure, h in zip(cleaned, hashes, strict=True) if not h or h not in banned]
        with self.transaction() as connection:
            replace_figures(connection, paper_id, paper.version, [f for f, _ in kept], [h for _, h in kept])
        after = {figure.file for figure in self.figures(paper_id)}
        self.drop_files((before | {figure.file for figure in figures}) - after)

    def _cleaned(self, figure: Figure) -> Figure:
        """The figure with forgotten panels painted over, should its PDF have come back."""
        places = forgotten_places(self.connection, figure) if figure.file else []
        if not places:
            return figure
        stored = self.store(blanked(self.folder / figure.file, places), ".png")
        return replace(figure, file=stored.file, sha256=stored.sha256)

    def panels(self, figure_id: str | None = None, paper_id: str | None = None) -> list[Panel]:
        """Panels of a figure, of a paper, or all, in reading order, with the values in force."""
        where, values = "", []
        if figure_id is not None:
            where, values = "WHERE p.figure_id = ?", [figure_id]
        elif paper_id is not None:
            where, values = "WHERE f.paper_id = ?", [paper_id]
        rows = self.connection.execute(
            f"SELECT p.* FROM panels p JOIN figures f USING (figure_id) {where}"
            " ORDER BY f.paper_id, f.position, f.figure_id, p.position, p.panel_id",
            values,
        )
        return [panel_of(row) for row in rows]

    def panel(self, panel_id: str) -> Panel | None:
        """One panel, or None."""
        row = self.connection.execute("SELECT * FROM panels WHERE panel_id = ?", (panel_id,)).fetchone()
        return None if row is None else panel_of(row)

    def pixel_hash(self, file: str) -> str:
        """SHA-256 of a stored picture's decoded pixels."""
        return pixel_hash(self.path(file))

    def replace_panels(self, figure_id: str, panels: Sequence[Panel]) -> None:
        """Set a figure's panels; one that overlaps an old one by 0.5 or more keeps its id and people's words.

        Human decisions on panels that are gone go back to the review queue, and return should the panel come back.
        """
        figure = self.figure(figure_id)
        if figure is None:
            raise CovidctError(f"figure {figure_id} is not in the workspace any more: run the step again")
        before = {panel.file for panel in self.panels(figure_id)}
        hashes = hashes_of(self.folder, [panel.file for panel in panels])
        with self.transaction() as connection:
            replace_panels(connection, figure, panels, hashes)
        after = {panel.file for panel in self.panels(figure_id)}
        self.drop_files((before | {panel.file for panel in panels}) - after)

    # -- decisions ---------------------------------------------------------------------------------------------

    def decide(self, decisions: Iterable[Decision], client_key: str | None = None) -> list[int]:
        """Append decisions and return their numbers; fills in time and, where missing, the anchor.

        With ``client_key`` (one decision only) sending twice writes once.
        """
        waiting, numbers = list(decisions), list[int]()
        while len(numbers) < len(waiting):
            with self.transaction() as connection:
                until = time.monotonic() + HOLD
                while len(numbers) < len(waiting) and (time.monotonic() < until or not numbers):
                    numbers.append(journal.append(connection, waiting[len(numbers)], client_key))
            time.sleep(PAUSE if len(numbers) < len(waiting) else 0)
        return numbers

    def decisions(
        self,
        entity: str | None = None,
        entity_id: str | None = None,
        field: str | None = None,
        by: str | None = None,
        after: int = 0,
    ) -> list[Decision]:
        """The journal in its own order, narrowed by what is given; ``by`` is a prefix such as ``curator:``."""
        clauses, values = ["decision_id > ?"], [after]
        for column, wanted in (("entity", entity), ("entity_id", entity_id), ("field", field)):
            if wanted is not None:
                clauses.append(f"{column} = ?")
                values.append(wanted)  # type: ignore[arg-type]
        if by is not None:
            clauses.append("substr(by, 1, ?) = ?")
            values += [len(by), by]  # type: ignore[list-item]
        rows = self.connection.execute(
            f"SELECT * FROM decisions WHERE {' AND '.join(clauses)} ORDER BY decision_id", values
        )
        return [decision_of(row) for row in rows]

    def current(self, entity: str, entity_id: str) -> dict[str, Decision]:
        """The decision in force for each field of one thing."""
        rows = self.connection.execute(
            "SELECT d.* FROM in_force i JOIN decisions d USING (decision_id) WHERE i.entity = ? AND i.entity_id = ?",
            (entity, entity_id),
        )
        return {row["field"]: decision_of(row) for row in rows}

    def current_all(self, entity: str, field: str) -> dict[str, Decision]:
        """The decision in force on one field, for every thing that has one."""
        rows = self.connection.execute(
            "SELECT d.* FROM in_force i JOIN decisions d USING (decision_id) WHERE i.entity = ? AND i.field = ?",
            (entity, field),
        )
        return {row["entity_id"]: decision_of(row) for row in rows}

    def last_day(self) -> str:
        """Day of the newest decision (UTC, YYYY-MM-DD): what a release is dated by where nobody says otherwise."""
        newest: str | None = self.connection.execute("SELECT max(at) FROM decisions").fetchone()[0]
        if newest is None:
            raise UsageError(f"nothing was decided in {self.folder} yet: run 'covidct curate auto -w {self.folder}'")
        return newest[:10]

    def conflicts(self) -> list[tuple[str, str, str, list[Decision]]]:
        """Where curators differ: entity, id, field, history."""
        return journal.conflicts(self.connection)

    def orphans(self) -> list[Decision]:
        """Human decisions whose place is gone: for the review queue."""
        return journal.orphans(self.connection)

    # -- duplicates, steps, notes ------------------------------------------------------------------------------

    def pairs(self) -> list[Pair]:
        """Candidate duplicates, by ids."""
        return [Pair(**dict(row)) for row in self.connection.execute("SELECT * FROM pairs ORDER BY a, b")]

    def save_pairs(self, pairs: Iterable[Pair]) -> None:
        """Set the candidate duplicates; pairs on which somebody decided stay even when no longer found."""
        found = {(pair.a, pair.b): pair for pair in pairs}
        spoken = {tuple(key.split("|", 1)) for key in self.current_all("pair", "duplicate")}
        gone = [(p.a, p.b) for p in self.pairs() if (p.a, p.b) not in found and (p.a, p.b) not in spoken]
        with self.transaction() as connection:
            connection.executemany("DELETE FROM pairs WHERE a = ? AND b = ?", gone)
        for batch in _batches(sorted(found)):
            rows = [(a, b, found[a, b].score, found[a, b].change) for a, b in batch]
            with self.transaction() as connection:
                connection.executemany("INSERT OR REPLACE INTO pairs VALUES (?,?,?,?)", rows)

    def done(self, step: str, key: str) -> bool:
        """Was this piece of work marked as done? Let ``key`` name the item, its input's hash and the step's version."""
        row = self.connection.execute("SELECT 1 FROM steps_done WHERE step = ? AND key = ?", (step, key)).fetchone()
        return row is not None

    def mark(self, step: str, keys: Iterable[str]) -> None:
        """Mark work as done."""
        for batch in _batches(keys):
            with self.transaction() as connection:
                connection.executemany("INSERT OR IGNORE INTO steps_done VALUES (?,?)", [(step, k) for k in batch])

    def record_dropped(self, step: str, version: str, item: str, dropped: Iterable[Dropped]) -> None:
        """Keep what ``step`` left out of ``item`` (an id of a paper, figure or panel); its earlier entries go."""
        rows = [(step, version, item, *dropped_row(n, one)) for n, one in enumerate(dropped)]
        known = self.connection.execute("SELECT 1 FROM dropped WHERE step = ? AND item = ? LIMIT 1", (step, item))
        if not rows and known.fetchone() is None:
            return
        with self.transaction() as connection:
            connection.execute("DELETE FROM dropped WHERE step = ? AND item = ?", (step, item))
            connection.executemany("INSERT INTO dropped VALUES (?,?,?,?,?,?,?,?,?)", rows)

    def dropped(self, step: str | None = None) -> list[Left]:
        """The ledger of what was left out, or one step's part, by step, item and order."""
        where, values = ("WHERE step = ?", (step,)) if step is not None else ("", ())
        rows = self.connection.execute(f"SELECT * FROM dropped {where} ORDER BY step, item, position", values)
        return [
            Left(
                r["step"],
                r["version"],
                r["item"],
                Dropped(r["what"], r["reason"], r["page"], box_of(r["box"]), r["rule"]),
            )
            for r in rows
        ]

    def remember(self, scope: str, key: str, value: Any) -> None:
        """Keep a small JSON value (a cursor, an attempt, a run's record)."""
        with self.transaction() as connection:
            connection.execute("INSERT OR REPLACE INTO notes VALUES (?,?,?)", (scope, key, dump(value)))

    def recall(self, scope: str, key: str) -> Any:
        """A remembered value, or None."""
        row = self.connection.execute("SELECT value FROM notes WHERE scope = ? AND key = ?", (scope, key)).fetchone()
        return None if row is None else json.loads(row[0])

    def recall_all(self, scope: str) -> Mapping[str, Any]:
        """Everything remembered under ``scope``, by key."""
        rows = self.connection.execute("SELECT key, value FROM notes WHERE scope = ? ORDER BY key", (scope,))
        return {row["key"]: json.loads(row["value"]) for row in rows}

    # -- leases, takedown, integrity ---------------------------------------------------------------------------

    def lease(self, name: str) -> AbstractContextManager[None]:
        """Only one process at a time holds the lease ``name``; a killed holder loses it."""
        return disk.lease(self.folder, name)

    def forget(self, name: str, reason: str) -> Tombstone:
        """Purge a paper (id or DOI, its supplements as well) or a panel, and leave a tombstone (see DESIGN).

        The stone says whether all bytes are gone: not while another process reads an older state of the database;
        ``purge``, or forgetting once more, then finishes.
        """
        names = forget.meant(self.connection, name)
        for one in names:
            self._forget_one(one, reason)
        purged = self.purge()
        return replace(next(stone for stone in self.withdrawn() if stone.entity_id == names[0]), purged=purged)

    def _forget_one(self, name: str, reason: str) -> None:
        entity = forget.kind_of(self.connection, name)
        if entity == "forgotten":
            return
        needles = [name, *forget.file_names(self.connection, name)]
        stored = forget.without_panel(self.connection, self.folder, name) if entity == "panel" else None
        cleaned = (stored, self.pixel_hash(stored.file)) if stored else None
        with self.transaction() as connection:
            if entity == "paper":
                files = forget.forget_paper(connection, name, reason)
            else:
                files = forget.forget_panel(connection, name, reason, cleaned)
        self.drop_files(files)
        forget.forget_in_records(self.folder, needles)

    def purge(self) -> bool:
        """Fold the write-ahead log, which still holds what was forgotten, into the database and cut it.

        False while another process reads a state from before; the workspace remembers that it must be done.
        """
        self.connection.execute(f"PRAGMA busy_timeout = {PURGE_SECONDS * 1000}")
        try:
            busy = self.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        finally:
            self.connection.execute(f"PRAGMA busy_timeout = {int(BUSY_SECONDS * 1000)}")
        if busy:
            self.remember("check", "purge", True)
        elif self.recall("check", "purge"):
            self.remember("check", "purge", False)
        return not busy

    def withdrawn(self) -> list[Tombstone]:
        """Everything that was forgotten."""
        return forget.tombstones(self.connection)

    def problems(self) -> list[str]:
        """What is broken: SQLite's own check, dangling rows, stored files that are gone or changed. Empty when well."""
        connection = self.connection
        found = [row[0] for row in connection.execute("PRAGMA integrity_check") if row[0] != "ok"]
        found += [f"{row[0]} row {row[1]} points nowhere" for row in connection.execute("PRAGMA foreign_key_check")]
        named = connection.execute("SELECT file FROM figures UNION SELECT file FROM panels ORDER BY file")
        found += [f"{row[0]} is gone or changed" for row in named if row[0] and not disk.intact(self.folder, row[0])]
        for (digest,) in connection.execute("SELECT DISTINCT sha256 FROM papers WHERE sha256 != ''"):
            path = disk.stored_name(digest, ".pdf")
            if (self.folder / path).exists() and not disk.intact(self.folder, path):
                found.append(f"{path} is changed")
        return found

    def fingerprint(self) -> str:
        """SHA-256 over the decisions in force: the same when nothing that a release depends on has changed."""
        rows = self.connection.execute(
            "SELECT entity, entity_id, field, value, by FROM in_force JOIN decisions USING (decision_id, entity,"
            " entity_id, field) ORDER BY entity, entity_id, field"
        )
        return sha256_bytes(dump([list(row) for row in rows]).encode())


def _batches(items: Iterable[T]) -> Iterator[list[T]]:
    rest = iter(items)
    while batch := list(islice(rest, BATCH)):
        yield batch


def _save_paper(connection: sqlite3.Connection, paper: Paper) -> None:
    values = paper_row(paper)
    columns = ", ".join(values)
    marks = ", ".join("?" * len(values))
    changes = ", ".join(f"{column} = excluded.{column}" for column in values if column != "paper_id")
    connection.execute(
        f"INSERT INTO papers ({columns}) VALUES ({marks}) ON CONFLICT (paper_id) DO UPDATE SET {changes}"
        " WHERE papers.status != 'forgotten'",
        tuple(values.values()),
    )
