"""The verdict on a text, and the ways to one: each way has a label and a precision that was measured.

``ways.toml`` holds, for every way, how many of how many captions that were judged blind it got right. Who accepts
verdicts unseen asks :func:`precision_of`; the lower bound is what may be promised.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import lru_cache
from importlib.resources import files

from covidct.captions.text import Span

POSITIVE, NEGATIVE, UNCLEAR, NOT_A_SCAN = "positive", "negative", "unclear", "not-a-scan"


class Way(StrEnum):
    """How a verdict was decided; the first word of its rule."""

    NOT_A_SCAN = "not-a-scan"
    ANIMAL = "animal"
    SAID = "said"
    PROVEN = "proven"
    NAMED = "named"
    SAME_PATIENT = "same-patient"
    """The same person is proven ill on another panel of the paper."""
    FINAL_DIAGNOSIS = "final-diagnosis"
    FALSE_POSITIVE = "false-positive"
    DENIED = "denied"
    OTHER_DIAGNOSED = "other-diagnosed"
    OTHER_DISEASE = "other-disease"
    OTHER_FINDING = "other-finding"
    LIKELY_OTHER = "likely-other"
    OTHER_CLASS = "other-class"
    HEALTHY = "healthy"
    BEFORE_OUTBREAK = "before-outbreak"
    SUSPECTED = "suspected"
    PLACES_DIFFER = "places-differ"
    PANELS_DIFFER = "panels-differ"
    NOTHING_NAMED = "nothing-named"


_UNCLEAR_WAYS = frozenset({Way.SUSPECTED, Way.PLACES_DIFFER, Way.PANELS_DIFFER, Way.NOTHING_NAMED})
_POSITIVE_WAYS = frozenset({Way.SAID, Way.PROVEN, Way.NAMED, Way.SAME_PATIENT})
OTHER_DISEASES = frozenset({Way.FINAL_DIAGNOSIS, Way.OTHER_DIAGNOSED, Way.OTHER_DISEASE, Way.OTHER_FINDING})
"""Ways that rest on the name of another disease."""


def label_of(way: Way) -> str:
    """``positive``, ``negative``, ``unclear`` or ``not-a-scan``."""
    if way is Way.NOT_A_SCAN:
        return NOT_A_SCAN
    if way in _UNCLEAR_WAYS:
        return UNCLEAR
    return POSITIVE if way in _POSITIVE_WAYS else NEGATIVE


@dataclass(frozen=True)
class Verdict:
    """A label, the way to it, and the span of the text that it rests on.

    ``term`` names the rules of the table that spoke (``disease-name+yes-before``). ``source`` says which text the span
    belongs to: ``caption``, ``context`` (what mentions the figure), ``paragraph`` (where it is mentioned), ``title``,
    ``abstract`` or ``published``.
    ``carried`` counts the steps from the text that says it to what it is said of: from the title to a panel, from one
    panel to the next, from the article to the figure.
    """

    label: str
    way: Way
    term: str = ""
    span: Span = (0, 0)
    source: str = "caption"
    evidence: str = ""
    carried: int = 0
    besides: bool = False
    """Of another disease: a patient with the profile's disease may have it as well."""

    @property
    def rule(self) -> str:
        """``way:term``, as tables and decisions show it."""
        return f"{self.way}:{self.term}" if self.term else str(self.way)

    @property
    def score(self) -> float:
        """From 0 to 1, for the order of the review queue: the way's precision, less for what was carried."""
        return max(0.05, round(precision_of(self.way).rate - _LESS_PER_STEP * self.carried, 3))

    def moved(self, steps: int = 1) -> "Verdict":
        """The same verdict, ``steps`` further from the text that says it."""
        return replace(self, carried=self.carried + steps)

    def of_figure(self) -> "Verdict":
        """As the verdict on a whole figure: of no scan nothing is known of a disease."""
        return replace(self, label=UNCLEAR) if self.label == NOT_A_SCAN else self


_LESS_PER_STEP = 0.05

NOTHING = Verdict(UNCLEAR, Way.NOTHING_NAMED)
PANELS_DIFFER = Verdict(UNCLEAR, Way.PANELS_DIFFER, "no-letter")
"""For a panel without a letter in a figure whose panels have different labels."""


@dataclass(frozen=True)
class Labels:
    """The verdict on a figure, and on each panel by its letter as printed."""

    figure: Verdict
    panels: Mapping[str, Verdict]


@dataclass(frozen=True)
class Precision:
    """``right`` of ``n`` captions decided in one way agree with the reader who judged them blind."""

    right: int
    n: int

    @property
    def rate(self) -> float:
        """Posterior mean under a flat prior: 0.5 where nothing was measured."""
        return (self.right + 1) / (self.n + 2)

    @property
    def lower(self) -> float:
        """Lower 95 % bound, exact and one-sided (Clopper CJ, Pearson ES. Biometrika 1934;26:404-413)."""
        from scipy.stats import beta

        return float(beta.ppf(0.05, self.right, self.n - self.right + 1)) if self.right else 0.0


def precision_of(way: str) -> Precision:
    """What was measured of ``way`` (``said``); also takes a rule (``said:disease-name+yes-before``)."""
    return _measured().get(way.partition(":")[0], Precision(0, 0))


@lru_cache(maxsize=1)
def _measured() -> dict[str, Precision]:
    table = tomllib.loads(files("covidct.captions").joinpath("ways.toml").read_text(encoding="utf-8"))
    return {way: Precision(row["right"], row["n"]) for way, row in table["ways"].items()}
