"""A caption into the texts of its panels, and the text that holds for all of them.

Three ways of writing, told apart by where the letters stand: before their text (``(A) Axial CT. (B) Coronal``),
after it (``Axial (a) and coronal (b) CT``), or within their sentences (``On admission (A) there was …. On day 5
(B) …``).
Captions that name places instead of letters (left, right, upper row) are split into ``places``.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from covidct.captions.markers import Marker, at_boundary, chain, letters, lone
from covidct.captions.text import Span, plain, sentences, trim, without

GAP = " [...] "
"""Joins pieces of a panel's text that do not stand together in the caption."""


@dataclass(frozen=True)
class Split:
    """``spans`` by panel letter (as printed, in order) and ``shared`` spans, all of ``text``."""

    text: str
    spans: Mapping[str, tuple[Span, ...]]
    shared_spans: tuple[Span, ...]
    style: str
    """``none``, ``before``, ``after`` or ``within``: where the letters stand."""
    places: Mapping[str, Span]

    @property
    def panels(self) -> dict[str, str]:
        """Text by panel letter, without the letters."""
        return {label: self._join(spans) for label, spans in self.spans.items()}

    @property
    def shared(self) -> str:
        """The text that belongs to all panels."""
        return self._join(self.shared_spans)

    def _join(self, spans: Sequence[Span]) -> str:
        return GAP.join(self.text[start:end] for start, end in spans)


def split_caption(text: str) -> Split:
    """Split ``text``; without two panel letters that count up from A, or one behind a title, everything is shared."""
    readable = plain(text)
    markers = chain(readable) or lone(readable)
    if not markers:
        whole = trim(readable, 0, len(readable))
        return Split(text, {}, (whole,) if whole[0] < whole[1] else (), "none", _places(readable))
    style = _style(readable, markers)
    pieces = {"before": _before, "after": _after, "within": _within}[style](readable, markers)
    return _assembled(text, readable, markers, pieces, style)


Piece = tuple[tuple[str, ...], Span]


def _style(text: str, markers: Sequence[Marker]) -> str:
    first = markers[0]
    if first.family != "bracketed":
        return "before"
    if at_boundary(text, first) and not re.match(r"\s*(?:[.,;]|$)", text[first.end :]):
        return "before"
    if _own_sentences(text, markers):
        return "within"
    votes = [_closes(text, marker) for marker in markers]
    return "before" if sum(votes) * 2 < len(votes) else "after"


def _own_sentences(text: str, markers: Sequence[Marker]) -> bool:
    """Whether each letter has a sentence of its own and some stand in its midst."""
    every = sentences(text)
    owners = [max(i for i, (start, _) in enumerate(every) if start <= marker.start) for marker in markers]
    midst = [re.search(r"\w", text[m.end : every[o][1]]) is not None for m, o in zip(markers, owners, strict=True)]
    starts = [re.search(r"\w", text[every[o][0] : m.start]) is None for m, o in zip(markers, owners, strict=True)]
    return len(set(owners)) == len(owners) and any(midst) and not any(starts) and not all(map(_closer(text), markers))


def _closer(text: str) -> Callable[[Marker], bool]:
    return lambda marker: at_sentence_start(text, marker.end) or not re.search(r"\w", text[marker.end :])


_CLOSING = re.compile(r"\s*(?:[.,;:]|$|(?:and|or|as well as|followed by|with|compared|versus|vs)\b|y\b|e\b|et\b)")


def _closes(text: str, marker: Marker) -> bool:
    """Whether the letter ends its text: punctuation, a joining word, or the next sentence follows."""
    return _CLOSING.match(text, marker.end) is not None or at_sentence_start(text, marker.end)


def at_sentence_start(text: str, position: int) -> bool:
    """Whether a capital follows after a blank: the letter stood at the end of a sentence without a full stop."""
    before = text[:position].rstrip()
    return re.match(r"\s+[A-Z][a-z]+ [a-z]", text[position:]) is not None and before.endswith(")") and position > 40


