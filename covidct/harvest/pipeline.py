"""Documents through the engine into the workspace, in order, with a bounded number on the way.

Nothing is lost by a kill: a paper is first FETCHED with its stored PDF, then its figures are replaced, then it is
EXTRACTED; each is one transaction and may be repeated.
"""

import dataclasses
import logging
import shutil
import sqlite3
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from covidct.errors import CovidctError, UsageError
from covidct.files import safe_name, sha256_file
from covidct.harvest import ids
from covidct.harvest.articles import Article
from covidct.harvest.engine import Engine, Outcome
from covidct.harvest.identity import RULES, Claim, Place, Verdict, judge
from covidct.harvest.report import RunReport
from covidct.harvest.shelf import STORED, Shelf, newest_version, reading_version
from covidct.harvest.sources import Attempt, Chain, Document, attempts_json, describe
from covidct.harvest.webpages import read_words
from covidct.net.client import HttpClient
from covidct.net.failures import FetchError, Unreachable
from covidct.records import Paper, PaperStatus
from covidct.steps.driver import reason_of
from covidct.workspace.pixels import pixel_hash

log = logging.getLogger(__name__)
READ = "harvest-read"
"""Step name: this PDF with this JATS was read into this paper."""


@dataclass(frozen=True)
class WorkOptions:
    """What a run does with documents."""

    refresh: bool = False
    discard_pdfs: bool = False
    stages: Path | None = None
    """Folder that gets one folder of stage pictures a paper."""
    fetchers: int = 4


@dataclass(frozen=True)
class Task:
    """A document on its way; ``paper`` is None until its DOI is known."""

    document: Document
    paper: Paper | None
    version: int = 1


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


class Pipeline:
    """Reads tasks with an engine and settles them in the order in which they came."""

    def __init__(self, shelf: Shelf, engine: Engine, report: RunReport, options: WorkOptions) -> None:
        self.shelf, self.engine, self.report, self.options = shelf, engine, report, options
        self._waiting: deque[tuple[Task, Future[Outcome]]] = deque()
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
                return paper, None, [Attempt("covidct", "failed", why(error))]

        with cut_off_by_error(chain.client):
            for paper, document, attempts in ordered(fetch, papers, self.options.fetchers):
                self._take(paper, document, attempts)
            self.drain()
        if not self.report.missing:
            shutil.rmtree(chain.parts, ignore_errors=True)  # pieces that a killed run left

    def _take(self, paper: Paper, document: Document | None, attempts: list[Attempt]) -> None:
        if document is None:
            self._missing(paper, attempts)
        elif document.source == STORED:
            self.submit(Task(document, paper, paper.version))
        else:
            self._note_attempts(paper, attempts)
            self.keep_and_submit(paper, document, newest_version(paper))

    def keep_and_submit(self, paper: Paper, document: Document, version: int) -> None:
        """Store a known paper's documents, let go of the files that were fetched, and start reading."""
        kept = self.shelf.keep(paper, document.pdf, document.jats, document.source_file, version)
        for file in (document.pdf, document.jats):
            if file is not None:
                file.unlink(missing_ok=True)
        here = self.shelf.documents(kept) or document
        self.submit(Task(dataclasses.replace(here, pictures=document.pictures), kept, version))

    def documents(self, documents: Iterable[Document]) -> None:
        """Read local documents whose papers are not known yet, and settle them."""
        for document in documents:
            if self._finished(document):
                continue
            self.submit(Task(document, None))
        self.drain()

    def submit(self, task: Task) -> None:
        """Start reading; earlier tasks are settled when too many are under way."""
        name = task.paper.paper_id if task.paper else safe_name(Path(task.document.source_file).stem)
        stages = self.options.stages / name if self.options.stages else None
        self._waiting.append((task, self.engine.submit(task.document, stages)))
        while len(self._waiting) > 2 * self.engine.workers:
            self._settle_first()

    def drain(self) -> None:
        """Settle everything that is under way."""
        while self._waiting:
            self._settle_first()

    def _settle_first(self) -> None:
        task, future = self._waiting.popleft()
        error = future.exception()
        if error is None:
            self._settle_alone(task, future.result())
        elif isinstance(error, self.engine.losses):
            self._failed(task, f"the worker that read it was lost ({type(error).__name__}): run again")
        elif isinstance(error, Exception):
            self._failed(task, reason_of(error))
        else:
            raise error

    def _settle_alone(self, task: Task, outcome: Outcome) -> None:
        """Settle one document; whatever goes wrong is one failed document."""
        try:
            self._settle(task, outcome)
        except Exception as error:  # noqa: BLE001  the border of an item
            self._failed(task, reason_of(error))

    def _settle(self, task: Task, outcome: Outcome) -> None:
        extraction = outcome.extraction
        self.report.rules.update(extraction.rules)
        if not extraction.ok:
            self._failed(task, extraction.reason)
            return
        article, reason = read_sibling(task.document)
        if task.document.pdf is None and article and not (article.title or article.figures):
            self._failed(task, "XML, but no JATS article")
            return
        paper = task.paper or self._attach(task.document, claim_of(task.document, outcome, article), article)
        if paper is None:
            return
        if reason:
            self.report.notes.append(f"{paper.paper_id}: its JATS is left out, {reason}")
        done, figures = self.shelf.settle(paper, outcome, article, self.options.discard_pdfs)
        self.shelf.workspace.mark(READ, [_read_key(done)])
        self.report.done.append(done.paper_id)
        self.report.figures += figures
        self._doubt(done)

    def _attach(self, document: Document, claim: Claim, article: Article | None) -> Paper | None:
        """The paper of a local document, stored; None where it must not or need not be read into it."""
        same = self.shelf.same_file(document)
        known = same or self.shelf.known(claim)
        verdict = self._verdict(document, claim, article, same, known)
        paper, version = self.shelf.paper_for(document, claim, known, beside=verdict.place is Place.BESIDE)
        name = document.source_file
        if paper.status is PaperStatus.FORGOTTEN:
            self.report.leave(name, f"{paper.paper_id} was forgotten and stays so")
        elif verdict.place is Place.LEFT:
            self.report.leave(name, verdict.reason)
        elif verdict.place is Place.REFUSED:
            self._failed(Task(document, None), verdict.reason)
        else:
            if verdict.reason:
                self.report.remark(name, verdict.reason)
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
            again = same.status is PaperStatus.EXTRACTED and same.paper_id in self._settled
            reason = f"the same file as {self._settled[same.paper_id]}, read once" if again else ""
            return Verdict(Place.LEFT if again else Place.PAPER, reason)
        if known and self.shelf.workspace.done(READ, _read_key(known, document)):
            return Verdict(Place.LEFT, f"read before; {known.source_file} has since taken its place")
        if not claim.doi:
            return Verdict(Place.PAPER)
        return judge(claim, known, self.shelf.pictures(known), self.options.refresh)

    def _finished(self, document: Document) -> bool:
        """Whether the same bytes were read into a paper before; they are then counted and left."""
        known = None if self.options.refresh else self.shelf.same_file(document)
        if known is None or known.status is not PaperStatus.EXTRACTED:
            return False
        if _read_key(known) != (key := _read_key(known, document)) or not self.shelf.workspace.done(READ, key):
            return False
        self.report.kept += 1
        self._doubt(known)
        return True

    def _doubt(self, paper: Paper) -> None:
        """What may be missing of a paper that was read."""
        if paper.reason:
            self.report.doubts.append({"paper_id": paper.paper_id, "file": paper.source_file, "reason": paper.reason})

    def _missing(self, paper: Paper, attempts: list[Attempt]) -> None:
        reason = describe(attempts)
        self.shelf.mark(paper, PaperStatus.MISSING, reason)
        entry = {"paper_id": paper.paper_id, "doi": paper.doi, "reason": reason, "url": paper.url}
        self.report.missing.append({**entry, "attempts": attempts_json(attempts)})

    def _note_attempts(self, paper: Paper, attempts: list[Attempt]) -> None:
        for attempt in attempts:
            self.report.notes.append(f"{paper.paper_id}: {attempt.source} did not serve it ({attempt.reason})")

    def _failed(self, task: Task, reason: str) -> None:
        """A document that cannot be read. One that belongs to no known paper leaves the tables as they were."""
        entry = {"file": task.document.source_file, "reason": reason}
        if task.paper is not None:
            self.shelf.mark(task.paper, PaperStatus.FAILED, reason)
            entry |= {"paper_id": task.paper.paper_id, "doi": task.paper.doi}
        self.report.failed.append(entry)


