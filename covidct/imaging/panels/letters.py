"""Panel letters: which printed letter belongs to which panel.

Every print is read by itself (``glyphs``); what the order of panels adds is a prior: letters mostly count up by row or
by column, stand in one place by the panels, and may name several panels that follow. A letter that was read, one that
only follows from the others, and none are told apart; no letter is better than a wrong one.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from covidct.imaging.panels.blocks import blocks
from covidct.imaging.panels.glyphs import LETTERS
from covidct.imaging.panels.leaf import PixelBox, in_row
from covidct.imaging.panels.prints import STROKE, Print, name

Table = NDArray[np.float64]
"""(panels, 26) or (26,)."""
_L = LETTERS.index("L")
READ, INFERRED, NONE = "read", "inferred", "none"


@dataclass(frozen=True)
class Prior:
    """What speaks for and against a reading, in natural logarithms of odds."""

    chance: float = 0.05
    """Probability at which a print says nothing for or against a letter."""
    unseen: float = -1.6
    """A letter where no print was seen."""
    contrary: float = -5.0
    """A letter where another one is plainly printed."""
    unnamed: float = -0.4
    """A panel without a letter."""
    unused: float = -1.5
    """A plain print that is taken for no letter."""
    late: float = -0.5
    """Each letter by which the first one is later than A."""
    skipped: float = -0.8
    """A gap in the run, and again for each letter left out."""
    again: float = -3.0
    """The letter of the panel before once more; a digit behind it makes up for it."""
    least: float = 3.4
    """What all together must reach: two letters in order, or one and much besides."""
    plain: float = 0.6
    """Probability from which a print is read."""
    vague: float = -1.5
    """What speaks besides against a letter whose print is not plain."""
    alone: float = 0.85
    """The same, where the letters follow no order; two letters of any figure are as plain."""
    most: float = 0.75
    """Share of the panels that have a letter where the letters go on from another page."""
    unlike: float = 1.8
    """How much higher or lower than most the print of a letter may be: a b is half as high again as an a."""


PRIOR = Prior()


@dataclass(frozen=True)
class Name:
    """A panel's letter ("" where none), how it came to be (read, inferred, none), and its probability."""

    label: str
    by: str
    score: float


UNNAMED = Name("", NONE, 0.0)


@dataclass(frozen=True)
class Lettering:
    """Names for the panels in reading order, and the order that explains them ("" for none)."""

    names: tuple[Name, ...]
    order: str

    @property
    def letters(self) -> tuple[str, ...]:
        """The letters alone."""
        return tuple(n.label for n in self.names)


@dataclass(frozen=True)
class Spot:
    """A print beside or in a panel, and where it lies there."""

    print: Print
    place: str


def letter(
    found: Sequence[Print],
    panels: Sequence[PixelBox],
    expected: Sequence[str] | None = None,
    drawn: Collection[int] = (),
) -> Lettering:
    """Names of ``panels`` (in reading order) by the prints of the figure.

    ``expected``: the letters that the caption speaks of; no other is given, and where none is printed and there are as
    many as panels, they are inferred in order. ``drawn``: indices of charts, whose letters stand in the box's top.
    """
    nothing = Lettering((UNNAMED,) * len(panels), "")
    if len(panels) < 2:
        return nothing
    known = _known(expected)
    spots = _spots(_vetoed(found, known), panels, drawn)
    readings = [r for r in _readings(spots, panels, known) if r.weight >= PRIOR.least and _begins(r, known)]
    if readings:
        best = max(readings, key=lambda r: r.weight)
        unlike = _unlike(best)
        if unlike:
            return letter([p for p in found if id(p) not in unlike], panels, expected, drawn)
        return Lettering(_names(best, panels, known), best.name)
    owned = blocks(found, panels, known or range(26))
    if owned:
        return Lettering(_block_names(owned, len(panels)), "blocks")
    if expected and len(expected) == len(panels) and not any(_plainly(s) for s in spots):
        return Lettering(tuple(Name(label, INFERRED, 0.3) for label in expected), "caption")
    return nothing


def _known(expected: Sequence[str] | None) -> list[int]:
    """The caption's letters as numbers, in order; none where it names its panels otherwise."""
    heads = [label.strip("().")[:1].upper() for label in expected or ()]
    return sorted({LETTERS.index(head) for head in heads if head and head in LETTERS})


