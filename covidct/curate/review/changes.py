"""What a painted mask and redrawn boxes turn into: files and records in the workspace."""

from collections.abc import Mapping, Sequence
from typing import Any

import cv2
import numpy as np

from covidct.errors import UsageError
from covidct.imaging.overlays.find import paint_over
from covidct.pictures import png_bytes
from covidct.records import Figure, Panel
from covidct.workspace.workspace import Workspace

from .shown import painted, picture

LEAST_SIDE = 8
MOST_BOXES = 200


def checked_boxes(value: Any, figure: Figure) -> list[dict[str, Any]]:
    """The page's boxes as whole pixels inside the figure; raises :class:`UsageError` for anything else."""
    if not isinstance(value, list) or not 0 < len(value) <= MOST_BOXES:
        raise UsageError(f"a figure has 1 to {MOST_BOXES} boxes")
    return [{"label": _letter(item), "box": _box(item, figure)} for item in value]


def _letter(item: Any) -> str:
    letter = item.get("label", "") if isinstance(item, Mapping) else None
    if not isinstance(letter, str) or len(letter) > 4 or not letter.isprintable():
        raise UsageError("a panel's letter has at most 4 characters")
    return letter.strip()


def _box(item: Mapping[str, Any], figure: Figure) -> list[int]:
    values = item.get("box")
    if not isinstance(values, list) or len(values) != 4 or not all(type(v) in (int, float) for v in values):
        raise UsageError("a box is four numbers")
    if not all(-1e6 < v < 1e6 for v in values):
        raise UsageError("a box is four finite numbers")
    xs = [min(figure.width, max(0, round(values[i]))) for i in (0, 2)]
    ys = [min(figure.height, max(0, round(values[i]))) for i in (1, 3)]
    if xs[1] - xs[0] < LEAST_SIDE or ys[1] - ys[0] < LEAST_SIDE:
        raise UsageError(f"a box is at least {LEAST_SIDE} pixels wide and high, and inside its figure")
    return [xs[0], ys[0], xs[1], ys[1]]


def boxes_of(panels: Sequence[Panel]) -> list[dict[str, Any]]:
    """The panels' places in the form of a ``panels`` decision."""
    return [{"label": panel.panel_label, "box": [round(v) for v in panel.box]} for panel in panels]


def preview(workspace: Workspace, panel: Panel, mask: Any) -> bytes:
    """PNG of the panel with the page's mask filled in; nothing is kept."""
    pixels = picture(workspace.path(panel.file))
    return png_bytes(paint_over(pixels, painted(mask, pixels.shape[:2])))


def mask_value(workspace: Workspace, panel: Panel, mask: Any, before: Mapping[str, Any]) -> dict[str, Any]:
    """The value of a ``mask`` decision for a painted mask: files, boxes by kind; what is known of the text stays."""
    pixels = picture(workspace.path(panel.file))
    where = painted(mask, pixels.shape[:2])
    white = where.astype(np.uint8) * np.uint8(255)
    return {
        "mask": workspace.store(png_bytes(white), ".png").file,
        "masked": workspace.store(png_bytes(paint_over(pixels, where)), ".png").file,
        "boxes": _parts(white, before.get("boxes", [])),
        "identifying": before.get("identifying", "not-scanned"),
        "texts": before.get("texts", 0),
    }


def _parts(where: np.ndarray[Any, np.dtype[np.uint8]], known: Any) -> list[dict[str, Any]]:
    """The connected parts of a mask; each takes the kind of the rule's box that it meets, else ``marker``."""
    count, _, stats, _ = cv2.connectedComponentsWithStats(where, connectivity=8)
    boxes = []
    for left, top, width, height, _area in stats[1:count].tolist():
        box = [left, top, left + width, top + height]
        kinds = [item["kind"] for item in known if isinstance(item, Mapping) and _meet(box, item.get("box"))]
        boxes.append({"kind": kinds[0] if kinds else "marker", "box": box})
    return boxes


def _meet(a: Sequence[float], b: Any) -> bool:
    if not isinstance(b, list) or len(b) != 4:
        return False
    return bool(min(a[2], b[2]) > max(a[0], b[0]) and min(a[3], b[3]) > max(a[1], b[1]))
