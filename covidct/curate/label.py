"""Labels and sub-captions of panels in the workspace, from captions, mentions, title and abstract.

Sub-captions first, as decisions of their own; then the label, with its rule, score and the span it rests on.
A curator's decision stays in force whatever the rules say.
"""

from collections import Counter
from collections.abc import Iterator, Sequence

from covidct.captions.context import label_figure
from covidct.captions.labels import NOTHING, UNCLEAR, Labels, Verdict
from covidct.captions.subcaptions import Split, split_caption
from covidct.files import sha256_bytes
from covidct.records import Decision, Figure, Panel, Paper
from covidct.steps import Item, Outcome
from covidct.workspace import Workspace

Value = tuple[Figure, Sequence[Panel], Paper]


def items(ws: Workspace) -> Iterator[Item]:
    """Every figure that has panels; due when its words, its paper's words or its panels' letters are new."""
    papers = {paper.paper_id: paper for paper in ws.papers()}
    panels: dict[str, list[Panel]] = {}
    for panel in ws.panels():
        panels.setdefault(panel.figure_id, []).append(panel)
    for figure in ws.figures():
        own = panels.get(figure.figure_id)
        if own and figure.paper_id in papers:
            paper = papers[figure.paper_id]
            yield Item(figure.figure_id, _inputs(figure, own, paper), (figure, own, paper))


def _inputs(figure: Figure, panels: Sequence[Panel], paper: Paper) -> str:
    parts = [figure.caption, *figure.mentions, paper.title, paper.abstract, paper.date]
    parts += [f"{panel.panel_id}={panel.panel_label}" for panel in panels]
    return chr(31).join(parts)


def split_captions(item: Item) -> Outcome:
    """Step ``split-caption``: each panel's own part of the caption."""
    figure, panels, _ = item.value
    counts: Counter[str] = Counter()
    return Outcome(list(_sub_captions(figure, panels, counts)), counts=counts)


def run(item: Item) -> Outcome:
    """Step ``label``: what the words say of each panel of one figure."""
    figure, panels, paper = item.value
    labels = label_figure(figure.caption, figure.mentions, paper.title, paper.abstract, paper.date)
    counts: Counter[str] = Counter()
    return Outcome(list(_labelled(figure, panels, labels, counts)), counts=counts)


def letters_of(panels: Sequence[Panel], letters: Sequence[str]) -> dict[str, str]:
    """Panel id to letter as the caption prints it: by the letter read off the panel, else by order.

    By order only where no panel has a letter and there are as many panels as letters.
    """
    printed = {letter.casefold(): letter for letter in letters}
    found = {panel.panel_id: printed.get(panel.panel_label.casefold(), "") for panel in panels}
    if not any(panel.panel_label for panel in panels) and len(panels) == len(letters):
        return {panel.panel_id: letter for panel, letter in zip(panels, letters, strict=True)}
    return found


def _sub_captions(figure: Figure, panels: Sequence[Panel], counts: Counter[str]) -> Iterator[Decision]:
    split = split_caption(figure.caption)
    by_order = list(split.places) if not split.spans and len(split.places) == len(panels) else []
    letters = letters_of(panels, list(split.spans))
    for position, panel in enumerate(panels):
        text, where = _own_text(split, letters[panel.panel_id], by_order[position] if by_order else "")
        counts[where] += 1
        if text or panel.sub_caption:
            evidence = {"rule": f"split-caption:{split.style}", "letter": letters[panel.panel_id]}
            yield Decision("panel", panel.panel_id, "sub_caption", text, "", where, evidence=evidence)


def _own_text(split: Split, letter: str, place: str) -> tuple[str, str]:
    if letter:
        return split.panels[letter], "by letter"
    if place:
        start, end = split.places[place]
        return split.text[start:end], "by place"
    return "", "whole caption"


def _labelled(figure: Figure, panels: Sequence[Panel], labels: Labels, counts: Counter[str]) -> Iterator[Decision]:
    letters = letters_of(panels, list(labels.panels))
    for panel in panels:
        verdict = _verdict_for(letters[panel.panel_id], labels)
        counts.update((verdict.label, f"rule {verdict.rule.split(':')[0]}"))
        yield Decision(
            entity="panel",
            entity_id=panel.panel_id,
            field="label",
            value=verdict.label,
            by="",
            why=_why(verdict),
            score=round(verdict.score, 3),
            evidence=_evidence(figure, verdict, letters[panel.panel_id]),
        )


def _verdict_for(letter: str, labels: Labels) -> Verdict:
    """Its own verdict; for a panel without a letter the figure's, unless the caption's panels differ."""
    if letter:
        return labels.panels[letter]
    if len({verdict.label for verdict in labels.panels.values()}) > 1:
        return Verdict(UNCLEAR, "panels-differ:no-letter", 0.2)
    return labels.figure


def _why(verdict: Verdict) -> str:
    if verdict.rule == NOTHING.rule:
        return "no text names a disease (nothing-named)"
    if not verdict.evidence:
        return f"the caption's panels differ and this one's letter is not known ({verdict.rule})"
    return f"{verdict.source}: “{verdict.evidence}” ({verdict.rule})"


def _evidence(figure: Figure, verdict: Verdict, letter: str) -> dict[str, object]:
    digest = sha256_bytes(figure.caption.encode())
    start, end = verdict.span
    return {
        "rule": verdict.rule if verdict.source == "caption" else f"{verdict.rule}@{verdict.source}",
        "source": verdict.source,
        "start": start,
        "end": end,
        "text": verdict.evidence,
        "letter": letter,
        "caption_sha256": digest,
    }