def _vetoed(found: Sequence[Print], known: Sequence[int]) -> list[Print]:
    """``found`` without the letters that the caption has not."""
    if not known:
        return list(found)
    allowed = np.isin(np.arange(26), known)
    return [replace(p, chances=np.where(allowed, p.chances, np.float32(0))) for p in found]


def _plainly(spots: Sequence[Spot]) -> bool:
    return any(s.print.sure >= PRIOR.alone for s in spots)


# Where a print stands by a panel


def _spots(found: Sequence[Print], panels: Sequence[PixelBox], drawn: Collection[int]) -> list[list[Spot]]:
    """Prints in and around each panel, with their places; a chart's letter counts as one above."""
    walls = [p for index, p in enumerate(panels) if index not in drawn]
    spots = []
    for index, panel in enumerate(panels):
        placed = [(p, _place(p, panel, walls)) for p in found]
        if index in drawn:
            placed = [(p, "above" if place in ("in t l", "in t m", "above") else place) for p, place in placed]
        spots.append([Spot(p, place) for p, place in placed if place])
    return spots


def _place(p: Print, panel: PixelBox, walls: Sequence[PixelBox]) -> str:
    """Where ``p`` lies by ``panel``: ``in`` with row and column, ``above``, ``below``, ``left``, ``right``, ``corner``
    (below and right of it), or ""."""
    (x, y), (x0, y0, x1, y1) = p.centre, panel
    w, h = x1 - x0, y1 - y0
    if x0 <= x < x1 and y0 <= y < y1:
        row, column = _third((y - y0) / h, "tmb"), _third((x - x0) / w, "lmr")
        return "" if row == column == "m" else f"in {row} {column}"
    size = p.box[3] - p.box[1]
    reach = max(0.25 * min(w, h), 30.0, 2.5 * size)
    if not (x0 - reach <= x <= x1 + reach and y0 - reach <= y <= y1 + reach):
        return ""
    if any(_between(p.centre, panel, wall) for wall in walls if wall != panel):
        return ""
    beside = "left" if x < x0 else "right" if x >= x1 else ""
    if beside == "right" or (beside == "left" and y >= y1):
        return "right" if y0 <= y < y1 else "corner" if beside == "right" and y >= y1 else ""
    return "above" if y < y0 else "below" if y >= y1 else beside


def _third(share: float, names: str) -> str:
    return names[0] if share < 0.32 else names[2] if share > 0.68 else names[1]


def _between(point: tuple[float, float], panel: PixelBox, wall: PixelBox) -> bool:
    """Whether ``wall`` holds the point, or lies between it and the panel."""
    x, y = point
    nearest = min(max(x, panel[0]), panel[2]), min(max(y, panel[1]), panel[3])
    low, high = (min(x, nearest[0]), min(y, nearest[1])), (max(x, nearest[0]), max(y, nearest[1]))
    crossed = all(low[axis] < wall[axis + 2] - 2 and high[axis] > wall[axis] + 2 for axis in (0, 1))
    return crossed or (wall[0] <= x < wall[2] and wall[1] <= y < wall[3])


PLACES: tuple[tuple[str, tuple[str, ...], float], ...] = (
    *((place, (place,), 0.0) for place in ("in t l", "in b l", "in t r", "in b r", "above", "below", "left")),
    ("right", ("right",), -1.0),
    ("corner", ("corner",), -1.0),
    ("corners", ("in t l", "in b l", "in t r", "in b r"), -1.0),
    ("top", ("in t l", "in t m", "above", "left"), -1.0),
    ("foot", ("in b l", "in b m", "in b r", "below"), -1.0),
)
"""Where all letters of a figure may stand, with what speaks against it."""


# Readings: which letter each panel has, for one place and one order


@dataclass(frozen=True)
class Reading:
    """Letters (panels,) in reading order, -1 for none; the prints they were read from; weight; and how they count."""

    name: str
    letters: tuple[int, ...]
    seen: tuple[Print | None, ...]
    weight: float
    order: tuple[int, ...]

    @property
    def count(self) -> int:
        """How many letters were read."""
        return sum(p is not None for p in self.seen)


