"""Fit the weights of triage: python benchmarks/train_triage.py --slices DIR --pictures 16000 --out FILE.npz

Drawings, charts by matplotlib, and slices of one half of LUNA16 (CC BY) go in; only thresholds come out.
``--keep`` keeps the measurements, so that the forest can be fitted again without drawing.
"""

import argparse
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import cv2
import numpy as np
from draw_charts import drawn_chart, piece_of_chart
from draw_kinds import (
    as_published,
    cut_out,
    electron_micrograph,
    gel,
    mask_of,
    real_photo,
    rendering,
    sagittal,
    ultrasound,
)
from drawn.boosting import from_boosting
from drawn.figures import LAYOUTS, compose, text_mark
from drawn.kinds import OTHER_KINDS, belly, charts, diagram, glow
from drawn.prints import draw_style, print_slice, printed
from marks_backgrounds import lungs_of, slices_of
from numpy.typing import NDArray
from PIL import Image
from sklearn.ensemble import HistGradientBoostingClassifier

from covidct.imaging.triage import COMPOUND, MEASURES, measure, view

Picture = NDArray[np.uint8]
Maker = Callable[[np.random.Generator], Picture]
PARTED = [name for name in LAYOUTS if not name.startswith("single") and name != "inset"]


SLICES: list[Path] = []
"""Real slices, of the half that is trained on; empty: phantoms alone."""


def lung_slice(rng: np.random.Generator) -> Picture:
    """An axial slice in the lung window as printed, a real one in three of four."""
    choice = rng.random()
    if not SLICES or choice < 0.25:
        return _rgb(printed(rng, plane="axial", window="lung"))
    return _rgb(print_slice(rng, _real(rng), draw_style(rng))) if choice < 0.55 else as_published(rng, _real(rng))


def _real(rng: np.random.Generator) -> Picture:
    """A real slice of which lungs are a tenth, if a few tries find one."""
    for _ in range(8):
        with Image.open(SLICES[int(rng.integers(len(SLICES)))]) as picture:
            plain = np.asarray(picture.convert("L"))
        if lungs_of(plain).mean() > 0.1:
            break
    return plain


def _tissue(rng: np.random.Generator) -> Picture:
    """A real slice as a soft-tissue window shows it: black lungs; dim in some."""
    low, high = rng.uniform((130, 205), (165, 245))
    bright = 255 if rng.random() < 0.6 else rng.uniform(70, 255)
    shown = np.clip((_real(rng).astype(np.float32) - low) * bright / (high - low), 0, 255).astype(np.uint8)
    return _rgb(print_slice(rng, shown, draw_style(rng)))


def _rgb(picture: Picture) -> Picture:
    return np.repeat(picture[:, :, None], 3, 2) if picture.ndim == 2 else picture


def axial_lung(rng: np.random.Generator) -> Picture:
    """An axial slice in the lung window, as printed."""
    return lung_slice(rng)


def ct_other(rng: np.random.Generator) -> Picture:
    """A slice in the soft-tissue window, a coronal or sagittal one, or one of the belly."""
    choice = rng.random()
    if choice < 0.2:
        return belly(rng)
    if choice < 0.65:
        return _rgb(sagittal(rng) if choice < 0.35 else printed(rng, plane="coronal"))
    if SLICES and choice < 0.92:
        return _tissue(rng) if choice < 0.84 else cut_out(rng, _real(rng))
    return _rgb(printed(rng, plane="axial", window="mediastinal"))


def compound_ct(rng: np.random.Generator) -> Picture:
    """A figure of several pictures, most of them CT."""
    draw = lung_slice if rng.random() < 0.5 else lambda r: _rgb(printed(r))
    slices = [draw(rng) for _ in range(int(rng.integers(2, 5)))]
    if rng.random() < 0.3:
        guests = [draw for kind in ("pet", "other", "xray", "microscopy") for draw in OTHER_KINDS[kind]]
        slices.append(guests[int(rng.integers(len(guests)))](rng))
    return compose(rng, slices, PARTED[int(rng.integers(len(PARTED)))]).image


def compound_of(kind: str) -> Maker:
    """Makes figures of several pictures of one other kind."""

    def make(rng: np.random.Generator) -> Picture:
        draws = OTHER_KINDS[kind]
        slices = [draws[int(rng.integers(len(draws)))](rng) for _ in range(3)]
        layouts = ("white-gutter", "black-gutter", "letters-inside", "letters-outside")
        return compose(rng, slices, layouts[int(rng.integers(len(layouts)))]).image

    return make


def chart(rng: np.random.Generator) -> Picture:
    """A chart, a page of them, or a piece that a wrong cut left of one."""
    choice = rng.random()
    if choice < 0.55:
        return drawn_chart(rng)
    return piece_of_chart(rng) if choice < 0.8 else (charts, diagram)[int(rng.integers(2))](rng)


def other(rng: np.random.Generator) -> Picture:
    """Scans that are no CT, and what is made of CT: maps of activation, masks, renderings; gels; nothing."""
    choice = rng.random()
    if choice < 0.25:
        return glow(rng, lung_slice(rng))
    if choice < 0.4:
        return mask_of(rng, lung_slice(rng))
    makers = (ultrasound, gel, rendering, *OTHER_KINDS["other"])
    return makers[int(rng.integers(len(makers)))](rng)


def micrograph(rng: np.random.Generator) -> Picture:
    """Stained tissue, cells on black, or an electron micrograph."""
    return electron_micrograph(rng) if rng.random() < 0.35 else OTHER_KINDS["microscopy"][0](rng)


def photo(rng: np.random.Generator) -> Picture:
    """A part of one of a few free photographs, or shapes in soft light."""
    return real_photo(rng) if rng.random() < 0.5 else OTHER_KINDS["photo"][0](rng)


