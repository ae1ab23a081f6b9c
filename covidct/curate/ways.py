"""Which ways to a label let a panel enter a release unseen: those whose measured precision is high enough.

The figures stand in ``captions/ways.toml`` (docs/labels.md, "Measured"); here is only what is asked of them.
"""

from collections.abc import Mapping

from covidct.captions.labels import Verdict, precision_of
from covidct.captions.ways import Precision

Way = str
"""First word of a rule: ``said``, ``named``, ``other-disease``…; ``stated`` for said and proven together."""

LEAST_BOUND = 0.95
"""Lower 95 % bound of the precision that a way needs."""
LEAST_CAPTIONS = 60
"""On so many captions at least: sixty without an error are the fewest whose bound reaches .95."""
TOGETHER: Mapping[Way, Way] = {"said": "stated", "proven": "stated"}
"""Ways that are one by meaning and were measured as one."""


def way_of(verdict: Verdict) -> Way:
    """The way to a verdict, ways of one meaning under one name."""
    name = verdict.rule.partition(":")[0]
    return TOGETHER.get(name, name)


def measured(way: Way) -> Precision:
    """What was measured of a way; 0 of 0 where nobody has."""
    parts = [precision_of(part) for part in TOGETHER if TOGETHER[part] == way] or [precision_of(way)]
    return Precision(sum(part.right for part in parts), sum(part.n for part in parts))


def qualifies(way: Way) -> bool:
    """May labels read this way enter a release that nobody looked at?"""
    found = measured(way)
    return found.n >= LEAST_CAPTIONS and found.lower >= LEAST_BOUND
