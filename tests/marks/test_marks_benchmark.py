"""The drawing behind the mask benchmark and the network's training says truly what it has drawn where."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
from marks_backgrounds import real, series_half, slices_of
from marks_draw import PENS, SEEN, draw
from PIL import Image

from covidct.imaging.phantoms import phantom

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


def folder_of_slices(folder: Path, count: int) -> Path:
    for n in range(count):
        pixels = phantom(np.random.default_rng(n), size=200, lesion=False)
        Image.fromarray(pixels).save(folder / f"1.2.{n // 2}_{n}.png")
    return folder


def test_what_shows_has_an_owner_and_nothing_else_was_touched() -> None:
    rng = np.random.default_rng(4)
    plain = phantom(rng, size=200, lesion=False)
    seen = set()
    for _ in range(300):
        drawn = draw(rng, plain)
        changed = np.abs(drawn.picture.astype(int) - plain[:, :, None]).max(axis=2)
        assert ((drawn.owner > 0) == (changed > SEEN)).all()
        assert drawn.owner.max() <= len(drawn.marks)
        assert (drawn.classes[drawn.owner == 0] == 0).all() and (drawn.classes[drawn.owner > 0] > 0).all()
        seen |= {pen for pen, _ in drawn.marks}
    assert seen == {pen.__name__ for pen in PENS}


def test_slices_of_one_series_fall_into_the_same_half(tmp_path: Path) -> None:
    folder = folder_of_slices(tmp_path, 16)
    halves = [slices_of(folder, half) for half in (0, 1)]
    assert sorted(halves[0] + halves[1]) == slices_of(folder) and all(halves)
    assert {path.stem.split("_")[0] for path in halves[0]}.isdisjoint(path.stem.split("_")[0] for path in halves[1])
    assert series_half(Path("a/1.2.3_7.jpg")) == series_half(Path("b/1.2.3_91.png"))


def test_a_real_slice_comes_back_large_enough_for_a_patch(tmp_path: Path) -> None:
    path = slices_of(folder_of_slices(tmp_path, 1))[0]
    rng = np.random.default_rng(0)
    made = [real(rng, path) for _ in range(60)]
    assert min(min(one.shape) for one in made) >= 128
    assert len({one.tobytes() for one in made}) == 60


def test_the_benchmark_runs_on_a_loose_folder(tmp_path: Path) -> None:
    slices, out = tmp_path / "slices", tmp_path / "out.json"
    slices.mkdir()
    folder_of_slices(slices, 8)
    command = [sys.executable, str(BENCHMARKS / "mask.py"), "--slices", str(slices), "--n", "8", "--seeds", "10"]
    done = subprocess.run([*command, "--json", str(out)], capture_output=True, text=True, check=True)
    row, kinds = json.loads(out.read_text())["10"]
    assert row["changed outside"] == 0 and 0.5 < row["covered"] <= 1
    assert all(0 <= share <= 1 for share in kinds.values()) and all(kind in done.stdout for kind in kinds)
