"""The review page's routes. Small handlers over ``queues``, ``items``, ``shown`` and ``words``."""

import hashlib
import sqlite3
import time
from collections.abc import Callable, Iterable
from importlib.resources import files
from pathlib import Path
from typing import Any, TypeVar

import jinja2
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from covidct.errors import CovidctError, UsageError
from covidct.net.answers import parse_json
from covidct.net.failures import FetchError
from covidct.pictures import PictureError
from covidct.records import CAPTION_LABELS, TRIAGE_KINDS
from covidct.workspace.lock import Busy
from covidct.workspace.queues import Row, flush, judged_by, last_decision, things_in_conflict, titles
from covidct.workspace.workspace import Workspace

from . import changes, items, queues, shown
from .pageof import page_picture
from .words import MOST_AT_ONCE, Scribe, curator_of

MOST_IDS = 20_000
"""Panels in one queue as sent to the page; it asks again when it has seen them all."""
MOST_PAPERS = 3000
SHEET = 120
"""Pictures on one contact sheet."""
LONGEST_VALUE = 300
FILTER_NAMES = (*queues.FILTERS,)

Json = dict[str, Any]
Asked = TypeVar("Asked")
Handler = Callable[[Request], Response]


class Page:
    """One workspace, shown; every handler runs in a thread of its own."""

    def __init__(self, workspace: Workspace, curator: str, blind: bool = False) -> None:
        self.workspace, self.curator, self.blind = workspace, curator, blind
        self.index = queues.Index(workspace)
        self.scribe = Scribe(workspace, self.index.reload, blind)
        folder = Path(str(files("covidct.curate.review")))
        loader = jinja2.FileSystemLoader(folder / "templates")
        self.template = jinja2.Environment(loader=loader, autoescape=True).get_template("page.html")
        self.static = _static_files(folder / "static")
        self.modules = sorted(name.removeprefix("js/") for name in self.static if name.startswith("js/"))

    def routes(self) -> list[Route]:
        """Every address the server answers to."""
        get: dict[str, Handler] = {
            "/": self.home,
            "/api/start": self.start,
            "/api/queue": self.queue,
            "/api/sheet": self.sheet,
            "/api/sure": self.sure,
            "/api/news": self.news,
            "/api/pairs": self.pairs,
            "/api/patients": self.patients,
            "/api/orphans": self.orphans,
            "/api/panel/{panel_id}": self.panel,
            "/picture/panel/{panel_id}": self.panel_picture,
            "/picture/figure/{figure_id}": self.figure_picture,
            "/picture/page/{figure_id}": self.page_picture,
            "/small/{panel_id}": self.small_picture,
        }
        fixed: list[Route] = [Route(path, _refusing(handler)) for path, handler in get.items()]
        fixed += [
            Route("/api/act", self.act, methods=["POST"]),
            Route("/api/preview", self.preview, methods=["POST"]),
            Route("/static/{name:path}", self.own_code),
        ]
        return fixed

    # -- the page and its lists ----------------------------------------------------------------------------------

    def home(self, request: Request) -> Response:
        folder = self.workspace.folder.resolve()
        slot = hashlib.sha256(str(folder).encode()).hexdigest()[:12]
        html = self.template.render(curator=self.curator, workspace=slot, name=folder.name, modules=self.modules)
        return HTMLResponse(html)

    async def own_code(self, request: Request) -> Response:
        found = self.static.get(request.path_params["name"])
        if found is None:
            return _missing()
        # Asked anew each time: a page must never run with yesterday's scripts.
        return Response(found[0], media_type=found[1], headers={"Cache-Control": "no-cache"})

    def start(self, request: Request) -> Response:
        rows = self.index.rows()
        papers = [
            {"paper_id": paper_id, "title": title[:120]} for paper_id, title in titles(self.workspace, MOST_PAPERS)
        ]
        return JSONResponse(
            {
                "queues": {name: queue.title for name, queue in queues.QUEUES.items()},
                "steps": list(queues.STEPS),
                "choices": queues.choices(rows.values()),
                "kinds": list(TRIAGE_KINDS),
                "labels": list(CAPTION_LABELS),
                "papers": papers,
                "yesterday": queues.yesterday(),
                "blind": self.blind,
                "total": len(rows),
            }
        )

    def queue(self, request: Request) -> Response:
        name, step, filters = self._query(request)
        rows = self.index.rows().values()
        found = self._select(request, name, step, filters)
        body: Json = {"total": len(found), "ids": [row.panel_id for row in found[:MOST_IDS]]}
        body["counts"] = self._counts(request, rows, step, filters)
        body["last"] = last_decision(self.workspace)
        body["first"] = self._first_item(request, found)
        return JSONResponse(body)

    def _first_item(self, request: Request, found: list[Row]) -> Json | None:
        """The item to show first, so that the page need not ask twice."""
        wanted = request.query_params.get("at", "")
        ids = [wanted] if wanted and any(row.panel_id == wanted for row in found) else [row.panel_id for row in found]
        return self._item(ids[0], request) if ids else None

    def _item(self, panel_id: str, request: Request) -> Json | None:
        item = items.panel_item(self.workspace, panel_id)
        return items.blinded(item, _reader(request, self.curator)) if item and self.blind else item

    def _query(self, request: Request) -> tuple[str, str, dict[str, str]]:
        """As :func:`_asked`; a blind reader gets the queue in reading order and no filter that tells a label."""
        name, step, filters = _query(request)
        if not self.blind:
            return name, step, filters
        filters.pop("label", None)
        return (name if name in (queues.MINE, "all") else queues.MINE), step, filters

    def _select(self, request: Request, name: str, step: str, filters: dict[str, str]) -> list[Row]:
        found = queues.select(self.index.rows().values(), name, step, filters)
        return self._not_mine(request, found, step) if name == queues.MINE else found

    def _not_mine(self, request: Request, rows: Iterable[Row], step: str) -> list[Row]:
        mine = judged_by(self.workspace, _reader(request, self.curator), queues.STEPS[step])
        return [row for row in rows if row.panel_id not in mine]

    def _counts(self, request: Request, rows: Iterable[Row], step: str, filters: dict[str, str]) -> dict[str, int]:
        counted = queues.counts(rows, step, filters)
        counted[queues.MINE] = len(self._not_mine(request, queues.passing_filters(rows, filters), step))
        if self.blind:
            counted |= {"reviewed": counted["all"] - counted[queues.MINE], "conflicts": 0}
        return counted

    def sheet(self, request: Request) -> Response:
        name, step, filters = self._query(request)
        page = _number(request, "page")
        found = self._select(request, name, step, filters)
        part = found[page * SHEET : (page + 1) * SHEET]
        rows = [_brief(row, step, self.blind) for row in part]
        return JSONResponse({"total": len(found), "size": SHEET, "rows": rows})

    def sure(self, request: Request) -> Response:
        """Panels under the filters that rules labelled with a score of at least ``at``, and nobody has judged."""
        _, step, filters = self._query(request)
        least = _share(request, "at")
        rows = [] if self.blind else queues.passing_filters(self.index.rows().values(), filters)
        found = queues.sure(rows, step, least)[:MOST_AT_ONCE]
        return JSONResponse({"panels": [{"panel_id": row.panel_id, "label": row.label} for row in found]})

    def news(self, request: Request) -> Response:
        """What was decided since decision number ``after``, and the counts as they are now."""
        _, step, filters = self._query(request)
        after = _number(request, "after")
        last = last_decision(self.workspace)
        if last == after:
            return JSONResponse({"last": last, "decisions": [], "counts": None})
        new = self.workspace.decisions(after=max(after, last - 200))
        decided = [{"entity": d.entity, "id": d.entity_id, "field": d.field, "by": d.by} for d in new if not self.blind]
        counts = self._counts(request, self.index.rows().values(), step, filters)
        return JSONResponse({"last": last, "decisions": decided, "counts": counts})

    def orphans(self, request: Request) -> Response:
        found = []
        for decision in self.workspace.orphans()[:500]:
            paper_id = decision.anchor.paper_id if decision.anchor else ""
            page = decision.anchor.page if decision.anchor else None
            value = decision.value if isinstance(decision.value, str | bool) else ""
            found.append(
                {"paper_id": paper_id, "page": page, "entity_id": decision.entity_id, "field": decision.field}
                | {"value": value, "by": decision.by, "at": decision.at}
            )
        return JSONResponse({"orphans": found})

    # -- one thing -----------------------------------------------------------------------------------------------

    def panel(self, request: Request) -> Response:
        item = self._item(request.path_params["panel_id"], request)
        return _missing() if item is None else JSONResponse(item)

    def pairs(self, request: Request) -> Response:
        decided = {field: self.workspace.current_all("pair", field) for field in ("duplicate", "same_patient")}
        rows, differ = self._wanted(request), things_in_conflict(self.workspace, "pair")
        found: list[Json] = []
        for pair in self.workspace.pairs():
            if pair.a not in rows or pair.b not in rows:
                continue
            words = {field: _as_json(decisions.get(pair.pair_id)) for field, decisions in decided.items()}
            sides = [_brief(rows[side], "label") for side in (pair.a, pair.b)]
            about = {"id": pair.pair_id, "score": pair.score, "change": pair.change, "sides": sides}
            found.append({**about, **words, "conflicts": differ.get(pair.pair_id, [])})
        found.sort(key=lambda pair: (not pair["conflicts"], _by_person(pair["duplicate"]), pair["score"]))
        return JSONResponse({"pairs": found})

    def _wanted(self, request: Request) -> dict[str, Row]:
        """Panels that pass the filters on kind, source and label, by id."""
        _, _, filters = self._query(request)
        kept = {name: value for name, value in filters.items() if name in ("kind", "source", "label")}
        return {row.panel_id: row for row in queues.passing_filters(self.index.rows().values(), kept)}

    def patients(self, request: Request) -> Response:
        """The papers that have several panels, or with ``paper`` the panels of that one by patient."""
        paper_id = request.query_params.get("paper", "")
        rows = self._wanted(request).values()
        if paper_id:
            panels = [_brief(row, "patients") for row in rows if row.paper_id == paper_id and not queues.rejected(row)]
            return JSONResponse({"paper_id": paper_id, "panels": panels})
        papers: dict[str, Json] = {}
        for row in rows:
            entry = papers.setdefault(
                row.paper_id, {"paper_id": row.paper_id, "panels": 0, "patients": set(), "left": 0}
            )
            entry["panels"] += 1
            entry["patients"].add(row.patient_id)
            entry["left"] += not queues.reviewed(row, "patients")
        listed = [
            {**entry, "patients": len(entry["patients"] - {""})} for entry in papers.values() if entry["panels"] > 1
        ]
        return JSONResponse({"papers": listed})

    # -- pictures ------------------------------------------------------------------------------------------------

    def panel_picture(self, request: Request) -> Response:
        form = request.query_params.get("as", "plain")
        panel = self.workspace.panel(request.path_params["panel_id"])
        if panel is None or form not in ("plain", "mask", "masked"):
            return _missing()
        return _picture(shown.panel_file(self.workspace, panel, form))

    def figure_picture(self, request: Request) -> Response:
        figure = self.workspace.figure(request.path_params["figure_id"])
        return _picture(self.workspace.path(figure.file) if figure and figure.file else None)

    def page_picture(self, request: Request) -> Response:
        """The page of the paper round a figure; 404 where the document was not kept or nobody knows the page."""
        figure = self.workspace.figure(request.path_params["figure_id"])
        paper = self.workspace.paper(figure.paper_id) if figure else None
        pdf = self.workspace.stored(paper.sha256, ".pdf") if paper else None
        if figure is None or pdf is None or figure.page is None or figure.box is None:
            return _missing()
        return Response(page_picture(pdf, figure.page, figure.box), media_type="image/png")

    def small_picture(self, request: Request) -> Response:
        panel = self.workspace.panel(request.path_params["panel_id"])
        path = shown.panel_file(self.workspace, panel, "plain") if panel else None
        if path is None or not path.is_file():
            return _missing()
        return Response(shown.small(path), media_type="image/jpeg")

    # -- actions -------------------------------------------------------------------------------------------------

    async def act(self, request: Request) -> Response:
        body = await request.body()
        return await _in_thread(self._act, body)

    def _act(self, body: bytes) -> Response:
        started = time.perf_counter()
        # The answer goes out first: the page must not wait for the disk, only for the journal.
        answer = JSONResponse(self.scribe.act(_object(body)), background=BackgroundTask(flush, self.workspace))
        answer.headers["Server-Timing"] = f"act;dur={(time.perf_counter() - started) * 1000:.1f}"
        return answer

    async def preview(self, request: Request) -> Response:
        body = await request.body()
        return await _in_thread(self._preview, body)

    def _preview(self, body: bytes) -> Response:
        given = _object(body)
        panel = self.workspace.panel(str(given.get("panel_id")))
        if panel is None or not panel.file:
            return _missing()
        return Response(changes.preview(self.workspace, panel, given.get("mask")), media_type="image/png")


