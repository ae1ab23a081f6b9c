"""A harvest from the preprint servers: list the windows, then fetch and read what is due."""

import dataclasses
import datetime
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from covidct.harvest.licences import passes
from covidct.harvest.net.client import HttpClient
from covidct.harvest.pipeline import Pipeline
from covidct.harvest.preprints import Feed, PreprintRecord
from covidct.harvest.query import Predicate, compile_query, plain
from covidct.harvest.report import RunReport
from covidct.harvest.services import Services
from covidct.harvest.shelf import Shelf, is_due
from covidct.harvest.sources import Chain
from covidct.harvest.windows import Window
from covidct.progress import progress
from covidct.records import Paper, PaperStatus
from covidct.workspace import Workspace

LISTED = "harvest-windows"
"""Notes: windows that were read to their end, and what was in them."""
SETTLED_DAYS = 3
"""A window that ends less than so many days ago may still grow: it is read again next time."""


@dataclass(frozen=True)
class Selection:
    """Which preprints a run is about."""

    window: Window
    servers: tuple[str, ...] = ("medrxiv", "biorxiv")
    query: str | None = None
    category: str = ""
    licences: frozenset[str] = frozenset()
    limit: int | None = None
    refresh: bool = False

    def key(self, server: str, window: Window) -> str:
        """Names a window as this selection reads it."""
        return "|".join([server, str(window), self.category, "" if self.query is None else self.query])

    def as_json(self) -> dict[str, Any]:
        """For the run record."""
        values = {name: getattr(self, name) for name in ("servers", "query", "category", "limit", "refresh")}
        return {"window": str(self.window), "licences": sorted(self.licences), **values}


def list_preprints(
    workspace: Workspace, client: HttpClient, services: Services, selection: Selection, report: RunReport
) -> list[str]:
    """Bring the listing of the selection up to date; returns the ids of the papers that match, oldest window first."""
    matches = compile_query(selection.query)
    feed = Feed(client, services.url("COVIDCT_API_URL"), selection.category)
    shelf = Shelf(workspace)
    found: dict[str, None] = {}
    steps = [(server, month) for server in selection.servers for month in selection.window.months()]
    for server, month in progress(steps, "listing"):
        note = workspace.recall(LISTED, selection.key(server, month))
        if note and not selection.refresh:
            report.windows.append({**note["outcome"], "from_earlier_run": True})
            ids = note["papers"]
        else:
            ids = _list_month(feed, shelf, services, selection, server, month, matches, report)
        found.update(dict.fromkeys(ids))
    return list(found)


def _list_month(
    feed: Feed,
    shelf: Shelf,
    services: Services,
    selection: Selection,
    server: str,
    month: Window,
    matches: Predicate,
    report: RunReport,
) -> list[str]:
    kept: list[PreprintRecord] = []

    def sink(rows: list[PreprintRecord]) -> None:
        report.listed += len(rows)
        kept.extend(r for r in rows if matches(plain(f"{r.title} {r.abstract}")))

    outcomes = feed.read(server, month, sink)
    kept.sort(key=lambda r: (r.date, r.doi, r.version))
    ids = shelf.list_records(kept, server, services.site(server))
    whole = all(outcome.complete for outcome in outcomes)
    report.windows += [outcome.as_json() for outcome in outcomes]
    if whole and (datetime.date.today() - month.until).days > SETTLED_DAYS:
        summary = {"server": server, "since": str(month.since), "until": str(month.until), "complete": True}
        summary |= {"papers": sum(o.papers for o in outcomes), "rows": sum(o.rows for o in outcomes)}
        shelf.workspace.remember(LISTED, selection.key(server, month), {"outcome": summary, "papers": ids})
    return ids


def choose(workspace: Workspace, ids: Sequence[str], selection: Selection, report: RunReport) -> Iterable[Paper]:
    """The papers to fetch now; the report learns of those that are finished, withdrawn or not wanted."""
    papers = [paper for paper in map(workspace.paper, ids) if paper is not None]
    wanted = [paper for paper in papers if passes(paper.licence, selection.licences)]
    if len(wanted) < len(papers):
        report.notes.append(f"{len(papers) - len(wanted)} papers left out by their licence")
    if selection.limit is not None and len(wanted) > selection.limit:
        report.notes.append(f"{len(wanted) - selection.limit} papers left out by --limit")
        wanted = wanted[: selection.limit]
    report.matched = len(wanted)
    for paper in wanted:
        if paper.status is PaperStatus.WITHDRAWN:
            report.withdrawn.append(paper.paper_id)
        elif is_due(paper):
            yield paper
        elif selection.refresh and paper.status is PaperStatus.EXTRACTED:
            yield dataclasses.replace(paper, reason="")
        elif paper.status is not PaperStatus.FORGOTTEN:
            report.kept += 1


def harvest_preprints(
    workspace: Workspace,
    client: HttpClient,
    services: Services,
    selection: Selection,
    chain: Chain,
    pipeline: Pipeline,
) -> None:
    """List, choose, fetch, read; everything that happened is in ``pipeline.report``."""
    report = pipeline.report
    found = list_preprints(workspace, client, services, selection, report)
    papers = list(choose(workspace, found, selection, report))
    pipeline.papers(chain, progress(papers, "papers"))
    report.http.update(client.counts)
