"""PubMed Central, the way that works since August 2026: esearch, then the article bucket over HTTPS.

esearch gives at most the first 10,000 ids of a query, so larger results are read by slices of publication dates. Each
article comes as metadata (JSON), JATS and media with an md5; where the JATS names figures whose pictures are not
there, the PDF is read instead.
"""

import dataclasses
import datetime
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from covidct.errors import reason_of
from covidct.harvest import ids
from covidct.harvest.articles import Article, ArticleFigure, match_media, read_article
from covidct.harvest.bucket import Article as Listing
from covidct.harvest.bucket import Bucket, file_name
from covidct.harvest.engine import Task
from covidct.harvest.licences import passes
from covidct.harvest.pipeline import UNDER_ALL, Pipeline, cut_off_by_error, ordered
from covidct.harvest.repack import Picture, as_png
from covidct.harvest.services import Services
from covidct.harvest.sources import Document
from covidct.harvest.windows import Window
from covidct.net.answers import check_image, check_pdf, check_xml
from covidct.net.client import HttpClient
from covidct.net.failures import FetchError, Kind, Unreachable, unreachable
from covidct.records import Figure, Paper, PaperStatus

ESEARCH = "/entrez/eutils/esearch.fcgi"
MOST_IDS = 9_999
PAGE = 1_000
FINISHED = "harvest-pmc"
"""Notes: PMCID → paper id of what is finished."""
FIRST_DAY = datetime.date(1900, 1, 1)


def licence_filter(licences: frozenset[str]) -> str:
    """PubMed Central's own licence filters for our codes (``cc-by-nc`` → ``cc_by-nc_license[filter]``)."""
    names = sorted(f"{code.replace('cc-', 'cc_', 1)}_license[filter]" for code in licences if code.startswith("cc"))
    return f" AND ({' OR '.join(names)})" if names else ""


@dataclass
class Search:
    """One query against esearch; ``holes`` and ``notes`` say what could not be listed."""

    client: HttpClient
    base: str
    query: str
    licences: frozenset[str] = frozenset()
    outcomes: list[dict[str, Any]] = field(default_factory=list)

    def ids(self, window: Window | None) -> Iterator[str]:
        """PMCIDs of the query, each once, by slices where there are too many."""
        seen: set[str] = set()
        for number in self._slice(window):
            if number not in seen:
                seen.add(number)
                yield f"PMC{number}"

    def _slice(self, window: Window | None) -> Iterator[str]:
        outcome: dict[str, Any] = {"server": "pmc", "holes": [], "complete": True}
        outcome |= {"since": str(window.since), "until": str(window.until)} if window else {}
        try:
            count, page, history = self._page(window, 0, {})
        except Unreachable as error:
            raise unreachable(error, "name a mirror by COVIDCT_EUTILS_URL") from error
        except FetchError as error:
            self.outcomes.append({**outcome, "holes": [error.reason], "complete": False})
            return
        if count > MOST_IDS:
            whole = window or Window(FIRST_DAY, datetime.date.today())
            if whole.days > 1:
                for half in whole.halves():
                    yield from self._slice(half)
                return
            outcome["holes"].append(f"{count} articles on one day, {MOST_IDS} can be listed")
        found = len(page)
        yield from page
        try:
            while page and found < min(count, MOST_IDS):
                _, page, _ = self._page(window, found, history)
                found += len(page)
                yield from page
        except FetchError as error:
            outcome["holes"].append(f"from id {found}: {error.reason}")
        whole_list = found >= min(count, MOST_IDS) and not outcome["holes"]
        self.outcomes.append({**outcome, "papers": found, "expected": count, "complete": whole_list})

    def _page(
        self, window: Window | None, start: int, history: Mapping[str, str]
    ) -> tuple[int, list[str], dict[str, str]]:
        """Count of the whole result, ids of one page, the server's history."""
        term = f"({self.query}) AND open_access[filter]{licence_filter(self.licences)}"
        if window:
            term += f" AND {window.since:%Y/%m/%d}:{window.until:%Y/%m/%d}[pdat]"
        words = {"db": "pmc", "term": term, "retmode": "json", "retmax": str(PAGE), "retstart": str(start)}
        words |= {"usehistory": "y", "tool": "covidct", "email": self.client.settings.contact, **history}
        words["api_key"] = os.environ.get("NCBI_API_KEY", "")
        url = f"{self.base}{ESEARCH}?{urlencode({k: v for k, v in words.items() if v})}"
        answer = self.client.get_json(url, check_search)
        result: Mapping[str, Any] = answer["esearchresult"]  # type: ignore[index]
        numbers = [str(n).upper().removeprefix("PMC") for n in result.get("idlist", [])]
        kept = {"WebEnv": str(result.get("webenv", "")), "query_key": str(result.get("querykey", ""))}
        return int(result["count"]), [n for n in numbers if n.isdigit()], kept