def _static_files(folder: Path) -> dict[str, tuple[bytes, str]]:
    """The page's own scripts, styles and icon with their media types, read once: nothing else can be asked for."""
    media = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
    found = (path for path in sorted(folder.rglob("*")) if path.suffix in media)
    return {path.relative_to(folder).as_posix(): (path.read_bytes(), media[path.suffix]) for path in found}


async def _in_thread(handler: Callable[[bytes], Response], body: bytes) -> Response:
    return await run_in_threadpool(_refusing(handler), body)


def _refusing(handler: Callable[[Asked], Response]) -> Callable[[Asked], Response]:
    """A wrong question becomes 400, a busy workspace or full disk 503 (the page asks again), no answer 409."""

    def answer(given: Asked) -> Response:
        try:
            return handler(given)
        except (UsageError, PictureError) as error:
            return PlainTextResponse(str(error), 400)
        except (Busy, sqlite3.OperationalError) as error:
            return PlainTextResponse(str(error), 503)
        except CovidctError as error:
            return PlainTextResponse(str(error), 409)

    return answer


def _query(request: Request) -> tuple[str, str, dict[str, str]]:
    """Queue, step and filters out of the query; raises :class:`UsageError` for unknown ones."""
    given = request.query_params
    name, step = given.get("queue", "uncertain"), given.get("step", "label")
    if name not in queues.QUEUES or step not in queues.STEPS:
        raise UsageError("there is no such queue or step")
    filters = {key: given[key] for key in FILTER_NAMES if given.get(key)}
    if any(len(value) > LONGEST_VALUE for value in filters.values()):
        raise UsageError("a filter's value is too long")
    return name, step, filters


