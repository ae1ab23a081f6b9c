"""Fit the weights of the panel splitter on made figures: python benchmarks/train_panels.py --slices DIR

Drawn slices and charts go in, and slices of LUNA16 (CC BY 4.0), so the weights may be shipped. The same seed and code
give the same figures. Leaves ``lines.npz``, ``regions.npz`` and their manifest ``forests.json``.
"""

import argparse
import hashlib
import json
import pickle
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import cache, partial
from pathlib import Path

import cv2
import numpy as np
from drawn.boosting import from_boosting
from drawn.figures import LAYOUTS, Composed, PixelBox, compose
from drawn.kinds import OTHER_KINDS
from drawn.prints import draw_phantom, printed_set
from numpy.typing import NDArray
from PIL import Image
from sklearn.ensemble import HistGradientBoostingClassifier

from covidct.imaging.forest import Forest
from covidct.imaging.panels.cut import FEATURES, REGION, Candidate, Survey, region_row, survey
from covidct.imaging.panels.leaf import Piece, trim
from covidct.imaging.phantoms import Grey

WEIGHTS = {
    "abutting": 4,
    "uneven-abutting": 2,
    "white-hairline": 2,
    "black-gutter": 2,
    "single": 4,
    "letters-inside": 2,
    "inset": 2,
    "nested": 2,
    "drawn-lines": 3,
    "lungs-on-black": 3,
    "maps": 4,
    "pale-abutting": 2,
    "blocks": 2,
    "flow": 4,
    "single-drawn": 4,
    "single-lungs": 3,
    "single-map": 2,
}
"""How often a layout comes, where more than once in a round."""
Example = tuple[Survey, NDArray[np.int8], int]
"""A region's survey, which of its candidates are cuts, and the figure's number."""


def inside(box: PixelBox, region: PixelBox) -> PixelBox | None:
    """The part of ``box`` in ``region``, in the region's pixels; None where less than a sliver is left."""
    x0, y0, x1, y1 = max(box[0], region[0]), max(box[1], region[1]), min(box[2], region[2]), min(box[3], region[3])
    if x1 - x0 < 3 or y1 - y0 < 3:
        return None
    return x0 - region[0], y0 - region[1], x1 - region[0], y1 - region[1]


