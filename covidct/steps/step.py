"""What a step is: plain values, so that a list of steps costs no import of what the steps do."""

import importlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from covidct.records import Decision, Dropped, Panel
from covidct.steps.digest import digest

if TYPE_CHECKING:
    from covidct.workspace import Pair, Workspace


@dataclass(frozen=True)
class Item:
    """One piece of work: ``name`` is the id it is reported under, ``inputs`` says what it depends on.

    The work is due while no run of this version of the step has seen ``name`` with these ``inputs``.
    """

    name: str
    inputs: str
    value: Any = None
    """What ``run`` is given; None where the step has nothing to do on it."""
    size: int = 1
    """How many things are counted as done with it."""


@dataclass(frozen=True)
class Outcome:
    """What came of one item, as values: the driver writes them."""

    decisions: Sequence[Decision] = ()
    """An empty ``by`` is filled with the step's name and version."""
    panels: Mapping[str, Sequence[Panel]] = field(default_factory=dict)
    """New panels by figure id."""
    pairs: "Sequence[Pair] | None" = None
    """All candidate duplicates of the workspace; None leaves them as they are."""
    files: Sequence[tuple[bytes, str]] = ()
    """(bytes, suffix) of files that decisions or panels name by ``covidct.workspace.disk.named``."""
    dropped: Sequence[Dropped] = ()
    failed: Sequence[tuple[str, str]] = ()
    """(name, reason) of parts that failed; the item is due again next time."""
    counts: Mapping[str, int] = field(default_factory=dict)
    value: Any = None
    """What a driver of the step's own writes, as that of reading does."""


@dataclass(frozen=True)
class Step:
    """One stage of the work on a workspace.

    ``sources`` are modules, such as ``covidct.curate.mask``; what they import of their own package and the data files
    that they name lie in the version, too (:func:`covidct.steps.digest.digest`).
    """

    name: str
    sources: Sequence[str]
    items: "Callable[[Workspace], Iterable[Item]]"
    run: Callable[[Item], Outcome]
    after: "Sequence[Step]" = ()
    """Steps whose results it reads: another version of theirs makes it due again."""
    rule: str = ""
    """Name of the rule in its decisions (default: the step's name)."""
    command: str = ""
    """Name of its command under ``covidct curate`` (default: the step's name)."""
    help: str = ""
    heavy: bool = False
    """Worth sending to other processes: its items read pictures, and each takes long."""

    @property
    def version(self) -> str:
        """Twelve hexadecimal digits: another value means that its results may differ."""
        return digest(self.sources, [step.version for step in self.after])

    @property
    def by(self) -> str:
        """Who decides, as its decisions say it: ``rule:NAME@VERSION``."""
        return f"rule:{self.rule or self.name}@{self.version}"


@dataclass(frozen=True)
class Lazy:
    """The function ``module:name``, imported when it is called; it can be sent to another process."""

    target: str

    def __call__(self, *values: Any) -> Any:
        module, _, name = self.target.partition(":")
        return getattr(importlib.import_module(module), name)(*values)


def lazily(target: str) -> Callable[..., Any]:
    """The function ``module:name``, imported when it is first called."""
    return Lazy(target)
