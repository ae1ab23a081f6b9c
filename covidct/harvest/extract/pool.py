"""``Extractor``: child processes that read papers, are reused, and are replaced when they die, hang or grow.

A child is a fresh interpreter started by ``subprocess``, so this works inside daemonic workers too. Only file names
and JSON travel over the pipes; pictures come back as files.
"""

import functools
import json
import os
import queue
import selectors
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Any

from covidct.errors import CovidctError
from covidct.harvest.extract.results import Extraction, Limits, from_json

START_SECONDS = 120.0
MAX_ANSWER = 64 << 20


class ChildFailed(Exception):
    """The child died, hung or answered nonsense; the message is the reason recorded for the paper."""


def _started(command: list[str], environment: dict[str, str]) -> "subprocess.Popen[bytes]":
    """A child that the kernel kills when this process is gone: it watches the thread that started it.

    So one thread starts all, and lives as long as the process.
    """
    answer: queue.Queue[subprocess.Popen[bytes] | OSError] = queue.Queue()
    _starter(os.getpid()).put((command, environment, answer))
    made = answer.get()
    if isinstance(made, OSError):
        raise made
    return made


@functools.cache
def _starter(process: int) -> "queue.Queue[Any]":
    """The queue of the thread that starts children; one for each ``process`` that this one was forked into."""
    orders: queue.Queue[Any] = queue.Queue()
    threading.Thread(target=_start, args=(orders,), name=f"starter-{process}", daemon=True).start()
    return orders


def _start(orders: "queue.Queue[Any]") -> None:
    pipe, nowhere = subprocess.PIPE, subprocess.DEVNULL
    while True:
        command, environment, answer = orders.get()
        try:
            answer.put(subprocess.Popen(command, env=environment, stdin=pipe, stdout=pipe, stderr=nowhere))
        except OSError as error:
            answer.put(error)


class Child:
    """One child process and its pipes."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self.papers = 0
        self._buffer = b""
        command = [sys.executable, "-m", "covidct.harvest.extract.child", json.dumps(vars(limits)), str(os.getpid())]
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        root = str(Path(__file__).resolve().parents[3])
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH", "")]))
        self._process = _started(command, environment)
        self._ready = False

    @property
    def worn(self) -> bool:
        """Whether the child has read as many papers as one child should."""
        return self.papers >= self._limits.papers_per_child

    def exchange(self, request: dict[str, Any]) -> dict[str, Any]:
        """The child's answer to ``request``.

        Raises:
            ChildFailed: it died, or did not answer within the time limit (it is dead afterwards).
        """
        if not self._ready:
            self._answer(START_SECONDS, "the reading process did not start")
            self._ready = True
        self.papers += 1
        self._send(request)
        return self._answer(self._limits.seconds, f"time limit: more than {self._limits.seconds:g} s")

    def kill(self) -> None:
        """End the process now; who waits for its answer hears of it."""
        self._process.kill()

    def close(self) -> None:
        """End the process, by force if it is busy."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                try:
                    pipe.close()
                except BrokenPipeError:
                    continue

    def _send(self, request: dict[str, Any]) -> None:
        pipe = self._process.stdin
        if pipe is None:
            raise ChildFailed("crashed: no pipe")
        try:
            pipe.write(json.dumps(request).encode() + b"\n")
            pipe.flush()
        except BrokenPipeError:
            raise ChildFailed(self._obituary()) from None

    def _answer(self, seconds: float, late: str) -> dict[str, Any]:
        line = self._read_line(time.monotonic() + seconds, late)
        try:
            value = json.loads(line)
        except ValueError:
            raise ChildFailed("crashed: the reading process answered nonsense") from None
        if not isinstance(value, dict):
            raise ChildFailed("crashed: the reading process answered nonsense")
        return value

    def _read_line(self, until: float, late: str) -> bytes:
        pipe = self._process.stdout
        if pipe is None:
            raise ChildFailed("crashed: no pipe")
        with selectors.DefaultSelector() as selector:
            selector.register(pipe, selectors.EVENT_READ)
            while b"\n" not in self._buffer:
                left = until - time.monotonic()
                if left <= 0 or not selector.select(left):
                    raise ChildFailed(late)
                piece = os.read(pipe.fileno(), 1 << 16)
                if not piece:
                    raise ChildFailed(self._obituary())
                self._buffer += piece
                if len(self._buffer) > MAX_ANSWER:
                    raise ChildFailed("crashed: the reading process answered nonsense")
        line, _, self._buffer = self._buffer.partition(b"\n")
        return line

    def _obituary(self) -> str:
        try:
            code = self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            return "crashed: the reading process closed its pipe"
        return f"crashed: the reading process ended with {'signal' if code < 0 else 'status'} {abs(code)}"


