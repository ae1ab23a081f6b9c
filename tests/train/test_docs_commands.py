"""Every command of docs/benchmarks.md, results/README.md and tutorial-own-data.md runs as printed, at tiny size."""

import csv
import json
import shlex
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from discs import draw_picture
from printed import covidct_lines

from covidct.cli import run

DOCS = Path(__file__).resolve().parents[2] / "docs"
TINY = ["--size", "32", "--epochs", "1", "--seeds", "0", "--accelerator", "cpu", "--no-baselines", "--no-report"]
SSL = [word for name in ("epochs=1", "size=32", "batch=8", "groups=1") for word in ("--set", f"moco.{name}")]


def commands(page: str) -> list[list[str]]:
    """The indented lines of a page that call covidct, without their comments, in order."""
    return [shlex.split(line) for line in covidct_lines((DOCS / page).read_text(encoding="utf-8"))]


def smaller(words: Sequence[str], data: Sequence[str]) -> list[str]:
    """``words`` with settings that take seconds behind them: of an option said twice the last one counts."""
    if words[:2] in (["bench", "evaluate"], ["bench", "export"]) or words[0] != "bench":
        return list(words)
    if words[1] == "compare":
        return [*words, "--manifest", data[1]]
    if "--config" in words:
        return [*words, *data, "--accelerator", "cpu", "--no-baselines", "--no-report"]
    if "--table" in words and words[words.index("--table") + 1] in "12":
        return list(words)
    own = [w for w in TINY if w not in ("--seeds", "0", "--no-report")] if "robust" in words else list(TINY)
    own += ["--folds", "2", "--model", "lite0"] if "robust" in words else []
    own += ["--fractions", "0.5,1"] if "--fractions" in words else []
    own += ["--trials", "1"] if "--trials" in words else []
    return [*words, *data, *own, *(SSL if "LUNA" in words or "--luna" in words else [])]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pixel_cache: Path) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COVIDCT_CACHE", str(pixel_cache))
    monkeypatch.setenv("COVIDCT_SCALE", "0.1")
    return tmp_path


def test_the_commands_of_benchmarks_run(
    here: Path,
    drawn: tuple[Path, Path],
    make_release: Callable[..., Path],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    pytest.importorskip("onnxscript")
    make_release(here / "manifests" / "covid-ct" / "2.0.0", here / "DIR", {"test": 16}, seed=5)
    monkeypatch.setenv("COVIDCT_IMAGES", str(here / "DIR"))
    (here / "slice.png").write_bytes((drawn[1] / "set" / "test-0.png").read_bytes())
    (here / "docs").symlink_to(DOCS)
    (here / "LUNA").symlink_to(drawn[1])
    data = ["--manifest", str(drawn[0]), "--images", str(drawn[1])]
    ran = 0
    for words in commands("benchmarks.md"):
        code = run(smaller(words, data))
        assert code == 0, (words, code, capsys.readouterr().err[-500:])
        ran += 1
    assert ran == 13
    rows = json.loads((here / "runs" / "table-6" / "table.json").read_text())["rows"]
    assert len(rows) == 5 and all(row["ours"] is not None for row in rows)
    lines = (here / "runs" / "table-6" / "table.md").read_text().splitlines()
    pairs = [line.split(",")[0] for line in lines if " − " in line and "AUC" in line]
    assert pairs == ["| lite0: self-trans − method2", "| lite0: self-trans − method3"]
    assert (here / "again" / "predictions.csv").read_bytes() == (
        here / "runs" / "lite0-transfer-tuned" / "predictions.csv"
    ).read_bytes()


def test_the_commands_of_the_results_run(
    here: Path, drawn: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "LUNA").symlink_to(drawn[1])
    printed = commands("results/README.md")
    for words in printed:
        code = run(smaller(words, ["--manifest", str(drawn[0]), "--images", str(drawn[1])]))
        assert code == 0, (words, code, capsys.readouterr().err[-500:])
    assert len(printed) == 10


def test_the_tutorial_runs_from_pictures_to_a_prediction(
    here: Path, drawn: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("onnxscript")
    rng = np.random.default_rng(3)
    lines = []
    for number in range(72):
        sick = number % 2 == 0
        file = f"{'a' if sick else 'b'}/{number + 1:04d}.png"
        (here / "pictures" / file).parent.mkdir(parents=True, exist_ok=True)
        draw_picture(sick, rng).save(here / "pictures" / file)
        lines.append([file, "pneumonia" if sick else "healthy", f"p{number // 4}-{number % 2}", f"ward-{number % 3}"])
    with (here / "own.csv").open("w", newline="") as handle:
        csv.writer(handle).writerows([["file", "label", "patient_id", "source"], *lines])
    tiny = ["--size", "32", "--epochs", "1", "--seeds", "0", "--accelerator", "cpu", "--no-baselines"]
    printed = commands("tutorial-own-data.md")
    assert [words[0] for words in printed] == ["manifest", "manifest", "bench", "bench", "predict", "bench"]
    for words in printed:
        code = run([*words, *(tiny if words[0] == "bench" and words[1] != "export" else [])])
        assert code == 0, (words, code, capsys.readouterr().err[-500:])
    summary = json.loads((here / "run" / "summary.json").read_text())
    assert summary["metrics"]["auc"]["mean"] >= 0
    assert (here / "audit" / "audit.html").is_file()
    assert (here / "overlays" / "000-0001.png").is_file()
    assert (here / "exported" / "seed-0.onnx").is_file()
