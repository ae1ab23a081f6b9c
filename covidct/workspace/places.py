"""Where things are: overlap of boxes, and which new box stands where an old one stood."""

from collections.abc import Callable, Hashable, Sequence
from typing import TypeVar

from covidct.records import Box

SAME_PLACE_IOU = 0.5
"""At this overlap or more an old and a new box are the same thing (DESIGN, "The nouns")."""

Old = TypeVar("Old", bound=Hashable)


def iou(a: Box, b: Box) -> float:
    """Intersection over union of two boxes; 0 for empty ones."""
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0.0
    shared = width * height
    return shared / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - shared)


def match(
    olds: Sequence[Old], news: Sequence[object], likeness: Callable[[Old, int], float], least: float = SAME_PLACE_IOU
) -> dict[int, Old]:
    """Pair each new index with at most one old item, best likeness first; ``likeness(old, new index)`` in [0, 1]."""
    candidates = sorted(
        ((likeness(old, index), position, index) for position, old in enumerate(olds) for index in range(len(news))),
        key=lambda found: (-found[0], found[1], found[2]),
    )
    taken: set[int] = set()
    pairs: dict[int, Old] = {}
    for value, position, index in candidates:
        if value >= least and position not in taken and index not in pairs:
            taken.add(position)
            pairs[index] = olds[position]
    return pairs


def as_fractions(box: Box, width: float, height: float) -> Box:
    """A pixel box as fractions of the picture it lies in."""
    if width <= 0 or height <= 0:
        return (0.0, 0.0, 1.0, 1.0)
    return (box[0] / width, box[1] / height, box[2] / width, box[3] / height)


def to_pixels(fractions: Box, width: float, height: float) -> Box:
    """The inverse of :func:`as_fractions`, rounded to whole pixels."""
    x0, y0, x1, y1 = fractions
    return (round(x0 * width), round(y0 * height), round(x1 * width), round(y1 * height))


def carried_over(panel: Box, old_figure: Box, new_figure: Box) -> Box:
    """A panel's box as fractions of ``new_figure``, given as fractions of ``old_figure``; both lie on the same page."""
    old_width, old_height = old_figure[2] - old_figure[0], old_figure[3] - old_figure[1]
    on_page = (
        old_figure[0] + panel[0] * old_width,
        old_figure[1] + panel[1] * old_height,
        old_figure[0] + panel[2] * old_width,
        old_figure[1] + panel[3] * old_height,
    )
    moved = tuple(value - new_figure[index % 2] for index, value in enumerate(on_page))
    return as_fractions(
        (moved[0], moved[1], moved[2], moved[3]), new_figure[2] - new_figure[0], new_figure[3] - new_figure[1]
    )
