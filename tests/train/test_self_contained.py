"""A run can be carried elsewhere, made again from its config.toml, started from anyone's weights, and handed on."""

import csv
import json
import shutil
import tomllib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from covidct.cli import run
from covidct.errors import UsageError
from covidct.models import build
from covidct.train.pixels import square
from covidct.train.recipe import stored_side
from covidct.train.telling import time_text
from covidct.train.weights import LITE_MEAN, file_start

Bench = Callable[..., int]
SMALL = ("--model", "crnet", "--size", "32", "--epochs", "2", "--set", "lr=1e-3")
EXAMPLES = Path(__file__).resolve().parents[2] / "docs" / "examples"
PIXELS = np.full((4, 36, 36), 90, np.uint8)


@pytest.fixture(scope="module")
def trained(drawn: tuple[Path, Path], pixel_cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of one seed."""
    out = tmp_path_factory.mktemp("trained")
    common = ["--manifest", str(drawn[0]), "--images", str(drawn[1]), "--cache", str(pixel_cache), "--no-baselines"]
    assert run(["bench", *common, *SMALL, "--accelerator", "cpu", "--out", str(out)]) == 0
    return out


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as handle:
        return list(csv.DictReader(handle))


def test_nothing_in_a_run_says_where_it_was_made(trained: Path, drawn: tuple[Path, Path]) -> None:
    homes = [str(part).encode() for part in (trained, drawn[0], drawn[1], Path.home(), Path.cwd())]
    for file in trained.rglob("*"):
        if file.is_file():
            text = file.read_bytes()
            assert not any(home in text for home in homes), file


def test_a_run_that_was_moved_predicts_the_same_from_any_folder(
    trained: Path,
    drawn: tuple[Path, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    picture = drawn[1] / "set" / "test-0.png"
    shutil.copytree(trained, tmp_path / "moved")
    shutil.copy(picture, tmp_path / "slice.png")
    monkeypatch.chdir(tmp_path)
    said = next(line for line in rows(trained / "predictions.csv") if line["image_id"] == "test-0")
    assert run(["predict", "slice.png", "--run", "moved", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["images"][0]
    assert found["probability"] == pytest.approx(float(said["probability"]), abs=2e-6)
    assert found["kind"] != "ct_axial_lung"  # a disc on noise
    assert run(["predict", "slice.png", "--run", "moved"]) == 0
    assert "NO ct_axial_lung" in capsys.readouterr().out


def test_predictions_and_config_say_of_what_and_how(trained: Path, drawn: tuple[Path, Path]) -> None:
    by_id = {line["image_id"]: line for line in rows(drawn[0] / "images.csv")}
    for line in rows(trained / "predictions.csv"):
        assert (line["source"], line["group_id"]) == tuple(by_id[line["image_id"]][k] for k in ("source", "group_id"))
    config = tomllib.loads((trained / "config.toml").read_text())
    assert config["run"]["release"] == "drawn/1.0.0"
    assert len(config["data"]["pixels"]) == 64
    assert config["start"]["source"] == "random"
    assert 0 < config["start"]["mean"][0] < 1
    assert not list(trained.rglob("last.pt")) + list(trained.rglob("start.pt"))


def test_the_card_is_made_of_this_runs_facts(trained: Path) -> None:
    text = (trained / "model-card.md").read_text()
    assert "drawn-a 32, drawn-b 16" in text
    assert "labels by drawn 48" in text
    assert "0% of the images come from sources that hold one class only" in text
    assert "window is known for 0% of the images" in text


def test_a_run_is_made_again_from_its_config(
    trained: Path, bench: Bench, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = str(trained / "config.toml")
    assert bench("--config", config, "--out", str(tmp_path / "again")) == 0
    for name in ("config.toml", "predictions.csv", "results.csv", "summary.json"):
        assert (tmp_path / "again" / name).read_bytes() == (trained / name).read_bytes(), name
    capsys.readouterr()
    assert bench("--config", config, "--epochs", "3", "--out", str(tmp_path / "other")) == 2
    assert "--epochs is not used by --config" in capsys.readouterr().err
    assert run(["bench", "--config", config, "--out", str(tmp_path / "other")]) == 2
    assert "made on drawn/1.0.0, not covid-ct/1.0.0" in capsys.readouterr().err
    (tmp_path / "broken.toml").write_text('[run]\nrelease = "drawn/1.0.0"\n')
    assert bench("--config", str(tmp_path / "broken.toml")) == 2
    assert "not the config.toml of a run" in capsys.readouterr().err


def test_a_release_of_another_disease_keeps_the_names_of_its_classes(
    drawn: tuple[Path, Path], bench: Bench, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """In every file, and when the run is read back, evaluated and compared."""
    release = tmp_path / "release"
    shutil.copytree(drawn[0], release)
    table = release / "images.csv"
    table.write_text(table.read_text().replace(",non-covid,", ",other,").replace(",covid,", ",influenza-x,"))
    meta = json.loads((release / "release.json").read_text()) | {"classes": ["other", "influenza-x"]}
    (release / "release.json").write_text(json.dumps(meta))
    one = tmp_path / "one"
    assert bench(*SMALL, "--report", "--out", str(one), release=release) == 0
    assert {line["label"] for line in rows(one / "predictions.csv")} == {"influenza-x", "other"}
    text = (one / "report.html").read_text()
    assert "called influenza-x" in text
    assert "called covid" not in text
    words = ["--manifest", str(release), "--json"]
    capsys.readouterr()
    assert run(["bench", "compare", str(one), str(one), *words]) == 0
    assert json.loads(capsys.readouterr().out)["value"] == 0
    assert run(["predict", str(drawn[1] / "set" / "test-0.png"), "--run", str(one)]) == 0
    assert "probability of influenza-x" in capsys.readouterr().out
    assert run(["bench", "--table", "1", "--manifest", str(release), "--out", str(tmp_path / "t")]) == 0
    assert "| # images | influenza-x | 12 (191)" in capsys.readouterr().out


@pytest.mark.parametrize("seeds", ['["../../elsewhere"]', "[true]", '"0"'])
def test_seeds_of_a_run_that_came_from_elsewhere_lead_nowhere(
    trained: Path, tmp_path: Path, seeds: str, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(trained, tmp_path / "run")
    config = tmp_path / "run" / "config.toml"
    config.write_text(config.read_text().replace("seeds = [0]", f"seeds = {seeds}"))
    assert run(["bench", "export", "--run", str(tmp_path / "run")]) == 1
    assert "whole numbers as seeds" in capsys.readouterr().err


def test_a_config_that_came_from_elsewhere_starts_no_code(
    trained: Path, bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "trap_module.py").write_text("raise SystemExit('started')\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    for model in ("trap_module:build", f"{tmp_path / 'trap_module.py'}:build"):
        config = (trained / "config.toml").read_text().replace('model = "crnet"', f'model = "{model}"')
        (tmp_path / "c.toml").write_text(config)
        assert bench("--config", str(tmp_path / "c.toml"), "--out", str(tmp_path / "o")) == 2
        assert "made with code of its own" in capsys.readouterr().err


def test_every_stage_of_a_method_is_made_again(bench: Bench, drawn: tuple[Path, Path], tmp_path: Path) -> None:
    words = ["--model", "crnet", "--method", "method1", "--size", "32", "--epochs", "1", "--seeds", "3"]
    words += ["--set", "moco.epochs=1", "--set", "moco.size=32", "--set", "moco.batch=8", "--set", "target.groups=2"]
    assert bench(*words, "--out", str(tmp_path / "one")) == 0
    assert bench("--config", str(tmp_path / "one" / "config.toml"), "--out", str(tmp_path / "two")) == 0
    for name in ("config.toml", "predictions.csv"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes(), name


def test_a_fold_ensemble_of_ones_own_network_is_made_again(
    bench: Bench, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With trials and repeats; its files name the network's file and its sha256, not where it lies."""
    own = ["--model", f"{EXAMPLES / 'my_network.py'}:build"]
    words = ["--protocol", "robust", *own, "--method", "scratch", "--trials", "2", "--folds", "2", "--repeats", "2"]
    one, two = tmp_path / "one", tmp_path / "two"
    assert bench(*words, "--size", "32", "--epochs", "1", "--set", "batch=8", "--out", str(one)) == 0
    assert capsys.readouterr().err.count(" of 8 members") == 8
    assert bench("--config", str(one / "config.toml"), *own, "--out", str(two)) == 0
    for name in ("config.toml", "predictions.csv", "summary.json"):
        assert (one / name).read_bytes() == (two / name).read_bytes(), name
        assert str(EXAMPLES).encode() not in (one / name).read_bytes(), name
    capsys.readouterr()
    assert bench("--config", str(one / "config.toml"), "--out", str(two)) == 2
    assert "name the same file with --model FILE.py:factory" in capsys.readouterr().err


def test_epochs_are_told_a_line_each_where_no_terminal_is(
    bench: Bench, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("tensorboard")
    assert bench(*SMALL, "--log", "tensorboard", "--out", str(tmp_path / "loud")) == 0
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("seed-")]
    assert [line.partition(",")[0] for line in lines] == [f"seed-0: epoch {n} of 2" for n in (1, 2)]
    history = rows(tmp_path / "loud" / "seed-0" / "history.csv")
    assert all(f"validation AUC {float(r['val_auc']):.3f}" in line for r, line in zip(history, lines, strict=True))
    assert lines[-1].endswith("0 s left")
    assert list((tmp_path / "loud" / "seed-0" / "tensorboard").glob("events.*"))
    monkeypatch.setenv("COVIDCT_QUIET", "1")
    assert bench(*SMALL, "--out", str(tmp_path / "quiet")) == 0
    assert "epoch" not in capsys.readouterr().err


def test_times_are_said_as_people_say_them() -> None:
    assert [time_text(s) for s in (0.4, 89, 95, 3570, 3600, 7500)] == [
        "0 s",
        "89 s",
        "2 min",
        "1 h 00 min",
        "1 h 00 min",
        "2 h 05 min",
    ]


FORMS: dict[str, Callable[[dict[str, torch.Tensor]], object]] = {
    "bare": lambda s: s,
    "moco": lambda s: {
        "epoch": 3,
        "state_dict": {f"module.encoder_q.{n}": v for n, v in s.items()}
        | {f"module.encoder_k.{n}": v * 0 for n, v in s.items()}
        | {"module.queue": torch.zeros(8, 9)},
    },
    "moco projector": lambda s: {
        "state_dict": {f"module.encoder_q.{n}": v for n, v in s.items() if not n.startswith("fc.")}
        | {"module.encoder_q.fc.0.weight": torch.zeros(3, 3), "module.encoder_q.fc.2.weight": torch.zeros(3, 3)}
    },
    "lightning": lambda s: {"state_dict": {f"model.{n}": v for n, v in s.items()} | {"loss.weight": torch.ones(2)}},
    "backbone": lambda s: {f"backbone.{n}": v for n, v in s.items()} | {"projector.0.weight": torch.zeros(2, 2)},
    "parallel": lambda s: {"model": {f"module.{n}": v for n, v in s.items()}},
}


@pytest.mark.parametrize("form", [*FORMS, "safetensors"])
def test_weights_of_anyones_training_code_are_taken(form: str, tmp_path: Path) -> None:
    """ResNet-18 as torchvision names it, wrapped as the usual training codes wrap it."""
    torchvision = pytest.importorskip("torchvision")
    torch.manual_seed(5)
    state = torchvision.models.resnet18(num_classes=7).state_dict()
    path = tmp_path / ("w.safetensors" if form == "safetensors" else "w.pt")
    if form == "safetensors":
        pytest.importorskip("safetensors.torch").save_file(state, path)
    else:
        torch.save(FORMS[form](state), path)
    network = file_start("resnet18", 32, 0, path, PIXELS).network
    assert torch.equal(network.encoder.conv1.weight, state["conv1.weight"])
    assert torch.equal(network.encoder.layer4[1].bn2.running_mean, state["layer4.1.bn2.running_mean"])


def test_files_that_hold_no_such_weights_are_refused(tmp_path: Path) -> None:
    torch.save({f"backbone.{n}": v for n, v in build("crnet", size=32).state_dict().items()}, tmp_path / "c.pt")
    with pytest.raises(UsageError, match="not weights of resnet18"):
        file_start("resnet18", 32, 0, tmp_path / "c.pt", PIXELS)
    (tmp_path / "cut.safetensors").write_bytes(b"\xff" * 40)
    with pytest.raises(UsageError, match="no readable safetensors file"):
        file_start("resnet18", 32, 0, tmp_path / "cut.safetensors", PIXELS)


def test_the_normalisation_belongs_to_the_weights(
    bench: Bench, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    network = build("lite0", size=32)
    torch.save(network.encoder.state_dict(), tmp_path / "w.pt")
    begun = file_start("lite0", 32, 0, tmp_path / "w.pt", PIXELS).network
    assert begun.mean.flatten().tolist() == pytest.approx(LITE_MEAN)
    words = ["--model", "lite0", "--size", "32", "--epochs", "1", "--weights", str(tmp_path / "w.pt")]
    asked = ["--mean", "0.1,0.2,0.3", "--std", "0.5"]
    assert bench(*words, *asked, "--out", str(tmp_path / "r")) == 0
    config = tomllib.loads((tmp_path / "r" / "config.toml").read_text())
    assert (config["weights"]["mean"], config["weights"]["std"]) == ([0.1, 0.2, 0.3], [0.5])
    assert config["start"]["mean"] == [0.1, 0.2, 0.3]
    assert bench(*words, "--mean", "0.1", "--out", str(tmp_path / "s")) == 2
    assert bench(*words, "--mean", "0.1", "--std", "0", "--out", str(tmp_path / "s")) == 2
    assert "std above 0" in capsys.readouterr().err


def test_an_exported_run_says_what_the_run_says(trained: Path, drawn: tuple[Path, Path], tmp_path: Path) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    for name in ("onnx", "onnxscript"):
        pytest.importorskip(name)
    assert run(["bench", "export", "--run", str(trained), "--format", "onnx", "--out", str(tmp_path)]) == 0
    session = onnxruntime.InferenceSession(str(tmp_path / "seed-0.onnx"), providers=["CPUExecutionProvider"])
    said = {r["image_id"]: float(r["probability"]) for r in rows(trained / "predictions.csv") if r["split"] == "test"}
    from covidct.train.loop import scaled

    stored = [square(drawn[1] / "set" / f"{name}.png", stored_side(32)) for name in said]
    pictures = scaled(torch.from_numpy(np.stack(stored)), 32).numpy().astype(np.float32) / 255
    found = session.run(None, {"picture": pictures})[0]
    assert found == pytest.approx(list(said.values()), abs=1e-5)
    assert np.ptp(found) > 1e-3
