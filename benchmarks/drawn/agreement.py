"""How far found panels agree with true ones: what the benchmark and the tests count."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from covidct.imaging.panels.leaf import PixelBox


def overlap(a: PixelBox, b: PixelBox) -> float:
    """Intersection over union."""
    w, h = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    if w <= 0 or h <= 0:
        return 0.0
    both = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1])
    return w * h / (both - w * h)


def matches(truth: Sequence[PixelBox], found: Sequence[PixelBox], least: float) -> list[tuple[int, int]]:
    """Pairs of indices, one to one, best overlap first, all of at least ``least``."""
    pairs = sorted(((overlap(t, f), i, j) for i, t in enumerate(truth) for j, f in enumerate(found)), reverse=True)
    left, right, kept = set(range(len(truth))), set(range(len(found))), []
    for value, i, j in pairs:
        if value >= least and i in left and j in right:
            left.remove(i)
            right.remove(j)
            kept.append((i, j))
    return kept


@dataclass(frozen=True)
class Agreement:
    """Counts over many figures."""

    figures: int
    f1: float
    """At an overlap of 0.75."""
    f1_tight: float
    """At an overlap of 0.9."""
    exact: float
    """Share of figures with the right number of panels."""
    letters: float
    """Share of matched, lettered panels with the right letter; 1 where none is lettered."""


Labelled = Sequence[tuple[str, PixelBox]]


def agreement(pairs: Iterable[tuple[Labelled, Labelled]]) -> Agreement:
    """Agreement over figures, each as (true panels, found panels)."""
    figures = exact = n_true = n_found = hit = tight = lettered = right = 0
    for truth, found in pairs:
        boxes, seen = [b for _, b in truth], [b for _, b in found]
        pairing = matches(boxes, seen, 0.75)
        figures, exact = figures + 1, exact + (len(boxes) == len(seen))
        n_true, n_found, hit = n_true + len(boxes), n_found + len(seen), hit + len(pairing)
        tight += len(matches(boxes, seen, 0.9))
        named = [(truth[i][0], found[j][0]) for i, j in pairing if truth[i][0]]
        lettered, right = lettered + len(named), right + sum(a.upper() == b.upper() for a, b in named)
    total = max(1, n_true + n_found)
    return Agreement(
        figures, 2 * hit / total, 2 * tight / total, exact / max(1, figures), right / lettered if lettered else 1.0
    )
