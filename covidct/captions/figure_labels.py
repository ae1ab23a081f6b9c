"""The one grammar of printed figure labels: "Figure 1.", "S1 Fig.", "Fig. S2 |", "图 1".

What PDF, JATS and running text have in common is the key: ``1``, ``S1``, ``E2``, ``4`` for "IV", ``1A``.
"""

import re
import unicodedata
from dataclasses import dataclass

FIGURE_WORDS = (
    r"figure(?:s(?!\d))?|fig(?:s(?!\d))?|figur[ae]?|abbildung|abb|slika|ábra|obr(?:ázek)?|рис(?:унок)?|şekil|ryc(?:ina)?|rys(?:unek)?"
    r"|εικόνα|σχήμα|hình|图|圖|図|그림|figuur|afbeelding|gambar|joonis|мал(?:юнок)?|фиг(?:ура)?|ภาพที่|รูปที่|الشكل|شكل|चित्र"
)
PICTURE_WORDS = r"imagen?|picture|photo|plate|kuva"
"""Words that label a figure only with a mark and words behind the number: they also stand inside figures."""
OTHER_WORDS = (
    r"tables?|tabla|tabelle?|tabela|tablo|tab|таблица|πίνακας|schemes?|box|panel|videos?|movies?"
    r"|表|표|algorithm|listing"
)
"""What is captioned and is no figure."""
PREFIX = (
    r"(?P<prefix>supplement\w*(?:\s+(?:material|information))?|supporting|supp?l?\.?|si|extended\s+data|online(?:\s+only)?"
    r"|additional(?:\s+files?\s+\d+\s*[:.,–-]?)?|appendix(?:\s+(?:[a-d]|\d{1,2}))?|web|e)[\s-]*"
)
_NUMBER = r"(?:[a-z]{1,2}[\s.-]?)?\d{1,3}(?:[.-]\d{1,2}(?!\d))?[a-hs]?|[ivxl]{1,6}|s|[一二三四五六七八九十]{1,3}"
_AFTER = r"(?P<after>[\s.:|,;)\]–—•．。：、-]*)"
_LABEL = re.compile(
    rf"^\W{{0,2}}(?:(?P<lead>[SE]\d{{1,3}})\s+)?(?:{PREFIX})?"
    rf"(?P<word>{FIGURE_WORDS}|{PICTURE_WORDS}|{OTHER_WORDS})(?:(?![^\W\d_])|(?=[SE]\d|[一二三四五六七八九十]))"
    rf"(?:\s*[:.]?\s*(?:(?:no|nr)\.\s*|[№#]\s*)?(?P<dash>[-–(\[])?\s*(?P<number>{_NUMBER})(?![^\W_]))?"
    rf"(?P<child>\s*[-–—]\s*figure\s+supplement\s+\d{{1,2}})?{_AFTER}",
    re.I,
)
_LAST = re.compile(rf"^\W{{0,2}}(?P<printed>(?P<number>\d{{1,3}})\s*\.?\s*(?:ábra|attēls|pav))\b{_AFTER}", re.I)
"""Languages that print the number first."""
_FILE = re.compile(
    r"^\W{0,2}(?P<label>(?P<word>fig(?:ure)?)[\s_.-]*(?P<number>s?\d{1,3}[a-h]?))\w{0,12}"
    r"\.(?:tiff?|jpe?g|png|pdf|eps|gif|bmp|ai|svg|pptx?)\s*$",
    re.I,
)
_OPEN = re.compile(r"^\s*[(\[]")
_FIGURE = re.compile(rf"(?:{FIGURE_WORDS}|{PICTURE_WORDS})\Z", re.I)
_PICTURE = re.compile(rf"(?:{PICTURE_WORDS})\Z", re.I)
_CLOSED = {"(": ")", "[": "]"}
_CHINESE = "一二三四五六七八九十"
_FIRST = {"s": "S", "e": "E", "o": "O", "a": "A", "w": "W"}


@dataclass(frozen=True)
class Label:
    """A printed label at the start of a text; ``end`` is where the caption's own words begin."""

    kind: str
    """``figure`` or ``table`` (everything that is captioned and is no figure)."""
    printed: str
    """As printed, blanks normalised, without the mark that follows."""
    key: str
    """What makes two printings the same figure: ``1``, ``S1``, ``1A``; empty for "Figure." without a number."""
    after: str
    """Marks and blanks between label and caption."""
    end: int
    file_name: bool = False
    """Whether it is the name of a picture file printed on the page: "Fig3.tif"."""


