"""New figures for a paper, new panels for a figure: what stands where another stood keeps its id and people's words."""

import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from covidct.records import Anchor, Box, Figure, Panel
from covidct.workspace import journal
from covidct.workspace.pixels import pixel_hash
from covidct.workspace.places import SAME_PLACE_IOU, as_fractions, carried_over, iou, match, to_pixels
from covidct.workspace.rows import anchor_of, box_of, figure_row, panel_row, upsert

Connection = sqlite3.Connection


def hashes_of(folder: Path, files: Sequence[str]) -> list[str]:
    """Pixel hashes of stored pictures; reads and decodes, so it is done before the write lock is taken."""
    return [pixel_hash(folder / file) if file else "" for file in files]


def replace_figures(
    connection: Connection, paper_id: str, version: int, figures: Sequence[Figure], hashes: Sequence[str]
) -> None:
    """Write a paper's figures inside the caller's transaction (see :meth:`Workspace.replace_figures`)."""
    rows = connection.execute("SELECT * FROM figures WHERE paper_id = ?", (paper_id,)).fetchall()
    olds = {row["figure_id"]: row for row in rows}
    pairs = match(sorted(olds), figures, lambda old, i: _figure_likeness(olds[old], figures[i], version, hashes[i]))
    pairs |= _adopt_figures(connection, paper_id, version, figures, hashes, pairs)
    for gone in olds.keys() - set(pairs.values()):
        connection.execute("DELETE FROM figures WHERE figure_id = ?", (gone,))
    taken = set(pairs.values())
    for index, figure in enumerate(figures):
        figure_id = pairs.get(index) or _free_id(connection, "figure", figure.figure_id, taken)
        taken.add(figure_id)
        named = replace(figure, figure_id=figure_id, paper_id=paper_id)
        upsert(connection, "figures", "figure_id", figure_row(named, index, version, hashes[index]))
        if figure_id in olds:
            _move_panels(connection, olds[figure_id], named)


def _figure_likeness(old: sqlite3.Row, new: Figure, version: int, new_hash: str) -> float:
    """1 for equal pixels; overlap on the page within one paper version; equal label where there is no page."""
    if old["pixel_hash"] and old["pixel_hash"] == new_hash:
        return 1.0
    old_box = box_of(old["box"])
    if old["paper_version"] != version or old["page"] != new.page:
        return 0.0
    if old_box is None or new.box is None:
        return 0.9 if old_box is new.box is None and old["label"] and old["label"] == new.label else 0.0
    return iou(old_box, new.box)


def _adopt_figures(
    connection: Connection,
    paper_id: str,
    version: int,
    figures: Sequence[Figure],
    hashes: Sequence[str],
    pairs: dict[int, str],
) -> dict[int, str]:
    """Figures that come back after they were lost take up the id under which people spoke of them."""
    retired = journal.retired_anchors(connection, "figure", paper_id)
    free = [i for i in range(len(figures)) if i not in pairs]

    def likeness(old: str, position: int) -> float:
        anchor, new = retired[old], figures[free[position]]
        if anchor.pixel_hash and anchor.pixel_hash == hashes[free[position]]:
            return 1.0
        same_page = anchor.version == version and anchor.page == new.page
        return iou(anchor.box, new.box) if same_page and anchor.box and new.box else 0.0

    return {free[position]: old for position, old in match(sorted(retired), free, likeness).items()}


def _move_panels(connection: Connection, old: sqlite3.Row, new: Figure) -> None:
    """Panels keep their place on the page when their figure is cut or scaled otherwise than before."""
    old_box = box_of(old["box"])
    unchanged = (old["width"], old["height"], old_box) == (new.width, new.height, new.box)
    if unchanged or not old["width"]:
        return
    for row in connection.execute("SELECT panel_id, box FROM panels WHERE figure_id = ?", (new.figure_id,)).fetchall():
        fractions = as_fractions(box_of(row["box"]) or (0, 0, 0, 0), old["width"], old["height"])
        if old_box and new.box:
            fractions = carried_over(fractions, old_box, new.box)
        box = [float(v) for v in to_pixels(fractions, new.width, new.height)]
        connection.execute("UPDATE panels SET box = ? WHERE panel_id = ?", (str(box), row["panel_id"]))


