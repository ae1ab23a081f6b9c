"""How far two curators agree, and each of them with the rules: Cohen's kappa and the confusion table.

Cohen J. A coefficient of agreement for nominal scales. Educ Psychol Meas 1960;20:37-46. The standard error is the
large-sample one of the same paper (formula 7).
"""

import itertools
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from covidct.records import Decision

RULES = "rules"
"""The name under which the newest word of any rule stands in a comparison."""

CURATOR = "curator:"
FIELDS = {"label": "panel", "kind": "panel", "accept": "panel", "duplicate": "pair", "same_patient": "pair"}
"""Fields with nominal values that two people may judge alike or not, and whose field it is."""


@dataclass(frozen=True)
class Agreement:
    """Two judges on the items that both of them judged; ``confusion[(value of a, value of b)]`` counts items."""

    a: str
    b: str
    n: int
    observed: float
    """Share of the items judged alike; 0 when there is none."""
    kappa: float | None
    """None where it is undefined: no item, or both judges used one and the same value throughout."""
    interval: tuple[float, float] | None
    """95 %, large-sample; None with kappa."""
    confusion: Mapping[tuple[str, str], int]

    @property
    def values(self) -> list[str]:
        """Every value either judge used, sorted."""
        return sorted({value for pair in self.confusion for value in pair})


def standing(decisions: Iterable[Decision]) -> list[Decision]:
    """The decisions that still stand: neither undone, nor an undoing themselves. An undone undo counts again."""
    ordered = sorted(decisions, key=lambda decision: decision.decision_id)
    undone: set[int] = set()
    for decision in reversed(ordered):
        if decision.undoes is not None and decision.decision_id not in undone:
            undone.add(decision.undoes)
    return [d for d in ordered if d.undoes is None and d.decision_id not in undone]


def independent(decisions: Iterable[Decision]) -> list[Decision]:
    """Standing words that nobody else's word was shown with: the first curator's on an item, and blind readers'."""
    kept: list[Decision] = []
    first: dict[str, str] = {}
    for decision in standing(decisions):
        if decision.by.startswith(CURATOR):
            opener = first.setdefault(decision.entity_id, decision.by)
            if opener != decision.by and not decision.evidence.get("blind"):
                continue
        kept.append(decision)
    return kept


def judgements(decisions: Iterable[Decision]) -> dict[str, dict[str, str]]:
    """``{judge: {item: value}}``: each judge's newest standing word on each item; all rules are one judge."""
    words: dict[str, dict[str, str]] = {}
    for decision in standing(decisions):
        if decision.value is None:  # emptied by covidct forget
            continue
        judge = decision.by.removeprefix(CURATOR) if decision.by.startswith(CURATOR) else RULES
        words.setdefault(judge, {})[decision.entity_id] = _text(decision.value)
    return words


def compare(a: str, b: str, words: Mapping[str, Mapping[str, str]]) -> Agreement:
    """Agreement of two judges on the items that both of them judged."""
    first, second = words.get(a, {}), words.get(b, {})
    both = sorted(first.keys() & second.keys())
    confusion = Counter((first[item], second[item]) for item in both)
    observed, kappa, interval = cohen(confusion)
    return Agreement(a, b, len(both), observed, kappa, interval, confusion)


def cohen(confusion: Mapping[tuple[str, str], int]) -> tuple[float, float | None, tuple[float, float] | None]:
    """Observed agreement, kappa and its 95 % interval from a confusion table."""
    n = sum(confusion.values())
    if not n:
        return 0.0, None, None
    rows: Counter[str] = Counter()
    columns: Counter[str] = Counter()
    for (row, column), count in confusion.items():
        rows[row] += count
        columns[column] += count
    observed = sum(count for (row, column), count in confusion.items() if row == column) / n
    expected = sum(rows[value] * columns[value] for value in rows) / n**2
    if expected >= 1:
        return observed, None, None
    kappa = (observed - expected) / (1 - expected)
    error = 1.959964 * math.sqrt(observed * (1 - observed) / n) / (1 - expected)
    return observed, kappa, (max(-1.0, kappa - error), min(1.0, kappa + error))


def all_pairs(decisions: Iterable[Decision]) -> list[Agreement]:
    """Every two curators, then every curator against the rules; only pairs with an item in common."""
    words = judgements(decisions)
    curators = sorted(judge for judge in words if judge != RULES)
    judges: Sequence[tuple[str, str]] = [*itertools.combinations(curators, 2), *((name, RULES) for name in curators)]
    return [found for found in (compare(a, b, words) for a, b in judges) if found.n]


def as_text(found: Agreement) -> str:
    """A few lines for a terminal: the figures, then the confusion with ``a`` down and ``b`` across."""
    if found.kappa is None or found.interval is None:
        kappa = "undefined (one value throughout)"
    else:
        kappa = f"{found.kappa:.3f} (95 % {found.interval[0]:.3f} to {found.interval[1]:.3f})"
    head = f"{found.a} and {found.b}: {found.n} in common, alike {found.observed:.1%}, kappa {kappa}"
    values = found.values
    wide = max([len(value) for value in values] + [len(found.a)])
    lines = [head, "  " + found.a.ljust(wide) + "  " + "  ".join(values) + f"   <- {found.b}"]
    for row in values:
        cells = "  ".join(str(found.confusion.get((row, column), 0)).rjust(len(column)) for column in values)
        lines.append("  " + row.ljust(wide) + "  " + cells)
    return "\n".join(lines)


def as_json(found: Agreement) -> dict[str, object]:
    """The same as plain JSON values; ``confusion[a's value][b's value]`` is a count."""
    table = {row: {column: found.confusion.get((row, column), 0) for column in found.values} for row in found.values}
    return {
        "a": found.a,
        "b": found.b,
        "n": found.n,
        "observed": round(found.observed, 6),
        "kappa": None if found.kappa is None else round(found.kappa, 6),
        "interval": None if found.interval is None else [round(value, 6) for value in found.interval],
        "confusion": table,
    }


def _text(value: object) -> str:
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)
