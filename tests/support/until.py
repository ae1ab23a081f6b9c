"""Wait for something to be so instead of for a time: a slow machine takes longer and loses nothing."""

import time
from collections.abc import Callable


def until(condition: Callable[[], object], seconds: float = 60, pause: Callable[[], object] | None = None) -> None:
    """Return as soon as ``condition`` holds; an AssertionError after ``seconds``. ``pause`` is a short wait."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never came to that"
        (pause or (lambda: time.sleep(0.02)))()
