"""Which paper a local document is: what it says of itself, held against what the workspace knows.

A DOI alone replaces nothing. A document takes the place of another only where its own DOI is proved and its title or
its pictures agree; a supplement stands beside its paper; all else is refused by name.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from covidct.harvest.extract.words import letters_of
from covidct.records import Paper, PaperStatus

SUPPLEMENT = "supplement"
"""Source of papers that are a supplement of the paper with their DOI."""


@dataclass(frozen=True)
class Rules:
    """Thresholds of this stage."""

    strong: float = 2.0
    """Weight of a DOI's proofs (see extract/doi.py) that fills an empty place without the title's agreement."""
    words: float = 0.85
    """Share of the longer title's words that the other has as well: an edited title, not a different one."""
    edited: float = 0.5
    """The same of a title that is edited from version to version; below, source and pages name two papers."""
    letters: int = 20
    """A shorter title may stand on any page by chance."""
    pictures: float = 0.5
    """Share of the known figures whose pixels come again."""


RULES = Rules()
_SUPPLEMENT_NAME = re.compile(r"(^|[\W_])(suppl\w*|appendix|esm|additional[ _-]?files?|si|s\d{1,2})([\W_]|\d|$)", re.I)
_SUPPLEMENT_HEAD = re.compile(
    r"^\W*(online |web )?(suppl[ei]ment(s|ary|al)?|supporting information|electronic supplementary|additional file"
    r"|appendix|e-?component|extended data)\b",
    re.I,
)


@dataclass(frozen=True)
class Claim:
    """What a document says of itself."""

    name: str
    doi: str = ""
    version: int | None = None
    weight: float = 0.0
    title: str = ""
    head: str = ""
    pictures: frozenset[str] = frozenset()
    """Hashes of its figures' pixels."""
    readable: bool = True
    """Whether it has pages; an XML alone has none."""

    @property
    def supplement(self) -> bool:
        """Whether name or first words say that it comes with another document."""
        stem = self.name.rsplit(".", 1)[0]
        titled = any(_SUPPLEMENT_HEAD.match(text) for text in (self.title, self.head))
        return titled or _SUPPLEMENT_NAME.search(stem) is not None


class Place(StrEnum):
    """Where a document goes."""

    PAPER = "paper"
    """Into the paper with its DOI, whose place is free, or which it may replace."""
    BESIDE = "beside"
    """Beside that paper, as its supplement."""
    LEFT = "left"
    """Nowhere: what it holds is here."""
    REFUSED = "refused"
    """Nowhere: what it says does not agree with what is known."""


@dataclass(frozen=True)
class Verdict:
    """Where a document goes, and why, for the summary."""

    place: Place
    reason: str = ""


def judge(claim: Claim, known: Paper | None, pictures: Collection[str], refresh: bool) -> Verdict:
    """The place of a document whose DOI is that of ``known``, which has figures with these ``pictures``."""
    if claim.supplement:
        return Verdict(Place.BESIDE, f"kept as a supplement of {known.paper_id if known else claim.doi}")
    if known is None:
        return Verdict(Place.PAPER)
    if known.status is PaperStatus.FORGOTTEN:
        return Verdict(Place.LEFT, f"{known.paper_id} was forgotten and stays so")
    if known.status is not PaperStatus.EXTRACTED:
        return _into_free_place(claim, known)
    return _against_what_is_here(claim, known, pictures, refresh)


def _into_free_place(claim: Claim, known: Paper) -> Verdict:
    if claim.weight >= RULES.strong or not known.title or titles_agree(known.title, claim.title, claim.head):
        return Verdict(Place.PAPER)
    return Verdict(
        Place.REFUSED,
        f"prints the DOI of {known.paper_id} in one place only, and not its title {known.title[:60]!r}:"
        " is it that paper? If so, fetch the PDF from its own page",
    )


def _against_what_is_here(claim: Claim, known: Paper, pictures: Collection[str], refresh: bool) -> Verdict:
    title = bool(known.title) and titles_agree(known.title, claim.title, claim.head)
    pixels = pictures_agree(pictures, claim.pictures)
    newest = max((*known.versions, known.version))
    version = claim.version or newest
    here = f"{known.paper_id}, which is here from {known.source_file or 'another file'}"
    if version < known.version:
        return Verdict(Place.LEFT, f"version {version} of {known.paper_id}, of which {known.version} is here")
    if (title or pixels) and version > known.version and claim.readable:
        return Verdict(Place.PAPER, f"version {version} takes the place of version {known.version} of {known.paper_id}")
    if title and claim.readable and not known.sha256:
        return Verdict(Place.PAPER, f"its pages take the place of {here}")
    if (title or pixels) and refresh and claim.readable:
        return Verdict(Place.PAPER, f"takes the place of {here}, as --refresh asks")
    if pixels or (title and not claim.readable):
        return Verdict(Place.LEFT, f"the same paper as {here}: read once; --refresh reads it in its place")
    unlike = "not its figures" if title else "neither its title nor its figures"
    return Verdict(
        Place.REFUSED,
        f"prints the DOI of {here}, but has {unlike}: nothing was replaced. A supplement has 'supplement' in its name;"
        + (" --refresh reads another version in its place" if title else " check which of the two files is the paper"),
    )


def titles_agree(known: str, read: str, head: str, least: float = RULES.words) -> bool:
    """Whether a document bears a known title: as its own title, or word for word at its beginning."""
    a, b = _words(known), _words(read)
    shared = len(a & b) / max(len(a | b), 1)
    letters = letters_of(known)
    return shared >= least or (len(letters) >= RULES.letters and letters in letters_of(head))


def title_doubt(known: str, read: str, head: str) -> str:
    """What to look at where the source of a paper and its pages give two titles; empty where they agree."""
    if not known or not read or titles_agree(known, read, head, RULES.edited):
        return ""
    return f"its source calls it {known[:80]!r}, its pages {read[:80]!r}: is it that paper?"


def _words(text: str) -> set[str]:
    return set(re.findall(r"\w+", re.sub(r"\S*\b10\.\d{4,9}/\S+", " ", text.lower())))


def pictures_agree(known: Collection[str], read: Collection[str]) -> bool:
    """Whether half of the known figures come again, pixel for pixel."""
    here = {picture for picture in known if picture}
    return bool(here) and len(here & set(read)) >= RULES.pictures * len(here)
