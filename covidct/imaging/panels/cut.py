"""Where a region may be cut, and how sure that cut is.

Candidates come from lines of one colour, sudden steps, thin threads and equal division; a forest trained on made
figures (``benchmarks/train_panels.py``) weighs the evidence: the line itself, the shapes that a cut would leave, and
whether the two sides repeat (two slices) or mirror (the two lungs of one).
"""

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from covidct.imaging.forest import Forest, load_forest
from covidct.imaging.panels.lines import Band, Lines, Profile, Region, bands, grey_of, read_lines

Thumb = NDArray[np.float32]
_SMALL = 20
"""Sides are compared as squares of this many pixels."""
_THUMB_SIDE = 160
_TALL = 240
"""Rows, at most, by which it is measured whether a picture goes on across a line."""


@dataclass(frozen=True)
class Candidate:
    """A cut that drops columns ``start`` to ``stop`` (none where they are equal); ``origin`` says what proposed it."""

    start: int
    stop: int
    origin: str


@dataclass(frozen=True)
class Cut:
    """A candidate with its probability; ``axis`` 0 cuts from top to bottom (along x), 1 from side to side."""

    candidate: Candidate
    axis: int
    score: float
    level: float
    """Grey of the band that is dropped, or at the line."""


def _tops(profile: Profile, count: int, least: float, apart: int = 6) -> list[int]:
    """Places of the ``count`` highest peaks of at least ``least``, ``apart`` columns from one another."""
    places: list[int] = []
    for x in np.argsort(-profile, kind="stable")[: 12 * count]:
        if profile[x] < least or len(places) == count:
            break
        if all(abs(int(x) - p) >= apart for p in places):
            places.append(int(x))
    return places


def _from_bands(lines: Lines, found: list[Band]) -> list[Candidate]:
    w = len(lines.spread)
    inner = [b for b in found if b.start > 4 and b.stop < w - 4]
    inner.sort(key=lambda b: b.start - b.stop)
    return [Candidate(b.start, b.stop, "band") for b in inner[:14]]


def _from_steps(lines: Lines, found: list[Band]) -> list[Candidate]:
    places = _tops(lines.step, 6, 0.12) + _tops(lines.step_mean, 3, 0.1)
    return [Candidate(x, x, "step") for x in places]


def _from_peaks(lines: Lines, found: list[Band]) -> list[Candidate]:
    places = [x for p in (lines.peak1, lines.peak2, lines.peak3) for x in _tops(p, 4, 0.1)]
    return [Candidate(x, x, "peak") for x in places]


def _from_threads(lines: Lines, found: list[Band]) -> list[Candidate]:
    places = [x for p in (lines.light, lines.dark) for x in _tops(p, 4, 0.4)]
    return [Candidate(x, x + 1, "thread") for x in places]


def _from_division(lines: Lines, found: list[Band]) -> list[Candidate]:
    w = len(lines.spread)
    shares = sorted({i / k for k in (2, 3, 4, 5) for i in range(1, k)})
    return [Candidate(round(s * w), round(s * w), "division") for s in shares]


PROPOSERS = (_from_bands, _from_threads, _from_steps, _from_peaks, _from_division)
"""In order of precedence: where two propose the same place, the first one's extent stands."""


def candidates(lines: Lines) -> list[Candidate]:
    """Places worth weighing, at least 4 % of the width (and 12 columns) from the sides."""
    w = len(lines.spread)
    edge, found = max(12, w * 0.03), bands(lines)
    kept: list[Candidate] = []
    for propose in PROPOSERS:
        for c in propose(lines, found):
            inside = edge <= (c.start + c.stop) / 2 <= w - edge
            if inside and not any(_covers(k, c) for k in kept):
                kept.append(c)
    return kept


def _covers(kept: Candidate, c: Candidate) -> bool:
    """Whether ``c`` adds nothing: a thread counts beside a band, for it is exact where a black band is not."""
    reach = -1 if c.origin == "thread" and kept.origin == "band" else 2
    return kept.start - reach <= c.start and c.stop <= kept.stop + reach


