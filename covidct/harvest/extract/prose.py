"""Stage 7a: the running text of a document: as one string, and cut into paragraphs that go on over columns."""

from collections.abc import Iterator

from covidct.harvest.extract.paragraphs import Flow, ends_sentence
from covidct.harvest.extract.words import Vocabulary, join_lines
from covidct.harvest.extract.work import Work

ADJACENT = "top"
"""Border of a line with none above it in its column: what ended the column before may go on here."""


def running_words(work: Work) -> str:
    """The text of the document without captions, as one string."""

    def lines() -> Iterator[str]:
        for number, page in enumerate(work.pages):
            taken = {i for c in work.captions if c.page == number for i in c.lines}
            taken |= {i for c in work.captions if c.page == number - 1 for i in c.overleaf}
            yield from (line.text for i, line in enumerate(page.lines) if i not in taken and not line.way)

    return join_lines(lines(), Vocabulary(()))


def paragraphs_of(work: Work) -> list[str]:
    """The paragraphs of the running text in reading order.

    A piece of a column goes on in the next one where its last sentence is open; a paragraph whose last line ends a
    sentence at the foot of a column stays in two: the rest is lost to it rather than a stranger's words won.
    """
    whole: list[list[str]] = []
    for number, flow in enumerate(work.flows):
        for border, lines in _pieces(work, number, flow):
            if whole and _goes_on(whole[-1][-1], border, lines[0]):
                whole[-1] += lines
            else:
                whole.append(lines)
    words = Vocabulary(line.text for page in work.pages for line in page.lines)
    return [join_lines(lines, words) for lines in whole]


def _pieces(work: Work, number: int, flow: Flow) -> list[tuple[str, list[str]]]:
    """What begins each paragraph of a page, and its lines of running text."""
    running = {id(line) for line in work.views[number].running}
    pieces: dict[int, tuple[str, list[str]]] = {}
    first: dict[int, int] = {}
    for place, line in enumerate(work.pages[number].lines):
        if id(line) not in running:
            continue
        above = flow.above[place]
        goes_on = not flow.border[place] and above in first
        first[place] = first[above] if goes_on and above is not None else place
        pieces.setdefault(first[place], (flow.border[place], []))[1].append(line.text)
    return list(pieces.values())


def _goes_on(last: str, border: str, following: str) -> bool:
    return not ends_sentence(last) and (border == ADJACENT or following.lstrip()[:1].islower())