def _begins(reading: Reading, known: Sequence[int]) -> bool:
    """Whether two letters are plain, and they begin as those of a figure do (before the first are as many panels as
    letters are left out) or, where it goes on from another page, leave hardly a panel and no letter out: signs in a
    viewer's window (L, R, S, I) do neither."""
    read = [reading.letters[panel] for panel in reading.order if reading.seen[panel] is not None]
    pairs = zip(reading.seen, reading.letters, strict=True)
    plain = {i for p, i in pairs if p is not None and i != STROKE and p.chances[i] >= PRIOR.alone}
    if len(plain) < 2 or known:
        return len(read) >= 2 and len(plain) >= 2 - bool(known)
    unread = next(i for i, panel in enumerate(reading.order) if reading.seen[panel] is not None)
    gapless = all(after - before <= 1 for before, after in pairwise(sorted(read)))
    many = len(read) > 2
    begins = min(read) <= unread and (min(read) == 0 or gapless or many)
    return begins or (gapless and len(read) >= PRIOR.most * len(reading.letters))


def _unlike(reading: Reading) -> set[int]:
    """Prints, by identity, much higher or lower than most letters of a reading: words in a picture, no letters."""
    heights = {id(p): p.box[3] - p.box[1] for p in reading.seen if p is not None}
    usual = float(np.median(list(heights.values())))
    alike = {key for key, h in heights.items() if 1 / PRIOR.unlike <= h / usual <= PRIOR.unlike}
    return heights.keys() - alike if len(alike) > len(heights) / 2 else set()


def _rows(panels: Sequence[PixelBox]) -> list[int]:
    """The row of each panel (panels in reading order), counted from 0."""
    rows: list[int] = []
    lead = panels[0]
    for box in panels:
        if not in_row(lead, box):
            lead = box
            rows.append(rows[-1] + 1)
        else:
            rows.append(rows[-1] if rows else 0)
    return rows


def _by_rows(panels: Sequence[PixelBox]) -> list[int]:
    return list(range(len(panels)))


def _by_columns(panels: Sequence[PixelBox]) -> list[int]:
    """Panels down each column, the columns from left to right."""
    rest, order = sorted(range(len(panels)), key=lambda i: panels[i][0]), []
    while rest:
        lead = panels[rest[0]]
        column = [i for i in rest if lead[0] <= (panels[i][0] + panels[i][2]) / 2 <= lead[2]] or rest[:1]
        order += sorted(column, key=lambda i: panels[i][1])
        rest = [i for i in rest if i not in column]
    return order


ORDERS: tuple[tuple[str, Callable[[Sequence[PixelBox]], list[int]]], ...] = (
    ("rows", _by_rows),
    ("columns", _by_columns),
)


def _readings(spots: Sequence[Sequence[Spot]], panels: Sequence[PixelBox], known: Sequence[int]) -> Iterator[Reading]:
    """The best reading for each place and order, and one that follows no order."""
    for _, places, against in PLACES:
        here = [[s.print for s in found if s.place in places] for found in spots]
        here = _own(here)
        if sum(bool(found) for found in here) < 2:
            continue
        table = _table(here)
        for order_name, order in ORDERS:
            yield _run(order_name, order(panels), here, table, known, against)
        yield _unordered(here, known, against)


def _own(here: Sequence[Sequence[Print]]) -> list[list[Print]]:
    """A print between two panels names one of them, the first that has it: the nearer one above or left of it."""
    taken: set[int] = set()
    own = []
    for found in here:
        own.append([p for p in found if id(p) not in taken])
        taken |= {id(p) for p in found}
    return own


def _table(here: Sequence[Sequence[Print]]) -> Table:
    """(panels, 26): probability that each letter is printed by each panel."""
    return np.asarray([np.max([p.chances for p in found], axis=0) if found else np.zeros(26) for found in here])


def _weights(table: Table) -> tuple[Table, Table]:
    """(panels, 26) for each letter, and (panels,) for none."""
    most = table.max(1, keepdims=True)
    read = np.log(np.maximum(table, 1e-3) / PRIOR.chance) + np.where(table < PRIOR.plain, PRIOR.vague, 0.0)
    missing = np.where(most >= PRIOR.plain, PRIOR.contrary, PRIOR.unseen)
    none = np.where(most[:, 0] >= PRIOR.plain, PRIOR.unused, PRIOR.unnamed)
    return np.maximum(read, missing), none


def _steps(known: Sequence[int]) -> Table:
    """(26, 26): from one letter to the next; letters that the caption leaves out are no gap."""
    place = np.asarray([sum(k < letter for k in known) if known else letter for letter in range(26)])
    apart = place[None, :] - place[:, None]
    cost = np.where(apart == 1, 0.0, PRIOR.skipped * apart)
    cost = np.where(apart == 0, PRIOR.again, cost)
    return np.where((apart < 0) | (np.arange(26)[None, :] < np.arange(26)[:, None]), -np.inf, cost)


