"""What the documentation of the benchmarks says is so."""

import json
import re
import tomllib
from pathlib import Path

import click
import numpy as np
import pytest

from covidct.cli import run
from covidct.commands.bench import bench as bench_command
from covidct.scores import auc
from covidct.train.methods import INITS, METHODS
from covidct.train.results import read_predictions

DOCS = Path(__file__).resolve().parents[2] / "docs"
TEST_IMAGES = {"covid-ct/1.0.0": 203, "covid-ct/2.0.0": 209}
RESULTS = sorted(path.parent for path in (DOCS / "results").glob("*/summary.json"))


def test_a_newcomers_own_network_runs_with_all_scores(
    drawn: tuple[Path, Path], pixel_cache: Path, tmp_path: Path
) -> None:
    words = ["--model", f"{DOCS / 'examples' / 'my_network.py'}:build", "--epochs", "1", "--size", "32"]
    words += ["--manifest", str(drawn[0]), "--images", str(drawn[1]), "--cache", str(pixel_cache), "--no-baselines"]
    assert run(["bench", *words, "--accelerator", "cpu", "--out", str(tmp_path)]) == 0
    assert "my_network.py:build" in (tmp_path / "results.csv").read_text()
    assert (tmp_path / "report.html").is_file()


def test_every_method_start_and_option_is_documented() -> None:
    text = (DOCS / "benchmarks.md").read_text()
    for name in (*METHODS, *INITS):
        assert f"`{name}`" in text, name
    commands = [bench_command, *bench_command.commands.values()]
    options = {word for c in commands for p in c.params if isinstance(p, click.Option) for word in p.opts}
    used = set(re.findall(r"--[a-z][a-z-]*", text))
    assert used <= options, used - options


@pytest.mark.parametrize("folder", RESULTS, ids=[path.name for path in RESULTS])
def test_published_numbers_follow_from_the_predictions(folder: Path) -> None:
    found = read_predictions(folder, "test")
    lines = (folder / "results.csv").read_text().splitlines()
    columns = lines[0].split(",")
    summary = json.loads((folder / "summary.json").read_text())
    assert len(found.ids) == summary["images"] == TEST_IMAGES[summary["release"]]
    for line in lines[1:]:
        row = dict(zip(columns, line.split(","), strict=True))
        assert float(row["auc"]) == pytest.approx(auc(found.truth, found.runs[int(row["seed"])]), abs=1e-4)


@pytest.mark.parametrize("folder", [path for path in RESULTS if "robust" in path.name], ids=lambda path: path.name)
def test_what_a_published_ensemble_says_is_the_mean_of_its_members(folder: Path) -> None:
    """AUC, and accuracy at 0.5 and at the threshold in summary.json, which out-of-fold predictions chose."""
    found, held = read_predictions(folder, "test"), (folder / "predictions.csv").read_text().count(",out-of-fold,")
    summary = json.loads((folder / "summary.json").read_text())
    mean = np.mean(list(found.runs.values()), axis=0)
    config = tomllib.loads((folder / "config.toml").read_text())
    assert len(found.runs) == summary["members"]["count"] == config["run"]["folds"] * config["run"]["repeats"]
    assert held == config["run"]["repeats"] * {"covid-ct/1.0.0": 543, "covid-ct/2.0.0": 522}[summary["release"]]
    assert auc(found.truth, mean) == pytest.approx(summary["metrics"]["auc"]["mean"], abs=1e-4)
    for cut, told in (
        (0.5, summary["metrics"]["accuracy"]["mean"]),
        (summary["at_validation_threshold"]["thresholds"][0], summary["at_validation_threshold"]["accuracy"]["value"]),
    ):
        assert ((mean >= cut) == (found.truth > 0.5)).mean() == pytest.approx(told, abs=1e-5)
