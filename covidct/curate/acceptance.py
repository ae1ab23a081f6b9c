"""What a release takes without review, and why the rest waits: one table for a workspace."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from covidct.curate.judge import CLASSES, UNPROVEN
from covidct.curate.ways import measured
from covidct.profiles import current
from covidct.records import Decision
from covidct.workspace import Workspace
from covidct.workspace.accepted import waits

Place = tuple[str, str]
"""Label and way."""


@dataclass
class Acceptance:
    """Counts of the panels that show a slice of the lungs."""

    accepted: Counter[Place] = field(default_factory=Counter)
    seen: Counter[str] = field(default_factory=Counter)
    """Labels that a person gave."""
    refused: Counter[str] = field(default_factory=Counter)
    """Reason: panels that wait for a person."""
    would: Counter[Place] = field(default_factory=Counter)
    """What ways that do not qualify would let in."""

    @property
    def empty(self) -> bool:
        """Whether no panel shows a slice of the lungs, so that neither review nor release has anything to work on."""
        return not (self.accepted or self.seen or self.refused)

    @property
    def expected(self) -> float | None:
        """Expected precision of the labels that enter unseen: the mean over their ways; None where none enters."""
        total = sum(self.accepted.values())
        sure = sum(count * measured(way).rate for (_, way), count in self.accepted.items())
        return sure / total if total else None

    def lines(self) -> list[str]:
        """The table for a person."""
        if self.empty:
            return [f"no panel is of kind {current().picture}: nothing to review, and nothing to release"]
        counts = ", ".join(f"{self._of(label)} {label}" for label in CLASSES)
        expected = "" if self.expected is None else f"; expected precision of their labels {self.expected:.3f}"
        out = [f"accepted without review: {counts}{expected}"]
        out += [f"  {label:<9} {way:<18}{count:6}   {_figures(way)}" for (label, way), count in _most(self.accepted)]
        if self.seen:
            out.append("labelled by a person: " + ", ".join(f"{n} {label}" for label, n in sorted(self.seen.items())))
        out.append(f"waiting for a person: {sum(self.refused.values())}")
        out += [f"  {reason:<28}{count:6}" for reason, count in _most(self.refused)]
        out += [
            f"  {label} by {way}: {count} more if its precision were proven ({_figures(way)})"
            for (label, way), count in _most(self.would)
        ]
        return out

    def _of(self, label: str) -> int:
        return sum(count for (own, _), count in self.accepted.items() if own == label)

    def as_json(self) -> dict[str, Any]:
        """The same as plain JSON values."""
        expected = None if self.expected is None else round(self.expected, 4)
        rows = [{"label": label, "way": way, "panels": count} for (label, way), count in _most(self.accepted)]
        return {
            "step": "acceptance",
            "accepted": rows,
            "expected_precision": expected,
            "refused": dict(_most(self.refused)),
            "seen_by_a_person": dict(sorted(self.seen.items())),
        }


def _most(counts: Mapping[Any, int]) -> list[tuple[Any, int]]:
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


def _figures(way: str) -> str:
    found = measured(way)
    by_name = "; let in by the profile" if way in current().accepted_ways else ""
    return (f"{found.right} of {found.n} right, at least {found.lower:.3f}" if found.n else "not measured") + by_name


def acceptance(workspace: Workspace) -> Acceptance:
    """Accepted and refused panels of a workspace, from the label decisions in force."""
    table = Acceptance()
    decisions, masks = workspace.current_all("panel", "label"), workspace.current_all("panel", "mask")
    for panel in workspace.panels():
        decision = decisions.get(panel.panel_id)
        if panel.kind == current().picture and decision is not None:
            _count(table, panel.label, decision, masks.get(panel.panel_id))
    return table


def _count(table: Acceptance, label: str, decision: Decision, mask: Decision | None) -> None:
    evidence, way = decision.evidence, str(decision.evidence.get("way", ""))
    if decision.by.startswith("curator:"):
        table.seen[label] += 1
        return
    waiting = waits(decision, (), mask)
    if evidence.get("accepted") and not waiting:
        table.accepted[label, way] += 1
        return
    table.refused[str(evidence.get("refused") or (waiting if evidence.get("accepted") else f"no label ({way})"))] += 1
    if evidence.get("refused") == UNPROVEN:
        table.would[label, way] += 1
