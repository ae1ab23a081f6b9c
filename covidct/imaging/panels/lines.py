"""Lines that run straight through a region from top to bottom: what tells a cut between two pictures from anatomy.

All profiles are along x; for cuts from side to side pass the transposed region.
"""

from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

Grey = NDArray[np.float32]
"""(h, w)."""
Region = NDArray[np.uint8]
"""(h, w, 3)."""
Profile = NDArray[np.float32]
"""(w,)."""
SEGMENTS = 8
"""A line must be seen along its whole length, so its evidence is counted piece by piece."""
UNIFORM = 26.0
"""A column whose grey spans no more than this (2nd to 98th percentile) is of one colour, JPEG noise allowed."""
_NEAR = 12
_ROWS = 400
"""Of taller regions only every other row (third, fourth...) is read: a line is as straight in those."""


@dataclass(frozen=True)
class Lines:
    """Profiles of one region, each (w,); entry x speaks of column x, or of the line between columns x - 1 and x."""

    step: Profile
    """Lower quartile, over the pieces that can see, of the share of rows with an isolated step."""
    step_mean: Profile
    seen: Profile
    """Share of pieces where the two sides differ or are structured: elsewhere a step could not be seen."""
    peak1: Profile
    peak2: Profile
    peak3: Profile
    """How far the mean change over 1, 2, 3 columns stands above that of all neighbours."""
    light: Profile
    dark: Profile
    """Lower quartile of rows where the column is a light (dark) thread, or as light (dark) as can be."""
    light_strict: Profile
    dark_strict: Profile
    spread: Profile
    """2nd to 98th percentile of the column's grey, and of its channels where they differ more."""
    level: Profile
    colour: Profile
    """Difference between the channels' means."""


def grey_of(region: Region) -> Grey:
    """Mean of the channels, (h, w)."""
    return np.asarray(cv2.transform(region, np.full((1, 3), 1 / 3, np.float32)), np.float32)


def lightest(region: Region) -> NDArray[np.uint8]:
    """The largest of the channels, (h, w)."""
    red, green, blue = cv2.split(region)
    return np.asarray(cv2.max(cv2.max(red, green), blue), np.uint8)


def darkest(region: Region) -> NDArray[np.uint8]:
    """The smallest of the channels, (h, w)."""
    red, green, blue = cv2.split(region)
    return np.asarray(cv2.min(cv2.min(red, green), blue), np.uint8)


