"""Stage 2b: how far a caption reaches, and its text.

Inside a paragraph a caption goes on; at the border of a paragraph it ends, unless a named reason carries it on.
"""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from covidct.captions.figure_labels import Label, plain, read_label
from covidct.harvest.extract.boxes import meet, overlap_x, union, width
from covidct.harvest.extract.legends import legend_pages, next_panel, stands_alone
from covidct.harvest.extract.page import Line, Page
from covidct.harvest.extract.paragraphs import Flow, between, bold, ends_sentence, face
from covidct.harvest.extract.starts import Body, CaptionStart, continues
from covidct.harvest.extract.tally import Tally
from covidct.harvest.extract.words import Vocabulary, join_lines
from covidct.records import Box


@dataclass(frozen=True)
class Thresholds:
    """What the rules on captions compare with; in font sizes where nothing else is said."""

    paragraph: float = 2.2
    """Blank between paragraphs of one caption, beyond the usual distance of base lines."""
    same_style: float = 0.75
    """The same where nothing but the style tells that the caption goes on."""
    title: float = 0.3
    """The same between a bold title and its legend, or by how much the blank below the legend is larger."""
    outer: float = 1.2
    """The same where the blank below the legend is larger, in empty lines: one and what Word adds to a paragraph."""
    titled: float = 2.2
    """Empty lines between a bold title and its legend: one of a double-spaced manuscript is 2.3 font sizes."""
    label_alone: float = 4.5
    """The same below a line that holds nothing but the label."""
    room: float = 4.0
    """Blank under a full stop that shows that a caption ends on its page: two lines and more."""
    size: float = 0.4
    """Points by which font sizes of one style may differ."""
    face_size: float = 0.6
    """The same between a title and its legend, of one typeface."""
    other_size: float = 0.9
    """Points from which another size ends a caption at a border."""
    printed_size: float = 0.3
    """Points by which sizes on two pages may differ."""
    foot: float = 0.6
    """Share of the page's height over which a caption does not run on to the next page."""
    level: float = 0.5
    """Lines nearer than this stand on one height."""
    next_column: float = 60.0
    """Points to the right at which the second half of a caption begins at most."""
    reach: float = 5.0
    """How far below a line the next may stand."""
    column: tuple[float, float] = (0.3, 12.0)
    """What a line shares with the caption's column: a share of its width, or points where that is less."""
    below: float = 5.0
    """Points of the caption's column that a line below shares which shows that the caption ends on its page."""
    heading: int = 110
    """Letters of the longest line that is taken for a heading."""


LIMITS = Thresholds()


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
    """Whether it says that its figure goes on from the page before."""
    tags: tuple["Caption", ...] = field(default=())
    """Other printings of the label without text, such as "Figure 1" over a page of its own."""
    overleaf: tuple[int, ...] = ()
    """Lines on the page after, where the caption runs over the foot of its page."""

    @property
    def supporting(self) -> bool:
        """Whether it describes a file that comes beside the paper: "S1 Fig. … (TIF)"."""
        return bool(_FILE_END.search(self.text)) or self.label.printed.lower().startswith("additional file")


@dataclass(frozen=True)
class Step:
    """What a rule sees: the caption so far, the line that may follow and what parts them, and the document's style."""

    taken: list[Line]
    line: Line
    page: Page
    body: Body
    border: str
    pitch: float
    listed: bool = False
    """Whether the page holds nothing but legends, or nothing but a figure and what explains it."""
    alone: bool = False
    outer: float = 0.0
    """Blank below the paragraph that may follow, beyond the usual, in font sizes; large where nothing is below but
    none where the paragraph runs over the foot of the page."""

    @property
    def last(self) -> Line:
        """The line before."""
        return self.taken[-1]

    @property
    def blank(self) -> float:
        """Distance of the base lines beyond the usual, in font sizes."""
        return (self.line.base - self.last.base - self.pitch) / max(self.line.size, 1.0)

    @property
    def empty(self) -> float:
        """The same in empty lines at the usual distance."""
        return (self.line.base - self.last.base) / max(self.pitch, 1.0) - 1

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
        """Whether the caption so far is the label and nothing else."""
        label = read_label(self.taken[0].text)
        return label is not None and len(self.taken) == 1 and not plain(self.taken[0].text)[label.end :].strip()

    @property
    def title_only(self) -> bool:
        """Whether the caption so far is bold as a whole and what follows is the same face without it."""
        font, size = self.style
        alike = face(self.line.main.font) == face(font) and abs(self.line.size - size) < LIMITS.face_size
        return all(bold(line) for line in self.taken) and not bold(self.line) and alike

    @property
    def unlike_style(self) -> bool:
        """Whether the line is set otherwise than the caption."""
        font, size = self.style
        return self.line.main.font != font or abs(self.line.size - size) > LIMITS.size

    @property
    def unlike_body(self) -> bool:
        """Whether the caption is set in another font or size than the running text."""
        font, size = self.style
        return font != self.body.font or abs(size - self.body.size) > LIMITS.size

    @property
    def like_body(self) -> bool:
        """Whether the line is set as the running text."""
        return self.line.main.font == self.body.font and abs(self.line.size - self.body.size) < LIMITS.size


