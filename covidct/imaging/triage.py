"""What kind of picture this is: a CT slice of the lungs, other CT, a compound figure, or something else.

Named measurements (``MEASURES``) of a picture shrunk to 192 pixels, weighed by a forest that was trained on drawn
pictures and slices of LUNA16 (``benchmarks/train_triage.py``). Named rules (``RULES``) decide without it; named doubts
(``DOUBTS``) keep a score below what a release takes unseen, whatever the likeness.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from covidct.imaging.forest import Forest, load_forest
from covidct.imaging.lung import lung_mask
from covidct.imaging.panels.lines import Lines, bands, darkest, lightest, read_lines
from covidct.records import CT_KINDS, TRIAGE_KINDS

Picture = NDArray[np.uint8]
SIDE = 192
"""Longer side, in pixels, at which pictures are looked at."""
RELEASE_SCORE = 0.8
"""Score from which ct_axial_lung enters a release unseen; precision there was 0.99 or more (docs/panels.md)."""


@dataclass(frozen=True)
class Limits:
    """Thresholds of the rules and doubts, and of the score."""

    tiny: int = 24
    """Pixels of the shorter side below which nothing can be told."""
    small: int = 64
    """The same, below which no slice is read by anyone: tick labels and legends that a wrong cut made."""
    even: float = 3.0
    """Standard deviation of the grey levels of an empty picture."""
    colour: int = 30
    """Levels between colour channels; JPEG makes up to about 20 of a grey picture."""
    coloured: float = 0.05
    """Share of coloured pixels; arrows and words cover less."""
    lungs: float = 0.02
    """Share of a picture that is lung: heads, spines and necks by magnetic resonance have less."""
    doubtful: float = 0.5
    """The highest score that a doubt leaves."""
    temperature: float = 0.8
    """Divides the logarithms of the forest's probabilities: fitted on 4,000 drawn pictures that were held back."""


LIMITS = Limits()


@dataclass(frozen=True)
class View:
    """A picture shrunk for looking: ``rgb`` (h, w, 3), its mean ``grey`` (h, w) float32, and its full shape."""

    rgb: Picture
    grey: NDArray[np.float32]
    shape: tuple[int, int]


@dataclass(frozen=True)
class Triage:
    """``score``: probability of ``kind``; low: let a person look. ``rule``: what decided or raised a doubt, or ""."""

    kind: str
    is_compound: bool
    score: float
    rule: str

    @property
    def is_ct(self) -> bool:
        """Whether there is CT in it."""
        return self.kind in CT_KINDS


Measure = Callable[[View], list[float]]


def view(image: Picture) -> View:
    """``image`` (H, W, 3) RGB, shrunk to ``SIDE``."""
    h, w = image.shape[:2]
    scale = min(1.0, SIDE / max(h, w))
    if scale < 1:
        size = (max(8, round(w * scale)), max(8, round(h * scale)))
        image = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
    grey = cv2.transform(image, np.full((1, 3), 1 / 3, np.float32))
    return View(image, np.asarray(grey, np.float32), (h, w))


def _shares(values: NDArray[np.float32], edges: Sequence[float]) -> list[float]:
    counts, _ = np.histogram(values, edges)
    return [float(c) / max(values.size, 1) for c in counts]


def _chroma(v: View) -> Picture:
    """Levels between the channels, (h, w)."""
    return lightest(v.rgb) - darkest(v.rgb)


def colours(v: View) -> list[float]:
    """Saturation: mean, shares; hues of what is coloured; how many different colours."""
    chroma = _chroma(v).astype(np.float32)
    strong = chroma > 45
    means = [float(v.rgb[:, :, i][strong].mean()) if strong.any() else 0.0 for i in range(3)]
    coded = (v.rgb >> 4).astype(np.int32)
    codes = np.bincount((coded[:, :, 0] * 256 + coded[:, :, 1] * 16 + coded[:, :, 2]).ravel(), minlength=4096)
    used = float((codes > codes.sum() * 0.001).sum())
    return [float(chroma.mean()), *_shares(chroma, (12, 45, 100, 256)), *means, used, float(codes.max()) / v.grey.size]


def greys(v: View) -> list[float]:
    """Shares of eight grey levels and of the extremes, contrast, entropy."""
    shares = _shares(v.grey, (0, 8, 40, 80, 120, 160, 200, 247, 256))
    full = np.histogram(v.grey, 64, (0, 256))[0] / v.grey.size
    entropy = float(-(full[full > 0] * np.log2(full[full > 0])).sum())
    return [*shares, float(v.grey.std()), entropy]


