"""Step ``split``: each figure of the workspace into panels, with letters, sub-captions and stored pictures."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from covidct.captions.subcaptions import split_caption
from covidct.curate.pictures import read_picture
from covidct.curate.report import StepReport
from covidct.errors import CovidctError
from covidct.files import safe_name, sha256_bytes
from covidct.imaging.panels.split import split
from covidct.progress import progress
from covidct.records import Box, Decision, Figure, Panel
from covidct.workspace import Workspace

STEP = "split"
VERSION = 1
BY = f"rule:split-figure@{VERSION}"


@dataclass(frozen=True)
class Part:
    """One panel to be: letter, box in figure pixels, and how sure the box is."""

    label: str
    box: tuple[int, int, int, int]
    score: float


def run(workspace: Workspace) -> StepReport:
    """Split every figure whose picture, caption or human-drawn boxes are new since the last run."""
    report = StepReport(STEP)
    drawn = workspace.current_all("figure", "panels")
    for figure in progress(workspace.figures(), STEP):
        if not figure.file:
            report.skipped += 1
            continue
        by_hand = drawn.get(figure.figure_id)
        key = _key(figure, by_hand)
        if workspace.done(STEP, key):
            report.skipped += 1
            continue
        try:
            _split_one(workspace, figure, by_hand, report)
        except CovidctError as error:
            report.failed.append((figure.figure_id, str(error)))
            continue
        workspace.mark(STEP, [key])
        report.done += 1
    return report


def _key(figure: Figure, by_hand: Decision | None) -> str:
    hand = by_hand.decision_id if by_hand and by_hand.by.startswith("curator:") else 0
    caption = sha256_bytes(figure.caption.encode())[:12]
    return f"{figure.figure_id}:{figure.sha256}:{caption}:{hand}:{VERSION}"


def cut_along(workspace: Workspace, figure: Figure, boxes: Any) -> None:
    """Make the crops along ``boxes`` (``[{"label", "box"}]``, figure pixels) the figure's panels.

    Panels that stay in place keep their ids. Raises CovidctError for a box outside of the figure.
    """
    image = read_picture(workspace.path(figure.file))
    parts = _drawn(boxes, image.shape[1], image.shape[0], figure.figure_id)
    texts = split_caption(figure.caption).panels
    workspace.replace_panels(figure.figure_id, _panels(workspace, figure, image, parts, texts))


def _split_one(workspace: Workspace, figure: Figure, by_hand: Decision | None, report: StepReport) -> None:
    if by_hand is not None and by_hand.by.startswith("curator:"):
        cut_along(workspace, figure, by_hand.value)
        report.count("drawn by a curator")
        report.count("panels")
        return
    image = read_picture(workspace.path(figure.file))
    texts = split_caption(figure.caption).panels
    found = split(image, expected=list(texts) or None)
    parts = [Part(p.label, p.box, p.score) for p in found.panels]
    for rule in found.rules:
        report.count(rule)
    workspace.decide([_decision(figure, parts, found.rules)])
    workspace.replace_panels(figure.figure_id, _panels(workspace, figure, image, parts, texts))
    report.count("panels")


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
    return Decision("figure", figure.figure_id, "panels", value, BY, why, sure, evidence)


def _panels(
    workspace: Workspace, figure: Figure, image: NDArray[np.uint8], parts: Sequence[Part], texts: dict[str, str]
) -> list[Panel]:
    by_letter = {label.upper(): text for label, text in texts.items()}
    panels, taken = [], set()
    for index, part in enumerate(parts, 1):
        x0, y0, x1, y1 = part.box
        stored = workspace.store(_png(image[y0:y1, x0:x1]), ".png")
        name = safe_name(part.label) if part.label and part.label not in taken else str(index)
        taken.add(name)
        box: Box = (float(x0), float(y0), float(x1), float(y1))
        sub_caption = by_letter.get(part.label.strip("().").upper(), "") if part.label else ""
        panels.append(
            Panel(
                f"{figure.figure_id}-{name}",
                figure.figure_id,
                part.label,
                box,
                sub_caption,
                score=part.score,
                file=stored.file,
                width=x1 - x0,
                height=y1 - y0,
                sha256=stored.sha256,
            )
        )
    return panels


def _png(picture: NDArray[np.uint8]) -> bytes:
    """PNG bytes; grey pictures in one channel, so that no colour is claimed that is not there."""
    from PIL import Image

    grey = bool((picture[:, :, :1] == picture).all())
    buffer = io.BytesIO()
    Image.fromarray(picture[:, :, 0] if grey else picture).save(buffer, "PNG")
    return buffer.getvalue()
