"""Stage 1c, paragraphs: which line follows which in its column, and where a new paragraph begins.

Everything is judged by the neighbourhood: the distance between base lines by that of the lines before and after, an
indent by the lines around it, the end of a paragraph by whether the next word would have found room on its last line.
Nothing is asked of the document as a whole, nor of the blocks that the PDF library makes.
"""

import bisect
import functools
import re
from collections.abc import Callable
from dataclasses import dataclass

from covidct.harvest.extract.boxes import overlap_x, width
from covidct.harvest.extract.page import Line, Page


@dataclass(frozen=True)
class Thresholds:
    """What the rules on paragraphs compare with; in font sizes where nothing else is said."""

    reach: float = 5.0
    """How far below a line the next of its column may stand: four blank lines."""
    level: float = 0.5
    """Base lines nearer than this stand on one height."""
    neighbours: int = 3
    """Lines before and after whose distances tell the usual one."""
    slack: float = 0.2
    """Share of the usual distance by which one between two lines of a paragraph may be larger (formulas, indices)."""
    least_slack: float = 0.25
    far: float = 3.4
    """A larger distance parts, whatever is usual: double spacing is 2.3 to 2.6."""
    size: float = 0.6
    """Points by which the font sizes of one paragraph may differ."""
    indent: tuple[float, float] = (0.9, 6.0)
    """How far the first line of a paragraph is moved in."""
    flush: float = 0.35
    """How far left edges of lines that are flush may differ."""
    room: float = 0.6
    """So much more room than the next word needs shows that the line was ended on purpose."""
    empty: float = 0.3
    """Share of the column that a line leaves empty which was ended on purpose, whatever mark it ends with."""
    usual: float = 1.25
    """Distance of base lines where no two lines tell the usual one."""
    smaller: float = 0.8
    """A smaller distance is that of an index or a formula."""
    column: tuple[float, float] = (0.3, 12.0)
    """What two lines of one column share: of the shorter a share, or points where that is less."""
    level_lines: int = 12
    """So many lines at most stand on one height."""
    phrase: int = 12
    """Letters of a line whose typeface counts."""


LIMITS = Thresholds()
_SENTENCE_END = re.compile(r"((?<!\d)[.!?:;][\W\d]*|(?<=\d)[.!?:;]\W*|[。！？；])$")
_OPEN_END = re.compile(r"[-–‐,(\[/]$")


@dataclass(frozen=True)
class Flow:
    """The lines of a page in their order: ``above`` and ``below`` are positions in its column, ``border`` says why a
    line begins a paragraph (empty: it goes on), ``pitch`` is the usual distance of base lines around it, points."""

    above: tuple[int | None, ...]
    below: tuple[int | None, ...]
    border: tuple[str, ...]
    pitch: tuple[float, ...]


@dataclass(frozen=True)
class Pair:
    """What a rule sees: a line, the one under it in the column, the one under that, and what is usual around."""

    upper: Line
    lower: Line
    after: Line | None
    before: Line | None
    pitch: float
    right: float
    """Where the lines of the column end."""

    @property
    def step(self) -> float:
        """Distance of the base lines, points."""
        return self.lower.base - self.upper.base

    @property
    def ended(self) -> bool:
        """Whether the next word would have found room on the upper line."""
        line = self.lower
        first = next(iter(line.text.split()), "")
        need = width(line.box) * (len(first) + 1) / max(len(line.text.strip()), 1)
        return self.upper.box[2] + need + LIMITS.room * line.size < self.right


def _blank(p: Pair) -> bool:
    size = max(p.upper.size, p.lower.size)
    slack = max(LIMITS.slack * p.pitch, LIMITS.least_slack * size)
    return p.step > min(p.pitch + slack, LIMITS.far * size)


def _other_size(p: Pair) -> bool:
    return abs(p.upper.size - p.lower.size) > LIMITS.size and min(len(p.upper.text), len(p.lower.text)) > 3


def _other_face(p: Pair) -> bool:
    if min(len(p.upper.text), len(p.lower.text)) < LIMITS.phrase:
        return False
    return not ({face(span.font) for span in p.upper.spans} & {face(span.font) for span in p.lower.spans})