FEATURES = (
    "axis", "step", "step_left", "step_right", "step_mean", "seen", "peak1", "peak2", "peak3", "light", "light_strict",
    "dark", "dark_strict", "spread", "level", "colour", "band", "band_share", "step_rank", "peak_rank", "aspect",
    "aspect_left", "aspect_right", "smaller", "division", "height_share", "width_share", "repeat", "mirror",
    "whole_mirror", "left_even", "right_even", "left_fill", "right_fill", "left_extent", "right_extent",
    "halves_mirror", "halves_repeat", "parts_repeat", "parts_mirror", "ink_here", "ink_rank", "band_light", "band_dark",
    "goes_on", "goes_on_change", "goes_on_detail", "goes_on_grey", "band_colour",
)  # fmt: skip


def _near(profile: Profile, start: int, stop: int, reach: int) -> float:
    return float(profile[max(0, start - reach) : stop + reach + 1].max())


def _line_features(lines: Lines, c: Candidate) -> list[float]:
    a, b = c.start, c.stop
    middle = min((a + b) // 2, len(lines.spread) - 1)
    other = np.ones(len(lines.step), bool)
    other[max(0, a - 6) : b + 7] = False
    step, peak = _near(lines.step, a, b, 2), _near(lines.peak2, a, b, 1)
    return [
        step, _near(lines.step, a, a, 2), _near(lines.step, b, b, 2), _near(lines.step_mean, a, b, 2),
        _near(lines.seen, a, b, 1), _near(lines.peak1, a, b, 1), peak, _near(lines.peak3, a, b, 1),
        _near(lines.light, a, b, 1), _near(lines.light_strict, a, b, 1), _near(lines.dark, a, b, 1),
        _near(lines.dark_strict, a, b, 1), float(lines.spread[max(0, middle - 1) : middle + 2].min()),
        float(lines.level[middle]), float(lines.colour[middle]), float(b - a), (b - a) / len(lines.spread),
        step - float(lines.step[other].max(initial=0)), peak - float(lines.peak2[other].max(initial=0)),
    ]  # fmt: skip


def _unit(thumb: Thumb) -> Thumb:
    small = cv2.resize(thumb, (_SMALL, _SMALL), interpolation=cv2.INTER_AREA)
    centred = small - small.mean()
    return np.asarray(centred / max(float(np.linalg.norm(centred)), 1e-3), np.float32)


class Sides:
    """What lies left and right of a line, looked at small."""

    def __init__(self, grey: Thumb, axis: int) -> None:
        h, w = grey.shape
        self.scale = min(1.0, _THUMB_SIDE / max(h, w))
        size = (max(8, round(w * self.scale)), max(8, round(h * self.scale)))
        self.thumb: Thumb = np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), np.float32)
        self.axis, self.shape = axis, (h, w)
        self.lit = (self.thumb > 40).mean(0)
        self._known: dict[int, list[float]] = {}
        half = self.thumb.shape[1] // 2
        left, right = _unit(self.thumb[:, :half]), _unit(self.thumb[:, -half:])
        whole = _unit(self.thumb)
        self.whole_mirror = float((whole * self._flip(whole)).sum())
        self.halves = [float((left * right[:, ::-1]).sum()), float((left * right).sum())]

    def _flip(self, unit: Thumb) -> Thumb:
        """Left and right of the picture exchanged, whichever way the region is turned."""
        return unit[:, ::-1] if self.axis == 0 else unit[::-1]

    def features(self, c: Candidate, level: float) -> list[float]:
        """Repetition, mirror image, evenness and fill of the two sides of ``c``."""
        n = self.thumb.shape[1]
        a = int(np.clip(round(c.start * self.scale), 2, n - 2))
        b = int(np.clip(round(c.stop * self.scale), a, n - 2))
        reach = min(a, n - b)
        left, right = _unit(self.thumb[:, a - reach : a]), _unit(self.thumb[:, b : b + reach])
        even = [float((u * self._flip(u)).sum()) for u in (left, right)]
        other = np.abs(self.thumb - level) > 24
        sides = (other[:, :a], other[:, b:])
        mirror = float((left * right[:, ::-1]).sum())
        same = [float((left * right).sum()), mirror, self.whole_mirror]
        parts = self._parts((c.start + c.stop) / 2 / self.shape[1])
        fill = [float(s.mean()) for s in sides]
        extent = [float(s.any(1).mean()) for s in sides]
        return [*same, *even, *fill, *extent, *self.halves, *parts, *self._ink(a, b)]

    def _parts(self, share: float) -> list[float]:
        """How far the equal parts that a line at ``share`` of the width belongs to repeat and mirror one another."""
        count = min((2, 3, 4, 5), key=lambda k: (round(abs(share - round(share * k) / k), 2), k))
        return self.equal(count)

    def equal(self, count: int) -> list[float]:
        """Mean correlation of neighbours among ``count`` equal parts: as they are, and the second turned over."""
        if count not in self._known:
            width = self.thumb.shape[1] / count
            units = [_unit(self.thumb[:, round(i * width) : max(round((i + 1) * width), 1)]) for i in range(count)]
            pairs = list(pairwise(units))
            repeat = float(np.mean([float((a * b).sum()) for a, b in pairs]))
            self._known[count] = [repeat, float(np.mean([float((a * b[:, ::-1]).sum()) for a, b in pairs]))]
        return self._known[count]

    def _ink(self, a: int, b: int) -> list[float]:
        """How much that is not black lies on the line, and beside how much elsewhere."""
        here = float(self.lit[max(0, a - 1) : b + 1].min())
        return [here, float((self.lit < here).mean())]


