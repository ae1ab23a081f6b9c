"""Stage 4: which regions belong to which caption; beside it on its page first, then on other pages by tag and order."""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from covidct.harvest.extract.boxes import area, height, inside, overlap_x, overlap_y, union, width
from covidct.harvest.extract.captions import Caption
from covidct.harvest.extract.graphics import Region
from covidct.harvest.extract.page import Line
from covidct.harvest.extract.tally import Tally
from covidct.records import Box

STRAY = 70.0
"""Points: a small region farther from the rest of its figure is no part of it."""
STEP = 26.0
"""Points between the rules of a table-like figure."""
SIDE_COST = 15.0
SIDE_REACH = 110.0
"""Points: how far beside its figure a caption may stand."""
SKEW = 24.0
"""Points: how far over or under its figure's ink a caption beside it may begin."""
INSIDE = 0.9
"""Share of a caption that lies on a picture in whose blank corner it is printed."""
NEAR = 60.0
"""Points: a caption that has graphics this near above or below it is not looked for beside a figure."""
ADOPTED = 150.0
"""Points: how far beside a figure graphics of the same height may stand that no caption claims."""
LARGE = (30000.0, 15000.0, 6000.0)
"""Square points of graphics on a page that holds a figure of its own; the first that gives one page a caption."""
LEAF_PAIRS = 2
"""So many pairs of one way on their pages show the way of a document."""
LEVEL_REACH = 70.0
"""Points: how far beside the graphics a panel or legend may stand that no caption claims."""


