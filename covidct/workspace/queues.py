"""What the review page asks of the workspace in one pass: a light row for every panel, and keyed words."""

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from covidct.records import Decision
from covidct.workspace import journal
from covidct.workspace.rows import decision_of
from covidct.workspace.workspace import Workspace

MOST_VARIABLES = 500


@dataclass(frozen=True, slots=True)
class Word:
    """What is in force on one field of one panel, without its evidence."""

    decision_id: int
    human: bool
    conflict: bool
    score: float | None
    at: str
    value: str
    """Of ``mask`` only whether text may identify somebody (``yes``, ``no``, ``not-scanned``); else the JSON value."""


@dataclass(slots=True)
class Row:
    """One panel as the queues see it; ``words`` by field, ``place`` its rank in reading order."""

    panel_id: str
    figure_id: str
    paper_id: str
    source: str
    letter: str
    kind: str
    label: str
    patient_id: str
    score: float
    place: int
    words: dict[str, Word] = field(default_factory=dict)
    figure_words: dict[str, Word] = field(default_factory=dict)


_PANELS = (
    "SELECT p.panel_id, p.figure_id, f.paper_id, a.source, p.panel_label, p.kind, p.label, p.patient_id, p.score"
    " FROM panels p JOIN figures f USING (figure_id) JOIN papers a USING (paper_id)"
)
_ORDER = " ORDER BY f.paper_id, f.position, f.figure_id, p.position, p.panel_id"
_WORDS = (
    "SELECT i.entity_id, i.field, i.decision_id, i.human, i.conflict, d.score, d.at, CASE WHEN i.field = 'mask'"
    " THEN coalesce(json_extract(d.value, '$.identifying'), '') WHEN i.field = 'panels' THEN '' ELSE d.value END"
    " FROM in_force i JOIN decisions d USING (decision_id) WHERE i.entity = ?"
)


def shape(workspace: Workspace) -> tuple[int, ...]:
    """Changes whenever figures or panels come or go."""
    row = workspace.connection.execute(
        "SELECT (SELECT count(*) FROM panels), (SELECT coalesce(max(rowid), 0) FROM panels),"
        " (SELECT count(*) FROM figures), (SELECT coalesce(max(rowid), 0) FROM figures), (SELECT count(*) FROM papers)"
    ).fetchone()
    return tuple(row)


def last_decision(workspace: Workspace) -> int:
    """Number of the newest decision in the journal."""
    return int(workspace.connection.execute("SELECT coalesce(max(decision_id), 0) FROM decisions").fetchone()[0])


def all_rows(workspace: Workspace) -> dict[str, Row]:
    """Every panel, in reading order."""
    rows = _rows(workspace.connection.execute(_PANELS + _ORDER))
    _attach(workspace.connection, rows, None)
    return rows


def some_rows(workspace: Workspace, panel_ids: Sequence[str]) -> dict[str, Row]:
    """The named panels that are there; their ``place`` is not known here (0)."""
    rows: dict[str, Row] = {}
    for start in range(0, len(panel_ids), MOST_VARIABLES):
        part = panel_ids[start : start + MOST_VARIABLES]
        marks = ",".join("?" * len(part))
        rows |= _rows(workspace.connection.execute(f"{_PANELS} WHERE p.panel_id IN ({marks})", part))
    _attach(workspace.connection, rows, list(rows))
    for row in rows.values():
        row.place = 0
    return rows


def _rows(found: Iterable[sqlite3.Row]) -> dict[str, Row]:
    return {values[0]: Row(*(*values, place)) for place, values in enumerate(found)}


def _attach(connection: sqlite3.Connection, rows: dict[str, Row], panel_ids: list[str] | None) -> None:
    for entity_id, name, *rest in _words(connection, "panel", panel_ids):
        row = rows.get(entity_id)
        if row is not None:
            row.words[name] = _word(rest)
    by_figure: dict[str, list[Row]] = {}
    for row in rows.values():
        by_figure.setdefault(row.figure_id, []).append(row)
    for entity_id, name, *rest in _words(connection, "figure", None if panel_ids is None else list(by_figure)):
        for row in by_figure.get(entity_id, ()):
            row.figure_words[name] = _word(rest)


def _words(connection: sqlite3.Connection, entity: str, ids: list[str] | None) -> Iterable[sqlite3.Row]:
    if ids is None:
        yield from connection.execute(_WORDS, (entity,))
        return
    for start in range(0, len(ids), MOST_VARIABLES):
        part = ids[start : start + MOST_VARIABLES]
        yield from connection.execute(f"{_WORDS} AND i.entity_id IN ({','.join('?' * len(part))})", (entity, *part))


def _word(values: Sequence[object]) -> Word:
    decision_id, human, conflict, score, at, value = values
    return Word(
        int(str(decision_id)),
        bool(human),
        bool(conflict),
        None if score is None else float(str(score)),
        str(at),
        str(value).strip('"'),
    )


def touched(workspace: Workspace, after: int) -> list[tuple[int, str, str]]:
    """Number, entity and id of every decision after number ``after``."""
    found = workspace.connection.execute(
        "SELECT decision_id, entity, entity_id FROM decisions WHERE decision_id > ? ORDER BY decision_id", (after,)
    )
    return [(row[0], row[1], row[2]) for row in found]


def say(workspace: Workspace, key: str, decisions: Sequence[Decision]) -> list[int]:
    """Append all of one action or none, once: the same ``key`` again returns the numbers of the first time."""
    with workspace.transaction() as connection:
        return [journal.append(connection, decision, f"{key}:{i}") for i, decision in enumerate(decisions)]


def said(workspace: Workspace, key: str) -> list[Decision]:
    """The decisions that :func:`say` wrote under ``key``."""
    rows = workspace.connection.execute(
        "SELECT * FROM decisions WHERE client_key >= ? AND client_key < ? ORDER BY decision_id", (f"{key}:", f"{key};")
    )
    return [decision_of(row) for row in rows]