def gaps(intervals: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Where nothing lies between the first start and the last stop (a gap may have no width)."""
    found, reach = [], None
    for start, stop in sorted(intervals):
        if reach is not None and start >= reach - 2:
            found.append((min(reach, start), max(reach, start)))
        reach = stop if reach is None else max(reach, stop)
    return found


def right(c: Candidate, free: list[tuple[int, int]]) -> bool:
    """Whether a cut there would part two pictures and cut into none."""
    if c.origin == "band":
        return any(
            min(c.stop, stop) - max(c.start, start) >= 0.5 * (stop - start) and _within(c, start)
            for start, stop in free
        )
    return any(start - 2 <= c.start and c.stop <= stop + 2 for start, stop in free)


def _within(c: Candidate, start: int) -> bool:
    return c.start - 2 <= start <= c.stop + 2


def regions(rng: np.random.Generator, figure: Composed) -> Iterator[tuple[PixelBox, list[list[tuple[int, int]]]]]:
    """Regions that a right splitter comes to, each with the gaps along both axes."""
    h, w = figure.image.shape[:2]
    todo: list[PixelBox] = [(0, 0, w, h)]
    while todo:
        region = trim(figure.image, Piece(todo.pop())).box
        boxes = [b for b in (inside(box, region) for box in (*(p.box for p in figure.panels), *figure.others)) if b]
        if not any(inside(p.box, region) for p in figure.panels):
            continue
        free = [gaps([(b[axis], b[axis + 2]) for b in boxes]) for axis in (0, 1)]
        choices = [axis for axis in (0, 1) if free[axis]]
        if choices or rng.random() < max(0.25, 1.5 / len(figure.panels)):
            yield region, free
        if choices:
            axis = choices[int(rng.integers(len(choices)))]
            start, stop = free[axis][int(rng.integers(len(free[axis])))]
            first, second = list(region), list(region)
            first[axis + 2], second[axis] = region[axis] + start, region[axis] + stop
            todo += [(first[0], first[1], first[2], first[3]), (second[0], second[1], second[2], second[3])]


@cache
def _pool() -> tuple[Grey, ...]:
    """Bare slices that all figures of this process are made of: drawing them is what costs time."""
    return tuple(draw_phantom(np.random.default_rng((index, 7))) for index in range(200))


@cache
def _scans(folder: Path) -> tuple[Grey, ...]:
    """Every eighth of the first 800 slices in ``folder``."""
    return tuple(np.asarray(Image.open(p).convert("L")) for p in sorted(folder.iterdir())[:800:8])


@cache
def _guests() -> tuple[NDArray[np.uint8], ...]:
    """Pictures of other kinds that stand in figures, alone or beside CT."""
    draws = [draw for kind in ("xray", "pet", "pet", "microscopy", "other") for draw in OTHER_KINDS[kind]]
    return tuple(draw(np.random.default_rng((i, 8))) for i, draw in enumerate(draws * 8))


def rows_of(seed: int, layout: str, folder: Path | None) -> list[Example]:
    """Surveys and answers for the regions of one made figure: half of them of scans, where there are any."""
    cv2.setNumThreads(1)
    rng = np.random.default_rng((seed, 77))
    slices = printed_set(rng, _scans(folder) if folder and rng.random() < 0.5 else _pool(), 9)
    if rng.random() < 0.2:
        others = [_guests()[int(i)] for i in rng.integers(0, len(_guests()), 3)]
        slices = others if rng.random() < 0.6 else [*others, *slices[:4]]
    figure = compose(rng, slices, layout)
    examples = []
    for (x0, y0, x1, y1), free in regions(rng, figure):
        if min(x1 - x0, y1 - y0) < 28:
            continue
        seen = survey(figure.image[y0:y1, x0:x1], (figure.image.shape[0], figure.image.shape[1]))
        if seen.found:
            examples.append((seen, np.array([right(c, free[axis]) for c, axis in seen.found], np.int8), seed))
    return examples


def collect(figures: int, workers: int, folder: Path | None) -> list[Example]:
    """Examples of ``figures`` made figures, all layouts in turn."""
    layouts = [name for name in LAYOUTS for _ in range(WEIGHTS.get(name, 1))]
    names = [layouts[i % len(layouts)] for i in range(figures)]
    with ProcessPoolExecutor(workers) as pool:
        parts = pool.map(partial(rows_of, folder=folder), range(figures), names, chunksize=4)
        return [example for part in parts for example in part]


def boosted(values: NDArray[np.float32], answers: NDArray[np.int8], names: tuple[str, ...], trees: int) -> Forest:
    """A forest fitted to (n, len(names)) values, checked to answer as the fitted model does."""
    model = HistGradientBoostingClassifier(
        max_iter=trees,
        max_leaf_nodes=15,
        learning_rate=0.08,
        l2_regularization=1.0,
        early_stopping=False,
        random_state=0,
    )
    model.fit(values, answers)
    forest = from_boosting(model, ("no", "cut"), names)
    apart = np.abs(forest.scores(values[:2000])[:, 1] - model.predict_proba(values[:2000])[:, 1]).max()
    if apart > 1e-3:
        raise SystemExit(f"the saved trees answer otherwise than the fitted ones, by {apart:.3f}")
    return forest


def lines_of(examples: list[Example]) -> Forest:
    """The first forest: is this line a cut?"""
    rows, answers = np.concatenate([e[0].rows for e in examples]), np.concatenate([e[1] for e in examples])
    return boosted(rows, answers, FEATURES, 260)


def regions_of(examples: list[Example]) -> Forest:
    """The second forest: is the best line of this region a cut? Each half is judged by lines of the other half."""
    rows, answers = [], []
    for half in (0, 1):
        lines = lines_of([e for e in examples if e[2] % 2 != half])
        for seen, right_ones, _ in (e for e in examples if e[2] % 2 == half):
            scores = lines.scores(seen.rows)[:, 1]
            rows.append(region_row(seen, scores))
            answers.append(right_ones[int(scores.argmax())])
    return boosted(np.stack(rows), np.array(answers, np.int8), REGION, 140)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--figures", type=int, default=2400)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--slices", type=Path, help="folder of LUNA16 slices")
    parser.add_argument("--out", type=Path, default=Path("covidct/imaging/panels"))
    parser.add_argument("--keep", type=Path, help="keep the examples here, or read them from here")
    parser.add_argument("--commit", default="", help="the commit that the manifest names")
    args = parser.parse_args()
    if args.keep and args.keep.exists():
        examples = pickle.loads(args.keep.read_bytes())  # noqa: S301 - written by the last run of this script
    else:
        examples = collect(args.figures, args.workers, args.slices)
        if args.keep:
            args.keep.write_bytes(pickle.dumps(examples))
    print(f"{len(examples)} regions, {sum(len(e[1]) for e in examples)} lines", flush=True)
    lines_of(examples).save(args.out / "lines.npz")
    regions_of(examples).save(args.out / "regions.npz")
    manifest = {
        "files": {n: hashlib.sha256((args.out / n).read_bytes()).hexdigest() for n in ("lines.npz", "regions.npz")},
        "command": f"python benchmarks/train_panels.py --figures {args.figures} --slices DIR",
        "commit": args.commit,
        "data": "drawn slices" + (" and 100 LUNA16 slices (CC BY 4.0)" if args.slices else ""),
        "regions": len(examples),
    }
    (args.out / "forests.json").write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