def read_lines(region: Region) -> Lines:
    """All profiles of ``region``; regions below 24 pixels have none worth reading and get zeros."""
    smooth = np.asarray(cv2.blur(grey_of(region), (1, 3)), np.float32)
    every = -(-len(region) // _ROWS)
    smooth, region = np.ascontiguousarray(smooth[::every]), region[::every]
    step, step_mean, seen = _steps(smooth)
    light, light_strict = _threads(smooth)
    dark, dark_strict = _threads(255 - smooth)
    spread, level, colour = _columns(region)
    peak1, peak2, peak3 = (_peaks(smooth, span) for span in (1, 2, 3))
    return Lines(
        step, step_mean, seen, peak1, peak2, peak3, light, dark, light_strict, dark_strict, spread, level, colour
    )


def _pieces(h: int) -> NDArray[np.intp]:
    return np.linspace(0, h, SEGMENTS + 1).astype(np.intp)[:-1]


def _piece_means(hits: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Share of true rows in each piece, (SEGMENTS, w)."""
    h = len(hits)
    ends = [*_pieces(h), h]
    counted = hits.view(np.uint8)
    return np.stack([_mean(counted[start:stop]) for start, stop in pairwise(ends)])


def _mean(values: NDArray[np.uint8]) -> Profile:
    """Mean of each column, (w,)."""
    return np.asarray(cv2.reduce(values, 0, cv2.REDUCE_AVG, dtype=cv2.CV_32F)[0], np.float32)


def _low(values: NDArray[np.float32]) -> Profile:
    """The third lowest of the pieces, (w,): a line may be interrupted in two of eight."""
    return np.asarray(np.sort(values, axis=0)[2], np.float32)


def _steps(smooth: Grey) -> tuple[Profile, Profile, Profile]:
    h, w = smooth.shape
    step, mean, seen = (np.zeros(w, np.float32) for _ in range(3))
    if w < 24 or h < 24:
        return step, mean, seen
    across = np.abs(smooth[:, 3:] - smooth[:, :-3])
    around = np.maximum(across[:, :-6], across[:, 6:])
    jump = across[:, 3:-3]
    strong = (jump > 12) & (jump > 2 * around + 5)
    blind = (jump < 8) & (around < 8)
    visible = _piece_means(~blind)
    hits = _piece_means(strong) / np.maximum(visible, 1e-3)
    can_see = visible >= 0.1
    ordered = np.sort(np.where(can_see, hits, 2.0), axis=0)
    count = can_see.sum(0)
    quartile = np.take_along_axis(ordered, np.maximum((count * 0.3).astype(np.intp), 0)[None], axis=0)[0]
    place = slice(5, 5 + jump.shape[1])
    step[place] = np.where(count > 0, quartile, 0)
    mean[place] = _mean(strong.view(np.uint8))
    seen[place] = count / SEGMENTS
    return step, mean, seen


def _threads(smooth: Grey) -> tuple[Profile, Profile]:
    """Columns lighter than what lies two or three columns away on both sides, or white already."""
    h, w = smooth.shape
    soft, strict = np.zeros(w, np.float32), np.zeros(w, np.float32)
    if w < 24 or h < 24:
        return soft, strict
    sides = np.maximum(np.minimum(smooth[:, :-6], smooth[:, 1:-5]), np.minimum(smooth[:, 6:], smooth[:, 5:-1]))
    middle = smooth[:, 3:-3]
    above = middle > sides + 10
    soft[3:-3] = _low(_piece_means(above | (middle > 238)))
    strict[3:-3] = _mean(above.view(np.uint8))
    return soft, strict


def _peaks(smooth: Grey, span: int) -> Profile:
    h, w = smooth.shape
    profile = np.zeros(w, np.float32)
    if w < 2 * _NEAR or h < 24:
        return profile
    change = np.minimum(np.abs(smooth[:, span:] - smooth[:, :-span]), 60).mean(0)
    first = (span + 1) // 2
    profile[first : first + len(change)] = change
    padded = np.pad(profile, _NEAR, mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * _NEAR + 1)
    apart = np.abs(np.arange(-_NEAR, _NEAR + 1)) >= span + 2
    around = windows[:, apart]
    return np.asarray((profile - around.max(1)) / (around.std(1) + 1.0), np.float32)


def _columns(region: Region) -> tuple[Profile, Profile, Profile]:
    # Whole levels are sorted by counting where they stand in line: five times faster than down the columns.
    grey = np.sort(cv2.transpose(grey_of(region).astype(np.uint8)), axis=1, kind="stable")
    edge, last = grey.shape[1] // 50, grey.shape[1] - 1
    spread = (grey[:, last - edge] - grey[:, edge]).astype(np.float32)
    means = cv2.reduce(np.ascontiguousarray(region), 0, cv2.REDUCE_AVG, dtype=cv2.CV_32F)[0]
    return spread, np.asarray(means.mean(1), np.float32), np.asarray(means.max(1) - means.min(1), np.float32)


@dataclass(frozen=True)
class Band:
    """Neighbouring columns of one colour: ``start`` to ``stop`` (exclusive)."""

    start: int
    stop: int
    level: float


def bands(lines: Lines) -> list[Band]:
    """Runs of columns of one colour, from left to right, those at the region's sides included."""
    w = len(lines.spread)
    found: list[Band] = []
    start = -1
    for x in range(w + 1):
        even = x < w and lines.spread[x] <= UNIFORM
        apart = even and start >= 0 and abs(lines.level[x] - lines.level[x - 1]) > 12
        if start >= 0 and (not even or apart):
            found.append(Band(start, x, float(np.median(lines.level[start:x]))))
            start = -1
        if even and start < 0:
            start = x
    return found
