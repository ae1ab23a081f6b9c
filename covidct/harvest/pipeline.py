"""Documents through the engine into the workspace, in order, with a bounded number on the way.

Nothing is lost by a kill: a paper is first FETCHED with its stored PDF, then its figures are replaced, then it is
EXTRACTED; each is one transaction and may be repeated.
"""

import dataclasses
import shutil
import sqlite3
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from covidct.errors import UsageError, reason_of
from covidct.files import safe_name, sha256_file
from covidct.harvest import ids
from covidct.harvest.articles import Article
from covidct.harvest.engine import READ, Reading, Task
from covidct.harvest.identity import RULES, Claim, Place, Verdict, judge
from covidct.harvest.report import RunReport
from covidct.harvest.shelf import STORED, Shelf, newest_version
from covidct.harvest.sources import Attempt, Chain, Document, attempts_json, describe
from covidct.net.client import HttpClient
from covidct.net.failures import Unreachable
from covidct.records import Paper, PaperStatus
from covidct.steps import Driver, Item, Outcome
from covidct.steps.engine import Engine
from covidct.workspace.pixels import pixel_hash


@dataclass(frozen=True)
class WorkOptions:
    """What a run does with documents."""

    refresh: bool = False
    discard_pdfs: bool = False
    stages: Path | None = None
    """Folder that gets one folder of stage pictures a paper."""
    fetchers: int = 4


Fetched = tuple[Paper, Document | None, list[Attempt]]
A = TypeVar("A")
B = TypeVar("B")


def ordered(work: Callable[[A], B], items: Iterable[A], threads: int) -> Iterator[B]:
    """``work`` on every item with a few threads; results in order, at most twice as many ahead as there are threads."""
    pool = ThreadPoolExecutor(threads, thread_name_prefix="fetch")
    waiting: deque[Future[B]] = deque()
    try:
        for item in items:
            waiting.append(pool.submit(work, item))
            if len(waiting) >= 2 * threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)  # who is interrupted does not wait for what is under way


@contextmanager
def cut_off_by_error(client: HttpClient) -> Iterator[None]:
    """Whatever ends the block early, Ctrl-C above all, ends the downloads of other threads as well."""
    try:
        yield
    except BaseException:
        client.abort()
        raise


