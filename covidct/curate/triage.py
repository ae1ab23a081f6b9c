"""Step ``triage``: what kind of picture each panel is, once, after the figures were cut."""

from collections.abc import Iterator

from covidct.imaging.triage import Triage, triage
from covidct.pictures import open_picture
from covidct.records import Decision
from covidct.steps import Item, Outcome
from covidct.workspace import Workspace


def items(workspace: Workspace) -> Iterator[Item]:
    """Every panel that has a picture; due when its pixels are new."""
    for panel in workspace.panels():
        if panel.file:
            yield Item(panel.panel_id, panel.sha256, workspace.path(panel.file))


def run(item: Item) -> Outcome:
    """Decide on the kind of one panel."""
    verdict = triage(open_picture(item.value))
    return Outcome([_decision(item.name, verdict)], counts={verdict.kind: 1})


def _decision(panel_id: str, verdict: Triage) -> Decision:
    likely = f"looks like {verdict.kind} ({verdict.score:.2f})"
    why = f"{likely}; {verdict.rule}" if verdict.rule else likely
    evidence = {"is_compound": verdict.is_compound, "rule": verdict.rule}
    return Decision("panel", panel_id, "kind", verdict.kind, "", why, verdict.score, evidence)
