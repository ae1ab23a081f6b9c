"""What steps keep in a workspace: candidate duplicates, what was done, what was left out, small notes."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from covidct.records import Dropped
from covidct.workspace.decided import Decided
from covidct.workspace.opened import batches
from covidct.workspace.rows import box_of, dropped_row, dump


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


class Ledger(Decided):
    """A workspace with the accounts of its steps."""

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
        for batch in batches(sorted(found)):
            rows = [(a, b, found[a, b].score, found[a, b].change) for a, b in batch]
            with self.transaction() as connection:
                connection.executemany("INSERT OR REPLACE INTO pairs VALUES (?,?,?,?)", rows)

    def done(self, step: str, key: str) -> bool:
        """Was this piece of work marked as done? Let ``key`` name the item, its input's hash and the step's version."""
        row = self.connection.execute("SELECT 1 FROM steps_done WHERE step = ? AND key = ?", (step, key)).fetchone()
        return row is not None

    def mark(self, step: str, keys: Iterable[str]) -> None:
        """Mark work as done."""
        for batch in batches(keys):
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

    def dropped(self, step: str | None = None) -> Iterator[Left]:
        """The ledger of what was left out, or one step's part, by step, item and order."""
        where, values = ("WHERE step = ?", (step,)) if step is not None else ("", ())
        for r in self.connection.execute(f"SELECT * FROM dropped {where} ORDER BY step, item, position", values):
            what = Dropped(r["what"], r["reason"], r["page"], box_of(r["box"]), r["rule"])
            yield Left(r["step"], r["version"], r["item"], what)

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
