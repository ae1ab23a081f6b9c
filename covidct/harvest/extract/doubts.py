"""What speaks against a reading being whole: pages that are pictures, letters without meaning, figures only spoken of.

A doubt is not an error: the figures that were found stay. But a paper without figures and a paper whose figures
cannot be seen must not look alike.
"""

import re
import unicodedata
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from covidct.captions.figure_labels import label_key, parent_key
from covidct.captions.mentions import mentioned, sentences
from covidct.harvest.extract.page import Page


@dataclass(frozen=True)
class Rules:
    """Thresholds of this stage."""

    cover: float = 0.6
    """Share of a page that one picture covers in a scan; a full-page figure on one of many pages does not count."""
    letters: int = 50
    """Letters and digits a page that is read has at least; a page of prose has 2,000."""
    most: float = 0.5
    """Share of pages, or of letters, that makes it the whole document."""
    figures: int = 20
    """Higher numbers of figures in running text are those of other documents, or no figures."""


RULES = Rules()
_ELSEWHERE = re.compile(
    r"\bet al\b|\bref(?:erence)?s?\b\.?\s*\d|\[\d|\bsuppl|\badditional file|\bonline\b|\bappendix", re.I
)


def doubts(pages: Sequence[Page], figures: int) -> tuple[str, ...]:
    """Why figures cannot be seen, each in one line; ``figures`` were found."""
    reasons = [] if figures else [_scan(pages), _letters_without_meaning(pages)]
    return tuple(reason for reason in reasons if reason)


def spoken_of(pages: Sequence[Page]) -> tuple[str, ...]:
    """Numbers of the figures that the running text speaks of as its own, in order."""
    keys: set[str] = set()
    for sentence in sentences(" ".join(_text(page) for page in pages)):
        if not _ELSEWHERE.search(sentence):
            keys |= {key for key in mentioned(sentence) if key.isdigit() and 0 < int(key) <= RULES.figures}
    return tuple(sorted(keys, key=int))


def not_found(spoken: Sequence[str], labels: Collection[str]) -> str:
    """Which figures the text speaks of and nobody found, in words; empty where there are none."""
    found = {parent_key(label_key(label)) for label in labels}
    lost = [key for key in spoken if key not in found]
    if not lost:
        return ""
    return f"its text speaks of Figure {', '.join(lost)}, which {'was' if len(lost) == 1 else 'were'} not found"


def _text(page: Page) -> str:
    return " ".join(line.text for line in page.lines)


def _readable(text: str) -> int:
    return sum(c.isalnum() for c in text)


def _covered(page: Page) -> bool:
    sizes = ((p.box[2] - p.box[0]) * (p.box[3] - p.box[1]) for p in page.placements)
    return max(sizes, default=0.0) > RULES.cover * page.width * page.height


def _painted(page: Page) -> str:
    return " ".join(span.text for line in page.lines for span in line.spans if span.inked)


def _scan(pages: Sequence[Page]) -> str:
    scanned = sum(_covered(page) and _readable(_painted(page)) < RULES.letters for page in pages)
    if not pages or scanned <= RULES.most * len(pages):
        return ""
    letters = any(_readable(_text(page)) >= RULES.letters for page in pages)
    what = "the recognised text over them has no place of its figures" if letters else "they have no text"
    return f"its pages are pictures (a scan) and {what}: cut the figures out by hand, or find the publisher's PDF"


def _letters_without_meaning(pages: Sequence[Page]) -> str:
    text = "".join(_text(page) for page in pages)
    lost = sum(c == "\ufffd" or unicodedata.category(c) in ("Co", "Cn", "Cs") for c in text)
    if lost <= RULES.most * (lost + _readable(text)) or lost < RULES.letters:
        return ""
    return "its letters cannot be read (fonts without Unicode): print it to PDF anew, or find another copy"
