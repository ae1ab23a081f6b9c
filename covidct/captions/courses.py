"""What tells two persons of one age and sex apart: how it ended, and when the illness began.

Two texts that are both about "a 13-year-old boy" are about one person unless their case numbers or courses differ.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from covidct.captions.cues import Moment
from covidct.captions.rules import fold_lower

_DIED = re.compile(r"\b(?:died|death|deceased|dead|succumbed|non-?survivor|fatal (?:case|course|outcome))\b")
_LIVED = re.compile(r"\b(?:discharged|recovered|survived|(?<!non-)survivor|cured|went home)\b")
_SAME_ONSET = 4
"""Days: two texts that count from one onset differ by a day or two, by the way of counting."""


@dataclass(frozen=True)
class Course:
    """``ended``: ``died``, ``lived`` or empty where the text says neither, or both; ``onset``: first day of illness."""

    ended: str = ""
    onset: date | None = None

    def contradicts(self, other: "Course") -> bool:
        """Whether the two cannot be of one person."""
        if self.ended and other.ended and self.ended != other.ended:
            return True
        if self.onset is None or other.onset is None:
            return False
        return abs((self.onset - other.onset).days) > _SAME_ONSET

    def joined(self, other: "Course") -> "Course":
        """What both say together."""
        return Course(self.ended or other.ended, self.onset or other.onset)


def course_of(text: str, when: Sequence[Moment]) -> Course:
    """The course that ``text`` tells, with the moments read from it."""
    folded = fold_lower(text)
    died, lived = _DIED.search(folded) is not None, _LIVED.search(folded) is not None
    ended = "" if died == lived else "died" if died else "lived"
    return Course(ended, _onset(when))


def _onset(when: Sequence[Moment]) -> date | None:
    """From one date and the one day of illness beside it."""
    dates = [m.date for m in when if re.match(r"\d{4}-", m.date)]
    days = [m.day for m in when if m.day is not None and m.event in ("onset", "")]
    if len(dates) != 1 or len(days) != 1:
        return None
    try:
        return date.fromisoformat(dates[0]) - timedelta(days=days[0])
    except (ValueError, OverflowError):
        return None
