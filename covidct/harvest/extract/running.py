"""Stage 3a: which lines of a page are running text: long, of about body size, in company; captions excepted."""

from dataclasses import dataclass

from covidct.harvest.extract.boxes import area, inside, overlap_x, width
from covidct.harvest.extract.page import Line, Page
from covidct.harvest.extract.starts import Body
from covidct.records import Box


@dataclass(frozen=True)
class Thresholds:
    """What tells running text; set on the papers of truth/figures.json."""

    wrapped: int = 4
    """So many short lines one under the other are a paragraph beside a figure."""
    prose: int = 22
    """Letters of a line of running text."""
    wide: float = 0.55
    """Share of the usual width that a line of running text has."""
    wrapped_width: float = 0.2
    """The same of a line beside a figure."""
    like_body: float = 1.3
    """Points by which running text may differ from the usual size; a title is larger by as many times."""
    text_box: tuple[float, float] = (400.0, 0.3)
    """Square points, and share of the page, between which a drawn box may hold the words of a flow chart."""
    narrow_box: float = 0.9
    """Share of the text's width below which it does."""
    held: float = 0.9
    """Share of a line from which it lies inside a box."""
    background: float = 0.85
    """Share of the page from which a picture under text is paper."""
    alike: float = 0.3
    """Points by which sizes of lines of one paragraph may differ."""
    edge: float = 2.5
    """Points by which edges of a column may differ."""
    full: float = 0.8
    """Share of the longest line of a paragraph that makes a line full."""
    next: float = 2.4
    """Font sizes up to which a line stands right below another."""
    company: float = 3.2
    """The same of any two lines of a column, blanks between paragraphs included."""
    shared: float = 0.5
    """Share of a line's width that it has in common with its company."""
    title: int = 15
    """Letters of the shortest line of a paper's title."""
    flush: float = 0.3
    """Font sizes by which the left edge of a last line may differ, and it may reach into the line above."""
    close: float = 0.6
    """Font sizes between a last line and the line above it."""


LIMITS = Thresholds()


def running_text(page: Page, barred: list[Line], body: Body) -> list[Line]:
    """Lines of running text: long, of about body size, in company; captions excepted."""
    skip = {id(line) for line in barred}
    smallest, share = LIMITS.text_box
    boxes = [s.box for s in page.strokes if s.straight and smallest < area(s.box) < share * area(page.box)]
    wide = [
        line
        for line in page.lines
        if id(line) not in skip
        and not line.way
        and len(line.text) > LIMITS.prose
        and width(line.box) > LIMITS.wide * body.width
        and abs(line.size - body.size) < LIMITS.like_body
        and not any(
            inside(line.box, p.box) > LIMITS.held
            for p in page.placements
            if area(p.box) < LIMITS.background * area(page.box)
        )
    ]
    full = [line for line in wide if _in_company(line, wide) and not _boxed(line, boxes, body)]
    full += _wrapped(page, full, skip, boxes, body)
    return full + _last_lines(page, full, skip, body)


def _wrapped(page: Page, full: list[Line], skip: set[int], boxes: list[Box], body: Body) -> list[Line]:
    """Lines of a paragraph beside a narrow figure: short, but in body style and flush with a full line."""
    known = skip | {id(line) for line in full}
    edges = {(round(line.box[0]), 0) for line in full} | {(round(line.box[2]), 2) for line in full}
    short = [
        line
        for line in page.lines
        if id(line) not in known
        and not line.way
        and line.main.font == body.font
        and abs(line.size - body.size) < LIMITS.alike
        and width(line.box) > LIMITS.wrapped_width * body.width
        and len(line.text) > LIMITS.prose
        and not _boxed(line, boxes, body)
    ]
    out: list[Line] = []
    for run in _runs(short):
        flush = [line for line in run if any(abs(line.box[side] - edge) < LIMITS.edge for edge, side in edges)]
        long = [line for line in run if width(line.box) > LIMITS.full * max(width(x.box) for x in run)]
        if len(run) >= LIMITS.wrapped and 2 * len(flush) > len(run) and 2 * len(long) > len(run):
            out += run
    return out


def _runs(lines: list[Line]) -> list[list[Line]]:
    """``lines`` (in reading order) parted where one does not stand right below the one before it."""
    runs: list[list[Line]] = []
    for line in lines:
        last = runs[-1][-1] if runs else None
        step = 0.0 if last is None else line.box[1] - last.box[1]
        if (
            last is not None
            and 0 < step < LIMITS.next * line.size
            and overlap_x(line.box, last.box) > LIMITS.shared * width(line.box)
        ):
            runs[-1].append(line)
        else:
            runs.append([line])
    return runs


def title_lines(page: Page, body: Body) -> list[Line]:
    """Lines of a first page that are set far larger than the running text: title, names of the authors."""
    return [
        line
        for line in page.lines
        if not line.way and len(line.text) > LIMITS.title and line.size > LIMITS.like_body * body.size
    ]


def _last_lines(page: Page, full: list[Line], skip: set[int], body: Body) -> list[Line]:
    """The short last lines of paragraphs: flush with a full line right above, in its font and size."""
    known = skip | {id(line) for line in full}

    def ends(line: Line, above: Line) -> bool:
        close = -LIMITS.flush * line.size < line.box[1] - above.box[3] < LIMITS.close * line.size
        below = 0 < line.box[1] - above.box[1] < LIMITS.company * line.size
        flush = abs(line.box[0] - above.box[0]) < LIMITS.flush * line.size and line.box[2] <= above.box[2] + 2
        return (
            close
            and below
            and flush
            and line.main.font == above.main.font
            and abs(line.size - above.size) < LIMITS.alike
        )

    return [
        line
        for line in page.lines
        if id(line) not in known and not line.way and line.main.font == body.font and any(ends(line, x) for x in full)
    ]


def _in_company(line: Line, others: list[Line]) -> bool:
    return any(
        other is not line
        and abs(other.box[1] - line.box[1]) < LIMITS.company * line.size
        and overlap_x(line.box, other.box) > LIMITS.shared * width(line.box)
        for other in others
    )


def _boxed(line: Line, boxes: list[Box], body: Body) -> bool:
    """Inside a drawn box narrower than the text column: words of a flow chart."""
    return any(width(box) < LIMITS.narrow_box * body.width and inside(line.box, box) > LIMITS.held for box in boxes)
