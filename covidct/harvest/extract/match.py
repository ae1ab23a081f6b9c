"""Stage 4b: all pairs of a document: beside each other on a page first, then on other pages by tag and order."""

import itertools
from collections.abc import Callable, Sequence

from covidct.harvest.extract.beside import LIMITS, WAYS, Found, PageView, crosses, gap_between, match_page
from covidct.harvest.extract.boxes import area, height, inside, overlap_x, overlap_y, union, width
from covidct.harvest.extract.captions import Caption
from covidct.harvest.extract.graphics import Region
from covidct.harvest.extract.tally import Tally

Rule = Callable[[Caption, list[PageView], list[Found]], Found | None]


def match_document(views: list[PageView], tally: Tally) -> list[Found]:
    """All pairs of the document, in the order of the captions."""
    found = [pair for number, view in enumerate(views) for pair in match_page(view, number, "above")]
    above = sum("graphic-above" in pair.how for pair in found)
    below = sum("graphic-below" in pair.how for pair in found)
    if below > above:
        found = [pair for number, view in enumerate(views) for pair in match_page(view, number, "below")]
    _pair_facing_pages(views, found)
    _fill(views, found)
    _adopt(views, found)
    found = _joined(found)
    for pair in found:
        for rule in pair.how:
            tally.fired(f"match:{rule}")
    return found


def _pair_facing_pages(views: list[PageView], found: list[Found]) -> None:
    """Move pairs that go against the way of the document onto the neighbouring page, where that fits.

    In a document whose captions stand over their figures, a caption at the foot of a page under a figure is that of the
    figure at the head of the next page; the other way round at the head of a page.
    """
    pairs = {way: [pair for pair in found if pair.how == [f"graphic-{way}"]] for way in WAYS}
    loose = {way: [pair for pair in pairs[way] if _may_face(pair, views)] for way in WAYS}
    sure = {way: len(pairs[way]) - len(loose[way]) for way in WAYS}
    way, other = sorted(WAYS, key=lambda way: (-sure[way], -len(pairs[way])))
    clear = sure[way] > 2 * sure[other] if any(sure.values()) else len(pairs[way]) >= 2 * len(loose[other])
    if (sure[way] or len(pairs[way])) < LIMITS.leaf_pairs or not clear:
        return
    against = sorted(loose[other], key=lambda p: p.page if way == "above" else -p.page)
    for pair in list(against):
        number, head = _facing(pair)
        regions = _free(views, [one for one in found if one not in against], number)
        if _reaches_edge(regions, views, number, head=not head):
            found.remove(pair)
            against.remove(pair)
            found.append(Found(pair.caption, number, regions, ["page-before" if head else "page-after"]))


def _facing(pair: Found) -> tuple[int, bool]:
    """Where the figure of ``pair`` is if its caption stands on its other side, and whether that heads its page."""
    head = pair.how == ["graphic-below"]
    return pair.page - 1 if head else pair.page + 1, head


def _may_face(pair: Found, views: list[PageView]) -> bool:
    number, head = _facing(pair)
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
                pair = min(near, key=lambda p: gap_between(p.box, region.box))
                pair.regions.append(region)
                pair.how.append("level")


def _level(region: Region, pair: Found, view: PageView) -> bool:
    r, f = region.box, pair.box
    between = (min(r[2], f[2]), max(r[1], f[1]), max(r[0], f[0]), min(r[3], f[3]))
    captions = [caption.box for caption in view.captions]
    return (
        overlap_y(r, f) > LIMITS.same_height * max(height(r), height(f))
        and -overlap_x(r, f) < LIMITS.adopted
        and not any(crosses(box, between) for box in (*captions, *(line.box for line in view.running)))
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
    """Captions without graphics: over it but wider, tagged page, neighbouring page, then order."""
    collected = _collected(views, found)
    for caption in _open_captions(views, found):
        here = (_wider, _only_one, _tagged_page)
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
        apart = any(crosses(line.box, between) for line in views[one.page].running)
        if one.page == two.page and not apart:
            out |= {id(one), id(two)}
    return out


def _wider(caption: Caption, views: list[PageView], found: list[Found]) -> Found | None:
    regions = [region for region in _free(views, found, caption.page) if _askew(region, caption, views[caption.page])]
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
    return -2 < c[1] - r[3] < LIMITS.near and not any(crosses(box, strip) or inside(box, strip) > 0.5 for box in lines)


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
    for region in sorted(view.regions, key=lambda r: gap_between(r.box, whole)):
        if (
            region not in out
            and -overlap_y(region.box, whole) < LIMITS.near
            and width(region.box) < LIMITS.narrow * view.width
        ):
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
        n: sum(area(r.box) for r in _free(views, found, n))
        for n in range(len(views))
        if len(views[n].running) < LIMITS.few_lines
    }
    choices = [[n for n, size in sizes.items() if size > enough] for enough in LIMITS.large]
    if captions:
        choices += [[n for n in choice if n > captions[-1].page] for choice in choices]
        choices += [[n for n in choice if n < captions[0].page] for choice in choices[: len(LIMITS.large)]]
    pages = next((choice for choice in choices if len(choice) == len(captions)), choices[0])
    for caption, number in zip(captions, pages, strict=False):
        how = "by-order" if len(captions) == len(pages) else "by-order-unequal"
        found.append(Found(caption, number, _whole_page(_free(views, found, number), views[number]), [how]))
