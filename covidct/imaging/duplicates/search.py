"""Find pictures that show the same scan: cropped, rescaled, mirrored, re-windowed, re-encoded, marked or framed.

Candidates: pictures whose patch hashes meet in several places that agree about one shift and zoom. Decision: the mean
local correlation after one is laid over the other. Hash buckets grow longer with the number of pictures and are cut
at a fixed size, so the work is that of sorting the hashes: n log n.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from covidct.imaging.duplicates.correlation import Alignment, Floats, align, inside, judge, lay
from covidct.imaging.duplicates.hashes import SIDE, TABLES, VARIANTS, Patches, frameless, grey_of, patches, thumbnail

MIN_SCORE = 0.95
"""Neighbouring slices of one series stay under it, changed copies of one slice above: see Alignment."""

_MAX_BUCKET = 32
_NEIGHBOURS = 2
"""In a larger bucket (common anatomy, or one picture many times) only the next entries on each side are compared."""
_MIN_VOTES = 4
_MAX_CANDIDATES = 12
_SHORTER = 6
"""Keys have two bits for each doubling of the patches, less these: bits of like patches are not independent."""
_SHIFT = 9.0
"""Thumbnail pixels within which two patches agree about the shift."""
_WIDE = 30.0
"""Thumbnail pixels that patches must span before their zoom is fitted, at most by _STRETCH off the variant's."""
_STRETCH = 1.12
_PROMISING = 0.3
"""Local correlation before refinement under which a candidate is not worth refining."""
_CERTAIN = 0.98
"""A pair this alike is not looked at again from the other side."""
_BLOCK = 256
_AS_IS = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0))

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Duplicate:
    """Pictures ``i`` < ``j`` (positions in the input) that show the same; ``change`` says how they differ.

    ``change``: ``identical``, or any of ``flip``, ``crop``, ``rescale``, ``window``, ``marks``, ``frame`` joined by
    ``+``, or ``re-encoded`` where none applies. ``matrix`` takes a thumbnail pixel of ``j`` to its place in ``i``.
    """

    i: int
    j: int
    score: float
    change: str
    matrix: tuple[tuple[float, float, float], tuple[float, float, float]]


@dataclass(frozen=True)
class _Start:
    """A candidate: how ``a`` may lie on ``b`` (pixels of b to pixels of a), and how many patches say so."""

    a: int
    b: int
    votes: int
    flip: bool
    matrix: Floats


@dataclass(frozen=True)
class Fingerprint:
    """What is kept of a picture, about 23 kB: thumbnail, size without a frame, whether there was one, patch hashes."""

    small: NDArray[np.uint8]
    size: tuple[int, int]
    framed: bool
    patches: Patches
    digest: bytes

    @classmethod
    def of(cls, image: NDArray[np.uint8]) -> "Fingerprint":
        """Of ``image``, height x width grey or x 3 RGB, 8 bit."""
        rows, columns = frameless(grey_of(image))
        size = columns.stop - columns.start, rows.stop - rows.start
        small = thumbnail(image)
        digest = blake2b(f"{image.shape}".encode() + np.ascontiguousarray(image).tobytes(), digest_size=16).digest()
        return cls(small, size, size != (image.shape[1], image.shape[0]), patches(small), digest)


def find_duplicates(images: Iterable[NDArray[np.uint8]], *, min_score: float = MIN_SCORE) -> list[Duplicate]:
    """Pairs of ``images`` (each height x width grey or x 3 RGB, 8 bit; read once, in order) that show the same scan.

    Of pictures with identical pixels only the first is compared with the rest; the others are paired with it.
    Sorted by ``i``, then ``j``.
    """
    return match([Fingerprint.of(image) for image in images], min_score=min_score)


def match(prints: Sequence[Fingerprint], *, min_score: float = MIN_SCORE) -> list[Duplicate]:
    """What :func:`find_duplicates` does, on pictures that were read before."""
    first, pairs = _exact(prints)
    best: dict[tuple[int, int], Duplicate] = {(pair.i, pair.j): pair for pair in pairs}
    for start in _candidates([prints[n].patches for n in first]):
        a, b = first[start.a], first[start.b]
        known = best.get((min(a, b), max(a, b)))
        if known is not None and known.score > _CERTAIN:
            continue
        found = _decide(prints[a].small, prints[b].small, start, min_score)
        if found is not None and (known is None or found.score > known.score):
            best[min(a, b), max(a, b)] = _pair(a, b, prints, found, start.flip)
    return sorted(best.values(), key=lambda pair: (pair.i, pair.j))