class Flow:
    """Whether a picture goes on across a line: what stands along both sides of it, compared."""

    def __init__(self, lane: Thumb) -> None:
        """``lane``: (h, w)."""
        h = len(lane)
        pairs = (lane[:, :-1] + lane[:, 1:]) / 2
        along = cv2.blur(pairs, (1, max(3, h // 60) | 1))
        detail = along - cv2.blur(along, (1, max(9, h // 6) | 1))
        self.width = lane.shape[1]
        self.along = np.ascontiguousarray(along.T)
        """(w - 1, h): means of two columns each, softened along them."""
        self.detail = np.ascontiguousarray(detail.T)
        self.grey = self.along - self.along.mean(1, keepdims=True)

    def features(self, start: int, stop: int) -> list[float]:
        """Across columns ``start`` to ``stop``: correlation of the detail along both sides, their difference as a share
        of what the picture itself changes over such a distance, how much detail there is, and the correlation of their
        grey. The best of three distances, for print and JPEG blur a line's sides."""
        best = [0.0, 3.0, 0.0, 0.0]
        for apart in (1, 3, 6):
            a, b = start - apart - 2, stop + apart
            if a < 0 or b + 2 > self.width:
                continue
            found = _alike(self.detail[a], self.detail[b])
            if found > best[0]:
                least = min(float(self.detail[a].std()), float(self.detail[b].std()))
                best = [found, min(self._change(a, b), 3.0), least, _alike(self.grey[a], self.grey[b])]
        return best

    def _change(self, a: int, b: int) -> float:
        """Mean difference of two places as a share of the picture's own, over as much beside each."""
        wide = b - a - 2
        pairs = [(a - wide, a), (b + wide, b)]
        own = [self._apart(x, y) for x, y in pairs if 0 <= x <= self.width - 2]
        return self._apart(a, b) / ((sum(own) / len(own) if own else 10.0) + 1)

    def _apart(self, a: int, b: int) -> float:
        return float(np.abs(self.along[a] - self.along[b]).mean())


def _alike(a: Thumb, b: Thumb) -> float:
    size = float(np.sqrt(np.dot(a, a) * np.dot(b, b)))
    return float(np.dot(a, b)) / size if size > 1e-3 else 0.0


def _shape_features(c: Candidate, shape: tuple[int, int], figure: tuple[int, int]) -> list[float]:
    h, w = shape
    left, right = max(c.start, 1), max(w - c.stop, 1)
    share = (c.start + c.stop) / 2 / w
    division = min(abs(share - i / k) for k in (2, 3, 4, 5) for i in range(1, k))
    sizes = [float(np.log(s / h)) for s in (w, left, right)]
    return [*sizes, min(left, right) / w, division, h / figure[0], w / figure[1]]


@dataclass(frozen=True)
class Survey:
    """All that is measured of a region: candidates of both axes, their feature rows, and the region as a whole."""

    found: tuple[tuple[Candidate, int], ...]
    """Candidates with their axis."""
    rows: NDArray[np.float32]
    """(candidates, len(FEATURES))."""
    levels: tuple[float, ...]
    whole: NDArray[np.float32]
    """(len(WHOLE),)."""


WHOLE = (
    "aspect", "height_share", "width_share", "mirror", "repeat2", "mirror2", "repeat3", "mirror3", "repeat4", "mirror4",
    "repeat5", "mirror5", "down_mirror", "down_repeat2", "down_mirror2", "down_repeat3", "down_mirror3", "down_repeat4",
    "down_mirror4", "down_repeat5", "down_mirror5",
)  # fmt: skip
REGION = (*FEATURES, *WHOLE, "best", "rival", "across", "down", "bulk")
"""Columns on which the second forest decides whether the best candidate of a region is a cut at all."""


def survey(region: Region, figure: tuple[int, int]) -> Survey:
    """Measure ``region`` (h, w, 3) of a figure of height and width ``figure``."""
    h, w = region.shape[:2]
    found: list[tuple[Candidate, int]] = []
    levels: list[float] = []
    rows: list[list[float]] = []
    whole = [float(np.log(w / h)), h / figure[0], w / figure[1]]
    for axis in (0, 1):
        lane = turned(region, axis)
        grey = grey_of(lane)
        lines, sides, flow = read_lines(lane), Sides(grey, axis), Flow(grey[:: -(-len(grey) // _TALL)])
        size = figure if axis == 0 else figure[::-1]
        for c in candidates(lines):
            level = float(lines.level[min((c.start + c.stop) // 2, len(lines.level) - 1)])
            found.append((c, axis))
            levels.append(level)
            rows.append([*_row(c, axis, lines, sides, level, size), *flow.features(c.start, c.stop), _tinted(lines, c)])
        whole += [sides.whole_mirror, *(v for k in (2, 3, 4, 5) for v in sides.equal(k))]
    values = np.asarray(rows, np.float32).reshape(len(rows), len(FEATURES))
    return Survey(tuple(found), values, tuple(levels), np.asarray(whole, np.float32))


def _tinted(lines: Lines, c: Candidate) -> float:
    """The most colour of any column of a line: drawn lines are coloured, gutters hardly ever."""
    return float(lines.colour[c.start : max(c.stop, c.start + 1)].max(initial=0))


def _row(c: Candidate, axis: int, lines: Lines, sides: Sides, level: float, figure: tuple[int, int]) -> list[float]:
    shape = _shape_features(c, sides.shape, figure)
    paper = [float(c.origin == "band" and level > 225), float(c.origin == "band" and level < 30)]
    return [float(axis), *_line_features(lines, c), *shape, *sides.features(c, level), *paper]


@cache
def line_forest() -> Forest:
    """Weights for single lines, as shipped."""
    return load_forest(Path(str(files("covidct.imaging.panels"))) / "lines.npz")


@cache
def region_forest() -> Forest:
    """Weights for regions: is the best line a cut, or is the region one picture? As shipped."""
    return load_forest(Path(str(files("covidct.imaging.panels"))) / "regions.npz")


def turned(region: Region, axis: int) -> Region:
    """The region itself, or for ``axis`` 1 transposed, so that cuts always run along its columns."""
    return region if axis == 0 else np.asarray(cv2.transpose(region), np.uint8)


def region_row(seen: Survey, scores: NDArray[np.float32]) -> NDArray[np.float32]:
    """(len(REGION),) from a survey and the probabilities of its candidates."""
    odds = np.log(np.clip(scores, 1e-5, 1 - 1e-5)) - np.log1p(-np.clip(scores, 1e-5, 1 - 1e-5))
    best = int(scores.argmax())
    chosen, axis = seen.found[best]
    axes = np.array([a for _, a in seen.found])
    apart = np.array([a != axis or abs(c.start - chosen.start) > 12 for c, a in seen.found])
    tops = [float(odds[mask].max(initial=-12)) for mask in (apart, axes == 0, axes == 1)]
    evidence = [float(odds[best]), *tops, float(np.log(scores.sum() + 1e-5))]
    return np.concatenate([seen.rows[best], seen.whole, np.asarray(evidence, np.float32)])


@dataclass(frozen=True)
class Weighed:
    """Candidates of a region as cuts, best first, and how sure it is that the best one is to be made."""

    cuts: tuple[Cut, ...]
    sure: float


def weigh(region: Region, figure: tuple[int, int], least: float = 0.002) -> Weighed:
    """Cuts of at least probability ``least``. ``figure``: height and width of the whole figure."""
    seen = survey(region, figure)
    if not seen.found:
        return Weighed((), 0.0)
    scores = line_forest().scores(seen.rows)[:, 1]
    sure = float(region_forest().scores(region_row(seen, scores)[None])[0, 1])
    cuts = [
        Cut(c, axis, float(score), level)
        for (c, axis), score, level in zip(seen.found, scores, seen.levels, strict=True)
        if score >= least
    ]
    return Weighed(tuple(sorted(cuts, key=lambda cut: -cut.score)), sure if cuts else 0.0)