def colourless(maker: Maker, share: float) -> Maker:
    """``maker``, without its colour in ``share`` of the pictures: papers printed in grey."""

    def make(rng: np.random.Generator) -> Picture:
        picture = maker(rng)
        return _rgb(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)) if rng.random() < share else picture

    return make


def single_of(kind: str) -> Maker:
    """Makes single pictures of a kind that is no CT."""

    def make(rng: np.random.Generator) -> Picture:
        draws = OTHER_KINDS[kind]
        return draws[int(rng.integers(len(draws)))](rng)

    return make


MAKERS: dict[str, tuple[Maker, int]] = {
    "ct_axial_lung": (axial_lung, 20),
    "ct_other": (ct_other, 16),
    "compound_with_ct": (compound_ct, 16),
    "xray": (single_of("xray"), 7),
    "pet": (single_of("pet"), 7),
    "chart_or_diagram": (chart, 22),
    "microscopy": (colourless(micrograph, 0.25), 8),
    "photo": (colourless(photo, 0.3), 7),
    "logo": (colourless(single_of("logo"), 0.2), 4),
    "other": (other, 14),
    **{COMPOUND + kind: (compound_of(kind), 2) for kind in OTHER_KINDS if kind != "logo"},
}
"""Class: who draws it, and its share."""
WORN = {"chart_or_diagram": 3, "compound_with_ct": 2}
"""How many rows one drawing gives, where not one: matplotlib takes half of all time otherwise."""


def worn(rng: np.random.Generator, picture: Picture) -> Picture:
    """As found in papers: dim or pale, a strip of caption below, a margin, another size, JPEG."""
    h, w = picture.shape[:2]
    if rng.random() < 0.15:
        strength = rng.uniform(0.35, 0.95)
        picture = (picture * strength + 255 * (1 - strength) * rng.choice([0, rng.random()])).astype(np.uint8)
    if rng.random() < 0.12:
        strip = np.full((max(18, h // 12), w, 3), 255, np.uint8)
        words = text_mark("Figure 1. Computed tomography of the chest", strip.shape[0] // 2, (0, 0, 0), (255, 255, 255))
        strip[3 : 3 + words.shape[0], 4 : 4 + words.shape[1]] = words[: strip.shape[0] - 3, : w - 4]
        picture = np.vstack([picture, strip])
    if rng.random() < 0.12:
        paper = 255 if rng.random() < 0.7 else 0
        picture = np.pad(
            picture, ((int(rng.integers(0, 20)),) * 2, (int(rng.integers(0, 20)),) * 2, (0, 0)), constant_values=paper
        )
    scale = max(float(rng.uniform(0.3, 1.3)), 26 / min(picture.shape[:2]))
    size = (round(picture.shape[1] * scale), round(picture.shape[0] * scale))
    picture = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
    _, data = cv2.imencode(".jpg", picture[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(60, 98))])
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR))[:, :, ::-1].copy()


def rows_of(job: tuple[int, tuple[Path, ...]]) -> list[tuple[NDArray[np.float32], str]]:
    """Measurements and class of one drawn picture, worn once or (what takes long to draw) more often."""
    seed, files = job
    SLICES[:] = files
    rng = np.random.default_rng((seed, 5))
    shares = np.array([share / WORN.get(name, 1) for name, (_, share) in MAKERS.items()], float)
    name = list(MAKERS)[int(rng.choice(len(MAKERS), p=shares / shares.sum()))]
    picture = MAKERS[name][0](rng)
    return [(measure(view(worn(rng, picture))), name) for _ in range(WORN.get(name, 1))]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--slices", type=Path, help="folder of real slices, SERIES_NUMBER.jpg")
    parser.add_argument("--half", type=int, choices=(0, 1), default=0, help="the half of the series to draw on")
    parser.add_argument("--pictures", type=int, default=10000, help="drawings; charts give three rows")
    parser.add_argument("--first", type=int, default=0, help="the first seed; those held back start elsewhere")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--out", type=Path, default=Path("covidct/imaging/triage.npz"))
    parser.add_argument("--keep", type=Path, help="keep the measurements here (.npz), or read them from here")
    args = parser.parse_args()
    if args.keep and args.keep.exists():
        with np.load(args.keep) as kept:
            values, names = kept["values"], kept["names"]
    else:
        with ProcessPoolExecutor(args.workers) as pool:
            files = tuple(slices_of(args.slices, args.half)) if args.slices else ()
            seeds = range(args.first, args.first + args.pictures)
            parts = pool.map(rows_of, [(seed, files) for seed in seeds], chunksize=16)
            rows = [row for part in parts for row in part]
        values, names = np.stack([r[0] for r in rows]), np.array([r[1] for r in rows])
        if args.keep:
            np.savez_compressed(args.keep, values=values, names=names)
    model = HistGradientBoostingClassifier(
        max_iter=60, max_leaf_nodes=9, learning_rate=0.12, early_stopping=False, l2_regularization=1.0, random_state=0
    )
    model.fit(values, names)
    columns = tuple(f"{m.__name__}{i}" for m in MEASURES for i in range(len(m(view(np.zeros((90, 90, 3), np.uint8))))))
    forest = from_boosting(model, tuple(map(str, model.classes_)), columns)
    apart = np.abs(forest.scores(values[:1000]) - model.predict_proba(values[:1000])).max()
    if apart > 1e-3:
        raise SystemExit(f"the saved trees answer otherwise than the fitted ones, by {apart:.4f}")
    forest.save(args.out)
    print(f"{len(names)} pictures, {values.shape[1]} columns; written to {args.out}")


if __name__ == "__main__":
    main()
