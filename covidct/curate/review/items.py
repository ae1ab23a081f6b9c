"""Everything known about one panel, gathered for one screen."""

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

from covidct.records import Decision, Figure, Panel, Paper
from covidct.workspace.queues import fields_in_conflict
from covidct.workspace.workspace import Workspace

NO_COPIES = ("-nd", "no-derivatives", "noderivatives", "noreuse", "no-reuse", "all-rights", "cc_no")
"""Parts of licence codes that allow no changed copies, or none at all."""

Span = tuple[int, int]
Json = dict[str, Any]


def panel_item(workspace: Workspace, panel_id: str) -> Json | None:
    """The panel, its figure and paper, texts with highlights, what rules and people said; None where it is gone."""
    panel = workspace.panel(panel_id)
    figure = workspace.figure(panel.figure_id) if panel else None
    paper = workspace.paper(figure.paper_id) if figure else None
    if panel is None or figure is None or paper is None:
        return None
    history = workspace.decisions("panel", panel_id) + workspace.decisions("figure", figure.figure_id, "panels")
    current = workspace.current("panel", panel_id)
    boxes = workspace.current("figure", figure.figure_id).get("panels")
    if boxes is not None:
        current["panels"] = boxes
    texts = texts_of(panel, figure, paper)
    return {
        "panel": _panel(panel, current),
        "figure": _figure(figure, workspace.panels(figure.figure_id)),
        "paper": _paper(paper, figure),
        "texts": texts,
        **_own_part(texts, highlights(texts, current.values())),
        "current": {name: _decision(decision) for name, decision in current.items()},
        "history": [_decision(decision) for decision in sorted(history, key=lambda d: -d.decision_id)],
        "conflicts": conflicts_of(workspace, panel, figure),
        "last": max((decision.decision_id for decision in history), default=0),
    }


BLIND_FIELDS = frozenset({"label", "accept"})
"""What a second reader must not see of others before judging."""


def blinded(item: Json, by: str) -> Json:
    """The same item without anybody else's word on its label: what an independent second reader may see."""
    hidden = {name: word for name, word in item["current"].items() if name not in BLIND_FIELDS or word["by"] == by}
    history = [word for word in item["history"] if word["field"] not in BLIND_FIELDS or word["by"] == by]
    marked = {
        name: [span for span in spans if span[2] not in BLIND_FIELDS] for name, spans in item["highlights"].items()
    }
    mine = hidden.get("label", {}).get("value", "")
    panel = {**item["panel"], "label": mine, "label_by": "", "label_evidence": ""}
    panel["rejected"] = hidden.get("accept", {}).get("value") is False
    conflicts = [found for found in item["conflicts"] if found["field"] not in BLIND_FIELDS]
    return {**item, "panel": panel, "current": hidden, "history": history, "highlights": marked, "conflicts": conflicts}


def texts_of(panel: Panel, figure: Figure, paper: Paper) -> dict[str, str]:
    """The texts on the screen by name; what mentions the figure is numbered: paragraphs, and sentences in none."""
    texts = {"sub_caption": panel.sub_caption, "caption": figure.caption, "title": paper.title}
    alone = [text for text in figure.mentions if not any(text in whole for whole in figure.paragraphs)]
    texts |= {f"mention{number}": text for number, text in enumerate((*figure.paragraphs, *alone))}
    return {**texts, "abstract": paper.abstract}


def highlights(texts: Mapping[str, str], decisions: Iterable[Decision]) -> dict[str, list[list[Any]]]:
    """Per text the spans that decisions give as their evidence: ``[start, end, field]``, sorted, not overlapping."""
    found: dict[str, list[list[Any]]] = {}
    for decision in decisions:
        for name, span in evidence_spans(texts, decision.evidence):
            found.setdefault(name, []).append([*whole_words(texts[name], span), decision.field])
    return {name: _apart(sorted(spans)) for name, spans in found.items()}


def whole_words(text: str, span: Span) -> Span:
    """The span, widened to the ends of the words that it cuts."""
    start, end = span
    while 0 < start < len(text) and text[start - 1].isalnum() and text[start].isalnum():
        start -= 1
    while 0 < end < len(text) and text[end - 1].isalnum() and text[end].isalnum():
        end += 1
    return start, end


def _own_part(texts: dict[str, str], marked: dict[str, list[list[Any]]]) -> Json:
    """``own``: where the panel's own text stands in the caption, if it does; its highlights then move there."""
    own, caption = texts["sub_caption"], texts["caption"]
    at = caption.find(own) if own else -1
    if at < 0:
        return {"highlights": marked, "own": None}
    moved = [[start + at, end + at, field] for start, end, field in marked.pop("sub_caption", [])]
    marked["caption"] = _apart(sorted([*marked.get("caption", []), *moved]))
    return {"highlights": marked, "own": [at, at + len(own)]}


def _apart(spans: list[list[Any]]) -> list[list[Any]]:
    kept: list[list[Any]] = []
    for span in spans:
        if not kept or span[0] >= kept[-1][1]:
            kept.append(span)
    return kept


