"""Progress bars on standard error, shown only where a person can see them."""

import os
import sys
import weakref
from collections.abc import Callable, Collection, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from tqdm import tqdm

A = TypeVar("A")
T = TypeVar("T")
_bars: "weakref.WeakSet[tqdm[Any]]" = weakref.WeakSet()


def quiet() -> bool:
    """Whether ``-q`` was given: the command line sets ``COVIDCT_QUIET``, so that child processes know it too."""
    return bool(os.environ.get("COVIDCT_QUIET"))


def progress(items: Iterable[T], label: str, total: int | None = None) -> "tqdm[T]":
    """``items`` behind a bar on standard error; silent when that is no terminal or ``COVIDCT_QUIET`` is set."""
    hidden = not sys.stderr.isatty() or quiet()
    bar = tqdm(items, desc=label, total=total, file=sys.stderr, disable=hidden, leave=False)
    if not hidden:
        _bars.add(bar)
    return bar


def threaded(work: Callable[[A], T], items: Collection[A], workers: int, label: str) -> Iterator[T]:
    """``work`` on every item by ``workers`` threads, behind a bar; results in order."""
    with ThreadPoolExecutor(workers) as pool:
        yield from progress(pool.map(work, items), label, len(items))


def beside_bar(words: str) -> bool:
    """Put ``words`` behind the bars that are shown; false where none is."""
    shown = [bar for bar in list(_bars) if not bar.disable]
    for bar in shown:
        bar.set_postfix_str(words)
    return bool(shown)
