"""Licences under one spelling, and what they allow.

Codes are ``cc-by``, ``cc-by-nc-nd-4.0``, ``cc0``… (a version where the source gives one), ``tdm`` (text and data
mining only), ``none`` (all rights reserved, said so) and an empty text (nothing said).
"""

import re

from covidct.errors import UsageError

_API = {"cc_no": "none", "cc0_ng": "cc0", "cc0": "cc0", "tdm": "tdm"}
_URL = re.compile(r"creativecommons\.org/(?:licenses/([a-z-]+)|(publicdomain/zero))(?:/(\d\.\d))?", re.IGNORECASE)
_WORDS = re.compile(r"cc0|cc[ _-]by(?:[ _-](?:nc|nd|sa))*", re.IGNORECASE)

GROUPS = {
    "commercial": frozenset({"cc0", "cc-by", "cc-by-sa", "cc-by-nd"}),
    "non-commercial": frozenset({"cc-by-nc", "cc-by-nc-sa", "cc-by-nc-nd"}),
}
"""As PubMed Central groups them: what may be used for what."""

KNOWN = frozenset({"cc0", "cc-by", "cc-by-sa", "cc-by-nd", "cc-by-nc", "cc-by-nc-sa", "cc-by-nc-nd", "tdm", "none"})


def normalised(text: str | None) -> str:
    """The code for ``cc_by_nc``, ``CC BY-NC``, a licence URL or words that hold one; empty where nothing is said."""
    plain = (text or "").strip()
    if plain.lower() in _API:
        return _API[plain.lower()]
    url = _URL.search(plain)
    if url:
        name = "cc0" if url.group(2) else f"cc-{url.group(1).lower()}"
        return name + (f"-{url.group(3)}" if url.group(3) else "")
    words = _WORDS.search(plain)
    return re.sub(r"[ _]", "-", words.group().lower()) if words else ""


def base(code: str) -> str:
    """A code without its version: ``cc-by-4.0`` → ``cc-by``."""
    return re.sub(r"-\d\.\d$", "", code)


def parse_filter(words: tuple[str, ...]) -> frozenset[str]:
    """``--licence cc-by,cc0`` (groups ``commercial``, ``non-commercial`` too) as a set of codes without versions."""
    wanted: set[str] = set()
    for word in (part.strip().lower() for text in words for part in text.split(",")):
        if word in GROUPS:
            wanted |= GROUPS[word]
        elif word in KNOWN:
            wanted.add(word)
        elif word:
            choices = ", ".join(sorted(KNOWN | GROUPS.keys()))
            raise UsageError(f"--licence {word}: not known; choose from {choices}")
    return frozenset(wanted)


def passes(code: str, wanted: frozenset[str]) -> bool:
    """Whether a licence is among the wanted ones; no filter lets everything pass."""
    return not wanted or base(code) in wanted
