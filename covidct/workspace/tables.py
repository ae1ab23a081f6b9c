"""The tables of ``covidct show``: the contract's columns, a stable order, nothing from the clock."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from covidct.profiles import current
from covidct.records import Box, Paper, PaperStatus
from covidct.workspace.accepted import waits
from covidct.workspace.rows import dump
from covidct.workspace.workspace import Workspace

Row = dict[str, str]

COLUMNS: dict[str, tuple[str, ...]] = {
    "papers": (
        *("paper_id", "doi", "version", "versions", "title", "date", "server", "licence", "status", "reason"),
        *("n_figures", "sha256"),
    ),
    "figures": (
        *("paper_id", "source_file", "figure_id", "label", "page", "x0", "y0", "x1", "y1", "caption"),
        *("caption_page", "mentions", "kind", "file", "width", "height", "sha256", "licence"),
    ),
    "panels": (
        *("figure_id", "panel_id", "panel_label", "x0", "y0", "x1", "y1", "sub_caption", "kind", "score"),
        *("label", "label_by", "label_evidence", "patient_id", "file", "width", "height", "sha256"),
    ),
    "images": (
        *("panel_id", "figure_id", "paper_id", "label", "patient_id", "kind", "masked", "file", "width"),
        *("height", "sha256"),
    ),
    "decisions": ("entity", "entity_id", "field", "value", "by", "why", "score", "undone"),
    "dropped": ("step", "version", "item", "what", "rule", "reason", "page", "x0", "y0", "x1", "y1"),
}

MISSING_COLUMNS = ("paper_id", "doi", "version", "title", "status", "reason", "url")
HERE = frozenset({PaperStatus.FETCHED, PaperStatus.EXTRACTED, PaperStatus.FORGOTTEN, PaperStatus.WITHDRAWN})
"""Papers in these states have no document that a person should look for."""


def rows(workspace: Workspace, name: str) -> Iterator[Row]:
    """The rows of one table, all values text; one at a time, for a journal may be longer than memory."""
    return ROWS[name](workspace)


def missing_papers(workspace: Workspace) -> Iterator[Row]:
    """The download list for a person: papers whose document, or whose figures, could not be had, and why."""
    for paper in workspace.each_paper():
        if paper.status not in HERE or _in_doubt(paper):
            yield {column: _text(getattr(paper, column)) for column in MISSING_COLUMNS}


def _in_doubt(paper: Paper) -> bool:
    return paper.status is PaperStatus.EXTRACTED and bool(paper.reason)


def _papers(workspace: Workspace) -> Iterator[Row]:
    count = "SELECT count(*) FROM figures WHERE paper_id = ?"
    for paper in workspace.each_paper():
        read = workspace.current("paper", paper.paper_id).get("licence")
        found = workspace.connection.execute(count, (paper.paper_id,)).fetchone()[0]
        yield _paper(replace(paper, licence=str(read.value)) if read else paper, found)


def _paper(paper: Paper, n_figures: int) -> Row:
    special = {"versions": " ".join(map(str, paper.versions)), "n_figures": str(n_figures)}
    return {c: special[c] if c in special else _text(getattr(paper, c)) for c in COLUMNS["papers"]}


def _figures(workspace: Workspace) -> Iterator[Row]:
    for figure in workspace.each_figure():
        special = _corners(figure.box, digits=2) | {"mentions": dump(list(figure.mentions))}
        yield {c: special[c] if c in special else _text(getattr(figure, c)) for c in COLUMNS["figures"]}


def _panels(workspace: Workspace) -> Iterator[Row]:
    for panel in workspace.each_panel():
        special = _corners(panel.box, digits=0) | {"score": f"{panel.score:.3f}"}
        yield {c: special[c] if c in special else _text(getattr(panel, c)) for c in COLUMNS["panels"]}


def _images(workspace: Workspace) -> Iterator[Row]:
    """Panels that a release would take as things stand: the profile's kind of picture, accepted, not rejected."""
    kind = current().picture
    for panel in workspace.each_panel():
        if panel.kind != kind or panel.label not in ("positive", "negative"):
            continue
        decided = workspace.current("panel", panel.panel_id)
        spoken = decided.get("accept")
        taken = {panel.panel_id} if spoken else set()
        if (spoken and spoken.value is False) or waits(decided.get("label"), taken, decided.get("mask")):
            continue
        figure = workspace.figure(panel.figure_id)
        special = {"paper_id": figure.paper_id if figure else "", "masked": "yes" if "mask" in decided else "no"}
        yield {c: special[c] if c in special else _text(getattr(panel, c)) for c in COLUMNS["images"]}


def _decisions(workspace: Workspace) -> Iterator[Row]:
    read = workspace.connection.execute
    undone = {row[0] for row in read("SELECT undoes FROM decisions WHERE undoes IS NOT NULL")}
    for row in read("SELECT * FROM decisions ORDER BY entity, entity_id, field, decision_id"):
        value = json.loads(row["value"])
        yield {
            **{column: row[column] for column in ("entity", "entity_id", "field")},
            "value": value if isinstance(value, str) else dump(value),
            "by": row["by"],
            "why": row["why"],
            "score": "" if row["score"] is None else f"{row['score']:.3f}",
            "undone": "yes" if row["decision_id"] in undone else "no",
        }


def _dropped(workspace: Workspace) -> Iterator[Row]:
    for left in workspace.dropped():
        one = left.dropped
        about = {"what": one.what, "rule": one.rule, "reason": one.reason, "page": _text(one.page)}
        corners = _corners(one.box, digits=2)
        yield {"step": left.step, "version": left.version, "item": left.item, **about, **corners}


def _corners(box: Box | None, digits: int) -> Row:
    values: Sequence[str] = [""] * 4 if box is None else [f"{v:.{digits}f}" for v in box]
    return dict(zip(("x0", "y0", "x1", "y1"), values, strict=True))


def _text(value: object) -> str:
    return "" if value is None else str(value)


ROWS: dict[str, Callable[[Workspace], Iterator[Row]]] = {
    "papers": _papers,
    "figures": _figures,
    "panels": _panels,
    "images": _images,
    "decisions": _decisions,
    "dropped": _dropped,
}