def _exact(prints: Sequence[Fingerprint]) -> tuple[list[int], list[Duplicate]]:
    """Positions of the first of each kind, and pairs of exact copies."""
    seen: dict[bytes, int] = {}
    pairs = []
    for n, one in enumerate(prints):
        if seen.setdefault(one.digest, n) != n:
            pairs.append(Duplicate(seen[one.digest], n, 1.0, "identical", _AS_IS))
    return list(seen.values()), pairs


def _candidates(prints: list[Patches]) -> Iterator[_Start]:
    """Pairs of prints that share enough patches in one arrangement, the best few for each print."""
    if not prints or not any(len(p.points) for p in prints):
        return
    owner = np.repeat(np.arange(len(prints)), [len(p.points) for p in prints])
    points = np.concatenate([p.points for p in prints]).astype(np.float64)
    keys = np.concatenate([p.keys for p in prints])
    bits = int(np.clip(round(2 * np.log2(len(owner))) - _SHORTER, 16, 32))
    keys &= np.uint32((1 << bits) - 1)
    tables = [_Table.of(keys[:, 0, t]) for t in range(TABLES)]
    first = np.searchsorted(owner, owner)
    for low in range(0, len(prints), _BLOCK):
        mine = slice(*np.searchsorted(owner, [low, low + _BLOCK]))
        hits = [table.meet(keys[mine, :, t], first[mine], mine.start) for t, table in enumerate(tables)]
        query, variant, hit = (np.concatenate(part) for part in zip(*hits, strict=True))
        yield from _vote(query, variant, hit, owner, points)


