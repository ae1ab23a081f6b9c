"""Which panels need a person, and in what order; what the page counts and filters by."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from covidct.records import CT_KINDS
from covidct.workspace.queues import Row, all_rows, last_decision, new_rows, shape, some_rows, touched
from covidct.workspace.workspace import Workspace

STEPS = {
    "label": frozenset({"label", "accept"}),
    "triage": frozenset({"kind"}),
    "mask": frozenset({"mask"}),
    "patients": frozenset({"patient"}),
    "split": frozenset({"panels"}),
}
"""Step: the fields that a person's word on it is about; ``panels`` is decided on the figure."""
RELOAD_SECONDS = 5.0
"""While figures are taken away, the whole list is read again at most this often."""
TEXT_RANK = {"yes": 0.0, "not-scanned": 1.0}


@dataclass(frozen=True)
class Queue:
    """``wants`` says which panels belong, ``rank`` sorts them (ties in reading order)."""

    title: str
    wants: Callable[[Row, str], bool]
    rank: Callable[[Row, str], float]


def reviewed(row: Row, step: str) -> bool:
    """Has a person spoken on this step?"""
    return not row.human.isdisjoint(STEPS[step])


def certainty(row: Row, step: str) -> float:
    """How sure the rules are, 0 to 1; unclear labels and things that no rule looked at come first."""
    if step == "split":
        return row.score
    words = [row.words[name] for name in STEPS[step] if name in row.words]
    if not words or (step == "label" and row.label in ("", "unclear")):
        return 0.0
    return min(0.5 if word.score is None else word.score for word in words)


def in_conflict(row: Row) -> bool:
    """Do two curators differ on this panel or on its figure's boxes?"""
    return row.conflict


def identifying(row: Row) -> str:
    """May burnt-in text identify somebody: ``yes``, ``no``, ``not-scanned``, or empty before the mask step."""
    word = row.words.get("mask")
    return word.value if word else ""


def newest_change(row: Row) -> str:
    """When anything about the panel was last decided, ISO 8601 UTC; empty for never."""
    return max((word.at for word in (*row.words.values(), *row.figure_words.values())), default="")


def is_ct(row: Row) -> bool:
    """Did triage call it a CT?"""
    return row.kind in CT_KINDS


def _in_reading_order(_row: Row, _step: str) -> float:
    return 0.0


def gain(row: Row) -> float:
    """What a decision on the label would win for a release: how many panels, weighted; 0 where none waits."""
    word = row.words.get("label")
    return 0.0 if word is None or word.human else word.gain


MINE = "mine"
"""The queue of what this curator has not judged, whatever others said: for a second, independent reading."""
QUEUES = {
    "uncertain": Queue("Least certain first", lambda row, step: not reviewed(row, step), certainty),
    "release": Queue(
        "Kept out of releases, most won first",
        lambda row, step: gain(row) > 0 and not reviewed(row, step),
        lambda row, _: -gain(row),
    ),
    "unreviewed": Queue("Unreviewed", lambda row, step: not reviewed(row, step), _in_reading_order),
    "conflicts": Queue("Conflicts", lambda row, _: row.conflict, _in_reading_order),
    "identifying": Queue(
        "Possible identifying text",
        lambda row, _: identifying(row) in TEXT_RANK,
        lambda row, _: TEXT_RANK[identifying(row)],
    ),
    MINE: Queue("Not yet by me", lambda _row, _step: True, _in_reading_order),
    "reviewed": Queue("Reviewed", reviewed, _in_reading_order),
    "all": Queue("All", lambda _row, _step: True, _in_reading_order),
}

FILTERS: Mapping[str, Callable[[Row, str], bool]] = {
    "source": lambda row, wanted: row.source == wanted,
    "paper": lambda row, wanted: row.paper_id == wanted,
    "label": lambda row, wanted: shown_label(row) == wanted,
    "kind": lambda row, wanted: is_ct(row) if wanted == "ct" else row.kind == ("" if wanted == "none" else wanted),
    "since": lambda row, wanted: newest_change(row) >= wanted,
    "figure": lambda row, wanted: row.figure_id == wanted,
}


def rejected(row: Row) -> bool:
    """Did a curator throw it out?"""
    return "accept" in row.human and row.words["accept"].value == "false"


