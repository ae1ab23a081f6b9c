"""What the review page asks of the workspace in one pass: a light row for every panel, and keyed words."""

import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from covidct.records import Decision
from covidct.workspace import journal
from covidct.workspace.rows import decision_of
from covidct.workspace.schema import DATABASE
from covidct.workspace.workspace import Workspace

MOST_VARIABLES = 500


class Word(NamedTuple):
    """What is in force on one field of one panel, without its evidence."""

    human: bool
    conflict: bool
    score: float | None
    at: str
    value: str
    """Of ``mask`` only whether text may identify somebody (``yes``, ``no``, ``not-scanned``); else the JSON value."""
    gain: float = 0.0
    """Of a label by rule that waits for a person: what a decision would win (covidct/curate/judge.py)."""


@dataclass(slots=True)
class Row:
    """One panel as the queues see it; ``words`` and ``figure_words`` by field, ``place`` its rank in reading order."""

    panel_id: str
    figure_id: str
    paper_id: str
    source: str
    letter: str
    kind: str
    label: str
    patient_id: str
    score: float
    place: int = 0
    words: dict[str, Word] = field(default_factory=dict)
    figure_words: dict[str, Word] = field(default_factory=dict)
    human: frozenset[str] = frozenset()
    """Fields on which a person has spoken; ``panels`` is the figure's."""
    conflict: bool = False
    """Do two curators differ on this panel or on its figure's boxes?"""


_PANELS = (
    "SELECT p.panel_id, p.figure_id, f.paper_id, a.source, p.panel_label, p.kind, p.label, p.patient_id, p.score"
    " FROM panels p JOIN figures f USING (figure_id) JOIN papers a USING (paper_id)"
)
_ORDER = " ORDER BY f.paper_id, f.position, f.figure_id, p.position, p.panel_id"
_WORDS = (
    "SELECT i.entity_id, i.field, i.human, i.conflict, d.score, d.at, CASE i.field WHEN 'mask'"
    " THEN coalesce(json_extract(d.value, '$.identifying'), '') WHEN 'panels' THEN '' ELSE d.value END,"
    " CASE i.field WHEN 'label' THEN coalesce(json_extract(d.evidence, '$.gain'), 0) ELSE 0 END"
    " FROM in_force i JOIN decisions d USING (decision_id) WHERE i.entity = ?"
)


def shape(workspace: Workspace) -> tuple[int, int]:
    """How many panels there are, and the number of the newest: changes when panels come or go."""
    row = workspace.connection.execute("SELECT count(*), coalesce(max(rowid), 0) FROM panels").fetchone()
    return int(row[0]), int(row[1])


def last_decision(workspace: Workspace) -> int:
    """Number of the newest decision in the journal."""
    return int(workspace.connection.execute("SELECT coalesce(max(decision_id), 0) FROM decisions").fetchone()[0])


def all_rows(workspace: Workspace) -> dict[str, Row]:
    """Every panel, in reading order."""
    rows = _rows(workspace.connection.execute(_PANELS + _ORDER))
    _attach(workspace.connection, rows, None)
    return rows


def new_rows(workspace: Workspace, after: int) -> dict[str, Row]:
    """The panels that came after panel number ``after`` (see :func:`shape`), in reading order."""
    rows = _rows(workspace.connection.execute(f"{_PANELS} WHERE p.rowid > ?{_ORDER}", (after,)))
    _attach(workspace.connection, rows, list(rows))
    return rows


def some_rows(workspace: Workspace, panel_ids: Sequence[str]) -> dict[str, Row]:
    """The named panels that are there; their ``place`` means nothing."""
    rows: dict[str, Row] = {}
    for part in _parts(panel_ids):
        marks = ",".join("?" * len(part))
        rows |= _rows(workspace.connection.execute(f"{_PANELS} WHERE p.panel_id IN ({marks})", part))
    _attach(workspace.connection, rows, list(rows))
    return rows


