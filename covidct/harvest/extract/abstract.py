"""The abstract that the first pages print under a heading of its own; empty where it is not plain where it ends.

Main path: a heading (``Abstract``, ``Summary``), then the lines below it in its column as long as they are its text.
Headings of a structured abstract go on, once each; key words, notes and the first heading of the article end it.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from covidct.captions.figure_labels import read_label
from covidct.harvest.extract.boxes import width
from covidct.harvest.extract.page import Line, Page
from covidct.harvest.extract.paragraphs import Flow, bold, ends_sentence, face
from covidct.harvest.extract.starts import Body
from covidct.harvest.extract.words import Vocabulary, join_lines


@dataclass(frozen=True)
class Thresholds:
    """What makes lines one abstract."""

    pages: int = 4
    """Pages looked at: a cover sheet and a title page may come before."""
    alike: float = 0.8
    """Points by which the sizes of its lines may differ."""
    words: tuple[int, int] = (25, 750)
    """Fewest and most: 450 are the most that any journal allows, manuscripts have more."""
    heading: int = 50
    """Letters of the longest heading."""
    phrase: int = 12
    """Letters of a line whose typeface counts."""
    wide: float = 0.4
    """Share of the page's width that the first line of an abstract without a heading has."""
    other: float = 0.4
    """Points by which its size differs from the running text's, where the typeface is the same."""
    shown: int = 40
    """Words that it has at least."""
    level: float = 0.3
    """Font sizes by which the base lines of pieces of one line may differ."""
    parts: int = 3
    """Parts that show that an abstract without a heading is one."""


LIMITS = Thresholds()
_HEADING = re.compile(
    r"^\W*(?:\d\W+)?(?P<name>(?:structured |unstructured )?abstract|a ?b ?s ?t ?r ?a ?c ?t|summary|s ?u ?m ?m ?a ?r ?y)"
    r"(?P<mark>\s*[:.—–|-]+\s*|\s+|$)(?P<rest>.*)$",
    re.I,
)
_PARTS = (
    r"(?:study )?(?:backgrounds?(?: (?:and|&) (?:aims?|purpose|objectives?))?|introduction|importance|rationale|context"
    r"|purpose|aims?|objectives?|methods?(?:(?: and|/|:) ?(?:results|findings))?|methodology(?:/principal findings)?"
    r"|(?:materials?|patients?|subjects) (?:and|&) methods?|design|setting|participants|(?:principal )?findings"
    r"|results?|discussion|conclusions?(?:/significance)?|interpretation|significance|funding|patient concerns?"
    r"|diagnos[ie]s"
    r"|case (?:presentation|report|summary|description|series)s?|presentation of cases?|interventions?|outcomes?"
    r"|lessons?|observations?|measurements?|main outcome measures?|limitations?|relevance"
    r"|clinical (?:findings|discussion)|learning points|question|meaning)"
)
_PART = re.compile(rf"^\W*(?P<name>{_PARTS})\b\s*(?P<mark>[:.—–|-]|$)?", re.I)
_WITHIN = re.compile(rf"(?:^|[.;)]\s+)({_PARTS})\s?[:.—–]", re.I)
"""A part that begins within the text."""
_KEYWORDS = re.compile(
    r"^\W*(?:key ?-?words?|key ?points?\b|key messages|index terms|descriptors\b|mesh"
    r"|subject(?: terms| headings)?\b\W*$|jel classification|pacs|\(continued)",
    re.I,
)
_NOTE = re.compile(
    r"^\W*(?:\d\W*)?(?:abbreviations?|correspond\w+|\*?\s?e-?mail|received\b|accepted\b|published\b|citation|cite this"
    r"|how to cite|copyright|©|\(c\)|this (?:is an open|work is licensed|article is)|funding:|competing interests?"
    r"|conflicts? of interest|author summary|graphical abstract|plain language|highlights|data availability|prospero"
    r"|trial registration|clinicaltrials|what is (?:already )?known|strengths and limitations|significance statement|https?://|doi\b"
    r"|introduction\W*$|main text|[1i]\.? introduction|article info\w*|academic editor|in the article titled"
    r"|resum(?:en|o)\b|résumé)",
    re.I,
)
"""Where one of these begins a paragraph, the abstract has ended."""


def find_abstract(pages: Sequence[Page], flows: Sequence[Flow], body: Body) -> str:
    """The abstract, in one line of text; empty where neither heading nor look tells it, or its end is in doubt."""
    first = list(zip(pages[: LIMITS.pages], flows, strict=False))
    for number, (page, _) in enumerate(first):
        for place, line in enumerate(page.lines):
            found = None if line.way else _HEADING.match(line.text.strip())
            if found and _is_heading(line, found) and (text := _text(first[number:], place, found["rest"])):
                return text
    untitled = (text for page, flow in first[:2] if (text := _by_its_parts(page, flow)))
    return next(untitled, "") or (_by_its_look(*first[0], body) if first else "")


def _by_its_parts(page: Page, flow: Flow) -> str:
    """A structured abstract without a heading: ``Objective: …``, and at least two more parts behind it."""
    for place, line in enumerate(page.lines):
        part = None if line.way else _PART.match(line.text)
        if part and part["mark"] and line.text[part.end() :].strip():
            text = _joined([line, *_below(page, flow, place, line)], page)
            if len({name.casefold() for name in _WITHIN.findall(text)}) >= LIMITS.parts:
                return text
    return ""


