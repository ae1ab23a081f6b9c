"""The printed labels of figures and tables: "Figure 1.", "Fig. S2 |", "Extended Data Figure 3", "FIGURE IV"."""

import re
import unicodedata
from dataclasses import dataclass

_PREFIX = r"(?:(?P<prefix>supplementa\w*|suppl?\.?|extended\s+data|online|additional|appendix|web|e)[\s-]*)?"
_WORD = (
    r"(?P<word>figures?|figs?|figura|figur|abbildung|abb|table|tables?|tabla|tab|scheme|box|panel|video|movie)\b\s*\.?"
)
_NUMBER = r"(?P<number>(?:[a-z]{1,2}[\s.-]?)?\d{1,3}(?:[.-]\d{1,2}(?!\d))?[a-h]?|[ivxl]{1,6}|[s])?"
_LABEL = re.compile(rf"^\W{{0,2}}{_PREFIX}{_WORD}\s*[:.]?\s*{_NUMBER}(?![^\W_])(?P<after>[\s.:|,;)\]–—•-]*)", re.I)
_FIGURE_WORDS = ("fig", "abb")
_OPEN = re.compile(r"^\s*[(\[]")


@dataclass(frozen=True)
class Label:
    """A printed label at the start of a text; ``end`` is where the caption's own words begin."""

    kind: str
    """``figure`` or ``table`` (everything that is captioned and is no figure)."""
    printed: str
    """As printed, blanks normalised, without the mark that follows."""
    key: str
    """What makes two printings the same figure: ``1``, ``S1``, ``1A``."""
    after: str
    """Marks and blanks between label and caption."""
    end: int


def read_label(text: str) -> Label | None:
    """The label that ``text`` starts with, or None; text that opens with a parenthesis cites and does not label."""
    clean = _closed_up(plain(text))
    found = None if _OPEN.match(clean) else _LABEL.match(clean)
    if found is None:
        return None
    word, number = found["word"].lower(), (found["number"] or "").strip()
    if not number and (not found["word"].isupper() or found["prefix"]):
        return None
    kind = "figure" if word.startswith(_FIGURE_WORDS) else "table"
    printed = " ".join(clean[: found.start("after")].split()).strip(" ([")
    return Label(kind, printed, figure_key(found["prefix"] or "", number), found["after"], found.end())


def figure_key(prefix: str, number: str) -> str:
    """``S1`` for "Supplementary Figure 1" and "Figure S1", ``E1`` for "Extended Data Figure 1", ``4`` for "IV"."""
    bare = re.sub(r"[\s.-]", "", number).upper()
    if re.fullmatch(r"[IVXL]+", bare):
        bare = str(_roman(bare))
    first = {"s": "S", "e": "E", "o": "O", "a": "A", "w": "W"}.get(prefix[:1].lower(), "")
    return bare if not first or bare[:1].isalpha() else first + bare


def plain(text: str) -> str:
    """``text`` with control characters dropped and every kind of blank a blank; the length may shrink."""
    kept = "".join(c for c in text if unicodedata.category(c) not in ("Cc", "Cf") or c in "\t\n")
    return re.sub(r"[\u00a0\u2000-\u200a\u202f\u3000\t]", " ", kept)


def _closed_up(text: str) -> str:
    """``text`` with a letter-spaced first word ("F I G U R E 1") closed up, its blanks moved behind it."""
    found = re.match(r"\s*((?:[A-Z] ){2,}[A-Z])(?=[\s.\d])", text)
    if found is None:
        return text
    return (
        found.group(1).replace(" ", "")
        + " " * (found.end() - len(found.group(1).replace(" ", "")))
        + text[found.end() :]
    )


def _roman(text: str) -> int:
    values = [{"I": 1, "V": 5, "X": 10, "L": 50}[c] for c in text]
    return sum(-v if v < max(values[i:]) else v for i, v in enumerate(values))
