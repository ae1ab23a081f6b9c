"""What the chain found, against what was drawn."""

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from covidct.records import Box
from covidct.workspace.places import iou

FIGURE_IOU, PANEL_IOU = 0.7, 0.75


@dataclass(frozen=True)
class Score:
    """``right`` of ``true`` were found; ``extra`` were found that are not there."""

    what: str
    right: int
    true: int
    extra: int = 0


def score(
    truth: Sequence[Mapping[str, Any]],
    papers: Sequence[Mapping[str, str]],
    figures: Sequence[Mapping[str, str]],
    panels: Sequence[Mapping[str, str]],
) -> list[Score]:
    """Papers, figures, captions, panels, letters and labels right; each figure's panels only where it was found."""
    dois = {row["paper_id"]: row["doi"] for row in papers}
    found = {id(t): _figure_for(t, figures, dois) for t in truth}
    matched = [(t, f) for t in truth if (f := found[id(t)]) is not None]
    true_panels = sum(len(t["panels"]) for t in truth)
    pairs = [pair for t, f in matched for pair in _panels_for(t, f, panels)]
    drawn = {f["figure_id"] for t, f in matched if t["panels"]}
    ours = [row for row in panels if row["figure_id"] in drawn]
    wanted = {t["doi"] for t in truth}
    return [
        Score("papers with figures", len(wanted & {dois[f["paper_id"]] for f in figures}), len(wanted)),
        Score("figures (label, IoU 0.7)", len(matched), len(truth), len(figures) - len(matched)),
        Score("captions word for word", sum(_same(t["caption"], f["caption"]) for t, f in matched), len(truth)),
        Score("CT panels (IoU 0.75)", len(pairs), true_panels, len(ours) - len(pairs)),
        Score("panel letters", sum(t["letter"] == p["panel_label"] for t, p in pairs), true_panels),
        Score("panel labels", sum(t["label"] == p["label"] for t, p in pairs), true_panels),
        Score("kind: axial lung CT", sum(p["kind"] == "ct_axial_lung" for _, p in pairs), true_panels),
    ]


def _figure_for(
    true: Mapping[str, Any], figures: Sequence[Mapping[str, str]], dois: Mapping[str, str]
) -> Mapping[str, str] | None:
    for row in figures:
        if dois[row["paper_id"]] != true["doi"] or row["page"] != str(true["page"]):
            continue
        if _label(row["label"]) == _label(true["label"]) and iou(_box(row), tuple(true["box"])) >= FIGURE_IOU:
            return row
    return None


def _panels_for(
    true: Mapping[str, Any], figure: Mapping[str, str], panels: Sequence[Mapping[str, str]]
) -> list[tuple[Mapping[str, Any], Mapping[str, str]]]:
    """Drawn panels and the found ones that cover them, compared on the page: the cut may differ by a little."""
    mine = [row for row in panels if row["figure_id"] == figure["figure_id"]]
    pairs = []
    for panel in true["panels"]:
        place = _scaled(panel["place"], tuple(true["box"]))
        for row in mine:
            pixels = _box(row)
            size = (int(figure["width"]), int(figure["height"]))
            fractions = (pixels[0] / size[0], pixels[1] / size[1], pixels[2] / size[0], pixels[3] / size[1])
            if iou(_scaled(fractions, _box(figure)), place) >= PANEL_IOU:
                pairs.append((panel, row))
                break
    return pairs


def _scaled(fractions: Sequence[float], box: Box) -> Box:
    width, height = box[2] - box[0], box[3] - box[1]
    x0, y0, x1, y1 = fractions
    return (box[0] + x0 * width, box[1] + y0 * height, box[0] + x1 * width, box[1] + y1 * height)


def _box(row: Mapping[str, str]) -> Box:
    return (float(row["x0"]), float(row["y0"]), float(row["x1"]), float(row["y1"]))


def _letters(text: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFKC", text).lower() if c.isalnum())


def _label(text: str) -> str:
    return _letters(text).removeprefix("figure").removeprefix("fig")


def _same(true: str, found: str) -> bool:
    return _letters(found).endswith(_letters(true)) and len(_letters(found)) - len(_letters(true)) <= len("figure10")
