"""Stage 4a: which regions of a page belong to which of its captions."""

import math
from dataclasses import dataclass, field

from covidct.harvest.extract.boxes import area, height, inside, overlap_x, overlap_y, union, width
from covidct.harvest.extract.captions import Caption
from covidct.harvest.extract.graphics import Region
from covidct.harvest.extract.page import Line
from covidct.records import Box


@dataclass(frozen=True)
class Thresholds:
    """What matching compares with; points where nothing else is said. Set on the papers of truth/figures.json."""

    small: float = 0.03
    """Share of the largest region's area below which one is small."""
    step: float = 26.0
    """Between the rules of a table-like figure."""
    apart: float = 24.0
    """A region farther from the rest and not level with it is no part of it."""
    side_cost: float = 15.0
    """How much farther a caption beside a figure counts than one above or below it."""
    side_reach: float = 110.0
    """How far beside its figure a caption may stand."""
    side_width: tuple[float, float, float] = (0.6, 80.0, 0.75)
    """Widest caption beside a figure: a share of the figure's width and points more, or a share of the text's width."""
    skew: float = 24.0
    """How far over or under its figure's ink a caption beside it may begin."""
    touch: float = 5.0
    """Overlap from which words stand in the way, or beside."""
    short: float = 30.0
    """Height of a caption of one or two lines: it may be narrower than its figure."""
    column: float = 0.9
    """Share of the column's width for which a short caption stands."""
    level_captions: float = 100.0
    """Captions at heights that differ by less share the width between them."""
    inside: float = 0.9
    """Share of a caption that lies on a picture in whose blank corner it is printed."""
    intrudes: float = 0.3
    """Share of a region's height by which it may reach beyond its caption's edge (frames, tall letters)."""
    shared: float = 0.25
    """Share of the narrower of region and caption that both have in common, left to right."""
    near: float = 60.0
    """A caption that has graphics this near above or below it is not looked for beside a figure."""
    adopted: float = 150.0
    """How far beside a figure graphics of the same height may stand that no caption claims."""
    level: float = 0.6
    """Share of the lower of two heights from which regions stand level."""
    same_height: float = 0.7
    """The same of the higher, where no caption claims one of them."""
    wide: float = 1.15
    """More than this part of a column is over two columns."""
    level_reach: float = 70.0
    """How far beside the graphics a panel or legend may stand that no caption claims."""
    blocked: int = 2
    """So many lines of running text part a caption from graphics."""
    one_column: float = 0.55
    """Share of the page's width that lines of a text in one column take."""
    large: tuple[float, ...] = (30000.0, 15000.0, 6000.0)
    """Square points of graphics on a page that holds a figure of its own; the first that gives one page a caption."""
    few_lines: int = 8
    """Lines of running text from which a page is no page of a figure alone."""
    narrow: float = 0.6
    """Share of the page's width below which rules and specks of a page of its own are part of its figure."""
    preferred: float = 0.1
    """What a page's plan is worth more, in pairs, with captions on the side that most pages have them."""
    far: float = 200.0
    """A pair this far apart is worth half as much as one that touches; farther ones no less."""
    leaf_pairs: int = 2
    """So many pairs of one way on their pages show the way of a document."""


LIMITS = Thresholds()
WAYS = ("above", "below")
PAIRS = {
    "graphic-above": ("same-page", 1.0),
    "graphic-below": ("same-page", 1.0),
    "beside": ("same-page", 1.0),
    "askew": ("same-page", 0.9),
    "only-one": ("same-page", 0.8),
    "tagged-page": ("tagged-page", 0.95),
    "file-name": ("file-name", 0.9),
    "page-before": ("next-page", 0.8),
    "page-after": ("next-page", 0.8),
    "by-order": ("by-order", 0.5),
    "by-order-unequal": ("by-order-unequal", 0.2),
}
"""Rule of matching to the name of the pair and its score: adjacent, labelled by print, next page, mere order."""


