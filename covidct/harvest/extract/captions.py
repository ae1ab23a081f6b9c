"""Stage 2b: how far a caption reaches, and its text."""

import itertools
import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from statistics import median

from covidct.captions.figure_labels import Label, plain, read_label
from covidct.harvest.extract.boxes import meet, overlap_x, union, width
from covidct.harvest.extract.legends import legend_pages, next_panel
from covidct.harvest.extract.page import Line, Page
from covidct.harvest.extract.starts import Body, Start, continues, line_above
from covidct.harvest.extract.tally import Tally
from covidct.harvest.extract.words import Vocabulary, join_lines
from covidct.records import Box


@dataclass(frozen=True)
class Caption:
    """One caption: its label, text without the label, and where it stands; ``page`` is a position in the list."""

    label: Label
    text: str
    page: int
    box: Box
    lines: tuple[int, ...]
    score: float
    rules: tuple[str, ...]
    continues: bool = False
    """Whether it only says that its figure goes on from the page before."""
    tags: tuple["Caption", ...] = field(default=())
    """Other printings of the label without text, such as "Figure 1" over a page of its own."""
    overleaf: tuple[int, ...] = ()
    """Lines on the page after, where the caption runs over the foot of its page."""


@dataclass(frozen=True)
class Step:
    """What a stop rule sees: the caption so far, the line that may follow, and the document's style."""

    taken: list[Line]
    line: Line
    page: Page
    body: Body
    usual_gap: float

    @property
    def last(self) -> Line:
        """The line before."""
        return self.taken[-1]

    @property
    def gap(self) -> float:
        """Blank between the lines, in points."""
        return self.line.box[1] - self.last.box[3]

    @property
    def style(self) -> tuple[str, float]:
        """Font and size of most of the caption's letters after its label."""
        weights: dict[tuple[str, float], int] = {}
        for line in self.taken:
            for span in line.spans:
                style = (span.font, round(span.size * 2) / 2)
                weights[style] = weights.get(style, 0) + len(span.text.strip())
        return max(weights, key=lambda style: weights[style])

    @property
    def label_only(self) -> bool:
        """Whether the first line holds the label and nothing else."""
        label = read_label(self.taken[0].text)
        return label is not None and not plain(self.taken[0].text)[label.end :].strip()

    @property
    def unlike_style(self) -> bool:
        """Whether the line is set otherwise than the caption."""
        font, size = self.style
        return self.line.main.font != font or abs(self.line.size - size) > 0.4

    @property
    def unlike_body(self) -> bool:
        """Whether the caption is set in another font or size than the running text."""
        font, size = self.style
        return font != self.body.font or abs(size - self.body.size) > 0.4


NOTE = re.compile(r"^\W{0,2}(abbreviations?|notes?|source|legend|key|data are)\b\W|^\s*[*†‡§¶#]", re.I)
"""How a line begins that explains a figure in small print."""


def _wide_gap(s: Step) -> bool:
    own = [b.box[1] - a.box[3] for a, b in itertools.pairwise(s.taken)]
    usual = min(median(own), s.usual_gap + 2) if len(own) > 1 else max([s.usual_gap, *own])
    slack = 0.75 if s.unlike_body and _bold(s.taken[0]) else 0.55
    if (len(s.taken) == 1 and s.label_only) or (NOTE.match(s.line.text) and not s.unlike_style):
        slack = 1.5
    return s.gap > usual + slack * s.line.size


def _other_size(s: Step) -> bool:
    return len(s.taken) > 1 and abs(s.line.size - s.style[1]) > 0.9 and len(s.line.text.strip()) > 3


def _body_resumes(s: Step) -> bool:
    same = s.line.main.font == s.body.font and abs(s.line.size - s.body.size) < 0.4
    font, size = s.style
    parted = s.line.block != s.last.block or (font == s.body.font and abs(size - s.line.size) > 0.6)
    return s.unlike_body and same and parted and not (len(s.taken) == 1 and s.label_only)


def _heading(s: Step) -> bool:
    bold = all(span.bold for span in s.line.spans if span.text.strip())
    return bold and not _bold(s.last) and s.line.block != s.last.block and len(s.line.text) < 110


def _new_paragraph(s: Step) -> bool:
    """In running-text style: the line before ended early and with a full stop, and a new block begins."""
    if s.unlike_body or s.line.block == s.last.block:
        return False
    short = s.last.box[2] < max(line.box[2] for line in s.taken) - 0.12 * s.body.width
    return (short or s.gap > s.usual_gap + 0.3 * s.line.size) and bool(re.search(r"[.:)]\W*$", s.last.text))


def _picture_between(s: Step) -> bool:
    strip = (max(s.last.box[0], s.line.box[0]), s.last.box[3], min(s.last.box[2], s.line.box[2]), s.line.box[1])
    common = (meet(p.box, strip) for p in s.page.placements)
    return s.gap > 4 and any(c[3] - c[1] > 3 and c[2] > c[0] for c in common)


