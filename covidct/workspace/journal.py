"""The journal of decisions: appended, never changed; what is in force follows from it.

In force is the newest human decision that nobody undid, else the newest rule's. Two curators who differ make a
conflict until one of them decides again with ``evidence={"resolves": true}``.
"""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from covidct.errors import CovidctError
from covidct.records import Anchor, Decision
from covidct.workspace.places import as_fractions
from covidct.workspace.rows import box_of, decision_of, dump, dump_anchor, insert

MIRRORED = {"kind": "kind", "label": "label", "patient": "patient_id", "sub_caption": "sub_caption"}
"""Fields of a panel's decisions that its row shows as well."""


BOUND_TO_PIXELS = frozenset({"mask", "kind"})
"""Fields whose rule decisions hold for exactly the pixels they were made on; a human mask does, too."""


@dataclass(frozen=True)
class InForce:
    """What counts for one field of one thing."""

    decision: Decision
    human: bool
    conflict: bool


def is_human(by: str) -> bool:
    """Was it a person who decided?"""
    return by.startswith("curator:")


def settle(history: Sequence[Decision]) -> InForce | None:
    """The decision in force, given all of one field in journal order; None when none is left standing."""
    alive = _alive(history)
    humans = [d for d in alive if is_human(d.by)]
    if not humans:
        return InForce(alive[0], False, False) if alive else None
    return InForce(humans[0], True, _differ(humans))


def _alive(history: Sequence[Decision]) -> list[Decision]:
    """Newest first, without what was undone; an undo that was itself undone does not count."""
    cancelled: set[int] = set()
    alive = []
    for decision in reversed(history):
        if decision.decision_id in cancelled:
            continue
        if decision.undoes is not None:
            cancelled.add(decision.undoes)
        else:
            alive.append(decision)
    return alive


def _differ(humans: Sequence[Decision]) -> bool:
    latest: dict[str, str] = {}
    for decision in humans:
        latest.setdefault(decision.by, dump(decision.value))
        if decision.evidence.get("resolves"):
            break
    return len(set(latest.values())) > 1


def append(connection: sqlite3.Connection, decision: Decision, client_key: str | None = None) -> int:
    """Write one decision inside the caller's transaction and return its number.

    A rule's decision that equals the rule's value in force is not written again; a ``client_key`` seen before
    (a page that sends again after a broken connection) returns the number of the first.
    """
    known = _already_written(connection, decision, client_key)
    if known is not None:
        return known
    if decision.undoes is not None:
        _check_undo(connection, decision)
    anchor = decision.anchor or anchor_for(connection, decision.entity, decision.entity_id)
    texts = {"value": dump(decision.value), "evidence": dump(dict(decision.evidence)), "anchor": dump_anchor(anchor)}
    written = {"at": datetime.now(UTC).isoformat(timespec="milliseconds"), "client_key": client_key}
    values = vars(decision) | texts | written
    del values["decision_id"]
    number = insert(connection, "decisions", values)
    refresh(connection, decision.entity, decision.entity_id, decision.field)
    return number


def _already_written(connection: sqlite3.Connection, decision: Decision, client_key: str | None) -> int | None:
    if client_key is not None:
        row = connection.execute("SELECT decision_id FROM decisions WHERE client_key = ?", (client_key,)).fetchone()
        return None if row is None else int(row[0])
    if is_human(decision.by):
        return None
    row = connection.execute(
        "SELECT decision_id, value, by, score, evidence FROM decisions WHERE entity = ? AND entity_id = ? AND field = ?"
        " AND by NOT LIKE 'curator:%' ORDER BY decision_id DESC LIMIT 1",
        (decision.entity, decision.entity_id, decision.field),
    ).fetchone()
    same = row is not None and (
        (row["value"], row["by"], row["score"], row["evidence"])
        == (dump(decision.value), decision.by, decision.score, dump(dict(decision.evidence)))
    )
    return int(row["decision_id"]) if same else None


def _check_undo(connection: sqlite3.Connection, decision: Decision) -> None:
    row = connection.execute(
        "SELECT entity, entity_id, field FROM decisions WHERE decision_id = ?", (decision.undoes,)
    ).fetchone()
    if row is None or tuple(row) != (decision.entity, decision.entity_id, decision.field):
        raise CovidctError(
            f"decision {decision.undoes} is not one on {decision.entity_id} {decision.field}: undo refused"
        )


def history(connection: sqlite3.Connection, entity: str, entity_id: str, field: str) -> list[Decision]:
    """All decisions on one field of one thing, in journal order."""
    rows = connection.execute(
        "SELECT * FROM decisions WHERE entity = ? AND entity_id = ? AND field = ? ORDER BY decision_id",
        (entity, entity_id, field),
    )
    return [decision_of(row) for row in rows]


def refresh(connection: sqlite3.Connection, entity: str, entity_id: str, field: str) -> None:
    """Work out anew what is in force, and show it in the panel's row."""
    found = settle(_applicable(connection, history(connection, entity, entity_id, field)))
    if found is None:
        connection.execute(
            "DELETE FROM in_force WHERE entity = ? AND entity_id = ? AND field = ?", (entity, entity_id, field)
        )
    else:
        connection.execute(
            "INSERT OR REPLACE INTO in_force VALUES (?,?,?,?,?,?)",
            (entity, entity_id, field, found.decision.decision_id, found.human, found.conflict),
        )
    if entity == "panel" and field in MIRRORED:
        _mirror(connection, entity_id, field, found.decision if found else None)


