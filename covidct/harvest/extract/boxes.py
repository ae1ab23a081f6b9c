"""Arithmetic on boxes (x0, y0, x1, y1; origin top left)."""

from collections.abc import Iterable

from covidct.records import Box


def width(box: Box) -> float:
    """Horizontal extent."""
    return box[2] - box[0]


def height(box: Box) -> float:
    """Vertical extent."""
    return box[3] - box[1]


def area(box: Box) -> float:
    """Area; 0 for an empty box."""
    return max(0.0, box[2] - box[0]) * max(0.0, box[3] - box[1])


def union(boxes: Iterable[Box]) -> Box:
    """The smallest box round all of ``boxes`` (at least one)."""
    x0, y0, x1, y1 = zip(*boxes, strict=True)
    return (min(x0), min(y0), max(x1), max(y1))


def meet(a: Box, b: Box) -> Box:
    """The common part; empty (negative extents) where there is none."""
    return (max(a[0], b[0]), max(a[1], b[1]), min(a[2], b[2]), min(a[3], b[3]))


def inside(inner: Box, outer: Box) -> float:
    """Share of ``inner`` that lies within ``outer``; lines without area count by their length."""
    wide = max(inner[2] - inner[0], 0.1)
    high = max(inner[3] - inner[1], 0.1)
    common = (min(inner[2], outer[2]) - max(inner[0], outer[0]), min(inner[3], outer[3]) - max(inner[1], outer[1]))
    return max(0.0, min(common[0] + 0.1, wide)) * max(0.0, min(common[1] + 0.1, high)) / (wide * high)


def overlap_x(a: Box, b: Box) -> float:
    """Length of the common horizontal range; negative: the gap."""
    return min(a[2], b[2]) - max(a[0], b[0])


def overlap_y(a: Box, b: Box) -> float:
    """Length of the common vertical range; negative: the gap."""
    return min(a[3], b[3]) - max(a[1], b[1])


def rounded(box: Box) -> Box:
    """To a hundredth of a point."""
    return (round(box[0], 2), round(box[1], 2), round(box[2], 2), round(box[3], 2))