Rule = Callable[[Step], bool]
_FILE_END = re.compile(
    r"\((tiff?|pdf|docx?|eps|png|jpe?g|zip|xlsx?|pptx?|mp4|avi|mov)(\s*,?\s*[\d.]+\s*[km]b)?\)\W*$", re.I
)
_CONTINUED = re.compile(r"^\W*cont(inue[ds]?|inuing|['’]?d)?\b\W*", re.I)
NOTE = re.compile(r"^\W{0,2}(abbreviations?|notes?|source|legend|key|data are)\b\W|^\s*[*†‡§¶#]", re.I)
"""How a line begins that explains a figure in small print."""


def _picture_between(s: Step) -> bool:
    strip = (max(s.last.box[0], s.line.box[0]), s.last.box[3], min(s.last.box[2], s.line.box[2]), s.line.box[1])
    common = (meet(p.box, strip) for p in s.page.placements)
    return s.line.box[1] - s.last.box[3] > 4 and any(c[3] - c[1] > 3 and c[2] > c[0] for c in common)


def _link(s: Step) -> bool:
    return bool(re.fullmatch(r"\s*(https?://)?(dx\.)?(doi\.org/|doi:\s*)10\.\S+\s*", s.line.text, re.I))


def _far(s: Step) -> bool:
    if s.title_only and not s.label_only:
        return s.empty > LIMITS.titled
    return s.blank > (LIMITS.label_alone if s.label_only else LIMITS.paragraph)


def _other_size(s: Step) -> bool:
    larger = s.line.size - s.style[1] > LIMITS.other_size
    smaller = s.style[1] - s.line.size > LIMITS.other_size and not NOTE.match(s.line.text)
    return not s.label_only and len(s.line.text.strip()) > 3 and (larger or smaller)


def _heading(s: Step) -> bool:
    return bold(s.line) and not bold(s.last) and len(s.line.text) < LIMITS.heading and not s.label_only


def _body_resumes(s: Step) -> bool:
    return s.unlike_body and s.like_body and not s.label_only and not s.title_only


STOPS: tuple[tuple[str, Rule], ...] = (
    ("picture-between", _picture_between),
    ("link", _link),
)
"""Name and test of every rule that ends a caption before a line, wherever it stands."""
ENDS: tuple[tuple[str, Rule], ...] = (
    ("far", _far),
    ("other-size", _other_size),
    ("heading", _heading),
    ("body-resumes", _body_resumes),
)
"""The same at the border of a paragraph, whatever carries the caption on; panels are stopped by the first alone."""


def _label_only(s: Step) -> bool:
    return s.label_only


def _panel(s: Step) -> bool:
    return next_panel(s.taken, s.line)


def _listed(s: Step) -> bool:
    return s.listed


def _alone(s: Step) -> bool:
    return s.alone and (s.title_only or s.blank < LIMITS.same_style)


def _mid_sentence(s: Step) -> bool:
    """The line before ends in the middle of a sentence."""
    if ends_sentence(s.last.text) or s.blank > LIMITS.same_style:
        return False
    lower = re.match(r"\W{0,2}[a-zà-ÿ\d]", s.line.text) is not None
    full = s.border not in ("ended", "short", "heading", "other-face", "other-size")
    return lower or bool(re.search(r"[,\-–(]\s*$|\b(and|or|of|the|in|with|for|a)\s*$", s.last.text)) or full


def _same_style(s: Step) -> bool:
    alike = not s.unlike_style or (s.title_only and not s.like_body)
    return s.unlike_body and alike and s.blank < LIMITS.same_style


def _small_note(s: Step) -> bool:
    return bool(NOTE.match(s.line.text))


def _title(s: Step) -> bool:
    """The title is bold, and the legend stands nearer to it than to what comes below."""
    near = s.blank < LIMITS.title or (s.empty < LIMITS.outer and s.outer > s.blank + LIMITS.title)
    return s.title_only and near