def _before(text: str, markers: Sequence[Marker]) -> list[Piece]:
    """Each letter's text runs to the next letter."""
    starts = [m for i, m in enumerate(markers) if i == 0 or _begins_piece(text, m, markers[:i])]
    starts = _merged(text, starts)
    pieces: list[Piece] = []
    for marker, following in zip(starts, [*starts[1:], None], strict=True):
        if own := _ends_a_sentence(text, marker):
            pieces.append((marker.labels, own))
            continue
        end = _before_heading(text, marker.end, following) if following else _last_end(text, starts)
        span = _less_last_joint(text, trim(text, marker.end, end, extra=":,-;"))
        pieces += _refined(text, marker, _balanced(text, span))
    return _less_common_end(text, starts, pieces)


def _less_last_joint(text: str, span: Span) -> Span:
    joint = re.search(
        r"[,;.]?\s+(?:and|or|while|whereas|[Ii]n|[Ff]ig(?:ure)?\.?|[Pp]anels?|[Ii]mages?)$", text[slice(*span)]
    )
    return (span[0], span[0] + joint.start()) if joint else span


_PERSON = re.compile(
    r"\s(?:from|in|of) (?:a|an|the|two|three|one|this)\b"
    r"[^.;]{0,60}\b(?:years?|patients?|m[ae]n|wom[ae]n|boy|girl|child|infant)\b"
)


def _less_common_end(text: str, markers: Sequence[Marker], pieces: list[Piece]) -> list[Piece]:
    """``(a) X and (b) Y from a 42-year-old man``: in one sentence the person at its end belongs to all."""
    first, (labels, (start, end)) = pieces[0], pieces[-1]
    if len(pieces) < 2 or len(sentences(text, markers[0].start, end)) != 1 or ";" in text[markers[0].start : start]:
        return pieces
    person = _PERSON.search(text, start, end)
    if person is None or _PERSON.search(text, *first[1]):
        return pieces
    return [*pieces[:-1], (labels, trim(text, start, person.start()))]


def _ends_a_sentence(text: str, marker: Marker) -> Span | None:
    """``The site is shown in (c) and (d).`` among letters that begin their texts: the sentence before the letters."""
    if marker.family != "bracketed" or at_boundary(text, marker) or not re.match(r"\s*(?:\.|$)", text[marker.end :]):
        return None
    return trim(text, sentences(text, 0, marker.start)[-1][0], marker.start, extra=",;:")


def _balanced(text: str, span: Span) -> Span:
    """``span`` without the bracket that closes one opened before it."""
    inside = text[span[0] : span[1]].rstrip(" .")
    surplus = inside.endswith(")") and inside.count(")") > inside.count("(")
    return (span[0], span[0] + len(inside) - 1) if surplus else span


_HEADING_WORDS = 6


def _before_heading(text: str, start: int, following: Marker) -> int:
    """Where a text ends before the next letter: a few words after a semicolon are the next letter's heading."""
    if (own := _ends_a_sentence(text, following)) and own[0] > start:
        return own[0]
    cut = text.rfind(";", start, following.start)
    heading = text[cut + 1 : following.start].split()
    short = 0 < len(heading) <= _HEADING_WORDS and heading != ["and"] and not heading[-1].endswith(".")
    return cut if cut > 0 and short else following.start


def _last_end(text: str, markers: Sequence[Marker]) -> int:
    """Where the last letter's text ends: a list in one sentence ends with that sentence."""
    last = markers[-1]
    if len(sentences(text, markers[0].start, last.end)) == 1 and text[: markers[0].start].strip()[-1:] not in ("", "."):
        return sentences(text, last.end)[0][1] if sentences(text, last.end) else len(text)
    return _tail(text, last.end)


def _begins_piece(text: str, marker: Marker, earlier: Sequence[Marker]) -> bool:
    """New letters begin a piece; letters seen before only where a sentence begins with them."""
    seen = {label for m in earlier for label in m.labels}
    if not set(marker.labels) <= seen:
        return True
    return at_boundary(text, marker) and not _closes(text, marker)


