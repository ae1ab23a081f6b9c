"""760 papers from a server that goes wrong: how many runs until all are there, and what is said if not.

    python benchmarks/harvest_faults.py --papers 760 --rate 0.05 --runs 3

The server runs in a process of its own and breaks a share of all answers in every way it knows (see
``tests/support/faultserver/faults.py``); ``covidct harvest`` is the real command. Prints a JSON report.
"""

import argparse
import contextlib
import csv
import io
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

REPO = Path(__file__).resolve().parent.parent
SUPPORT = REPO / "tests" / "support"


def environment() -> dict[str, str]:
    """Paths to this checkout and to the server's package."""
    return {**os.environ, "PYTHONPATH": f"{REPO}{os.pathsep}{SUPPORT}", "OMP_NUM_THREADS": "1"}


@contextlib.contextmanager
def fault_server(*words: str) -> Iterator[str]:
    """The loopback server as a process; gives its URL."""
    command = [sys.executable, "-m", "faultserver", *words]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment())
    try:
        yield (server.stdout.readline() if server.stdout else "").strip()
    finally:
        server.kill()
        server.wait()


def harvest_command(url: str, workspace: Path, *more: str) -> list[str]:
    """The real command, over the paper's window."""
    window = ["--since", "2020-01-19", "--until", "2020-03-25", "--server", "medrxiv"]
    where = ["--api-url", url, "--site-url", url, "-w", str(workspace)]
    return [sys.executable, "-m", "covidct", "harvest", *window, *where, *more]


def harvest(url: str, workspace: Path, *more: str) -> dict[str, Any]:
    """Run the command once; its record and exit code."""
    begun = time.perf_counter()
    command = harvest_command(url, workspace, "--json", *more)
    done = subprocess.run(command, capture_output=True, text=True, env=environment(), check=False)
    if done.returncode not in (0, 1, 3):
        raise SystemExit(f"harvest ended with {done.returncode}: {done.stderr[-2000:]}")
    return {**json.loads(done.stdout), "exit": done.returncode, "seconds": round(time.perf_counter() - begun, 1)}


def table(workspace: Path, name: str) -> str:
    """One table as ``covidct show --csv`` prints it."""
    command = [sys.executable, "-m", "covidct", "show", name, "-w", str(workspace), "--csv"]
    return subprocess.run(command, capture_output=True, text=True, env=environment(), check=True).stdout


def expected_dois(papers: int) -> set[str]:
    """What the server has."""
    sys.path.insert(0, str(SUPPORT))
    from faultserver.corpus import make_corpus

    return set(make_corpus(papers, 0).papers())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--papers", type=int, default=760)
    parser.add_argument("--rate", type=float, default=0.05)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    wanted = expected_dois(options.papers)
    runs: list[dict[str, Any]] = []
    kinds: Counter[str] = Counter()
    words = ["--papers", str(options.papers), "--faults", str(options.rate), "--fault-seed", str(options.seed)]
    with tempfile.TemporaryDirectory() as folder, fault_server(*words) as url:
        workspace = Path(folder) / "ws"
        for _ in range(options.runs):
            record = harvest(url, workspace)
            kinds.update(record["http"])
            missing = sorted(m["paper_id"] for m in record["missing"])
            keys = ("exit", "outcome", "papers", "kept", "seconds", "holes")
            runs.append({**{key: record[key] for key in keys}, "missing": missing, "unreadable": record["failed"]})
            if record["exit"] == 0:
                break
        rows = list(csv.DictReader(io.StringIO(table(workspace, "papers"))))
    here = Counter(row["doi"] for row in rows if row["status"] == "extracted")
    report = {
        "papers": options.papers,
        "rate": options.rate,
        "runs": runs,
        "all_present_once": here == Counter(dict.fromkeys(wanted, 1)),
        "not_extracted": sorted(wanted - set(here)),
        "said_missing_exactly": sorted(wanted - set(here))
        == sorted(row["doi"] for row in rows if row["status"] != "extracted"),
        "recognised": dict(kinds.most_common()),
    }
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
