"""Counts that tell a curator how far the work is."""

from collections.abc import Mapping

from covidct.profiles import current
from covidct.records import Decision
from covidct.workspace.workspace import Workspace


def status_of(workspace: Workspace) -> dict[str, int]:
    """Papers, figures, panels; what still lacks a value; what people must look at."""
    figures, panels = workspace.figures(), workspace.panels()
    split = {panel.figure_id for panel in panels}
    masks = workspace.current_all("panel", "mask")
    lung = [panel for panel in panels if panel.kind == current().picture]
    human = {d.entity_id for d in workspace.decisions(entity="panel", field="label", by="curator:")}
    decided = workspace.current_all("pair", "duplicate")
    return {
        "papers": len(workspace.papers()),
        "figures": len(figures),
        "figures not split": sum(figure.figure_id not in split for figure in figures if figure.file),
        "panels": len(panels),
        "panels without a kind": sum(not panel.kind for panel in panels),
        "axial lung CT": len(lung),
        "... without a label": sum(not panel.label for panel in lung),
        "... labelled unclear": sum(panel.label == "unclear" for panel in lung),
        "... label seen by a person": sum(panel.panel_id in human for panel in lung),
        "... without a mask": sum(panel.panel_id not in masks for panel in lung),
        "... not scanned for identity": sum(_identity(masks, p.panel_id) == "not-scanned" for p in lung),
        "... with identifying text": sum(_identity(masks, p.panel_id) == "yes" for p in lung),
        "... without a patient": sum(not panel.patient_id for panel in lung),
        "duplicate pairs": len(workspace.pairs()),
        "... seen by a person": sum(d.by.startswith("curator:") for d in decided.values()),
        "conflicts between curators": len(workspace.conflicts()),
        "decisions whose place is gone": len(workspace.orphans()),
    }


def _identity(masks: Mapping[str, Decision], panel_id: str) -> str:
    mask = masks.get(panel_id)
    value = mask.value if mask else None
    return str(value.get("identifying", "not-scanned")) if isinstance(value, dict) else ""
