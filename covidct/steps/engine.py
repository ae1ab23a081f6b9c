"""Where the items of a step are worked on: in this process, in worker processes, or on a Dask cluster.

Only the driver opens the database: workers get an item, return an outcome, and may die. Workers of a cluster must see
the workspace's folder under the same path, because items name pictures by it.
"""

import contextlib
import multiprocessing
import os
import sys
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor
from typing import Any, Protocol

from covidct.errors import CovidctError
from covidct.extras import needed
from covidct.processes import die_with
from covidct.steps.step import Item, Outcome, Step

AHEAD = 2
"""Items under way for each worker: one in work, one waiting."""
LOST = "the worker that had it was lost: run again; if it is always this one, it is harmful"

Result = Outcome | Exception


class Engine(Protocol):
    """Turns items into outcomes, in the order of the items; an error is returned in the outcome's place."""

    def run(self, step: Step, items: Iterable[Item]) -> Iterator[tuple[Item, Result]]:
        """Work on ``items``; at most a few are under way at a time."""
        ...

    def abort(self) -> None:
        """Stop at once, work undone."""
        return

    def close(self) -> None:
        """Stop; what has not begun is dropped."""
        return


class Inline(Engine):
    """One item after the other, in this process."""

    def run(self, step: Step, items: Iterable[Item]) -> Iterator[tuple[Item, Result]]:
        for item in items:
            try:
                yield item, step.run(item)
            except Exception as error:  # noqa: BLE001  the border of an item: one bad item is one failed item
                yield item, error


class Workers(Engine):
    """Processes of this machine; one that dies costs the item that it had, and no other.

    ``forked`` ones share what this process has loaded (Linux): only where it holds no database and no other thread.
    """

    def __init__(self, workers: int, forked: bool = False) -> None:
        self.workers, self._start = workers, "fork" if forked and sys.platform == "linux" else "spawn"
        self._pool: Executor | None = None

    def run(self, step: Step, items: Iterable[Item]) -> Iterator[tuple[Item, Result]]:
        for item, result in in_order(self._submit, step, items, AHEAD * self.workers):
            yield item, self._alone(step, item) if isinstance(result, BrokenExecutor) else result

    def _submit(self, step: Step, item: Item) -> "Future[Outcome]":
        if self._pool is None:
            self._pool = _pool(self.workers, self._start)
        try:
            return self._pool.submit(step.run, item)
        except BrokenExecutor:
            self._pool = _pool(self.workers, self._start)
            return self._pool.submit(step.run, item)

    def _alone(self, step: Step, item: Item) -> Result:
        """An item that was under way when a worker died, tried again where it can harm no other."""
        with _pool(1, self._start) as pool:
            result = settled(pool.submit(step.run, item))
        return CovidctError(LOST) if isinstance(result, BrokenExecutor) else result

    def close(self) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)


class Pooled(Engine):
    """Items through an executor; ``lost`` are the errors that mean: the work was lost, not wrong."""

    def __init__(self, executor: Executor, workers: int, lost: tuple[type[BaseException], ...] = ()) -> None:
        self.workers, self._executor, self._lost = workers, executor, lost

    def run(self, step: Step, items: Iterable[Item]) -> Iterator[tuple[Item, Result]]:
        for item, result in in_order(self._submit, step, items, AHEAD * self.workers):
            yield item, CovidctError(LOST) if isinstance(result, self._lost) else result

    def _submit(self, step: Step, item: Item) -> "Future[Outcome]":
        return self._executor.submit(step.run, item)

    def abort(self) -> None:
        self._executor.shutdown(wait=False, cancel_futures=True)

    def close(self) -> None:
        self._executor.shutdown(wait=True, cancel_futures=True)


class Cluster(Pooled):
    """The workers of a Dask cluster; a killed worker's items are given to another.

    Raises UsageError where the extra is not installed, CovidctError where no scheduler answers at ``address``.
    """

    def __init__(self, address: str) -> None:
        distributed = needed("distributed", "dask", "--scheduler")
        try:
            self._client = distributed.Client(address, timeout=20)
        except (OSError, ValueError) as error:
            raise CovidctError(f"no Dask scheduler answers at {address}: start one or check --scheduler") from error
        workers = max(1, len(self._client.scheduler_info(n_workers=-1)["workers"]))
        executor = self._client.get_executor(retries=2, pure=False)
        super().__init__(executor, workers, (distributed.KilledWorker, distributed.CancelledError))

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


def _pool(workers: int, start: str) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(workers, multiprocessing.get_context(start), _begin, (os.getpid(),))


def _begin(parent: int) -> None:
    """In a worker: end with ``parent``; there are as many workers as cores, so each library keeps to one thread."""
    die_with(parent)
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[name] = "1"
    with contextlib.suppress(ImportError):
        import cv2

        cv2.setNumThreads(1)


@contextlib.contextmanager
def closing(engine: Engine) -> Iterator[Engine]:
    """``engine``, closed at the end, and stopped at once by what ends the block early."""
    try:
        yield engine
    except BaseException:
        engine.abort()
        raise
    finally:
        engine.close()


def open_engine(workers: int = 1, scheduler: str = "") -> contextlib.AbstractContextManager[Engine]:
    """The engine that the command line asks for, closed at the end."""
    if scheduler:
        return closing(Cluster(scheduler))
    return closing(Inline() if workers < 2 else Workers(workers))