def _applicable(connection: sqlite3.Connection, decisions: list[Decision]) -> list[Decision]:
    """Without decisions about pixels that the panel no longer shows."""
    if not decisions or decisions[0].entity != "panel" or decisions[0].field not in BOUND_TO_PIXELS:
        return decisions
    row = connection.execute("SELECT pixel_hash FROM panels WHERE panel_id = ?", (decisions[0].entity_id,)).fetchone()
    if row is None:
        return decisions
    return [d for d in decisions if d.anchor is None or d.anchor.pixel_hash == row[0] or _free_of_pixels(d)]


def _free_of_pixels(decision: Decision) -> bool:
    return is_human(decision.by) and decision.field != "mask"


def _mirror(connection: sqlite3.Connection, panel_id: str, field: str, decision: Decision | None) -> None:
    value = "" if decision is None or decision.value is None else str(decision.value)
    connection.execute(f"UPDATE panels SET {MIRRORED[field]} = ? WHERE panel_id = ?", (value, panel_id))
    if field == "label":
        by, why = (decision.by, decision.why) if decision else ("", "")
        connection.execute("UPDATE panels SET label_by = ?, label_evidence = ? WHERE panel_id = ?", (by, why, panel_id))


def refresh_panel(connection: sqlite3.Connection, panel_id: str) -> None:
    """Show every decision in force in a panel's row that was just written."""
    fields = connection.execute(
        "SELECT DISTINCT field FROM decisions WHERE entity = 'panel' AND entity_id = ?", (panel_id,)
    ).fetchall()
    for row in fields:
        refresh(connection, "panel", panel_id, row["field"])


def anchor_for(connection: sqlite3.Connection, entity: str, entity_id: str) -> Anchor | None:
    """What a decision on this thing looks at now; None for pairs and for things that are not there."""
    if entity == "paper":
        row = connection.execute("SELECT paper_id, version, sha256 FROM papers WHERE paper_id = ?", (entity_id,))
        paper = row.fetchone()
        return None if paper is None else Anchor(paper[0], paper[1], None, None, None, paper[2])
    if entity == "figure":
        figure = connection.execute("SELECT * FROM figures WHERE figure_id = ?", (entity_id,)).fetchone()
        return None if figure is None else _figure_anchor(figure)
    if entity == "panel":
        panel = connection.execute(
            "SELECT f.*, p.box AS panel_box, p.pixel_hash AS panel_hash FROM panels p"
            " JOIN figures f USING (figure_id) WHERE panel_id = ?",
            (entity_id,),
        ).fetchone()
        return None if panel is None else _panel_anchor(panel)
    return None


def _figure_anchor(row: sqlite3.Row) -> Anchor:
    return Anchor(row["paper_id"], row["paper_version"], row["page"], box_of(row["box"]), None, row["pixel_hash"])


def _panel_anchor(row: sqlite3.Row) -> Anchor:
    pixels = box_of(row["panel_box"]) or (0.0, 0.0, 0.0, 0.0)
    fractions = as_fractions(pixels, row["width"], row["height"])
    return Anchor(row["paper_id"], row["paper_version"], row["page"], box_of(row["box"]), fractions, row["panel_hash"])


def orphans(connection: sqlite3.Connection) -> list[Decision]:
    """Human decisions whose figure or panel is no longer there: they go back to the review queue."""
    # By the index on who decided: people say little beside rules, and a harvest asks while it holds the write lock.
    people = "d.by >= 'curator:' AND d.by < 'curator;' AND d.undoes IS NULL"
    rows = connection.execute(
        "SELECT d.* FROM decisions d INDEXED BY decisions_by"
        f" JOIN in_force i USING (entity, entity_id, field, decision_id) WHERE {people} AND ("
        " (d.entity = 'panel' AND NOT EXISTS (SELECT 1 FROM panels WHERE panel_id = d.entity_id)) OR"
        " (d.entity = 'figure' AND NOT EXISTS (SELECT 1 FROM figures WHERE figure_id = d.entity_id)))"
        " UNION SELECT d.* FROM decisions d INDEXED BY decisions_by JOIN panels p ON p.panel_id = d.entity_id"
        f" WHERE {people} AND d.entity = 'panel' AND d.field = 'mask'"
        " AND json_extract(d.anchor, '$.pixel_hash') != p.pixel_hash"
        " ORDER BY decision_id"
    )
    return [decision_of(row) for row in rows]


def retired_anchors(connection: sqlite3.Connection, entity: str, paper_id: str) -> dict[str, Anchor]:
    """Ids that carry human decisions of one paper but are no longer there, with what was looked at last."""
    found: dict[str, Anchor] = {}
    for decision in orphans(connection):
        if (
            decision.entity == entity
            and decision.field != "mask"
            and decision.anchor
            and decision.anchor.paper_id == paper_id
        ):
            found[decision.entity_id] = decision.anchor
    return found


def conflicts(connection: sqlite3.Connection) -> list[tuple[str, str, str, list[Decision]]]:
    """Fields on which curators differ: entity, id, field, and the whole history."""
    rows = connection.execute(
        "SELECT entity, entity_id, field FROM in_force WHERE conflict = 1 ORDER BY entity, entity_id, field"
    ).fetchall()
    return [(*_key(row), history(connection, *_key(row))) for row in rows]


def _key(row: sqlite3.Row) -> tuple[str, str, str]:
    return (row["entity"], row["entity_id"], row["field"])


def id_has_words(connection: sqlite3.Connection, entity: str, entity_id: str) -> bool:
    """Was anything human ever decided under this id? Such an id is never given to another picture."""
    row = connection.execute(
        "SELECT 1 FROM decisions WHERE entity = ? AND entity_id = ? AND by LIKE 'curator:%' LIMIT 1",
        (entity, entity_id),
    ).fetchone()
    return row is not None