GOES_ON: tuple[tuple[str, Rule], ...] = (
    ("label-only", _label_only),
    ("panel", _panel),
    ("listed", _listed),
    ("alone", _alone),
    ("mid-sentence", _mid_sentence),
    ("same-style", _same_style),
    ("note", _small_note),
    ("title", _title),
)
"""Name and test of every reason for which a caption goes on beyond the border of a paragraph."""


def verdict(step: Step) -> str:
    """The rule that ends the caption before the step's line; empty where the caption goes on."""
    stop = next((name for name, test in STOPS if test(step)), "")
    if stop or not step.border:
        return stop
    panel = not _far(step) and _panel(step)
    stop = "" if panel else next((name for name, test in ENDS if test(step)), "")
    goes_on = panel or any(test(step) for _, test in GOES_ON)
    return stop or ("" if goes_on else f"paragraph:{step.border}")


@dataclass(frozen=True)
class Reader:
    """What reading captions needs of the document."""

    pages: list[Page]
    flows: list[Flow]
    body: Body
    words: Vocabulary


def read_captions(reader: Reader, starts: list[CaptionStart], tally: Tally) -> list[Caption]:
    """The captions that begin at ``starts``, in the order given."""
    opening = {(start.page, start.line) for start in starts}
    lists = legend_pages(reader.pages, starts)
    alone = stands_alone(reader.pages, starts, reader.body)
    return [_read(reader, start, opening, lists, alone, tally) for start in starts]


def _read(
    reader: Reader, start: CaptionStart, opening: set[tuple[int, int]], lists: set[int], alone: set[int], tally: Tally
) -> Caption:
    page = reader.pages[start.page]
    barred = {line for number, line in opening if number == start.page and line != start.line}
    below = any(page.lines[i].box[1] > page.lines[start.line].box[3] for i in barred)
    figure = start.label.kind == "figure"
    listed = figure and start.page in lists and (below or start.page + 1 in lists)
    context = (listed, figure and start.page in alone)
    taken, stop = extent(reader, start.page, start.line, barred, context)
    beside = _next_column(reader, start.page, taken, barred)
    if beside:
        taken += beside
        stop = "next-column"
    over: list[int] = []
    if stop == "nothing-follows" and figure and start.page + 1 < len(reader.pages):
        ahead = {line for number, line in opening if number == start.page + 1}
        over = _overleaf(reader, start.page, taken, ahead, {start.page, start.page + 1} <= lists)
        stop = "overleaf" if over else stop
    tally.fired(f"caption-end:{stop}")
    tail = [reader.pages[start.page + 1].lines[i] for i in over]
    return replace(_caption(page, start, taken, tail, reader.words, stop), overleaf=tuple(over))


def _overleaf(reader: Reader, number: int, taken: list[int], barred: set[int], listed: bool) -> list[int]:
    """Lines at the head of the next page with which a caption goes on that ends at the foot of its page."""
    page, after = reader.pages[number], reader.pages[number + 1]
    lines = [page.lines[i] for i in taken]
    last = lines[-1]
    column = union([line.box for line in lines])
    below = any(x.box[1] > last.box[3] and overlap_x(x.box, column) > LIMITS.below and not x.way for x in page.lines)
    upright = [n for n, line in enumerate(after.lines) if not line.way]
    if below or not upright or last.box[3] < LIMITS.foot * page.height:
        return []
    first = min(upright, key=lambda n: (round(after.lines[n].box[1] / 4), after.lines[n].box[0]))
    head = after.lines[first]
    step = Step(lines, head, page, reader.body, "overleaf", 0.0)
    open_end = not ends_sentence(last.text)
    if not open_end and _room_below(reader, page, last):
        return []
    alike = face(head.main.font) == face(last.main.font) and abs(head.size - last.size) < LIMITS.printed_size
    style = head.main.font == last.main.font and (step.unlike_body or listed)
    under_picture = any(p.box[3] < head.box[1] for p in after.placements)
    if not alike or under_picture or read_label(head.text) or not (open_end or style):
        return []
    return extent(reader, number + 1, first, barred, (listed, False))[0]


