"""Stage 3, clusters: image placements and strokes of a page into regions; what is no part of a figure is dropped."""

import itertools
from collections import defaultdict
from dataclasses import dataclass

from covidct.harvest.extract.boxes import area, height, inside, overlap_x, overlap_y, union, width
from covidct.harvest.extract.captions import Caption
from covidct.harvest.extract.grid import clusters
from covidct.harvest.extract.page import Line, Page, Placement, Stroke
from covidct.harvest.extract.tally import Tally
from covidct.records import Box

Place = tuple[int, ...]
WHITE = 0xFFFFFF


@dataclass(frozen=True)
class Thresholds:
    """What clustering compares with; points where nothing else is said. Set on the papers of truth/figures.json."""

    reach: float = 7.0
    """Between parts of one region."""
    speck: float = 3.0
    """Pictures that together are thinner are no picture."""
    least: float = 28.0
    """Width and height of the smallest drawing that may be a figure on its own."""
    least_raster: float = 18.0
    """The same of embedded pictures: a strip of a blot."""
    least_area: float = 2500.0
    """Square points of either."""
    thin: float = 2.6
    """A drawn box no thicker is a rule."""
    long: float = 4.0
    """How many times as long as thick a rule is at least."""
    branches: int = 6
    """So many different extents of level rules, most of them unlike, are no table: a tree, a dendrogram."""
    held: float = 0.9
    """Share of a line from which it lies inside a box."""
    background: float = 0.85
    """Share of the page from which a picture under text is paper."""
    framed_lines: int = 6
    """So many lines of running text make the shape round them a frame, where they fill it by ``framed_share``."""
    framed_share: float = 0.35
    margin: float = 0.15
    """Share of the page's height at head and foot, where one of any size is."""
    repeated: tuple[int, float] = (3, 0.3)
    """Pages, and share of the pages, on which strokes of one place are bands or rules of the layout."""
    level_captions: float = 60.0
    """By how much captions of figures side by side may stand at different heights."""
    column: float = 100.0
    """Width of the narrowest caption that fills a column."""
    framed_caption: float = 0.8
    """Share of a caption's height or width along which a rule of the frame round it runs."""
    same_place: float = 8.0
    """Pictures of one size on two pages whose corners differ by less stand in one place."""
    together: float = 0.8
    """Times the length of the middle one of small pieces: as far they may stand apart and make one region."""
    pieces: tuple[float, float] = (8.0, 40.0)
    """Nearest and farthest reach at which small pieces, as the bars of a chart, make one region."""


LIMITS = Thresholds()


@dataclass(frozen=True)
class Region:
    """Graphics of a page that hang together. ``weak``: rules only, as tables, underlines and fractions have."""

    page: int
    box: Box
    placements: tuple[Placement, ...]
    strokes: int
    weak: bool

    @property
    def strong(self) -> bool:
        """Whether it may be a figure on its own."""
        least = LIMITS.least_raster if self.placements else LIMITS.least
        return not self.weak and min(width(self.box), height(self.box)) >= least and area(self.box) >= LIMITS.least_area


def find_regions(
    pages: list[Page], captions: list[Caption], running: list[list[Line]], tally: Tally
) -> list[list[Region]]:
    """The regions of every page; ``running``: the running text of each."""
    repeated = _repeated(pages)
    bands = _repeated_strokes(pages)
    out = []
    for number, page in enumerate(pages):
        barred = [page.lines[i] for c in captions if c.page == number for i in c.lines]
        barred += [page.lines[i] for c in captions if c.page == number - 1 for i in c.overleaf]
        placements = [p for p in page.placements if not _drop_placement(page, p, repeated, running[number], tally)]
        frames = _frames([s for s in page.strokes if s.straight], [c.box for c in captions if c.page == number])
        if frames:
            tally.fired("drop:frame of rules")
        texts = (barred, running[number])
        least = min((height(line.box) for lines in texts for line in lines), default=0.0)
        strokes = [
            s
            for s in page.strokes
            if id(s) not in frames
            and not _drop_stroke(page, s, bands, tally)
            and (height(s.box) < LIMITS.held * least or not _frames_text(s, *texts, tally))
        ]
        own = [c.box for c in captions if c.page == number and c.label.kind == "figure"]
        out.append([r for r in _regions(number, placements, strokes, own) if not _drop_speck(page, r, tally)])
    return out


