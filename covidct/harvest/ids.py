"""Ids that say where a thing comes from, safe as file names, never with ``%`` or a blank.

A paper's id is its source, its DOI and the version *first seen*: ``medrxiv_10.1101_2020.02.10.20021584v1``. It never
changes afterwards: when version 2 arrives, the paper keeps its id, ``Paper.version`` says 2, and the workspace carries
people's words over to the figures that show the same pixels. An id that followed the version would orphan them all.
"""

import hashlib
import re

_DOI = re.compile(r"10\.\d{4,9}/\S+")
_VERSIONED = re.compile(r"^(10\.(?:1101|64898)/.*?\d)v(\d+)$", re.IGNORECASE)
_SAFE = re.compile(r"[a-z0-9./-]+")
_LONGEST = 120


def split_doi(text: str) -> tuple[str, int | None]:
    """The bare DOI in ``text`` and the preprint version written behind it, as in ``10.1101/2020.02.10.20021584v2``."""
    found = _DOI.search(text.strip())
    if not found:
        return "", None
    doi = found.group().rstrip(".,;)")
    versioned = _VERSIONED.match(doi)
    return (versioned.group(1), int(versioned.group(2))) if versioned else (doi, None)


def source_of(doi: str) -> str:
    """``medrxiv`` or ``biorxiv`` by the form of an openRxiv DOI (eight or six digits at its end), else ``doi``.

    Old bioRxiv DOIs are six digits alone; both servers share the prefixes 10.1101 and, since December 2025, 10.64898.
    """
    if re.fullmatch(r"10\.(1101|64898)/(\d{4}\.\d\d\.\d\d\.)?\d{8}", doi):
        return "medrxiv"
    if re.fullmatch(r"10\.(1101|64898)/(\d{4}\.\d\d\.\d\d\.)?\d{6}", doi):
        return "biorxiv"
    return "doi"


def escaped(name: str) -> str:
    """``name`` as part of a file name: ``/`` becomes ``_``; where more must change, a digest is added."""
    lower = name.lower()
    plain = lower.replace("/", "_")
    if _SAFE.fullmatch(lower) and len(plain) <= _LONGEST:
        return plain
    digest = hashlib.sha256(lower.encode()).hexdigest()[:8]
    return f"{re.sub(r'[^a-z0-9._-]+', '-', plain)[:_LONGEST].strip('-.')}-{digest}"


def paper_id(source: str, name: str, version: int | None = 1) -> str:
    """Id of a paper by its source and DOI (or the source's own number)."""
    return f"{source}_{escaped(name)}" + (f"v{version}" if version is not None else "")


def file_id(sha256: str) -> str:
    """Id of a document that prints no DOI: its own digest."""
    return f"file_{sha256[:16]}"


def figure_id(paper: str, page: int | None, number: int) -> str:
    """Id of the ``number``-th figure (from 1) on ``page``; ``px`` stands for figures that only JATS knows."""
    return f"{paper}-p{'x' if page is None else page}-f{number}"