def check_search(value: object) -> None:
    """Refuse an answer that is no search result; "rate limit exceeded" also comes with HTTP 200."""
    if isinstance(value, Mapping) and "rate limit" in str(value.get("error", "")).lower():
        raise FetchError(Kind.TEMPORARY, "API rate limit exceeded", rule="too-many-requests")
    result = value.get("esearchresult") if isinstance(value, Mapping) else None
    if not isinstance(result, Mapping):
        raise FetchError(Kind.BROKEN, "no search result in the answer", rule="esearch-shape")
    if result.get("ERROR"):
        raise FetchError(Kind.UNUSABLE, f"esearch says: {str(result['ERROR'])[:120]}", rule="esearch-error")
    if not str(result.get("count", "")).isdigit():
        raise FetchError(Kind.BROKEN, "a search result without a count", rule="esearch-shape")


@dataclass(frozen=True)
class Bundle:
    """One article as fetched: either its figures' pictures, or a PDF to read; or why not."""

    pmcid: str
    listing: Listing | None = None
    article: Article | None = None
    jats: Path | None = None
    pictures: tuple[tuple[ArticleFigure, str, Picture | None], ...] = ()
    pdf: Path | None = None
    reason: str = ""
    skipped: str = ""


@dataclass
class PmcHarvest:
    """Fetches articles and puts them into the workspace."""

    client: HttpClient
    services: Services
    pipeline: Pipeline
    parts: Path
    licences: frozenset[str] = frozenset()
    jats: bool = True

    def run(self, query: str, window: Window | None, limit: int | None) -> None:
        """Search, fetch, store; the outcome is in the pipeline's record."""
        report, workspace = self.pipeline.record, self.pipeline.shelf.workspace
        search = Search(self.client, self.services.url("COVIDCT_EUTILS_URL"), query, self.licences)
        found = list(search.ids(window))
        report.windows += search.outcomes
        report.listed = len(found)
        finished = {} if self.pipeline.options.refresh else workspace.recall_all(FINISHED)
        due = [pmcid for pmcid in found[:limit] if pmcid not in finished]
        report.matched = len(found[:limit])
        report.kept += report.matched - len(due)
        with cut_off_by_error(self.client):
            self.pipeline.total = len(due)
            self.pipeline.read(self._tasks(ordered(self.fetch, due, self.pipeline.options.fetchers)))
        done = set(report.done)
        for pmcid in due:
            paper_id = self._ids.get(pmcid, "")
            if paper_id in done:
                workspace.remember(FINISHED, pmcid, paper_id)
        report.http.update(self.client.counts)

    _ids: dict[str, str] = field(default_factory=dict)

    def fetch(self, pmcid: str) -> Bundle:
        """Everything needed of one article; runs in a thread and touches no database."""
        bucket = Bucket(self.client, self.services.url("COVIDCT_PMC_BUCKET_URL"), self.parts)
        try:
            listing = bucket.article(pmcid)
            if listing.retracted:
                return Bundle(pmcid, listing, skipped="retracted")
            if listing.licence and not passes(listing.licence, self.licences):
                return Bundle(pmcid, listing, skipped=f"licence {listing.licence}")
            return self._documents(bucket, pmcid, listing)
        except FetchError as error:
            return Bundle(pmcid, reason=error.reason)
        except Exception as error:  # noqa: BLE001  the border of an article
            return Bundle(pmcid, reason=reason_of(error))

    def _documents(self, bucket: Bucket, pmcid: str, listing: Listing) -> Bundle:
        article, jats = None, None
        if listing.xml_url and self.jats:
            jats = bucket.fetch(listing.xml_url, check_xml).path
            article = read_article(jats.read_bytes(), file_name(listing.xml_url))
        licence = listing.licence or (article.licence if article else "")
        if not passes(licence, self.licences):
            return Bundle(pmcid, listing, skipped=f"licence {licence or 'not stated'}")
        pictures = tuple(self._pictures(bucket, article, listing)) if article else ()
        pdf = None
        lacking = not pictures or not any(picture for _, _, picture in pictures)
        if lacking and listing.pdf_url:
            pdf = bucket.fetch(listing.pdf_url, check_pdf).path
        if lacking and pdf is None and not (article and article.has_body):
            return Bundle(pmcid, listing, article, reason="neither full text nor PDF in the bucket")
        return Bundle(pmcid, listing, article, jats, pictures, pdf)

    def _pictures(
        self, bucket: Bucket, article: Article, listing: Listing
    ) -> Iterable[tuple[ArticleFigure, str, Picture | None]]:
        for figure in article.figures:
            urls = [url for url in (match_media(g, listing.media_urls) for g in figure.graphics) if url]
            if not urls:
                yield figure, "", None
                continue
            got = bucket.fetch(urls[0], check_image)
            picture = as_png(got.path.read_bytes(), file_name(urls[0]))
            got.path.unlink()
            yield figure, file_name(urls[0]), picture

    def _tasks(self, bundles: Iterable[Bundle]) -> Iterator[Task]:
        for bundle in bundles:
            try:
                task = self._take(bundle)
            except UNDER_ALL:
                raise
            except Exception as error:  # noqa: BLE001  the border of an article
                self.pipeline.record.failed.append({"paper_id": bundle.pmcid, "reason": reason_of(error)})
            else:
                yield from [task] if task else []

    def _take(self, bundle: Bundle) -> Task | None:
        """Store what can be stored of an article at once; its PDF, where that is to be read."""
        report, shelf = self.pipeline.record, self.pipeline.shelf
        if bundle.skipped:
            report.notes.append(f"{bundle.pmcid}: left out, {bundle.skipped}")
            report.matched -= 1
            return None
        paper = self._paper(bundle)
        if bundle.reason:
            shelf.mark(paper, PaperStatus.MISSING, bundle.reason)
            entry = {"paper_id": paper.paper_id, "doi": paper.doi, "reason": bundle.reason, "url": paper.url}
            report.missing.append(entry)
            return None
        if paper.status is PaperStatus.FORGOTTEN:
            report.notes.append(f"{bundle.pmcid}: {paper.paper_id} was forgotten and stays so")
            return None
        self._ids[bundle.pmcid] = paper.paper_id
        name = f"{bundle.pmcid}.{paper.version}" + (".pdf" if bundle.pdf else ".xml")
        if bundle.pdf:
            return self.pipeline.keep(paper, Document(bundle.pdf, bundle.jats, "pmc", name), paper.version)
        kept = shelf.keep(paper, None, bundle.jats, name, paper.version)
        figures = [self._figure(kept, n, *found) for n, found in enumerate(bundle.pictures, 1)]
        shelf.settle_figures(kept, figures)
        report.done.append(kept.paper_id)
        report.figures += len(figures)
        if bundle.jats:
            bundle.jats.unlink(missing_ok=True)
        return None

    def _paper(self, bundle: Bundle) -> Paper:
        """The article's row: the one that has its DOI or number already, else a new one."""
        workspace, listing, article = self.pipeline.shelf.workspace, bundle.listing, bundle.article
        version = listing.version if listing else 1
        doi = (listing.doi if listing else "") or (article.doi if article else "")
        known = workspace.paper_by_doi(doi) or workspace.paper(str(workspace.recall(FINISHED, bundle.pmcid) or ""))
        known = known or workspace.paper(ids.paper_id("pmc", bundle.pmcid, version))
        fields: dict[str, Any] = {"url": f"https://pmc.ncbi.nlm.nih.gov/articles/{bundle.pmcid}/", "server": "pmc"}
        if listing:
            licence = listing.licence or (article.licence if article else "")
            fields |= {"title": listing.title, "licence": licence, "version": version, "versions": (version,)}
        if article:
            more = {"title": article.title, "abstract": article.abstract, "date": article.date}
            fields |= {name: value for name, value in more.items() if value}
        fresh = Paper(ids.paper_id("pmc", bundle.pmcid, version), "pmc", doi)
        return dataclasses.replace(known or fresh, **({} if known and known.source != "pmc" else fields))

    def _figure(self, paper: Paper, number: int, found: ArticleFigure, name: str, picture: Picture | None) -> Figure:
        figure = Figure(
            figure_id=ids.figure_id(paper.paper_id, None, number),
            paper_id=paper.paper_id,
            source_file=name or paper.source_file,
            label=found.label,
            caption=found.caption,
            mentions=found.mentions,
            paragraphs=found.paragraphs,
            kind="raster",
            licence=paper.licence,
            provenance={"rule": "jats-media", "version": paper.version, "graphics": list(found.graphics)},
        )
        if picture is None:
            return figure
        stored = self.pipeline.shelf.workspace.store(picture.png, ".png")
        sized = dataclasses.replace(figure, width=picture.width, height=picture.height)
        return dataclasses.replace(sized, file=stored.file, sha256=stored.sha256)
