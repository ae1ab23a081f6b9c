"""A step of one's own: notes for each panel how bright it is. In pyproject.toml of the package that has it:

[project.entry-points."covidct.steps"]
brightness = "my_step:STEP"
"""

from collections.abc import Iterable

from covidct.pictures import open_picture
from covidct.records import Decision
from covidct.steps import Item, Outcome, Step
from covidct.workspace import Workspace


def items(workspace: Workspace) -> Iterable[Item]:
    """Every panel with a picture; due again when the picture is another."""
    for panel in workspace.panels():
        if panel.file:
            yield Item(panel.panel_id, panel.sha256, (panel.panel_id, workspace.path(panel.file)))


def run(item: Item) -> Outcome:
    """The mean grey value of one panel, 0 to 255."""
    panel_id, path = item.value
    value = round(float(open_picture(path).mean()), 1)
    return Outcome([Decision("panel", panel_id, "brightness", value, "", "mean grey value")], counts={"measured": 1})


STEP = Step("brightness", ("my_step",), items, run, help="Mean grey value of every panel.")