def claim_of(document: Document, outcome: Outcome, article: Article | None) -> Claim:
    """What a document that was read says of itself; the DOI of its JATS counts as proved."""
    read = outcome.extraction
    doi, version = ids.split_doi(read.doi or (article.doi if article else ""))
    stated = article is not None and ids.split_doi(article.doi)[0].lower() == doi.lower()
    pictures = frozenset(pixel_hash(picture) for picture in outcome.pictures.values())
    return Claim(
        document.source_file,
        doi.lower(),
        version,
        max(read.doi_weight, RULES.strong if stated else 0.0),
        article.title if article and article.title else read.title,
        read.head,
        pictures,
        readable=document.pdf is not None,
    )


UNDER_ALL = (sqlite3.Error, UsageError, Unreachable)
"""What is no fault of one item: the workspace itself, the call, the network as a whole."""


def why(error: Exception) -> str:
    """One item's failure in one line; the traceback goes to the log."""
    log.info("one item failed", exc_info=error)
    words = " ".join(str(error).split())[:300]
    return words if isinstance(error, CovidctError) else f"failed: {type(error).__name__}: {words}"


def read_sibling(document: Document) -> tuple[Article | None, str]:
    """The JATS that came with a document, or why it cannot be read."""
    try:
        data = document.jats.read_bytes() if document.jats else None
        return (None if data is None else read_words(data, document.source_file, document.pictures or ())), ""
    except FetchError as error:
        return None, error.reason
    except Exception as error:  # noqa: BLE001  nested too deeply, broken in a way that nobody thought of
        return None, why(error)


def _read_key(paper: Paper, document: Document | None = None) -> str:
    """Names the reading of a paper's own documents, or of others, into it, by this version of the extraction."""
    digests = [paper.sha256, paper.jats_sha256]
    if document is not None:
        digests = [sha256_file(file) if file else "" for file in (document.pdf, document.jats)]
    return "|".join([paper.paper_id, *digests, reading_version()])
