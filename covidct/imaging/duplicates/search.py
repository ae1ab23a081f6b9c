"""Find pictures that show the same scan: cropped, rescaled, mirrored, re-windowed, re-encoded, marked or framed.

Candidates: pictures whose patch hashes meet in several places that agree about one shift and zoom. Decision: the mean
local correlation after one is laid over the other. Each patch meets the few that stand next to it in the sorted hashes,
and each picture is compared with the few that most of its patches have met, so the work is that of sorting: n log n.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from covidct.imaging.duplicates.correlation import Alignment, Floats, Single, align, inside, judge, lay
from covidct.imaging.duplicates.hashes import SIDE, VARIANTS, Patches, frameless, grey_of, patches, thumbnail

MIN_SCORE = 0.95
"""Neighbouring slices of one series stay under it, changed copies of one slice above: see Alignment."""

_REACH = 2
"""Entries of a table on each side of a key that are compared with it: those that share most of its leading bits."""
_FAR = 4
"""Bits of 64 in which two patches differ at most; with 3, the last copies of 40,000 drawn pictures are not found."""
_MIN_VOTES = 3
_MAX_LOOKS = 36
"""Groups of meetings (a picture and a variant), the largest, whose arrangement is looked at, for each picture."""
_MAX_CANDIDATES = 12
_SHIFT = 9.0
"""Thumbnail pixels within which two patches agree about the shift."""
_WIDE = 30.0
"""Thumbnail pixels that patches must span before their zoom is fitted, at most by _STRETCH off the variant's."""
_STRETCH = 1.12
_PROMISING = 0.3
"""Local correlation before refinement under which a candidate is not worth refining."""
_CERTAIN = 0.98
"""A pair this alike is not looked at again from the other side."""
_BLOCK = 1024
"""Pictures looked up at once: few wait for memory more often, more no longer fit the cache."""
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
    """What is kept of a picture, about 20 kB: thumbnail, size without a frame, whether there was one, patch hashes."""

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
    if not any(len(p.points) for p in prints):
        return
    owner = np.repeat(np.arange(len(prints), dtype=np.int32), [len(p.points) for p in prints])
    points = np.concatenate([p.points for p in prints])
    plain = np.concatenate([p.keys[:, 0] for p in prints])
    tables, first = [_Table.of(plain), _Table.of(_turned(plain))], 0
    for low in range(0, len(prints), _BLOCK):
        keys = np.concatenate([p.keys for p in prints[low : low + _BLOCK]])
        hits = [table.meet(asked.ravel()) for table, asked in zip(tables, (keys, _turned(keys)), strict=True)]
        query, hit = (np.concatenate(part) for part in zip(*hits, strict=True))
        query, variant = np.divmod(query, len(VARIANTS))
        yield from _vote(query + first, variant, hit, owner, points)
        first += len(keys)


def _turned(keys: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The other 32 bits first: patches that part in an early bit of one order meet in the other."""
    half = np.uint64(32)
    return np.asarray(keys << half | keys >> half, dtype=np.uint64)


@dataclass(frozen=True)
class _Table:
    """Patches in the order of their keys (ascending): those that share leading bits stand side by side.

    A prefix tree written as a sorted list, the LSH forest of Bawa, Condie and Ganesan (2005): a query meets the few
    entries that share most leading bits with it, and their number does not grow with the table.
    """

    keys: NDArray[np.uint64]
    patches: NDArray[np.int32]

    @classmethod
    def of(cls, keys: NDArray[np.uint64]) -> "_Table":
        patches = np.argsort(keys, kind="stable").astype(np.int32)
        return cls(keys[patches], patches)

    def meet(self, keys: NDArray[np.uint64]) -> tuple[Ints, NDArray[np.int32]]:
        """Position in ``keys`` and patch met, for each meeting: of the ``_REACH`` entries on each side of where a key
        would stand, those that differ from it in ``_FAR`` bits at most.

        Looked up in the table's order: in a large table each look-up out of order waits for memory.
        """
        wanted, order = _sorted(keys)
        place = np.searchsorted(self.keys, wanted)
        queries, hits = list[Ints](), list[NDArray[np.int32]]()
        for step in range(-_REACH, _REACH):
            at = np.clip(place + step, 0, len(self.keys) - 1)
            near = np.flatnonzero(np.bitwise_count(self.keys[at] ^ wanted) <= _FAR)
            near = near[at[near] == place[near] + step]
            queries.append(order[near])
            hits.append(self.patches[at[near]])
        return np.concatenate(queries), np.concatenate(hits)


def _sorted(keys: NDArray[np.uint64]) -> tuple[NDArray[np.uint64], Ints]:
    """``keys`` in an order that is theirs but for the last bits, and that order: three times as fast as np.argsort."""
    number = np.uint64((1 << len(keys).bit_length()) - 1)
    packed = (keys & ~number) | np.arange(len(keys), dtype=np.uint64)
    packed.sort()
    order = (packed & number).astype(np.int64)
    return keys[order], order


def _vote(
    query: Ints, variant: Ints, hit: NDArray[np.int32], owner: NDArray[np.int32], points: Single
) -> Iterator[_Start]:
    a, b = owner[query], owner[hit]
    other = a != b
    query, variant, hit, a, b = query[other], variant[other], hit[other], a[other], b[other]
    group = (a.astype(np.int64) * (int(owner[-1]) + 1) + b) * len(VARIANTS) + variant
    order = np.argsort(group)
    found: dict[int, dict[int, _Start]] = {}
    for low, high in _most_met(group[order], a[order]):
        rows = order[low:high]
        start = _agreed(int(a[rows[0]]), int(b[rows[0]]), int(variant[rows[0]]), points[query[rows]], points[hit[rows]])
        mine = found.setdefault(start.a, {})
        if start.votes >= _MIN_VOTES and (start.b not in mine or mine[start.b].votes < start.votes):
            mine[start.b] = start
    for mine in found.values():
        yield from sorted(mine.values(), key=lambda start: -start.votes)[:_MAX_CANDIDATES]


def _most_met(group: Ints, picture: NDArray[np.int32]) -> list[tuple[int, int]]:
    """First and one past the last row of each picture's largest groups, ``_MAX_LOOKS`` a picture (rows by group)."""
    starts = np.flatnonzero(np.diff(group, prepend=-1))
    sizes = np.diff(starts, append=len(group))
    starts, sizes = starts[sizes >= _MIN_VOTES], sizes[sizes >= _MIN_VOTES]
    ranked = np.lexsort((-sizes, picture[starts]))
    own = picture[starts][ranked]
    rank = np.arange(len(own)) - np.searchsorted(own, own)
    kept = ranked[rank < _MAX_LOOKS]
    return list(zip(starts[kept].tolist(), (starts + sizes)[kept].tolist(), strict=True))


def _agreed(a: int, b: int, variant: int, at: Single, to: Single) -> _Start:
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


def _line(x: Single, y: Single, slope: float) -> tuple[float, float]:
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
