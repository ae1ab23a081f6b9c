"""A picture of one row or column of pixels is one failed item of a command, and the rest of the batch is done."""

import json
from pathlib import Path

import numpy as np
import pytest

from covidct.cli import run
from covidct.imaging.ocr import ocr_available, read_text
from covidct.imaging.phantoms import phantom
from covidct.pictures import png_bytes

NARROW = [(1, 1), (1, 40), (40, 1), (1, 3000)]
ODD = [(2, 2), (3, 7), (8, 1200), (1200, 8), (15, 15)]


@pytest.mark.parametrize(
    "words", [["triage"], ["split-figure"], ["mask", "--out", "out"], ["dedup"]], ids=lambda w: w[0]
)
def test_narrow_files_fail_alone(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    for height, width in [*NARROW, *ODD]:
        Path(f"{height}x{width}.png").write_bytes(png_bytes(rng.integers(0, 256, (height, width), np.uint8)))
    for name in ("a.png", "z.png"):
        Path(name).write_bytes(png_bytes(phantom(np.random.default_rng(3), size=160)))
    files = sorted(path.name for path in tmp_path.glob("*.png"))
    assert run(["curate", *words, *files, "--json"]) == 3
    items = json.loads(capsys.readouterr().out)
    failed = [item["file"] for item in items if "error" in item]
    assert sorted(failed) == sorted(f"{height}x{width}.png" for height, width in NARROW)
    if words == ["dedup"]:
        assert [(item["a"], item["b"]) for item in items if "a" in item] == [("a.png", "z.png")]
    else:
        assert [item["file"] for item in items] == files


@pytest.mark.skipif(not ocr_available(), reason="the ocr extra is not installed")
@pytest.mark.parametrize("shape", [(8, 4000), (4000, 8), (9, 300), (31, 2001)])
def test_strips_are_read_like_any_picture(shape: tuple[int, int]) -> None:
    assert read_text(np.full(shape, 90, np.uint8)) == []
