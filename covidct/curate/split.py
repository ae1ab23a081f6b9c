"""Step ``split``: each figure of the workspace into panels, with letters, sub-captions and stored pictures."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from covidct.captions.letters import READ, Lettered
from covidct.captions.subcaptions import split_caption
from covidct.curate.subcaption import texts_of
from covidct.errors import CovidctError
from covidct.files import safe_name
from covidct.imaging.panels.split import split
from covidct.pictures import grey_if_colourless, open_picture, png_bytes
from covidct.records import Box, Decision, Dropped, Figure, Panel
from covidct.steps import Item, Outcome
from covidct.workspace import Workspace
from covidct.workspace.disk import named

EMPTY = frozenset({"blank", "sliver"})
"""What cutting leaves over: nothing that anybody would look for in the ledger."""


@dataclass(frozen=True)
class Part:
    """One panel to be: letter, box in figure pixels, how sure the box is, and how the letter was come by."""

    label: str
    box: tuple[int, int, int, int]
    score: float
    by: str = READ


def items(workspace: Workspace) -> Iterator[Item]:
    """Every figure; due when its picture, its caption or the boxes that a person drew are new."""
    drawn = workspace.current_all("figure", "panels")
    for figure in workspace.figures():
        by_hand = drawn.get(figure.figure_id)
        boxes = by_hand.value if by_hand and by_hand.by.startswith("curator:") else None
        inputs = f"{figure.sha256} {figure.caption} {boxes}"
        path = workspace.path(figure.file) if figure.file else None
        yield Item(figure.figure_id, inputs, path and (figure, path, boxes))


def run(item: Item) -> Outcome:
    """Panels of one figure: along a person's boxes where there are some, else where the pixels say."""
    figure, path, boxes = item.value
    image = open_picture(path)
    if boxes is not None:
        parts = _drawn(boxes, image.shape[1], image.shape[0], figure.figure_id)
        return _outcome(figure, image, parts, {"drawn by a curator": 1})
    texts = split_caption(figure.caption).panels
    found = split(image, expected=list(texts) or None)
    parts = [Part(p.label, p.box, p.score, p.label_by) for p in found.panels]
    left = [
        Dropped(d.reason, "no panel", figure.page, _as_box(d.box), d.reason)
        for d in found.dropped
        if d.reason not in EMPTY
    ]
    decision = _decision(figure, parts, found.rules)
    return _outcome(figure, image, parts, dict(found.rules), [decision], left)


def cut_along(workspace: Workspace, figure: Figure, boxes: Any) -> None:
    """Make the crops along ``boxes`` (``[{"label", "box"}]``, figure pixels) the figure's panels.

    Panels that stay in place keep their ids. Raises CovidctError for a box outside of the figure.
    """
    outcome = run(Item(figure.figure_id, "", (figure, workspace.path(figure.file), boxes)))
    for data, suffix in outcome.files:
        workspace.store(data, suffix)
    workspace.replace_panels(figure.figure_id, outcome.panels[figure.figure_id])


def _outcome(
    figure: Figure,
    image: NDArray[np.uint8],
    parts: Sequence[Part],
    counts: Mapping[str, int],
    decisions: Sequence[Decision] = (),
    dropped: Sequence[Dropped] = (),
) -> Outcome:
    crops = [png_bytes(grey_if_colourless(image[y0:y1, x0:x1])) for x0, y0, x1, y1 in (part.box for part in parts)]
    panels = _panels(figure, parts, crops)
    return Outcome(
        decisions,
        panels={figure.figure_id: panels},
        files=[(crop, ".png") for crop in crops],
        dropped=dropped,
        counts={**counts, "panels": len(panels)},
    )


def _drawn(value: Any, width: int, height: int, figure_id: str) -> list[Part]:
    """Boxes that a curator drew (``[{"label", "box"}]``, figure pixels), cut to the picture."""
    parts = []
    for item in value if isinstance(value, list) else []:
        x0, y0, x1, y1 = (round(float(v)) for v in item["box"])
        box = (max(0, x0), max(0, y0), min(width, x1), min(height, y1))
        if box[2] - box[0] < 2 or box[3] - box[1] < 2:
            raise CovidctError(f"{figure_id}: a drawn box lies outside of the figure: draw it again")
        parts.append(Part(str(item.get("label", "")), box, 1.0))
    return parts


def _decision(figure: Figure, parts: Sequence[Part], rules: Any) -> Decision:
    value = [{"label": p.label, "box": list(p.box)} for p in parts]
    sure = min((p.score for p in parts), default=0.0)
    why = f"{len(parts)} panel{'s' * (len(parts) != 1)}; least sure box {sure:.2f}"
    evidence = {"rules": dict(rules), "scores": [p.score for p in parts]}
    return Decision("figure", figure.figure_id, "panels", value, "", why, sure, evidence)


def _panels(figure: Figure, parts: Sequence[Part], crops: Sequence[bytes]) -> list[Panel]:
    names = [Lettered(str(n), part.label, part.by) for n, part in enumerate(parts)]
    texts = texts_of(figure.caption, names)
    panels, taken = [], set()
    for index, (part, crop) in enumerate(zip(parts, crops, strict=True), 1):
        stored = named(crop, ".png")
        name = safe_name(part.label) if part.label and part.label not in taken else str(index)
        taken.add(name)
        x0, y0, x1, y1 = part.box
        panels.append(
            Panel(
                f"{figure.figure_id}-{name}",
                figure.figure_id,
                part.label,
                _as_box(part.box),
                texts[str(index - 1)][0] if part.label else "",
                score=part.score,
                file=stored.file,
                width=x1 - x0,
                height=y1 - y0,
                sha256=stored.sha256,
                letter_by=part.by if part.label else "none",
            )
        )
    return panels


def _as_box(box: tuple[int, int, int, int]) -> Box:
    x0, y0, x1, y1 = box
    return float(x0), float(y0), float(x1), float(y1)
