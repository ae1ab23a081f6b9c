"""The tables of ``covidct show``: the contract's columns, a stable order, nothing from the clock."""

from collections.abc import Callable, Sequence

from covidct.records import Box, Paper, PaperStatus
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


def table(workspace: Workspace, name: str) -> list[Row]:
    """The rows of one table, all values text."""
    return ROWS[name](workspace)


def missing_papers(workspace: Workspace) -> list[Row]:
    """The download list for a person: papers whose document, or whose figures, could not be had, and why."""
    found = [paper for paper in workspace.papers() if paper.status not in HERE or _in_doubt(paper)]
    return [{column: _text(getattr(paper, column)) for column in MISSING_COLUMNS} for paper in found]


def _in_doubt(paper: Paper) -> bool:
    return paper.status is PaperStatus.EXTRACTED and bool(paper.reason)


def _papers(workspace: Workspace) -> list[Row]:
    counts = dict(workspace.connection.execute("SELECT paper_id, count(*) FROM figures GROUP BY paper_id").fetchall())
    return [_paper(paper, counts.get(paper.paper_id, 0)) for paper in workspace.papers()]


def _paper(paper: Paper, n_figures: int) -> Row:
    special = {"versions": " ".join(map(str, paper.versions)), "n_figures": str(n_figures)}
    return {c: special[c] if c in special else _text(getattr(paper, c)) for c in COLUMNS["papers"]}


def _figures(workspace: Workspace) -> list[Row]:
    rows = []
    for figure in workspace.figures():
        special = _corners(figure.box, digits=2) | {"mentions": dump(list(figure.mentions))}
        rows.append({c: special[c] if c in special else _text(getattr(figure, c)) for c in COLUMNS["figures"]})
    return rows


def _panels(workspace: Workspace) -> list[Row]:
    rows = []
    for panel in workspace.panels():
        special = _corners(panel.box, digits=0) | {"score": f"{panel.score:.3f}"}
        rows.append({c: special[c] if c in special else _text(getattr(panel, c)) for c in COLUMNS["panels"]})
    return rows


def _images(workspace: Workspace) -> list[Row]:
    """Panels that a release would take as things stand: axial lung CT with a label, not rejected."""
    paper_of = {figure.figure_id: figure.paper_id for figure in workspace.figures()}
    rejected = {key for key, decision in workspace.current_all("panel", "accept").items() if decision.value is False}
    masked = workspace.current_all("panel", "mask")
    rows = []
    for panel in workspace.panels():
        if panel.kind != "ct_axial_lung" or panel.label not in ("positive", "negative") or panel.panel_id in rejected:
            continue
        special = {"paper_id": paper_of[panel.figure_id], "masked": "yes" if panel.panel_id in masked else "no"}
        rows.append({c: special[c] if c in special else _text(getattr(panel, c)) for c in COLUMNS["images"]})
    return rows


def _decisions(workspace: Workspace) -> list[Row]:
    decisions = workspace.decisions()
    undone = {decision.undoes for decision in decisions if decision.undoes is not None}
    ordered = sorted(decisions, key=lambda d: (d.entity, d.entity_id, d.field, d.decision_id))
    return [
        {
            "entity": d.entity,
            "entity_id": d.entity_id,
            "field": d.field,
            "value": d.value if isinstance(d.value, str) else dump(d.value),
            "by": d.by,
            "why": d.why,
            "score": "" if d.score is None else f"{d.score:.3f}",
            "undone": "yes" if d.decision_id in undone else "no",
        }
        for d in ordered
    ]


def _dropped(workspace: Workspace) -> list[Row]:
    rows = []
    for left in workspace.dropped():
        one = left.dropped
        about = {"what": one.what, "rule": one.rule, "reason": one.reason, "page": _text(one.page)}
        corners = _corners(one.box, digits=2)
        rows.append({"step": left.step, "version": left.version, "item": left.item, **about, **corners})
    return rows


def _corners(box: Box | None, digits: int) -> Row:
    values: Sequence[str] = [""] * 4 if box is None else [f"{v:.{digits}f}" for v in box]
    return dict(zip(("x0", "y0", "x1", "y1"), values, strict=True))


def _text(value: object) -> str:
    return "" if value is None else str(value)


ROWS: dict[str, Callable[[Workspace], list[Row]]] = {
    "papers": _papers,
    "figures": _figures,
    "panels": _panels,
    "images": _images,
    "decisions": _decisions,
    "dropped": _dropped,
}
