"""Takedown: bytes and text are purged, a tombstone stays, later releases list the withdrawal."""

import json
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from covidct.errors import UsageError
from covidct.files import write_text
from covidct.records import Anchor, PaperStatus
from covidct.workspace import journal
from covidct.workspace.disk import Stored, store_bytes
from covidct.workspace.pixels import blanked
from covidct.workspace.places import as_fractions
from covidct.workspace.rows import decision_of, dump_anchor, figure_of, panel_of

Connection = sqlite3.Connection


@dataclass(frozen=True)
class Tombstone:
    """What was removed: enough to keep it out and to list it, nothing of its content."""

    entity: str
    entity_id: str
    paper_id: str
    doi: str
    reason: str
    at: str
    purged: bool = True
    """Whether its bytes are gone from the disk; known where it was just forgotten."""


def tombstones(connection: Connection) -> list[Tombstone]:
    """All withdrawals, by entity and id."""
    rows = connection.execute(
        "SELECT entity, entity_id, paper_id, doi, reason, at FROM tombstones ORDER BY entity, entity_id"
    )
    return [Tombstone(**dict(row)) for row in rows]


def forget_paper(connection: Connection, paper_id: str, reason: str) -> set[str]:
    """Purge a paper inside the caller's transaction; returns the stored files that may now be unused."""
    paper = connection.execute("SELECT * FROM papers WHERE paper_id = ?", (paper_id,)).fetchone()
    figures = connection.execute("SELECT figure_id, file FROM figures WHERE paper_id = ?", (paper_id,)).fetchall()
    files = {row["file"] for row in figures} | _stored_files(paper)
    for row in figures:
        files |= _purge_figure(connection, row["figure_id"])
    for gone in journal.retired_anchors(connection, "panel", paper_id):
        files |= _purge_words(connection, "panel", gone)
    for gone in journal.retired_anchors(connection, "figure", paper_id):
        files |= _purge_words(connection, "figure", gone)
    files |= _purge_words(connection, "paper", paper_id)
    connection.execute("DELETE FROM figures WHERE paper_id = ?", (paper_id,))
    connection.execute(
        "UPDATE papers SET title = '', abstract = '', url = '', jats_url = '', source_file = '', sha256 = '',"
        " jats_sha256 = '', status = ?, reason = ? WHERE paper_id = ?",
        (str(PaperStatus.FORGOTTEN), reason, paper_id),
    )
    connection.execute("DELETE FROM notes WHERE instr(key, ?) > 0", (paper_id,))
    connection.execute("DELETE FROM dropped WHERE instr(item, ?) > 0", (paper_id,))
    _bury(connection, "paper", paper_id, paper, reason, None)
    return files


def _stored_files(paper: sqlite3.Row) -> set[str]:
    digests = [(paper["sha256"], ".pdf"), (paper["jats_sha256"], ".xml")]
    return {f"files/{digest[:2]}/{digest}{suffix}" for digest, suffix in digests if digest}


def _purge_figure(connection: Connection, figure_id: str) -> set[str]:
    files = _purge_words(connection, "figure", figure_id)
    for row in connection.execute("SELECT panel_id, file FROM panels WHERE figure_id = ?", (figure_id,)).fetchall():
        files |= {row["file"]} | _purge_words(connection, "panel", row["panel_id"])
        _purge_pairs(connection, row["panel_id"])
    return files


def _purge_pairs(connection: Connection, panel_id: str) -> None:
    for row in connection.execute("SELECT a, b FROM pairs WHERE a = ? OR b = ?", (panel_id, panel_id)).fetchall():
        _purge_words(connection, "pair", f"{row['a']}|{row['b']}")
    connection.execute("DELETE FROM pairs WHERE a = ? OR b = ?", (panel_id, panel_id))


def _purge_words(connection: Connection, entity: str, entity_id: str) -> set[str]:
    """Empty every decision on one thing, and take it out of force; returns the stored files its values named."""
    rows = journal_values(connection, entity, entity_id)
    connection.execute(
        "UPDATE decisions SET value = 'null', why = '', evidence = '{}', anchor = NULL, score = NULL"
        " WHERE entity = ? AND entity_id = ?",
        (entity, entity_id),
    )
    connection.execute("DELETE FROM in_force WHERE entity = ? AND entity_id = ?", (entity, entity_id))
    return {file for value in rows for file in _files_named(value)}


def journal_values(connection: Connection, entity: str, entity_id: str) -> list[object]:
    """Every value ever decided on one thing."""
    rows = connection.execute("SELECT * FROM decisions WHERE entity = ? AND entity_id = ?", (entity, entity_id))
    return [decision_of(row).value for row in rows.fetchall()]


def _files_named(value: object) -> Iterable[str]:
    if not isinstance(value, dict):
        return []
    return [item for item in value.values() if isinstance(item, str) and item.startswith("files/")]


def without_panel(connection: Connection, folder: Path, panel_id: str) -> Stored | None:
    """The figure's picture with this panel painted over, stored; None where the figure has no place on a page.

    Slow (decodes a picture), so it runs before the write transaction.
    """
    panel = panel_of(connection.execute("SELECT * FROM panels WHERE panel_id = ?", (panel_id,)).fetchone())
    figure = figure_of(connection.execute("SELECT * FROM figures WHERE figure_id = ?", (panel.figure_id,)).fetchone())
    if figure.box is None:
        return None
    place = as_fractions(panel.box, figure.width, figure.height)
    return store_bytes(folder, blanked(folder / figure.file, [place]), ".png")


