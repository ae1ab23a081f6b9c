"""Step ``split-caption``: each panel's own part of the caption."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from covidct.captions.letters import INFERRED, READ, Lettered, Placed, assigned
from covidct.captions.subcaptions import Split, split_caption
from covidct.records import Decision, Figure, Panel
from covidct.steps import Item, Outcome
from covidct.workspace import Workspace


def items(ws: Workspace) -> Iterator[Item]:
    """Every figure that has panels; due when its caption or its panels' letters are new."""
    panels = panels_by_figure(ws)
    for figure in ws.figures():
        own = panels.get(figure.figure_id)
        if own:
            yield Item(figure.figure_id, f"{figure.caption} {[lettered(panel) for panel in own]}", (figure, own))


def run(item: Item) -> Outcome:
    """The sub-captions of one figure's panels."""
    figure, panels = item.value
    counts: Counter[str] = Counter()
    return Outcome(list(_decisions(figure, panels, counts)), counts=counts)


def panels_by_figure(ws: Workspace) -> Mapping[str, Sequence[Panel]]:
    """All panels in reading order, by figure id."""
    found: dict[str, list[Panel]] = {}
    for panel in ws.panels():
        found.setdefault(panel.figure_id, []).append(panel)
    return found


def lettered(panel: Panel) -> Lettered:
    """The panel's letter and how it was come by; one that nobody called inferred was given by a person or a source."""
    return Lettered(panel.panel_id, panel.panel_label, INFERRED if panel.letter_by == INFERRED else READ)


def texts_of(caption: str, panels: Sequence[Lettered]) -> dict[str, tuple[str, str, Placed]]:
    """Text, how it was found, and printed letter of each panel by its id: by letter, by place, else the whole caption
    counts and the text is empty."""
    split = split_caption(caption)
    by_order = list(split.places) if not split.spans and len(split.places) == len(panels) else []
    placed = assigned(panels, list(split.spans))
    found = {}
    for position, panel in enumerate(panels):
        own = placed[panel.panel_id]
        text, where = _own_text(split, own.letter, by_order[position] if by_order else "")
        found[panel.panel_id] = (text, where, own)
    return found


def _decisions(figure: Figure, panels: Sequence[Panel], counts: Counter[str]) -> Iterator[Decision]:
    style = split_caption(figure.caption).style
    texts = texts_of(figure.caption, [lettered(panel) for panel in panels])
    for panel in panels:
        text, where, placed = texts[panel.panel_id]
        counts[where] += 1
        if text or panel.sub_caption:
            evidence = {"rule": f"split-caption:{style}", "letter": placed.letter, "letter_by": placed.by}
            yield Decision("panel", panel.panel_id, "sub_caption", text, "", where, evidence=evidence)


def _own_text(split: Split, letter: str, place: str) -> tuple[str, str]:
    if letter:
        return split.panels[letter], "by letter"
    if place:
        start, end = split.places[place]
        return split.text[start:end], "by place"
    return "", "whole caption"