def evidence_spans(texts: Mapping[str, str], evidence: Mapping[str, Any]) -> list[tuple[str, Span]]:
    """Where the evidence of a decision stands in the texts.

    A piece of evidence names its text (``part``, ``where`` or ``field``) with ``start`` and ``end`` (or ``offsets``),
    or quotes it (``quote`` or ``text``); several pieces come as ``spans``. Offsets that do not hold the quote lose
    against the quote.
    """
    pieces = evidence.get("spans")
    listed = [piece for piece in pieces if isinstance(piece, Mapping)] if isinstance(pieces, list) else []
    found = [_span(texts, piece) for piece in (evidence, *listed)]
    return [span for span in found if span is not None]


def _span(texts: Mapping[str, str], piece: Mapping[str, Any]) -> tuple[str, Span] | None:
    quote = _one_line(next((piece[key] for key in ("quote", "text") if isinstance(piece.get(key), str)), ""))
    name = next((piece[key] for key in ("part", "where", "field", "source") if piece.get(key) in texts), None)
    ends = _offsets(piece)
    inside = name is not None and ends is not None and 0 <= ends[0] < ends[1] <= len(texts[name])
    if name is not None and ends is not None and inside and quote in ("", _one_line(texts[name][slice(*ends)])):
        return name, ends
    if not quote.strip():
        return None
    for candidate in _order(texts, piece, name):
        at = texts[candidate].find(quote)
        if at >= 0:
            return candidate, (at, at + len(quote))
    return None


def _one_line(text: str) -> str:
    """A quote is written in one line, whatever the text that it was taken from looks like."""
    return " ".join(text.split())


def _order(texts: Mapping[str, str], piece: Mapping[str, Any], name: str | None) -> list[str]:
    """Where to look for a quote first: in the text that was named; ``context`` and ``paragraph`` mention the figure."""
    if {"context", "paragraph"} & {piece.get("part"), piece.get("where"), piece.get("source")}:
        return sorted(texts, key=lambda text: not text.startswith("mention"))
    return [*([name] if name is not None else []), *texts]


def _offsets(piece: Mapping[str, Any]) -> Span | None:
    values = piece.get("offsets", [piece.get("start"), piece.get("end")])
    if isinstance(values, list) and len(values) == 2 and all(type(value) is int for value in values):
        return values[0], values[1]
    return None


def conflicts_of(workspace: Workspace, panel: Panel, figure: Figure) -> list[Json]:
    """Fields of this panel, or its figure's boxes, on which curators differ, with the newest word of each."""
    things = (("panel", panel.panel_id), ("figure", figure.figure_id))
    return [
        _conflict(workspace, entity, entity_id, field)
        for entity, entity_id in things
        for field in fields_in_conflict(workspace, entity, entity_id)
    ]


def _conflict(workspace: Workspace, entity: str, entity_id: str, field: str) -> Json:
    newest: dict[str, Decision] = {}
    cancelled: set[int] = set()
    for decision in reversed(workspace.decisions(entity, entity_id, field, by="curator:")):
        if decision.decision_id in cancelled:
            continue
        if decision.undoes is not None:
            cancelled.add(decision.undoes)
        else:
            newest.setdefault(decision.by, decision)
    return {"entity": entity, "field": field, "words": [_decision(d) for d in newest.values()]}


def _panel(panel: Panel, current: Mapping[str, Decision]) -> Json:
    accept, mask = current.get("accept"), current.get("mask")
    value = mask.value if mask and isinstance(mask.value, dict) else {}
    return {
        **dataclasses.asdict(panel),
        "rejected": accept is not None and accept.value is False,
        "mask": bool(value.get("mask")),
        "masked": bool(value.get("masked")),
        "marks": value.get("boxes", []),
        "identifying": value.get("identifying", ""),
        "texts_found": value.get("texts"),
        "picture": bool(panel.file),
    }


def _figure(figure: Figure, panels: list[Panel]) -> Json:
    values = dataclasses.asdict(figure)
    del values["provenance"], values["mentions"]
    values["panels"] = [{"panel_id": p.panel_id, "label": p.panel_label, "box": list(p.box)} for p in panels]
    return values


def _paper(paper: Paper, figure: Figure) -> Json:
    licence = figure.licence or paper.licence
    return {
        "paper_id": paper.paper_id,
        "title": paper.title,
        "doi": paper.doi,
        "version": paper.version,
        "date": paper.date,
        "server": paper.server or paper.source,
        "source_file": paper.source_file,
        "licence": licence,
        "no_copies": not licence or any(part in licence.lower().replace(" ", "-") for part in NO_COPIES),
        "url": paper.url or (f"https://doi.org/{paper.doi}" if paper.doi else ""),
    }


def _decision(decision: Decision) -> Json:
    """A decision as the page shows it; the masks' file names stay here."""
    value = decision.value
    if decision.field == "mask" and isinstance(value, dict):
        value = {"marks": len(value.get("boxes", [])), "identifying": value.get("identifying", "")}
    elif decision.field == "panels" and isinstance(value, list):
        value = {"boxes": len(value)}
    return {
        "decision_id": decision.decision_id,
        "field": decision.field,
        "value": value,
        "by": decision.by,
        "why": decision.why,
        "score": decision.score,
        "rule": decision.evidence.get("rule", ""),
        "suggested": decision.evidence.get("suggested", ""),
        "at": decision.at,
        "seconds": decision.seconds,
        "undoes": decision.undoes,
    }
