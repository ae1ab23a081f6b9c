"""A workspace tests itself: files against checksums, the database, modes, orphans; what can be mended is mended.

Nothing is thrown away that may be wanted: an altered file moves to ``damaged/``, and what was made of it is due again.
"""

import json
import sqlite3
import stat
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime

from covidct.records import PaperStatus
from covidct.workspace import disk
from covidct.workspace.forget import unused
from covidct.workspace.schema import JSON_COLUMNS
from covidct.workspace.workspace import Workspace

SCOPE = "check"
YOUNG = 3600.0
"""Seconds: a younger file may belong to a run that has not named it yet."""


@dataclass(frozen=True)
class Finding:
    """One thing that was wrong: ``mended`` says what was done about it, empty where a person must."""

    kind: str
    what: str
    problem: str
    mended: str = ""
    todo: str = ""


def check(workspace: Workspace, mend: bool = True) -> list[Finding]:
    """Everything that is wrong, by kind; the workspace remembers when it was last clean.

    Where the database itself is damaged nothing else is looked at: files that it no longer names may be wanted.
    """
    found = list(_database(workspace)) or [finding for rule in RULES for finding in rule(workspace, mend)]
    now = datetime.now(UTC).isoformat(timespec="seconds")
    open_ones = [finding for finding in found if not finding.mended]
    if not any(finding.kind == "database" for finding in open_ones):
        workspace.remember(SCOPE, "last", {"at": now, "problems": len(open_ones)})
        if not open_ones:
            workspace.remember(SCOPE, "clean", {"at": now})
    return found


def last_clean(workspace: Workspace) -> str:
    """When a check last found nothing that remains, UTC; empty for never."""
    note = workspace.recall(SCOPE, "clean")
    return str(note["at"]) if isinstance(note, dict) and note.get("at") else ""


def as_json(findings: Iterable[Finding]) -> list[dict[str, str]]:
    """For ``--json``."""
    return [asdict(finding) for finding in findings]


def _database(workspace: Workspace) -> Iterator[Finding]:
    todo = "restore covidct.sqlite from a copy"
    try:
        connection = workspace.connection
        for (result,) in connection.execute("PRAGMA integrity_check").fetchall():
            if result != "ok":
                yield Finding("database", "covidct.sqlite", str(result), todo=todo)
        for row in connection.execute("PRAGMA foreign_key_check").fetchall():
            yield Finding("database", f"{row[0]} row {row[1]}", "points nowhere", todo=todo)
        for table, column in JSON_COLUMNS:
            query = f"SELECT rowid FROM {table} WHERE {column} IS NOT NULL AND NOT json_valid({column})"
            for (row,) in connection.execute(query).fetchall():
                yield Finding("database", f"{table} row {row}", f"{column} is no JSON", todo=todo)
    except sqlite3.DatabaseError as error:
        yield Finding("database", "covidct.sqlite", str(error), todo=todo)


def _modes(workspace: Workspace, mend: bool) -> Iterator[Finding]:
    mode = stat.S_IMODE(workspace.folder.stat().st_mode)
    if mode & 0o077:
        if mend:
            workspace.folder.chmod(0o700)
        problem = f"others may read it (mode {mode:04o})"
        yield Finding("mode", str(workspace.folder), problem, "mode 0700" if mend else "", "chmod 700")


def _forgotten(workspace: Workspace, mend: bool) -> Iterator[Finding]:
    """Bytes of something forgotten that another process kept from being purged."""
    if not workspace.recall(SCOPE, "purge"):
        return
    purged = mend and workspace.purge()
    problem = "still holds what was forgotten while another program was reading"
    yield Finding("forgotten", "covidct.sqlite-wal", problem, "purged" if purged else "", "end the other program")


def _files(workspace: Workspace, mend: bool) -> Iterator[Finding]:
    for file, owners in sorted(_named(workspace).items()):
        path = workspace.folder / file
        if not path.is_file():
            problem = "is gone"
        elif not disk.intact(workspace.folder, file):
            problem = "is changed: its bytes are not those of its checksum"
        else:
            continue
        if mend and path.is_file():
            aside = workspace.folder / "damaged" / path.name
            aside.parent.mkdir(mode=0o700, exist_ok=True)
            path.replace(aside)
        done, todo = _due_again(workspace, file, owners) if mend else ("", "covidct check")
        yield Finding("file", file, f"{problem} ({', '.join(sorted(owners))})", done, todo)


