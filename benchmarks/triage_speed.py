"""How fast triage is, against the floor of decoding the pictures alone: python benchmarks/triage_speed.py DIR…

In one process that has loaded its weights, in seconds of the processor, which a busy machine does not stretch; the
last row is the wall clock of the command's own two processes, their start included.
"""

import argparse
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2

from covidct.curate.triage import sort_files
from covidct.imaging.triage import forest, triage_all
from covidct.pictures import open_picture

_SIDE = 384
_CHUNK = 24


def decode(files: Sequence[Path]) -> None:
    """Read the pictures as the command does, at a size at which JPEG may skip work."""
    for file in files:
        open_picture(file, side=_SIDE)


def sort(files: Sequence[Path]) -> None:
    """Read and judge them."""
    for start in range(0, len(files), _CHUNK):
        triage_all([open_picture(file, side=_SIDE) for file in files[start : start + _CHUNK]])


def in_two_processes(files: Sequence[Path]) -> None:
    """What ``curate triage FILES`` does."""
    list(sort_files(files, 2))


def seconds(work: Callable[[Sequence[Path]], None], files: Sequence[Path], clock: Callable[[], float]) -> float:
    """Seconds of ``clock`` that ``work`` takes on ``files``."""
    begun = clock()
    work(files)
    return clock() - begun


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--pictures", type=int, default=400)
    args = parser.parse_args()
    found = sorted(f for d in args.folders for f in d.rglob("*") if f.suffix.lower() in (".png", ".jpg", ".jpeg"))
    files = found[:: max(1, len(found) // args.pictures)][: args.pictures]
    cv2.setNumThreads(1)
    forest()
    sort(files[:_CHUNK])
    floor = seconds(decode, files, time.process_time)
    rows = {
        "decoding alone, processor": floor,
        "decoding and triage, processor": seconds(sort, files, time.process_time),
        "two processes, wall clock": seconds(in_two_processes, files, time.perf_counter),
    }
    print(f"{len(files)} pictures{'ms each':>29}{'a second':>10}{'times the floor':>17}")
    for name, spent in rows.items():
        print(f"{name:<32}{1000 * spent / len(files):>10.1f}{len(files) / spent:>10.0f}{spent / floor:>17.1f}")


if __name__ == "__main__":
    main()
