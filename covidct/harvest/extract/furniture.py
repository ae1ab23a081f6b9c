"""Stage 1b: running heads, margin notices and line numbers are set aside before anything is read."""

import itertools
import re
from collections import Counter, defaultdict

from covidct.captions.figure_labels import read_label
from covidct.harvest.extract.page import Line, Page
from covidct.harvest.extract.tally import Tally

EDGE = 0.1
"""Top and bottom share of a page where running heads stand."""
OUTER = 0.07
"""The same where a line that stands on two pages is a running head, as on left and right pages of a short paper."""
NUMBERED = 8
"""So many numbers in a row make a page line-numbered."""
_DIGITS = re.compile(r"\d+")
_NOTICE = re.compile(
    r"copyright holder for this preprint|certified by peer review|this version posted|perpetuity\.?\s*$"
    r"|(bio|med)rxiv preprint|made available under a\s+(cc|$)|note: this preprint reports new research"
    r"|it is made available under|^\s*international license\s*\.?\s*$",
    re.I,
)


def set_aside(pages: list[Page], tally: Tally) -> None:
    """Move running heads, notices and line numbers from each page's lines to its ``furniture``."""
    repeated = _repeated(pages)
    for page in pages:
        numbers = line_numbers(page.lines)
        if numbers:
            tally.fired("furniture:line-numbers")
        kept: list[Line] = []
        for index, line in enumerate(page.lines):
            if index in numbers:
                stripped = _without_number(line)
                if stripped is not None:
                    kept.append(stripped)
                continue
            rule = _rule(page, line, repeated)
            if rule:
                tally.fired(f"furniture:{rule}")
                page.furniture.append(line)
            else:
                kept.append(line)
        page.lines = kept


def _rule(page: Page, line: Line, repeated: set[tuple[str, int]]) -> str:
    if _NOTICE.search(line.text):
        return "notice"
    if _signature(page, line) in repeated:
        return "running-head"
    if _at_edge(page, line) and re.fullmatch(r"\W*(page\s*)?\d{1,4}(\s*(of|/)\s*\d+)?\W*", line.text, re.I):
        return "page-number"
    return ""


def _at_edge(page: Page, line: Line) -> bool:
    return line.box[3] < EDGE * page.height or line.box[1] > (1 - EDGE) * page.height


def _signature(page: Page, line: Line) -> tuple[str, int]:
    place = round(line.box[1] / 12)
    return (_DIGITS.sub("#", " ".join(line.text.split())).lower(), place)


def _numbered_label(line: Line) -> bool:
    """ "Figure 1" over a page, "Figure 2" over the next: no running head."""
    label = read_label(line.text)
    return label is not None and label.kind == "figure" and not line.text[label.end :].strip()


def _repeated(pages: list[Page]) -> set[tuple[str, int]]:
    """Texts that stand at one height of three or more pages outside the middle, or of two within a line of the edge."""
    seen: dict[tuple[str, int], set[int]] = defaultdict(set)
    outer: dict[tuple[str, int], set[int]] = defaultdict(set)
    for page in pages:
        for line in page.lines:
            margin = line.box[3] < 0.15 * page.height or line.box[1] > 0.85 * page.height
            if _numbered_label(line):
                continue
            if margin or line.way or line.box[2] < 0.08 * page.width or line.box[0] > 0.92 * page.width:
                text, place = _signature(page, line)
                for near in (place - 1, place, place + 1):
                    seen[(text, near)].add(page.number)
                if line.box[3] < OUTER * page.height or line.box[1] > (1 - OUTER) * page.height:
                    outer[(text, place)].add(page.number)
    twice = {key for key, numbers in outer.items() if len(numbers) == 2 and len(key[0]) > 8}
    return twice | {key for key, numbers in seen.items() if len(numbers) >= 3 and len(key[0]) > 1}


def line_numbers(lines: list[Line]) -> set[int]:
    """Positions of lines that are, or begin with, a line number: equal steps down one margin."""
    candidates = []
    for index, line in enumerate(lines):
        found = re.match(r"\s*(\d{1,4})(?=\s|$)", line.text)
        if found and not line.way:
            candidates.append((line.box[1], int(found.group(1)), index, round(line.box[0] / 6), line))
    candidates.sort(key=lambda item: (item[0], item[1]))
    steps = Counter(b[1] - a[1] for a, b in itertools.pairwise(candidates))
    step, count = steps.most_common(1)[0] if steps else (0, 0)
    if step not in (1, 5) or count < NUMBERED or count < 0.5 * len(candidates):
        return set()
    return _chain([(item[1], item[2], item[4]) for item in candidates], step)


def _chain(items: list[tuple[int, int, Line]], step: int) -> set[int]:
    kept: set[int] = set()
    for (a, first, one), (b, second, two) in itertools.pairwise(items):
        left = abs(one.box[0] - two.box[0]) < 20
        right = abs(one.box[2] - two.box[2]) < 8
        if b - a == step and (left or right):
            kept |= {first, second}
    return kept


def _without_number(line: Line) -> Line | None:
    """``line`` without its leading number; None where nothing is left."""
    rest = re.sub(r"^\s*\d{1,4}\s*", "", line.text)
    if not rest:
        return None
    spans = list(line.spans)
    while spans and re.fullmatch(r"\s*\d{0,4}\s*", spans[0].text):
        spans.pop(0)
    share = (len(line.text) - len(rest)) / len(line.text)
    x0 = line.box[0] + share * (line.box[2] - line.box[0])
    return Line(rest, (x0, *line.box[1:]), tuple(spans) or line.spans, line.block, line.way)
