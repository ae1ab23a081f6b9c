"""Records to SQLite rows and back."""

import dataclasses
import json
import sqlite3
from collections.abc import Mapping
from typing import Any

from covidct.records import Anchor, Box, Decision, Dropped, Figure, Panel, Paper, PaperStatus

DECISION = [field.name for field in dataclasses.fields(Decision)]


def dump(value: Any) -> str:
    """JSON with a stable byte form."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def insert(connection: sqlite3.Connection, table: str, values: Mapping[str, Any], then: str = "") -> int:
    """Write a row of ``values`` by column and return its number; ``then`` is what SQL says behind it."""
    columns, marks = ", ".join(values), ", ".join("?" * len(values))
    row = connection.execute(f"INSERT INTO {table} ({columns}) VALUES ({marks}) {then}", tuple(values.values()))
    return int(row.lastrowid or 0)


def upsert(connection: sqlite3.Connection, table: str, key: str, values: Mapping[str, Any], where: str = "") -> None:
    """Write a row, or its values over those of the row with the same ``key``."""
    changes = ", ".join(f"{column} = excluded.{column}" for column in values if column != key)
    insert(connection, table, values, f"ON CONFLICT ({key}) DO UPDATE SET {changes} {where}")


def box_of(text: str | None) -> Box | None:
    """A stored box, or None."""
    return None if text is None else _box(json.loads(text))


def _box(values: Any) -> Box:
    x0, y0, x1, y1 = (float(v) for v in values)
    return (x0, y0, x1, y1)


def _dump_box(box: Box | None) -> str | None:
    return None if box is None else dump(box)


def paper_row(paper: Paper) -> dict[str, Any]:
    """Column values of a paper."""
    return vars(paper) | {"versions": dump(paper.versions), "status": str(paper.status)}


def paper_of(row: sqlite3.Row) -> Paper:
    """A paper from its row."""
    values = dict(row)
    values["versions"] = tuple(json.loads(values["versions"]))
    values["status"] = PaperStatus(values["status"])
    return Paper(**values)


def figure_row(figure: Figure, position: int, version: int, pixel_hash: str) -> dict[str, Any]:
    """Column values of a figure."""
    place = {"position": position, "paper_version": version, "pixel_hash": pixel_hash}
    texts = {name: dump(getattr(figure, name)) for name in ("mentions", "paragraphs")}
    texts |= {"provenance": dump(dict(figure.provenance))}
    return vars(figure) | place | texts | {"box": _dump_box(figure.box)}


def figure_of(row: sqlite3.Row) -> Figure:
    """A figure from its row."""
    values = dict(row)
    for column in ("position", "paper_version", "pixel_hash"):
        del values[column]
    values["box"] = box_of(values["box"])
    values["mentions"] = tuple(json.loads(values["mentions"]))
    values["paragraphs"] = tuple(json.loads(values["paragraphs"]))
    values["provenance"] = json.loads(values["provenance"])
    return Figure(**values)


def panel_row(panel: Panel, position: int, pixel_hash: str) -> dict[str, Any]:
    """Column values of a panel."""
    return vars(panel) | {"position": position, "pixel_hash": pixel_hash, "box": _dump_box(panel.box)}


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
    return None if anchor is None else dump(vars(anchor))


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
    values = {column: row[column] for column in DECISION}
    read = {"value": json.loads(row["value"]), "evidence": json.loads(row["evidence"])}
    return Decision(**values | read | {"anchor": anchor_of(row["anchor"])})
