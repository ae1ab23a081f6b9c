"""Labels and sub-captions of panels in the workspace, from captions, mentions, title and abstract.

Sub-captions first, as decisions of their own; then the label, with its rule, score and the span it rests on.
A curator's decision stays in force whatever the rules say.
"""

from collections.abc import Iterator, Mapping, Sequence

from covidct.captions.context import label_figure
from covidct.captions.labels import NOTHING, UNCLEAR, Labels, Verdict
from covidct.captions.rules import VERSION
from covidct.captions.subcaptions import Split, split_caption
from covidct.curate.report import StepReport
from covidct.files import sha256_bytes
from covidct.progress import progress
from covidct.records import Decision, Figure, Panel, Paper
from covidct.workspace import Workspace

BY = f"rule:captions@{VERSION}"
BATCH = 50
"""Figures whose decisions are written together."""


def run(ws: Workspace) -> StepReport:
    """Split captions, then label every panel whose text or place in its figure changed since the last run."""
    split_captions(ws)
    report = StepReport("label")
    papers = {paper.paper_id: paper for paper in ws.papers()}
    for figures in _batches(_todo(ws, report, "label", papers)):
        decisions: list[Decision] = []
        for figure, panels in figures:
            paper = papers[figure.paper_id]
            labels = label_figure(figure.caption, figure.mentions, paper.title, paper.abstract, paper.date)
            decisions += _labelled(figure, panels, labels, report)
            report.done += 1
        ws.decide(decisions)
        ws.mark("label", [_key(figure, panels, papers[figure.paper_id]) for figure, panels in figures])
    return report


def split_captions(ws: Workspace) -> StepReport:
    """Give each panel the part of the caption that is its own."""
    report = StepReport("split-caption")
    papers = {paper.paper_id: paper for paper in ws.papers()}
    for figures in _batches(_todo(ws, report, "split-caption", papers)):
        decisions = [d for figure, panels in figures for d in _sub_captions(figure, panels, report)]
        report.done += len(figures)
        ws.decide(decisions)
        ws.mark("split-caption", [_key(figure, panels, papers[figure.paper_id]) for figure, panels in figures])
    return report


Item = tuple[Figure, Sequence[Panel]]


def _todo(ws: Workspace, report: StepReport, step: str, papers: Mapping[str, Paper]) -> Iterator[Item]:
    panels: dict[str, list[Panel]] = {}
    for panel in ws.panels():
        panels.setdefault(panel.figure_id, []).append(panel)
    for figure in progress(ws.figures(), step):
        own = panels.get(figure.figure_id, [])
        if not own or figure.paper_id not in papers:
            continue
        if ws.done(step, _key(figure, own, papers[figure.paper_id])):
            report.skipped += 1
            continue
        yield figure, own


def _batches(items: Iterator[Item]) -> Iterator[list[Item]]:
    batch: list[Item] = []
    for item in items:
        batch.append(item)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _key(figure: Figure, panels: Sequence[Panel], paper: Paper) -> str:
    parts = [figure.caption, *figure.mentions, paper.title, paper.abstract, paper.date]
    parts += [f"{panel.panel_id}={panel.panel_label}" for panel in panels]
    return f"{figure.figure_id} {BY} {sha256_bytes(chr(31).join(parts).encode())[:20]}"


def letters_of(panels: Sequence[Panel], letters: Sequence[str]) -> dict[str, str]:
    """Panel id to letter as the caption prints it: by the letter read off the panel, else by order.

    By order only where no panel has a letter and there are as many panels as letters.
    """
    printed = {letter.casefold(): letter for letter in letters}
    found = {panel.panel_id: printed.get(panel.panel_label.casefold(), "") for panel in panels}
    if not any(panel.panel_label for panel in panels) and len(panels) == len(letters):
        return {panel.panel_id: letter for panel, letter in zip(panels, letters, strict=True)}
    return found


def _sub_captions(figure: Figure, panels: Sequence[Panel], report: StepReport) -> Iterator[Decision]:
    split = split_caption(figure.caption)
    by_order = list(split.places) if not split.spans and len(split.places) == len(panels) else []
    letters = letters_of(panels, list(split.spans))
    for position, panel in enumerate(panels):
        text, where = _own_text(split, letters[panel.panel_id], by_order[position] if by_order else "")
        report.count(where)
        if text or panel.sub_caption:
            evidence = {"rule": f"split-caption:{split.style}", "letter": letters[panel.panel_id]}
            yield Decision("panel", panel.panel_id, "sub_caption", text, BY, where, evidence=evidence)


def _own_text(split: Split, letter: str, place: str) -> tuple[str, str]:
    if letter:
        return split.panels[letter], "by letter"
    if place:
        start, end = split.places[place]
        return split.text[start:end], "by place"
    return "", "whole caption"


def _labelled(figure: Figure, panels: Sequence[Panel], labels: Labels, report: StepReport) -> Iterator[Decision]:
    letters = letters_of(panels, list(labels.panels))
    for panel in panels:
        verdict = _verdict_for(letters[panel.panel_id], labels)
        report.count(verdict.label)
        report.count(f"rule {verdict.rule.split(':')[0]}")
        yield Decision(
            entity="panel",
            entity_id=panel.panel_id,
            field="label",
            value=verdict.label,
            by=BY,
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
