"""A harvest from the preprint servers: list the windows, then fetch and read what is due."""

import dataclasses
import datetime
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from covidct.harvest.licences import passes
from covidct.harvest.pipeline import Pipeline
from covidct.harvest.preprints import Feed, PreprintRecord
from covidct.harvest.query import Predicate, compile_query, plain
from covidct.harvest.report import RunReport
from covidct.harvest.services import Services
from covidct.harvest.shelf import Shelf, is_due
from covidct.harvest.sources import Chain
from covidct.harvest.windows import Window
from covidct.net.client import HttpClient
from covidct.net.failures import Unreachable, unreachable
from covidct.progress import progress
from covidct.records import Paper, PaperStatus
from covidct.workspace import Workspace

LISTED = "harvest-windows"
"""Notes: what was in each window; ``final`` where it was read to its end and cannot grow any more."""
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
    """Bring the listing of the selection up to date; returns the keys of its windows' notes, oldest window first."""
    matches = compile_query(selection.query)
    feed = Feed(client, services.url("COVIDCT_API_URL"), selection.category)
    steps = [(server, month) for server in selection.servers for month in selection.window.months()]
    for server, month in progress(steps, "listing"):
        note = workspace.recall(LISTED, selection.key(server, month))
        if note and note["final"] and not selection.refresh:
            report.windows.append({**note["outcome"], "from_earlier_run": True})
        else:
            _list_month(feed, Shelf(workspace), services, selection, server, month, matches, report)
    return [selection.key(server, month) for server, month in steps]


def _list_month(
    feed: Feed,
    shelf: Shelf,
    services: Services,
    selection: Selection,
    server: str,
    month: Window,
    matches: Predicate,
    report: RunReport,
) -> None:
    kept: list[PreprintRecord] = []

    def sink(rows: list[PreprintRecord]) -> None:
        report.listed += len(rows)
        kept.extend(r for r in rows if matches(plain(f"{r.title} {r.abstract}")))

    outcomes = feed.read(server, month, sink)
    kept.sort(key=lambda r: (r.date, r.doi, r.version))
    ids = shelf.list_records(kept, server, services.site(server))
    report.windows += [outcome.as_json() for outcome in outcomes]
    for row in (row for outcome in outcomes for row in outcome.bad):
        if not row.title or matches(plain(f"{row.title} {row.abstract}")):
            report.missing.append(shelf.list_unusable(row, server))
    whole = all(outcome.complete for outcome in outcomes)
    final = whole and (datetime.date.today() - month.until).days > SETTLED_DAYS
    summary = {"server": server, "since": str(month.since), "until": str(month.until), "complete": whole}
    summary |= {"papers": sum(o.papers for o in outcomes), "rows": sum(o.rows for o in outcomes)}
    note = {"outcome": summary, "papers": ids, "final": final}
    shelf.workspace.remember(LISTED, selection.key(server, month), note)


def listed_papers(workspace: Workspace, keys: Sequence[str]) -> Iterator[Paper]:
    """The papers of some windows' notes, each once; one window at a time is in memory."""
    seen: set[int] = set()
    for key in keys:
        for paper_id in (workspace.recall(LISTED, key) or {}).get("papers", []):
            paper = workspace.paper(paper_id) if hash(paper_id) not in seen else None
            seen.add(hash(paper_id))
            if paper is not None:
                yield paper


def choose(workspace: Workspace, keys: Sequence[str], selection: Selection, report: RunReport) -> Iterator[Paper]:
    """The papers to fetch now; the report learns of those that are finished, withdrawn or not wanted."""
    left_out = {"their licence": 0, "--limit": 0}
    for paper in listed_papers(workspace, keys):
        if not passes(paper.licence, selection.licences):
            left_out["their licence"] += 1
        elif selection.limit is not None and report.matched >= selection.limit:
            left_out["--limit"] += 1
        else:
            report.matched += 1
            yield from _due(paper, selection, report)
    report.notes += [f"{count} papers left out by {why}" for why, count in left_out.items() if count]


def _due(paper: Paper, selection: Selection, report: RunReport) -> Iterator[Paper]:
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
    """List, choose, fetch, read; everything that happened is in ``pipeline.record``."""
    report = pipeline.record
    try:
        with report.timed("listing"):
            keys = list_preprints(workspace, client, services, selection, report)
    except Unreachable as error:
        raise unreachable(error, "name a mirror by --api-url, or read local PDFs by --from") from error
    with report.timed("papers"):
        pipeline.papers(chain, choose(workspace, keys, selection, report))
    report.http.update(client.counts)
