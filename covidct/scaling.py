"""``COVIDCT_SCALE`` makes long work small, so that every printed command can be tried in seconds; nothing else changes.

It is a share above 0 and up to 1. Epochs and the side of the pictures are multiplied by it, and of an audit the
pictures whose text is read, the trees of its forests and its rounds of resampling; ``config.toml`` of a run holds the
numbers that were used.
"""

import os

from covidct.errors import UsageError

VARIABLE = "COVIDCT_SCALE"


def scaled(count: int, least: int = 1) -> int:
    """``count``, or its share where ``COVIDCT_SCALE`` is set: ``least`` or more, and never more than ``count``."""
    return min(count, max(least, round(count * _share())))


def _share() -> float:
    text = os.environ.get(VARIABLE, "")
    try:
        share = float(text or 1)
    except ValueError:
        share = 0.0
    if not 0 < share <= 1:
        raise UsageError(f"{VARIABLE}={text}: give a share above 0 and up to 1, or unset it")
    return share