def _run(
    order_name: str,
    order: Sequence[int],
    here: Sequence[Sequence[Print]],
    table: Table,
    known: Sequence[int],
    against: float,
) -> Reading:
    """The best letters that do not count down along ``order``: dynamic programming over panels and last letters."""
    letters, none = _weights(table)
    steps = _steps(known)
    first = PRIOR.late * np.asarray([sum(k < i for k in known) if known else i for i in range(26)], np.float64)
    digits = [any(p.digit for p in found) for found in here]
    best, back = np.full(27, -np.inf), []
    best[26] = 0.0
    for panel in order:
        again = np.where(np.eye(26, dtype=bool) & digits[panel], 0.0, steps)
        into = np.vstack([best[:26, None] + again, best[26] + first[None]]) + letters[panel][None]
        stay = best + none[panel]
        back.append(into.argmax(0))
        best, chosen = stay, into.max(0)
        back[-1] = np.where(chosen > best[:26], back[-1], -1)
        best = np.concatenate([np.maximum(best[:26], chosen), best[26:]])
    return _traced(order_name, order, here, best, back, against)


def _traced(
    order_name: str,
    order: Sequence[int],
    here: Sequence[Sequence[Print]],
    best: Table,
    back: Sequence[NDArray[np.intp]],
    against: float,
) -> Reading:
    """The reading behind the best last state."""
    state = int(best.argmax())
    weight = float(best[state]) + against
    letters = [-1] * len(order)
    for panel, came in zip(reversed(order), reversed(back), strict=True):
        if state < 26 and came[state] >= 0:
            letters[panel], state = state, int(came[state])
    _unstroked(letters, order)
    seen = tuple(_read_as(found, index) for found, index in zip(here, letters, strict=True))
    return Reading(order_name, tuple(letters), seen, weight, tuple(order))


def _unstroked(letters: list[int], order: Sequence[int]) -> None:
    """A bare stroke after panels that were not read is the L that their number makes it, or no letter."""
    before, unread = -1, 0
    for panel in order:
        if letters[panel] < 0:
            unread += 1
            continue
        if letters[panel] == STROKE and unread and before + unread + 1 != STROKE:
            letters[panel] = _L if before + unread + 1 == _L else -1
        before, unread = (letters[panel], 0) if letters[panel] >= 0 else (before, unread + 1)


def _read_as(found: Sequence[Print], index: int) -> Print | None:
    """The print that reads as the letter, where there is one."""
    fitting = [p for p in found if index >= 0 and p.chances[index] > PRIOR.chance * 2]
    return max(fitting, key=lambda p: float(p.chances[index]), default=None)


def _unordered(here: Sequence[Sequence[Print]], known: Sequence[int], against: float) -> Reading:
    """Plain letters, each once, without a gap between them, wherever they stand."""
    plain = [max(found, key=lambda p: p.sure, default=None) for found in here]
    seen = tuple(p if p is not None and p.sure >= PRIOR.alone else None for p in plain)
    letters = tuple(p.best if p is not None else -1 for p in seen)
    met = sorted(index for index in letters if index >= 0)
    wanted = list(known[: len(met)]) if known else list(range(len(met)))
    weight = float(sum(np.log(p.sure / PRIOR.chance) for p in seen if p is not None)) - 2 + against
    return Reading("unordered", letters, seen, weight if met == wanted else -np.inf, tuple(range(len(here))))


# Names: what was read, and what follows from it


def _block_names(owned: dict[int, tuple[int, Print]], count: int) -> tuple[Name, ...]:
    """Names of ``count`` panels by blocks: the letter is read for the first of a block and holds for the others."""
    small = sum(float(p.lower[i]) - 0.5 for i, p in owned.values()) > 0
    names, met = [UNNAMED] * count, set[int]()
    for panel, (index, p) in sorted(owned.items()):
        again = index in met
        names[panel] = Name(name(index, small), INFERRED if again else READ, round(p.sure * (0.8 if again else 1), 3))
        met.add(index)
    return tuple(names)


def _names(reading: Reading, panels: Sequence[PixelBox], known: Sequence[int]) -> tuple[Name, ...]:
    """Names by a reading: its letters, those that fill a gap exactly, and those that hold for several panels."""
    small = _small(reading)
    read = {i: p for i, p in enumerate(reading.seen) if p is not None}
    names = [UNNAMED] * len(panels)
    for index, p in read.items():
        chance = float(p.chances[reading.letters[index]])
        names[index] = Name(name(reading.letters[index], small), READ, round(chance, 3))
    inferred = {**_shared(reading, panels, known), **_filled(reading, known)}
    least = min((n.score for n in names if n.label), default=0.0)
    for index, letter_of in inferred.items():
        names[index] = Name(name(letter_of, small), INFERRED, round(0.8 * least, 3))
    return tuple(names)


