"""Pages that a person saved in the browser (``NAME.html`` with ``NAME_files/``): an article's words, as JATS has them.

The sites refuse programs, so people save pages. Known shapes: HighWire (medRxiv, bioRxiv: ``div.fig``, ``fig-label``,
``fig-caption``, links to ``F1.large.jpg``), PubMed Central old and new, and any ``figure`` with a ``figcaption``. No
script runs and nothing is fetched: a picture is one of the files beside the page, or none.
"""

import posixpath
import re
import stat
from collections.abc import Collection, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from covidct.captions.figure_labels import read_label
from covidct.captions.mentions import find_mentions, find_paragraphs
from covidct.files import safe_name
from covidct.harvest.articles import Article, ArticleFigure, read_article
from covidct.harvest.licences import normalised
from covidct.net.answers import IMAGE_MAGIC
from covidct.net.failures import FetchError, Kind

if TYPE_CHECKING:
    from bs4 import BeautifulSoup, Tag

SUFFIXES = (".html", ".htm", ".xhtml")
FOLDERS = ("_files", "_Dateien", "-Dateien", "_fichiers", "_archivos", "_file", ".files")
"""What browsers call the folder of a page that they saved."""
LARGEST_PAGE = 30_000_000
LARGEST_PICTURE = 120_000_000
MOST_PICTURES = 500
_PICTURE_SUFFIX = re.compile(r"\.(jpe?g|png|gif|webp|tiff?)$", re.I)
_HTML = re.compile(rb"^\s*(<\?xml[^>]*>\s*)?(<!--.*?-->\s*)*<(!doctype\s+html|html|head|body)\b", re.I | re.S)
_XML_HEAD = re.compile(rb"^\s*<\?xml[^>]*>")
_FIGURE_CLASS = re.compile(r"^(fig|figure|fig-?(wrap|group|section|container|block)|iconblock)$", re.I)
_LABEL_CLASS = re.compile(r"fig-label|obj_head|figpopup|caption-?label|^label$", re.I)
_CAPTION_CLASS = re.compile(r"fig-caption|figcaption|^caption$|caption-text", re.I)
_APART = ("script", "style", "noscript", "template", "svg", "nav", "header", "footer", "button", "form")
_BLOCKS = ("p", "div", "li", "br", "h1", "h2", "h3", "h4", "h5", "h6", "section", "td", "tr", "figcaption")
_REFERENCES = re.compile(r"\bref(erence)?s?-?list\b|^references$|ref-cit", re.I)
_CHALLENGE = re.compile(r"just a moment|attention required|access denied|checking your browser", re.I)
_SIZE = (re.compile(r"large|_lrg|original|full", re.I), re.compile(r"medium", re.I))


def read_words(data: bytes, what: str, files: Collection[str] = ()) -> Article:
    """The article in a JATS document or a saved page; ``files`` are the names of the page's pictures.

    ``FetchError`` names ``what`` where it is neither.
    """
    return read_page(data, what, files) if is_page(data) else read_article(data, what)


def is_page(data: bytes) -> bool:
    """Whether ``data`` is a web page as browsers save it: they always write a head."""
    start = data[:20_000].removeprefix(b"\xef\xbb\xbf")
    return _HTML.match(start) is not None and b"<head" in start.lower()


def pictures_of(page: Path) -> dict[str, Path]:
    """The pictures that a browser saved with ``page``, by name: regular files that begin as a picture does."""
    folders = [page.with_name(page.stem + end) for end in FOLDERS]
    folder = next((f for f in folders if f.is_dir() and not f.is_symlink()), None)
    found = [p for p in sorted(folder.iterdir()) if _is_picture(p)] if folder else []
    return {path.name: path for path in found[:MOST_PICTURES]}


def _is_picture(path: Path) -> bool:
    about = path.lstat()
    if not stat.S_ISREG(about.st_mode) or not 0 < about.st_size <= LARGEST_PICTURE:
        return False
    with path.open("rb") as handle:
        start = handle.read(16)
    return start.startswith(IMAGE_MAGIC) or (start.startswith(b"RIFF") and start[8:12] == b"WEBP")


def belongs_to_page(file: Path) -> bool:
    """Whether ``file`` lies in the folder of a saved page, as frames and advertisements do."""
    for end in FOLDERS:
        name = file.parent.name
        if name.endswith(end) and any(file.parent.with_name(name.removesuffix(end) + s).is_file() for s in SUFFIXES):
            return True
    return False


def read_page(data: bytes, what: str, files: Collection[str] = ()) -> Article:
    """The article in a saved page; ``FetchError`` where it is a login page, a refusal, or no article."""
    from bs4 import BeautifulSoup

    if len(data) > LARGEST_PAGE:
        raise FetchError(Kind.LIMIT, f"{what}: a page of more than {LARGEST_PAGE:,} bytes", rule="page-too-large")
    try:
        soup = BeautifulSoup(_XML_HEAD.sub(b"", data, count=1), "lxml")
        for apart in soup(list(_APART)):
            apart.decompose()
        article = _article(soup, files)
    except (RecursionError, ValueError, AttributeError) as error:
        raise FetchError(
            Kind.UNUSABLE, f"{what}: no readable page ({type(error).__name__})", rule="bad-page"
        ) from error
    if not article.doi and not article.figures:
        title = soup.title.get_text() if soup.title else ""
        blocked = "the site's refusal" if _CHALLENGE.search(title) else "no article"
        raise FetchError(Kind.UNUSABLE, f"{what}: {blocked} in this page: save the full text's page", rule="no-article")
    return article


