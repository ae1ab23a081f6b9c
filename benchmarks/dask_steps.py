"""``curate auto`` in one process, in two, and on two Dask workers: seconds of the wall clock, and the same tables.

    python benchmarks/dask_steps.py [--papers 40] [--page docs/scale.md]

Papers come from the server on loopback, a page and a figure each; every way curates a copy of the same workspace. The
cluster's workers run when the clock starts, as they would elsewhere; those of ``--workers 2`` are started by the
command. Wants an otherwise idle machine with two cores. ``--page`` writes the table between the marks of that page.
"""

import argparse
import hashlib
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from distributed import LocalCluster
from growth import harvested, measured_by, write_between

MARKS = ("<!-- dask -->", "<!-- end of dask -->")


def digest(workspace: Path) -> str:
    """Of what a person can see of it: panels and decisions."""
    words = [sys.executable, "-m", "covidct", "show", "--csv", "-w", str(workspace)]
    tables = [
        subprocess.run([*words, name], capture_output=True, check=True).stdout for name in ("panels", "decisions")
    ]
    return hashlib.sha256(b"".join(tables)).hexdigest()


def curated(source: Path, home: Path, *words: str) -> tuple[float, str]:
    """Seconds that ``curate auto`` takes on a copy of ``source``, and the digest of what comes of it."""
    workspace = Path(shutil.copytree(source, home))
    begun = time.perf_counter()
    subprocess.run([sys.executable, "-m", "covidct", "-q", "curate", "auto", "-w", str(workspace), *words], check=True,
                   stdout=subprocess.DEVNULL)  # fmt: skip
    return time.perf_counter() - begun, digest(workspace)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--papers", type=int, default=40)
    parser.add_argument("--page", type=Path, help="page to write the table into")
    args = parser.parse_args()
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as folder, LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, silence_logs=50
    ) as cluster:  # fmt: skip
        source, _ = harvested(args.papers, Path(folder))
        ways = {
            "one process": ("--workers", "1"),
            "two processes": ("--workers", "2"),
            "two Dask workers": ("--scheduler", cluster.scheduler_address),
        }
        found = {name: curated(source, Path(folder) / name, *words) for name, words in ways.items()}
    first, tables = found["one process"]
    lines = ["| `curate auto`, papers | seconds | times as fast | tables |", "|---|---|---|---|"]
    for name, (seconds, said) in found.items():
        same = "the same" if said == tables else "**others**"
        lines.append(f"| {args.papers} in {name} | {seconds:.1f} | {first / seconds:.2f} | {same} |")
    print("\n".join(lines))
    if args.page:
        write_between(args.page, MARKS, [measured_by("benchmarks/dask_steps.py", begun), "", *lines])


if __name__ == "__main__":
    main()