def _parts(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    return (ids[start : start + MOST_VARIABLES] for start in range(0, len(ids), MOST_VARIABLES))


def _rows(found: Iterable[sqlite3.Row]) -> dict[str, Row]:
    return {values[0]: Row(*(*values, place)) for place, values in enumerate(found)}


def _attach(connection: sqlite3.Connection, rows: dict[str, Row], panel_ids: list[str] | None) -> None:
    for entity_id, name, *rest in _words(connection, "panel", panel_ids):
        row = rows.get(entity_id)
        if row is not None:
            row.words[name] = Word._make(rest)
    by_figure: dict[str, list[Row]] = {}
    for row in rows.values():
        by_figure.setdefault(row.figure_id, []).append(row)
    for entity_id, name, *rest in _words(connection, "figure", None if panel_ids is None else list(by_figure)):
        for row in by_figure.get(entity_id, ()):
            row.figure_words[name] = Word._make(rest)
    for row in rows.values():
        both = {**row.figure_words, **row.words}
        row.human = frozenset(name for name, word in both.items() if word.human)
        row.conflict = bool(row.human) and any(word.conflict for word in both.values())


def _words(connection: sqlite3.Connection, entity: str, ids: list[str] | None) -> Iterable[sqlite3.Row]:
    if ids is None:
        yield from connection.execute(_WORDS, (entity,))
        return
    for part in _parts(ids):
        yield from connection.execute(f"{_WORDS} AND i.entity_id IN ({','.join('?' * len(part))})", (entity, *part))


def fields_in_conflict(workspace: Workspace, entity: str, entity_id: str) -> list[str]:
    """The fields of one thing on which curators differ."""
    rows = workspace.connection.execute(
        "SELECT field FROM in_force WHERE entity = ? AND entity_id = ? AND conflict = 1 ORDER BY field",
        (entity, entity_id),
    )
    return [row[0] for row in rows]


def things_in_conflict(workspace: Workspace, entity: str) -> dict[str, list[str]]:
    """Fields on which curators differ, for every thing of a kind that has some."""
    found: dict[str, list[str]] = {}
    for row in workspace.connection.execute(
        "SELECT entity_id, field FROM in_force WHERE entity = ? AND conflict = 1 ORDER BY entity_id, field", (entity,)
    ):
        found.setdefault(row[0], []).append(row[1])
    return found


def titles(workspace: Workspace, most: int) -> list[tuple[str, str]]:
    """Ids and titles of the papers that have figures, at most ``most`` of them."""
    rows = workspace.connection.execute(
        "SELECT paper_id, title FROM papers WHERE paper_id IN (SELECT paper_id FROM figures) ORDER BY paper_id LIMIT ?",
        (most,),
    )
    return [(row[0], row[1]) for row in rows]


def judged_by(workspace: Workspace, by: str, fields: Iterable[str]) -> set[str]:
    """Panels on which ``by`` has a word on one of ``fields`` that was not taken back."""
    names = sorted(fields)
    rows = workspace.connection.execute(
        f"SELECT DISTINCT entity_id FROM decisions d WHERE entity = 'panel' AND by = ? AND undoes IS NULL"
        f" AND field IN ({','.join('?' * len(names))})"
        " AND NOT EXISTS (SELECT 1 FROM decisions u WHERE u.undoes = d.decision_id)",
        (by, *names),
    )
    return {row[0] for row in rows}


def touched(workspace: Workspace, after: int) -> list[tuple[int, str, str]]:
    """Number, entity and id of every decision after number ``after``."""
    found = workspace.connection.execute(
        "SELECT decision_id, entity, entity_id FROM decisions WHERE decision_id > ? ORDER BY decision_id", (after,)
    )
    return [(row[0], row[1], row[2]) for row in found]


def record(workspace: Workspace, key: str, decisions: Sequence[Decision]) -> list[int]:
    """Append all of one action or none, once: the same ``key`` again returns the numbers of the first time."""
    with workspace.transaction(eager=True) as connection:
        return [journal.append(connection, decision, f"{key}:{i}") for i, decision in enumerate(decisions)]


def flush(workspace: Workspace) -> None:
    """Have the disk take what was committed so far; nobody waits for a lock meanwhile."""
    log = workspace.folder / f"{DATABASE}-wal"
    if log.exists():
        with log.open("rb") as handle:
            os.fsync(handle.fileno())


def recorded(workspace: Workspace, key: str) -> list[Decision]:
    """The decisions that :func:`record` wrote under ``key``."""
    rows = workspace.connection.execute(
        "SELECT * FROM decisions WHERE client_key >= ? AND client_key < ? ORDER BY decision_id", (f"{key}:", f"{key};")
    )
    return [decision_of(row) for row in rows]