def _indent(p: Pair) -> bool:
    size = p.lower.size
    moved = p.lower.box[0] - p.upper.box[0]
    if not LIMITS.indent[0] * size < moved < LIMITS.indent[1] * size or not ends_sentence(p.upper.text):
        return False
    flush = LIMITS.flush * size
    back = p.after is not None and abs(p.after.box[0] - p.upper.box[0]) < flush
    return back or (p.before is not None and abs(p.before.box[0] - p.upper.box[0]) < flush and p.after is None)


def _outdent(p: Pair) -> bool:
    """The lower line begins left of a paragraph that was moved in as a whole: a list, a legend beside its label."""
    moved = p.upper.box[0] - p.lower.box[0]
    flush = LIMITS.flush * p.lower.size
    inner = p.before is not None and abs(p.before.box[0] - p.upper.box[0]) < flush
    return inner and moved > LIMITS.indent[0] * p.lower.size and ends_sentence(p.upper.text)


def _ended(p: Pair) -> bool:
    return p.ended and ends_sentence(p.upper.text)


def _short(p: Pair) -> bool:
    """Flush lines of which the upper leaves a good part of the column empty: a heading without a full stop."""
    left = min(p.upper.box[0], p.lower.box[0])
    flush = abs(p.upper.box[0] - p.lower.box[0]) < LIMITS.flush * p.lower.size
    empty = p.right - p.upper.box[2] > LIMITS.empty * (p.right - left)
    return p.ended and flush and empty and re.match(r"\W*[A-Z\d]", p.lower.text) is not None


def _heading(p: Pair) -> bool:
    if bold(p.lower) and not bold(p.upper) and len(p.lower.text) >= LIMITS.phrase:
        return re.match(r"\s*[A-Z\d]", p.lower.text) is not None
    return p.ended and bold(p.upper) != bold(p.lower)


BORDERS: tuple[tuple[str, Callable[[Pair], bool]], ...] = (
    ("blank", _blank),
    ("other-size", _other_size),
    ("other-face", _other_face),
    ("indent", _indent),
    ("outdent", _outdent),
    ("ended", _ended),
    ("short", _short),
    ("heading", _heading),
)
"""Name and test of every rule that parts two lines."""


def ends_sentence(text: str) -> bool:
    """Whether ``text`` ends with a mark that may end a sentence, notes behind it left out."""
    shown = text.rstrip()
    return _OPEN_END.search(shown) is None and _SENTENCE_END.search(shown) is not None


def bold(line: Line) -> bool:
    """Whether all of the line is bold."""
    return all(span.bold for span in line.spans if span.text.strip())


@functools.cache
def face(font: str) -> str:
    """Family of a font's name: ``Times`` of ``ABCDEF+Times-Bold`` and ``TimesNewRomanPS-ItalicMT``."""
    name = re.split(r"[-,]", font.split("+")[-1])[0].lower()
    return (
        re.sub(r"(newromanpsmt|newromanps|newroman|mt|ps|bold|italic|oblique|regular|roman|[\d.]+)+$", "", name) or name
    )


def read_flow(page: Page) -> Flow:
    """The flow of the upright lines of ``page``."""
    below = _followers(page.lines)
    above: list[int | None] = [None] * len(page.lines)
    for upper, lower in enumerate(below):
        if lower is not None and _nearest_above(page.lines, lower, upper, above[lower]):
            above[lower] = upper
    linked: list[int | None] = [
        lower if lower is not None and above[lower] == n else None for n, lower in enumerate(below)
    ]
    steps = [None if up is None else page.lines[n].base - page.lines[up].base for n, up in enumerate(above)]
    border = ["top"] * len(page.lines)
    pitch = [0.0] * len(page.lines)
    for n, up in enumerate(above):
        if up is not None:
            pitch[n] = _pitch(page.lines, n, above, linked, steps)
            border[n] = parted(_pair(page.lines, up, n, above, linked, pitch[n]))
    return Flow(tuple(above), tuple(linked), tuple(border), tuple(pitch))