def shown_label(row: Row) -> str:
    """``positive``, ``negative``, ``unclear``, ``rejected``, or ``none`` where nobody has said."""
    return "rejected" if rejected(row) else row.label or "none"


def yesterday() -> str:
    """The start of yesterday, UTC, as the journal writes times."""
    start = (datetime.now(UTC) - timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    return start.isoformat(timespec="milliseconds")


class Index:
    """The rows of every panel in memory, kept up to date from the journal; safe to use from several threads."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self._lock = threading.Lock()
        self._rows: dict[str, Row] = {}
        self._shape = (0, 0)
        self._reload()

    def rows(self) -> dict[str, Row]:
        """Every panel by id, in reading order, with everything that the journal holds by now."""
        with self._lock:
            now = shape(self.workspace)
            if now != self._shape and not self._only_more(now) and time.monotonic() - self._loaded > RELOAD_SECONDS:
                self._reload()
            self._catch_up()
            return self._rows

    def _only_more(self, now: tuple[int, int]) -> bool:
        """Take in panels that came; False where some have gone as well."""
        new = new_rows(self.workspace, self._shape[1])
        if now[0] - self._shape[0] != len(new):
            return False
        for row in new.values():
            row.place += len(self._rows)
        self._rows = {**self._rows, **new}
        self._shape = now
        return True

    def reload(self) -> None:
        """Read everything anew: panels were replaced by this very process."""
        with self._lock:
            self._reload()

    def _reload(self) -> None:
        self._last = last_decision(self.workspace)  # before the rows: what comes in between is read twice, not missed
        self._shape = shape(self.workspace)
        self._rows = all_rows(self.workspace)
        self._loaded = time.monotonic()

    def _catch_up(self) -> None:
        new = touched(self.workspace, self._last)
        if not new:
            return
        figures = {entity_id for _, entity, entity_id in new if entity == "figure"}
        panels = {entity_id for _, entity, entity_id in new if entity == "panel"}
        if figures:
            panels |= {row.panel_id for row in self._rows.values() if row.figure_id in figures}
        found = some_rows(self.workspace, sorted(panels))
        self._last = new[-1][0]
        if not found.keys() <= self._rows.keys():  # SQLite gave a new panel the number of one that went
            self._reload()
            return
        for panel_id, row in found.items():
            row.place = self._rows[panel_id].place
            self._rows[panel_id] = row


def select(rows: Iterable[Row], queue: str, step: str, filters: Mapping[str, str]) -> list[Row]:
    """The panels of a queue that pass every filter, in the queue's order."""
    wanted = QUEUES[queue]
    passing = [row for row in passing_filters(rows, filters) if wanted.wants(row, step)]
    return sorted(passing, key=lambda row: (wanted.rank(row, step), row.place))


def sure(rows: Iterable[Row], step: str, least: float) -> list[Row]:
    """Panels that rules labelled positive or negative with a score of at least ``least`` and nobody has judged."""
    return [
        row
        for row in rows
        if row.label in ("positive", "negative") and not reviewed(row, step) and certainty(row, step) >= least
    ]


def passing_filters(rows: Iterable[Row], filters: Mapping[str, str]) -> list[Row]:
    """The panels that pass every filter."""
    passing = list(rows)
    for name, value in filters.items():
        test = FILTERS[name]
        passing = [row for row in passing if test(row, value)]
    return passing


def counts(rows: Iterable[Row], step: str, filters: Mapping[str, str]) -> dict[str, int]:
    """How many panels each queue holds under these filters."""
    passing = passing_filters(rows, filters)
    return {name: sum(1 for row in passing if queue.wants(row, step)) for name, queue in QUEUES.items()}


def choices(rows: Iterable[Row]) -> dict[str, dict[str, int]]:
    """What there is to filter by, with counts: sources, kinds, labels."""
    found: dict[str, Counter[str]] = {"source": Counter(), "kind": Counter(), "label": Counter()}
    for row in rows:
        found["source"][row.source] += 1
        found["kind"][row.kind or "none"] += 1
        found["label"][shown_label(row)] += 1
    return {name: dict(sorted(counter.items())) for name, counter in found.items()}
