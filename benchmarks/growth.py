"""How cost grows with size: commands and searches on doubled sizes, processor time, memory and fitted exponent.

    python benchmarks/growth.py [--large] [--only decisions,status] [--page docs/scale.md]

Every row is measured on three sizes, each twice the one before (``--large``: the sizes of the plan for internet scale,
hours), in a process of its own; processor time counts that of its children and leaves out what the same command takes
on next to nothing. The exponent is the slope of a straight line through the logarithms; beside it stands that of
n log n over the same sizes. ``--page`` writes the table between the marks of that page.
"""

import argparse
import datetime
import math
import os
import resource
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

from covidct.imaging.duplicates.search import Fingerprint, match
from covidct.workspace import Workspace

MARKS = ("<!-- growth -->", "<!-- end of growth -->")
TOLERATED = 0.1
"""By how much a fitted exponent may lie above that of n log n: measured times scatter."""


@dataclass(frozen=True)
class Cost:
    """Processor seconds, and the peak of memory or the time waited in words."""

    seconds: float
    beside: str


Measure = Callable[[int, Path], Cost]
"""Of a size, with a folder to work in that all rows share."""


LAUNCHER = """import os, sys
null = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
_, status, used = os.wait4(os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ, file_actions=null), 0)
print(os.waitstatus_to_exitcode(status), used.ru_utime + used.ru_stime, used.ru_maxrss)"""
"""A process counts the memory of the one that started it as its own peak: so a small one starts what is measured."""


def command(words: list[str]) -> Cost:
    """A ``covidct`` command in a process of its own, its output thrown away; exit code 3 is as good as 0."""
    whole = [sys.executable, "-m", "covidct", "-q", *words]
    said = subprocess.run([sys.executable, "-S", "-c", LAUNCHER, *whole], stdout=subprocess.PIPE, check=True)
    code, seconds, peak = map(float, said.stdout.split())
    if code not in (0, 3):
        raise SystemExit(f"covidct {' '.join(words)} ended with {code:.0f}")
    return Cost(seconds, f"{peak / 1024:.0f} MiB")


def stocked(panels: int, folder: Path) -> str:
    """A workspace of so many panels with four decisions each, made once for all rows."""
    home = folder / f"stock-{panels}"
    if not home.exists():
        with Workspace.create(home) as workspace:
            fill(workspace, panels)
    return str(home)


def harvested(papers: int, folder: Path) -> tuple[Path, Cost]:
    """A fresh workspace of so many papers of a page each from a server on loopback, one reader; and what it cost."""
    home = Path(tempfile.mkdtemp(dir=folder)) / "ws"
    with fault_server("--papers", str(papers)) as url:
        return home, command(harvest_command(url, home, "--workers", "1")[3:])