def borders(v: View) -> list[float]:
    """The frame of the picture and its corners: black, white, even."""
    g = v.grey
    ring = np.concatenate([g[:3].ravel(), g[-3:].ravel(), g[:, :3].ravel(), g[:, -3:].ravel()])
    h, w = max(3, g.shape[0] // 12), max(3, g.shape[1] // 12)
    corners = [float(c.mean()) for c in (g[:h, :w], g[:h, -w:], g[-h:, :w], g[-h:, -w:])]
    sides = [float((s < 40).mean()) for s in (g[:, :3], g[:, -3:], g[:3], g[-3:])]
    return [
        float((ring < 40).mean()),
        float((ring > 235).mean()),
        float(ring.std()),
        min(corners),
        max(corners),
        *sides,
    ]


def texture(v: View) -> list[float]:
    """Flat, softly structured and hard-edged shares; fineness of the grain; edges along the axes."""
    g = v.grey
    mean, square = cv2.blur(g, (5, 5)), cv2.blur(g * g, (5, 5))
    unrest = np.sqrt(np.maximum(square - mean * mean, 0))
    middle = (mean > 20) & (mean < 225)
    soft = ((unrest > 1.2) & (unrest < 40) & middle).astype(np.uint8)
    solid = cv2.morphologyEx(soft, cv2.MORPH_OPEN, np.ones((5, 5), np.uint8))
    dx, dy = np.abs(cv2.Sobel(g, cv2.CV_32F, 1, 0)), np.abs(cv2.Sobel(g, cv2.CV_32F, 0, 1))
    edge = np.maximum(dx, dy) > 120
    straight = edge & (np.minimum(dx, dy) < 0.15 * np.maximum(dx, dy))
    grain = np.abs(cv2.Laplacian(g, cv2.CV_32F))
    fine = float(grain[middle].mean()) if middle.any() else 0.0
    straightness = float(straight.sum()) / max(1, int(edge.sum()))
    return [*_shares(unrest, (0, 0.8, 3, 8, 20, 40, 130)), float(solid.mean()), float(edge.mean()), straightness, fine]


def marks(v: View) -> list[float]:
    """Small dark marks on light ground, as text and plots have them, and large ones."""
    h, w = v.grey.shape
    found = []
    for ink in (v.grey < 110, v.grey > 160):
        count, _, stats, _ = cv2.connectedComponentsWithStats(ink.astype(np.uint8))
        areas = stats[1:, cv2.CC_STAT_AREA] / (h * w)
        small = float((areas < 0.002).sum())
        found += [small, float((areas > 0.01).sum()), float(areas.max(initial=0)), float(count)]
    return found


def lungs(v: View) -> list[float]:
    """Dark regions that do not reach the frame: the two largest, where they lie, how dark and how structured."""
    g = cv2.GaussianBlur(v.grey, (0, 0), 1.2)
    bright = g[g > 60]
    level = min(150.0, max(50.0, float(bright.mean()) * 0.72 if bright.size else 50.0))
    dark = (g < level).astype(np.uint8)
    dark[0], dark[-1], dark[:, 0], dark[:, -1] = 1, 1, 1, 1
    return [level, *_regions(v.grey, dark, outside=True)]


def contrasts(v: View) -> list[float]:
    """The same whatever the window: levels parted where they part best, regions that reach the frame included, and
    what that leaves of dark and light along the sides and in the middle."""
    g = cv2.GaussianBlur(v.grey, (0, 0), 1.2)
    low, high = (float(value) for value in np.percentile(g, (2, 98)))
    plain = np.clip((g - low) * 255 / max(high - low, 1.0), 0, 255).astype(np.uint8)
    level, dark = cv2.threshold(plain, 0, 1, cv2.THRESH_BINARY_INV + cv2.THRESH_OTSU)
    regions = _regions(plain.astype(np.float32), np.asarray(dark, np.uint8), outside=False)
    small = cv2.resize(dark.astype(np.float32), (12, 12), interpolation=cv2.INTER_AREA)
    places = [small[:2], small[-2:], small[:, :2], small[:, -2:], small[3:9, 2:5], small[3:9, 7:10], small[3:9, 5:7]]
    turned = small - small.mean()
    unit = turned / max(float(np.linalg.norm(turned)), 1e-3)
    mirror = float((unit * unit[:, ::-1]).sum())
    return [low, high, level, *regions, *(float(place.mean()) for place in places), mirror]


def _regions(grey: NDArray[np.float32], dark: Picture, outside: bool) -> list[float]:
    """Of ``dark`` (h, w): share of what reaches the corner; place, box, grey and texture of the two largest regions;
    share and number of all."""
    h, w = grey.shape
    _, label, stats, centres = cv2.connectedComponentsWithStats(dark, connectivity=4)
    outer = int(label[0, 0]) if outside else 0
    order = [int(i) for i in np.argsort(-stats[:, cv2.CC_STAT_AREA]) if i not in (0, outer)][:2]
    values: list[float] = [float((label == outer).mean())]
    for index in order:
        inside = grey[label == index]
        wide, tall, area = (float(n) for n in stats[index][2:])
        place = [centres[index][0] / w, centres[index][1] / h, wide / w, tall / h, area / max(1.0, wide * tall)]
        values += [area / (h * w), *(float(p) for p in place), float(inside.mean()), float(inside.std())]
    values += [0.0] * (1 + 16 - len(values))
    enclosed = stats[1:, cv2.CC_STAT_AREA][[i - 1 for i in range(1, len(stats)) if i != outer]]
    return [*values, float(enclosed.sum()) / (h * w), float((enclosed > h * w * 0.01).sum())]


def body(v: View) -> list[float]:
    """What stands out from the frame: its box, how full and how round, and its mirror image."""
    g = v.grey
    h, w = g.shape
    light = (g > 45).astype(np.uint8)
    _, _, stats, _ = cv2.connectedComponentsWithStats(light)
    if len(stats) > 1:
        index = 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax())
        x, y, wide, tall, area = (float(n) for n in stats[index])
    else:
        x, y, wide, tall, area = 0.0, 0.0, float(w), float(h), 0.0
    small = np.asarray(cv2.resize(g, (24, 24), interpolation=cv2.INTER_AREA), np.float32)
    unit = (small - small.mean()) / max(float(np.linalg.norm(small - small.mean())), 1e-3)
    mirror = [float((unit * unit[:, ::-1]).sum()), float((unit * unit[::-1]).sum())]
    rings = _rings(small)
    return [x / w, y / h, wide / w, tall / h, area / max(1.0, wide * tall), wide / max(tall, 1), *mirror, *rings]


