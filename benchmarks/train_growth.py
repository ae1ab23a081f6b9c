"""Time and memory of a benchmark against the number of images: pack, one epoch, predictions, from 700 to 20,000.

    python benchmarks/train_growth.py [--counts 700,2800,20000] [--json FILE]

Each count is a process of its own with one thread: drawn PNG pictures (48 pixels, CRNet at 40) are decoded into the
store, one epoch is trained, all are scored. Printed are milliseconds of processor time an image, and bytes of memory
for each further image, as ratios to the smallest count and to the bytes of a stored picture. Linear growth is 1.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

SIDE, SIZE, DRAWN = 48, 40, 64


def measure(count: int) -> dict[str, float]:
    """Processor seconds of each part and the peak of memory in bytes, for ``count`` images."""
    import torch
    from lightning_fabric import Fabric
    from PIL import Image

    from covidct.train.loop import START, Job, Pictures, Training, probabilities, scaled
    from covidct.train.networks import build
    from covidct.train.pixels import pack
    from covidct.train.recipe import Recipe

    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as home:
        folder, rng = Path(home), np.random.default_rng(0)
        for number in range(DRAWN):
            Image.fromarray(rng.integers(0, 255, (SIDE, SIDE), dtype=np.uint8)).save(folder / f"{number}.png")
        paths = {str(n): folder / f"{n % DRAWN}.png" for n in range(count)}
        begun = time.process_time()
        store = pack(paths, SIDE, folder / "pixels")
        packed = time.process_time()
        part = Pictures(store.rows(store.ids), (np.arange(count) % 2).astype(np.float64))
        few = Pictures(part.pixels[:64], part.truth[:64])
        torch.save(build("crnet", SIZE).state_dict(), folder / START)
        run = Training(Fabric(accelerator="cpu", devices=1), Job("crnet", Recipe(size=SIZE), 0, part, few, folder))
        ready = time.process_time()
        run.train_epoch(0)
        trained = time.process_time()
        probabilities(run.network, scaled(torch.from_numpy(part.pixels), SIZE))
        scored = time.process_time()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return {"pack": packed - begun, "epoch": trained - ready, "predict": scored - trained, "peak": float(peak)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--counts", default="700,2800,20000")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(measure(options.one)))
        return
    found = {}
    for count in map(int, options.counts.split(",")):
        said = subprocess.run(
            [sys.executable, __file__, "--one", str(count)], capture_output=True, text=True, check=True
        )
        found[count] = json.loads(said.stdout.splitlines()[-1])
    first = min(found)
    for count, row in found.items():
        parts = [
            f"{name} {1000 * row[name] / count:.2f} ms an image ({row[name] * first / found[first][name] / count:.2f})"
            for name in ("pack", "epoch", "predict")
        ]
        more = (row["peak"] - found[first]["peak"]) / max(1, count - first) / SIDE**2 if count > first else 0
        memory = f"peak {row['peak'] / 2**20:.0f} MiB, {more:.1f} x the stored bytes for each further image"
        print(f"{count} images: {', '.join(parts)}; {memory}")
    if options.json:
        options.json.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