def replace_panels(connection: Connection, figure: Figure, panels: Sequence[Panel], hashes: Sequence[str]) -> None:
    """Write a figure's panels inside the caller's transaction (see :meth:`Workspace.replace_panels`)."""
    forgotten = forgotten_places(connection, figure)
    kept = [(panel, h) for panel, h in zip(panels, hashes, strict=True) if not _lies_on(forgotten, panel, figure)]
    rows = connection.execute("SELECT panel_id, box FROM panels WHERE figure_id = ?", (figure.figure_id,)).fetchall()
    olds: dict[str, Box] = {row["panel_id"]: box_of(row["box"]) or (0, 0, 0, 0) for row in rows}
    pairs = match(sorted(olds), kept, lambda old, i: iou(olds[old], kept[i][0].box))
    pairs |= _adopt_panels(connection, figure, kept, pairs)
    for gone in olds.keys() - set(pairs.values()):
        connection.execute("DELETE FROM panels WHERE panel_id = ?", (gone,))
    taken = set(pairs.values())
    for position, (panel, hashed) in enumerate(kept):
        panel_id = pairs.get(position) or _free_id(connection, "panel", panel.panel_id, taken)
        taken.add(panel_id)
        named = replace(panel, panel_id=panel_id, figure_id=figure.figure_id)
        upsert(connection, "panels", "panel_id", panel_row(named, position, hashed))
        journal.refresh_panel(connection, panel_id)


def _adopt_panels(
    connection: Connection, figure: Figure, panels: Sequence[tuple[Panel, str]], pairs: dict[int, str]
) -> dict[int, str]:
    """Panels that come back after they were lost take up the id under which people spoke of them."""
    retired = journal.retired_anchors(connection, "panel", figure.paper_id)
    version = connection.execute(
        "SELECT paper_version FROM figures WHERE figure_id = ?", (figure.figure_id,)
    ).fetchone()[0]
    free = [i for i in range(len(panels)) if i not in pairs]

    def likeness(old: str, position: int) -> float:
        anchor, (panel, hashed) = retired[old], panels[free[position]]
        if anchor.pixel_hash == hashed:
            return 1.0
        place = _place_in(anchor, figure) if anchor.version == version else None
        return iou(place, as_fractions(panel.box, figure.width, figure.height)) if place else 0.0

    return {free[position]: old for position, old in match(sorted(retired), free, likeness).items()}


def _place_in(anchor: Anchor, figure: Figure) -> Box | None:
    """Where the anchored panel lies in ``figure`` now, as fractions; None when it is not this figure's place."""
    if anchor.panel_box is None or anchor.box is None or figure.box is None or anchor.page != figure.page:
        return None
    if iou(anchor.box, figure.box) < SAME_PLACE_IOU:
        return None
    return carried_over(anchor.panel_box, anchor.box, figure.box)


def forgotten_places(connection: Connection, figure: Figure) -> list[Box]:
    """Where forgotten panels lie in ``figure``, as fractions of its size."""
    rows = connection.execute(
        "SELECT anchor FROM tombstones WHERE entity = 'panel' AND paper_id = ?", (figure.paper_id,)
    ).fetchall()
    places = [_place_in(anchor, figure) for row in rows if (anchor := anchor_of(row["anchor"])) is not None]
    return [place for place in places if place is not None]


def _lies_on(places: Sequence[Box], panel: Panel, figure: Figure) -> bool:
    mine = as_fractions(panel.box, figure.width, figure.height)
    return any(iou(place, mine) >= SAME_PLACE_IOU for place in places)


def forgotten_pictures(connection: Connection, paper_id: str) -> set[str]:
    """Pixel hashes of figures that were forgotten whole because their panels have no place on a page."""
    rows = connection.execute(
        "SELECT anchor FROM tombstones WHERE entity = 'figure' AND paper_id = ?", (paper_id,)
    ).fetchall()
    return {anchor.pixel_hash for row in rows if (anchor := anchor_of(row["anchor"])) is not None}


def _free_id(connection: Connection, entity: str, wanted: str, taken: set[str]) -> str:
    """``wanted``, or with a number where the id is taken or people once spoke of another picture under it."""
    number, name = 1, wanted
    while name in taken or _exists(connection, entity, name) or journal.id_has_words(connection, entity, name):
        number += 1
        name = f"{wanted}-{number}"
    return name


def _exists(connection: Connection, entity: str, name: str) -> bool:
    found = connection.execute(f"SELECT 1 FROM {entity}s WHERE {entity}_id = ?", (name,)).fetchone()
    return found is not None
