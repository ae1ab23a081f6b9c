"""Time as a value that can be handed in, so that tests wait for nothing."""

import threading
import time
from dataclasses import dataclass, field
from typing import Protocol


class Clock(Protocol):
    """What the client needs to know about time."""

    def now(self) -> float:
        """Seconds on a clock that never runs backwards."""

    def sleep(self, seconds: float) -> None:
        """Wait that long."""


@dataclass
class SystemClock:
    """The real one; nobody sleeps on it once ``stopped`` is set."""

    stopped: threading.Event = field(default_factory=threading.Event)

    def now(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        self.stopped.wait(seconds)
