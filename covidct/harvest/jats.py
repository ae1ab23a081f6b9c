"""JATS as publishers and preprint servers write it: figures with exact captions, running text, licence, DOI.

Lenient where files in the wild are wrong (blanks before the declaration, bare ``&``, HTML entities), strict where it
matters: no entity is expanded, nothing is fetched (see xml.py).
"""

import html.entities
import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass

from lxml import etree

from covidct.harvest.xml import parse_xml

_ENTITY = re.compile(
    rb"<!\[CDATA\[.*?\]\]>|<!--.*?-->|&(?:(#\d{1,7}|#[xX][0-9a-fA-F]{1,6})|([A-Za-z][A-Za-z0-9]{1,31}));|&", re.S
)
_XML_ENTITIES = {b"amp", b"lt", b"gt", b"quot", b"apos"}
_SKIPPED = {"note", "tex-math", "object-id", "annotation", "permissions", "long-desc", "alt-text"}
_XLINK = "{http://www.w3.org/1999/xlink}href"


@dataclass(frozen=True)
class JatsFigure:
    """One ``<fig>`` that has a label; ``graphics`` are the names its pictures are filed under."""

    identifier: str
    label: str
    caption: str
    graphics: tuple[str, ...]


@dataclass(frozen=True)
class Article:
    """What the merge with a PDF needs of an article."""

    doi: str
    title: str
    licence: str
    """URL of the licence, else its wording."""
    figures: tuple[JatsFigure, ...]
    text: str
    """Running text without figures, tables and references."""


def read_jats(data: bytes, what: str = "JATS") -> Article:
    """The article in ``data``; ``what`` names it in errors.

    Raises:
        FetchError: no XML, too large, or it defines entities of its own.
    """
    root = parse_xml(mended(data), what)
    return Article(
        doi=_first(root, ".//{*}article-meta/{*}article-id[@pub-id-type='doi']").lower(),
        title=_first(root, ".//{*}article-meta//{*}article-title"),
        licence=_licence(root),
        figures=tuple(_figures(root)),
        text=" ".join(_paragraphs(root)),
    )


def mended(data: bytes) -> bytes:
    """``data`` with bare ``&`` escaped and the names of HTML entities replaced by their characters."""

    def replacement(found: "re.Match[bytes]") -> bytes:
        if found[0][:1] == b"<" or found[1] or found[2] in _XML_ENTITIES:
            return found[0]
        character = html.entities.html5.get(f"{(found[2] or b'').decode()};")
        return f"&#{ord(character)};".encode() if character and len(character) == 1 else b"&amp;" + found[0][1:]

    if b"\0" in data[:200]:  # UTF-16: the parser's own recovery has to do
        return data
    return _ENTITY.sub(replacement, data.removeprefix(b"\xef\xbb\xbf").lstrip())


def _figures(root: etree._Element) -> Iterator[JatsFigure]:
    """Labelled figures in order; a group with one label over unlabelled parts is one figure."""
    for element in root.iter("{*}fig", "{*}fig-group"):
        label = element.find("{*}label")
        text = "" if label is None else _text(label)
        if not text:
            continue
        caption = element.find("{*}caption")
        graphics = tuple(_graphics(element))
        words = "" if caption is None else " ".join(filter(None, (_text(part) for part in caption)))
        yield JatsFigure(element.get("id") or "", text.rstrip(" .:|"), words, graphics)


def _graphics(figure: etree._Element) -> Iterator[str]:
    seen_choices: set[etree._Element] = set()
    for graphic in figure.iter("{*}graphic"):
        choice = next((a for a in graphic.iterancestors() if _name(a) == "alternatives"), None)
        if choice is not None and choice in seen_choices:
            continue
        if choice is not None:
            seen_choices.add(choice)
        href = graphic.get(_XLINK) or graphic.get("href") or ""
        if href:
            yield posixpath.basename(href)


def _paragraphs(root: etree._Element) -> Iterator[str]:
    for body in root.iter("{*}body"):
        for paragraph in body.iter("{*}p"):
            inside = {_name(a) for a in paragraph.iterancestors()}
            if not inside & {"fig", "table-wrap", "caption", "fn", "ref-list"}:
                yield _text(paragraph)


def _licence(root: etree._Element) -> str:
    for element in root.iter("{*}license"):
        link = element.get(_XLINK) or next(
            (found.get(_XLINK) or _text(found) for found in element.iter("{*}ext-link", "{*}license_ref")), ""
        )
        if link:
            return link
        return _text(element)
    return ""


def _first(root: etree._Element, path: str) -> str:
    found = root.find(path)
    return "" if found is None else _text(found)


def _text(element: etree._Element) -> str:
    """All text below ``element``, blanks normalised; formula sources and hidden texts left out."""
    return " ".join("".join(_pieces(element)).split())


def _pieces(element: etree._Element) -> Iterator[str]:
    if _name(element) in _SKIPPED:
        return
    yield element.text or ""
    for child in element:
        yield from _pieces(child)
        if _name(child) in ("p", "title", "list-item", "break"):
            yield " "
        yield child.tail or ""


def _name(element: etree._Element) -> str:
    """The tag without its name space; ``note`` for comments and processing instructions."""
    if isinstance(element, etree._Comment | etree._ProcessingInstruction | etree._Entity):
        return "note"
    return etree.QName(element).localname
