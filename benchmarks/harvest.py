"""Metadata at scale: records a second of a harvest's listing against the raw loop, and how its memory grows.

    python benchmarks/harvest.py --records 10000 100000

The raw loop only asks for the pages and parses their JSON (requests, one connection). The harvest is the real command
with ``--limit 1`` (everything is listed, one paper is fetched); its listing time is in its own run record, its peak
memory is what the kernel counted. CPU seconds are printed too (the harvest's include starting up and reading one PDF),
because a busy machine makes wall-clock figures unsure. Server, raw loop and harvest are three processes on loopback.
"""

import argparse
import datetime
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import requests
from harvest_faults import environment, fault_server

FIRST = datetime.date(2018, 1, 1)
PER_MONTH = 3_400
"""Records a month: what both servers together list nowadays."""


def months_of(records: int) -> int:
    return max(1, round(records / PER_MONTH))


def windows(months: int) -> list[tuple[str, str]]:
    """First and last day of each calendar month of the span that the server fills."""
    from covidct.harvest.windows import Window

    span = Window(FIRST, FIRST + datetime.timedelta(days=30 * months))
    return [(str(month.since), str(month.until)) for month in span.months()]


def raw_loop(url: str, months: int) -> tuple[int, float, float]:
    """Rows, seconds and CPU seconds of a loop that reads and parses the same pages and does nothing else."""
    session, rows, begun, cpu = requests.Session(), 0, time.perf_counter(), time.process_time()
    for since, until in windows(months):
        cursor = 0
        while True:
            page = json.loads(session.get(f"{url}/details/medrxiv/{since}/{until}/{cursor}").content)
            if not page["collection"]:
                break
            rows += len(page["collection"])
            cursor += len(page["collection"])
    return rows, time.perf_counter() - begun, time.process_time() - cpu


def harvest(url: str, months: int, workspace: Path) -> dict[str, Any]:
    """The real command; its record and its peak memory in MiB."""
    span = windows(months)
    words = ["harvest", "--since", span[0][0], "--until", span[-1][1], "--server", "medrxiv", "--query", "*"]
    words += ["--limit", "1", "--workers", "1", "--api-url", url, "--site-url", url, "-w", str(workspace)]
    command = [sys.executable, "-m", "covidct", *words]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, env=environment())
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise SystemExit(f"harvest ended with {process.returncode}")
    record: dict[str, Any] = json.loads((workspace / "runs" / "harvest-latest.json").read_text())
    return {**record, "peak_mib": usage.ru_maxrss / 1024, "cpu": usage.ru_utime + usage.ru_stime}


def measure(records: int) -> dict[str, float]:
    """One size: raw loop twice (the first warms the server), harvest once."""
    months = months_of(records)
    words = ["--papers", str(records), "--months", str(months), "--revised", "0"]
    with tempfile.TemporaryDirectory() as folder, fault_server(*words) as url:
        raw_loop(url, months)
        rows, raw_seconds, raw_cpu = raw_loop(url, months)
        record = harvest(url, months, Path(folder) / "ws")
    if record["listed"] != rows:
        raise SystemExit(f"{record['listed']} of {rows} records listed")
    listing = record["seconds"]["listing"]
    rates = {"raw_per_second": rows / raw_seconds, "harvest_per_second": rows / listing}
    cpu = {"raw_cpu_seconds": raw_cpu, "harvest_cpu_seconds": record["cpu"]}
    share = {"share_of_raw": raw_seconds / listing, "peak_mib": record["peak_mib"]}
    return {"records": rows, **rates, **share, **cpu}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, nargs="+", default=[10_000, 100_000])
    options = parser.parse_args()
    table = [measure(records) for records in options.records]
    growth = table[-1]["peak_mib"] / table[0]["peak_mib"] - 1
    print(json.dumps({"sizes": table, "peak_memory_growth": round(growth, 4)}, indent=1))


if __name__ == "__main__":
    main()
