"""JATS articles: figures with label, whole caption, graphics and the sentences that mention them.

Read leniently (see ``xml``): label, caption title and paragraphs are all optional, figures may stand in groups, a
graphic may come in several alternatives, ids of PubMed Central with or without their prefix.
"""

import posixpath
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from lxml import etree

from covidct.captions.figure_labels import label_key
from covidct.captions.mentions import find_mentions
from covidct.harvest.licences import normalised
from covidct.harvest.xml import mended, parse_xml

XLINK = "{http://www.w3.org/1999/xlink}href"
_SILENT = frozenset(
    {"tex-math", "annotation", "object-id", "inline-graphic", "label", "alt-text", "long-desc", "permissions"}
)
_APART = {"sub-article", "response", "ref-list", "boxed-text", "supplementary-material"}
_NOT_TEXT = frozenset({"fig", "fig-group", "caption", "fn", "table-wrap", *_APART})
_BLOCKS = frozenset({"p", "title", "list-item", "disp-formula", "sec", "break"})


@dataclass(frozen=True)
class ArticleFigure:
    """One ``<fig>``; ``graphics`` are file names as written, with or without a suffix."""

    label: str
    caption: str
    graphics: tuple[str, ...]
    mentions: tuple[str, ...] = ()
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


def by_label(figures: Iterable[ArticleFigure]) -> list[ArticleFigure]:
    """``figures`` that have a label, those with the same one joined: the parts of a group."""
    joined: dict[str, ArticleFigure] = {}
    for figure in figures:
        first = joined.get(figure.label)
        if first is None:
            joined[figure.label] = figure
            continue
        captions = dict.fromkeys(caption for caption in (first.caption, figure.caption) if caption)
        graphics = tuple(dict.fromkeys((*first.graphics, *figure.graphics)))
        joined[figure.label] = replace(first, caption=" ".join(captions), graphics=graphics)
    return [figure for label, figure in joined.items() if label]


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


def _text(node: etree._Element | None) -> str:
    """All text of ``node``, blocks parted by blanks, formula sources and hidden descriptions left out."""
    words: list[str] = []

    def walk(at: etree._Element) -> None:
        tag = _tag(at)
        if tag and tag not in _SILENT:
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
        said = [node.get(XLINK, ""), *(ref.text or "" for ref in node.iter("{*}license_ref"))]
        said += [link.get(XLINK, "") for link in node.iter("{*}ext-link")]
        said += [node.get("license-type", ""), _text(node)]
        found = next((code for code in map(normalised, said) if code), "")
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
    labels = [_figure_label(node) for node in nodes]
    body = article.find("{*}body")
    told = find_mentions(_running_text(body), [label for label in labels if label]) if body is not None else {}
    for node, label in zip(nodes, labels, strict=True):
        graphics = tuple(dict.fromkeys(_graphics(node)))
        yield ArticleFigure(label, _caption(node), graphics, told.get(label, ()), node.get("id") or "")


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


def _figure_label(node: etree._Element) -> str:
    own = node.find("{*}label")
    if own is None:
        parent = node.getparent()
        own = parent.find("{*}label") if parent is not None and _tag(parent) == "fig-group" else None
    words = "".join(own.itertext()) if own is not None else ""  # type: ignore[arg-type]
    return " ".join(words.split()).rstrip(" .:|")


def _caption(node: etree._Element) -> str:
    captions = node.findall("{*}caption")
    parent = node.getparent()
    if not captions and parent is not None and _tag(parent) == "fig-group":
        captions = parent.findall("{*}caption")
    return " ".join(filter(None, map(_text, captions)))


def _running_text(body: etree._Element) -> str:
    paragraphs = []
    for node in body.iter("{*}p"):
        if not _inside(node, _NOT_TEXT):
            paragraphs.append(_text(node))
    return " ".join(paragraphs)


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
