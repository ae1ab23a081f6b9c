"""Spans of days, cut into months: wide intervals are answered with nothing at all."""

import calendar
import datetime
from dataclasses import dataclass

from covidct.errors import UsageError

FIRST_PREPRINT = datetime.date(2013, 11, 7)
"""bioRxiv's first day."""


@dataclass(frozen=True)
class Window:
    """Days from ``since`` to ``until``, both included."""

    since: datetime.date
    until: datetime.date

    def __str__(self) -> str:
        return f"{self.since}..{self.until}"

    @property
    def days(self) -> int:
        return (self.until - self.since).days + 1

    def months(self) -> list["Window"]:
        """The window cut at the ends of months, oldest first."""
        parts, start = [], self.since
        while start <= self.until:
            last = start.replace(day=calendar.monthrange(start.year, start.month)[1])
            parts.append(Window(start, min(last, self.until)))
            start = last + datetime.timedelta(days=1)
        return parts

    def halves(self) -> tuple["Window", "Window"]:
        """Two windows of about the same length; only where there are at least two days."""
        middle = self.since + datetime.timedelta(days=self.days // 2 - 1)
        return Window(self.since, middle), Window(middle + datetime.timedelta(days=1), self.until)


def _date(name: str, text: str) -> datetime.date:
    try:
        return datetime.date.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"{name} {text}: no date; write it as 2020-01-19") from error


def parse_window(
    since: str | None, until: str | None, today: datetime.date, first: datetime.date | None = FIRST_PREPRINT
) -> Window:
    """``--since`` and ``--until`` as a window; ``UsageError`` where it makes no sense or runs backwards."""
    if since is None:
        raise UsageError("--since is missing: from which day on, for example --since 2020-01-19")
    start = _date("--since", since)
    end = _date("--until", until) if until is not None else today
    if start > today:
        raise UsageError(f"--since {start} lies in the future")
    if end < start:
        raise UsageError(f"--until {end} lies before --since {start}: swap them")
    if first and end < first:
        raise UsageError(f"--until {end}: there was no preprint before {first}")
    return Window(max(start, first or start), min(end, today))