def decisions(count: int, folder: Path) -> Cost:
    """``show decisions`` on so many of them."""
    return command(["show", "decisions", "--csv", "-w", stocked(count // 4, folder)])


def status(count: int, folder: Path) -> Cost:
    """``curate status`` on so many panels."""
    return command(["curate", "status", "-w", stocked(count, folder)])


def page(count: int, folder: Path) -> Cost:
    """The review page on so many panels: its first answer, with the queues in it, in the server's processor time."""
    home, before = stocked(count, folder), os.times().children_user
    with served(Path(home)) as url:
        begun = time.perf_counter()
        requests.get(url, timeout=600).raise_for_status()
        waited = time.perf_counter() - begun
    return Cost(os.times().children_user - before, f"{waited:.1f} s wait")


def harvest(count: int, folder: Path) -> Cost:
    """``harvest`` of so many papers."""
    return harvested(count, folder)[1]


def auto(count: int, folder: Path) -> Cost:
    """``curate auto`` on so many harvested papers."""
    return command(["curate", "auto", "--workers", "1", "-w", str(harvested(count, folder)[0])])


def build(count: int, folder: Path) -> Cost:
    """``manifest build`` on so many panels with labels."""
    words = ["--name", "made", "--version", "1.0.0", "--private", "--hold-back", "--out", tempfile.mkdtemp(dir=folder)]
    return command(["manifest", "build", "-w", stocked(count, folder), *words])


DRAWN: list[Fingerprint] = []
"""Hashes of drawn pictures: of the largest size, which is measured first; the smaller ones take a part."""


def dedup(count: int, folder: Path) -> Cost:
    """The search for duplicates among so many pictures, their hashes taken before."""
    if len(DRAWN) < count:
        DRAWN[:] = pictures(count)[0]
    begun = time.process_time()
    match(DRAWN[:count])
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return Cost(time.process_time() - begun, f"{peak:.0f} MiB")


@dataclass(frozen=True)
class Row:
    """One thing that is measured, the largest of its sizes, that of ``--large``, and what counts as the start."""

    title: str
    measure: Measure
    largest: int
    large: int
    next_to_nothing: int = 20


ROWS = {
    "decisions": Row("`show decisions`, rows", decisions, 264_000, 264_000, 80),
    "status": Row("`curate status`, panels", status, 66_000, 66_000),
    "page": Row("review page until its first answer, panels", page, 66_000, 66_000),
    "harvest": Row("`harvest` from loopback, papers", harvest, 1_000, 5_000, 4),
    "auto": Row("`curate auto`, papers", auto, 40, 5_000, 4),
    "build": Row("`manifest build`, panels", build, 6_000, 66_000, 200),
    "dedup": Row("search for duplicates, pictures", dedup, 20_000, 100_000, 200),
}
"""All sizes of ``--large`` are those of the plan for internet scale; the usual ones take six minutes together."""


def exponent(sizes: list[int], costs: list[float]) -> float:
    """Slope of the least squares line through (log size, log cost)."""
    x, y = ([math.log(max(v, 1e-3)) for v in values] for values in (sizes, costs))
    mean_x, mean_y = sum(x) / len(x), sum(y) / len(y)
    return sum((a - mean_x) * (b - mean_y) for a, b in zip(x, y, strict=True)) / sum((a - mean_x) ** 2 for a in x)


def line(name: str, large: bool, folder: Path) -> str:
    """A row of the table, measured, the largest size first."""
    row = ROWS[name]
    largest = row.large if large else row.largest
    sizes = [largest, largest // 2, largest // 4]
    *costs, start = [row.measure(size, folder) for size in (*sizes, row.next_to_nothing)]
    seconds = [max(cost.seconds - start.seconds, 0.01) for cost in costs]
    found, like = exponent(sizes, seconds), exponent(sizes, [n * math.log(n) for n in sizes])
    verdict = "" if found <= like + TOLERATED else " **above n log n**"
    shown = ", ".join(f"{n:,}: {s:.2f}" for n, s in zip(sizes[::-1], seconds[::-1], strict=True))
    return f"| {row.title} | {shown} | {start.seconds:.2f} | {costs[0].beside} | {found:.2f} ({like:.2f}){verdict} |"


def table(names: list[str], large: bool) -> Iterator[str]:
    """The table, a line as soon as it is measured."""
    yield "| what, and its size | processor seconds above the start | start | largest: memory | exponent (n log n) |"
    yield "|---|---|---|---|---|"
    with tempfile.TemporaryDirectory() as folder:
        for name in names:
            yield line(name, large, Path(folder))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--large", action="store_true", help="the sizes of docs/scale.md's plan: hours")
    parser.add_argument("--only", default=",".join(ROWS), help="rows, with commas")
    parser.add_argument("--page", type=Path, help="page to write the table into")
    args = parser.parse_args()
    lines, begun = [], time.monotonic()
    for text in table(args.only.split(","), args.large):
        print(text, flush=True)
        lines.append(text)
    if args.page:
        words = "benchmarks/growth.py --large" if args.large else "benchmarks/growth.py"
        write_between(args.page, MARKS, [measured_by(words, begun), "", *lines])


def measured_by(words: str, begun: float) -> str:
    """What stands over a table: day, command, minutes since ``begun`` (monotonic), how busy the machine was."""
    took = f"{(time.monotonic() - begun) / 60:.0f} minutes, load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
    return f"Measured {datetime.date.today()} by `python {words}`: {took}."


def write_between(page: Path, marks: tuple[str, str], lines: list[str]) -> None:
    """``lines`` in place of what stands between two marks of a page."""
    before, rest = page.read_text(encoding="utf-8").split(marks[0])
    body = "\n".join(["", *lines, ""])
    page.write_text(f"{before}{marks[0]}{body}{marks[1]}{rest.split(marks[1])[1]}", encoding="utf-8")


if __name__ == "__main__":
    main()