def read_label(text: str) -> Label | None:
    """The label that ``text`` starts with, or None; text that opens with a parenthesis cites and does not label."""
    clean = _closed_up(plain(text))
    named = _FILE.match(clean)
    if named is not None:
        return Label("figure", named["label"], figure_key("", named["number"]), "", named.end(), file_name=True)
    last = _LAST.match(clean)
    if last is not None:
        return Label("figure", last["printed"], figure_key("", last["number"]), last["after"], last.end())
    found = None if _OPEN.match(clean) else _LABEL.match(clean)
    if found is None or not _complete(found, clean):
        return None
    kind = "figure" if _FIGURE.match(found["word"]) else "table"
    closed = 1 if found["dash"] in _CLOSED else 0
    printed = " ".join(clean[: found.start("after") + closed].split()).strip(" [")
    return Label(kind, printed, _key(found), found["after"][closed:], found.end())


def _complete(found: re.Match[str], text: str) -> bool:
    """Whether the label needs no more: a number, or a word in capitals or before a mark that parts it from a text."""
    word, number = found["word"], found["number"] or found["lead"]
    rest = text[found.end() :].strip()
    if found["dash"] in _CLOSED and not found["after"].startswith(_CLOSED[found["dash"]]):
        return False
    if _PICTURE.match(word):
        return bool(number and found["after"].strip() and rest)
    if number:
        return True
    if found["prefix"] or found["child"]:
        return False
    marked = found["after"][:1] in (".", ":", "|") and rest[:1].isupper() and len(rest) > 3
    return word.isupper() or (marked and len(word) > 2)


def _key(found: re.Match[str]) -> str:
    lead = found["lead"] or ""
    key = figure_key(found["prefix"] or "", found["number"] or lead)
    return key + "-" + re.sub(r"\D", "", found["child"]) if found["child"] else key


def figure_key(prefix: str, number: str) -> str:
    """``S1`` for "Supplementary Figure 1" and "Figure S1", ``E1`` for "Extended Data Figure 1", ``4`` for "IV"."""
    number = "".join(str(unicodedata.digit(c, c)) for c in number)
    bare = str(_chinese(number)) if set(number) & set(_CHINESE) else number
    bare = re.sub(r"(?<=[A-Z])[\s.-]|\s", "", bare.upper()).replace("-", ".")
    bare = re.sub(r"^SI(?=\d)", "S", bare)
    bare = re.sub(r"^(\d+)S$", r"S\1", bare)
    if re.fullmatch(r"[IVXL]+", bare):
        bare = str(_roman(bare))
    first = _FIRST.get(prefix[:1].lower(), "")
    return bare if not first or bare[:1].isalpha() else first + bare


def label_key(label: str) -> str:
    """The key of a figure's ``label``, as of JATS or a table: empty where it has none that can be read."""
    found = read_label(label)
    return found.key if found is not None and found.kind == "figure" else ""


def parent_key(key: str) -> str:
    """The key of the whole figure: ``1`` for ``1A``."""
    return re.sub(r"(?<=\d)[A-H]$", "", key)


def plain(text: str) -> str:
    """``text`` with control characters dropped and every kind of blank a blank; the length may shrink."""
    if text.isascii() and text.isprintable():
        return text
    kept = "".join(c for c in text if unicodedata.category(c) not in ("Cc", "Cf") or c in "\t\n")
    kept = kept.translate(_FULL_WIDTH)
    return re.sub(r"[\u00a0\u2000-\u200a\u202f\u3000\t]", " ", kept)


_FULL_WIDTH = {0xFF01 + n: 0x21 + n for n in range(94)}


def _closed_up(text: str) -> str:
    """``text`` with a letter-spaced first word ("F I G U R E 1") closed up, its blanks moved behind it."""
    found = re.match(r"\s*((?:[A-Z]{1,2} ){2,}[A-Z]{1,2})(?=[\s.\d])", text)
    if found is None:
        return text
    word = found.group(1).replace(" ", "")
    return word + " " * (found.end() - len(word)) + text[found.end() :]


def _roman(text: str) -> int:
    values = [{"I": 1, "V": 5, "X": 10, "L": 50}[c] for c in text]
    return sum(-v if v < max(values[i:]) else v for i, v in enumerate(values))


def _chinese(text: str) -> int:
    """The value of a number up to 99 in Chinese figures: "十二" is 12, "二十" is 20."""
    tens, _, ones = text.rpartition("十")
    value = _CHINESE.find(ones) + 1 if ones else 0
    return value + (10 * (_CHINESE.find(tens) + 1 if tens else 1) if "十" in text else 0)
