"""Panel letters printed in a caption: every way of printing one, and the chain A, B, C… that makes them believable."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

MAX_CHARS = 12_000
"""Letters further on are not looked for."""
MAX_MARKERS = 200
_LETTER = r"(?:\d{1,2})?[A-Za-z](?:[1-9](?!\d))?(?![\w'])"
_JOIN = r"(?:\s*(?:,?\s*(?:and|y|e|et|und|to|through)\b\s*|[,;&+/-]\s*))"
_LIST = rf"{_LETTER}(?:{_JOIN}{_LETTER}){{0,15}}"
_NOUN = r"(?:panels?|figs?\.|figures?|images?|imagen|picture|part|row|rows|column|columns|slice)"
_CLASSES = (
    "group",
    "type",
    "line",
    "zone",
    "class",
    "arm",
    "cohort",
    "model",
    "stage",
    "grade",
    "virus",
    "influenza",
    "hepatitis",
)
_NOT_A_CLASS = "".join(f"(?<!{word} )(?<!{word.title()} )" for word in _CLASSES)
_SPLIT = re.compile(r"\s*(-|\bto\b|\bthrough\b|,|;|&|\+|/|\band\b|\bet\b|\bund\b|\s[ye]\s)\s*")


@dataclass(frozen=True)
class Marker:
    """Panel letters printed at ``start:end``; ``family`` is the way they are printed."""

    start: int
    end: int
    labels: tuple[str, ...]
    family: str


@dataclass(frozen=True)
class Family:
    """One way of printing panel letters. ``boundary``: only where a sentence or clause begins."""

    name: str
    pattern: re.Pattern[str]
    boundary: bool


FAMILIES = (
    Family(
        "bracketed",
        re.compile(
            rf"[(\[]\s*(?:(?i:{_NOUN})\s+|[^()\[\]]{{0,30}}?[A-Za-z]{{3}}[^()\[\]]{{0,10}}?[,;:]\s)??"
            rf"(?P<list>{_LIST}(?:[)\]]\s*(?:-|to|through)\s*[(\[]{_LETTER})?)"
            rf"(?:\s*[:,;]\s[^()\[\];]{{1,60}})?\s*[)\]]"
        ),
        False,
    ),
    Family("within brackets", re.compile(rf"(?<=[(;])\s*(?P<list>{_LIST})\s*[:,](?=\s[^()\[\]]{{1,80}}[;)])"), False),
    Family("half-bracketed", re.compile(rf"(?<![\w(\[])(?P<list>{_LIST})\s?\)"), False),
    Family("colon", re.compile(rf"{_NOT_A_CLASS}(?<![\w(\[-])(?P<list>{_LIST})\s?:(?=\s)"), False),
    Family("noun", re.compile(rf"(?i:\b{_NOUN})\s+(?P<list>{_LIST})\s*[:.,)-]?"), True),
    Family("punctuated", re.compile(rf"(?<![\w(\[])(?P<list>{_LIST})\s*(?:[.,:](?=\s)|-(?=\s)|[.:](?=[A-Z]))"), True),
    Family("bare", re.compile(rf"(?<![\w(\[])(?P<list>{_LIST})(?=\s+[\w(\"])"), True),
)
_BOUNDARY = re.compile(r"(?:^|[.;:!?]\)?|[.,;]\s?and|\bwhereas|\bwhile)\s*$|^\W+$")
_WORD_BEFORE_BARE = re.compile(r"(?:vs|fig|figs|cf|no)\.\s*$", re.IGNORECASE)


def letters(listed: str) -> tuple[str, ...]:
    """``"A-C"`` to ``("A", "B", "C")``, ``"2a and b"`` to ``("a", "b")``; letters as printed, no repeats."""
    parts = _SPLIT.split(re.sub(r"[()\[\]]", "", listed).strip())
    found: list[str] = []
    for position, part in enumerate(parts[::2]):
        label = re.sub(r"^\d{1,2}|\s", "", part)
        if not label:
            continue
        dash = position > 0 and parts[2 * position - 1] in ("-", "to", "through")
        found += _range(found[-1], label) if dash and found else [label]
    return tuple(dict.fromkeys(found))


def _range(first: str, last: str) -> list[str]:
    if len(first) == len(last) == 1 and first < last and first.isupper() == last.isupper():
        return [chr(code) for code in range(ord(first) + 1, ord(last) + 1)]
    if len(first) == len(last) == 2 and first[0] == last[0] and first[1] < last[1]:
        return [f"{first[0]}{digit}" for digit in range(int(first[1]) + 1, int(last[1]) + 1)]
    return [last]


def candidates(text: str) -> list[Marker]:
    """Everything in ``text`` (as ``plain`` makes it) that may be a panel letter, by place."""
    found = [marker for family in FAMILIES for marker in _of_family(text[:MAX_CHARS], family)]
    return sorted(found, key=lambda m: (m.start, -m.end))


def _of_family(text: str, family: Family) -> list[Marker]:
    found = []
    for match in family.pattern.finditer(text):
        before = text[max(0, match.start() - 12) : match.start()]
        if family.boundary and not _BOUNDARY.search(before) and not _in_list(before, match["list"]):
            continue
        if family.name == "bare" and _WORD_BEFORE_BARE.search(before):
            continue
        if family.name == "half-bracketed" and _inside_brackets(text, match.start()):
            continue
        found.append(Marker(match.start(), match.end(), letters(match["list"]), family.name))
    return found


def _in_list(before: str, listed: str) -> bool:
    """``a lung, b liver and c spleen``: here a lone letter that is no word may go on with a list."""
    return before.rstrip().endswith((",", " and")) and re.fullmatch(r"[b-hj-zB-HJ-Z]", listed) is not None


def _inside_brackets(text: str, position: int) -> bool:
    before = text[max(0, position - 80) : position]
    return before.rfind("(") > before.rfind(")")


def at_boundary(text: str, marker: Marker) -> bool:
    """Whether ``marker`` begins a sentence or clause."""
    return _BOUNDARY.search(text[max(0, marker.start - 12) : marker.start]) is not None


def chain(text: str) -> list[Marker]:
    """The markers of ``text`` that count up from A (or a), two letters at least; empty where there are none.

    Every mixture of families is tried; the one that explains most letters wins, fewer and plainer families first.
    """
    every = candidates(text)
    best: list[Marker] = []
    worth = (1, math.inf)
    for size in (1, 2, 3):
        for names in combinations([family.name for family in FAMILIES], size):
            for upper in (True, False):
                found = _count_up(_in_case([m for m in every if m.family in names], upper), text)
                if (new := _worth(text, found)) > worth:
                    best, worth = found, new
    return best


_PRICE_OF_MIXING = 0.55
"""A second way of printing must win this share of markers that begin a sentence, or bring more letters."""


def _worth(text: str, markers: Sequence[Marker]) -> tuple[int, float]:
    seen: set[str] = set()
    fresh = []
    for marker in markers:
        fresh += [marker] if not seen.issuperset(marker.labels) else []
        seen.update(marker.labels)
    begun = sum(at_boundary(text, marker) for marker in fresh) / max(len(fresh), 1)
    families = {marker.family for marker in fresh}
    return len(seen), 2.0 + begun - _PRICE_OF_MIXING * (len(families) - 1)


def _in_case(markers: Sequence[Marker], upper: bool) -> list[Marker]:
    """Markers in one case; a bracketed letter in the other case belongs to them where theirs lacks that letter."""
    fits = [all(label[0].isupper() == upper for label in m.labels) for m in markers]
    own = [m for m, fit in zip(markers, fits, strict=True) if fit]
    there = {label[0].casefold() for m in own for label in m.labels}
    strays = [
        Marker(m.start, m.end, (m.labels[0].swapcase(),), m.family)
        for m, fit in zip(markers, fits, strict=True)
        if not fit and m.family == "bracketed" and len(m.labels) == 1 and m.labels[0].casefold() not in there
    ]
    return sorted([*own, *strays], key=lambda m: (m.start, -m.end)) if len(there) > 1 else own


_LONE_FAMILIES = ("bracketed", "punctuated", "colon")
_LONE_LETTERS = "ABCDEFGHIJKL"
_TITLE_WORDS = 3


def lone(text: str) -> list[Marker]:
    """The one letter of a caption that is given for a single panel: ``Title. B, Heart failure: …``; or nothing."""
    found = [m for m in candidates(text) if m.family in _LONE_FAMILIES and len(m.labels) == 1]
    if len({m.labels for m in found}) != 1 or found[0].labels[0].upper() not in _LONE_LETTERS:
        return []
    first = found[0]
    titled = len(text[: first.start].split()) >= _TITLE_WORDS and text[: first.start].rstrip()[-1:] in ".;:"
    follows = re.match(r"\s*[A-Z0-9]\w*(?:\s+\S+){2}", text[first.end :])
    return [first] if titled and follows and at_boundary(text, first) else []


def _count_up(markers: Sequence[Marker], text: str) -> list[Marker]:
    """Markers in which each brings the next letter, and those that come back to letters already seen."""
    chosen: list[Marker] = []
    seen: set[str] = set()
    position = 0
    for marker in markers:
        if marker.start < position or len(chosen) == MAX_MARKERS:
            continue
        fresh = [label for label in marker.labels if label[0] not in seen and label not in seen]
        if fresh and not _brings_next(marker, seen, chosen, text):
            continue
        if not fresh and not seen:
            continue
        chosen.append(marker)
        seen.update(label[0] for label in marker.labels)
        position = marker.end
    return chosen


def _brings_next(marker: Marker, seen: set[str], chosen: Sequence[Marker], text: str) -> bool:
    first = "A" if marker.labels[0].isupper() else "a"
    awaited = chr(max((ord(s) for s in _without_gap(seen, first)), default=ord(first) - 1) + 1)
    here = {label[0] for label in marker.labels}
    if awaited in here:
        return max(here) <= chr(ord(awaited) + 15)
    skipped = chr(ord(awaited) + 1)
    return len(seen) > 1 and here == {skipped} and marker.family == chosen[-1].family and at_boundary(text, marker)


def _without_gap(seen: set[str], first: str) -> list[str]:
    run: list[str] = []
    while (letter := chr(ord(first) + len(run))) in seen:
        run.append(letter)
    return run
