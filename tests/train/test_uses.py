"""What a finished run is used for: other releases, comparison, prediction, maps, reports, curves, packed sets."""

import csv
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from PIL import Image

from covidct.audit import shortcut
from covidct.bench.reporting import marks_of
from covidct.cli import run
from covidct.models import build
from covidct.models.gradcam import grad_cam
from covidct.release.read import read_release
from covidct.release.read.facts import picture_hash
from covidct.tables import write_csv
from covidct.train.explain import mean_places, overlay, places

if TYPE_CHECKING:
    from playwright.sync_api import Browser

Bench = Callable[..., int]
SMALL = ("--model", "crnet", "--size", "32", "--epochs", "3", "--set", "lr=1e-3")


@pytest.fixture(scope="module")
def trained(drawn: tuple[Path, Path], pixel_cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of two seeds with its report."""
    out = tmp_path_factory.mktemp("trained")
    common = ["--manifest", str(drawn[0]), "--images", str(drawn[1]), "--cache", str(pixel_cache)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shortcut, "TREES", 20)  # their scores are not what is looked at here
        assert run(["bench", *common, *SMALL, "--seeds", "0,1", "--accelerator", "cpu", "--out", str(out)]) == 0
    return out


def test_the_report_stands_alone(trained: Path) -> None:
    text = (trained / "report.html").read_text()
    assert not re.search(r'(src|href)="(?!data:|#)', text)
    assert text.count("<svg") == 5
    assert "Not for clinical use" in text
    assert "shortcut: " in text
    assert "Model card" in text
    assert "lr = 0.001" in text
    assert "Images by source" in text
    assert "warning: identity-not-scanned" in text
    assert text.count("<th>seed ") == 2  # one column of maps a seed


def test_runs_stand_side_by_side(
    trained: Path, bench: Bench, drawn: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "other"
    assert bench(*SMALL[:2], "--size", "40", "--epochs", "1", "--out", str(other)) == 0
    common = ["--images", str(drawn[1]), "--no-baselines", "--out", str(tmp_path / "both")]
    assert run(["bench", "report", str(trained), str(other), "--manifest", str(drawn[0]), *common]) == 0
    text = (tmp_path / "both" / "report.html").read_text()
    assert f"<th>{trained.name}</th><th>other</th>" in text
    assert f"other − {trained.name}, AUC" in text
    assert text.count("on the border (outer 8 %), ") == 2
    assert text.count("inside the lungs, ") <= 2  # a run all of whose maps are empty has no share to tell
    assert text.count("<tr><td><img") == 5
    assert run(["bench", "report", str(trained), *common]) == 2
    assert "made on drawn/1.0.0, not covid-ct/1.0.0" in capsys.readouterr().err


def test_the_maps_are_put_in_numbers(trained: Path) -> None:
    table = json.loads((trained / "explain.json").read_text())
    assert table["pictures"] == 12
    assert 0 <= table["border"] <= 1


def test_a_network_without_maps_gets_its_report_all_the_same(bench: Bench, tmp_path: Path) -> None:
    code = "from torch import nn\nCHANNELS = 1\n\n\ndef flat(classes):\n"
    code += "    return nn.Sequential(nn.Flatten(), nn.Linear(32 * 32, classes))\n"
    (tmp_path / "flat_network.py").write_text(code)
    words = ("--model", f"{tmp_path / 'flat_network.py'}:flat", "--size", "32", "--epochs", "1")
    assert bench(*words, "--report", "--out", str(tmp_path / "run")) == 0
    assert "Grad-CAM for covid" not in (tmp_path / "run" / "report.html").read_text()


def test_marks_of_a_release_become_shares_of_the_picture(drawn: tuple[Path, Path]) -> None:
    release = read_release(drawn[0])
    release.images.loc[0, "artifacts"] = "identifying=no text=1 boxes=text:7,6,35,30"
    assert marks_of(release) == {"train-0": [[0.1, 0.1, 0.5, 0.5]]}


def test_another_release_is_scored_by_source_and_group(
    trained: Path, make_release: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COVIDCT_CACHE", str(tmp_path / "cache"))
    other = make_release(tmp_path / "other", tmp_path / "images", {"test": 16}, seed=5)
    words = ["--run", str(trained), "--manifest", str(other), "--images", str(tmp_path / "images")]
    assert run(["bench", "evaluate", *words, "--out", str(tmp_path / "e")]) == 0
    summary = json.loads((tmp_path / "e" / "summary.json").read_text())
    assert summary["images"] == 16
    assert set(summary["by_source"]) == {"drawn-a", "drawn-b"}
    with (tmp_path / "e" / "groups.csv").open(newline="") as handle:
        assert sum(int(line["images"]) for line in csv.DictReader(handle)) == 16
    with (tmp_path / "e" / "results.csv").open(newline="") as handle:
        assert [line["seed"] for line in csv.DictReader(handle)] == ["0", "1"]


def test_evaluating_on_the_own_release_gives_the_runs_scores(
    trained: Path, drawn: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pixel_cache: Path
) -> None:
    monkeypatch.setenv("COVIDCT_CACHE", str(pixel_cache))
    words = ["--run", str(trained), "--manifest", str(drawn[0]), "--images", str(drawn[1]), "--split", "test"]
    assert run(["bench", "evaluate", *words, "--out", str(tmp_path)]) == 0
    one, two = (json.loads((folder / "summary.json").read_text())["metrics"] for folder in (trained, tmp_path))
    assert one == two


def test_comparison_of_two_runs(
    trained: Path, drawn: tuple[Path, Path], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    words = ["bench", "compare", str(trained), str(trained), "--manifest", str(drawn[0]), "--json"]
    assert run(words) == 0
    assert json.loads(capsys.readouterr().out)["value"] == 0
    assert run([*words[:3], str(tmp_path), "--manifest", str(drawn[0])]) == 2
    assert "no finished run" in capsys.readouterr().err


def test_prediction_says_what_it_is_not_for(
    trained: Path, drawn: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good, bad = drawn[1] / "set" / "test-0.png", tmp_path / "bad.png"
    bad.write_bytes(b"no picture")
    assert run(["predict", str(good), "--run", str(trained), "--out", str(tmp_path / "o"), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert "Not for clinical use" in found["disclaimer"]
    assert 0 <= found["images"][0]["probability"] <= 1
    assert Image.open(found["images"][0]["overlay"]).size == (32, 32)
    assert run(["predict", str(good), str(bad), "--run", str(trained)]) == 3
    said = capsys.readouterr()
    assert "Not for clinical use" in said.out
    assert "bad.png" in said.err


def test_a_run_with_weights_of_another_model_is_refused(
    trained: Path, drawn: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "seed-0").mkdir()
    (tmp_path / "config.toml").write_text('[run]\nseeds = [0]\nmodel = "crnet"\n')
    saved = torch.load(trained / "seed-0" / "best.pt", weights_only=True)
    torch.save({**saved, "model": "lite0"}, tmp_path / "seed-0" / "best.pt")
    assert run(["predict", str(drawn[1] / "set" / "test-0.png"), "--run", str(tmp_path)]) == 1
    assert "not the weights of this model" in capsys.readouterr().err


def test_learning_curve_by_groups(bench: Bench, tmp_path: Path) -> None:
    assert bench("--fractions", "0.4,1", "--method", "scratch", *SMALL, "--out", str(tmp_path)) == 0
    with (tmp_path / "curve.csv").open(newline="") as handle:
        lines = list(csv.DictReader(handle))
    assert [line["fraction"] for line in lines] == ["0.400000", "1.000000"]
    assert [line["train_groups"] for line in lines] == ["4", "12"]
    assert (tmp_path / "curve.svg").read_text().startswith("<svg")
    report = (tmp_path / "report.html").read_text()
    assert report.count("<svg") == 3
    assert "Scores by share of the training groups" in report


def test_trials_look_at_validation_only(bench: Bench, tmp_path: Path) -> None:
    assert bench("--trials", "2", *SMALL, "--out", str(tmp_path)) == 0
    with (tmp_path / "trials.csv").open(newline="") as handle:
        lines = list(csv.DictReader(handle))
    assert [line["trial"] for line in lines] == ["0", "1"]
    assert "trials" in (tmp_path / "config.toml").read_text()
    assert "test" not in " ".join(lines[0])


def test_packed_pictures_give_the_same_run(bench: Bench, drawn: tuple[Path, Path], tmp_path: Path) -> None:
    words = ["--manifest", str(drawn[0]), "--images", str(drawn[1]), "--size", "32", "--out", str(tmp_path / "p")]
    assert run(["data", "pack", *words]) == 0
    packed = next((tmp_path / "p").iterdir())
    assert bench(*SMALL, "--out", str(tmp_path / "one")) == 0
    assert bench(*SMALL, "--packed", str(packed), "--out", str(tmp_path / "two")) == 0
    one, two = ((tmp_path / name / "predictions.csv").read_bytes() for name in ("one", "two"))
    assert one == two


def test_a_picture_put_in_the_place_of_another_is_refused(
    bench: Bench, drawn: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Other forms of a picture train as ever; another picture under its name, loose or packed, does not."""
    release, images = tmp_path / "release", tmp_path / "images"
    shutil.copytree(drawn[0], release)
    shutil.copytree(drawn[1], images)
    with (release / "images.csv").open(newline="") as handle:
        lines = [{**line, "phash": picture_hash(images / line["file"])} for line in csv.DictReader(handle)]
    write_csv(release / "images.csv", list(lines[0]), lines)
    with Image.open(images / "set/test-0.png") as picture:
        picture.resize((90, 80)).save(images / "set/test-0.png")
    assert bench(*SMALL, "--out", str(tmp_path / "form"), release=release, images=images) == 0
    words = ["--manifest", str(release), "--images", str(images), "--size", "32", "--out", str(tmp_path / "p")]
    Image.effect_noise((70, 60), 90).save(images / "set/test-1.png")
    assert bench(*SMALL, "--out", str(tmp_path / "loose"), release=release, images=images) == 2
    assert "test-1: its picture shows something else" in capsys.readouterr().err
    assert run(["data", "pack", *words]) == 0
    packed = next((tmp_path / "p").iterdir())
    assert bench(*SMALL, "--packed", str(packed), "--out", str(tmp_path / "two"), release=release) == 2
    assert "test-1: its picture shows something else" in capsys.readouterr().err
    place = ["--run", str(tmp_path / "form"), "--manifest", str(release), "--images", str(images)]
    assert run(["bench", "evaluate", *place]) == 2 and "test-1: its picture" in capsys.readouterr().err


def test_weights_learned_without_labels_can_be_used(bench: Bench, drawn: tuple[Path, Path], tmp_path: Path) -> None:
    small = ("--set", "epochs=1", "--set", "size=32", "--set", "batch=8", "--set", "groups=1")
    weights = tmp_path / "w.pt"
    assert run(["bench", "pretrain", "--images", str(drawn[1]), "--out", str(weights), *small]) == 0
    assert bench(*SMALL, "--weights", str(weights), "--out", str(tmp_path / "r")) == 0
    assert 'init = "file:w.pt"' in (tmp_path / "r" / "config.toml").read_text()


def test_two_processes_train_as_one(bench: Bench, tmp_path: Path) -> None:
    """Both draw the same numbers and average their gradients; only batch norm sees half a batch in each."""
    words = ("--model", "crnet", "--size", "32", "--epochs", "2", "--set", "average=0.5")
    assert bench(*words, "--out", str(tmp_path / "one")) == 0
    assert bench(*words, "--devices", "2", "--out", str(tmp_path / "two")) == 0
    losses, said = [], []
    for name in ("one", "two"):
        with (tmp_path / name / "predictions.csv").open(newline="") as handle:
            said.append(np.array([float(line["probability"]) for line in csv.DictReader(handle)]))
        with (tmp_path / name / "seed-0" / "history.csv").open(newline="") as handle:
            losses.append([float(line["val_loss"]) for line in csv.DictReader(handle)])
    assert losses[0] == pytest.approx(losses[1], abs=0.1)
    assert np.abs(said[0] - said[1]).mean() < 0.05


def plain_grad_cam(network: torch.nn.Module, activation: torch.Tensor, gradient: torch.Tensor) -> np.ndarray:
    """The formula with loops: weight of a channel = mean gradient; map = positive part of the weighted sum."""
    a, g = activation[0].detach().numpy(), gradient[0].numpy()
    heat = np.zeros(a.shape[1:])
    for channel in range(len(a)):
        heat += g[channel].mean() * a[channel]
    return np.maximum(heat, 0)


def test_grad_cam_is_the_formula() -> None:
    torch.manual_seed(0)
    network = build("crnet", size=64).eval()
    x = torch.rand(1, 1, 64, 64)
    activation = network.encoder.get_submodule("features")[:11]((x - network.mean) / network.std)
    activation = activation.detach().requires_grad_(True)
    score = network.head(torch.flatten(activation, 1))[0, 1]
    score.backward()
    assert activation.grad is not None
    expected = plain_grad_cam(network, activation, activation.grad)
    found = grad_cam(network, x)[0].numpy()
    coarse = torch.nn.functional.interpolate(torch.tensor(expected)[None, None], (64, 64), mode="bilinear")[0, 0]
    assert np.allclose(found, coarse / max(float(coarse.max()), 1e-12), atol=1e-4)


def test_places_are_shares_of_the_map() -> None:
    picture = np.full((40, 40), 160, np.uint8)
    heat = np.zeros((40, 40), np.float32)
    heat[:20, :20] = 1
    found = places(heat, picture, boxes=[(0, 0, 0.25, 0.5)])
    assert found.marks == pytest.approx(0.5)
    assert found.marks_area == pytest.approx(0.125)
    assert found.border == pytest.approx((20 * 20 - 17 * 17) / 400)
    assert np.isnan(found.lung)
    even = places(np.ones((40, 40), np.float32), picture)
    assert even.border == pytest.approx(even.border_area)
    table = mean_places([found, even])
    assert (table["lung_pictures"], table["marks_pictures"], table["border_pictures"]) == (0, 1, 2)


def test_overlay_keeps_the_picture_where_nothing_speaks() -> None:
    picture = np.full((4, 4), 90, np.uint8)
    heat = np.zeros((4, 4), np.float32)
    heat[0, 0] = 1
    shown = overlay(picture, heat)
    assert (shown[1:, 1:] == 90).all()
    assert shown[0, 0, 0] > 150


def test_axe_finds_nothing_in_the_report(trained: Path, browser: "Browser") -> None:
    """Axe's own rules on the whole page, tables, curves, maps and card, in a real browser."""
    pytest.importorskip("axe_playwright_python")
    import axe

    page = browser.new_page(bypass_csp=True)
    page.goto((trained / "report.html").as_uri())
    axe.load(page)
    found = axe.violations(page)
    page.close()
    assert not found, "\n".join(f"{one['id']}: {one['nodes'][0]['html'][:150]}" for one in found)
