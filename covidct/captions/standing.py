"""Who stands where in a figure: persons that headings over columns or before rows name, and the caption's places.

Only what holds for every panel counts: a heading over three of four columns says that something was misread.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from covidct.captions.cues import Person, persons
from covidct.captions.text import Span

Box = tuple[float, float, float, float]
"""x0, y0, x1, y1 in pixels of the figure."""
_SHARED = 0.5
"""Share of the shorter side from which two boxes stand in one row, or in one column."""
_LONGEST = 60
"""Characters of a heading; what is longer is text that stands in the picture."""
_NEXT_LINE = 1.0
"""Heights of a line: a second line of a heading begins no further below the first."""
_TALLER = 2.0
"""Times the height of what stands above that a next line may have: a lung read as the letter O is taller."""
_SHORT = re.compile(r"(?i)^(?:p|pt|no\.?|#)[\s.-]?(\d{1,2})$")
"""``P1``: a person only where it is all that the heading says."""


@dataclass(frozen=True)
class Heading:
    """Words printed in a figure that tell of one person, and where they stand."""

    person: Person
    box: Box


def headings(lines: Sequence[tuple[str, Box]]) -> list[Heading]:
    """The lines of print that tell of one person by number, or by age; lines below each other are read as one."""
    found = []
    for text, box in _joined(lines):
        short = _SHORT.match(text.strip())
        described = persons(f"patient {short[1]}" if short else text) if len(text) <= _LONGEST else []
        described = [person for person in described if person.case or person.age is not None]
        if len(described) == 1:
            found.append(Heading(described[0], box))
    return found


def _joined(lines: Sequence[tuple[str, Box]]) -> list[tuple[str, Box]]:
    made: list[tuple[str, Box]] = []
    for text, box in sorted(lines, key=lambda line: line[1][1]):
        above = next((n for n, (_, other) in enumerate(made) if _continues(other, box)), None)
        if above is None:
            made.append((text, box))
        else:
            made[above] = (f"{made[above][0]} {text}", _around(made[above][1], box))
    return made


def _continues(above: Box, below: Box) -> bool:
    gap, height = below[1] - above[3], below[3] - below[1]
    alike = height <= _TALLER * (above[3] - above[1])
    return alike and -0.5 * height <= gap <= _NEXT_LINE * height and _together(above, below, 0)


def _around(a: Box, b: Box) -> Box:
    return min(a[0], b[0]), min(a[1], b[1]), max(a[2], b[2]), max(a[3], b[3])


def _together(a: Box, b: Box, axis: int) -> bool:
    """Do two boxes stand in one column (``axis`` 0), or in one row (1)?"""
    shared = min(a[axis + 2], b[axis + 2]) - max(a[axis], b[axis])
    return shared >= _SHARED * min(a[axis + 2] - a[axis], b[axis + 2] - b[axis])


def by_headings(found: Sequence[Heading], boxes: Sequence[Box]) -> list[Person | None]:
    """The person of each of the panels in ``boxes``; all None where the headings do not hold for every panel.

    A heading stands within a panel, over a column or before a row; one within the first panel of a column holds for
    those below it that have none.
    """
    for places in (_within, _over, _before):
        named = [[h.person for h in found if places(h.box, box, boxes)] for box in boxes]
        if all(len(_different(people)) == 1 for people in named):
            return [people[0] for people in named]
    return [None] * len(boxes)


def _different(people: Sequence[Person]) -> set[tuple[float | None, str, str]]:
    return {(person.age, person.sex, person.case) for person in people}


def _within(heading: Box, box: Box, boxes: Sequence[Box]) -> bool:
    """Printed on the panel, or on the topmost one of its column."""
    column = [other for other in boxes if _together(other, box, 0)]
    return _holds(min(column, key=lambda other: other[1]), heading) or _holds(box, heading)


def _holds(box: Box, heading: Box) -> bool:
    x, y = (heading[0] + heading[2]) / 2, (heading[1] + heading[3]) / 2
    return box[0] <= x <= box[2] and box[1] <= y <= box[3]


def _over(heading: Box, box: Box, boxes: Sequence[Box]) -> bool:
    """Nearest above the column, and over no other one."""
    return _leads(heading, box, boxes, 0)


def _before(heading: Box, box: Box, boxes: Sequence[Box]) -> bool:
    return _leads(heading, box, boxes, 1)


def _leads(heading: Box, box: Box, boxes: Sequence[Box], axis: int) -> bool:
    line = [other for other in boxes if _together(other, box, axis)]
    first = min(other[1 - axis] for other in line)
    centre = (heading[axis] + heading[axis + 2]) / 2
    beside = heading[1 - axis] < first and not any(_holds(other, heading) for other in boxes)
    return beside and box[axis] <= centre <= box[axis + 2]


_LINE = re.compile(r"(?P<which>first|second|third|fourth|fifth|upper|top|lower|bottom|middle|left|right)")
_NUMBER = {"first": 0, "second": 1, "third": 2, "fourth": 3, "fifth": 4, "upper": 0, "top": 0, "left": 0}
_LAST = frozenset({"lower", "bottom", "right"})
_COLUMNS = frozenset({"left", "right"})


def by_places(places: Mapping[str, Span], boxes: Sequence[Box]) -> list[Span | None]:
    """The span of text of each panel from ``upper row``, ``left column``, ``top left``; all None where the places do
    not part the panels.
    """
    rows, columns = _lines(boxes, 1), _lines(boxes, 0)
    wanted = {place: _meant(place, max(rows, default=0) + 1, max(columns, default=0) + 1) for place in places}
    found: list[Span | None] = []
    for row, column in zip(rows, columns, strict=True):
        own = [place for place, (r, c) in wanted.items() if r in (None, row) and c in (None, column)]
        if len(own) != 1 or wanted[own[0]] == (None, None):
            return [None] * len(boxes)
        found.append(places[own[0]])
    return found


def _meant(place: str, rows: int, columns: int) -> tuple[int | None, int | None]:
    """Row and column that a place names, None for any."""
    row: int | None = None
    column: int | None = None
    for word in _LINE.findall(place):
        across = word in _COLUMNS or ("column" in place and word not in ("upper", "top", "lower", "bottom"))
        many = columns if across else rows
        number = many - 1 if word in _LAST else many // 2 if word == "middle" else _NUMBER[word]
        row, column = (row, number) if across else (number, column)
    return row, column


def _lines(boxes: Sequence[Box], axis: int) -> list[int]:
    """The number of the row (``axis`` 1) or column (0) that each box stands in, from 0."""
    heads: list[Box] = []
    for box in sorted(boxes, key=lambda b: b[axis]):
        if not any(_together(box, head, axis) for head in heads):
            heads.append(box)
    return [next(n for n, head in enumerate(heads) if _together(box, head, axis)) for box in boxes]


def printed(person: Mapping[str, object]) -> Person:
    """A person from the plain values that a decision keeps (``age``, ``sex``, ``case``)."""
    age = person.get("age")
    return Person(
        float(age) if isinstance(age, int | float) else None,
        str(person.get("sex") or ""),
        str(person.get("case") or ""),
        (0, 0),
    )