def _rings(small: NDArray[np.float32]) -> list[float]:
    ys, xs = np.mgrid[0:24, 0:24] - 11.5
    radius = np.hypot(xs, ys) / 12
    return [float(small[(radius >= a) & (radius < a + 0.3)].mean()) for a in (0.0, 0.3, 0.6, 0.9)]


def _line_values(lines: Lines, count: int) -> list[float]:
    inner = slice(6, max(7, count - 6))
    tops = np.sort(lines.step[inner])[::-1]
    found = [b for b in bands(lines) if b.start > 5 and b.stop < count - 5]
    wide = max((b.stop - b.start for b in found), default=0) / count
    whites, blacks = sum(b.level > 225 for b in found), sum(b.level < 30 for b in found)
    peaks = [float(p[inner].max(initial=0)) for p in (lines.peak1, lines.peak2, lines.light, lines.dark)]
    return [float(tops[0]), float(tops[min(3, len(tops) - 1)]), float(len(found)), wide, whites, blacks, *peaks]


def cuts(v: View) -> list[float]:
    """Traces of several panels: straight lines both ways, and halves that repeat instead of mirroring."""
    values = [float(np.log(v.shape[1] / v.shape[0]))]
    for region, grey in ((v.rgb, v.grey), (np.ascontiguousarray(v.rgb.transpose(1, 0, 2)), v.grey.T.copy())):
        values += _line_values(read_lines(region), region.shape[1])
        values += [_alike(grey, parts, flip) for parts in (2, 3) for flip in (False, True)]
    return values


def _alike(grey: NDArray[np.float32], parts: int, flip: bool) -> float:
    """Correlation of the first and second of ``parts`` equal parts, the second turned over where ``flip``."""
    width = grey.shape[1] // parts
    units = []
    for index in range(2):
        part = cv2.resize(grey[:, index * width : (index + 1) * width], (16, 16), interpolation=cv2.INTER_AREA)
        part = part - part.mean()
        units.append(part / max(float(np.linalg.norm(part)), 1e-3))
    return float((units[0] * (units[1][:, ::-1] if flip else units[1])).sum())


