"""Fit the weights of triage on drawn pictures: python benchmarks/train_triage.py --pictures 4000 --out FILE.npz

Nothing but drawings goes in, so the weights may be shipped; the same seed gives the same file.
"""

import argparse
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier

from covidct.imaging.forest import from_boosting
from covidct.imaging.phantoms.figures import LAYOUTS, compose, text_mark
from covidct.imaging.phantoms.kinds import OTHER_KINDS, belly
from covidct.imaging.phantoms.prints import printed
from covidct.imaging.triage import COMPOUND, MEASURES, measure, view

Picture = NDArray[np.uint8]
Maker = Callable[[np.random.Generator], Picture]
PARTED = [name for name in LAYOUTS if not name.startswith("single") and name != "inset"]


def _rgb(picture: Picture) -> Picture:
    return np.repeat(picture[:, :, None], 3, 2) if picture.ndim == 2 else picture


def axial_lung(rng: np.random.Generator) -> Picture:
    """An axial slice in the lung window, as printed."""
    return _rgb(printed(rng, plane="axial", window="lung"))


def ct_other(rng: np.random.Generator) -> Picture:
    """A slice in the soft-tissue window, a coronal one, or one of the belly."""
    choice = rng.random()
    if choice < 0.4:
        return belly(rng)
    return _rgb(printed(rng, plane="coronal") if choice < 0.7 else printed(rng, plane="axial", window="mediastinal"))


def compound_ct(rng: np.random.Generator) -> Picture:
    """A figure of several pictures, most of them CT."""
    slices = [_rgb(printed(rng)) for _ in range(int(rng.integers(2, 5)))]
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


def single_of(kind: str) -> Maker:
    """Makes single pictures of a kind that is no CT."""

    def make(rng: np.random.Generator) -> Picture:
        draws = OTHER_KINDS[kind]
        return draws[int(rng.integers(len(draws)))](rng)

    return make


MAKERS: dict[str, tuple[Maker, int]] = {
    "ct_axial_lung": (axial_lung, 18),
    "ct_other": (ct_other, 14),
    "compound_with_ct": (compound_ct, 18),
    **{kind: (single_of(kind), 12 if kind == "chart_or_diagram" else 7) for kind in OTHER_KINDS},
    **{COMPOUND + kind: (compound_of(kind), 2) for kind in OTHER_KINDS if kind != "logo"},
}
"""Class: who draws it, and its share."""


def worn(rng: np.random.Generator, picture: Picture) -> Picture:
    """As found in papers: a strip of caption below, a margin, another size, JPEG."""
    h, w = picture.shape[:2]
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
    scale = float(rng.uniform(0.4, 1.3))
    size = (max(60, round(picture.shape[1] * scale)), max(60, round(picture.shape[0] * scale)))
    picture = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
    _, data = cv2.imencode(".jpg", picture[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(60, 98))])
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR))[:, :, ::-1].copy()


def row_of(seed: int) -> tuple[NDArray[np.float32], str]:
    """Measurements and class of one drawn picture."""
    rng = np.random.default_rng((seed, 5))
    shares = np.array([share for _, share in MAKERS.values()], float)
    name = list(MAKERS)[int(rng.choice(len(MAKERS), p=shares / shares.sum()))]
    return measure(view(worn(rng, MAKERS[name][0](rng)))), name


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", type=int, default=5000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--out", type=Path, default=Path("covidct/imaging/triage.npz"))
    parser.add_argument("--keep", type=Path, help="keep the measurements here (.npz), or read them from here")
    args = parser.parse_args()
    if args.keep and args.keep.exists():
        with np.load(args.keep) as kept:
            values, names = kept["values"], kept["names"]
    else:
        with ProcessPoolExecutor(args.workers) as pool:
            rows = list(pool.map(row_of, range(args.pictures), chunksize=16))
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
