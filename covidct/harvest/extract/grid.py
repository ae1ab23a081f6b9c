"""Which boxes hang together: connected areas of boxes on a coarse grid."""

import numpy as np

from covidct.records import Box

CELL = 2.0
"""Points per cell."""


def clusters(boxes: list[Box], reach: float) -> list[list[int]]:
    """Positions of ``boxes`` grouped so that boxes less than ``reach`` points apart hang together."""
    if not boxes:
        return []
    edges = np.asarray(boxes, dtype=float)
    origin = edges[:, :2].min(axis=0) - reach
    cells = np.floor((edges - np.tile(origin, 2) + np.array([-reach, -reach, reach, reach]) / 2) / CELL).astype(int)
    cells = np.maximum(cells, 0)
    grid = np.zeros((cells[:, 3].max() + 1, cells[:, 2].max() + 1), dtype=bool)
    for x0, y0, x1, y1 in cells:
        grid[y0 : y1 + 1, x0 : x1 + 1] = True
    areas = _label(grid)
    groups: dict[int, list[int]] = {}
    for index, (x0, y0, _, _) in enumerate(cells):
        groups.setdefault(int(areas[y0, x0]), []).append(index)
    return list(groups.values())


def _label(
    grid: "np.ndarray[tuple[int, int], np.dtype[np.bool_]]",
) -> "np.ndarray[tuple[int, int], np.dtype[np.int64]]":
    """Connected areas of ``grid`` numbered from 1, by runs of rows (4-neighbours)."""
    out = np.zeros(grid.shape, dtype=np.int64)
    parent = [0]

    def root(x: int) -> int:
        while parent[x] != x:
            parent[x] = parent[parent[x]]
            x = parent[x]
        return x

    for y, row in enumerate(grid):
        if y and np.array_equal(row, grid[y - 1]):
            out[y] = out[y - 1]
            continue
        steps = np.flatnonzero(np.diff(np.concatenate(([0], row.view(np.int8), [0]))))
        for x0, x1 in zip(steps[::2], steps[1::2], strict=True):
            touching = {root(int(n)) for n in np.unique(out[y - 1, x0:x1]) if n} if y else set()
            if not touching:
                parent.append(len(parent))
                touching = {len(parent) - 1}
            first = min(touching)
            for other in touching:
                parent[other] = first
            out[y, x0:x1] = first
    roots = np.array([root(i) for i in range(len(parent))])
    labelled: np.ndarray[tuple[int, int], np.dtype[np.int64]] = roots[out]
    return labelled