def _merged(text: str, markers: Sequence[Marker]) -> list[Marker]:
    """``(A) and (B) show`` as one marker of two letters."""
    merged: list[Marker] = []
    for marker in markers:
        if merged and re.fullmatch(r"\s*(?:and|,|&|/|-|to|,\s*and)?\s*", text[merged[-1].end : marker.start]):
            last = merged.pop()
            dash = text[last.end : marker.start].strip() in ("-", "to")
            labels = _span_of_labels(last.labels, marker.labels) if dash else last.labels + marker.labels
            marker = Marker(last.start, marker.end, tuple(dict.fromkeys(labels)), marker.family)
        merged.append(marker)
    return merged


def _span_of_labels(first: tuple[str, ...], last: tuple[str, ...]) -> tuple[str, ...]:
    return (*first, *(chr(code) for code in range(ord(first[-1][0]) + 1, ord(last[0][0]))), *last)


_INNER = re.compile(r"[(\[]\s*([A-Za-z](?:\s*(?:,|and|&|-)\s*[A-Za-z])*)\s*[)\]]")


def _refined(text: str, marker: Marker, span: Span) -> list[Piece]:
    """A piece of several letters whose sentences end in one of them: ``B-D … . Opacities on the left (D).``"""
    if len(marker.labels) == 1:
        return [(marker.labels, span)]
    pieces: list[Piece] = []
    for start, end in sentences(text, *span):
        inner = [m for m in _INNER.finditer(text, start, end) if set(letters(m[1])) <= set(marker.labels)]
        if len({label for m in inner for label in letters(m[1])}) > 1:
            pieces += _told_apart(text, marker, (start, end), inner)
            continue
        closing = inner and not re.search(r"\w", text[inner[-1].end() : end])
        pieces.append((letters(inner[0][1]) if closing else marker.labels, (start, end)))
    return _glued(pieces)


def _told_apart(text: str, marker: Marker, span: Span, inner: Sequence[re.Match[str]]) -> list[Piece]:
    """``(A-C) A woman: day 2 (A), day 5 (B) and day 9 (C) of illness``: what leads in and what follows is of all."""
    found = [Marker(m.start(), m.end(), letters(m[1]), "bracketed") for m in inner]
    pieces = _after(text, found, span[0])
    lead = trim(text, span[0], min(start for _, (start, _) in pieces), extra=",;:")
    rest = trim(text, found[-1].end, span[1], extra=",;.")
    of_all = [(marker.labels, common) for common in (lead, rest) if re.search(r"\w", text[slice(*common)])]
    return sorted([*pieces, *of_all], key=lambda piece: piece[1])


def _glued(pieces: Sequence[Piece]) -> list[Piece]:
    glued: list[Piece] = []
    for labels, (start, end) in pieces:
        if glued and glued[-1][0] == labels:
            glued[-1] = (labels, (glued[-1][1][0], end))
        else:
            glued.append((labels, (start, end)))
    return glued


_TAIL = re.compile(
    r"^[(\[]?(?:(?:abbreviations?|note|notes|source|reproduced|reprinted|adapted|courtesy|color version|colour version"
    r"|for interpretation|images? (?:are )?courtesy|scale bars?|bars?[ :=]|error bars?|data (?:are|were)|\*|©|copyright"
    r"|with (?:thanks|permission)|used with|credit|kindly provided|provided by|data were|informed consent|the study was"
    r"|see (?:also|text)|these (?:images|findings|figures)"
    r"|(?:all|both)(?: (?:the|three|four|five|six))? (?:images|panels|scans|patients|cases|subjects|of them|were|had"
    r"|tested)"
    r"|(?:he|she|(?:the|this) (?:patient|m[ae]n|wom[ae]n|boy|girl|child|infant|recipient|case)s?) (?:had|has|was|were)"
    r"(?: (?:been|later|also|finally|previously))? (?:covid|sars|confirmed|diagnosed|recovered|infected|tested|positive"
    r"|negative|suffering|known)"
    r"|arrows? (?:indicates?|points?|shows?|=)|results are|n ?=|p ?[<=])\b"
    r"|[A-Z][\w/-]{0,9}\s?(?:[=:]|,(?= [A-Za-z-]+ [a-z-]+))\s?[A-Za-z][a-zA-Z -]{3,}(?:[;.,]|$)|\*)",
    re.IGNORECASE,
)
_ABBREVIATION = re.compile(r"^[A-Z][\w/-]{0,9}\s?(?:[=:]|,)\s?[A-Za-z][\w -]{3,}(?:[;.,=]|$)")


