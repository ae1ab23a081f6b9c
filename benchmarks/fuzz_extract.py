"""Fuzz the extraction: mutated PDFs must never harm the calling process, and every one must be accounted for.

    python benchmarks/fuzz_extract.py [--count 3000] [--seed 7] [--workers 2] [--pdfs FOLDER…]

Sources are made PDFs (covidct's own tests) and, where folders are named, real ones. Mutations: byte flips, cuts,
swapped objects, numbers changed, runs repeated or zeroed. Prints one JSON object with the counts.
"""

import argparse
import json
import random
import re
import resource
import sys
import tempfile
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from covidct.harvest.extract import Extraction, Extractor, Limits

LIMITS = Limits(seconds=20, memory_mb=1024, pages=6, picture_megapixels=1, papers_per_child=200)
REAL_SHARE = 0.125
Mutation = Callable[[bytearray, random.Random], bytes]


def flip_bytes(data: bytearray, rng: random.Random) -> bytes:
    """Change 1 to 64 bytes anywhere."""
    for _ in range(rng.randint(1, 64)):
        data[rng.randrange(len(data))] = rng.randrange(256)
    return bytes(data)


def cut(data: bytearray, rng: random.Random) -> bytes:
    """End the file early."""
    return bytes(data[: rng.randrange(8, len(data))])


def swap_objects(data: bytearray, rng: random.Random) -> bytes:
    """Exchange the bodies of two indirect objects."""
    found = [m.span() for m in re.finditer(rb"\d+ 0 obj.*?endobj", bytes(data), re.S)]
    if len(found) < 2:
        return flip_bytes(data, rng)
    (a0, a1), (b0, b1) = sorted(rng.sample(found, 2))
    return bytes(data[:a0] + data[b0:b1] + data[a1:b0] + data[a0:a1] + data[b1:])


def change_numbers(data: bytearray, rng: random.Random) -> bytes:
    """Make some numbers huge, negative or zero: boxes, widths, lengths, references."""
    values = (b"0", b"-1", b"99999", b"2147483647", b"1e38", b"-32768")
    spots = [m.span() for m in re.finditer(rb"(?<=[ /\[])\d{1,5}(?=[ \]/\r\n>])", bytes(data))]
    for start, end in sorted(rng.sample(spots, min(len(spots), rng.randint(1, 6))), reverse=True):
        data[start:end] = rng.choice(values)
    return bytes(data)


def repeat_run(data: bytearray, rng: random.Random) -> bytes:
    """Repeat a stretch of the file."""
    start = rng.randrange(len(data))
    run = data[start : start + rng.randint(1, 2000)]
    return bytes(data[:start] + run * rng.randint(2, 20) + data[start:])


def zero_run(data: bytearray, rng: random.Random) -> bytes:
    """Zero a stretch of the file."""
    start = rng.randrange(len(data))
    length = min(len(data) - start, rng.randint(1, 4000))
    data[start : start + length] = bytes(length)
    return bytes(data)


MUTATIONS: tuple[Mutation, ...] = (flip_bytes, cut, swap_objects, change_numbers, repeat_run, zero_run)


def made_pdfs() -> list[bytes]:
    """PDFs in the styles of the tests, one of each."""
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "extract"))
    from makepdf import samples

    return [bytes(pdf) for pdf in samples()]


def mutants(made: list[bytes], real: list[bytes], count: int, seed: int) -> Iterator[tuple[str, bytes]]:
    """``count`` pairs of name and bytes, one in eight from ``real``; the same for the same sources and seed."""
    for number in range(count):
        rng = random.Random(f"{seed}-{number}")
        mutation = MUTATIONS[number % len(MUTATIONS)]
        sources = real if real and rng.random() < REAL_SHARE else made
        yield f"{number:04d}-{mutation.__name__}", mutation(bytearray(rng.choice(sources)), rng)


def _in_turn(
    threads: ThreadPoolExecutor,
    read: Callable[[tuple[str, bytes]], Extraction],
    items: Iterator[tuple[str, bytes]],
    ahead: int,
) -> Iterator[Extraction]:
    """Results in order with at most ``ahead`` mutants made in advance (``Executor.map`` would make all of them)."""
    waiting: deque[Future[Extraction]] = deque()
    for item in items:
        waiting.append(threads.submit(read, item))
        if len(waiting) >= ahead:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


def campaign(made: list[bytes], real: list[bytes], count: int, seed: int, workers: int) -> dict[str, object]:
    """Read every mutant; counts by outcome, the slowest, and memory of this process."""
    outcomes: Counter[str] = Counter()
    crashes: Counter[str] = Counter()
    slowest, figures, over = 0.0, 0, 0
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder, Extractor(workers, LIMITS) as extractor:

        def read(item: tuple[str, bytes]) -> Extraction:
            pdf = Path(folder) / f"{item[0]}.pdf"
            pdf.write_bytes(item[1])
            out = Path(folder) / item[0]
            try:
                return extractor.extract(pdf, out)
            finally:
                pdf.unlink()
                for picture in out.glob("*"):
                    picture.unlink()
                out.rmdir()

        with ThreadPoolExecutor(workers) as threads:
            for result in _in_turn(threads, read, mutants(made, real, count, seed), 4 * workers):
                outcomes["read" if result.ok else result.reason.split(":")[0]] += 1
                if result.reason.startswith("crashed"):
                    crashes[result.reason[:120]] += 1
                slowest = max(slowest, result.seconds)
                over += result.seconds > LIMITS.seconds + 5
                figures += len(result.figures)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024
    return {
        "mutants": count,
        "accounted_for": sum(outcomes.values()),
        "outcomes": dict(outcomes.most_common()),
        "crashes": dict(crashes.most_common(20)),
        "figures": figures,
        "over_the_time_limit": over,
        "slowest_s": round(slowest, 1),
        "main_process_peak_mb": peak,
        "largest_child_mb": children,
        "wall_s": round(time.monotonic() - began),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=3000)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--pdfs", type=Path, nargs="*", default=[], help="folders of real PDFs to mutate too")
    parser.add_argument("--largest-kb", type=int, default=1024, help="real PDFs above this size are left out")
    options = parser.parse_args()
    real: list[bytes] = []
    for folder in options.pdfs:
        files = sorted(p for p in folder.rglob("*.pdf") if p.stat().st_size <= options.largest_kb << 10)
        real += [file.read_bytes() for file in files]
    print(json.dumps(campaign(made_pdfs(), real, options.count, options.seed, options.workers), indent=1))


if __name__ == "__main__":
    main()