def _link(s: Step) -> bool:
    return bool(re.fullmatch(r"\s*(https?://)?(dx\.)?(doi\.org/|doi:\s*)10\.\S+\s*", s.line.text, re.I))


STOPS: tuple[tuple[str, Callable[[Step], bool]], ...] = (
    ("wide-gap", _wide_gap),
    ("other-size", _other_size),
    ("body-resumes", _body_resumes),
    ("heading", _heading),
    ("new-paragraph", _new_paragraph),
    ("picture-between", _picture_between),
    ("link", _link),
)
"""Name and test of every rule that ends a caption before a line."""


SOFT = frozenset({"wide-gap", "body-resumes", "new-paragraph", "heading"})
"""Ends of a paragraph, after which the caption may go on with its next panel."""
PARAGRAPH = 2.2
"""Line heights between paragraphs of one caption, beyond the usual blank."""


def _bold(line: Line) -> bool:
    return all(span.bold for span in line.spans if span.text.strip())


def read_captions(pages: list[Page], starts: list[Start], body: Body, words: Vocabulary, tally: Tally) -> list[Caption]:
    """The captions that begin at ``starts``, in the order given."""
    opening = {(start.page, start.line) for start in starts}
    usual = usual_gap(pages, body)
    lists = legend_pages(pages, starts)
    captions = []
    for start in starts:
        page = pages[start.page]
        barred = {line for number, line in opening if number == start.page and line != start.line}
        below = any(page.lines[i].box[1] > page.lines[start.line].box[3] for i in barred)
        figure = start.label.kind == "figure"
        listed = figure and start.page in lists and (below or start.page + 1 in lists)
        taken, stop = _extent(page, start.line, barred, body, usual, listed)
        beside = _next_column(page, taken, barred, body, usual)
        if beside:
            taken += beside
            stop = "next-column"
        over: list[int] = []
        if stop == "nothing-follows" and figure and start.page + 1 < len(pages):
            ahead = {line for number, line in opening if number == start.page + 1}
            listed = {start.page, start.page + 1} <= lists
            over = _overleaf(page, taken, pages[start.page + 1], ahead, body, usual, listed)
            stop = "overleaf" if over else stop
        tally.fired(f"caption-end:{stop}")
        tail = [pages[start.page + 1].lines[i] for i in over]
        captions.append(replace(_caption(page, start, taken, tail, words, stop), overleaf=tuple(over)))
    return captions


def _overleaf(
    page: Page, taken: list[int], after: Page, barred: set[int], body: Body, usual: float, listed: bool
) -> list[int]:
    """Lines at the head of the page ``after`` with which a caption goes on that ends at the foot of ``page``."""
    lines = [page.lines[i] for i in taken]
    last = lines[-1]
    column = union([line.box for line in lines])
    below = any(x.box[1] > last.box[3] and overlap_x(x.box, column) > 5 and not x.way for x in page.lines)
    upright = [n for n, line in enumerate(after.lines) if not line.way]
    if below or not upright or last.box[3] < 0.6 * page.height:
        return []
    first = min(upright, key=lambda n: (round(after.lines[n].box[1] / 4), after.lines[n].box[0]))
    head = after.lines[first]
    alike = head.main.font == last.main.font and abs(head.size - last.size) < 0.2
    step = Step(lines, last, page, body, usual)
    open_end = not re.search(r"[.!?)\]]\W*$", last.text)
    under_picture = any(p.box[3] < head.box[1] for p in after.placements)
    if not alike or under_picture or read_label(head.text) or not (open_end or step.unlike_body or listed):
        return []
    return _extent(after, first, barred, body, usual, listed)[0]


def usual_gap(pages: list[Page], body: Body) -> float:
    """Median blank between lines of the running text, in points."""
    gaps = []
    for page in pages[:12]:
        lines = [x for x in page.lines if x.main.font == body.font and abs(x.size - body.size) < 0.6][:80]
        narrowed = replace(page, lines=lines)
        for line in lines:
            above = line_above(narrowed, line)
            if above is not None:
                gaps.append(line.box[1] - above.box[3])
    return max(0.0, median(gaps)) if gaps else 2.0


def _extent(
    page: Page, first: int, barred: set[int], body: Body, usual: float, listed: bool = False
) -> tuple[list[int], str]:
    """The caption's lines and what ended it; ``listed``: another legend follows on a page of legends."""
    taken = [first]
    paragraph = 0
    while True:
        following = _next(page, taken, barred)
        if following is None:
            return taken, "nothing-follows"
        if following in barred:
            return taken, "next-label"
        line = page.lines[following]
        step = Step([page.lines[i] for i in taken[paragraph:]], line, page, body, usual)
        stop = next((name for name, test in STOPS if test(step)), "")
        near = step.gap < usual + PARAGRAPH * line.size
        panel = near and next_panel((page.lines[i] for i in taken), line)
        if stop in SOFT and ((listed and near) or panel):
            stop, paragraph = "", len(taken)
        if stop:
            return taken, stop
        taken.append(following)