def _room_below(reader: Reader, page: Page, last: Line) -> bool:
    """Whether ``page`` could hold further lines under ``last``: full pages of its height reach farther down."""
    alike = [x for x in reader.pages if abs(x.height - page.height) < 1]
    feet = sorted(max((line.box[3] for line in x.lines if not line.way), default=0.0) for x in alike)
    return last.box[3] + LIMITS.room * last.size < feet[3 * len(feet) // 4]


def extent(
    reader: Reader, number: int, first: int, barred: set[int], context: tuple[bool, bool]
) -> tuple[list[int], str]:
    """The caption's lines and what ended it; ``context``: on a page of legends, alone with its figure on its page."""
    page, flow = reader.pages[number], reader.flows[number]
    taken = [first]
    while True:
        following = _next(page, taken, barred)
        if following is None:
            return taken, "nothing-follows"
        if following in barred:
            return taken, "next-label"
        border, pitch = between(page, flow, taken[-1], following)
        lines = [page.lines[i] for i in taken]
        outer = _blank_below(page, flow, following) if border else 0.0
        stop = verdict(Step(lines, page.lines[following], page, reader.body, border, pitch, *context, outer))
        if stop:
            return taken, stop
        taken.append(following)


def _blank_below(page: Page, flow: Flow, line: int) -> float:
    """Blank below the paragraph that begins with ``line``, beyond the usual, in font sizes; see ``Step.outer``."""
    at = line
    while (below := flow.below[at]) is not None and not flow.border[below]:
        at = below
    if below is None:
        return math.inf if ends_sentence(page.lines[at].text) else 0.0
    step = page.lines[below].base - page.lines[at].base
    return (step - flow.pitch[below]) / max(page.lines[at].size, 1.0)


def _next_column(reader: Reader, number: int, taken: list[int], barred: set[int]) -> list[int]:
    """The second half of a caption set in two columns under a wide figure: level with its first line, in its style.

    Where the first half ends with a full stop, both must be equally long.
    """
    page, flow = reader.pages[number], reader.flows[number]
    lines = [page.lines[i] for i in taken]
    first, last = lines[0], lines[-1]
    if not Step(lines, last, page, reader.body, "", 0.0).unlike_body:
        return []
    ended = bool(re.search(r"[.!?)\]]\W*$", last.text))
    right = max(line.box[2] for line in lines)
    for index, line in enumerate(page.lines):
        level = (
            abs(line.box[1] - first.box[1]) < LIMITS.level * line.size
            and right < line.box[0] < right + LIMITS.next_column
        )
        alike = line.main.font == last.main.font and abs(line.size - last.size) < LIMITS.printed_size
        if not level or not alike or line.way or index in barred or read_label(line.text) is not None:
            continue
        if flow.border[index]:
            half = extent(reader, number, index, barred | set(taken), (False, False))[0]
            if not ended or (
                len(lines) > 1 and abs(page.lines[half[-1]].box[3] - last.box[3]) < LIMITS.paragraph * line.size
            ):
                return half
    return []


def _next(page: Page, taken: list[int], barred: set[int]) -> int | None:
    """The line that follows in the caption's column: the nearest below, the left-most where several are level."""
    last = page.lines[taken[-1]]
    column = union([page.lines[i].box for i in taken])
    best: int | None = None
    for index, line in enumerate(page.lines):
        if (
            line.way
            or index in taken
            or overlap_x(line.box, column) < min(LIMITS.column[0] * width(line.box), LIMITS.column[1])
        ):
            continue
        if line.box[1] < last.box[1] + LIMITS.level * last.size or line.box[1] - last.box[3] > LIMITS.reach * last.size:
            continue
        if best is None or _before(line, page.lines[best], column):
            best = index
    return best


def _before(line: Line, other: Line, column: Box) -> bool:
    if abs(line.box[1] - other.box[1]) > LIMITS.level * line.size:
        return line.box[1] < other.box[1]
    return abs(line.box[0] - column[0]) < abs(other.box[0] - column[0])


def _caption(
    page: Page, start: CaptionStart, taken: list[int], tail: list[Line], words: Vocabulary, stop: str
) -> Caption:
    lines = [page.lines[i] for i in taken]
    text = join_lines([line.text for line in (*lines, *tail)], words)
    label = start.label
    rest = text[_label_end(text, label) :]
    box = union([line.box for line in (lines if label.kind == "figure" else lines[:2])])
    rules = (*start.rules, f"end:{stop}")
    going_on = continues(start, lines[0])
    return Caption(label, rest.strip(), start.page, box, tuple(taken), start.score, rules, going_on)


def joined_text(caption: Caption, captions: list[Caption]) -> str:
    """The text of ``caption`` and of those with its label that say that the figure goes on, each once."""
    texts = [caption.text]
    for other in captions:
        same = other.continues and other.label.kind == "figure" and other.label.key == caption.label.key
        more = _CONTINUED.sub("", other.text) if same else ""
        if more and not any(more in text for text in texts):
            texts.append(more)
    return " ".join(texts)


def _label_end(text: str, label: Label) -> int:
    """Where the words begin in the joined text, whose blanks may differ from the line's."""
    pattern = r"\s*".join(re.escape(c) for c in label.printed if not c.isspace())
    found = re.match(rf"\W{{0,3}}{pattern}[\s.:|,–—•-]*", text)
    return found.end() if found else 0
