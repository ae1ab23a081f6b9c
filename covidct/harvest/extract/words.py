"""Lines into text: ligatures, control characters, hyphens at line ends."""

import re
import unicodedata
from collections.abc import Iterable

_LIGATURES = str.maketrans({"ﬀ": "ff", "ﬁ": "fi", "ﬂ": "fl", "ﬃ": "ffi", "ﬄ": "ffl", "ﬅ": "ft", "ﬆ": "st"})
_WORD = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")
_HYPHEN_END = re.compile(r"([^\W\d_]+)[-‐\u00ad]$")


class Vocabulary:
    """The words of the document: tells a hyphen that breaks a word from one that belongs to it."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._words: set[str] = set()
        for line in lines:
            self._words.update(word.lower() for word in _WORD.findall(line))

    def hyphenated(self, first: str, second: str) -> bool:
        """Whether "first-second" keeps its hyphen: it is printed so elsewhere, and never as one word."""
        whole, parted = (first + second).lower(), f"{first}-{second}".lower()
        if whole in self._words:
            return False
        return parted in self._words or (len(first) > 1 and first.isupper())


def clean(text: str) -> str:
    """``text`` with ligatures resolved, control characters dropped, blanks normalised."""
    if text.isascii() and text.isprintable():
        return " ".join(text.split())
    kept = "".join(
        c for c in text.translate(_LIGATURES) if unicodedata.category(c) not in ("Cc", "Cf", "Co") or c in "\t\u00ad"
    )
    return " ".join(kept.split())


def letters_of(text: str) -> str:
    """Letters and digits of ``text`` in small letters: what is left where two printings are compared."""
    return re.sub(r"[\W_]+", "", text.lower())


def join_lines(lines: Iterable[str], words: Vocabulary) -> str:
    """One text of ``lines``; a word broken at a line end is made whole."""
    pieces: list[str] = []
    for line in (clean(line) for line in lines):
        if not line:
            continue
        last = pieces[-1] if pieces else ""
        broken = _HYPHEN_END.search(last[-60:])
        following = re.match(r"[^\W\d_]+", line)
        if broken and following and following.group()[0].islower():
            keep = words.hyphenated(broken.group(1), following.group())
            pieces[-1] = last[:-1] + ("-" if keep else "")
        elif last and not re.search(r"\w[-‐–/]$", last[-2:]):
            pieces.append(" ")
        pieces.append(line)
    return "".join(pieces).replace("\u00ad", "")
