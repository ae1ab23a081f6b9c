"""Where documents are read: on this machine's cores or on a Dask cluster, through one interface.

A job carries its PDF's bytes, or a URL that the worker can open where worker and driver share a store; an outcome
carries the pictures' bytes. Workers never see the workspace.
"""

import contextlib
import functools
import tempfile
from collections.abc import Iterator, Mapping
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from covidct.extras import needed
from covidct.files import safe_name, sha256_bytes
from covidct.harvest.sources import Document
from covidct.steps.engine import dask_client

if TYPE_CHECKING:
    from covidct.harvest.extract import Extraction, Extractor


@dataclass(frozen=True)
class Job:
    """One paper to read: its PDF as ``path`` on a shared disk, as ``data`` or as ``url`` that fsspec can open."""

    path: str = ""
    data: bytes = b""
    url: str = ""
    jats: bytes = b""
    pictures: Mapping[str, bytes] = field(default_factory=dict)
    """The pictures of its package by file name."""
    stages: str = ""
    """Folder for the pictures of the stages; empty for none."""


@dataclass(frozen=True)
class Outcome:
    """What was read; ``pictures`` by file name."""

    extraction: "Extraction"
    pictures: Mapping[str, bytes] = field(default_factory=dict)


def read_document(extractor: "Extractor", job: Job) -> Outcome:
    """Read one paper; failures are in the outcome, not raised."""
    with tempfile.TemporaryDirectory(prefix="covidct-read-") as folder:
        out = Path(folder) / "pictures"
        out.mkdir()
        stages = Path(job.stages) if job.stages else None
        extraction = extractor.extract(_pdf(job, Path(folder)), out, stages, *_jats(job, Path(folder)))
        pictures = {f.picture.name: f.picture.read_bytes() for f in extraction.figures}
        return Outcome(extraction, pictures)


def _jats(job: Job, folder: Path) -> tuple[Path | None, Path | None]:
    """The JATS and the folder of the package's pictures, written for the reading process."""
    if not job.jats:
        return None, None
    (folder / "paper.xml").write_bytes(job.jats)
    graphics = folder / "graphics"
    graphics.mkdir()
    for name, data in job.pictures.items():
        (graphics / safe_name(name)).write_bytes(data)
    return folder / "paper.xml", graphics


def _pdf(job: Job, folder: Path) -> Path | None:
    if job.path or not (job.url or job.data):
        return Path(job.path) if job.path else None
    pdf = folder / "paper.pdf"
    pdf.write_bytes(_opened(job.url) if job.url else job.data)
    return pdf


def _opened(url: str) -> bytes:
    with _fsspec().open(url, "rb") as handle:
        data: bytes = handle.read()
        return data


def _fsspec() -> Any:
    return needed("fsspec", "sources", "--scratch")


def _job(document: Document, *, path: str = "", data: bytes = b"", url: str = "", stages: str = "") -> Job:
    """A job that carries the document's JATS and pictures beside its PDF."""
    jats = document.jats.read_bytes() if document.jats else b""
    pictures = {name: file.read_bytes() for name, file in (document.pictures or {}).items()}
    return Job(path, data, url, jats, pictures, stages)


def _write(url: str, data: bytes) -> None:
    with _fsspec().open(url, "wb") as handle:
        handle.write(data)


def _remove(url: str) -> None:
    filesystem, path = _fsspec().core.url_to_fs(url)
    filesystem.rm(path)


class LocalEngine:
    """Threads, each waiting for a child process that reads; as many as cores."""

    losses: tuple[type[BaseException], ...] = ()
    """Errors that mean: the work was lost, not wrong."""

    def __init__(self, workers: int) -> None:
        from covidct.harvest.extract import Extractor

        self.workers = workers
        self._extractor = Extractor(workers)
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix="read")

    def submit(self, document: Document, stages: Path | None) -> "Future[Outcome]":
        """Start reading ``document``."""
        job = _job(document, path=str(document.pdf or ""), stages=str(stages or ""))
        return self._threads.submit(read_document, self._extractor, job)

    def abort(self) -> None:
        """Stop at once: what is being read is killed."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._extractor.abort()

    def close(self) -> None:
        """Stop: work that has not begun is dropped."""
        self._threads.shutdown(wait=True, cancel_futures=True)
        self._extractor.__exit__(None, None, None)


class DaskEngine:
    """A cluster's workers; ``scratch`` is an fsspec URL that driver and workers share, empty to send bytes."""

    def __init__(self, address: str, scratch: str = "") -> None:
        self._client, self.losses = dask_client(address)
        self.scratch = scratch.rstrip("/")
        self.workers = max(1, len(self._client.scheduler_info(n_workers=-1)["workers"]))
        self._executor: Executor = self._client.get_executor(retries=2, pure=False)

    def submit(self, document: Document, stages: Path | None) -> "Future[Outcome]":
        """Start reading ``document`` on a worker; the stages' pictures are for local runs only."""
        data = document.pdf.read_bytes() if document.pdf else b""
        if not self.scratch or not data:
            return self._executor.submit(read_on_worker, _job(document, data=data))
        url = f"{self.scratch}/{sha256_bytes(data)}.pdf"
        _write(url, data)
        future = self._executor.submit(read_on_worker, _job(document, url=url))
        future.add_done_callback(lambda _: _remove(url))
        return future

    def abort(self) -> None:
        """Leave the cluster, its work undone."""
        self._executor.shutdown(wait=False, cancel_futures=True)

    def close(self) -> None:
        """Leave the cluster; it goes on without us."""
        self._executor.shutdown(wait=False)
        self._client.close()


@functools.cache
def _worker_extractor() -> "Extractor":
    from covidct.harvest.extract import Extractor

    return Extractor(_worker_threads())


def _worker_threads() -> int:
    from distributed import get_worker

    threads: Any = get_worker().state.nthreads
    return int(threads)


def read_on_worker(job: Job) -> Outcome:
    """``read_document`` on a Dask worker, with one set of child processes for the life of the worker."""
    return read_document(_worker_extractor(), job)


Engine = LocalEngine | DaskEngine


@contextlib.contextmanager
def open_engine(workers: int, scheduler: str = "", scratch: str = "") -> Iterator[Engine]:
    """The engine that the command line asks for, closed at the end."""
    engine: Engine = DaskEngine(scheduler, scratch) if scheduler else LocalEngine(workers)
    try:
        yield engine
    except BaseException:
        engine.abort()
        raise
    finally:
        engine.close()
