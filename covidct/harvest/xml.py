"""XML from outside: no entities, no network, no document type read, bounded size."""

import html.entities
import re
from typing import Any

from lxml import etree

from covidct.net.failures import FetchError, Kind

LARGEST = 60_000_000

_ENTITY = re.compile(
    rb"<!\[CDATA\[.*?\]\]>|<!--.*?-->|&(?:(#\d{1,7}|#[xX][0-9a-fA-F]{1,6})|([A-Za-z][A-Za-z0-9]{1,31}));|&", re.S
)
_XML_ENTITIES = {b"amp", b"lt", b"gt", b"quot", b"apos"}


def parse_xml(data: bytes, what: str) -> etree._Element:
    """The root of ``data``; ``FetchError`` names ``what`` where it is no XML, too large or defines entities.

    A document that defines entities of its own (billion laughs, external files) is refused, not expanded. Stray
    blanks before the declaration and bare ``&`` (both seen in preprint packages) are forgiven on a second try.
    """
    if len(data) > LARGEST:
        raise FetchError(Kind.LIMIT, f"{what}: XML of more than {LARGEST:,} bytes", rule="xml-too-large")
    if b"<!ENTITY" in data.replace(b"\0", b""):  # UTF-16 has a NUL beside each letter
        raise _entities(what)
    for recover in (False, True):
        parser = etree.XMLParser(
            resolve_entities=False, no_network=True, load_dtd=False, dtd_validation=False, recover=recover
        )
        try:
            root = etree.fromstring(data.lstrip(), parser)
        except (etree.XMLSyntaxError, ValueError) as error:
            if recover:
                raise FetchError(Kind.BROKEN, f"{what}: no XML ({error})", rule="not-xml") from error
            continue
        if root is not None:
            dtd: Any = root.getroottree().docinfo.internalDTD
            if dtd is not None and any(True for _ in dtd.iterentities()):
                raise _entities(what)
            return root
    raise FetchError(Kind.BROKEN, f"{what}: no XML", rule="not-xml")


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


def _entities(what: str) -> FetchError:
    return FetchError(Kind.POLICY, f"{what}: XML that defines entities is refused", rule="xml-entities")
