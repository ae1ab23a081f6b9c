"""Step ``triage``: what kind of picture each panel and each figure is."""

from collections.abc import Iterator
from pathlib import Path

from covidct.imaging.triage import Triage, triage
from covidct.pictures import open_picture
from covidct.records import Decision
from covidct.steps import Item, Outcome
from covidct.workspace import Workspace

Value = tuple[str, str, Path]
"""Entity (``figure`` or ``panel``), its id, its picture."""


def items(workspace: Workspace) -> Iterator[Item]:
    """Every figure and panel that has a picture; due when its pixels are new."""
    for figure in workspace.figures():
        if figure.file:
            yield Item(figure.figure_id, figure.sha256, ("figure", figure.figure_id, workspace.path(figure.file)))
    for panel in workspace.panels():
        if panel.file:
            yield Item(panel.panel_id, panel.sha256, ("panel", panel.panel_id, workspace.path(panel.file)))


def run(item: Item) -> Outcome:
    """Decide on the kind of one picture."""
    entity, entity_id, path = item.value
    verdict = triage(open_picture(path))
    counts = {verdict.kind: 1} if entity == "panel" else {}
    return Outcome([_decision(entity, entity_id, verdict)], counts=counts)


def _decision(entity: str, entity_id: str, verdict: Triage) -> Decision:
    why = verdict.rule or f"looks like {verdict.kind} ({verdict.score:.2f})"
    evidence = {"is_compound": verdict.is_compound, "rule": verdict.rule}
    return Decision(entity, entity_id, "kind", verdict.kind, "", why, verdict.score, evidence)