def _named(workspace: Workspace) -> dict[str, set[str]]:
    """Every stored file that must be there, and the papers, figures or panels that it belongs to."""
    named: dict[str, set[str]] = {}
    rows = workspace.connection.execute(
        "SELECT file, figure_id AS owner FROM figures WHERE file != '' UNION ALL SELECT file, panel_id FROM panels"
        " WHERE file != ''"
    )
    for row in rows:
        named.setdefault(row["file"], set()).add(row["owner"])
    masks = workspace.connection.execute(
        "SELECT d.entity_id AS owner, d.value AS value FROM in_force JOIN decisions d USING (decision_id)"
        " WHERE instr(d.value, '\"files/') > 0"
    )
    for row in masks:
        value = json.loads(row["value"])
        for file in value.values() if isinstance(value, dict) else []:
            if isinstance(file, str) and file.startswith("files/"):
                named.setdefault(file, set()).add(row["owner"])
    for paper in workspace.papers():
        for digest, suffix in ((paper.sha256, ".pdf"), (paper.jats_sha256, ".xml")):
            file = disk.stored_name(digest, suffix)
            if digest and (workspace.folder / file).exists():  # a PDF may have been let go of: --discard-pdfs
                named.setdefault(file, set()).add(paper.paper_id)
    return named


def _due_again(workspace: Workspace, file: str, owners: set[str]) -> tuple[str, str]:
    """Have what was lost made again, where what it was made of is intact; (what was done, what a person must do)."""
    lines = [_lineage(workspace, owner) for owner in owners]
    papers = {paper for paper, _ in lines if paper}
    with workspace.transaction() as connection:
        for name in {*papers, *owners, *(figure for _, figure in lines if figure)}:
            connection.execute("DELETE FROM steps_done WHERE instr(key, ?) > 0", (name,))
    if not all(_readable_again(workspace, paper) for paper in papers) or not file.endswith(".png"):
        return "", f"harvest {', '.join(sorted(papers))} again with --refresh, or --from its file"
    if workspace.connection.execute("SELECT 1 FROM figures WHERE file = ? LIMIT 1", (file,)).fetchone() is None:
        return "due again: covidct curate auto", ""
    found = [workspace.paper(paper) for paper in papers]
    workspace.save_papers(replace(paper, status=PaperStatus.FETCHED) for paper in found if paper)
    return "due again: the next harvest reads its PDF anew", ""


def _lineage(workspace: Workspace, owner: str) -> tuple[str, str]:
    """Paper and figure to which a paper, figure or panel belongs; empty where there is none."""
    row = workspace.connection.execute(
        "SELECT paper_id, '' FROM papers WHERE paper_id = ?1 UNION SELECT paper_id, figure_id FROM figures"
        " WHERE figure_id = ?1 UNION SELECT f.paper_id, f.figure_id FROM panels p JOIN figures f USING (figure_id)"
        " WHERE p.panel_id = ?1",
        (owner,),
    ).fetchone()
    return (str(row[0]), str(row[1])) if row else ("", "")


def _readable_again(workspace: Workspace, paper_id: str) -> bool:
    paper = workspace.paper(paper_id)
    return (
        paper is not None
        and bool(paper.sha256)
        and disk.intact(workspace.folder, disk.stored_name(paper.sha256, ".pdf"))
    )


def _orphans(workspace: Workspace, mend: bool) -> Iterator[Finding]:
    """Stored files that nothing names, and pieces that a killed run left."""
    old = time.time() - YOUNG
    store = workspace.folder / "files"
    found = [path for path in store.rglob("*") if path.is_file() and path.stat().st_mtime < old]
    names = [path.relative_to(workspace.folder).as_posix() for path in found if not path.name.startswith(".")]
    pieces = [path.relative_to(workspace.folder).as_posix() for path in found if path.name.startswith(".")]
    for file in [*unused(workspace.connection, names), *sorted(pieces)]:
        if mend:
            (workspace.folder / file).unlink(missing_ok=True)
        yield Finding("orphan", file, "nothing names it", "removed" if mend else "", "covidct check")


Rule = Callable[[Workspace, bool], Iterable[Finding]]
RULES: tuple[Rule, ...] = (_modes, _forgotten, _files, _orphans)
