"""How cost grows with size: commands and searches on doubled sizes, processor time, memory and fitted exponent.

    python benchmarks/growth.py [--large] [--only decisions,status] [--page docs/scale.md]

Every row is measured on three sizes, each twice the one before (``--large``: the sizes of the plan for internet scale),
in a process of its own; processor time counts that of its children and leaves out what the same command takes on next
to nothing. The exponent is the slope of a straight line through the logarithms; beside it stands that of n log n over
the same sizes. ``--page`` writes the table between the marks of that page.
"""

import argparse
import datetime
import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import requests
from dedup import pictures
from harvest_faults import fault_server, harvest_command
from review import fill, served

from covidct.imaging.duplicates.search import match
from covidct.records import Decision
from covidct.workspace import Workspace

MARKS = ("<!-- growth -->", "<!-- end of growth -->")
TOLERATED = 0.1
"""By how much a fitted exponent may lie above that of n log n: measured times scatter."""


@dataclass(frozen=True)
class Cost:
    """Processor seconds and the peak of memory in MiB."""

    seconds: float
    memory: float


Measure = Callable[[int, Path], Cost]


def command(words: list[str]) -> Cost:
    """A ``covidct`` command in a process of its own, its output thrown away; exit code 3 is as good as 0."""
    process = subprocess.Popen([sys.executable, "-m", "covidct", "-q", *words], stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    if os.waitstatus_to_exitcode(status) not in (0, 3):
        raise SystemExit(f"covidct {' '.join(words)} ended with {os.waitstatus_to_exitcode(status)}")
    return Cost(used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


def decisions(count: int, folder: Path) -> Cost:
    """``show decisions`` on so many of them."""
    with Workspace.create(folder / "ws") as workspace:
        for start in range(0, count, 5_000):
            names = [f"made_{n:06d}" for n in range(start, min(count, start + 5_000))]
            workspace.decide([Decision("panel", n, "label", "positive", "rule:words@1", "words") for n in names])
    return command(["show", "decisions", "--csv", "-w", str(folder / "ws")])


def status(count: int, folder: Path) -> Cost:
    """``curate status`` on so many panels."""
    with Workspace.create(folder / "ws") as workspace:
        fill(workspace, count)
    return command(["curate", "status", "-w", str(folder / "ws")])


def page(count: int, folder: Path) -> Cost:
    """The review page on so many panels: its first answer, with the queues in it, in the server's processor time."""
    with Workspace.create(folder / "ws") as workspace:
        fill(workspace, count)
    before = os.times().children_user
    with served(folder / "ws") as url:
        begun = time.perf_counter()
        requests.get(url, timeout=600).raise_for_status()
        waited = time.perf_counter() - begun
    return Cost(os.times().children_user - before, waited)


def harvest(count: int, folder: Path) -> Cost:
    """``harvest`` of so many papers of a page each from a server on loopback; one reader."""
    with fault_server("--papers", str(count)) as url:
        return command(harvest_command(url, folder / "ws", "--workers", "1")[3:])


def auto(count: int, folder: Path) -> Cost:
    """``curate auto`` on so many harvested papers."""
    harvest(count, folder)
    return command(["curate", "auto", "--workers", "1", "-w", str(folder / "ws")])


def build(count: int, folder: Path) -> Cost:
    """``manifest build`` on so many panels with labels."""
    with Workspace.create(folder / "ws") as workspace:
        fill(workspace, count)
    words = ["--name", "made", "--version", "1.0.0", "--private", "--hold-back", "--out", str(folder / "manifests")]
    return command(["manifest", "build", "-w", str(folder / "ws"), *words])


def dedup(count: int, folder: Path) -> Cost:
    """The search for duplicates among so many pictures, their hashes taken before."""
    prints, _, _ = pictures(count)
    begun = time.process_time()
    match(prints)
    return Cost(time.process_time() - begun, 0)


@dataclass(frozen=True)
class Row:
    """One thing that is measured, the largest of its sizes, and that of ``--large``."""

    title: str
    measure: Measure
    largest: int
    large: int
    next_to_nothing: int = 4


ROWS = {
    "decisions": Row("`show decisions`, rows", decisions, 65_750, 263_000),
    "status": Row("`curate status`, panels", status, 12_500, 50_000),
    "page": Row("review page until its first answer, panels", page, 12_500, 50_000),
    "harvest": Row("`harvest` from loopback, papers", harvest, 80, 5_000),
    "auto": Row("`curate auto`, papers", auto, 40, 5_000),
    "build": Row("`manifest build`, panels", build, 5_000, 50_000, 200),
    "dedup": Row("search for duplicates, pictures", dedup, 8_000, 100_000),
}


def exponent(sizes: list[int], costs: list[float]) -> float:
    """Slope of the least squares line through (log size, log cost)."""
    x, y = ([math.log(max(v, 1e-3)) for v in values] for values in (sizes, costs))
    mean_x, mean_y = sum(x) / len(x), sum(y) / len(y)
    return sum((a - mean_x) * (b - mean_y) for a, b in zip(x, y, strict=True)) / sum((a - mean_x) ** 2 for a in x)


def line(name: str, large: bool) -> str:
    """A row of the table, measured."""
    row = ROWS[name]
    largest = row.large if large else row.largest
    sizes = [largest // 4, largest // 2, largest]
    with tempfile.TemporaryDirectory() as folder:
        homes = [Path(folder) / str(size) for size in (row.next_to_nothing, *sizes)]
        start, *costs = [row.measure(int(home.name), _made(home)) for home in homes]
    seconds = [max(cost.seconds - start.seconds, 0.01) for cost in costs]
    found, like = exponent(sizes, seconds), exponent(sizes, [n * math.log(n) for n in sizes])
    verdict = "" if found <= like + TOLERATED else " **above n log n**"
    shown = ", ".join(f"{n:,}: {s:.2f}" for n, s in zip(sizes, seconds, strict=True))
    unit = (
        f"{costs[-1].memory:.1f} s wait"
        if name == "page"
        else f"{costs[-1].memory:.0f} MiB"
        if costs[-1].memory
        else ""
    )
    return f"| {row.title} | {shown} | {start.seconds:.2f} | {unit} | {found:.2f} ({like:.2f}){verdict} |"


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def table(names: list[str], large: bool) -> Iterator[str]:
    """The table, a line as soon as it is measured."""
    yield "| what, and its size | processor seconds above the start | start | largest: memory | exponent (n log n) |"
    yield "|---|---|---|---|---|"
    for name in names:
        yield line(name, large)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--large", action="store_true", help="the sizes of docs/scale.md's plan: hours")
    parser.add_argument("--only", default=",".join(ROWS), help="rows, with commas")
    parser.add_argument("--page", type=Path, help="page to write the table into")
    args = parser.parse_args()
    lines = []
    for text in table(args.only.split(","), args.large):
        print(text, flush=True)
        lines.append(text)
    if args.page:
        before, rest = args.page.read_text(encoding="utf-8").split(MARKS[0])
        said = f"Measured {datetime.date.today()} by `python benchmarks/growth.py`, load {os.getloadavg()[0]:.0f}."
        body = "\n".join(["", said, "", *lines, ""])
        args.page.write_text(f"{before}{MARKS[0]}{body}{MARKS[1]}{rest.split(MARKS[1])[1]}", encoding="utf-8")


if __name__ == "__main__":
    main()
