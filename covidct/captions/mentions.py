"""Sentences and paragraphs of the running text that mention a figure: where the caption does not decide, they do."""

import re
from collections.abc import Iterable

from covidct.captions.figure_labels import FIGURE_WORDS, PREFIX, figure_key, label_key, parent_key

_SENTENCE = re.compile(r"(?<=[.!?])[\])’”]*\s+(?=[(\[“‘\"']?[A-Z0-9])")
_ABBREVIATION = re.compile(
    r"(?:\b(?:figs?|eqs?|refs?|tabs?|suppl?|vs|al|e\.g|i\.e|cf|ca|approx|no|nos|dr|prof|resp|st|vol|pp)|\b[A-Z])\.$",
    re.I,
)
_MENTION = re.compile(
    rf"(?<![^\W_])(?:{PREFIX})?(?:{FIGURE_WORDS})(?![^\W\d_](?!\d))\.?\s*"
    r"(?P<list>(?:[a-z]?\d{1,3}|[ivx]{1,5}\b)[a-z]?(?:\([a-z]\))?(?:\s*(?:,|and|&|to|[-–—])\s*(?:figs?\.?\s*)?(?:[a-z]?\d{1,3}[a-z]?|[a-z]\b))*)",
    re.I,
)
_LEAD = re.compile(r"\b[SE]\d{1,3}(?:\s*(?:,|and|&|[-–—])\s*[SE]\d{1,3})*(?=\s+Figs?\b)")
_PART = re.compile(r"(?P<range>[-–—]|\bto\b)?\s*(?P<number>[a-z]?\d{1,3}|\b[ivx]{1,5}\b)", re.I)
_TAIL = 16
"""Letters; no abbreviation is longer."""
MAX_SENTENCES = 12
MAX_LENGTH = 1200
MAX_PARAGRAPHS = 6
LONGEST_PARAGRAPH = 8000
"""Letters; the longest of 255 case reports has 7,000. What is longer was not cut into paragraphs."""


def sentences(text: str) -> list[str]:
    """``text`` cut at sentence ends; "Fig. 1", "et al. 2020" and initials do not end one."""
    out: list[list[str]] = []
    for piece in _SENTENCE.split(" ".join(text.split())):
        if out and _ABBREVIATION.search(out[-1][-1][-_TAIL:]):
            out[-1].append(piece)
        else:
            out.append([piece])
    return [" ".join(pieces) for pieces in out if pieces != [""]]


def mentioned(sentence: str) -> set[str]:
    """Keys of the figures that ``sentence`` mentions: "Figs. 1–3 and S2A" gives 1, 2, 3, S2."""
    keys: set[str] = set()
    for found in _LEAD.finditer(sentence):
        keys |= _listed(found.group(), "")
    for found in _MENTION.finditer(sentence):
        keys |= _listed(found["list"], (found["prefix"] or "").strip())
    return keys


def _listed(text: str, prefix: str) -> set[str]:
    keys: set[str] = set()
    last = ""
    for part in _PART.finditer(text):
        key = figure_key(prefix, part["number"])
        keys |= _between(last, key) if part["range"] else {key}
        last = key
    return keys


def find_mentions(text: str, labels: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """For each printed label the sentences of ``text`` that mention it, in order, at most ``MAX_SENTENCES``."""
    found = _citing(sentences(text), labels, MAX_SENTENCES)
    return {label: tuple(sentence[:MAX_LENGTH] for sentence in told) for label, told in found.items()}


def find_paragraphs(paragraphs: Iterable[str], labels: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """For each printed label the whole paragraphs that mention it, in order, at most ``MAX_PARAGRAPHS``."""
    return _citing((one for one in paragraphs if len(one) <= LONGEST_PARAGRAPH), labels, MAX_PARAGRAPHS)


def _citing(pieces: Iterable[str], labels: Iterable[str], most: int) -> dict[str, tuple[str, ...]]:
    wanted = {label: parent_key(label_key(label)) for label in labels}
    out: dict[str, list[str]] = {label: [] for label in wanted}
    for piece in pieces:
        keys = mentioned(piece)
        for label, key in wanted.items():
            if key in keys and len(out[label]) < most:
                out[label].append(piece)
    return {label: tuple(found) for label, found in out.items()}


def _between(first: str, last: str) -> set[str]:
    a, b = re.fullmatch(r"([A-Z]?)(\d+)", first), re.fullmatch(r"([A-Z]?)(\d+)", last)
    if a is None or b is None or not 0 < int(b[2]) - int(a[2]) < 30:
        return {last}
    return {f"{a[1]}{n}" for n in range(int(a[2]), int(b[2]) + 1)}