def _repeated(pages: list[Page]) -> set[Place]:
    """Places at which one image stands on three or more pages: of one size, and stored in as many bytes."""
    seen: dict[Place, set[int]] = defaultdict(set)
    for page in pages:
        for placement in page.placements:
            seen[_place(placement)].add(page.number)
    return {place for place, numbers in seen.items() if len(numbers) >= LIMITS.repeated[0]}


def _repeated_strokes(pages: list[Page]) -> set[Place]:
    """Places at which strokes of one size and colour stand on most pages: bands, rules, watermarks."""
    seen: dict[Place, set[int]] = defaultdict(set)
    for page in pages:
        for stroke in page.strokes:
            seen[_stroke_place(stroke)].add(page.number)
    enough = max(LIMITS.repeated[0], LIMITS.repeated[1] * len(pages))
    return {place for place, numbers in seen.items() if len(numbers) >= enough}


def _stroke_place(stroke: Stroke) -> Place:
    x0, y0, x1, y1 = (round(v / 3) for v in stroke.box)
    return (x0, y0, x1, y1, stroke.color)


def _place(placement: Placement) -> Place:
    left, top = (round(value / LIMITS.same_place) for value in placement.box[:2])
    return (left, top, *placement.pixels, placement.stored)


def _drop_placement(page: Page, p: Placement, repeated: set[Place], running: list[Line], tally: Tally) -> bool:
    reason = ""
    margin = p.box[3] < LIMITS.margin * page.height or p.box[1] > (1 - LIMITS.margin) * page.height
    if _place(p) in repeated and margin:
        reason = "repeated on other pages"
    elif area(p.box) > LIMITS.background * area(page.box) and len(running) > 3:
        reason = "background of the page"
    if reason:
        tally.drop("image", reason.replace(" ", "-"), reason, page.number, page.to_page(p.box))
    return bool(reason)


def _drop_speck(page: Page, region: Region, tally: Tally) -> bool:
    """Pictures that even together are no more than a speck or a rule; strips that make one picture are not."""
    speck = bool(region.placements) and min(width(region.box), height(region.box)) < LIMITS.speck
    if speck:
        tally.drop("image", "speck", "speck", page.number, page.to_page(region.box))
    return speck


def _drop_stroke(page: Page, s: Stroke, bands: set[Place], tally: Tally) -> bool:
    if _stroke_place(s) in bands:
        tally.fired("drop:repeated on other pages")
        return True
    if s.filled and s.color == WHITE:
        tally.fired("drop:white paint")
        return True
    if area(s.box) > LIMITS.held * area(page.box):
        tally.fired("drop:background of the page")
        return True
    return False


def _frames_text(s: Stroke, barred: list[Line], running: list[Line], tally: Tally) -> bool:
    """Whether ``s`` is drawn round a caption or a good part of the running text."""
    if min(width(s.box), height(s.box)) < 4:
        return False
    held = [line for line in running if inside(line.box, s.box) > LIMITS.held]
    framed = any(inside(line.box, s.box) > LIMITS.held for line in barred)
    if framed or (
        len(held) >= LIMITS.framed_lines and sum(height(x.box) for x in held) > LIMITS.framed_share * height(s.box)
    ):
        tally.fired("drop:frame round text")
        return True
    return False


def _frames(strokes: list[Stroke], captions: list[Box]) -> set[int]:
    """Ids of the rules that frame a caption left, right, over and under, and of those that join them."""
    rules = [s for s in strokes if min(width(s.box), height(s.box)) <= LIMITS.thin]
    out: set[int] = set()
    for members in clusters([s.box for s in rules], 1.0) if captions else []:
        boxes = [rules[n].box for n in members]
        upright = [b for b in boxes if height(b) > LIMITS.long * width(b)]
        level = [b for b in boxes if width(b) > LIMITS.long * height(b)]
        if any(_framed(caption, upright, level) for caption in captions):
            out |= {id(rules[n]) for n in members}
    return out