class Extractor:
    """A pool of ``workers`` reading processes; a context manager; ``extract`` may be called from many threads."""

    def __init__(self, workers: int = 1, limits: Limits | None = None) -> None:
        self.limits = limits or Limits()
        self._slots: queue.LifoQueue[Child | None] = queue.LifoQueue()
        for _ in range(max(1, workers)):
            self._slots.put(None)
        self._workers = max(1, workers)
        self._busy: set[Child] = set()
        self._aborted = False

    def __enter__(self) -> "Extractor":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """End all children; waits for papers that are being read."""
        for _ in range(self._workers):
            child = self._slots.get()
            if child is not None:
                child.close()
        for _ in range(self._workers):
            self._slots.put(None)

    def abort(self) -> None:
        """Kill what is being read; no other child is started."""
        self._aborted = True
        for child in list(self._busy):
            child.kill()

    def extract(
        self,
        pdf: Path | None,
        out: Path,
        stages: Path | None = None,
        jats: Path | None = None,
        graphics: Path | None = None,
    ) -> Extraction:
        """The figures of ``pdf``; pictures go to ``out``, stage pictures (see stages.py) to ``stages``.

        With ``jats`` its captions are used, and the PDF gives place and pixels (see merge.py); ``graphics`` is a folder
        with the pictures of its package. Either of ``pdf`` and ``jats`` may be missing.
        A paper that cannot be read gives ``ok=False`` and leaves no file behind.

        Raises:
            CovidctError: a file that was named is not there.
        """
        for file in (pdf, jats):
            if file is not None and not file.is_file():
                raise CovidctError(f"{file}: no such file; name one that exists")
        if pdf is None and jats is None:
            raise CovidctError("nothing to read: name a PDF, a JATS file or both")
        out.mkdir(parents=True, exist_ok=True)
        began = time.monotonic()
        work = Path(tempfile.mkdtemp(prefix=".reading-", dir=out))
        try:
            return self._extract({"pdf": pdf, "stages": stages, "jats": jats, "graphics": graphics}, work, out)
        except ChildFailed as failure:
            return Extraction(ok=False, reason=str(failure), seconds=round(time.monotonic() - began, 3))
        finally:
            shutil.rmtree(work, ignore_errors=True)

    def _extract(self, files: dict[str, Path | None], work: Path, out: Path) -> Extraction:
        request = {name: str(path.resolve()) if path else None for name, path in files.items()}
        request["out"] = str(work.resolve())
        child = self._slots.get()
        keep: Child | None = None
        try:
            if self._aborted:
                raise ChildFailed("interrupted")
            child = child or Child(self.limits)
            self._busy.add(child)
            answer = child.exchange(request)
            if not answer.pop("fatal", False) and not child.worn:
                keep = child
        finally:
            if child is not None:
                self._busy.discard(child)
            if child is not None and keep is None:
                child.close()
            self._slots.put(keep)
        return self._accept(answer, work, out)

    def _accept(self, answer: dict[str, Any], work: Path, out: Path) -> Extraction:
        try:
            extraction = from_json(answer, out)
            for figure in extraction.figures:
                (work / figure.picture.name).replace(figure.picture)
        except (KeyError, TypeError, ValueError, FileNotFoundError):
            raise ChildFailed("crashed: the reading process answered nonsense") from None
        return extraction