@dataclass
class Found:
    """A caption and its regions, all on ``page`` (a position in the list); ``how`` names the rules."""

    caption: Caption
    page: int
    regions: list[Region]
    how: list[str] = field(default_factory=list)
    more: list["Found"] = field(default_factory=list)
    """Parts of the figure on later pages."""

    @property
    def box(self) -> Box:
        """Round all regions."""
        return union([region.box for region in self.regions])

    @property
    def pair(self) -> str:
        """How caption and picture were brought together, one of the names in ``PAIRS``."""
        return PAIRS[self.how[0]][0]

    @property
    def pair_score(self) -> float:
        """How sure that is, 0 to 1; the judgement says from where on it may decide a label."""
        return PAIRS[self.how[0]][1]


@dataclass(frozen=True)
class PageView:
    """What matching sees of a page."""

    captions: list[Caption]
    regions: list[Region]
    running: list[Line]
    column: float = 0.0
    """Usual width of a text line, points."""
    titles: tuple[Line, ...] = ()
    """Lines of the paper's title: no figure goes on beyond them."""
    width: float = 0.0
    """Of the page, points."""

    @property
    def one_column(self) -> bool:
        """Whether lines of running text take most of the page's width."""
        return self.column > LIMITS.one_column * self.width


def match_page(view: PageView, number: int, prefer: str) -> list[Found]:
    """Pairs of one page: all captions below their figures, or all above; whichever leaves fewer without one."""
    plans = {way: _assign(view, way) for way in WAYS}
    order = sorted(plans, key=lambda way: (-_worth(plans[way], prefer == way), way != prefer))
    chosen = plans[order[0]]
    out = []
    for caption, pairs in chosen:
        regions = _without_strays([region for region, _ in pairs], caption)
        if caption.label.kind == "figure" and any(r.strong for r in regions):
            out.append(
                Found(
                    caption, number, regions, [f"graphic-{order[0]}" if w != "side" else "beside" for _, w in pairs][:1]
                )
            )
    return out


def _worth(plan: list[tuple[Caption, list[tuple[Region, str]]]], preferred: bool) -> float:
    worth = LIMITS.preferred * preferred
    for caption, pairs in plan:
        strong = [region for region, _ in pairs if region.strong]
        if strong and caption.label.kind == "figure":
            gap = min(max(0.0, gap_between(region.box, caption.box)) for region in strong)
            worth += 1 - min(gap, LIMITS.far) / (2 * LIMITS.far)
    return worth


def gap_between(a: Box, b: Box) -> float:
    return max(-overlap_x(a, b), -overlap_y(a, b))


def _assign(view: PageView, way: str) -> list[tuple[Caption, list[tuple[Region, str]]]]:
    pairs: list[tuple[Caption, list[tuple[Region, str]]]] = [(caption, []) for caption in view.captions]
    bids: dict[int, tuple[float, int, str]] = {}
    for index, caption in enumerate(view.captions):
        for direction, steps in _ways(caption, way, view):
            for position, cost in steps.items():
                bids[position] = min(bids.get(position, (cost, index, direction)), (cost, index, direction))
    for position, (_, index, direction) in sorted(bids.items()):
        pairs[index][1].append((view.regions[position], direction))
    return pairs


def _ways(caption: Caption, way: str, view: PageView) -> list[tuple[str, dict[int, float]]]:
    """What ``caption`` may have above or below it, and beside it where nothing strong is near there."""
    if caption.label.kind != "figure":
        return [("below", _steps(caption, "below", view))]
    straight = _steps(caption, way, view)
    if any(cost < LIMITS.near and view.regions[n].strong for n, cost in straight.items()):
        return [(way, straight)]
    return [(way, straight), ("side", _steps(caption, "side", view))]


def _steps(caption: Caption, way: str, view: PageView) -> dict[int, float]:
    """For each region that ``caption`` may have: the widest gap on the way there, going from region to region."""
    gaps = {
        n: cost for n, region in enumerate(view.regions) if (cost := cost_of(region, caption, way, view)) is not None
    }
    out: dict[int, float] = {}
    for n in sorted(gaps, key=lambda n: gaps[n]):
        box = view.regions[n].box
        over = [
            max(out[m], gap_between(box, view.regions[m].box)) for m in out if overlap_x(box, view.regions[m].box) > 0
        ]
        out[n] = min([gaps[n], *over])
    return out if way == "side" else out | _level_steps(out, caption, view)