def _article(soup: "BeautifulSoup", files: Collection[str]) -> Article:
    nodes = list(_figures(soup))
    read = [_figure(node, files) for node in nodes]
    for node in nodes:
        node.decompose()  # so that captions are no running text
    text, labels = _paragraphs(soup), [figure.label for figure in read if figure.label]
    mentions, paragraphs = find_mentions(" ".join(text), labels), find_paragraphs(text, labels)
    figures = (
        replace(f, mentions=mentions.get(f.label, ()), paragraphs=paragraphs.get(f.label, ()))
        for f in read
        if f.caption
    )
    return Article(
        doi=_meta(soup, "citation_doi", "dc.identifier", "prism.doi").removeprefix("doi:").strip(),
        pmcid=next(iter(re.findall(r"PMC\d+", _meta(soup, "citation_pmcid", "citation_fulltext_html_url"))), ""),
        title=_meta(soup, "citation_title", "dc.title") or _words(soup.find("h1")),
        abstract=_words(soup.select_one("div.abstract, section.abstract, #abstract-1")),
        licence=_licence(soup),
        date=_meta(soup, "citation_publication_date", "citation_date", "dc.date").replace("/", "-"),
        has_body=sum(map(len, text)) > 500,
        figures=tuple(figures),
    )


def _meta(soup: "BeautifulSoup", *names: str) -> str:
    """The first of the page's own statements of one of these names."""
    for name in names:
        for node in soup.find_all("meta"):
            key = str(node.get("name") or node.get("property") or "").lower()
            if key == name and str(node.get("content") or "").strip():
                return " ".join(str(node["content"]).split())
    return ""


def _licence(soup: "BeautifulSoup") -> str:
    statements = [str(link.get("href")) for link in soup.find_all("a", href=re.compile("creativecommons"))]
    statements += [
        _meta(soup, "dc.rights", "citation_license"),
        *(_words(n) for n in soup.select(".license, .license-type")),
    ]
    return next((code for code in map(normalised, statements) if code), "")


def _classes(node: "Tag") -> list[str]:
    found = node.get("class")
    return [str(name) for name in found] if isinstance(found, list) else []


def _figures(soup: "BeautifulSoup") -> Iterator["Tag"]:
    """The outermost elements that are a figure with a caption."""
    taken: list[int] = []
    for node in soup.find_all(["figure", "div", "section"]):
        marked = node.name == "figure" or any(_FIGURE_CLASS.match(name) for name in _classes(node))
        if marked and not any(id(above) in taken for above in node.parents) and _caption_node(node) is not None:
            taken.append(id(node))
            yield node


def _caption_node(node: "Tag") -> "Tag | None":
    found = node.find("figcaption")
    if found is not None:
        return found
    return next((n for n in node.find_all(True) if any(_CAPTION_CLASS.search(c) for c in _classes(n))), None)


def _figure(node: "Tag", files: Collection[str]) -> ArticleFigure:
    caption = _words(_caption_node(node))
    printed = next((n for n in node.find_all(True) if any(_LABEL_CLASS.search(c) for c in _classes(n))), None)
    label = read_label(_words(printed)) or read_label(caption)
    if label is None or label.kind != "figure":
        return ArticleFigure("", "" if label else caption, (), identifier=str(node.get("id") or ""))
    own = read_label(caption)
    if own is not None and own.key == label.key:
        caption = caption[own.end :]
    graphics = tuple(_graphics(node, files))[:1]
    return ArticleFigure(label.printed, caption.strip(), graphics, identifier=str(node.get("id") or ""))


def _graphics(node: "Tag", files: Collection[str]) -> list[str]:
    """Names of the figure's pictures, the largest first; only those that are beside the page, where any are."""
    addresses = [str(n.get(key) or "") for n in node.find_all(["img", "source"]) for key in ("src", "data-src")]
    addresses += [str(n.get("href") or "") for n in node.find_all("a")]
    names = [name for name in map(_name, addresses) if _PICTURE_SUFFIX.search(name)]
    known = {safe_name(name).lower(): name for name in files}
    here = [known[safe_name(name).lower()] for name in names if safe_name(name).lower() in known]
    chosen = list(dict.fromkeys(here if files else names))
    return sorted(chosen, key=lambda name: next((n for n, size in enumerate(_SIZE) if size.search(name)), len(_SIZE)))


def _name(address: str) -> str:
    try:
        return posixpath.basename(unquote(urlsplit(address.strip()).path))
    except ValueError:
        return ""


def _words(node: "Tag | None") -> str:
    """All text of ``node``, blocks parted by blanks."""
    if node is None:
        return ""
    pieces: list[str] = []
    for child in node.descendants:
        name = getattr(child, "name", None)
        if name is None and type(child).__name__ == "NavigableString":
            pieces.append(str(child))
        elif name in _BLOCKS:
            pieces.append(" ")
    return " ".join("".join(pieces).split())


def _paragraphs(soup: "BeautifulSoup") -> list[str]:
    paragraphs = []
    for node in soup.find_all("p"):
        marks = (str(mark) for above in node.parents for mark in (*_classes(above), above.get("id") or ""))
        if not any(_REFERENCES.search(mark) for mark in marks) and node.find_parent(["table", "aside"]) is None:
            paragraphs.append(_words(node))
    return paragraphs
