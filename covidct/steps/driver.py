"""The one driver of steps: it owns what is done, what changed, the lease, the progress, the failures and the ledger."""

import dataclasses
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from covidct.errors import reason_of
from covidct.files import sha256_bytes
from covidct.progress import progress
from covidct.steps.engine import Engine, Inline
from covidct.steps.step import Item, Outcome, Step
from covidct.workspace import Workspace

LEASE = "curate"


@dataclass
class StepReport:
    """Counts of one step: ``done`` now, ``skipped`` because nothing changed since, ``failed`` with reasons."""

    step: str
    done: int = 0
    skipped: int = 0
    failed: list[tuple[str, str]] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    dropped: int = 0

    def count(self, name: str, number: int = 1) -> None:
        """``number`` more of ``name`` (a label, a kind, a rule that fired)."""
        self.counts[name] = self.counts.get(name, 0) + number


class Driver:
    """One step on one workspace. Only here is a step's work written, and marked as done."""

    total: int | None = None
    """How many items there are, for the progress bar; None where it is not known."""

    def __init__(self, workspace: Workspace, step: Step, report: StepReport | None = None) -> None:
        self.workspace, self.step = workspace, step
        self.report = report or StepReport(step.name)
        self.version, self.by = step.version, step.by

    def key(self, item: Item) -> str:
        """Names the work: the item, what it depends on, and the step's version."""
        return f"{item.name} {sha256_bytes(item.inputs.encode())[:20]} {self.version}"

    def is_done(self, item: Item) -> bool:
        """Was this very work done before?"""
        return self.workspace.done(self.step.name, self.key(item))

    def due(self) -> Iterator[Item]:
        """The items to work on now; the others are counted as skipped."""
        for item in self.step.items(self.workspace):
            if item.value is None or self.is_done(item):
                self.report.skipped += item.size
            else:
                yield item

    def work(self, engine: Engine) -> None:
        """Run the step on what is due and write what comes of it; whatever goes wrong is a failed item."""
        for item, result in engine.run(self.step, progress(self.due(), self.step.name, self.total)):
            try:
                if isinstance(result, Exception):
                    raise result
                self.settle(item, result)
            except Exception as error:  # noqa: BLE001  the border of an item: one bad item is one failed item
                self.fail(item, reason_of(error))

    def fail(self, item: Item, reason: str) -> None:
        """Account for an item of which nothing came."""
        self.report.failed.append((item.name, reason))

    def settle(self, item: Item, outcome: Outcome) -> None:
        """Write an item's outcome, and mark the item as done where no part of it failed."""
        for data, suffix in outcome.files:
            self.workspace.store(data, suffix)
        self.workspace.decide(dataclasses.replace(d, by=d.by or self.by) for d in outcome.decisions)
        for figure_id, panels in outcome.panels.items():
            self.workspace.replace_panels(figure_id, panels)
        if outcome.pairs is not None:
            self.workspace.save_pairs(outcome.pairs)
        self.workspace.record_dropped(self.step.name, self.version, item.name, outcome.dropped)
        self.report.failed += outcome.failed
        self.report.done += item.size - len(outcome.failed)
        self.report.dropped += len(outcome.dropped)
        for name, number in outcome.counts.items():
            self.report.count(name, number)
        if not outcome.failed:
            self.workspace.mark(self.step.name, [self.key(item)])


def drive(workspace: Workspace, step: Step, engine: Engine | None = None) -> StepReport:
    """Do what is due of ``step``; an item that fails is named in the report, and the rest goes on.

    Heavy steps run on ``engine`` (default: in this process).
    """
    report = StepReport(step.name)
    try:
        Driver(workspace, step, report).work(engine if engine and step.heavy else Inline())
    except Exception as error:  # noqa: BLE001  a step that cannot say what its items are is a failed step
        report.failed.append((step.name, reason_of(error)))
    return report


def drive_all(workspace: Workspace, steps: Iterable[Step], engine: Engine | None = None) -> Iterator[StepReport]:
    """``steps`` in their order while nobody else curates this workspace: one report each, as it ends.

    Raises CovidctError where another process holds the lease.
    """
    with workspace.lease(LEASE):
        for step in steps:
            yield drive(workspace, step, engine)