def parted(pair: Pair) -> str:
    """The rule that parts the two lines; empty where none does."""
    return next((name for name, test in BORDERS if test(pair)), "")


def between(page: Page, flow: Flow, upper: int, lower: int) -> tuple[str, float]:
    """What parts the line at ``lower`` from that at ``upper`` over it, and the usual distance of base lines there."""
    if flow.above[lower] == upper:
        return flow.border[lower], flow.pitch[lower]
    below = flow.below[lower]
    near = [flow.pitch[n] for n in (upper, lower, *([below] if below is not None else [])) if flow.pitch[n]]
    pitch = min(near, default=LIMITS.usual * page.lines[lower].size)
    return parted(_pair(page.lines, upper, lower, flow.above, flow.below, pitch)), pitch


def _followers(lines: list[Line]) -> list[int | None]:
    """For each upright line the nearest below that shares its column, the left-most where several are level."""
    order = sorted((n for n, line in enumerate(lines) if not line.way), key=lambda n: lines[n].base)
    bases = [lines[n].base for n in order]
    out: list[int | None] = [None] * len(lines)
    for n in order:
        line = lines[n]
        first = bisect.bisect_right(bases, line.base + LIMITS.level * line.size)
        for place in range(first, len(order)):
            other = lines[order[place]]
            if other.base - line.base > LIMITS.reach * max(line.size, 4.0):
                break
            if shares_column(line, other):
                level = [
                    m
                    for m in order[place : place + LIMITS.level_lines]
                    if lines[m].base < other.base + LIMITS.level * other.size
                ]
                out[n] = min((m for m in level if shares_column(line, lines[m])), key=lambda m: lines[m].box[0])
                break
    return out


def shares_column(one: Line, other: Line) -> bool:
    """Whether the lines stand over each other by more than a word, or a third of the shorter."""
    shorter = min(width(one.box), width(other.box))
    return overlap_x(one.box, other.box) >= min(LIMITS.column[0] * shorter, LIMITS.column[1])


def _nearest_above(lines: list[Line], lower: int, upper: int, known: int | None) -> bool:
    if known is None:
        return True
    a, b = lines[upper], lines[known]
    if abs(a.base - b.base) < LIMITS.level * a.size:
        return abs(a.box[0] - lines[lower].box[0]) < abs(b.box[0] - lines[lower].box[0])
    return a.base > b.base


def _around(lower: int, above: list[int | None], below: list[int | None]) -> list[int]:
    """Positions of lines before and after ``lower`` in its column, ``lower`` first."""
    out = [lower]
    for links in (above, below):
        at: int | None = lower
        for _ in range(LIMITS.neighbours):
            at = links[at] if at is not None else None
            if at is None:
                break
            out.append(at)
    return out


def _pitch(
    lines: list[Line], lower: int, above: list[int | None], below: list[int | None], steps: list[float | None]
) -> float:
    """The smallest distance of base lines around ``lower`` between lines of its size."""
    size = lines[lower].size
    found = [
        step
        for n in _around(lower, above, below)
        if (step := steps[n]) is not None
        and abs(lines[n].size - size) < LIMITS.size
        and abs(lines[above[n] or 0].size - size) < LIMITS.size
        and step > LIMITS.smaller * size
    ]
    return min(found, default=LIMITS.usual * size)


def _pair(
    lines: list[Line],
    upper: int,
    lower: int,
    above: list[int | None] | tuple[int | None, ...],
    below: list[int | None] | tuple[int | None, ...],
    pitch: float,
) -> Pair:
    before, after = above[upper], below[lower]
    chain = [n for n in (before, upper, lower, after, above[before] if before is not None else None) if n is not None]
    further = below[after] if after is not None else None
    around = [lines[n] for n in (*chain, *([further] if further is not None else []))]
    alike = [x for x in around if abs(x.size - lines[upper].size) < LIMITS.size]
    own = lines[upper].box
    right = max((line.box[2] for line in alike if overlap_x(line.box, own) > 0), default=own[2])
    return Pair(
        lines[upper],
        lines[lower],
        None if after is None else lines[after],
        None if before is None else lines[before],
        pitch,
        right,
    )
