"""Where a preprint's PDF may come from: its site, Europe PMC, PubMed Central's bucket, a ``.meca`` package.

A source either gives a file or raises ``FetchError``; the chain asks one after the other and keeps the reasons.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote, urlencode, urlsplit

from covidct.harvest.services import Services
from covidct.net.answers import check_pdf, check_xml
from covidct.net.client import HttpClient
from covidct.net.failures import FetchError, Kind
from covidct.net.wire import confined, under
from covidct.records import Paper


@dataclass(frozen=True)
class Attempt:
    """One source that did not have the paper."""

    source: str
    kind: str
    reason: str
    rule: str = ""


@dataclass(frozen=True)
class Document:
    """A paper's PDF and, where there is one, its JATS, on disk and to be moved away."""

    pdf: Path | None
    jats: Path | None = None
    source: str = ""
    source_file: str = ""
    pictures: Mapping[str, Path] | None = None


class Source(Protocol):
    """One place that may have a paper."""

    name: str

    def fetch(self, paper: Paper, version: int) -> Document:
        """The paper's PDF; ``FetchError`` says why not."""


@dataclass
class SiteSource:
    """The preprint server's own site, under our own user agent: a refusal of scripts is respected."""

    client: HttpClient
    services: Services
    parts: Path
    name: str = "site"

    def fetch(self, paper: Paper, version: int) -> Document:
        url = f"{self.services.site(paper.source)}/content/{quote(paper.doi, safe='/')}v{version}.full.pdf"
        if not self.client.allowed(url):
            raise FetchError(Kind.REFUSED, "robots.txt forbids it", url, rule="robots")
        got = self.client.download(url, self.parts, check=check_pdf)
        return Document(got.path, source=self.name, source_file=f"{paper.doi.replace('/', '_')}v{version}.full.pdf")


@dataclass
class EuropePmcSource:
    """Europe PMC's copy, where its record names a PDF of its own."""

    client: HttpClient
    services: Services
    parts: Path
    name: str = "europepmc"

    def fetch(self, paper: Paper, version: int) -> Document:
        base = self.services.url("COVIDCT_EUROPEPMC_URL")
        query = urlencode({"query": f'DOI:"{paper.doi}"', "format": "json", "resultType": "core"})
        found = self.client.get_json(f"{base}/search?{query}")
        for url in _europepmc_pdfs(found, paper.doi):
            if confined("https://europepmc.org", url) or confined(base, url):
                got = self.client.download(url, self.parts, check=check_pdf, friends=frozenset({"europepmc.org"}))
                return Document(got.path, source=self.name, source_file=f"{paper.doi.replace('/', '_')}.europepmc.pdf")
        raise FetchError(Kind.NOT_FOUND, "Europe PMC has no PDF of it", rule="no-copy")


def _europepmc_pdfs(answer: object, doi: str) -> list[str]:
    try:
        results = answer["resultList"]["result"]  # type: ignore[index]
        hits = [r for r in results if str(r.get("doi", "")).lower() == doi.lower()]
        links = [link for hit in hits for link in (hit.get("fullTextUrlList") or {}).get("fullTextUrl", [])]
        return [str(link["url"]) for link in links if link.get("documentStyle") == "pdf" and link.get("url")]
    except (KeyError, TypeError, AttributeError) as error:
        raise FetchError(Kind.BROKEN, "Europe PMC answered in an unknown form", rule="europepmc-shape") from error


@dataclass
class PmcCopySource:
    """PubMed Central's copy: DOI → PMCID by the id converter, then the article bucket."""

    client: HttpClient
    services: Services
    parts: Path
    name: str = "pmc"

    def fetch(self, paper: Paper, version: int) -> Document:
        from covidct.harvest.bucket import Bucket

        pmcid = self._pmcid(paper.doi)
        bucket = Bucket(self.client, self.services.url("COVIDCT_PMC_BUCKET_URL"), self.parts)
        article = bucket.article(pmcid)
        if article.retracted:
            raise FetchError(Kind.UNUSABLE, f"{pmcid} is retracted", rule="retracted")
        if not article.pdf_url:
            raise FetchError(Kind.NOT_FOUND, f"{pmcid} has no PDF in the bucket", rule="no-copy")
        got = bucket.fetch(article.pdf_url, check_pdf)
        return Document(got.path, source=self.name, source_file=f"{pmcid}.{article.version}.pdf")

    def _pmcid(self, doi: str) -> str:
        words = {"ids": doi, "idtype": "doi", "format": "json", "tool": "covidct"}
        if self.client.settings.contact:
            words["email"] = self.client.settings.contact
        found = self.client.get_json(f"{self.services.url('COVIDCT_IDCONV_URL')}/?{urlencode(words)}")
        records = found.get("records") if isinstance(found, Mapping) else None
        for record in records if isinstance(records, list) else []:
            known = isinstance(record, Mapping) and record.get("status") != "error"
            if known and str(record.get("pmcid", "")).startswith("PMC"):
                return str(record["pmcid"])
        raise FetchError(Kind.NOT_FOUND, "PubMed Central has no copy", rule="no-copy")


@dataclass
class Chain:
    """Sources in order; the first that gives a PDF is used."""

    sources: Sequence[Source]
    client: HttpClient
    services: Services
    parts: Path
    jats: bool = True

    def fetch(self, paper: Paper, version: int) -> tuple[Document | None, list[Attempt]]:
        """The paper's documents, or None; and every attempt that failed."""
        attempts: list[Attempt] = []
        for source in self.sources:
            try:
                document = source.fetch(paper, version)
            except FetchError as error:
                attempts.append(Attempt(source.name, error.kind.value, error.reason, error.rule))
                continue
            return self._with_jats(paper, document, attempts), attempts
        return None, attempts

    def _with_jats(self, paper: Paper, document: Document, attempts: list[Attempt]) -> Document:
        if not self.jats or not paper.jats_url or document.jats:
            return document
        try:
            url = under(self.services.site(paper.source), "/" + urlsplit(paper.jats_url).path.lstrip("/"))
            got = self.client.download(url, self.parts, check=check_xml)
        except FetchError as error:
            attempts.append(Attempt("jats", error.kind.value, error.reason, error.rule))
            return document
        return Document(document.pdf, got.path, document.source, document.source_file, document.pictures)


def default_chain(client: HttpClient, services: Services, parts: Path, *, jats: bool, meca: Source | None) -> Chain:
    """Site, Europe PMC, PMC and, where packages were named, ``.meca``."""
    sources: list[Source] = [SiteSource(client, services, parts)]
    if services.copies_wanted("COVIDCT_EUROPEPMC_URL"):
        sources.append(EuropePmcSource(client, services, parts))
    if services.copies_wanted("COVIDCT_IDCONV_URL"):
        sources.append(PmcCopySource(client, services, parts))
    if meca is not None:
        sources.append(meca)
    return Chain(sources, client, services, parts, jats)


def describe(attempts: Sequence[Attempt]) -> str:
    """Why no source had the paper, in one line."""
    return "; ".join(f"{a.source}: {a.reason}" for a in attempts) or "no source was tried"


def attempts_json(attempts: Sequence[Attempt]) -> list[dict[str, Any]]:
    """For the run record."""
    return [{"source": a.source, "kind": a.kind, "reason": a.reason, "rule": a.rule} for a in attempts]
