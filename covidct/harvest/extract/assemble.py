"""Stage 5: a caption's regions become one figure: words inside the figure are taken in, the caption is kept out."""

from dataclasses import dataclass

from covidct.harvest.extract.boxes import area, height, inside, meet, overlap_x, overlap_y, union, width
from covidct.harvest.extract.match import Found
from covidct.harvest.extract.page import Line, Page, Placement
from covidct.harvest.extract.starts import Body
from covidct.records import Box

ABOVE_BELOW = 9.0
BESIDE = 13.0
"""Points: how far an axis title or panel letter may stand from the graphics."""


@dataclass(frozen=True)
class Assembled:
    """A figure's box on its page (analysis frame), what lies in it, and its kind."""

    box: Box
    placements: tuple[Placement, ...]
    words: int
    kind: str


def assemble(found: Found, page: Page, barred: list[Line], running: list[Line], body: Body) -> Assembled:
    """The figure of ``found``; ``barred`` are the lines of all captions and tags of the page."""
    skip = {id(line) for line in (*barred, *running)}
    free = [line for line in page.lines if id(line) not in skip and line.size < body.size * 2.2]
    box, words = _with_words(found.box, free, [line.box for line in running])
    for line in barred:
        box = _clear_of(box, line.box)
    placements = tuple(p for region in found.regions for p in region.placements)
    strokes = sum(region.strokes for region in found.regions)
    kind = "vector" if not placements else "mixed" if strokes or words else "raster"
    return Assembled(meet(box, page.box), placements, words, kind)


def _with_words(box: Box, lines: list[Line], barriers: list[Box]) -> tuple[Box, int]:
    left = list(lines)
    words = 0
    grown = True
    while grown:
        grown = False
        for line in list(left):
            if not _belongs(line, box):
                continue
            wider = union((box, line.box))
            if any(inside(b, wider) > 0.5 and inside(b, box) <= 0.5 for b in barriers):
                continue
            left.remove(line)
            words += 1
            grown = grown or wider != box
            box = wider
    return box, words


def _belongs(line: Line, box: Box) -> bool:
    if inside(line.box, box) > 0.5:
        return True
    near = (box[0] - BESIDE, box[1] - ABOVE_BELOW, box[2] + BESIDE, box[3] + ABOVE_BELOW)
    if overlap_x(line.box, near) <= 0 or overlap_y(line.box, near) <= 0:
        return False
    common = meet(line.box, box)
    level = max(common[2] - common[0], 0) / max(width(line.box), 1)
    upright = max(common[3] - common[1], 0) / max(height(line.box), 1)
    return max(level, upright) > 0.5 and len(line.text) < 90


def _clear_of(box: Box, line: Box) -> Box:
    """``box`` cut back to the larger part that leaves out ``line``."""
    common = meet(box, line)
    if common[2] - common[0] <= 0 or common[3] - common[1] <= 0:
        return box
    parts = [
        (box[0], box[1], box[2], line[1] - 0.5),
        (box[0], line[3] + 0.5, box[2], box[3]),
        (box[0], box[1], line[0] - 0.5, box[3]),
        (line[2] + 0.5, box[1], box[2], box[3]),
    ]
    return max(parts, key=area)
