"""Stage 2a: which lines start a caption. Each rule scores a line that begins with a label; the sum decides."""

import re
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass

from covidct.captions.figure_labels import Label, plain, read_label
from covidct.harvest.extract.page import Line, Page
from covidct.harvest.extract.paragraphs import Flow
from covidct.harvest.extract.tally import Tally


@dataclass(frozen=True)
class Thresholds:
    """What the rules on starts compare with."""

    headed: int = 25
    """Letters of a line of words under a label that stands alone."""
    near: float = 3.5
    """Font sizes up to which that line stands right below it."""
    size: float = 0.4
    """Points by which font sizes of one style may differ."""
    body_size: float = 0.6
    """Points by which lines of the running text may differ in size."""
    enough: float = 2.0
    """A line with a lower score cites a figure instead of labelling one."""
    phrase: int = 3
    """Letters of a span whose typeface counts."""


LIMITS = Thresholds()
_READS_ON = re.compile(
    r"^\s*(\(?[A-Z]\)?\s+)?(shows?|showed|showing|shown|presents?|presented|depicts?|depicted|displays?|displayed"
    r"|illustrates?|illustrated|gives?|plots?|plotted|summari[sz]es|demonstrates?|demonstrated|reports?|provides?|compares"
    r"|indicates?|indicated|suggests?|reveals?|revealed|represents?|represented|contains?|lists?|and|or|to|in|of|for|from|with|we|is|are"
    r"|was|were|has|have|as|that|which|below|above|also|can|may|describes?|outlines?|into|by|on|at|where|but|because|since)\b"
)
_SENTENCE_END = re.compile(r"[.:;?!)\]”\"']\W*$|\d\s*$")


@dataclass(frozen=True)
class Body:
    """The style of the running text: font, size, and the usual width of its lines."""

    font: str
    size: float
    width: float


@dataclass(frozen=True)
class CaptionStart:
    """A line that labels a figure or table; ``page`` and ``line`` are positions in the lists."""

    page: int
    line: int
    label: Label
    score: float
    rules: tuple[str, ...]


@dataclass(frozen=True)
class Candidate:
    """What a rule sees: the line, its label, the words after it, and the line above it in the same column."""

    line: Line
    label: Label
    rest: str
    above: Line | None
    below: Line | None
    border: str
    """Why the line begins a paragraph; empty where it goes on."""
    body: Body


def _delimited(c: Candidate) -> bool:
    return any(mark in c.label.after for mark in ".:|–—•") or c.label.after.count(" ") > 1


def _alone(c: Candidate) -> bool:
    return not c.rest.strip()


def _heads_text(c: Candidate) -> bool:
    """Words stand right below: the line is no tag over a picture."""
    return (
        c.below is not None
        and len(c.below.text) > LIMITS.headed
        and c.below.base - c.line.base < LIMITS.near * c.line.size
    )


def _set_apart(c: Candidate) -> bool:
    first = next((span for span in c.line.spans if span.text.strip()), c.line.spans[0])
    after = [span for span in c.line.spans if len(span.text.strip()) > LIMITS.phrase and span is not first]
    differs = any((span.font, span.bold) != (first.font, first.bold) for span in after)
    return (first.bold or differs or first.font != c.body.font) and len(first.text.strip()) >= LIMITS.phrase


def _capital_follows(c: Candidate) -> bool:
    return bool(re.match(r"\W*([A-Z0-9]|[a-h]\b)", c.rest))


def _opens(c: Candidate) -> bool:
    return bool(c.border)


def _other_size(c: Candidate) -> bool:
    return abs(c.line.size - c.body.size) > LIMITS.size


def _reads_on(c: Candidate) -> bool:
    return not _delimited(c) and bool(_READS_ON.match(c.rest))


def _cited(c: Candidate) -> bool:
    return bool(re.match(r"^\s*[,;)\]]", c.label.after))


def _mid_sentence(c: Candidate) -> bool:
    above = c.above
    if above is None or c.border or abs(above.size - c.line.size) > LIMITS.size or _SENTENCE_END.search(above.text):
        return False
    return read_label(above.text) is None and above.main.font == c.line.main.font


