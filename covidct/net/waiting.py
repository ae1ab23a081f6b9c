"""Waiting is always visible: in the bar on a terminal, else a line every half minute on standard error."""

import itertools
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from covidct.progress import beside_bar, quiet

PERIOD = 30.0
"""Seconds between two lines where there is no terminal."""
TICK = 1.0
"""Seconds between two looks."""


@dataclass
class Wait:
    """One request under way; its thread changes it, the ticker reads it."""

    host: str
    what: str = "answer"
    attempt: int = 1
    until: float = 0.0
    """When it ends at the latest, on ``time.monotonic``."""
    since: float = field(default_factory=time.monotonic)

    def now(self, what: str, seconds: float) -> None:
        """It waits for ``what`` from now on, at most so many seconds."""
        self.what, self.until = what, time.monotonic() + seconds

    def words(self) -> str:
        """For a person: host, attempt, what is waited for, seconds left."""
        left = max(0, round(self.until - time.monotonic()))
        return f"{self.host}: {self.what}, attempt {self.attempt}, {left} s left"


class Waiting:
    """All waits of one client; the ticker runs while there is any."""

    def __init__(self, period: float = PERIOD, tick: float = TICK) -> None:
        self.period, self.tick = period, tick
        self._waits: dict[int, Wait] = {}
        self._numbers = itertools.count()
        self._lock = threading.Lock()
        self._ticker: threading.Thread | None = None
        self._shown_at = time.monotonic()

    @contextmanager
    def on(self, host: str) -> Iterator[Wait]:
        """A wait for ``host`` while the block runs."""
        wait, number = Wait(host), next(self._numbers)
        with self._lock:
            self._waits[number] = wait
            if self._ticker is None:
                self._ticker = threading.Thread(target=self._run, name="waiting", daemon=True)
                self._ticker.start()
        try:
            yield wait
        finally:
            with self._lock:
                del self._waits[number]

    def _run(self) -> None:
        idle = 0
        while idle < 5:  # so that one thread serves many short requests
            time.sleep(self.tick)
            with self._lock:
                longest = min(self._waits.values(), key=lambda wait: wait.since, default=None)
                idle = 0 if longest else idle + 1
                if idle >= 5:
                    self._ticker = None
            if longest is not None:
                self._show(longest)

    def _show(self, wait: Wait) -> None:
        if time.monotonic() - wait.since >= self.tick and beside_bar(wait.words()):
            return
        if sys.stderr.isatty() or quiet() or time.monotonic() - self._shown_at < self.period:
            return
        self._shown_at = time.monotonic()
        print(f"covidct: waiting for {wait.words()}", file=sys.stderr, flush=True)  # noqa: T201
