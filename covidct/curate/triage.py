"""Step ``triage``: what kind of picture each panel and each figure is."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from covidct.curate.pictures import read_picture
from covidct.curate.report import StepReport
from covidct.errors import CovidctError
from covidct.imaging.triage import Triage, triage_all
from covidct.progress import progress
from covidct.records import Decision
from covidct.workspace import Workspace

STEP = "triage"
VERSION = 1
BY = f"rule:triage@{VERSION}"
BATCH = 32


@dataclass(frozen=True)
class Item:
    """A stored picture: of a ``figure`` or a ``panel``."""

    entity: str
    entity_id: str
    file: str
    sha256: str

    @property
    def key(self) -> str:
        """Names the work: this picture, with this version of the step."""
        return f"{self.entity}:{self.entity_id}:{self.sha256}:{VERSION}"


def run(workspace: Workspace) -> StepReport:
    """Decide on the kind of every figure and panel whose picture is new since the last run."""
    report = StepReport(STEP)
    items = [Item("figure", f.figure_id, f.file, f.sha256) for f in workspace.figures() if f.file]
    items += [Item("panel", p.panel_id, p.file, p.sha256) for p in workspace.panels() if p.file]
    todo = [item for item in items if not workspace.done(STEP, item.key)]
    report.skipped = len(items) - len(todo)
    bar = progress(todo, STEP)
    for batch in _batches(bar):
        _batch(workspace, batch, report)
    return report


def _batches(items: Iterable[Item]) -> Iterator[list[Item]]:
    rest = iter(items)
    while batch := list(islice(rest, BATCH)):
        yield batch


def _batch(workspace: Workspace, batch: list[Item], report: StepReport) -> None:
    readable, pictures = [], []
    for item in batch:
        try:
            pictures.append(read_picture(workspace.path(item.file)))
            readable.append(item)
        except CovidctError as error:
            report.failed.append((item.entity_id, str(error)))
    found = list(zip(readable, triage_all(pictures), strict=True))
    workspace.decide([_decision(item, verdict) for item, verdict in found])
    workspace.mark(STEP, [item.key for item, _ in found])
    report.done += len(found)
    for item, verdict in found:
        if item.entity == "panel":
            report.count(verdict.kind)


def _decision(item: Item, verdict: Triage) -> Decision:
    why = verdict.rule or f"looks like {verdict.kind} ({verdict.score:.2f})"
    evidence = {"is_compound": verdict.is_compound, "rule": verdict.rule}
    return Decision(item.entity, item.entity_id, "kind", verdict.kind, BY, why, verdict.score, evidence)