def _framed(caption: Box, upright: list[Box], level: list[Box]) -> bool:
    beside = [b for b in upright if overlap_y(b, caption) > LIMITS.framed_caption * height(caption)]
    across = [b for b in level if overlap_x(b, caption) > LIMITS.framed_caption * width(caption)]
    return (
        any(b[2] < caption[0] + 1 for b in beside)
        and any(b[0] > caption[2] - 1 for b in beside)
        and any(b[3] < caption[1] + 1 for b in across)
        and any(b[1] > caption[3] - 1 for b in across)
    )


def _regions(number: int, placements: list[Placement], strokes: list[Stroke], captions: list[Box]) -> list[Region]:
    unique = list({tuple(round(v / 2) for v in s.box): s for s in strokes}.values())
    boxes = [p.box for p in placements] + [s.box for s in unique]
    regions = []
    for members in _in_columns(clusters(boxes, LIMITS.reach), boxes, captions):
        images = tuple(placements[i] for i in members if i < len(placements))
        drawn = [unique[i - len(placements)] for i in members if i >= len(placements)]
        box = union([boxes[i] for i in members])
        regions.append(Region(number, box, images, len(drawn), not images and rules_only([s.box for s in drawn])))
    return _pieced_together(regions)


def _in_columns(groups: list[list[int]], boxes: list[Box], captions: list[Box]) -> list[list[int]]:
    """``groups`` of positions in ``boxes``, those parted that lie over or under two captions side by side.

    Figures of two columns may stand nearer to each other than the parts of one figure; then no part crosses the blank
    between their captions.
    """
    out = []
    for members in groups:
        whole = union([boxes[n] for n in members])
        gap = next((gap for gap in _gaps(captions) if whole[0] < gap[0] and gap[1] < whole[2]), None)
        left = [n for n in members if gap is not None and boxes[n][2] < gap[1]]
        right = [n for n in members if gap is not None and boxes[n][0] > gap[0] and n not in left]
        apart = left and right and len(left) + len(right) == len(members)
        out += [left, right] if apart else [members]
    return out


def _gaps(captions: list[Box]) -> list[tuple[float, float]]:
    """The blanks between captions that stand about level in two columns, left and right end."""
    pairs = itertools.permutations(captions, 2)
    level = [(a, b) for a, b in pairs if a[2] < b[0] and abs(a[1] - b[1]) < LIMITS.level_captions]
    return [(a[2], b[0]) for a, b in level if width(a) > LIMITS.column and width(b) > LIMITS.column]


def _pieced_together(regions: list[Region]) -> list[Region]:
    """``regions`` with small pieces that only together are as large as a figure made one: bars without an axis."""
    small = [region for region in regions if not region.strong and not region.weak]
    if len(small) < 2:
        return regions
    longest = sorted(max(width(r.box), height(r.box)) for r in small)
    reach = min(max(LIMITS.together * longest[len(longest) // 2], LIMITS.pieces[0]), LIMITS.pieces[1])
    out = [region for region in regions if region.strong or region.weak]
    for members in clusters([r.box for r in small], reach):
        pieces = [small[i] for i in members]
        whole = Region(
            pieces[0].page,
            union([r.box for r in pieces]),
            tuple(p for r in pieces for p in r.placements),
            sum(r.strokes for r in pieces),
            False,
        )
        out += [whole] if whole.strong else pieces
    return out


def rules_only(boxes: list[Box]) -> bool:
    """Whether all boxes are level rules, or rules and the uprights of a table between them."""
    level = [b for b in boxes if height(b) <= LIMITS.thin and width(b) > LIMITS.long * height(b)]
    upright = [b for b in boxes if width(b) <= LIMITS.thin and height(b) > LIMITS.long * width(b)]
    if len(level) == len(boxes):
        return True
    if len(level) + len(upright) < len(boxes) or _branching(level):
        return False
    return len(level) >= 2 and all(any(overlap_y(b, u) > -4 and overlap_x(b, u) > -4 for b in level) for u in upright)


def _branching(level: list[Box]) -> bool:
    """Whether level rules begin and end at many different places, as no columns of a table do."""
    extents = {(round(box[0] / 3), round(box[2] / 3)) for box in level}
    return len(extents) >= LIMITS.branches and len(extents) > 0.5 * len(level)
