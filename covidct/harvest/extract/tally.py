"""Counts how often each named rule fired, and keeps what was dropped with the reason."""

from collections import Counter

from covidct.harvest.extract.results import Dropped
from covidct.records import Box


class Tally:
    """The ledger of one paper."""

    def __init__(self) -> None:
        self.rules: Counter[str] = Counter()
        self.dropped: list[Dropped] = []

    def fired(self, rule: str) -> None:
        """Count one more use of ``rule``."""
        self.rules[rule] += 1

    def drop(self, what: str, rule: str, reason: str, page: int | None = None, box: Box | None = None) -> None:
        """Keep that ``what`` was seen and left out by ``rule``, and why; counts as a use of ``drop:RULE``."""
        self.rules[f"drop:{rule}"] += 1
        self.dropped.append(Dropped(what, reason, page, box, rule))
