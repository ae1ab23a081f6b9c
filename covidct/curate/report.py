"""What a curation step says when it is done."""

from dataclasses import dataclass, field


@dataclass
class StepReport:
    """Counts of one step: ``done`` now, ``skipped`` because nothing changed since, ``failed`` with reasons."""

    step: str
    done: int = 0
    skipped: int = 0
    failed: list[tuple[str, str]] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)

    def count(self, name: str) -> None:
        """One more of ``name`` (a label, a kind, a rule that fired)."""
        self.counts[name] = self.counts.get(name, 0) + 1
