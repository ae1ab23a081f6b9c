"""Step ``label``: the judgement on each panel, from words, pixels, letters and the patient's other panels.

Main path: ``run`` reads one paper; ``_seen`` gathers what is known of each panel; ``judge`` says what counts.
A curator's decision stays in force whatever the rules say.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from covidct.captions.context import label_figure, older_than_the_disease
from covidct.captions.cues import moments
from covidct.captions.letters import Placed, assigned
from covidct.captions.reading import read
from covidct.captions.rules import fold_lower
from covidct.captions.subcaptions import split_caption
from covidct.captions.subjects import ONE_PERSON
from covidct.captions.ways import NOTHING, PANELS_DIFFER, Labels, Verdict
from covidct.curate.judge import CLASSES, UNPROVEN, Judgement, Seen, agree, judge, weighed
from covidct.curate.subcaption import lettered, panels_by_figure
from covidct.curate.ways import measured
from covidct.files import sha256_bytes
from covidct.profiles import current
from covidct.records import Decision, Figure, Panel, Paper
from covidct.steps import Item, Outcome
from covidct.workspace import Workspace

SECOND = "second_label"
"""Field of a second reader's decisions (covidct/curate/second_reader.py)."""


@dataclass(frozen=True)
class Case:
    """One paper with all that the judgement rests on; decisions by panel id."""

    paper: Paper
    figures: Sequence[tuple[Figure, Sequence[Panel]]]
    kinds: Mapping[str, Decision]
    patients: Mapping[str, Decision]
    seconds: Mapping[str, Decision] = field(default_factory=dict)


def items(ws: Workspace) -> Iterator[Item]:
    """Every paper that has panels; due when its words, its panels, their kinds or their patients are new."""
    kinds, patients = ws.current_all("panel", "kind"), ws.current_all("panel", "patient")
    seconds = ws.current_all("panel", SECOND)
    panels = panels_by_figure(ws)
    for paper in ws.papers():
        figures = [(f, panels[f.figure_id]) for f in ws.figures(paper.paper_id) if f.figure_id in panels]
        if figures:
            case = Case(paper, figures, kinds, patients, seconds)
            yield Item(paper.paper_id, _inputs(case), case, len(figures))


def _inputs(case: Case) -> str:
    paper = case.paper
    words = [current().digest, paper.title, paper.abstract, paper.date]
    for figure, panels in case.figures:
        words += [figure.caption, *figure.mentions, *figure.paragraphs, f"{figure.pair} {figure.pair_score}"]
        words += [f"{lettered(p)} {p.sha256} {p.score} {p.kind} {p.patient_id}" for p in panels]
        words += [repr([(d.by, d.score, dict(d.evidence)) for d in _decided(case, p)]) for p in panels]
    return chr(31).join(words)


def _decided(case: Case, panel: Panel) -> list[Decision]:
    known = (case.kinds, case.patients, case.seconds)
    return [words[panel.panel_id] for words in known if panel.panel_id in words]


def run(item: Item) -> Outcome:
    """The judgement on every panel of one paper."""
    case: Case = item.value
    judged = weighed(agree(judge(seen) for figure, panels in case.figures for seen in _seen(case, figure, panels)))
    counts: Counter[str] = Counter()
    for one in judged:
        counts.update((one.label, f"rule {one.seen.verdict.rule.split(':')[0]}"))
    return Outcome([_decision(one) for one in judged], counts=counts)


def _seen(case: Case, figure: Figure, panels: Sequence[Panel]) -> Iterator[Seen]:
    paper = case.paper
    around = (figure.mentions, paper.title, paper.abstract, paper.date, figure.paragraphs)
    labels = label_figure(figure.caption, *around)
    differ = len({verdict.label for verdict in labels.panels.values()}) > 1
    placed = assigned([lettered(panel) for panel in panels], list(labels.panels))
    texts = split_caption(figure.caption).panels
    named = names_disease(paper.title) or names_disease(paper.abstract)
    findings, older = _findings_only(figure, panels, texts), older_than_the_disease(paper.date)
    for panel in panels:
        name = panel.panel_id
        verdict = _verdict_for(placed[name], labels, differ)
        second = str(case.seconds[name].value) if name in case.seconds else ""
        kind, patient = case.kinds.get(name), case.patients.get(name)
        own = names_disease(texts.get(placed[name].letter, figure.caption))
        yield Seen(figure, panel, verdict, placed[name], differ, kind, patient, own, named, older, findings, second)


def _findings_only(figure: Figure, panels: Sequence[Panel], texts: Mapping[str, str]) -> bool:
    """``(A) Ground glass. (B) Crazy paving.``: several slices of which nothing says that one person shows them all."""
    slices = sum(panel.kind == current().picture for panel in panels)
    folded = fold_lower(" ".join([figure.caption, *figure.mentions]))
    apart = slices > 1 and len(set(texts.values())) > 1
    return apart and ONE_PERSON.search(folded) is None and not moments(figure.caption)


def names_disease(text: str) -> bool:
    """Does ``text`` name the disease as there: neither denied nor as the topic of a study?"""
    return any(m.means == "disease" and m.status not in ("negated", "topic") for m in read(text))


def _verdict_for(placed: Placed, labels: Labels, differ: bool) -> Verdict:
    """Its own verdict; for a panel without a letter the figure's, unless the caption's panels differ."""
    if placed.letter:
        return labels.panels[placed.letter]
    return PANELS_DIFFER if differ else labels.figure


def _decision(one: Judgement) -> Decision:
    verdict, panel = one.seen.verdict, one.seen.panel
    score = round(verdict.score, 3) if one.label in CLASSES or not one.refused else 0.0
    return Decision("panel", panel.panel_id, "label", one.label, "", _why(one), score, _evidence(one))


def _why(one: Judgement) -> str:
    if not one.refused:
        return _words(one.seen.verdict)
    if one.refused == UNPROVEN:
        return _words(one.seen.verdict)
    suggested = f", the words say {one.suggested}: {_words(one.seen.verdict)}" if one.suggested else ""
    return f"refused ({one.refused}): {one.why}{suggested}"


def _words(verdict: Verdict) -> str:
    if verdict.rule == NOTHING.rule:
        return "no text names a disease (nothing-named)"
    if verdict.rule.startswith("same-patient:"):
        return f"the same person is proven ill elsewhere in the paper ({verdict.rule})"
    if not verdict.evidence:
        return f"the caption's panels differ and this one's letter is not known ({verdict.rule})"
    return f"{verdict.source}: “{verdict.evidence}” ({verdict.rule})"


def _evidence(one: Judgement) -> dict[str, object]:
    verdict, found = one.seen.verdict, measured(one.way)
    start, end = verdict.span
    return {
        "rule": verdict.rule if verdict.source == "caption" else f"{verdict.rule}@{verdict.source}",
        "source": verdict.source,
        "start": start,
        "end": end,
        "text": verdict.evidence,
        "letter": one.seen.placed.letter,
        "letter_by": one.seen.placed.by,
        "caption_sha256": sha256_bytes(one.seen.figure.caption.encode()),
        "way": one.way,
        "precision": [found.right, found.n, round(found.lower, 3)],
        "suggested": one.suggested,
        "refused": one.refused,
        "accepted": one.accepted,
        "gain": one.gain,
    }
