"""Where the items of a step are worked on: in this process, in worker processes, or on a Dask cluster.

Only the driver opens the database: workers get an item, return an outcome, and may die. Workers of a cluster must see
the workspace's folder under the same path, because items name pictures by it.
"""

import contextlib
import multiprocessing
import os
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor
from typing import Any, Protocol

from covidct.errors import CovidctError
from covidct.extras import needed
from covidct.steps.step import Item, Outcome, Step

AHEAD = 2
"""Items under way for each worker: one in work, one waiting."""
LOST = "the worker that had it was lost: run again; if it is always this item, its picture is harmful"

Result = Outcome | Exception


class Engine(Protocol):
    """Turns items into outcomes, in the order of the items; an error is returned in the outcome's place."""

    def run(self, step: Step, items: Iterable[Item]) -> Iterator[tuple[Item, Result]]:
        """Work on ``items``; at most a few are under way at a time."""
        ...


class Inline:
    """One item after the other, in this process."""

    def run(self, step: Step, items: Iterable[Item]) -> Iterator[tuple[Item, Result]]:
        for item in items:
            try:
                yield item, step.run(item)
            except Exception as error:  # noqa: BLE001  the border of an item: one bad item is one failed item
                yield item, error


class Workers:
    """Processes of this machine; one that dies costs the item that it had, and no other."""

    def __init__(self, workers: int) -> None:
        self.workers = workers
        self._pool: Executor | None = None

    def run(self, step: Step, items: Iterable[Item]) -> Iterator[tuple[Item, Result]]:
        for item, result in in_order(self._submit, step, items, AHEAD * self.workers):
            yield item, self._alone(step, item) if isinstance(result, BrokenExecutor) else result

    def _submit(self, step: Step, item: Item) -> "Future[Outcome]":
        if self._pool is None:
            self._pool = _pool(self.workers)
        try:
            return self._pool.submit(step.run, item)
        except BrokenExecutor:
            self._pool = _pool(self.workers)
            return self._pool.submit(step.run, item)

    def _alone(self, step: Step, item: Item) -> Result:
        """An item that was under way when a worker died, tried again where it can harm no other."""
        with _pool(1) as pool:
            result = settled(pool.submit(step.run, item))
        return CovidctError(LOST) if isinstance(result, BrokenExecutor) else result

    def close(self) -> None:
        """End the processes; what has not begun is dropped."""
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)


def dask_client(address: str) -> tuple[Any, tuple[type[BaseException], ...]]:
    """A client of the scheduler at ``address``, and the errors that mean: the work was lost, not wrong.

    Raises UsageError where the extra is not installed, CovidctError where no scheduler answers.
    """
    distributed = needed("distributed", "dask", "--scheduler")
    try:
        client = distributed.Client(address, timeout=20)
    except (OSError, ValueError) as error:
        raise CovidctError(f"no Dask scheduler answers at {address}: start one or check --scheduler") from error
    return client, (distributed.KilledWorker, distributed.CancelledError)


class Cluster:
    """The workers of a Dask cluster; a killed worker's items are given to another."""

    def __init__(self, address: str) -> None:
        self._client, self._lost = dask_client(address)
        self._executor: Executor = self._client.get_executor(retries=2, pure=False)

    def run(self, step: Step, items: Iterable[Item]) -> Iterator[tuple[Item, Result]]:
        workers = max(1, len(self._client.scheduler_info(n_workers=-1)["workers"]))
        for item, result in in_order(self._submit, step, items, AHEAD * workers):
            yield item, CovidctError(LOST) if isinstance(result, self._lost) else result

    def _submit(self, step: Step, item: Item) -> "Future[Outcome]":
        return self._executor.submit(step.run, item)

    def close(self) -> None:
        """Leave the cluster; it goes on without us."""
        self._executor.shutdown(wait=False)
        self._client.close()


def in_order(submit: Any, step: Step, items: Iterable[Item], ahead: int) -> Iterator[tuple[Item, Result]]:
    """Results in the order of the items, with at most ``ahead`` items under way."""
    waiting: deque[tuple[Item, Future[Outcome]]] = deque()
    for item in items:
        waiting.append((item, submit(step, item)))
        if len(waiting) >= ahead:
            first, future = waiting.popleft()
            yield first, settled(future)
    while waiting:
        first, future = waiting.popleft()
        yield first, settled(future)


def settled(future: "Future[Outcome]") -> Result:
    """What came of an item, or why nothing did."""
    try:
        return future.result()
    except Exception as error:  # noqa: BLE001  the border of an item: one bad item is one failed item
        return error


def _pool(workers: int) -> ProcessPoolExecutor:
    # Not forked: this process holds an SQLite connection and threads of libraries.
    return ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), _one_thread)


def _one_thread() -> None:
    """In a worker: there are as many workers as cores, so each library keeps to one thread."""
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[name] = "1"
    with contextlib.suppress(ImportError):
        import cv2

        cv2.setNumThreads(1)


@contextlib.contextmanager
def open_engine(workers: int = 1, scheduler: str = "") -> Iterator[Engine]:
    """The engine that the command line asks for, closed at the end."""
    if workers < 2 and not scheduler:
        yield Inline()
        return
    engine = Cluster(scheduler) if scheduler else Workers(workers)
    try:
        yield engine
    finally:
        engine.close()
