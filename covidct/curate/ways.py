"""How a label was read, and how often labels read that way are right: the figures that let a panel enter unseen.

Measured on public captions that no rule had seen (docs/labels.md); a reader who is a machine and no clinician.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from covidct.captions.labels import Verdict

Way = str
"""First word of a rule: ``said``, ``proven``, ``named``, ``other-disease``…"""

LEAST_BOUND = 0.95
"""Lower 95 % bound of the precision that a way needs."""
LEAST_CAPTIONS = 60
"""On so many captions at least: sixty without an error are the fewest whose bound reaches .95."""
TOGETHER: Mapping[Way, Way] = {"said": "stated", "proven": "stated", "no-scan": "not-a-scan"}
"""Ways that are one by meaning and were measured as one."""


@dataclass(frozen=True)
class Measured:
    """``right`` of ``captions``."""

    right: int
    captions: int

    @property
    def precision(self) -> float:
        """Expected share of right labels, under a flat prior."""
        return (self.right + 1) / (self.captions + 2)

    @property
    def bound(self) -> float:
        """Lower 95 % bound, exact and one-sided (Clopper CJ, Pearson ES. Biometrika 1934;26:404-413)."""
        from scipy.stats import beta

        return float(beta.ppf(0.05, self.right, self.captions - self.right + 1)) if self.right else 0.0


MEASURED: Mapping[Way, Measured] = {
    "stated": Measured(64, 64),
    "likely-other": Measured(4, 4),
    "other-disease": Measured(36, 42),
    "named": Measured(31, 38),
    "not-a-scan": Measured(8, 17),
}
NOTHING = Measured(0, 0)


def way_of(verdict: Verdict) -> Way:
    """The way to a verdict, ways of one meaning under one name."""
    name = verdict.rule.partition(":")[0]
    return TOGETHER.get(name, name)


def measured(way: Way) -> Measured:
    """What was measured of a way; nothing where nobody has."""
    return MEASURED.get(way, NOTHING)


def qualifies(way: Way) -> bool:
    """May labels read this way enter a release that nobody looked at?"""
    found = measured(way)
    return found.captions >= LEAST_CAPTIONS and found.bound >= LEAST_BOUND
