"""The one gate before every pixel that leaves: ``may_redistribute(image, form)``.

Named rules are asked in order; the first that objects decides. What is not known is not allowed.
"""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum

from covidct.release.read.release import Release


class Form(StrEnum):
    """In what shape a picture would leave."""

    ORIGINAL = "original"
    CANONICAL = "canonical"
    """Re-encoded, pixels as they are: a change of format, not an adaptation."""
    MASKED = "masked"
    RESIZED = "resized"
    THUMBNAIL = "thumbnail"


@dataclass(frozen=True)
class Verdict:
    """Whether a picture may leave, which rule said no, and why in one line."""

    allowed: bool
    rule: str = ""
    reason: str = ""


_CC_URL = re.compile(r"creativecommons\.org/(?:licenses/([a-z-]+)/(\d\.\d)|publicdomain/(zero|mark)/\d\.\d)")
_OPEN = re.compile(r"cc0(-\d\.\d)?|pd|public-domain|us-gov|cc-by(-nc)?(-sa|-nd)?(-\d\.\d)?")
_DERIVED = frozenset({Form.MASKED, Form.RESIZED, Form.THUMBNAIL})


def normal_licence(text: str) -> str:
    """One spelling for a licence: ``cc-by-nc-nd-4.0``, ``cc0``, ``public-domain``; unknown ones in lower case."""
    low = text.strip().lower()
    url = _CC_URL.search(low)
    if url:
        return f"cc-{url[1]}-{url[2]}" if url[1] else {"zero": "cc0", "mark": "public-domain"}[url[3]]
    words = re.sub(r"[\s_-]+", "-", low)
    return "cc0" if words == "cc0-ng" else words


def artifact(image: Mapping[str, object], key: str) -> str:
    """One value of the ``artifacts`` cell (``key=value`` pairs between blanks), empty where it is not said."""
    pairs = (part.partition("=") for part in str(image.get("artifacts", "")).split())
    return next((value for name, _, value in pairs if name == key), "")


def licence_problem(licence: str, derived: bool) -> str:
    """Why a licence keeps a picture in, or empty."""
    if not licence.strip():
        return "no licence is known"
    code = normal_licence(licence)
    if not _OPEN.fullmatch(code):
        return f"the licence {code!r} does not allow redistribution"
    if "-nd" in code and derived:
        return f"{code} forbids adaptations, and this is one"
    return ""


Rule = Callable[[Mapping[str, object], Form, Collection[str]], str]


def _withdrawn(image: Mapping[str, object], form: Form, withdrawn: Collection[str]) -> str:
    names = (image.get("image_id"), image.get("paper_id"))
    return "withdrawn" if any(name in withdrawn for name in names if name) else ""


def _identity(image: Mapping[str, object], form: Form, withdrawn: Collection[str]) -> str:
    found = artifact(image, "identifying") == "yes" and form is not Form.MASKED
    return "text in the picture may identify a person" if found else ""


def _not_scanned(image: Mapping[str, object], form: Form, withdrawn: Collection[str]) -> str:
    known = artifact(image, "identifying") in {"no", "yes"}
    return "" if known else "nobody has looked for identifying text in it"


def _licence(image: Mapping[str, object], form: Form, withdrawn: Collection[str]) -> str:
    derived = form in _DERIVED or artifact(image, "crop") == "1"
    return licence_problem(str(image.get("licence", "")), derived)


ALWAYS: Mapping[str, Rule] = {"withdrawal": _withdrawn, "identity": _identity}
"""Rules that hold for a private copy, too."""
PRIVATE_WAY = "--private writes these pictures for use on this machine only"
"""What every message about pictures that are kept in says."""
PUBLIC: Mapping[str, Rule] = {**ALWAYS, "not-scanned": _not_scanned, "licence": _licence}


def may_redistribute(
    image: Mapping[str, object], form: Form, *, withdrawn: Collection[str] = (), private: bool = False
) -> Verdict:
    """Whether ``image`` (a row of ``images.csv``) may leave in ``form``; ``private``: it stays on this machine."""
    for name, rule in (ALWAYS if private else PUBLIC).items():
        reason = rule(image, form, withdrawn)
        if reason:
            return Verdict(False, name, reason)
    return Verdict(True)


def gate(release: Release, form: Form, private: bool = False) -> dict[str, Verdict]:
    """The verdict on each image of a release, by ``image_id``; a private release lets nothing out in public."""
    if release.meta.get("private") and not private:
        refused = Verdict(False, "private", "the release was built with --private")
        return dict.fromkeys(map(str, release.images["image_id"]), refused)
    withdrawn = frozenset(release.withdrawn["entity_id"])
    rows = release.images.to_dict("records")
    return {
        str(row["image_id"]): may_redistribute(
            {str(k): v for k, v in row.items()}, form, withdrawn=withdrawn, private=private
        )
        for row in rows
    }