MEASURES: tuple[Measure, ...] = (colours, greys, borders, texture, marks, lungs, contrasts, body, cuts)
"""Each gives a fixed number of values; their order is the forest's column order."""


def measure(v: View) -> NDArray[np.float32]:
    """All measurements of a picture, (columns,)."""
    return np.asarray([value for m in MEASURES for value in m(v)], np.float32)


def _blank(v: View) -> bool:
    return float(v.grey.std()) < LIMITS.even


def _tiny(v: View) -> bool:
    return min(v.shape) < LIMITS.tiny


def _small(v: View) -> bool:
    return min(v.shape) < LIMITS.small


def _coloured(v: View) -> bool:
    return float((_chroma(v) > LIMITS.colour).mean()) > LIMITS.coloured


def _lungless(v: View) -> bool:
    return float(lung_mask(v.rgb).mean()) < LIMITS.lungs


RULES: tuple[tuple[str, Callable[[View], bool], str], ...] = (
    ("blank", _blank, "other"),
    ("tiny", _tiny, "other"),
)
"""Name, test, kind: the first that fires decides."""
DOUBTS: Mapping[str, tuple[Callable[[View], bool], frozenset[str]]] = {
    "small": (_small, CT_KINDS),
    "coloured": (_coloured, CT_KINDS),
    "no lungs": (_lungless, frozenset({"ct_axial_lung"})),
}
"""Test, and of what kinds: CT is grey and larger, and a slice of the lungs shows some of them. The first that fires is
kept; those before have all kinds of those behind, which need not be asked then.
"""
COMPOUND = "compound:"
"""Prefix of the forest's classes for compound pictures."""

PRIORS = {"ct_other": 0.5, "compound_with_ct": 0.7, "xray": 2.0, "pet": 2.0, "other": 1.4}
"""How much more often than among the drawn pictures a kind is met in papers; 1 for the others."""


@cache
def forest() -> Forest:
    """The weights that ship with the package."""
    return load_forest(Path(str(files("covidct.imaging"))) / "triage.npz")


@dataclass(frozen=True)
class Look:
    """What is kept of a picture: the rule that decided on it, or its measurements, (columns,), and what raises a doubt;
    never its pixels.
    """

    ruled: Triage | None
    values: NDArray[np.float32]
    doubt: str = ""


def look(image: Picture) -> Look:
    """Measure ``image``, (H, W, 3) RGB uint8."""
    v = view(image)
    for name, fires, kind in RULES:
        if fires(v):
            return Look(Triage(kind, False, 1.0, name), np.empty(0, np.float32))
    return Look(None, measure(v), next((name for name, (fires, _) in DOUBTS.items() if fires(v)), ""))


def judge(looks: Sequence[Look]) -> list[Triage]:
    """The kind of each picture that was looked at; the forest is asked once for all."""
    rows = [seen.values for seen in looks if seen.ruled is None]
    weights = forest()
    scores = iter(weights.scores(np.stack(rows)) if rows else ())
    return [seen.ruled or _doubted(_verdict(weights.classes, next(scores)), seen.doubt) for seen in looks]


def triage_all(images: Iterable[Picture]) -> list[Triage]:
    """The kind of each picture, (H, W, 3) RGB uint8; only one of them is held at a time."""
    return judge([look(image) for image in images])


def triage(image: Picture) -> Triage:
    """The kind of ``image``, (H, W, 3) RGB uint8."""
    return judge([look(image)])[0]


def _doubted(verdict: Triage, doubt: str) -> Triage:
    if not doubt or verdict.kind not in DOUBTS[doubt][1]:
        return verdict
    return replace(verdict, score=min(verdict.score, LIMITS.doubtful), rule=doubt)


def _verdict(classes: Sequence[str], scores: NDArray[np.float32]) -> Triage:
    kinds = dict.fromkeys(TRIAGE_KINDS, 0.0)
    compound = 0.0
    priors = np.array([PRIORS.get(name.removeprefix(COMPOUND), 1.0) for name in classes])
    powers = scores ** (1 / LIMITS.temperature) * priors
    for name, score in zip(classes, powers / powers.sum(), strict=True):
        kinds[name.removeprefix(COMPOUND)] += float(score)
        compound += float(score) * (name.startswith(COMPOUND) or name == "compound_with_ct")
    kind = max(kinds, key=lambda k: kinds[k])
    return Triage(kind, kind == "compound_with_ct" or compound > 0.5, round(kinds[kind], 3), "")