RULES: tuple[tuple[str, float, Callable[[Candidate], bool]], ...] = (
    ("delimited", 2.0, _delimited),
    ("alone", 2.0, _alone),
    ("heads-text", 0.0, _heads_text),
    ("set-apart", 2.0, _set_apart),
    ("capital-follows", 1.0, _capital_follows),
    ("opens", 1.0, _opens),
    ("other-size", 1.0, _other_size),
    ("reads-on", -5.0, _reads_on),
    ("cited", -5.0, _cited),
    ("mid-sentence", -4.0, _mid_sentence),
)
"""Name, weight and test of every rule; a caption start scores ``LIMITS.enough``."""


def body_style(pages: list[Page]) -> Body:
    """Font and size of most letters, and the median width of its long lines."""
    letters: Counter[tuple[str, float]] = Counter()
    for page in pages:
        for line in page.lines:
            letters[(line.main.font, round(line.size * 2) / 2)] += len(line.text)
    if not letters:
        return Body("", 10.0, 400.0)
    (font, size), _ = letters.most_common(1)[0]
    widths = sorted(
        line.box[2] - line.box[0]
        for page in pages
        for line in page.lines
        if line.main.font == font and abs(line.size - size) < LIMITS.body_size and len(line.text) > LIMITS.headed
    )
    return Body(font, size, widths[len(widths) // 2] if widths else 400.0)


def find_starts(pages: list[Page], flows: list[Flow], body: Body, tally: Tally) -> list[CaptionStart]:
    """Caption starts in reading order, one a label where several lines compete (see ``best_of_label``)."""
    found: list[CaptionStart] = []
    for number, (page, flow) in enumerate(zip(pages, flows, strict=True)):
        for index, line in enumerate(page.lines):
            candidate = _candidate(page, flow, index, line, body)
            if candidate is None:
                continue
            fired = [(name, weight) for name, weight, test in RULES if test(candidate)]
            score = sum(weight for _, weight in fired)
            if score >= LIMITS.enough:
                found.append(CaptionStart(number, index, candidate.label, score, tuple(name for name, _ in fired)))
            elif candidate.label.kind == "figure":
                tally.fired("start:cites")
    return found


def _candidate(page: Page, flow: Flow, index: int, line: Line, body: Body) -> Candidate | None:
    """``line`` as the rules see it, or None where it does not begin with a label."""
    label = None if line.way else read_label(line.text)
    if label is None:
        return None
    above = flow.above[index]
    upper = None if above is None else page.lines[above]
    follower = flow.below[index]
    lower = None if follower is None else page.lines[follower]
    return Candidate(line, label, plain(line.text)[label.end :], upper, lower, flow.border[index], body)


def continues(start: CaptionStart, line: Line) -> bool:
    """Whether the line says that a figure goes on from the page before."""
    return bool(re.match(r"\W*cont(inue[ds]?|inuing|['’]?d|\.)?\b", plain(line.text)[start.label.end :], re.I))


def _tag(start: CaptionStart) -> tuple[bool, bool]:
    """Sorts labels before words first, then those that stand alone over words, then those alone over nothing."""
    alone = "alone" in start.rules
    return alone and "heads-text" not in start.rules, alone


def best_of_label(starts: list[CaptionStart], pages: list[Page]) -> tuple[list[CaptionStart], list[CaptionStart]]:
    """One start a figure label, and the others; a second printing of a label is a tag, a continuation or a citation.

    A label without a number is the figure of a paper that has no other.
    """
    groups: dict[tuple[str, str], list[CaptionStart]] = defaultdict(list)
    for start in starts:
        groups[(start.label.kind, start.label.key)].append(start)
    if any(kind == "figure" and key[:1].isdigit() for kind, key in groups):
        groups.pop(("figure", ""), None)
    winners: list[CaptionStart] = []
    for group in groups.values():
        going_on = {id(s) for s in group if continues(s, pages[s.page].lines[s.line])}
        ranked = sorted(group, key=lambda s: (id(s) in going_on, *_tag(s), -s.score, s.page, s.line))
        winners.append(ranked[0])
    order = {id(s) for s in winners}
    kept = [s for group in groups.values() for s in group]
    kept.sort(key=lambda s: (s.page, s.line))
    return [s for s in kept if id(s) in order], [s for s in kept if id(s) not in order]