def _next_column(page: Page, taken: list[int], barred: set[int], body: Body, usual: float) -> list[int]:
    """The second half of a caption set in two columns under a wide figure: level with its first line, in its style.

    Where the first half ends with a full stop, both must be equally long.
    """
    lines = [page.lines[i] for i in taken]
    first, last = lines[0], lines[-1]
    step = Step(lines, last, page, body, 0.0)
    if not step.unlike_body:
        return []
    ended = bool(re.search(r"[.!?)]\W*$", last.text))
    right = max(line.box[2] for line in lines)
    for index, line in enumerate(page.lines):
        level = abs(line.box[1] - first.box[1]) < 0.5 * line.size and right < line.box[0] < right + 60
        alike = line.main.font == last.main.font and abs(line.size - last.size) < 0.1
        if not level or not alike or line.way or index in barred or read_label(line.text) is not None:
            continue
        above = line_above(page, line)
        if above is None or line.box[1] - above.box[3] > usual + 0.5 * line.size:
            half = _extent(page, index, barred | set(taken), body, usual)[0]
            if not ended or (len(lines) > 1 and abs(page.lines[half[-1]].box[3] - last.box[3]) < 2.2 * line.size):
                return half
    return []


def _next(page: Page, taken: list[int], barred: set[int]) -> int | None:
    """The line that follows in the caption's column: the nearest below, the left-most where several are level."""
    last = page.lines[taken[-1]]
    column = union([page.lines[i].box for i in taken])
    best: int | None = None
    for index, line in enumerate(page.lines):
        if line.way or index in taken or overlap_x(line.box, column) < min(0.3 * width(line.box), 12):
            continue
        if line.box[1] < last.box[1] + 0.5 * last.size or line.box[1] - last.box[3] > 5 * last.size:
            continue
        if best is None or _before(line, page.lines[best], column):
            best = index
    return best


def _before(line: Line, other: Line, column: Box) -> bool:
    if abs(line.box[1] - other.box[1]) > 0.5 * line.size:
        return line.box[1] < other.box[1]
    return abs(line.box[0] - column[0]) < abs(other.box[0] - column[0])


def _caption(page: Page, start: Start, taken: list[int], tail: list[Line], words: Vocabulary, stop: str) -> Caption:
    lines = [page.lines[i] for i in taken]
    text = join_lines([line.text for line in (*lines, *tail)], words)
    label = start.label
    rest = text[_label_end(text, label) :]
    box = union([line.box for line in (lines if label.kind == "figure" else lines[:2])])
    rules = (*start.rules, f"end:{stop}")
    going_on = continues(start, lines[0])
    return Caption(label, rest.strip(), start.page, box, tuple(taken), start.score, rules, going_on)


def _label_end(text: str, label: Label) -> int:
    """Where the words begin in the joined text, whose blanks may differ from the line's."""
    pattern = r"\s*".join(re.escape(c) for c in label.printed if not c.isspace())
    found = re.match(rf"\W{{0,3}}{pattern}[\s.:|,–—•-]*", text)
    return found.end() if found else 0


def with_note(caption: Caption, page: Page, box: Box, barred: set[int], words: Vocabulary, body: Body) -> Caption:
    """``caption``, which stands above its figure at ``box``, with the small print that explains it below, if any."""
    style = page.lines[caption.lines[0]]

    def explains(line: Line) -> bool:
        return _below(line, caption, box) and (bool(NOTE.match(line.text)) or _small_print(line, style, body))

    first = next((n for n, line in enumerate(page.lines) if n not in barred and explains(line)), None)
    if first is None:
        return caption
    size = page.lines[first].size
    taken = _extent(page, first, barred, Body("", size, width(box)), 0.35 * size)[0]
    text = join_lines([page.lines[i].text for i in taken], words)
    return replace(
        caption,
        text=f"{caption.text} {text}".strip(),
        lines=(*caption.lines, *taken),
        rules=(*caption.rules, "note-below"),
    )


def _below(line: Line, caption: Caption, box: Box) -> bool:
    near = -2 < line.box[1] - box[3] < 6 * line.size + 12
    inset = overlap_x(line.box, union((box, caption.box))) > 0.6 * width(line.box)
    return near and inset and not line.way


def _small_print(line: Line, style: Line, body: Body) -> bool:
    """Prose flush with the caption above, in its typeface, no larger, and unlike the running text."""
    prose = len(line.text) > 40 and len(re.findall(r"[^\W\d_]{2,}", line.text)) > 5
    flush = abs(line.box[0] - style.box[0]) < 3
    face = line.main.font.split("-")[0] == style.main.font.split("-")[0]
    small = line.size < style.size + 0.1 and line.size < body.size - 0.3
    return prose and flush and face and small and line.main.font != body.font