def _tail(text: str, start: int) -> int:
    """Where the last panel's text ends: before the sentences at the end that speak of the whole figure."""
    spans = sentences(text, start)
    end = len(text)
    for position, (low, high) in reversed(list(enumerate(spans))):
        if position == 0 or not _speaks_of_all(text[low:high]):
            break
        end = low
    return end


def _speaks_of_all(sentence: str) -> bool:
    return _TAIL.match(sentence) is not None or _ABBREVIATION.match(sentence) is not None


def _after(text: str, markers: Sequence[Marker], begin: int = 0) -> list[Piece]:
    """Each letter's text is the clause before it, back to the letter or the sentence before; from ``begin`` on."""
    pieces: list[Piece] = []
    for marker, following in zip(markers, [*markers[1:], None], strict=True):
        start = max([begin, *(low for low, _ in sentences(text, begin, marker.start)[-1:])])
        start = max([start, *(m.end() for m in re.compile(r"\w: ").finditer(text, start, marker.start))])
        span = _less_joint(text, trim(text, start, marker.start, extra=",;:"))
        begin = _goes_on(text, span, marker, following.start if following else None)
        pieces.append((marker.labels, span))
        if begin > marker.end:
            pieces.append((marker.labels, trim(text, marker.end, begin, extra=",;")))
    return _less_common_start(text, pieces)


_LEADING = re.compile(
    r".*(?:\b(?:on|in|of|the|with|at|from|by|shows?|showing|demonstrat(?:es|ing)|reveal(?:s|ing)|an?)\s+|,\s+)(?=\w)",
    re.DOTALL,
)
_SHORT = 3


def _less_common_start(text: str, pieces: list[Piece]) -> list[Piece]:
    """``CT shows opacities on axial (A) and coronal view (B)``: what leads to a list of short names belongs to all."""
    (labels, (start, end)), others = pieces[0], [text[low:high] for _, (low, high) in pieces[1:]]
    one_sentence = len(sentences(text, start, pieces[-1][1][1])) == 1
    leading = _LEADING.match(text[start:end])
    if not (one_sentence and leading and others and all(len(other.split()) <= _SHORT for other in others)):
        return pieces
    return [(labels, (start + leading.end(), end)), *pieces[1:]]


_CLAUSE = re.compile(r",\s*(?:who|which|where|whose|that)\b")
_LEAD_IN = re.compile(
    r"(?:(?:on|at|in|during|after|before|by|from|one|two|three|\d+)\b|\w+ (?:days?|weeks?|hours?|months?)\b)"
    r"(?:\s\S+){0,5}$",
    re.IGNORECASE,
)


def _goes_on(text: str, span: Span, marker: Marker, following: int | None) -> int:
    """Where a letter's text ends that goes on behind the letter: a relative clause, or all after a short lead-in."""
    lead_in = _LEAD_IN.match(text[span[0] : span[1]]) and re.match(r",\s*[a-z]", text[marker.end :])
    if not lead_in and not _CLAUSE.match(text, marker.end):
        return marker.end
    sentence = sentences(text, marker.end, following)[:1]
    limit = sentence[0][1] if sentence else marker.end
    joints = [m.start() for m in re.compile(r",? and\b|;").finditer(text, marker.end, limit)]
    to_next = following is not None and not text[limit:following].strip()
    return joints[-1] if joints and to_next else limit