def _by_its_look(page: Page, flow: Flow, body: Body) -> str:
    """The first wide paragraph of the first page, where it is set otherwise than the running text."""
    starts = [
        n for n, line in enumerate(page.lines) if not line.way and flow.border[n] in ("blank", "top", "other-size")
    ]
    for start in sorted(starts, key=lambda n: page.lines[n].box[1]):
        line = page.lines[start]
        wide = width(line.box) > LIMITS.wide * page.width
        told = _NOTE.match(line.text) or _KEYWORDS.match(line.text) or read_label(line.text)
        if not wide or told or not line.text[:1].isupper():
            continue
        if text := _joined([line, *_block(page, flow, start)], page):
            other = abs(line.size - body.size) > LIMITS.other or line.main.font != body.font
            return text if other and len(text.split()) >= LIMITS.shown else ""
    return ""


def _block(page: Page, flow: Flow, start: int) -> Iterator[Line]:
    """The lines below ``start`` up to the next blank, or line of another look."""
    place = flow.below[start]
    while place is not None and flow.border[place] not in ("blank", "other-size", "other-face", "heading"):
        yield page.lines[place]
        place = flow.below[place]


def _is_heading(line: Line, found: re.Match[str]) -> bool:
    """Alone on its line, or set apart from the words behind it by a mark, by bold or by capitals."""
    rest = found["rest"]
    if not rest:
        return True
    marked = re.search(r"[:.—–|]", found["mark"]) is not None
    apart = (line.spans[0].bold and not bold(line)) or found["name"].isupper()
    return (marked or apart) and rest[:1].isupper()


def _text(pages: Sequence[tuple[Page, Flow]], place: int, rest: str) -> str:
    """The text below the heading at ``place`` of the first of ``pages``; an open end goes on in the next column."""
    page, flow = pages[0]
    lines = list(_below(page, flow, place))
    more: list[Line] = []
    if lines and not ends_sentence(lines[-1].text):
        more = list(_next_column(page, flow, lines[-1])) or [
            line for other in pages[1:2] for line in _overleaf(*other, lines[-1])
        ]
    return _joined(lines, page, rest, more)


def _next_column(page: Page, flow: Flow, last: Line) -> Iterator[Line]:
    """The lines at the head of the column to the right."""
    heads = [
        n
        for n, line in enumerate(page.lines)
        if not line.way and line.box[0] > last.box[2] and flow.border[n] == "top" and not _unlike(line, last)
    ]
    if heads:
        yield from _from(page, flow, min(heads, key=lambda n: page.lines[n].box[1]), last)


def _overleaf(page: Page, flow: Flow, last: Line) -> Iterator[Line]:
    """The lines at the head of the next page that look like ``last``."""
    start = next((n for n, line in enumerate(page.lines) if not line.way and not _unlike(line, last)), None)
    if start is not None and len(page.lines[start].text) >= LIMITS.phrase:
        yield from _from(page, flow, start, last)


def _from(page: Page, flow: Flow, start: int, last: Line) -> Iterator[Line]:
    yield page.lines[start]
    yield from _below(page, flow, start, last)


def _joined(lines: Sequence[Line], page: Page, rest: str = "", more: Sequence[Line] = ()) -> str:
    """One text of ``lines``, headings at the end left out; empty where it is no abstract, or has no end."""
    texts = [*([rest] if rest else []), *(line.text for line in _whole(lines, page))]
    texts += [line.text for line in more]
    while texts and len(texts[-1]) <= LIMITS.heading and _PART.fullmatch(texts[-1].strip()):
        texts.pop()
    text = join_lines(texts, Vocabulary(line.text for line in page.lines))
    count = len(text.split())
    return text if LIMITS.words[0] <= count <= LIMITS.words[1] and ends_sentence(text) else ""


def _whole(lines: Sequence[Line], page: Page) -> list[Line]:
    """``lines`` with the pieces that stand beside them on the same height: names in italics are lines of their own."""
    if not lines:
        return []
    left, right = min(line.box[0] for line in lines), max(line.box[2] for line in lines)
    known = {id(line) for line in lines}
    out: list[Line] = []
    for line in lines:
        level = [
            other
            for other in page.lines
            if id(other) not in known
            and not other.way
            and abs(other.base - line.base) < LIMITS.level * line.size
            and left <= other.box[0]
            and other.box[2] <= right + line.size
        ]
        out += sorted([line, *level], key=lambda piece: piece.box[0])
    return out


def _below(page: Page, flow: Flow, heading: int, first: Line | None = None) -> Iterator[Line]:
    """The lines of the abstract below the line at ``heading``; ``first`` is one of its lines, where one is known."""
    parts: set[str] = set()
    place = flow.below[heading]
    while place is not None:
        line = page.lines[place]
        if _ends(line, flow.border[place], first, parts):
            return
        if part := _PART.match(line.text):
            parts.add(part["name"].casefold())
        if first is None and len(line.text) >= LIMITS.phrase and not part:
            first = line
        yield line
        place = flow.below[place]


def _ends(line: Line, border: str, first: Line | None, parts: set[str]) -> bool:
    """Is ``line`` no line of the abstract any more, which began with ``first`` and had these ``parts``?"""
    if _KEYWORDS.match(line.text) or (border and _NOTE.match(line.text)):
        return True
    part = _PART.match(line.text)
    if part is not None and part["mark"] is not None:
        again = part["name"].casefold() in parts
        return again or (first is not None and not parts and _alone(line))
    if first is None:
        return False
    return _unlike(line, first) or (_alone(line) and bold(line) and not bold(first))


def _alone(line: Line) -> bool:
    """Set as a heading: short, and without the end of a sentence."""
    return len(line.text.strip()) <= LIMITS.heading and not ends_sentence(line.text)


def _unlike(line: Line, first: Line) -> bool:
    if len(line.text) < LIMITS.phrase:
        return False
    faces = {face(span.font) for span in line.spans} & {face(span.font) for span in first.spans}
    return abs(line.size - first.size) > LIMITS.alike or not faces
