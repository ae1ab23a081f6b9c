"""Step ``headings``: whom a figure prints over its columns, before its rows or on its panels ("Patient 2", "age 45").

What was read is kept as number, age and sex only: a journal is no place for a patient's name.
"""

from collections.abc import Iterator

from covidct.captions.standing import by_headings, headings
from covidct.curate.subcaption import panels_by_figure
from covidct.imaging.ocr import ocr_available, read_figure
from covidct.pictures import open_picture
from covidct.profiles import current
from covidct.records import Decision
from covidct.steps import Item, Outcome
from covidct.workspace import Workspace

FIELD = "headings"
"""Field of a figure's decision: ``[{"panel": id, "age": …, "sex": …, "case": …}]``."""


def items(ws: Workspace) -> Iterator[Item]:
    """Every figure with two panels at least that a release may take; due when its picture or they are new."""
    readable, panels = ocr_available(), panels_by_figure(ws)
    for figure in ws.figures():
        own = panels.get(figure.figure_id, ())
        wanted = [(panel.panel_id, panel.box) for panel in own if panel.kind == current().picture]
        if len(wanted) > 1 and figure.file:
            value = (figure.figure_id, ws.path(figure.file), wanted) if readable else None
            yield Item(figure.figure_id, f"{figure.sha256} {wanted} {readable}", value)


def run(item: Item) -> Outcome:
    """The persons that one figure prints."""
    figure_id, path, wanted = item.value
    boxes = [(int(x0), int(y0), int(x1), int(y1)) for _, (x0, y0, x1, y1) in wanted]
    lines = [(line.text, line.box) for line in read_figure(open_picture(path), boxes)]
    people = by_headings(headings(lines), [box for _, box in wanted])
    read = [(name, person) for (name, _), person in zip(wanted, people, strict=True) if person is not None]
    value = [{"panel": name, "age": p.age, "sex": p.sex, "case": p.case} for name, p in read]
    different = len({(p.age, p.sex, p.case) for _, p in read})
    why = f"the figure prints {different} person{'s' * (different != 1)}" if read else "the figure names no person"
    return Outcome([Decision("figure", figure_id, FIELD, value, "", why)], counts={"panels with a heading": len(read)})
