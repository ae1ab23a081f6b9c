"""How the search for duplicates grows with the number of pictures: CPU seconds, candidates and what was found.

    python benchmarks/dedup.py [--sizes 2000,5000,10000,20000,50000] [--out docs/dedup-growth.csv]

Pictures are phantoms bent, brightened and mirrored anew, each different from all others; one in 50 is a planted copy
(cropped, rescaled, mirrored or windowed). Hashing is linear by its nature and timed for one picture; the search is
timed for each number of pictures and must not grow faster than n log n. It is CPU time: a busy machine does not count.
"""

import argparse
import csv
import time
from math import log2
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from covidct.imaging.duplicates.search import Fingerprint, match
from covidct.imaging.phantoms import phantom

Grey = NDArray[np.uint8]
SIDE = 160
SOURCES = 400
EVERY = 50


def bent(rng: np.random.Generator, image: Grey) -> Grey:
    """``image`` after a smooth random shift of up to 12 pixels, with its grey levels bent: as another patient."""
    shifts = cv2.resize(rng.normal(0, 6, (5, 5, 2)).astype(np.float32), (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)
    yy, xx = np.mgrid[:SIDE, :SIDE].astype(np.float32)
    moved = cv2.remap(
        image, xx + shifts[:, :, 0], yy + shifts[:, :, 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    vessels = np.zeros((SIDE, SIDE), np.float32)
    for _ in range(40):
        centre, size = rng.uniform(0.15, 0.85, 2) * SIDE, float(rng.uniform(0.6, 3))
        cv2.circle(vessels, centre.astype(int).tolist(), max(1, round(size)), float(rng.uniform(-90, 140)), -1)
    return np.clip(moved + cv2.GaussianBlur(vessels, (0, 0), 0.8), 0, 255).astype(np.uint8)


def copied(rng: np.random.Generator, image: Grey) -> Grey:
    """A planted copy: one or two of the usual changes."""
    for change in rng.choice(["crop", "rescale", "flip", "window"], int(rng.integers(1, 3)), replace=False):
        if change == "crop":
            side = int(rng.uniform(0.8, 0.95) * SIDE)
            x, y = rng.integers(0, SIDE - side, 2)
            image = image[y : y + side, x : x + side]
        elif change == "rescale":
            image = np.asarray(cv2.resize(image, None, fx=rng.uniform(0.7, 1.4), fy=rng.uniform(0.7, 1.4)), np.uint8)
        elif change == "flip":
            image = image[:, ::-1]
        else:
            image = np.clip((image - rng.uniform(0, 30)) * rng.uniform(1.1, 1.4), 0, 255).astype(np.uint8)
    return np.ascontiguousarray(image)


def pictures(count: int) -> tuple[list[Fingerprint], dict[int, int], float]:
    """Prints of ``count`` pictures, {position of a copy: position of what it copies}, CPU seconds for a print."""
    rng = np.random.default_rng(0)
    sources = [phantom(rng, size=SIDE, lesion=n % 2 == 0) for n in range(SOURCES)]
    prints, copies, spent, last = [], {}, 0.0, sources[0]
    for n in range(count):
        if n % EVERY == EVERY - 1:
            image, copies[n] = copied(rng, last), n - 1
        else:
            image = last = bent(rng, sources[int(rng.integers(SOURCES))])
        start = time.process_time()
        prints.append(Fingerprint.of(image))
        spent += time.process_time() - start
    return prints, copies, spent / count


def measure(prints: list[Fingerprint], copies: dict[int, int], size: int) -> dict[str, float]:
    start = time.process_time()
    found = match(prints[:size])
    spent = time.process_time() - start
    truth = {(source, copy) for copy, source in copies.items() if copy < size}
    hits = {(pair.i, pair.j) for pair in found} & truth
    return {
        "pictures": size,
        "search_cpu_seconds": round(spent, 1),
        "microseconds_per_n_log2_n": round(1e6 * spent / (size * log2(size)), 2),
        "pairs": len(found),
        "recall": round(len(hits) / len(truth), 4),
        "precision": round(len(hits) / max(1, len(found)), 4),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", default="2000,5000,10000,20000,50000")
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    sizes = [int(size) for size in args.sizes.split(",")]
    prints, copies, each = pictures(max(sizes))
    print(f"hashing: {1000 * each:.2f} ms a picture (CPU)")
    rows = []
    for size in sizes:
        rows.append({**measure(prints, copies, size), "hash_ms_per_picture": round(1000 * each, 2)})
        print(rows[-1], flush=True)
    if args.out:
        args.out.parent.mkdir(parents=True, exist_ok=True)
        with args.out.open("w", newline="", encoding="utf-8") as handle:
            writer = csv.DictWriter(handle, list(rows[0]), lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)


if __name__ == "__main__":
    main()
