"""Lay one thumbnail over another and say how far they show the same pixels."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Grey = NDArray[np.uint8]
Floats = NDArray[np.float64]
Single = NDArray[np.float32]

_MIN_OVERLAP = 0.2

_SMOOTH = 0.8
"""Sigma, pixels, of a blur before: a zoomed thumbnail has lost the grain that the other still has."""
_LOCAL = 1.8
"""Sigma of the neighbourhood in which the local correlation is taken."""
_BAND = 2.5
"""Sigma of what is taken away to leave fine detail."""
_TEXTURE = 12.0
"""Variance, grey levels squared, under which a neighbourhood is flat and says nothing."""
_SPOILT = 20
"""Percentile of the local correlation that counts: so much of a picture may be spoilt by marks."""


@dataclass(frozen=True)
class Alignment:
    """How ``a`` lies on ``b``. ``matrix`` (2 x 3) takes a pixel of ``b`` to its place in ``a``.

    ``score``: how far the fine detail is the same, -1 to 1: the larger of the correlation of the detail (which a
    clipped window hardly changes) and the ``_SPOILT`` percentile of the local correlation (which arrows and letters
    hardly change). ``mean``: the mean local correlation, which grows while one slides into place over the other.
    ``overlap``: share of ``b`` that ``a`` covers.

    Neighbouring slices of a thin series reach a score of 0.93, copies of one slice go down to 0.96.
    """

    matrix: Floats
    score: float
    mean: float
    overlap: float


def align(a: Grey, b: Grey, start: Floats, *, rounds: int = 40) -> Alignment:
    """Refine ``start`` (2 x 3, from pixels of ``b`` to pixels of ``a``) by ECC, and measure the likeness.

    Enhanced correlation coefficient of Evangelidis and Psarakis (2008), which does not mind brightness and contrast.
    Where it does not converge the start stands.
    """
    best = judge(a, b, start)
    for _ in range(2):  # once more from there, with the overlap as it has become
        refined = _refine(a, b, best.matrix, rounds)
        found = judge(a, b, refined)
        gain, best = found.mean - best.mean, max(found, best, key=lambda one: one.mean)
        if gain < 0.002:
            break
    return best


def _refine(a: Grey, b: Grey, start: Floats, rounds: int) -> Floats:
    criteria = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, rounds, 1e-4)
    matrix, mask = start.astype(np.float32), inside(a, b, start).astype(np.uint8)
    try:
        _, refined = cv2.findTransformECC(b, a, matrix, cv2.MOTION_AFFINE, criteria, mask, 5)
    except cv2.error:  # flat or far apart: no gradient to follow
        return start
    return np.asarray(refined, dtype=np.float64)


def judge(a: Grey, b: Grey, matrix: Floats) -> Alignment:
    """The likeness of ``a`` laid on ``b`` by ``matrix``, as it stands."""
    where = inside(a, b, matrix)
    overlap = float(where.mean())
    if overlap < _MIN_OVERLAP:
        return Alignment(matrix, -1.0, -1.0, overlap)
    x, y = _blur(lay(a, b, matrix).astype(np.float32), _SMOOTH), _blur(b.astype(np.float32), _SMOOTH)
    local = _local_correlation(x, y, where)
    score = max(_detail_correlation(x, y, where), float(np.percentile(local, _SPOILT)))
    return Alignment(matrix, score, float(local.mean()), overlap)


def lay(a: Grey, b: Grey, matrix: Floats) -> Grey:
    """``a`` moved on to ``b``: a picture of the size of ``b``."""
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    moved = cv2.warpAffine(a, matrix, (b.shape[1], b.shape[0]), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(moved, dtype=np.uint8)


def inside(a: Grey, b: Grey, matrix: Floats) -> NDArray[np.bool_]:
    """Where a pixel of ``b`` has its place well inside ``a``."""
    whole = np.zeros(a.shape, np.uint8)
    whole[2:-2, 2:-2] = 1
    flags = cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP
    return np.asarray(cv2.warpAffine(whole, matrix, (b.shape[1], b.shape[0]), flags=flags) > 0, dtype=np.bool_)


def _local_correlation(x: Single, y: Single, where: NDArray[np.bool_]) -> Single:
    """Correlation in a Gaussian neighbourhood of each textured place inside; [0] where all is flat."""
    mx, my = _blur(x, _LOCAL), _blur(y, _LOCAL)
    vx, vy = _blur(x * x, _LOCAL) - mx * mx, _blur(y * y, _LOCAL) - my * my
    textured = where & (np.maximum(vx, vy) > _TEXTURE)
    if textured.sum() < 0.02 * where.size:
        return np.zeros(1, np.float32)
    spread = np.sqrt(np.maximum(vx, _TEXTURE / 4) * np.maximum(vy, _TEXTURE / 4))
    local = (_blur(x * y, _LOCAL) - mx * my) / spread
    return np.asarray(np.clip(local[textured], -1, 1), dtype=np.float32)


def _detail_correlation(x: Single, y: Single, where: NDArray[np.bool_]) -> float:
    inner = cv2.erode(where.astype(np.uint8), np.ones((7, 7), np.uint8)) > 0
    a, b = (x - _blur(x, _BAND))[inner], (y - _blur(y, _BAND))[inner]
    if len(a) == 0:
        return 0.0
    a, b = a - a.mean(), b - b.mean()
    return float((a * b).sum() / (np.sqrt((a * a).sum() * (b * b).sum()) + 1e-6))


def _blur(x: Single, sigma: float) -> Single:
    return np.asarray(cv2.GaussianBlur(x, (0, 0), sigma), dtype=np.float32)