@dataclass(frozen=True)
class _Table:
    """Patches by key: bucket ``n`` holds ``patches[starts[n] : starts[n + 1]]``, ascending, all of key ``keys[n]``."""

    keys: NDArray[np.uint32]
    starts: Ints
    patches: Ints

    @classmethod
    def of(cls, keys: NDArray[np.uint32]) -> "_Table":
        patches = np.argsort(keys, kind="stable")
        different, starts = np.unique(keys[patches], return_index=True)
        return cls(different, np.append(starts, len(keys)), patches)

    def meet(self, keys: NDArray[np.uint32], own: Ints, offset: int) -> tuple[Ints, Ints, Ints]:
        """Query patch, variant, and patch met, for each meeting of ``keys`` (patches x variants) with the table.

        ``own``: the first patch of each query's picture. Looked up in the table's order: in a large table each look-up
        out of order waits for memory.
        """
        queries = np.argsort(keys, axis=None)
        wanted = keys.ravel()[queries]
        bucket = np.minimum(np.searchsorted(self.keys, wanted), len(self.keys) - 1)
        met = self.keys[bucket] == wanted
        queries, bucket = queries[met], bucket[met]
        low, high = self.starts[bucket], self.starts[bucket + 1]
        self._narrow(low, high, own[queries // keys.shape[1]])
        size = high - low
        which = np.repeat(np.arange(len(size)), size)
        step = np.arange(len(which)) - np.repeat(np.cumsum(size) - size, size)
        query, variant = np.divmod(queries[which], keys.shape[1])
        return query + offset, variant, self.patches[low[which] + step]

    def _narrow(self, low: Ints, high: Ints, own: Ints) -> None:
        """Bring long buckets down to what stands next to the query's own picture, in place."""
        for n in np.flatnonzero(high - low > _MAX_BUCKET):
            here = low[n] + np.searchsorted(self.patches[low[n] : high[n]], own[n])
            low[n], high[n] = max(low[n], here - _NEIGHBOURS), min(high[n], here + _NEIGHBOURS + 1)


def _vote(query: Ints, variant: Ints, hit: Ints, owner: Ints, points: Floats) -> Iterator[_Start]:
    a, b = owner[query], owner[hit]
    other = a != b
    query, variant, hit, a, b = query[other], variant[other], hit[other], a[other], b[other]
    group = (a * (int(owner[-1]) + 1) + b) * len(VARIANTS) + variant
    order = np.argsort(group, kind="stable")
    starts = np.flatnonzero(np.r_[True, np.diff(group[order]) > 0]) if len(order) else np.zeros(0, np.int64)
    ends = np.r_[starts[1:], len(order)] if len(starts) else starts
    enough = ends - starts >= _MIN_VOTES
    found: dict[int, dict[int, _Start]] = {}
    for low, high in zip(starts[enough], ends[enough], strict=True):
        rows = order[low:high]
        start = _agreed(int(a[rows[0]]), int(b[rows[0]]), int(variant[rows[0]]), points[query[rows]], points[hit[rows]])
        mine = found.setdefault(start.a, {})
        if start.votes >= _MIN_VOTES and (start.b not in mine or mine[start.b].votes < start.votes):
            mine[start.b] = start
    for mine in found.values():
        yield from sorted(mine.values(), key=lambda start: -start.votes)[:_MAX_CANDIDATES]


def _agreed(a: int, b: int, variant: int, at: Floats, to: Floats) -> _Start:
    """The shift most patches agree about (their median), how many do, and zoom and shift fitted to those."""
    zx, zy, flip = VARIANTS[variant]
    seen = np.column_stack([SIDE - 1 - at[:, 0] if flip else at[:, 0], at[:, 1]])
    shift = to - seen * (zx, zy)
    near = (np.abs(shift - np.median(shift, axis=0)) < _SHIFT).all(axis=1)
    lines = [_line(to[near, axis], seen[near, axis], 1 / zoom) for axis, zoom in enumerate((zx, zy))]
    matrix = np.array([[lines[0][0], 0, lines[0][1]], [0, lines[1][0], lines[1][1]]])
    if flip:
        matrix[0] = -matrix[0]
        matrix[0, 2] += SIDE - 1
    places = len(np.unique(to[near], axis=0))
    return _Start(a, b, int(near.sum()) if places > 1 else 0, flip, matrix)


def _line(x: Floats, y: Floats, slope: float) -> tuple[float, float]:
    """Slope and offset of y over x: fitted where the points lie wide enough apart, else with the slope given."""
    if len(x) == 0:
        return slope, 0.0
    spread = x - x.mean()
    if np.ptp(x) > _WIDE:
        fitted = float((spread * (y - y.mean())).sum() / (spread * spread).sum())
        slope = float(np.clip(fitted, slope / _STRETCH, slope * _STRETCH))
    return slope, float(y.mean() - slope * x.mean())


def _decide(a: NDArray[np.uint8], b: NDArray[np.uint8], start: _Start, min_score: float) -> Alignment | None:
    if judge(a, b, start.matrix).mean < _PROMISING:
        return None
    found = align(a, b, start.matrix)
    return found if found.score >= min_score else None


def _pair(a: int, b: int, prints: Sequence[Fingerprint], found: Alignment, flip: bool) -> Duplicate:
    change = _change(prints[a], prints[b], found, flip)
    matrix = found.matrix
    if a > b:
        matrix, a, b = np.linalg.inv(np.vstack([matrix, [0, 0, 1]]))[:2], b, a
    (m00, m01, m02), (m10, m11, m12) = matrix.tolist()
    return Duplicate(a, b, round(min(found.score, 1.0), 4), change, ((m00, m01, m02), (m10, m11, m12)))


def _change(a: Fingerprint, b: Fingerprint, found: Alignment, flip: bool) -> str:
    """Names of what tells ``a`` from ``b``, from how one lies on the other and what is then left."""
    zoom = np.abs(np.diag(found.matrix[:, :2]))
    centre = found.matrix @ [SIDE / 2, SIDE / 2, 1] - SIDE / 2
    pixels = zoom * a.size / b.size
    gain, offset, spoilt = _tones(lay(a.small, b.small, found.matrix), b.small, found.matrix)
    names = {
        "flip": flip,
        "crop": bool((np.abs(zoom - 1) > 0.04).any() or (np.abs(centre) > 3).any()),
        "rescale": bool((np.abs(pixels - 1) > 0.04).any()),
        "window": abs(gain - 1) > 0.08 or abs(offset) > 8,
        "marks": spoilt > 0.0015,
        "frame": a.framed != b.framed,
    }
    return "+".join(name for name, holds in names.items() if holds) or "re-encoded"


def _tones(a: NDArray[np.uint8], b: NDArray[np.uint8], matrix: Floats) -> tuple[float, float, float]:
    """Gain and offset that take ``a`` to ``b`` (over unclipped tones), and the share of places that are far off."""
    inner = inside(a, b, matrix)
    x, y = a[inner].astype(np.float64), b[inner].astype(np.float64)
    free = (x > 10) & (x < 245) & (y > 10) & (y < 245)
    if free.sum() < 50 or np.ptp(x[free]) < 10:
        return 1.0, 0.0, 0.0
    gain, offset = np.polyfit(x[free], y[free], 1)
    left = np.abs(np.clip(gain * x + offset, 0, 255) - y)
    return float(gain), float(offset), float((left > 60).mean())
