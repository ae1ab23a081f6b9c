"""Connected pixels that rules proposed: of what kind each is, and named filters that drop what cannot be a mark."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from covidct.imaging.ocr import PixelBox
from covidct.imaging.overlays.net import CLASSES
from covidct.imaging.overlays.scene import LIMITS, Bools, Scene, apart
from covidct.imaging.overlays.shapes import kind_of_shape


@dataclass(frozen=True)
class Piece:
    """A connected proposal: its pixels inside ``box`` and where it came from."""

    box: PixelBox
    pixels: Bools
    rule: str
    kind: str
    score: float
    rim: bool = False
    """Whether it is a thin even line along a side of the picture, or of what borders leave of it."""
    speck: bool = False
    """Whether it is small for a mark."""


def too_small(piece: Piece) -> bool:
    """Grain: fewer pixels than the smallest full stop that anyone reads."""
    return int(piece.pixels.sum()) < LIMITS.fewest


def doubtful(piece: Piece) -> bool:
    """The network alone saw it, and on average hardly believes it."""
    return piece.rule == "learned" and piece.score < LIMITS.doubt


def at_rim(piece: Piece) -> bool:
    """A thin line along the rim that nobody read: the edge of a crop or of a page, not a mark."""
    return piece.rule == "learned" and piece.rim


FILTERS: tuple[Callable[[Piece], bool], ...] = (too_small, doubtful, at_rim)


def alone(piece: Piece, others: Sequence[PixelBox], reach: float) -> bool:
    """A speck that only the network saw, without text that was read or a larger mark within ``reach`` pixels: a wire,
    a clip, a vessel that a sharp kernel renders like ink, far more often than a mark."""
    return piece.rule == "learned" and piece.speck and all(apart(piece.box, box) > reach for box in others)


def pieces_of(scene: Scene, proposals: Mapping[str, Bools]) -> tuple[list[Piece], list[tuple[Piece, str]]]:
    """Pieces that may be marks, and those dropped with the name of the filter."""
    together = np.logical_or.reduce(list(proposals.values())).astype(np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(together, connectivity=8)
    kept, dropped = list[Piece](), list[tuple[Piece, str]]()
    for n in range(1, count):
        x, y, width, height = (int(v) for v in stats[n, :4])
        piece = _piece(scene, proposals, (x, y, x + width, y + height), labels[y : y + height, x : x + width] == n)
        reason = next((rule.__name__ for rule in FILTERS if rule(piece)), "")
        if reason:
            dropped.append((piece, reason))
        else:
            kept.append(piece)
    company = [piece.box for piece in kept if not piece.speck or piece.rule != "learned"]
    company += [line.box for line in scene.lines]
    reach = LIMITS.reach * max(scene.grey.shape)
    dropped += [(piece, "alone") for piece in kept if alone(piece, company, reach)]
    return [piece for piece in kept if not alone(piece, company, reach)], dropped


def _piece(scene: Scene, proposals: Mapping[str, Bools], box: PixelBox, pixels: Bools) -> Piece:
    x0, y0, x1, y1 = box
    shares = {name: int((mask[y0:y1, x0:x1] & pixels).sum()) for name, mask in proposals.items()}
    rule = max(shares, key=lambda name: shares[name])
    likely = scene.likely[y0:y1, x0:x1][pixels]
    kind = kind_of_shape(pixels) or CLASSES[1 + int(likely[:, 1:].mean(axis=0).argmax())]
    if any(_covers(line.box, box) for line in scene.texts):
        kind = "text"
    score = 1.0 if rule not in ("learned", "read") else float(np.percentile(1 - likely[:, 0], 80))
    speck = bool(pixels.sum() < LIMITS.speck * scene.grey.size)
    return Piece(box, pixels, rule, kind, round(score, 3), _along_rim(scene, box, pixels), speck)


def _along_rim(scene: Scene, box: PixelBox, pixels: Bools) -> bool:
    """Whether a piece lies in the first lines inside the borders, which no letter fits in, or is even and not deep."""
    left, top, right, bottom = scene.inner
    x0, y0, x1, y1 = box
    core = pixels[max(0, top + LIMITS.rim - y0) : max(0, bottom - LIMITS.rim - y0)]
    core = core[:, max(0, left + LIMITS.rim - x0) : max(0, right - LIMITS.rim - x0)]
    if core.sum() <= LIMITS.inside * pixels.sum():
        return True
    deep = max(LIMITS.rim, round(LIMITS.depth * min(scene.grey.shape)))
    side = (x1 <= left + deep or x0 >= right - deep) and y1 - y0 >= LIMITS.long * (x1 - x0)
    end = (y1 <= top + deep or y0 >= bottom - deep) and x1 - x0 >= LIMITS.long * (y1 - y0)
    if not side and not end:
        return False
    along = scene.grey[y0:y1, x0:x1].mean(axis=1 if side else 0)
    return bool(np.median(np.abs(np.diff(along))) <= LIMITS.even)


def _covers(line: PixelBox, box: PixelBox) -> bool:
    """Whether half of ``box`` lies in ``line``."""
    width = min(line[2], box[2]) - max(line[0], box[0])
    height = min(line[3], box[3]) - max(line[1], box[1])
    return width > 0 and height > 0 and 2 * width * height >= (box[2] - box[0]) * (box[3] - box[1])
