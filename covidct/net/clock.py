"""Time as a value that can be handed in, so that tests wait for nothing."""

import time
from typing import Protocol


class Clock(Protocol):
    """What the client needs to know about time."""

    def now(self) -> float:
        """Seconds on a clock that never runs backwards."""

    def sleep(self, seconds: float) -> None:
        """Wait that long."""


class SystemClock:
    """The real one."""

    def now(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)