def _number(request: Request, name: str) -> int:
    text = request.query_params.get(name, "0")
    if not text.isdecimal() or len(text) > 15:
        raise UsageError(f"{name} must be a whole number")
    return int(text)


def _reader(request: Request, curator: str) -> str:
    """Who asks, as the journal writes it: the name that the page shows, else the server's."""
    return curator_of(request.query_params.get("by") or curator)


def _share(request: Request, name: str) -> float:
    try:
        value = float(request.query_params.get(name, ""))
    except ValueError as error:
        raise UsageError(f"{name} must be a number from 0 to 1") from error
    if not 0 <= value <= 1:
        raise UsageError(f"{name} must be a number from 0 to 1")
    return value


def _brief(row: Row, step: str, blind: bool = False) -> Json:
    if blind:
        return {**_brief(row, step), "label": "none", "certainty": 0.0, "reviewed": False, "conflict": False}
    return {
        "panel_id": row.panel_id,
        "figure_id": row.figure_id,
        "paper_id": row.paper_id,
        "letter": row.letter,
        "kind": row.kind,
        "label": queues.shown_label(row),
        "patient": row.patient_id,
        "certainty": round(queues.certainty(row, step), 3),
        "reviewed": queues.reviewed(row, step),
        "conflict": queues.in_conflict(row),
    }


def _by_person(decided: Json | None) -> bool:
    return decided is not None and str(decided["by"]).startswith("curator:")


def _as_json(decision: Any) -> Json | None:
    return None if decision is None else {"value": decision.value, "by": decision.by, "at": decision.at}


def _picture(path: Path | None) -> Response:
    if path is None or not path.is_file():
        return _missing()
    data, media = shown.as_shown(path)
    return Response(data, media_type=media)


def _missing() -> Response:
    return PlainTextResponse("not in the workspace any more", 404)


def _object(body: bytes) -> Json:
    try:
        value = parse_json(body, "")
    except FetchError as error:
        raise UsageError("the body is not JSON") from error
    if not isinstance(value, dict):
        raise UsageError("the body is not a JSON object")
    return value


def make(workspace: Workspace, curator: str, blind: bool = False) -> Starlette:
    """The application, without its guard; ``blind`` for a second reader who must not see what others said."""
    return Starlette(routes=Page(workspace, curator, blind).routes())
