"""Measure the splitter on composed figures and the speed of triage: python benchmarks/panels.py --slices DIR…

Figures are composed from the slices in DIR (or drawn ones without), every layout of ``LAYOUTS`` in turn; one line a
layout, then all. Triage is timed on the same figures as files, decoding included, with two processes.
"""

import argparse
import json
import sys
import tempfile
import time
from collections import defaultdict
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from functools import cache
from pathlib import Path

import numpy as np
from drawn.agreement import Labelled, agreement
from drawn.figures import LAYOUTS, compose
from drawn.prints import draw_phantom, printed_set
from numpy.typing import NDArray
from PIL import Image

from covidct.imaging.panels.split import split

Pair = tuple[str, Labelled, Labelled]


@cache
def _slices(folders: tuple[Path, ...], seed: int) -> list[NDArray[np.uint8]]:
    """300 slices at random out of the folders, or drawn ones."""
    rng = np.random.default_rng(seed)
    files = sorted(f for folder in folders for f in folder.rglob("*") if f.suffix.lower() in (".png", ".jpg", ".jpeg"))
    if not files:
        return printed_set(rng, [draw_phantom(rng) for _ in range(60)], 60)
    chosen = [files[i] for i in rng.permutation(len(files))[:300]]
    return [np.asarray(Image.open(f).convert("RGB")) for f in chosen]


def one(task: tuple[int, str, tuple[Path, ...], int, Path | None]) -> Pair:
    """Compose one figure, split it, keep it as a file where a folder is given."""
    index, layout, folders, seed, keep = task
    figure = compose(np.random.default_rng((seed, index)), _slices(folders, seed), layout)
    if keep:
        Image.fromarray(figure.image).save(keep / f"{index}.jpg", quality=90)
    found = split(figure.image)
    return layout, [(p.label, p.box) for p in figure.panels], [(p.label, p.box) for p in found.panels]


def time_triage(folder: Path, workers: int) -> float:
    """Pictures a second, from files, after one warm-up run."""
    from covidct.curate.triage import sort_files

    files = sorted(folder.iterdir())
    started = time.perf_counter()
    done = list(sort_files(files, workers))
    return len(done) / (time.perf_counter() - started)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--slices", type=Path, nargs="*", default=[])
    parser.add_argument("--figures", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1000)
    parser.add_argument("--workers", type=int, default=2)
    args = parser.parse_args()
    by_layout: dict[str, list[tuple[Labelled, Labelled]]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as name, ProcessPoolExecutor(args.workers) as pool:
        layouts, folders = list(LAYOUTS), tuple(args.slices)
        tasks = [(i, layouts[i % len(layouts)], folders, args.seed, Path(name)) for i in range(args.figures)]
        started = time.perf_counter()
        for layout, truth, found in pool.map(one, tasks, chunksize=4):
            by_layout[layout].append((truth, found))
        seconds = time.perf_counter() - started
        rate = time_triage(Path(name), args.workers)
    for layout, pairs in by_layout.items():
        print(f"{layout:18}", _words(pairs), file=sys.stderr)
    everything = agreement([pair for pairs in by_layout.values() for pair in pairs])
    print(json.dumps({**asdict(everything), "figures_a_second": args.figures / seconds, "triage_a_second": rate}))


def _words(pairs: list[tuple[Labelled, Labelled]]) -> str:
    a = agreement(pairs)
    return f"F1 {a.f1:.3f}  tight {a.f1_tight:.3f}  exact {a.exact:.3f}  letters {a.letters:.3f}"


if __name__ == "__main__":
    main()
