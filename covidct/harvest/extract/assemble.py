"""Stage 5: a caption's regions become one figure: words inside the figure are taken in, the caption is kept out."""

from dataclasses import dataclass

from covidct.harvest.extract.beside import Found
from covidct.harvest.extract.boxes import area, height, inside, meet, overlap_x, overlap_y, union, width
from covidct.harvest.extract.page import Line, Page, Placement
from covidct.harvest.extract.starts import Body
from covidct.records import Box


@dataclass(frozen=True)
class Thresholds:
    """What taking words into a figure compares with; points where nothing else is said."""

    above_below: float = 9.0
    """How far an axis title or panel letter may stand above or below the graphics."""
    beside: float = 13.0
    """The same beside them."""
    own_page: float = 24.0
    """The same above and below, on a page that holds nothing but the figure."""
    level: float = 200.0
    """How far beside the graphics words may stand that are level with them, where only the figure can be."""
    large: float = 2.2
    """Times the size of the running text from which words are a heading, not a part of a figure."""
    own: float = 0.5
    """Share of a line that lies inside, or level, from which it belongs."""
    longest: int = 90
    """Letters of the longest line that is a word of a figure."""
    printed: float = 0.9
    """Share of a line that lies on a picture it is printed on."""
    body_size: float = 0.3
    """By how much a line may be smaller than the running text and still be a heading or a last line of text."""
    words: int = 5
    """More letters than a tick or panel letter has: a line of text over or under the graphics is longer."""
    flush: float = 5.0
    """How far left of the graphics such a line begins, or how much of its column a figure shares with text."""


LIMITS = Thresholds()


@dataclass(frozen=True)
class Assembled:
    """A figure's box on its page (analysis frame), what lies in it, and its kind."""

    box: Box
    placements: tuple[Placement, ...]
    words: int
    kind: str


@dataclass(frozen=True)
class Around:
    """What else stands on a figure's page: running text, lines of all captions and tags, graphics of others."""

    running: list[Line]
    barred: list[Line]
    others: list[Box]

    def lefts(self) -> list[float]:
        """Where columns of text begin."""
        return [line.box[0] for line in (*self.running, *self.barred)]


def assemble(found: Found, page: Page, around: Around, body: Body) -> Assembled:
    """The figure of ``found``."""
    barred, running = around.barred, around.running
    skip = {id(line) for line in (*barred, *running)}
    lefts = around.lefts()
    free = [
        line
        for line in page.lines
        if id(line) not in skip
        and line.size < body.size * LIMITS.large
        and not _flush_with_text(line, found.box, lefts, body)
    ]
    reach = LIMITS.above_below if around.running or found.caption.page == found.page else LIMITS.own_page
    box, words = _with_words(found.box, free, [line.box for line in running], reach)
    box, more = _with_level_words(box, free, around, _lane(found, page, around))
    words += more
    placements = tuple(p for region in found.regions for p in region.placements)
    box = _clear_of_all(box, barred, placements)
    strokes = sum(region.strokes for region in found.regions)
    kind = "vector" if not placements else "mixed" if strokes or words else "raster"
    return Assembled(meet(box, page.box), placements, words, kind)


def _with_words(box: Box, lines: list[Line], barriers: list[Box], reach: float) -> tuple[Box, int]:
    left = list(lines)
    words = 0
    grown = True
    while grown:
        grown = False
        for line in list(left):
            if not _belongs(line, box, reach):
                continue
            wider = union((box, line.box))
            if any(inside(b, wider) > LIMITS.own and inside(b, box) <= LIMITS.own for b in barriers):
                continue
            left.remove(line)
            words += 1
            grown = grown or wider != box
            box = wider
    return box, words


def _flush_with_text(line: Line, box: Box, lefts: list[float], body: Body) -> bool:
    """A heading or a last line of text over or under the graphics: it begins where the text does, left of them."""
    beyond = line.box[3] < box[1] + 2 or line.box[1] > box[3] - 2
    large = line.size > body.size - LIMITS.body_size and len(line.text) > LIMITS.words
    out = not line.way and beyond and large and line.box[0] < box[0] - LIMITS.flush
    return out and any(abs(line.box[0] - left) < 2 for left in lefts)


def _lane(found: Found, page: Page, around: Around) -> Box:
    """The part of the page, left to right, that is the figure's own: its columns of text, or all of an empty page."""
    if not around.running:
        return page.box
    over = [line.box for line in around.running if overlap_x(line.box, found.box) > LIMITS.flush]
    own = [found.caption.box] if overlap_x(found.caption.box, found.box) > LIMITS.flush else []
    return union([found.box, *over, *own])


def _with_level_words(box: Box, lines: list[Line], around: Around, lane: Box) -> tuple[Box, int]:
    """``box`` with words level with it and farther off: names at the tips of a tree, columns of a forest plot."""
    words = 0
    level = [line for line in lines if box[1] - 2 < (line.box[1] + line.box[3]) / 2 < box[3] + 2]
    for line in sorted(level, key=lambda line: max(line.box[0] - box[2], box[0] - line.box[2])):
        gap = max(line.box[0] - box[2], box[0] - line.box[2])
        if gap <= -1 or gap > LIMITS.level or line.box[0] < lane[0] - 3 or line.box[2] > lane[2] + 3:
            continue
        nearer = any(max(-overlap_x(line.box, o), -overlap_y(line.box, o)) < gap for o in around.others)
        if not nearer:
            box, words = union((box, line.box)), words + 1
    return box, words


def _belongs(line: Line, box: Box, reach: float) -> bool:
    if inside(line.box, box) > LIMITS.own:
        return True
    near = (box[0] - LIMITS.beside, box[1] - reach, box[2] + LIMITS.beside, box[3] + reach)
    if overlap_x(line.box, near) <= 0 or overlap_y(line.box, near) <= 0:
        return False
    common = meet(line.box, box)
    level = max(common[2] - common[0], 0) / max(width(line.box), 1)
    upright = max(common[3] - common[1], 0) / max(height(line.box), 1)
    return max(level, upright) > LIMITS.own and len(line.text) < LIMITS.longest


def _clear_of_all(box: Box, lines: list[Line], placements: tuple[Placement, ...]) -> Box:
    """``box`` cut back to leave out ``lines``; a caption printed on a picture costs no part of the picture."""
    for line in lines:
        if not any(inside(line.box, p.box) > LIMITS.printed for p in placements):
            box = _clear_of(box, line.box)
    return box


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