def _level_steps(known: dict[int, float], caption: Caption, view: PageView) -> dict[int, float]:
    """Regions level with those of ``known`` and beside them: panels and legends past the caption's own width."""
    out: dict[int, float] = {}
    for n, region in enumerate(view.regions):
        if n in known or region.weak:
            continue
        for m, cost in known.items():
            other = view.regions[m]
            gap = -overlap_x(region.box, other.box)
            level = overlap_y(region.box, other.box) > LIMITS.level * min(height(region.box), height(other.box))
            wide = view.one_column or width(union((other.box, caption.box))) > LIMITS.wide * view.column
            if other.strong and level and wide and 0 <= gap < LIMITS.level_reach:
                out[n] = min(out.get(n, math.inf), max(cost, gap + LIMITS.side_cost))
    return out


def cost_of(region: Region, caption: Caption, way: str, view: PageView) -> float | None:
    """Points between region and caption where the way is free, else None. ``way``: where the region stands."""
    r, c = region.box, caption.box
    if region.placements and inside(c, r) > LIMITS.inside:
        return 0.0
    if way == "side":
        level = overlap_y((r[0], r[1] - LIMITS.skew, r[2], r[3] + LIMITS.skew), c) > 0.5 * min(height(r), height(c))
        level = level and overlap_x(r, c) < LIMITS.touch
        gap = -overlap_x(r, c)
        share, more, of_column = LIMITS.side_width
        widest = max(share * width(r) + more, of_column * view.column if view.one_column else 0.0)
        beside = level and gap < LIMITS.side_reach and region.strong and width(c) < widest
        between = (min(r[2], c[2]), max(r[1], c[1]), max(r[0], c[0]), min(r[3], c[3]))
        return gap + LIMITS.side_cost if beside and not _blocked(between, caption, view) else None
    gap = c[1] - r[3] if way == "above" else r[1] - c[3]
    c = (c[0], c[1], _right_end(caption, view), c[3]) if height(c) < LIMITS.short else c
    shared = overlap_x(r, c)
    if gap < -LIMITS.intrudes * height(r) - 2 or shared < LIMITS.shared * min(width(r), width(c)):
        return None
    between = (max(r[0], c[0]), min(r[3], c[3]), min(r[2], c[2]), max(r[1], c[1]))
    return None if _blocked(between, caption, view) else max(0.0, gap)


def _right_end(caption: Caption, view: PageView) -> float:
    """How far right a short caption reaches for: as far as its column, but not over a caption about level with it."""
    c = caption.box
    beside = [
        other.box[0]
        for other in view.captions
        if other.box[0] > c[2] and overlap_y(other.box, c) > -LIMITS.level_captions
    ]
    return max(c[2], min([c[0] + LIMITS.column * view.column, *beside]))


def _blocked(between: Box, caption: Caption, view: PageView) -> bool:
    lines = sum(1 for line in view.running if crosses(line.box, between))
    others = any(other is not caption and crosses(other.box, between) for other in view.captions)
    return lines >= LIMITS.blocked or others or any(crosses(line.box, between) for line in view.titles)


def crosses(box: Box, between: Box) -> bool:
    middle = (box[1] + box[3]) / 2
    return between[1] < middle < between[3] and overlap_x(box, between) > LIMITS.touch


def _without_strays(regions: list[Region], caption: Caption) -> list[Region]:
    """The strong regions, and small or weak ones only where they touch them closely."""
    strong = [region for region in regions if region.strong]
    if not strong:
        return regions
    largest = max(area(region.box) for region in strong)
    kept = [region for region in strong if area(region.box) > LIMITS.small * largest]
    whole = union([region.box for region in kept])
    for region in sorted(regions, key=lambda r: gap_between(r.box, whole)):
        if region in kept:
            continue
        between = (
            region.weak
            and min(gap_between(region.box, whole), gap_between(region.box, caption.box)) < LIMITS.step
            and (inside(region.box, union((whole, caption.box))) > LIMITS.inside)
        )
        level = not region.weak and region.box[1] > whole[1] - 4 and region.box[3] < whole[3] + 4
        reach = 2 if region.weak else LIMITS.level_reach if level else LIMITS.apart
        if between or gap_between(region.box, whole) < reach:
            kept.append(region)
            whole = union((whole, region.box))
    return kept
