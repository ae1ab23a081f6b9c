"""JATS articles: figures with label, whole caption, graphics and the sentences that mention them.

Read leniently (see ``xml``): label, caption title and paragraphs are all optional, figures may stand in groups, a
graphic may come in several alternatives, ids of PubMed Central with or without their prefix.
"""

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

from lxml import etree

from covidct.captions.figure_labels import label_key, parent_key, read_label
from covidct.captions.mentions import find_mentions, find_paragraphs
from covidct.harvest.licences import normalised
from covidct.harvest.xml import mended, parse_xml

XLINK = "{http://www.w3.org/1999/xlink}href"
_SILENT = frozenset(
    {"tex-math", "annotation", "object-id", "inline-graphic", "label", "alt-text", "long-desc", "permissions"}
)
_APART = {"sub-article", "response", "ref-list", "boxed-text", "supplementary-material"}
_NOT_TEXT = frozenset({"fig", "fig-group", "caption", "fn", "table-wrap", *_APART})
_PANEL = re.compile(r"\W*(?:panels?\s*)?([A-Za-z])\W*", re.I)
_BLOCKS = frozenset({"p", "title", "list-item", "disp-formula", "sec", "break"})


@dataclass(frozen=True)
class ArticleFigure:
    """One ``<fig>``; ``graphics`` are file names as written, with or without a suffix."""

    label: str
    caption: str
    graphics: tuple[str, ...]
    mentions: tuple[str, ...] = ()
    paragraphs: tuple[str, ...] = ()
    identifier: str = ""

    @property
    def key(self) -> str:
        """Its number, as PDF and JATS have it in common: ``2``, ``S1``."""
        return label_key(self.label)


@dataclass(frozen=True)
class Article:
    """What is needed of an article."""

    doi: str
    pmcid: str
    title: str
    abstract: str
    licence: str
    date: str
    has_body: bool
    figures: tuple[ArticleFigure, ...]


def article_from_json(value: Mapping[str, Any]) -> Article:
    """The inverse of ``dataclasses.asdict``, from JSON values."""
    figures = tuple(
        ArticleFigure(**{**item, **{name: tuple(item[name]) for name in ("graphics", "mentions", "paragraphs")}})
        for item in value["figures"]
    )
    return Article(**{**value, "figures": figures})


def by_label(figures: Iterable[ArticleFigure]) -> list[ArticleFigure]:
    """``figures`` with a label or words, those with the same label joined: the parts of a group."""
    joined: dict[str, ArticleFigure] = {}
    for figure in figures:
        key = figure.key or figure.label or f"#{figure.identifier}"
        first = joined.get(key)
        if first is None:
            joined[key] = figure
            continue
        captions = dict.fromkeys(caption for caption in (first.caption, figure.caption) if caption)
        graphics = tuple(dict.fromkeys((*first.graphics, *figure.graphics)))
        joined[key] = replace(first, caption=" ".join(captions), graphics=graphics)
    return [figure for figure in joined.values() if figure.label or figure.caption]


def read_article(data: bytes, what: str) -> Article:
    """The article in ``data``; ``FetchError`` names ``what`` where it is no XML or unsafe."""
    root = parse_xml(mended(data), what)
    article = root if _tag(root) == "article" else next(root.iter("{*}article"), root)
    meta = article.find(".//{*}article-meta")
    front = meta if meta is not None else article
    pmcid = _article_id(front, "pmcid") or _article_id(front, "pmc")
    body = article.find("{*}body")
    return Article(
        doi=_article_id(front, "doi"),
        pmcid=f"PMC{pmcid.upper().removeprefix('PMC')}" if pmcid else "",
        title=_text(front.find(".//{*}article-title")),
        abstract=_text(front.find("{*}abstract")),
        licence=_licence(front),
        date=_date(front),
        has_body=body is not None and len(body) > 0,
        figures=tuple(_figures(article)),
    )


def _tag(node: etree._Element) -> str:
    return etree.QName(node).localname if isinstance(node.tag, str) else ""


def _text(node: etree._Element | None, silent: frozenset[str] = _SILENT) -> str:
    """All text of ``node``, blocks parted by blanks, formula sources and hidden descriptions left out."""
    words: list[str] = []

    def walk(at: etree._Element) -> None:
        tag = _tag(at)
        if tag and tag not in silent:
            words.append(" " if tag in _BLOCKS else "")
            words.append(at.text or "")
            for child in at:
                walk(child)
                words.append(child.tail or "")
            words.append(" " if tag in _BLOCKS else "")

    if node is not None:
        walk(node)
    return " ".join("".join(words).split())


def _article_id(front: etree._Element, kind: str) -> str:
    for node in front.iter("{*}article-id"):
        if node.get("pub-id-type") == kind and node.text:
            return node.text.strip()
    return ""