def _small(reading: Reading) -> bool:
    """Whether the letters are small ones: those whose two cases look alike hardly count."""
    pairs = zip(reading.seen, reading.letters, strict=True)
    shares = [(float(p.lower[i]), 0.2 if LETTERS[i] in "COSUVWXZKP" else 1.0) for p, i in pairs if p is not None]
    return sum((share - 0.5) * weight for share, weight in shares) > 0


def _gaps(reading: Reading) -> Iterator[tuple[int, int, list[int]]]:
    """Runs of panels without a read letter: the letters before (-1) and after (26), and the panels between."""
    before, between = -1, list[int]()
    for panel in reading.order:
        if reading.seen[panel] is None:
            between.append(panel)
            continue
        if between:
            yield before, reading.letters[panel], between
        before, between = reading.letters[panel], []
    if between:
        yield before, 26, between


def _filled(reading: Reading, known: Sequence[int]) -> dict[int, int]:
    """Letters of panels in a gap that is exactly as long as the letters left out."""
    filled: dict[int, int] = {}
    for before, after, between in _gaps(reading):
        missing = [i for i in range(before + 1, after) if not known or i in known]
        if after < 26 and len(missing) == len(between):
            filled.update(zip(between, missing, strict=True))
    return filled


def _shared(reading: Reading, panels: Sequence[PixelBox], known: Sequence[int]) -> dict[int, int]:
    """Letters that hold for other panels too, where every panel without one has such a letter up or left of it, or
    below it in its column where letters stand at the foot, and no letter is left out."""
    anchors = {i: letter_of for i, letter_of in enumerate(reading.letters) if reading.seen[i] is not None}
    bare = [i for i in range(len(panels)) if i not in anchors]
    if not bare or len(anchors) < 2 or not _consecutive(reading, panels, bare, known):
        return {}
    foot = all(p is None or p.centre[1] > (box[1] + box[3]) / 2 for p, box in zip(reading.seen, panels, strict=True))
    for find in (_before, _below)[: 1 + foot]:
        owners = [find(i, anchors, panels) for i in bare]
        if None not in owners:
            return {i: anchors[owner] for i, owner in zip(bare, owners, strict=True) if owner is not None}
    return {}


def _consecutive(reading: Reading, panels: Sequence[PixelBox], bare: Sequence[int], known: Sequence[int]) -> bool:
    """Whether panels without a letter are so by intent: no letter is left out where they stand (one that was printed
    and not read may be any of those), and it is not only the last of the run that cannot be read."""
    inner = [(before, after) for before, after, _ in _gaps(reading) if after < 26]
    if any(not known or i in known for before, after in inner for i in range(before + 1, after)):
        return False
    rows = _rows(panels)
    lettered = {rows[i] for i in range(len(panels)) if i not in bare}
    return bool(inner) or all(rows[i] not in lettered for i in bare)


def _before(index: int, anchors: Mapping[int, int], panels: Sequence[PixelBox]) -> int | None:
    """The lettered panel whose letter holds for panel ``index``: in its row to the left, else in the rows above the
    rightmost that does not begin to the right of it; the other way round where the letters run down columns."""
    x0, rows = panels[index][0], _rows(panels)
    slack = 0.3 * (panels[index][2] - x0)
    near = [a for a in anchors if panels[a][0] <= x0 + slack and rows[a] <= rows[index]]
    down = any(anchors[a] > anchors[b] for a, b in pairwise(sorted(anchors)))
    places = {a: (rows[a], panels[a][0]) for a in near}
    return max(near, key=lambda a: places[a][::-1] if down else places[a], default=None)


def _below(index: int, anchors: Mapping[int, int], panels: Sequence[PixelBox]) -> int | None:
    """The nearest lettered panel below in the column of ``index``."""
    x0, _, x1, y1 = panels[index]
    shared = {a: min(x1, panels[a][2]) - max(x0, panels[a][0]) for a in anchors if panels[a][1] >= y1 - 2}
    own = [a for a, both in shared.items() if both > 0.8 * max(x1 - x0, panels[a][2] - panels[a][0])]
    return min(own, key=lambda a: panels[a][1], default=None)
