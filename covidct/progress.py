"""Progress bars on standard error, shown only where a person can see them."""

import os
import sys
from collections.abc import Iterable
from typing import TypeVar

from tqdm import tqdm

T = TypeVar("T")


def progress(items: Iterable[T], label: str, total: int | None = None) -> "tqdm[T]":
    """``items`` behind a bar on standard error; silent when that is no terminal or ``COVIDCT_QUIET`` is set."""
    hidden = not sys.stderr.isatty() or bool(os.environ.get("COVIDCT_QUIET"))
    return tqdm(items, desc=label, total=total, file=sys.stderr, disable=hidden, leave=False)
