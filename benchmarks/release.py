"""Large manifests: a release of 100,000 rows is written, validated without pictures and split; times and memory.

    python benchmarks/release.py [ROWS]

Each step runs in a process of its own, so that its peak memory is its own. Targets: validate < 20 s, split < 60 s,
memory < 1 GB.
"""

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

from covidct.release.make.tables import paper_table, patient_table
from covidct.release.make.write import Draft, write_release
from covidct.release.read.schema import IMAGE_COLUMNS


def draft(rows: int) -> Draft:
    """A made-up release: papers of five images, patients of two, both labels, three sources, all in train."""
    rng = np.random.default_rng(0)
    names = [f"medrxiv-10.1101_2020.03.{k // 5:06d}-p1-f1-{k}" for k in range(rows)]
    columns: dict[str, object] = dict.fromkeys(IMAGE_COLUMNS, "")
    columns |= {
        "image_id": names,
        "file": [f"images/{name}.png" for name in names],
        "label": rng.choice(["covid", "non-covid"], rows),
        "patient_id": [f"patient_{k // 2}" for k in range(rows)],
        "group_id": [f"group-{k // 10}" for k in range(rows)],
        "split": "train",
        "source": rng.choice(["medrxiv", "pmc", "medpix"], rows),
        "paper_id": [f"paper-{k // 5}" for k in range(rows)],
        "licence": "cc-by-4.0",
        "width": 512,
        "height": 512,
        "sha256": [f"{k:064x}" for k in range(rows)],
        "artifacts": "identifying=no",
    }
    images = pd.DataFrame(columns, columns=IMAGE_COLUMNS)
    return Draft("large", "1.0.0", "2026-01-01", images, paper_table(images), patient_table(images))


def measure(words: list[str]) -> tuple[float, float, float, int]:
    """(seconds, seconds of processor, peak megabytes, exit code) of one covidct command."""
    code = (
        "import resource, sys\nfrom covidct.cli import run\ncode = run(sys.argv[1:])\n"
        "own = resource.getrusage(resource.RUSAGE_SELF)\n"
        "print(own.ru_utime + own.ru_stime, own.ru_maxrss / 1024, file=sys.stderr)\nsys.exit(code)"
    )
    begun = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, check=False)
    busy, peak = (float(text) for text in done.stderr.split()[-2:])
    return time.perf_counter() - begun, busy, peak, done.returncode


def main() -> None:
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    with tempfile.TemporaryDirectory() as home:
        begun = time.perf_counter()
        release = write_release(draft(rows), Path(home))
        print(f"written      {time.perf_counter() - begun:6.1f} s   {rows} rows")
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"             {peak:6.0f} MB peak while writing")
        for name, words in (
            ("validate", ["manifest", "validate", str(release)]),
            ("split", ["manifest", "split", str(release), "--csv", str(Path(home) / "split.csv")]),
        ):
            seconds, busy, megabytes, status = measure(words)
            times = f"{seconds:6.1f} s   {busy:6.1f} s of processor"
            print(f"{name:12} {times}   {megabytes:6.0f} MB peak   exit code {status}")


if __name__ == "__main__":
    main()