class Pipeline(Driver):
    """The driver of reading: documents of services and folders through an engine, settled in the order they came."""

    def __init__(self, shelf: Shelf, engine: Engine, record: RunReport, options: WorkOptions) -> None:
        super().__init__(shelf.workspace, READ)
        self.shelf, self.engine, self.record, self.options = shelf, engine, record, options
        self._tasks: Iterable[Task] = ()
        self._settled: dict[str, str] = {}

    def papers(self, chain: Chain, papers: Iterable[Paper]) -> None:
        """Fetch, read and settle papers of the workspace."""

        def fetch(paper: Paper) -> Fetched:
            try:
                here = None if self.options.refresh else self.shelf.documents(paper)
                return (paper, here, []) if here else (paper, *chain.fetch(paper, newest_version(paper)))
            except UNDER_ALL:
                raise
            except Exception as error:  # noqa: BLE001  the border of a paper
                return paper, None, [Attempt("covidct", "failed", reason_of(error))]

        with cut_off_by_error(chain.client):
            self.read(self._fetched(ordered(fetch, papers, self.options.fetchers)))
        if not self.record.missing:
            shutil.rmtree(chain.parts, ignore_errors=True)  # pieces that a killed run left

    def _fetched(self, found: Iterable[Fetched]) -> Iterator[Task]:
        for paper, document, attempts in found:
            if document is None:
                self._missing(paper, attempts)
            elif document.source == STORED:
                yield Task(document, paper)
            else:
                self._note_attempts(paper, attempts)
                yield self.keep(paper, document, newest_version(paper))

    def keep(self, paper: Paper, document: Document, version: int) -> Task:
        """Store a known paper's documents and let go of the files that were fetched; what is to be read of it."""
        kept = self.shelf.keep(paper, document.pdf, document.jats, document.source_file, version)
        for file in (document.pdf, document.jats):
            if file is not None:
                file.unlink(missing_ok=True)
        here = self.shelf.documents(kept) or document
        return Task(dataclasses.replace(here, pictures=document.pictures), kept)

    def documents(self, documents: Sequence[Document]) -> None:
        """Read local documents whose papers are not known yet, and settle them."""
        self.total = len(documents)
        self.read(Task(document) for document in documents if not self._finished(document))

    def read(self, tasks: Iterable[Task]) -> None:
        """Read ``tasks`` and settle them in their order; they may be made while earlier ones are read."""
        self._tasks = tasks
        self.work(self.engine)

    def due(self) -> Iterator[Item]:
        for task in self._tasks:
            name = task.paper.paper_id if task.paper else safe_name(Path(task.document.source_file).stem)
            stages = self.options.stages / name if self.options.stages else None
            yield Item(name, "", dataclasses.replace(task, stages=stages))

    def settle(self, item: Item, outcome: Outcome) -> None:
        task, reading = item.value, outcome.value
        extraction = reading.extraction
        self.record.rules.update(extraction.rules)
        if not extraction.ok:
            return self.fail(item, extraction.reason)
        article = extraction.article
        empty = "it is empty" if task.document.jats and article is None else ""
        reason = extraction.article_reason or empty
        if task.document.pdf is None and article and not (article.title or article.figures):
            return self.fail(item, "XML, but no JATS article")
        paper = task.paper or self._attach(item, reading)
        if paper is None:
            return None
        if reason:
            self.record.notes.append(f"{paper.paper_id}: its JATS is left out, {reason}")
        done, figures = self.shelf.settle(paper, reading, article, self.options.discard_pdfs)
        super().settle(_work(done), Outcome(dropped=extraction.dropped))
        self.record.done.append(done.paper_id)
        self.record.figures += figures
        return self._doubt(done)

    def _attach(self, item: Item, reading: Reading) -> Paper | None:
        """The paper of a local document, stored; None where it must not or need not be read into it."""
        document, article = item.value.document, reading.extraction.article
        same, claim = self.shelf.same_file(document), claim_of(document, reading, article)
        known = same or self.shelf.known(claim)
        if known and not same:  # to hash its pictures decodes them all
            claim = dataclasses.replace(claim, pictures=frozenset(map(pixel_hash, reading.pictures.values())))
        verdict = self._verdict(document, claim, article, same, known)
        paper, version = self.shelf.paper_for(document, claim, known, beside=verdict.place is Place.BESIDE)
        name = document.source_file
        if paper.status is PaperStatus.FORGOTTEN:
            self.record.leave(name, f"{paper.paper_id} was forgotten and stays so")
        elif verdict.place is Place.LEFT:
            self.record.leave(name, verdict.reason)
        elif verdict.place is Place.REFUSED:
            self.fail(item, verdict.reason)
        else:
            if verdict.reason:
                self.record.remark(name, verdict.reason)
            self._settled[paper.paper_id] = name
            return self.shelf.keep(paper, document.pdf, document.jats, name, version)
        return None

    def _verdict(
        self, document: Document, claim: Claim, article: Article | None, same: Paper | None, known: Paper | None
    ) -> Verdict:
        stated = ids.split_doi(article.doi)[0].lower() if article else ""
        if stated and claim.weight >= RULES.strong and stated != claim.doi:
            reason = f"the PDF is {claim.doi} and the XML beside it {stated}: rename the one that does not belong"
            return Verdict(Place.REFUSED, reason)
        if same is not None:
            again = self._again(same)
            return Verdict(Place.LEFT if again else Place.PAPER, again)
        if known and self.is_done(_work(known, document)):
            return Verdict(Place.LEFT, f"read before; {known.source_file} has since taken its place")
        if not claim.doi:
            return Verdict(Place.PAPER)
        return judge(claim, known, self.shelf.pictures(known), self.options.refresh)

    def _again(self, paper: Paper) -> str:
        """Why the same bytes are not read into ``paper`` again; empty where this run has not read them."""
        again = paper.status is PaperStatus.EXTRACTED and paper.paper_id in self._settled
        return f"the same file as {self._settled[paper.paper_id]}, read once" if again else ""

    def _finished(self, document: Document) -> bool:
        """Whether the same bytes were read into a paper before; they are then counted and left."""
        known = self.shelf.same_file(document)
        if known and (again := self._again(known)):
            self.record.leave(document.source_file, again)
            return True
        if self.options.refresh or known is None or known.status is not PaperStatus.EXTRACTED:
            return False
        if _work(known) != (work := _work(known, document)) or not self.is_done(work):
            return False
        self.record.kept += 1
        self._doubt(known)
        return True

    def _doubt(self, paper: Paper) -> None:
        """What may be missing of a paper that was read."""
        if paper.reason:
            self.record.doubts.append({"paper_id": paper.paper_id, "file": paper.source_file, "reason": paper.reason})

    def _missing(self, paper: Paper, attempts: list[Attempt]) -> None:
        reason = describe(attempts)
        self.shelf.mark(paper, PaperStatus.MISSING, reason)
        entry = {"paper_id": paper.paper_id, "doi": paper.doi, "reason": reason, "url": paper.url}
        self.record.missing.append({**entry, "attempts": attempts_json(attempts)})

    def _note_attempts(self, paper: Paper, attempts: list[Attempt]) -> None:
        for attempt in attempts:
            self.record.notes.append(f"{paper.paper_id}: {attempt.source} did not serve it ({attempt.reason})")

    def fail(self, item: Item, reason: str) -> None:
        """A document that cannot be read. One that belongs to no known paper leaves the tables as they were."""
        entry, paper = {"file": item.value.document.source_file, "reason": reason}, item.value.paper
        if paper is not None:
            self.shelf.mark(paper, PaperStatus.FAILED, reason)
            entry |= {"paper_id": paper.paper_id, "doi": paper.doi}
        self.record.failed.append(entry)


def claim_of(document: Document, reading: Reading, article: Article | None) -> Claim:
    """What a document that was read says of itself, but for its pictures; the DOI of its JATS counts as proved."""
    read = reading.extraction
    doi, version = ids.split_doi(read.doi or (article.doi if article else ""))
    stated = article is not None and ids.split_doi(article.doi)[0].lower() == doi.lower()
    return Claim(
        document.source_file,
        doi.lower(),
        version,
        max(read.doi_weight, RULES.strong if stated else 0.0),
        article.title if article and article.title else read.title,
        read.head,
        readable=document.pdf is not None,
    )


UNDER_ALL = (sqlite3.Error, UsageError, Unreachable)
"""What is no fault of one item: the workspace itself, the call, the network as a whole."""


def _work(paper: Paper, document: Document | None = None) -> Item:
    """The reading of a paper's own documents, or of others, into it, as the driver knows it for done."""
    digests = [paper.sha256, paper.jats_sha256]
    if document is not None:
        digests = [sha256_file(file) if file else "" for file in (document.pdf, document.jats)]
    return Item(paper.paper_id, "|".join(digests))
