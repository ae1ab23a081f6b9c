"""Records to SQLite rows and back."""

import json
import sqlite3
from collections.abc import Mapping
from typing import Any

from covidct.records import Anchor, Box, Decision, Dropped, Figure, Panel, Paper, PaperStatus


def dump(value: Any) -> str:
    """JSON with a stable byte form."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def box_of(text: str | None) -> Box | None:
    """A stored box, or None."""
    return None if text is None else _box(json.loads(text))


def _box(values: Any) -> Box:
    x0, y0, x1, y1 = (float(v) for v in values)
    return (x0, y0, x1, y1)


def _dump_box(box: Box | None) -> str | None:
    return None if box is None else dump(list(box))


def paper_row(paper: Paper) -> dict[str, Any]:
    """Column values of a paper."""
    return {
        "paper_id": paper.paper_id,
        "source": paper.source,
        "doi": paper.doi,
        "version": paper.version,
        "versions": dump(list(paper.versions)),
        "title": paper.title,
        "abstract": paper.abstract,
        "date": paper.date,
        "server": paper.server,
        "category": paper.category,
        "licence": paper.licence,
        "url": paper.url,
        "jats_url": paper.jats_url,
        "status": str(paper.status),
        "reason": paper.reason,
        "source_file": paper.source_file,
        "sha256": paper.sha256,
        "jats_sha256": paper.jats_sha256,
    }


def paper_of(row: sqlite3.Row) -> Paper:
    """A paper from its row."""
    values = dict(row)
    values["versions"] = tuple(json.loads(values["versions"]))
    values["status"] = PaperStatus(values["status"])
    return Paper(**values)


def figure_row(figure: Figure, position: int, version: int, pixel_hash: str) -> dict[str, Any]:
    """Column values of a figure."""
    return {
        "figure_id": figure.figure_id,
        "paper_id": figure.paper_id,
        "position": position,
        "paper_version": version,
        "source_file": figure.source_file,
        "label": figure.label,
        "page": figure.page,
        "box": _dump_box(figure.box),
        "caption": figure.caption,
        "caption_page": figure.caption_page,
        "mentions": dump(list(figure.mentions)),
        "kind": figure.kind,
        "file": figure.file,
        "width": figure.width,
        "height": figure.height,
        "sha256": figure.sha256,
        "pixel_hash": pixel_hash,
        "licence": figure.licence,
        "provenance": dump(dict(figure.provenance)),
        "pair": figure.pair,
        "pair_score": figure.pair_score,
    }


def figure_of(row: sqlite3.Row) -> Figure:
    """A figure from its row."""
    values = dict(row)
    for column in ("position", "paper_version", "pixel_hash"):
        del values[column]
    values["box"] = box_of(values["box"])
    values["mentions"] = tuple(json.loads(values["mentions"]))
    values["provenance"] = json.loads(values["provenance"])
    return Figure(**values)


def panel_row(panel: Panel, position: int, pixel_hash: str) -> dict[str, Any]:
    """Column values of a panel."""
    return {
        "panel_id": panel.panel_id,
        "figure_id": panel.figure_id,
        "position": position,
        "panel_label": panel.panel_label,
        "box": _dump_box(panel.box),
        "sub_caption": panel.sub_caption,
        "kind": panel.kind,
        "score": panel.score,
        "label": panel.label,
        "label_by": panel.label_by,
        "label_evidence": panel.label_evidence,
        "patient_id": panel.patient_id,
        "file": panel.file,
        "width": panel.width,
        "height": panel.height,
        "sha256": panel.sha256,
        "pixel_hash": pixel_hash,
        "letter_by": panel.letter_by,
    }


def panel_of(row: sqlite3.Row) -> Panel:
    """A panel from its row."""
    values = dict(row)
    for column in ("position", "pixel_hash"):
        del values[column]
    values["box"] = _box(json.loads(values["box"]))
    return Panel(**values)


def dropped_row(position: int, dropped: Dropped) -> tuple[Any, ...]:
    """Column values of an entry of the ledger, after step, version and item."""
    return (position, dropped.what, dropped.rule, dropped.reason, dropped.page, _dump_box(dropped.box))


def dump_anchor(anchor: Anchor | None) -> str | None:
    """An anchor as JSON."""
    if anchor is None:
        return None
    return dump(
        {
            "paper_id": anchor.paper_id,
            "version": anchor.version,
            "page": anchor.page,
            "box": anchor.box and list(anchor.box),
            "panel_box": anchor.panel_box and list(anchor.panel_box),
            "pixel_hash": anchor.pixel_hash,
        }
    )


def anchor_of(text: str | None) -> Anchor | None:
    """An anchor from its JSON."""
    if text is None:
        return None
    values = json.loads(text)
    for name in ("box", "panel_box"):
        values[name] = None if values[name] is None else _box(values[name])
    return Anchor(**values)


def decision_of(row: sqlite3.Row) -> Decision:
    """A decision from its row."""
    evidence: Mapping[str, Any] = json.loads(row["evidence"])
    return Decision(
        entity=row["entity"],
        entity_id=row["entity_id"],
        field=row["field"],
        value=json.loads(row["value"]),
        by=row["by"],
        why=row["why"],
        score=row["score"],
        evidence=evidence,
        anchor=anchor_of(row["anchor"]),
        seconds=row["seconds"],
        undoes=row["undoes"],
        decision_id=row["decision_id"],
        at=row["at"],
    )