WAYS = ("above", "below")
PAIRS = {
    "graphic-above": ("same-page", 1.0),
    "graphic-below": ("same-page", 1.0),
    "beside": ("same-page", 1.0),
    "other-side": ("same-page", 0.95),
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
        return self.column > 0.55 * self.width


Rule = Callable[[Caption, list[PageView], list[Found]], Found | None]


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
    worth = 0.1 * preferred
    for caption, pairs in plan:
        strong = [region for region, _ in pairs if region.strong]
        if strong and caption.label.kind == "figure":
            gap = min(max(0.0, _gap(region.box, caption.box)) for region in strong)
            worth += 1 - min(gap, 200) / 400
    return worth


def _gap(a: Box, b: Box) -> float:
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
    if any(cost < NEAR and view.regions[n].strong for n, cost in straight.items()):
        return [(way, straight)]
    return [(way, straight), ("side", _steps(caption, "side", view))]


def _steps(caption: Caption, way: str, view: PageView) -> dict[int, float]:
    """For each region that ``caption`` may have: the widest gap on the way there, going from region to region."""
    gaps = {n: cost for n, region in enumerate(view.regions) if (cost := _cost(region, caption, way, view)) is not None}
    out: dict[int, float] = {}
    for n in sorted(gaps, key=lambda n: gaps[n]):
        box = view.regions[n].box
        over = [max(out[m], _gap(box, view.regions[m].box)) for m in out if overlap_x(box, view.regions[m].box) > 0]
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
            level = overlap_y(region.box, other.box) > 0.6 * min(height(region.box), height(other.box))
            wide = view.one_column or width(union((other.box, caption.box))) > 1.15 * view.column
            if other.strong and level and wide and 0 <= gap < LEVEL_REACH:
                out[n] = min(out.get(n, 1e9), max(cost, gap + SIDE_COST))
    return out


def _cost(region: Region, caption: Caption, way: str, view: PageView) -> float | None:
    """Points between region and caption where the way is free, else None. ``way``: where the region stands."""
    r, c = region.box, caption.box
    if region.placements and inside(c, r) > INSIDE:
        return 0.0
    if way == "side":
        level = overlap_y((r[0], r[1] - SKEW, r[2], r[3] + SKEW), c) > 0.5 * min(height(r), height(c))
        level = level and overlap_x(r, c) < 6
        gap = -overlap_x(r, c)
        widest = max(0.6 * width(r) + 80, 0.75 * view.column if view.one_column else 0.0)
        beside = level and gap < SIDE_REACH and region.strong and width(c) < widest
        between = (min(r[2], c[2]), max(r[1], c[1]), max(r[0], c[0]), min(r[3], c[3]))
        return gap + SIDE_COST if beside and not _blocked(between, caption, view) else None
    gap = c[1] - r[3] if way == "above" else r[1] - c[3]
    c = (c[0], c[1], _right_end(caption, view), c[3]) if height(c) < 30 else c
    shared = overlap_x(r, c)
    if gap < -0.3 * height(r) - 2 or shared < 0.25 * min(width(r), width(c)):
        return None
    between = (max(r[0], c[0]), min(r[3], c[3]), min(r[2], c[2]), max(r[1], c[1]))
    return None if _blocked(between, caption, view) else max(0.0, gap)


def _right_end(caption: Caption, view: PageView) -> float:
    """How far right a short caption reaches for: as far as its column, but not over a caption about level with it."""
    c = caption.box
    beside = [other.box[0] for other in view.captions if other.box[0] > c[2] and overlap_y(other.box, c) > -100]
    return max(c[2], min([c[0] + 0.9 * view.column, *beside]))


def _blocked(between: Box, caption: Caption, view: PageView) -> bool:
    lines = sum(1 for line in view.running if _crosses(line.box, between))
    others = any(other is not caption and _crosses(other.box, between) for other in view.captions)
    return lines >= 2 or others or any(_crosses(line.box, between) for line in view.titles)


def _crosses(box: Box, between: Box) -> bool:
    middle = (box[1] + box[3]) / 2
    return between[1] < middle < between[3] and overlap_x(box, between) > 5


def _without_strays(regions: list[Region], caption: Caption) -> list[Region]:
    """The strong regions, and small or weak ones only where they touch them closely."""
    strong = [region for region in regions if region.strong]
    if not strong:
        return regions
    largest = max(area(region.box) for region in strong)
    kept = [region for region in strong if area(region.box) > 0.03 * largest or _gap(region.box, caption.box) < STRAY]
    whole = union([region.box for region in kept])
    for region in sorted(regions, key=lambda r: _gap(r.box, whole)):
        if region in kept:
            continue
        between = (
            region.weak
            and min(_gap(region.box, whole), _gap(region.box, caption.box)) < STEP
            and (inside(region.box, union((whole, caption.box))) > 0.9)
        )
        level = not region.weak and region.box[1] > whole[1] - 4 and region.box[3] < whole[3] + 4
        reach = 2 if region.weak else LEVEL_REACH if level else 24
        if between or _gap(region.box, whole) < reach:
            kept.append(region)
            whole = union((whole, region.box))
    return kept


def match_document(views: list[PageView], tally: Tally) -> list[Found]:
    """All pairs of the document, in the order of the captions."""
    found = [pair for number, view in enumerate(views) for pair in match_page(view, number, "above")]
    above = sum("graphic-above" in pair.how for pair in found)
    below = sum("graphic-below" in pair.how for pair in found)
    if below > above:
        found = [pair for number, view in enumerate(views) for pair in match_page(view, number, "below")]
    _turn_the_leaf(views, found)
    _fill(views, found)
    _adopt(views, found)
    found = _joined(found)
    for pair in found:
        for rule in pair.how:
            tally.fired(f"match:{rule}")
    return found


def _turn_the_leaf(views: list[PageView], found: list[Found]) -> None:
    """Move pairs that go against the way of the document onto the neighbouring page, where that fits.

    In a document whose captions stand over their figures, a caption at the foot of a page under a figure is that of the
    figure at the head of the next page; the other way round at the head of a page.
    """
    loose = {way: [p for p in found if p.how == [f"graphic-{way}"] and _may_turn(p, views)] for way in WAYS}
    sure = {way: sum(p.how == [f"graphic-{way}"] for p in found) - len(loose[way]) for way in WAYS}
    way, other = sorted(WAYS, key=lambda way: -sure[way])
    if sure[way] < LEAF_PAIRS or sure[way] <= 2 * sure[other]:
        return
    against = sorted(loose[other], key=lambda p: p.page if way == "above" else -p.page)
    for pair in list(against):
        number, head = _leaf(pair)
        regions = _free(views, [one for one in found if one not in against], number)
        if _reaches_edge(regions, views, number, head=not head):
            found.remove(pair)
            against.remove(pair)
            found.append(Found(pair.caption, number, regions, ["page-before" if head else "page-after"]))


def _leaf(pair: Found) -> tuple[int, bool]:
    """Where the figure of ``pair`` is if its caption stands on its other side, and whether that heads its page."""
    head = pair.how == ["graphic-below"]
    return pair.page - 1 if head else pair.page + 1, head


def _may_turn(pair: Found, views: list[PageView]) -> bool:
    number, head = _leaf(pair)
    regions = _free(views, [], number)
    return _at_edge(pair.caption, views[pair.page], head) and _reaches_edge(regions, views, number, head=not head)


def _at_edge(caption: Caption, view: PageView, head: bool) -> bool:
    """Whether nothing else of the paper stands over (``head``) or under ``caption`` on its page."""
    boxes = [line.box for line in view.running] + [c.box for c in view.captions if c is not caption]
    boxes += [region.box for region in view.regions if region.strong]
    edge = caption.box[1] + 2 if head else caption.box[3] - 2
    return not any(box[3] < edge if head else box[1] > edge for box in boxes)


def _reaches_edge(regions: list[Region], views: list[PageView], number: int, head: bool) -> bool:
    """Whether ``regions`` are the first (``head``) or last thing on their page; running text and captions apart."""
    if not regions:
        return False
    edge = min(r.box[1] for r in regions) if head else max(r.box[3] for r in regions)
    others = [line.box for line in views[number].running] + [c.box for c in views[number].captions]
    return not any(box[3] < edge if head else box[1] > edge for box in others)


def _adopt(views: list[PageView], found: list[Found]) -> None:
    """Graphics without a caption that stand level with a figure, nothing between them, are a part of it."""
    for number, view in enumerate(views):
        for region in _free(views, found, number):
            near = [p for p in found if p.page == number and _level(region, p, view)]
            if near:
                pair = min(near, key=lambda p: _gap(p.box, region.box))
                pair.regions.append(region)
                pair.how.append("level")


def _level(region: Region, pair: Found, view: PageView) -> bool:
    r, f = region.box, pair.box
    between = (min(r[2], f[2]), max(r[1], f[1]), max(r[0], f[0]), min(r[3], f[3]))
    captions = [caption.box for caption in view.captions]
    return (
        overlap_y(r, f) > 0.7 * max(height(r), height(f))
        and -overlap_x(r, f) < ADOPTED
        and not any(_crosses(box, between) for box in (*captions, *(line.box for line in view.running)))
    )


def _joined(found: list[Found]) -> list[Found]:
    """``found`` with the parts of figures that run over pages under their first part."""
    first = {pair.caption.label.key: pair for pair in found if not pair.caption.continues}
    out = [pair for pair in found if not pair.caption.continues]
    for pair in found:
        if pair.caption.continues:
            whole = first.get(pair.caption.label.key)
            if whole is None:
                out.append(pair)
            else:
                whole.more.append(pair)
                whole.how.append("continued")
    return out


def _open_captions(views: list[PageView], found: list[Found]) -> list[Caption]:
    done = {id(pair.caption) for pair in found}
    figures = (c for view in views for c in view.captions if c.label.kind == "figure")
    return [c for c in figures if id(c) not in done and not c.supporting]


def _free(views: list[PageView], found: list[Found], number: int) -> list[Region]:
    if not 0 <= number < len(views):
        return []
    taken = {id(region) for pair in found for part in (pair, *pair.more) for region in part.regions}
    return [r for r in views[number].regions if r.strong and id(r) not in taken]


def _fill(views: list[PageView], found: list[Found]) -> None:
    """Captions without graphics: other side of the page, tagged page, neighbouring page, then order."""
    collected = _collected(views, found)
    for caption in _open_captions(views, found):
        here = (_other_side, _only_one, _tagged_page)
        rules = here if id(caption) in collected else (*here, _neighbour)
        _first_that_fits(rules, caption, views, found)
    _by_order(views, found)
    for caption in _open_captions(views, found):
        _first_that_fits((_neighbour,), caption, views, found)


def _first_that_fits(rules: Sequence[Rule], caption: Caption, views: list[PageView], found: list[Found]) -> None:
    pair = next((pair for rule in rules if (pair := rule(caption, views, found)) is not None), None)
    if pair is not None:
        found.append(pair)


def _collected(views: list[PageView], found: list[Found]) -> set[int]:
    """Captions in a list of legends: another one without graphics follows or goes before on their page."""
    out: set[int] = set()
    for one, two in itertools.pairwise(_open_captions(views, found)):
        between = (min(one.box[0], two.box[0]), one.box[3], max(one.box[2], two.box[2]), two.box[1])
        apart = any(_crosses(line.box, between) for line in views[one.page].running)
        if one.page == two.page and not apart:
            out |= {id(one), id(two)}
    return out


def _other_side(caption: Caption, views: list[PageView], found: list[Found]) -> Found | None:
    view = views[caption.page]
    regions = [
        region
        for region in _free(views, found, caption.page)
        if any(_cost(region, caption, way, view) is not None for way in ("above", "below", "side"))
    ]
    if regions:
        return Found(caption, caption.page, regions, ["other-side"])
    regions = [region for region in _free(views, found, caption.page) if _askew(region, caption, view)]
    return Found(caption, caption.page, regions, ["askew"]) if regions else None


def _only_one(caption: Caption, views: list[PageView], found: list[Found]) -> Found | None:
    """The only caption of a page and its only free graphics, whatever stands between them."""
    regions = _free(views, found, caption.page)
    captions = [c for c in views[caption.page].captions if c.label.kind == "figure"]
    if len(captions) != 1 or not regions or any(pair.page == caption.page for pair in found):
        return None
    return Found(caption, caption.page, regions, ["only-one"])


def _askew(region: Region, caption: Caption, view: PageView) -> bool:
    """Over the caption, but beyond its width: a wide figure whose caption stands under its left half."""
    r, c = region.box, caption.box
    strip = (min(r[0], c[0]), r[3], max(r[2], c[2]), c[1])
    lines = [line.box for line in (*view.running, *view.titles)] + [x.box for x in view.captions if x is not caption]
    return -2 < c[1] - r[3] < NEAR and not any(_crosses(box, strip) or inside(box, strip) > 0.5 for box in lines)


def _tagged_page(caption: Caption, views: list[PageView], found: list[Found]) -> Found | None:
    """The first page that prints nothing but the label, and those that go on with it."""
    whole: Found | None = None
    for tag in sorted(caption.tags, key=lambda tag: tag.page):
        regions = _free(views, found, tag.page)
        if not regions:
            continue
        how = "file-name" if tag.label.file_name else "tagged-page"
        part = Found(caption if whole is None else tag, tag.page, _whole_page(regions, views[tag.page]), [how])
        if whole is None:
            whole = part
        elif tag.page == whole.page + len(whole.more) + 1 and not views[tag.page].running:
            whole.more.append(part)
    if whole is not None and whole.more:
        whole.how.append("continued")
    return whole


def _whole_page(regions: list[Region], view: PageView) -> list[Region]:
    """``regions`` and, on a page without text, the small ones round them: legends, scale bars."""
    if view.running:
        return regions
    out, whole = list(regions), union([region.box for region in regions])
    for region in sorted(view.regions, key=lambda r: _gap(r.box, whole)):
        if region not in out and -overlap_y(region.box, whole) < NEAR and width(region.box) < 0.6 * view.width:
            out.append(region)
            whole = union((whole, region.box))
    return out


def _neighbour(caption: Caption, views: list[PageView], found: list[Found]) -> Found | None:
    """Caption at the top of a page, graphic at the foot of the page before; or the other way round."""
    view = views[caption.page]
    for number, last in ((caption.page - 1, True), (caption.page + 1, False)):
        regions = _free(views, found, number)
        if _at_edge(caption, view, head=last) and _reaches_edge(regions, views, number, head=not last):
            whole = regions if views[number].captions else _whole_page(regions, views[number])
            return Found(caption, number, whole, ["page-before" if last else "page-after"])
    return None


def _by_order(views: list[PageView], found: list[Found]) -> None:
    """Figures one to a page, captions collected elsewhere: the n-th goes with the n-th."""
    captions = _open_captions(views, found)
    sizes = {
        n: sum(area(r.box) for r in _free(views, found, n)) for n in range(len(views)) if len(views[n].running) < 8
    }
    choices = [[n for n, size in sizes.items() if size > enough] for enough in LARGE]
    if captions:
        choices += [[n for n in choice if n > captions[-1].page] for choice in choices]
        choices += [[n for n in choice if n < captions[0].page] for choice in choices[: len(LARGE)]]
    pages = next((choice for choice in choices if len(choice) == len(captions)), choices[0])
    for caption, number in zip(captions, pages, strict=False):
        how = "by-order" if len(captions) == len(pages) else "by-order-unequal"
        found.append(Found(caption, number, _whole_page(_free(views, found, number), views[number]), [how]))
