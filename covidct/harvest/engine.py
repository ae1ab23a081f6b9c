"""The step that reads documents, and its engines: child processes of this machine, or the workers of a Dask cluster.

A job carries its PDF's bytes, or a URL that the worker can open where worker and driver share a store; a reading
carries the pictures' bytes. Workers never see the workspace.
"""

import contextlib
import dataclasses
import functools
import tempfile
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from covidct.extras import needed
from covidct.files import safe_name, sha256_bytes
from covidct.harvest.sources import Document
from covidct.records import Paper
from covidct.steps import Item, Outcome, Step
from covidct.steps.engine import Cluster, Engine, Pooled, closing

if TYPE_CHECKING:
    from covidct.harvest.extract import Extraction, Extractor


@dataclass(frozen=True)
class Task:
    """A document on its way, the value of an item; ``paper`` is None until its DOI is known."""

    document: Document
    paper: Paper | None = None
    stages: Path | None = None
    """Folder for the pictures of the stages."""


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
class Reading:
    """What was read, the value of an outcome; ``pictures`` by file name."""

    extraction: "Extraction"
    pictures: Mapping[str, bytes] = field(default_factory=dict)


def read_document(extractor: "Extractor", job: Job) -> Outcome:
    """Read one paper; failures are in the reading, not raised."""
    with tempfile.TemporaryDirectory(prefix="covidct-read-") as folder:
        out = Path(folder) / "pictures"
        out.mkdir()
        stages = Path(job.stages) if job.stages else None
        extraction = extractor.extract(_pdf(job, Path(folder)), out, stages, *_jats(job, Path(folder)))
        pictures = {f.picture.name: f.picture.read_bytes() for f in extraction.figures}
        return Outcome(value=Reading(extraction, pictures))


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


class LocalEngine(Pooled):
    """Threads, each waiting for a child process that reads."""

    def __init__(self, workers: int) -> None:
        from covidct.harvest.extract import Extractor

        super().__init__(ThreadPoolExecutor(workers, thread_name_prefix="read"), workers)
        self._extractor = Extractor(workers)

    def _submit(self, step: Step, item: Item) -> "Future[Outcome]":
        document = item.value.document
        job = _job(document, path=str(document.pdf or ""), stages=str(item.value.stages or ""))
        return self._executor.submit(read_document, self._extractor, job)

    def abort(self) -> None:
        """Stop at once: what is being read is killed."""
        super().abort()
        self._extractor.abort()

    def close(self) -> None:
        super().close()
        self._extractor.close()


class DaskEngine(Cluster):
    """A cluster's workers; ``scratch`` is an fsspec URL that driver and workers share, empty to send bytes."""

    def __init__(self, address: str, scratch: str = "") -> None:
        super().__init__(address)
        self.scratch = scratch.rstrip("/")

    def _submit(self, step: Step, item: Item) -> "Future[Outcome]":
        document = item.value.document
        data = document.pdf.read_bytes() if document.pdf else b""
        if not self.scratch or not data:
            return super()._submit(step, dataclasses.replace(item, value=_job(document, data=data)))
        url = f"{self.scratch}/{sha256_bytes(data)}.pdf"
        _write(url, data)
        future = super()._submit(step, dataclasses.replace(item, value=_job(document, url=url)))
        future.add_done_callback(lambda _: _remove(url))
        return future


@functools.cache
def _worker_extractor() -> "Extractor":
    from distributed import get_worker

    from covidct.harvest.extract import Extractor

    return Extractor(int(get_worker().state.nthreads))


def read_on_worker(item: Item) -> Outcome:
    """Read a :class:`Job` on a Dask worker, with one set of child processes for the life of the worker."""
    return read_document(_worker_extractor(), item.value)


READ = Step("read", ("covidct.harvest.extract.child",), lambda _: (), read_on_worker)
"""The items come from services and folders (pipeline.py), none from the workspace; done is what was read into a paper
by this version: what another one read is read again by ``--from``."""


def open_engine(workers: int, scheduler: str = "", scratch: str = "") -> contextlib.AbstractContextManager[Engine]:
    """The engine that the command line asks for, closed at the end."""
    return closing(DaskEngine(scheduler, scratch) if scheduler else LocalEngine(workers))