def _less_joint(text: str, span: Span) -> Span:
    joint = re.match(r"(?:[.,;:)]|and|or|as well as|followed by|while|whereas)?\s*", text[span[0] : span[1]])
    return (span[0] + joint.end(), span[1]) if joint else span


def _within(text: str, markers: Sequence[Marker]) -> list[Piece]:
    """Each letter's text is its sentence and those that follow it, to the sentence of the next letter."""
    every = [start for start, _ in sentences(text)]
    starts = [max(start for start in every if start <= marker.start) for marker in markers]
    pieces: list[Piece] = []
    for marker, start, end in zip(markers, starts, [*starts[1:], _tail(text, markers[-1].end)], strict=True):
        pieces += [
            (marker.labels, trim(text, *span, extra=",;:")) for span in ((start, marker.start), (marker.end, end))
        ]
    return pieces


def _assembled(text: str, readable: str, markers: Sequence[Marker], pieces: Sequence[Piece], style: str) -> Split:
    labels = sorted({label for marker in markers for label in marker.labels})
    everywhere = [span for own, span in pieces if set(own) == set(labels) and len(pieces) > 1]
    spans: dict[str, list[Span]] = {label: [] for label in labels}
    for own, span in pieces:
        if span in everywhere or span[0] >= span[1]:
            continue
        for label in own:
            spans[label].append(span)
    taken = [span for own in spans.values() for span in own]
    letters_printed = [(m.start, m.end) for m in markers]
    shared = _rest(readable, [*taken, *letters_printed])
    return Split(text, {label: tuple(own) for label, own in spans.items()}, shared, style, {})


def _rest(text: str, holes: Sequence[Span]) -> tuple[Span, ...]:
    rest = [trim(text, *span, extra=".,;:-)") for span in without([(0, len(text))], holes)]
    rest = [(start, end + 1 if text[end : end + 1] in (".", ")") else end) for start, end in rest if start < end]
    return tuple(span for span in rest if _JOINTS.sub("", text[span[0] : span[1]]).strip(" .,;:-()"))


_JOINTS = re.compile(r"\b(?:and|or|y|e|et|und|while|whereas|as well as|respectively|figs?|panels?)\b", re.IGNORECASE)


_PICTURE = "(?:panels?|columns?|images?|pictures?|rows?)"
_PLACE = re.compile(
    r"(?:^|[.;:,(]\s*|\b(?:and|the)\s+)(?P<place>(?:"
    rf"(?:upper|lower|middle|top|bottom)[ -](?:left|right|{_PICTURE})"
    rf"|(?:left|right|middle|center|centre|top|bottom|upper|lower)(?= {_PICTURE}\b|[):,])"
    rf"|(?:first|second|third|fourth|fifth)(?: (?:to|and|through) (?:second|third|fourth|fifth|sixth))? {_PICTURE}"
    rf")(?: {_PICTURE})?)\)?(?P<stop>[:,.)]|\s)",
    re.IGNORECASE,
)


def _places(text: str) -> dict[str, Span]:
    """Texts of places (``left``, ``upper row``, ``first column``), two at least."""
    found = list(_PLACE.finditer(text))
    if len(found) < 2:
        return {}
    spans = {
        m["place"].lower(): trim(text, *span, extra="(),;:")
        for m, span in zip(found, _around(text, found), strict=True)
    }
    return {place: span for place, span in spans.items() if span[0] < span[1]}


def _around(text: str, found: Sequence[re.Match[str]]) -> list[Span]:
    """What stands before a place in brackets, else what follows it to the next."""
    starts, ends = [match.start("place") for match in found], [match.end() for match in found]
    if all(text[start - 1 : start] == "(" for start in starts):
        return [(begin, start) for begin, start in zip([0, *ends], starts, strict=False)]
    return list(zip(ends, [*starts[1:], _tail(text, ends[-1])], strict=True))
