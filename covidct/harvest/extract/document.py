"""What the document says about itself: description, licence; and opening it safely."""

import re
from pathlib import Path

import pymupdf

from covidct.harvest.extract.results import Limits

_LICENCES = (
    (r"\bcc0\b|creativecommons\.org/publicdomain/zero|public domain dedication", "cc0-1.0"),
    (r"by-nc-nd|noncommercial[-\s]+no-?deriv|non-commercial[-\s]+no-?deriv", "cc-by-nc-nd"),
    (r"by-nc-sa|noncommercial[-\s]+share-?alike|non-commercial[-\s]+share-?alike", "cc-by-nc-sa"),
    (r"by-nc\b|attribution[-\s]+non-?commercial", "cc-by-nc"),
    (r"by-nd\b|attribution[-\s]+no-?deriv", "cc-by-nd"),
    (r"by-sa\b|attribution[-\s]+share-?alike", "cc-by-sa"),
    (r"\bcc[-\s]by\b|licenses/by/|creative commons attribution", "cc-by"),
)


LIBRARY_ERRORS: tuple[type[Exception], ...] = (RuntimeError, ValueError, pymupdf.mupdf.FzErrorBase)
"""What the PDF library raises over a damaged file."""


def out_of_memory(error: Exception) -> bool:
    """Whether the library says that it ran out of memory: that ends the paper, not only a page."""
    return "alloc" in str(error).lower() or "out of memory" in str(error).lower()


HEAD_LETTERS = 6_000
"""Of a document's text that are kept for looking up its title."""


class Unreadable(Exception):
    """The file cannot be read as a PDF; the message is the reason."""


def open_pdf(path: Path, limits: Limits) -> pymupdf.Document:
    """``path`` as an open document with at least one page.

    Raises:
        Unreadable: empty, too large, not a PDF, truncated beyond repair, or encrypted.
    """
    size = path.stat().st_size
    if size == 0:
        raise Unreadable("not a PDF: the file is empty")
    if size > limits.file_mb << 20:
        raise Unreadable(f"too large: {size >> 20} MB, the limit is {limits.file_mb} MB")
    with path.open("rb") as handle:
        head = handle.read(1024)
    if b"%PDF-" not in head:
        raise Unreadable("not a PDF: it does not begin with %PDF")
    try:
        document = pymupdf.open(path, filetype="pdf")
        count = 0 if document.needs_pass else document.page_count
    except LIBRARY_ERRORS as error:
        if out_of_memory(error):
            raise
        raise Unreadable(f"truncated or damaged beyond repair: {error}") from None
    if document.needs_pass:
        raise Unreadable("encrypted: it asks for a password")
    if count < 1:
        raise Unreadable("truncated or damaged beyond repair: no page")
    return document


def xmp_of(document: pymupdf.Document) -> str:
    """The file's XMP description; empty where there is none or it is damaged."""
    try:
        return str(document.get_xml_metadata() or "")[:200_000]
    except LIBRARY_ERRORS:
        return ""


def find_licence(text: str) -> str:
    """Code of the licence notice in ``text``, with the version where one is printed."""
    clean = " ".join(text.split())
    for pattern, code in _LICENCES:
        found = re.search(pattern, clean, re.I)
        if found is None:
            continue
        if code == "cc0-1.0":
            return code
        version = re.search(r"\b([1-4]\.0)\b", clean[found.start() : found.start() + 90])
        return f"{code}-{version.group(1)}" if version else code
    return ""
