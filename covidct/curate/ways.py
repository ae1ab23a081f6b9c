"""Which ways to a label let a panel enter a release unseen: those whose measured precision is high enough.

The figures of single ways stand in ``captions/ways.toml`` (docs/labels.md, "Measured"). They were measured on captions
of pictures of every kind; the judgement is on slices of the lungs and knows the paper, so some ways are one there.
"""

from collections.abc import Mapping

from covidct.captions.ways import NEGATIVE, Precision, Verdict, precision_of
from covidct.captions.ways import Way as Single
from covidct.profiles import current

Way = str
"""First word of a rule: ``said``, ``named``, ``other-disease``…; ``stated`` for said and proven together."""

MEASURED_ON = "covid-19"
"""The profile whose captions were counted: of another disease's ways nothing is known."""
LEAST_BOUND = 0.95
"""Lower 95 % bound of the precision that a way needs."""
LEAST_CAPTIONS = 60
"""On so many captions at least: sixty without an error are the fewest whose bound reaches .95."""
AFFIRMED = "affirmed"
"""The slice's own caption names the disease as there, and so does title or abstract of its paper."""
STATED_OTHER = "stated-other"
"""Another finding or health is stated where neither the panel's own words nor, for a mere finding, the paper name the
disease: complications and what a COVID-19 patient has besides are no other disease."""
PARAGRAPH = "stated@paragraph"
"""A silent caption, and a paragraph that cites the figure states the disease, or a test of it, of the person."""
BEFORE_OUTBREAK: Way = str(Single.BEFORE_OUTBREAK)
"""Whatever the text says of another disease, or of none: the paper is older than the profile's disease."""
TOGETHER: Mapping[Way, Way] = {
    "said": "stated",
    "proven": "stated",
    "other-finding": STATED_OTHER,
    "other-diagnosed": STATED_OTHER,
    "final-diagnosis": STATED_OTHER,
    "likely-other": STATED_OTHER,
    "healthy": STATED_OTHER,
    "denied": STATED_OTHER,
}
"""Ways that are one by meaning and were measured as one."""
OF_ANY_PAPER = frozenset({"other-diagnosed", "final-diagnosis", "healthy", "denied"})
"""Ways of :data:`STATED_OTHER` that state what the person has or has not, whatever the paper is about."""
BLURRED = frozenset(single for single, way in TOGETHER.items() if way == STATED_OTHER)
"""The same ways by themselves: what they are called where the disease is named as well."""
APART: Mapping[Way, Precision] = {
    AFFIRMED: Precision(70, 70),
    PARAGRAPH: Precision(104, 105),
    BEFORE_OUTBREAK: Precision(197, 197),
}
"""Measured apart. ``affirmed``: the distinct captions of the published COVID-CT set that are read this way (51 said, 3
proven, 16 named), against its published labels; all its papers are on COVID-19, and rules have seen part of them.
``stated@paragraph``: figures of case reports whose paragraphs were judged before the program read them,
right where the article says so of the person. ``before-outbreak``: captions of articles printed before December 2019
that were judged before the program ran, none of a person with the disease (docs/acceptance.md)."""


def way_of(verdict: Verdict, *, own_names: bool = False, paper_names: bool = False, older: bool = False) -> Way:
    """The way to a verdict, ways of one meaning under one name.

    ``own_names``: the panel's own words name the disease as there; ``paper_names``: title or abstract of its paper do;
    ``older``: the paper is older than the disease.
    What was not read in the caption is a way of its own (``stated@title``).
    """
    single = verdict.rule.partition(":")[0]
    if older and verdict.label == NEGATIVE and not (own_names or paper_names):
        return BEFORE_OUTBREAK
    if verdict.source not in ("caption", "published"):
        return f"{TOGETHER.get(single, single)}@{verdict.source}"
    if single == "named" and paper_names:
        return AFFIRMED
    way = TOGETHER.get(single, single)
    blurred = own_names or (paper_names and single not in OF_ANY_PAPER)
    return single if way == STATED_OTHER and blurred else way


def measured(way: Way) -> Precision:
    """What was measured of a way; 0 of 0 where nobody has, as for every disease but the one that it was measured on."""
    if current().name != MEASURED_ON:
        return Precision(0, 0)
    if way in APART:
        return APART[way]
    parts = [precision_of(part) for part in TOGETHER if TOGETHER[part] == way] or [precision_of(way)]
    return Precision(sum(part.right for part in parts), sum(part.n for part in parts))


def qualifies(way: Way) -> bool:
    """May labels read this way enter a release that nobody looked at? Those that are proven, and those that the
    profile names under ``[accept] ways``."""
    found = Precision(0, 0) if way in BLURRED else measured(way)
    proven = found.n >= LEAST_CAPTIONS and found.lower >= LEAST_BOUND
    return proven or way in current().accepted_ways
