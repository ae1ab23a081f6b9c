"""XML from outside: no entities, no network, no document type read, bounded size."""

from typing import Any

from lxml import etree

from covidct.harvest.net.failures import FetchError, Kind

LARGEST = 60_000_000


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


def _entities(what: str) -> FetchError:
    return FetchError(Kind.POLICY, f"{what}: XML that defines entities is refused", rule="xml-entities")