def forget_panel(connection: Connection, panel_id: str, reason: str, cleaned: tuple[Stored, str] | None) -> set[str]:
    """Purge a panel: its crop, its place in the figure's picture, and the PDF that shows it still.

    ``cleaned`` is the figure's picture without the panel and its pixel hash; None removes the figure as a whole.
    """
    panel = panel_of(connection.execute("SELECT * FROM panels WHERE panel_id = ?", (panel_id,)).fetchone())
    figure = connection.execute("SELECT * FROM figures WHERE figure_id = ?", (panel.figure_id,)).fetchone()
    paper = connection.execute("SELECT * FROM papers WHERE paper_id = ?", (figure["paper_id"],)).fetchone()
    anchor = journal.anchor_for(connection, "panel", panel_id)
    files = {panel.file, figure["file"]} | _stored_files(paper) | _purge_words(connection, "panel", panel_id)
    _purge_pairs(connection, panel_id)
    connection.execute("DELETE FROM panels WHERE panel_id = ?", (panel_id,))
    if cleaned is None:
        whole = journal.anchor_for(connection, "figure", panel.figure_id)
        _bury(connection, "figure", panel.figure_id, paper, reason, whole)
        files |= _purge_figure(connection, panel.figure_id)
        connection.execute("DELETE FROM figures WHERE figure_id = ?", (panel.figure_id,))
    else:
        connection.execute(
            "UPDATE figures SET file = ?, sha256 = ?, pixel_hash = ? WHERE figure_id = ?",
            (cleaned[0].file, cleaned[0].sha256, cleaned[1], panel.figure_id),
        )
    connection.execute("UPDATE papers SET sha256 = '', jats_sha256 = '' WHERE paper_id = ?", (paper["paper_id"],))
    _bury(connection, "panel", panel_id, paper, reason, anchor)
    return files


def _bury(
    connection: Connection, entity: str, entity_id: str, paper: sqlite3.Row, reason: str, anchor: Anchor | None
) -> None:
    connection.execute(
        "INSERT OR REPLACE INTO tombstones VALUES (?,?,?,?,?,?,?)",
        (
            entity,
            entity_id,
            paper["paper_id"],
            paper["doi"],
            reason,
            dump_anchor(anchor),
            datetime.now(UTC).isoformat(timespec="seconds"),
        ),
    )


def meant(connection: Connection, name: str) -> list[str]:
    """The ids that ``name`` stands for: a DOI's paper with its supplements, a paper's id, a panel's id."""
    rows = connection.execute(
        "SELECT paper_id FROM papers WHERE doi != '' AND (lower(doi) = lower(?1) OR lower(doi) ="
        " (SELECT lower(doi) FROM papers WHERE paper_id = ?1 AND doi != '' AND source != 'supplement'))"
        " ORDER BY paper_id",
        (name,),
    )
    return [row["paper_id"] for row in rows] or [name]


def kind_of(connection: Connection, name: str) -> str:
    """Is ``name`` a ``paper``, a ``panel``, or ``forgotten`` already? Raises when it is nothing here."""
    if connection.execute("SELECT 1 FROM tombstones WHERE entity_id = ?", (name,)).fetchone():
        return "forgotten"
    for entity in ("paper", "panel"):
        if connection.execute(f"SELECT 1 FROM {entity}s WHERE {entity}_id = ?", (name,)).fetchone():
            return entity
    raise UsageError(f"{name} is neither a paper nor a panel here: see 'covidct show papers' or 'show panels'")


def file_names(connection: Connection, paper_id: str) -> list[str]:
    """Names of the files that a paper came in."""
    rows = connection.execute(
        "SELECT source_file FROM papers WHERE paper_id = ?1 UNION SELECT source_file FROM figures WHERE paper_id = ?1",
        (paper_id,),
    )
    return [row[0] for row in rows if row[0]]


def unused(connection: Connection, files: Iterable[str]) -> list[str]:
    """Which of these stored files nothing refers to any more."""
    return sorted(file for file in files if file and not _is_used(connection, file))


def _is_used(connection: Connection, file: str) -> bool:
    digest = Path(file).name.split(".")[0]
    queries = (
        ("SELECT 1 FROM figures WHERE file = ? LIMIT 1", file),
        ("SELECT 1 FROM panels WHERE file = ? LIMIT 1", file),
        ("SELECT 1 FROM papers WHERE ? IN (sha256, jats_sha256) LIMIT 1", digest),
        ("SELECT 1 FROM decisions WHERE instr(value, ?) > 0 LIMIT 1", digest),
        ("SELECT 1 FROM notes WHERE instr(value, ?) > 0 LIMIT 1", digest),
    )
    return any(connection.execute(query, (value,)).fetchone() for query, value in queries)


def forget_in_records(folder: Path, names: Iterable[str]) -> None:
    """Take out of ``runs/*.json`` every entry that names one of ``names``: files, papers, panels."""
    needles = [name for name in names if len(name) > 3]
    for path in sorted((folder / "runs").glob("*.json")):
        try:
            value = json.loads(path.read_text(encoding="utf-8"))
        except (ValueError, OSError):
            path.unlink(missing_ok=True)  # nobody can tell what it holds
            continue
        kept = _without(value, needles)
        if kept != value:
            write_text(path, json.dumps(kept, ensure_ascii=False, indent=1) + "\n")


def _without(value: object, needles: list[str]) -> object:
    if isinstance(value, list):
        return [_without(item, needles) for item in value if not _names_one(item, needles)]
    if isinstance(value, dict):
        return {key: _without(item, needles) for key, item in value.items()}
    return "" if isinstance(value, str) and _names_one(value, needles) else value


def _names_one(item: object, needles: list[str]) -> bool:
    """Whether an entry, other than one that only holds further entries, speaks of one of ``needles``."""
    if isinstance(item, dict):
        return any(_names_one(value, needles) for value in item.values() if isinstance(value, str))
    return isinstance(item, str) and any(needle in item for needle in needles)
