"""Offsets-preserving text helpers: every rule reports a span of the text as it was given."""

import re
from collections.abc import Iterable, Iterator

Span = tuple[int, int]
"""Start and end, in characters of the text as given."""

_SAME_LENGTH = str.maketrans(
    {
        **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe63\uff0d\u00ad", "-"),
        **dict.fromkeys("\u00a0\u2002\u2003\u2007\u2008\u2009\u200a\u202f\u3000\t\r\n\u200b", " "),
        **dict.fromkeys("\u2018\u2019\u02bc\u00b4`", "'"),
        **dict.fromkeys("\u201c\u201d\u201e\u00ab\u00bb", '"'),
        "\uff08": "(",
        "\uff09": ")",
        "\uff0c": ",",
        "\uff1b": ";",
        "\uff1a": ":",
        "\u3002": ".",
    }
)
_STOP = re.compile(r"[.!?]+[)\]\"']*(?=\s)|(?<=[\u4e00-\u9fff])\.|\.(?=[(\[]?[A-Z][a-z]{2,}\s)|\.(?=\([A-Za-z]\))")
_NO_STOP = re.compile(
    r"(?:\b(?i:figs?|figures?|dr|drs|prof|mr|mrs|ms|st|no|nos|vs|cf|ca|approx|e\.g|i\.e|al|etc|resp|incl|dept|univ|inc|co|ltd"
    r"|jan|feb|mar|apr|jun|jul|aug|sep|sept|oct|nov|dec|spp?|var|pts?|yrs?|wks?|mos?|abb|ref|refs|vol|pp)|(?:^|[.;:]\s*|[A-Z][\w.]*\s)[A-Z])\.$",
)


def plain(text: str) -> str:
    """``text`` with typographic hyphens, blanks, quotes made plain; each character stays at its offset."""
    return text.translate(_SAME_LENGTH)


def lower(text: str) -> str:
    """``text`` in lower case at the same length (a few letters have longer lower forms: they stay)."""
    lowered = text.lower()
    if len(lowered) == len(text):
        return lowered
    return "".join(low if len(low := char.lower()) == 1 else char for char in text)


def sentences(text: str, start: int = 0, end: int | None = None) -> list[Span]:
    """Spans of the sentences in ``text[start:end]``, blanks trimmed; ``text`` as ``plain`` makes it."""
    end = len(text) if end is None else end
    spans, begin = [], start
    for match in _STOP.finditer(text, start, end):
        if _NO_STOP.search(text, max(begin, match.start() - 12), match.end()) and not _ends_anyway(text, match.end()):
            continue
        spans.append((begin, match.end()))
        begin = match.end()
    spans.append((begin, end))
    return [span for span in (trim(text, *s) for s in spans) if span[0] < span[1]]


def _ends_anyway(text: str, position: int) -> bool:
    """A panel letter in brackets begins a new sentence even after an abbreviation."""
    return re.match(r"\s*[(\[][A-Za-z][)\]]", text[position : position + 8]) is not None


_GLUED = re.compile(r"[A-Za-z][\w,.()-]{27,}")
"""Longer than any word: the blanks between words were lost on the way out of a PDF."""
_JOIN = "of|with|from|in|on|at|by|and|for"
_LOST_BLANK = re.compile(
    rf"(?<=[a-z])(?=[A-Z0-9])|(?<=[.,])(?=[A-Z(])|(?<=\))(?=[A-Za-z])|(?<=[a-z0-9.])(?=\()|(?<=CT)(?=(?:scan|image|of|show))"
    rf"|(?<=[a-z]{{3}})(?=(?:{_JOIN})(?:the|patient|case|both|left|right|[A-Z0-9(]))"
    r"|(?<=(?:of|on|in))(?=(?:the|patient|case|both))|(?<=patients)(?=[a-z])|(?<=with)(?=[a-z])"
)


def spaced(text: str) -> tuple[str, list[int]]:
    """``text`` with blanks where they were lost, and the offset in ``text`` of each of its characters."""
    lost = {place.start() for run in _GLUED.finditer(text) for place in _LOST_BLANK.finditer(text, *run.span())}
    places = [place for place in range(len(text)) for _ in range(1 + (place in lost))]
    return "".join(f" {char}" if place in lost else char for place, char in enumerate(text)), places


def trim(text: str, start: int, end: int, extra: str = "") -> Span:
    """``(start, end)`` without blanks, and characters of ``extra``, at both ends."""
    cut = set(extra)
    while start < end and (text[start].isspace() or text[start] in cut):
        start += 1
    while end > start and (text[end - 1].isspace() or text[end - 1] in cut):
        end -= 1
    return start, end


def without(spans: Iterable[Span], holes: Iterable[Span]) -> Iterator[Span]:
    """``spans`` less ``holes``, in order."""
    for start, end in spans:
        for low, high in sorted(holes):
            if high <= start or low >= end:
                continue
            if low > start:
                yield start, low
            start = max(start, high)
        if start < end:
            yield start, end
