"""The decisions of a workspace: the journal that is appended to, and what is in force."""

import time
from collections.abc import Iterable

from covidct.errors import UsageError
from covidct.files import sha256_bytes
from covidct.records import Decision
from covidct.workspace import journal
from covidct.workspace.opened import PAUSE, Opened
from covidct.workspace.rows import decision_of, dump

HOLD = 0.02
"""Seconds after which a long list of decisions lets go of the write lock, on a slow machine as on a fast one."""


class Decided(Opened):
    """A workspace with its journal."""

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

    def fingerprint(self) -> str:
        """SHA-256 over the decisions in force: the same when nothing that a release depends on has changed."""
        rows = self.connection.execute(
            "SELECT entity, entity_id, field, value, by FROM in_force JOIN decisions USING (decision_id, entity,"
            " entity_id, field) ORDER BY entity, entity_id, field"
        )
        return sha256_bytes(dump([list(row) for row in rows]).encode())
