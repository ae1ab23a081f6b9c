"""The workspace as the rest of covidct sees it: papers, figures, panels, decisions, files.

Only the driver opens SQLite; workers return values. Every write is one short ``BEGIN IMMEDIATE`` transaction, so a
curator's decision lands while a harvest writes. One connection a thread. What it can do stands in layers, each in its
module: files and connections (opened.py), decisions (decided.py), accounts of steps (ledger.py), and here the records.
"""

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from covidct.errors import CovidctError
from covidct.records import Figure, Panel, Paper, PaperStatus
from covidct.workspace import forget
from covidct.workspace.forget import Tombstone
from covidct.workspace.ledger import Ledger, Pair
from covidct.workspace.opened import PAUSE, batches
from covidct.workspace.pixels import blanked, pixel_hash
from covidct.workspace.replace import (
    forgotten_pictures,
    forgotten_places,
    hashes_of,
    replace_figures,
    replace_panels,
)
from covidct.workspace.rows import figure_of, panel_of, paper_of, paper_row, upsert
from covidct.workspace.schema import BUSY_SECONDS

__all__ = ["Pair", "Workspace"]

PURGE_SECONDS = 5
"""How long a takedown waits for other processes to let go of an older state of the database."""


class Workspace(Ledger):
    """One folder with one SQLite file and the files it speaks of; a context manager, usable from several threads."""

    def each_paper(self) -> Iterator[Paper]:
        """All papers, by id, one at a time."""
        return map(paper_of, self.connection.execute("SELECT * FROM papers ORDER BY paper_id"))

    def papers(self) -> list[Paper]:
        """All papers, by id."""
        return list(self.each_paper())

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
        for batch in batches(papers):
            with self.transaction() as connection:
                for paper in batch:
                    upsert(connection, "papers", "paper_id", paper_row(paper), "WHERE papers.status != 'forgotten'")
            time.sleep(PAUSE)

    def each_figure(self, paper_id: str | None = None) -> Iterator[Figure]:
        """All figures, or one paper's, in reading order, one at a time."""
        where, values = ("WHERE paper_id = ?", (paper_id,)) if paper_id is not None else ("", ())
        order = "ORDER BY paper_id, position, figure_id"
        return map(figure_of, self.connection.execute(f"SELECT * FROM figures {where} {order}", values))

    def figures(self, paper_id: str | None = None) -> list[Figure]:
        """All figures, or one paper's, in reading order."""
        return list(self.each_figure(paper_id))

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

    def each_panel(self, figure_id: str | None = None, paper_id: str | None = None) -> Iterator[Panel]:
        """Panels of a figure, of a paper, or all, in reading order, with the values in force, one at a time."""
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
        return map(panel_of, rows)

    def panels(self, figure_id: str | None = None, paper_id: str | None = None) -> list[Panel]:
        """What :meth:`each_panel` gives, as a list."""
        return list(self.each_panel(figure_id, paper_id))

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

    def drop_files(self, files: Iterable[str]) -> None:
        """Delete stored files that nothing refers to any more."""
        for file in forget.unused(self.connection, files):
            self.path(file).unlink(missing_ok=True)

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
