"""Patient ids of panels: unique within a paper, one over papers where the same pictures come back.

A curator's word on a panel or a pair stays; where curators named one patient of a group, the group takes that name.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from covidct.captions.patients import FigureText, Patient, describe, patients_of_paper
from covidct.captions.standing import printed
from covidct.curate.headings import FIELD
from covidct.curate.subcaption import lettered, panels_by_figure
from covidct.files import sha256_bytes
from covidct.grouping import groups
from covidct.records import Decision, Figure, Panel, Paper
from covidct.steps import Item, Outcome
from covidct.workspace import Workspace

Pairs = Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Known:
    """All that the patients of a workspace follow from."""

    papers: Sequence[tuple[Paper, Sequence[FigureText]]]
    same: Pairs
    """Pairs of panels that show one patient."""
    parted: Pairs
    """Pairs of which a curator says that they do not."""
    named: Mapping[str, str]
    """Patient by panel where a curator named one."""


def items(ws: Workspace) -> list[Item]:
    """The whole workspace as one piece of work, since equal pictures link papers."""
    figures = _by_paper(ws)
    papers = [(paper, figures[paper.paper_id]) for paper in ws.papers() if paper.paper_id in figures]
    same, parted = _people_say(ws)
    known = Known(papers, same, parted, _named_by_people(ws))
    texts = [(p.paper_id, p.title, p.abstract, figures) for p, figures in papers]
    panels = sum(len(figure.panels) for _, figures in papers for figure in figures)
    return [Item("patients", repr((texts, same, parted, known.named)), known, size=panels)]


def run(item: Item) -> Outcome:
    """Decide the patient of every panel that no curator named."""
    known: Known = item.value
    found: dict[str, Patient] = {}
    own: dict[str, str] = {}
    for paper, texts in known.papers:
        guesses = patients_of_paper(texts, paper.title, paper.abstract)
        found |= guesses
        own |= {panel_id: patient_id(paper, guess.key) for panel_id, guess in guesses.items()}
    ids = linked(own, known.same, known.parted, known.named)
    decisions = [d for d in _decisions(found, own, ids) if d.entity_id not in known.named]
    counts = Counter(f"rule {patient.rule}" for patient in found.values())
    return Outcome(decisions, counts={**counts, "patients": len(set(ids.values()))})


def _by_paper(ws: Workspace) -> dict[str, list[FigureText]]:
    panels, prints = panels_by_figure(ws), ws.current_all("figure", FIELD)
    texts: dict[str, list[FigureText]] = {}
    for figure in ws.figures():
        texts.setdefault(figure.paper_id, []).append(
            _text(figure, panels.get(figure.figure_id, []), prints.get(figure.figure_id))
        )
    return texts


def _text(figure: Figure, panels: Sequence[Panel], prints: Decision | None) -> FigureText:
    named = tuple(lettered(panel) for panel in panels)
    boxes = tuple(panel.box for panel in panels)
    rows: Any = prints.value if prints is not None else []
    named_here = {str(row["panel"]): printed(row) for row in rows}
    return FigureText(figure.figure_id, figure.label, figure.caption, figure.mentions, named, boxes, named_here)


def patient_id(paper: Paper, key: str) -> str:
    """A stable id that holds no age: the case number where there is one, else a digest of what told the patient."""
    case = key.removeprefix("case ")
    if case != key and case.isalnum():
        return f"{paper.paper_id}-case{case}"
    return f"{paper.paper_id}-pt{sha256_bytes(key.encode())[:6]}"


def _people_say(ws: Workspace) -> tuple[Pairs, Pairs]:
    """Pairs of panels that show one patient, and those that a curator says do not.

    One patient: the same picture, found and not denied, or a curator's word.
    """
    pictures = {pair.pair_id: True for pair in ws.pairs()}
    pictures |= {key: d.value is True for key, d in ws.current_all("pair", "duplicate").items()}
    people = {key: d.value is True for key, d in ws.current_all("pair", "same_patient").items()}
    verdicts = pictures | people
    same = [_ends(key) for key, verdict in verdicts.items() if verdict]
    return same, [_ends(key) for key, verdict in people.items() if not verdict]


def _ends(pair_id: str) -> tuple[str, str]:
    one, _, other = pair_id.partition("|")
    return one, other


def _named_by_people(ws: Workspace) -> dict[str, str]:
    current = ws.current_all("panel", "patient")
    return {key: str(d.value) for key, d in current.items() if d.by.startswith("curator:") and d.value}


def linked(
    own: Mapping[str, str], same: Pairs, parted: Pairs = (), named: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Patient id by panel, after the patients of equal pictures became one.

    ``own`` are ids from the text; ``parted`` pairs are never joined directly; ``named`` ids come from curators and
    win: a group with one such name takes it, a group with several keeps each curator's word on its own panel only.
    """
    named = named or {}
    apart = {frozenset((own[a], own[b])) for a, b in parted if a in own and b in own}
    joined = [(own[a], own[b]) for a, b in same if a in own and b in own]
    found = groups(set(own.values()), [pair for pair in joined if frozenset(pair) not in apart])
    names: dict[str, set[str]] = {}
    for panel, name in named.items():
        if panel in own:
            names.setdefault(found[own[panel]], set()).add(name)
    ids = {}
    for panel, patient in own.items():
        named_here = names.get(found[patient], set())
        ids[panel] = named.get(panel) or (next(iter(named_here)) if len(named_here) == 1 else found[patient])
    return ids


def _decisions(found: Mapping[str, Patient], own: Mapping[str, str], ids: Mapping[str, str]) -> Iterator[Decision]:
    for panel, patient in found.items():
        evidence = {**describe(patient), "own_id": own[panel]}
        why = _WHY[patient.rule].format(text=patient.text)
        if ids[panel] != own[panel]:
            why += f"; one patient with {ids[panel]} (same picture, or a curator's word)"
        yield Decision("panel", panel, "patient", ids[panel], "", why, patient.score, evidence)


_WHY = {
    "panel-text": "the panel's text tells of “{text}”",
    "printed": "the figure prints whom the panel shows, “{text}”",
    "caption": "the caption tells of one person, “{text}”",
    "mention": "the sentence that mentions the figure tells of one person",
    "series": "the panel goes on with the person of the panel before, “{text}”",
    "same-patient": "the text says: the same patient",
    "one-case-paper": "the paper is about one patient",
    "one-a-panel": "as many patients as panels, or another patient",
    "one-a-figure": "nobody is told of: one patient a figure is assumed",
    "not-told-apart": "several patients that the text does not tell apart",
    "perhaps-several": "the caption speaks of patients and has several panels: perhaps several patients",
}
