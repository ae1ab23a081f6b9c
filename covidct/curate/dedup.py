"""Near duplicates among loose pictures, and among all panels of a workspace."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from covidct.errors import CovidctError
from covidct.files import safe_name, write_bytes
from covidct.imaging.duplicates.correlation import lay
from covidct.imaging.duplicates.hashes import SIDE, frameless
from covidct.imaging.duplicates.search import MIN_SCORE, Duplicate, find_duplicates
from covidct.pictures import open_grey, png_bytes
from covidct.progress import progress
from covidct.steps import Item, Outcome

if TYPE_CHECKING:
    from covidct.workspace import Workspace

_SHOWN = 3 * SIDE
"""Side, pixels, of each of the three views in a pair's picture."""


@dataclass
class Search:
    """Pictures from files: the pairs found (positions are those of ``files``), and what could not be read, and why."""

    files: Sequence[Path]
    min_score: float | None = None
    """None: the least that changed copies have."""
    failed: list[tuple[int, str]] = field(default_factory=list)

    def pairs(self) -> list[Duplicate]:
        """Read every file once, and compare; unreadable ones end up in ``failed``."""
        kept: list[int] = []
        found = find_duplicates(self._pictures(kept), min_score=self.min_score or MIN_SCORE)
        return [Duplicate(kept[p.i], kept[p.j], p.score, p.change, p.matrix) for p in found]

    def _pictures(self, kept: list[int]) -> Iterator[NDArray[np.uint8]]:
        for n, path in enumerate(progress(self.files, "dedup")):
            try:
                picture = open_grey(path)
            except CovidctError as error:
                self.failed.append((n, str(error)))
                continue
            kept.append(n)
            yield picture


def items(workspace: "Workspace") -> list[Item]:
    """All panels with a picture, as one piece of work; due when any of them is new or gone."""
    panels = sorted((p for p in workspace.panels() if p.file), key=lambda panel: panel.panel_id)
    seen = "\n".join(f"{panel.panel_id} {panel.sha256}" for panel in panels)
    value = [(panel.panel_id, workspace.path(panel.file)) for panel in panels]
    return [Item("panels", seen, value, size=len(panels))]


def run(item: Item) -> Outcome:
    """Compare all panels; one that cannot be read is named as failed, and the others are compared."""
    from covidct.workspace import Pair

    names = [name for name, _ in item.value]
    search = Search([path for _, path in item.value])
    found = search.pairs()
    pairs = [Pair(names[p.i], names[p.j], p.score, p.change) for p in found]
    failed = [(names[n], reason) for n, reason in search.failed]
    return Outcome(pairs=pairs, failed=failed, counts=Counter(pair.change for pair in found))


def pair_picture(a: NDArray[np.uint8], b: NDArray[np.uint8], pair: Duplicate) -> NDArray[np.uint8]:
    """Grey picture of three views: ``a`` as it lies on ``b``, ``b``, and what is left when one is taken from the other.

    ``a`` and ``b``: height x width grey. The views are squares of ``_SHOWN`` pixels.
    """
    left, right = (cv2.resize(one[frameless(one)], (_SHOWN, _SHOWN), interpolation=cv2.INTER_AREA) for one in (a, b))
    matrix = np.array(pair.matrix)
    zoom = _SHOWN / SIDE
    matrix[:, 2] = zoom * matrix[:, 2] + (zoom - 1) / 2 * (1 - matrix[:, :2].sum(axis=1))
    laid = lay(np.asarray(left, np.uint8), np.asarray(right, np.uint8), matrix)
    return np.hstack([laid, np.asarray(right, np.uint8), cv2.absdiff(laid, np.asarray(right, np.uint8))])


def write_pictures(files: Sequence[Path], pairs: Sequence[Duplicate], folder: Path) -> None:
    """One PNG a pair in ``folder``, named by score and both files."""
    for n, pair in enumerate(pairs):
        sides = [open_grey(files[k]) for k in (pair.i, pair.j)]
        stems = "--".join(safe_name(files[k].stem)[-60:] for k in (pair.i, pair.j))
        picture = pair_picture(sides[0], sides[1], pair)
        write_bytes(folder / f"{n:04d}-{pair.score:.3f}-{stems}.png", png_bytes(picture))