def _licence(front: etree._Element) -> str:
    """The first licence that has a code: its address, then ``ali:license_ref``, then words."""
    for node in front.iter("{*}license"):
        statements = [node.get(XLINK, ""), *(ref.text or "" for ref in node.iter("{*}license_ref"))]
        statements += [link.get(XLINK, "") for link in node.iter("{*}ext-link")]
        statements += [node.get("license-type", ""), _text(node)]
        found = next((code for code in map(normalised, statements) if code), "")
        if found:
            return found
    return ""


def _date(front: etree._Element) -> str:
    for node in front.iter("{*}pub-date"):
        parts = [node.findtext(f"{{*}}{name}") or "" for name in ("year", "month", "day")]
        if parts[0].isdigit():
            month, day = (part.zfill(2) if part.isdigit() else "01" for part in parts[1:])
            return f"{parts[0]}-{month}-{day}"
    return ""


def _figures(article: etree._Element) -> Iterator[ArticleFigure]:
    nodes = [
        n for n in article.iter("{*}fig") if not any(_tag(a) in ("sub-article", "response") for a in n.iterancestors())
    ]
    named = list(_named(nodes))
    labels = [label for label, _ in named if label]
    body = article.find("{*}body")
    text = _paragraphs(body) if body is not None else []
    mentions, paragraphs = find_mentions(" ".join(text), labels), find_paragraphs(text, labels)
    for node, (label, caption) in zip(nodes, named, strict=True):
        graphics = tuple(dict.fromkeys(_graphics(node)))
        cited = mentions.get(label, ()), paragraphs.get(label, ())
        yield ArticleFigure(label, caption, graphics, *cited, node.get("id") or "")


def _named(nodes: Sequence[etree._Element]) -> Iterator[tuple[str, str]]:
    """Label and words of each figure; a group's words stand once, before those of its first panel."""
    seen: set[etree._Element] = set()
    alone = len(nodes) == 1
    for node in nodes:
        group = node.getparent() if _inside(node, frozenset({"fig-group"})) else None
        label, words = _label(node), _caption(node)
        if group is not None:
            label, words = _in_group(label, words, group, group not in seen)
            seen.add(group)
        if not label:
            label, words = _from_words(words, alone)
        yield label, words


def _in_group(label: str, words: str, group: etree._Element, first: bool) -> tuple[str, str]:
    """Label and words of a part of ``group``: a panel takes the group's label, a figure of its own keeps its own."""
    shared = _caption(group) if first or label_key(label) else ""
    whole = _label(group)
    panel = _PANEL.fullmatch(label)
    own = label_key(label)
    if panel is None and own and (not whole or parent_key(own) != label_key(whole)):
        return label, f"{shared} {words}".strip()
    letter = panel[1] if panel else own[-1:] if own != parent_key(own) else ""
    return whole, f"{shared if first else ''} {f'({letter}) ' if letter else ''}{words}".strip()


def _from_words(words: str, alone: bool) -> tuple[str, str]:
    """The label with which ``words`` begin, and the rest; the only figure of an article needs none."""
    found = read_label(words)
    if found is not None and found.kind == "figure" and found.key:
        return found.printed, words[found.end :].strip()
    return ("Figure" if alone and words else ""), words


def _graphics(figure: etree._Element) -> Iterator[str]:
    """File names of a figure's graphics; the first only where there are alternatives."""
    chosen: set[etree._Element] = set()
    for graphic in figure.iter("{*}graphic"):
        choice = next((above for above in graphic.iterancestors() if _tag(above) == "alternatives"), None)
        name = posixpath.basename(urlsplit(graphic.get(XLINK) or graphic.get("href") or "").path)
        if not name or choice in chosen:
            continue
        if choice is not None:
            chosen.add(choice)
        yield name


def _inside(node: etree._Element, tags: frozenset[str]) -> bool:
    return any(_tag(above) in tags for above in node.iterancestors())


def _label(node: etree._Element) -> str:
    own = node.find("{*}label")
    words = "".join(own.itertext()) if own is not None else ""  # type: ignore[arg-type]
    return " ".join(words.split()).rstrip(" .:|")


def _caption(node: etree._Element) -> str:
    return " ".join(filter(None, map(_text, node.findall("{*}caption"))))


def _paragraphs(body: etree._Element) -> list[str]:
    """The running text; what stands inside a paragraph without being text (figures, tables) is left out."""
    return [_text(node, _SILENT | _NOT_TEXT) for node in body.iter("{*}p") if not _inside(node, _NOT_TEXT)]


def match_media(graphic: str, media: Sequence[str]) -> str:
    """The media file that a graphic's name stands for: its name, else its stem (``.tif`` comes as ``.jpg``)."""
    names = {posixpath.basename(urlsplit(url).path): url for url in media}
    if graphic in names:
        return names[graphic]
    stem = _stem(graphic)
    fitting = [
        url for name, url in names.items() if _stem(name) == stem and not name.lower().endswith((".gif", ".pdf"))
    ]
    return fitting[0] if fitting else ""


def _stem(name: str) -> str:
    return re.sub(r"\.(jpe?g|png|tiff?|gif|webp|bmp|eps)$", "", name.lower())
