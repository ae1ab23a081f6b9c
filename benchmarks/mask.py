"""How well burnt-in marks are found: our own drawing on slices without marks, a table by kind of mark.

    python benchmarks/mask.py --slices DIR [--half 1] [--n 40] [--seeds 0,1,2] [--json FILE]

``--half 1`` keeps the series that the network in use was not trained on (benchmarks/train_marks.py). No text is read.
"""

import argparse
import json
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
from marks_backgrounds import Generator, Grey, jpeg, slices_of
from marks_draw import Drawn, draw
from numpy.typing import NDArray
from PIL import Image

from covidct.imaging.overlays.find import find_overlays, paint_over

Bools = NDArray[np.bool_]
NEAR = np.ones((9, 9), np.uint8)
"""A pixel this near to a mark counts as neither: JPEG has touched it."""


@dataclass
class Tally:
    """Counts of pixels over all pictures of a seed."""

    drawn: Counter[str] = field(default_factory=Counter)
    covered: Counter[str] = field(default_factory=Counter)
    far: int = 0
    far_masked: int = 0
    clean_shares: list[float] = field(default_factory=list)
    ssims: list[tuple[float, float]] = field(default_factory=list)
    changed: int = 0
    seconds: float = 0.0
    pictures: int = 0

    def row(self) -> dict[str, float]:
        ssim, oracle = np.mean(self.ssims, axis=0)
        return {
            "covered": self.covered.total() / max(1, self.drawn.total()),
            "others masked": self.far_masked / max(1, self.far),
            "clean masked": float(np.mean(self.clean_shares)),
            "ssim": float(ssim),
            "ssim of oracle": float(oracle),
            "changed outside": self.changed,
            "pictures/s": self.pictures / self.seconds,
        }

    def kinds(self) -> dict[str, float]:
        return {kind: self.covered[kind] / count for kind, count in sorted(self.drawn.items()) if count}


def ssim_map(a: Grey, b: Grey) -> NDArray[np.float64]:
    """Wang et al. 2004, Gaussian window, 8-bit."""
    x, y = a.astype(np.float64), b.astype(np.float64)
    mx, my = _blur(x), _blur(y)
    vx, vy, both = _blur(x * x) - mx * mx, _blur(y * y) - my * my, _blur(x * y) - mx * my
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    return np.asarray((2 * mx * my + c1) * (2 * both + c2) / ((mx * mx + my * my + c1) * (vx + vy + c2)))


def _blur(x: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(cv2.GaussianBlur(x, (11, 11), 1.5))


def masked(tally: Tally, picture: NDArray[np.uint8]) -> Bools:
    begun = time.perf_counter()
    mask = find_overlays(picture).mask
    tally.seconds += time.perf_counter() - begun
    tally.pictures += 1
    return mask


def look_at(tally: Tally, plain: Grey, picture: NDArray[np.uint8], drawn: Drawn) -> None:
    mask, truth = masked(tally, picture), drawn.owner > 0
    near = cv2.dilate(truth.astype(np.uint8), NEAR) > 0
    tally.far += int((~near).sum())
    tally.far_masked += int((mask & ~near).sum())
    for number, (pen, _) in enumerate(drawn.marks, 1):
        tally.drawn[pen] += int((drawn.owner == number).sum())
        tally.covered[pen] += int((mask & (drawn.owner == number)).sum())
    filled = paint_over(picture, mask)
    tally.changed += int((filled != picture)[~mask].sum())
    best = paint_over(picture, cv2.dilate(truth.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0)
    greys = [cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) for image in (filled, best)]
    ssim, oracle = (float(ssim_map(plain, np.asarray(image))[near].mean()) for image in greys)
    tally.ssims.append((ssim, oracle))


def pictures(rng: Generator, files: list[Path], count: int) -> Iterator[tuple[Grey, NDArray[np.uint8], Drawn]]:
    """``count`` slices: as they are, drawn on (half of them through JPEG), and what was drawn."""
    for number in rng.choice(len(files), min(count, len(files)), replace=False):
        with Image.open(files[int(number)]) as opened:
            plain = np.asarray(opened.convert("L"))
        drawn = draw(rng, plain)
        while (drawn.owner > 0).sum() < 20:
            drawn = draw(rng, plain)
        yield plain, jpeg(rng, drawn.picture, 60, 91) if rng.random() < 0.5 else drawn.picture, drawn


def measure(files: list[Path], count: int, seed: int) -> Tally:
    tally = Tally()
    for plain, picture, drawn in pictures(np.random.default_rng(seed), files, count):
        look_at(tally, plain, picture, drawn)
        tally.clean_shares.append(float(masked(tally, plain).mean()))
    return tally


def table(rows: dict[str, dict[str, float]]) -> str:
    names = list(dict.fromkeys(name for row in rows.values() for name in row))
    lines = ["| seed | " + " | ".join(names) + " |", "|---" * (len(names) + 1) + "|"]
    for seed, row in rows.items():
        lines.append(f"| {seed} | " + " | ".join(f"{row[name]:.4g}" if name in row else "" for name in names) + " |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--slices", type=Path, required=True, help="folder of slices without marks")
    parser.add_argument("--half", type=int, choices=(0, 1), help="only the series of this half")
    parser.add_argument("--n", type=int, default=40)
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    files = slices_of(args.slices, args.half)
    if not files:
        parser.error(f"no pictures in {args.slices}")
    tallies = {seed: measure(files, args.n, int(seed)) for seed in args.seeds.split(",")}
    print(table({seed: tally.row() for seed, tally in tallies.items()}))
    print()
    print(table({seed: tally.kinds() for seed, tally in tallies.items()}))
    if args.json:
        args.json.write_text(json.dumps({seed: [t.row(), t.kinds()] for seed, t in tallies.items()}, indent=1) + "\n")


if __name__ == "__main__":
    main()
