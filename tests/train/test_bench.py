"""`covidct bench` from the command line on a small drawn release: files, resume, devices, bad input."""

import contextlib
import csv
import json
import shutil
import signal
import subprocess
import tomllib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from until import until
from warm import covidct_on_path

from covidct.scores import score

Bench = Callable[..., int]


SMALL = ("--model", "crnet", "--size", "32", "--epochs", "2")


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as handle:
        return list(csv.DictReader(handle))


def test_a_run_leaves_the_files_of_the_contract(bench: Bench, tmp_path: Path) -> None:
    assert bench(*SMALL, "--seeds", "0,1", "--out", str(tmp_path)) == 0
    lines = rows(tmp_path / "results.csv")
    head = "release,split,model,method,init,protocol,fraction,seed,epoch,val_auc,accuracy,precision,recall,f1,auc"
    assert ",".join(lines[0]).startswith(head)
    assert [line["seed"] for line in lines] == ["0", "1"]
    assert lines[0]["release"] == "drawn/1.0.0"
    predictions = rows(tmp_path / "predictions.csv")
    assert list(predictions[0]) == ["image_id", "seed", "split", "label", "probability", "source", "group_id"]
    assert len(predictions) == 2 * (12 + 12)
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert summary["metrics"]["auc"]["low"] <= summary["metrics"]["auc"]["mean"] <= summary["metrics"]["auc"]["high"]
    config = tomllib.loads((tmp_path / "config.toml").read_text())
    assert config["recipe"]["lr"] == 1e-4
    assert config["recipe"]["augment"]["crop"] == 0.5


def test_scores_follow_from_the_predictions(bench: Bench, tmp_path: Path) -> None:
    assert bench(*SMALL, "--out", str(tmp_path)) == 0
    test = [line for line in rows(tmp_path / "predictions.csv") if line["split"] == "test"]
    truth = np.array([float(line["label"] == "covid") for line in test])
    found = score(truth, np.array([float(line["probability"]) for line in test]))
    line = rows(tmp_path / "results.csv")[0]
    for name in ("accuracy", "precision", "recall", "f1", "auc", "specificity"):
        assert float(line[name]) == pytest.approx(getattr(found, name), abs=2e-6), name


def state(folder: Path) -> dict[str, torch.Tensor]:
    saved: dict[str, torch.Tensor] = torch.load(folder / "seed-0" / "best.pt", weights_only=True)["state"]
    return saved


def anyone_in(folder: Path) -> bool:
    """Whether a process works in ``folder``."""
    for place in Path("/proc").glob("[0-9]*/cwd"):
        with contextlib.suppress(OSError):
            if place.readlink() == folder:
                return True
    return False


def test_an_interrupted_run_ends_with_the_same_bits(
    drawn: tuple[Path, Path], tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Killed for good after its second epoch, then started again: weights and predictions are those of one go.

    All three are processes of their own with one thread: another number of threads may change the last digit, and a
    test before this one may have set it in here.
    """
    words = ["--model", "lite0", "--method", "transfer", "--protocol", "tuned", "--size", "32", "--epochs", "4"]
    common = ["--manifest", str(drawn[0]), "--images", str(drawn[1]), "--accelerator", "cpu"]
    warm = tmp_path_factory.mktemp("warm")
    command = [str(warm / "covidct"), "bench", *common, "--no-baselines", "--no-report", *words, "--out"]
    with covidct_on_path(warm):
        assert subprocess.run([*command, str(tmp_path / "whole")]).returncode == 0
        process = subprocess.Popen([*command, str(tmp_path / "cut")], cwd=warm)
        history = tmp_path / "cut" / "seed-0" / "history.csv"
        until(lambda: process.poll() is not None or (history.is_file() and len(rows(history)) >= 2))
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
        until(lambda: not anyone_in(warm))  # the process of its words is gone as well
        assert subprocess.run([*command, str(tmp_path / "cut")]).returncode == 0
    one, two = state(tmp_path / "whole"), state(tmp_path / "cut")
    assert all(torch.equal(one[name], two[name]) for name in one)
    for name in ("predictions.csv", "results.csv", "config.toml", "summary.json"):
        assert (tmp_path / "whole" / name).read_bytes() == (tmp_path / "cut" / name).read_bytes(), name


def test_another_configuration_does_not_overwrite_a_run(
    bench: Bench, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert bench(*SMALL, "--out", str(tmp_path)) == 0
    assert bench(*SMALL, "--set", "lr=0.1", "--out", str(tmp_path)) == 2
    assert "recipe.lr differs" in capsys.readouterr().err


def test_frozen_features_do_not_move(bench: Bench, tmp_path: Path) -> None:
    words = ("--model", "lite0", "--method", "transfer", "--size", "32", "--epochs", "2", "--freeze")
    words += ("--keep-checkpoints",)
    assert bench(*words, "--out", str(tmp_path)) == 0
    start = torch.load(tmp_path / "seed-0" / "start.pt", weights_only=True)
    best = state(tmp_path)
    assert all(torch.equal(start[name], best[name]) for name in start if name.startswith("encoder."))
    assert not torch.equal(start["head.weight"], best["head.weight"])


@pytest.mark.parametrize("method", ["self-trans", "method1", "method4"])
def test_every_kind_of_method_runs(bench: Bench, drawn: tuple[Path, Path], tmp_path: Path, method: str) -> None:
    model = "lite0" if method != "method1" else "crnet"
    small = ("--set", "moco.epochs=2", "--set", "moco.size=32", "--set", "moco.batch=8", "--set", "moco.groups=2")
    words = ("--model", model, "--method", method, "--size", "32", "--epochs", "1")
    small = () if method == "method4" else small
    luna = ("--luna", str(drawn[1])) if method == "self-trans" else ()
    assert bench(*words, *small, *luna, "--out", str(tmp_path)) == 0
    assert rows(tmp_path / "results.csv")[0]["method"] == method


def broken(source: Path, target: Path, change: Callable[[str], str]) -> Path:
    shutil.copytree(source, target)
    table = target / "images.csv"
    table.write_text(change(table.read_text()))
    return target


def test_a_release_without_validation_images(
    bench: Bench, drawn: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    release = broken(drawn[0], tmp_path / "r", lambda text: text.replace(",val,", ",test,"))
    assert bench(*SMALL, "--out", str(tmp_path / "o"), release=release) == 2
    assert "no images in the val split" in capsys.readouterr().err


def test_a_class_that_is_missing(
    bench: Bench, drawn: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def change(text: str) -> str:
        return "\n".join(
            line.replace(",covid,", ",non-covid,") if ",val," in line else line for line in text.split("\n")
        )

    release = broken(drawn[0], tmp_path / "r", change)
    assert bench(*SMALL, "--out", str(tmp_path / "o"), release=release) == 2
    assert "val split has no covid images" in capsys.readouterr().err


def test_a_release_of_one_class_is_refused_before_a_picture_is_looked_for(
    bench: Bench, drawn: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    release = broken(drawn[0], tmp_path / "r", lambda text: text.replace(",non-covid,", ",covid,"))
    assert bench(*SMALL, "--out", str(tmp_path / "o"), release=release, images=tmp_path / "nowhere") == 2
    err = capsys.readouterr().err
    assert "there is no non-covid image at all: add controls" in err
    assert err.count("\n") == 1


def test_a_corrupt_picture_is_named(
    bench: Bench, drawn: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    images = tmp_path / "images"
    shutil.copytree(drawn[1], images)
    victim = images / "set" / "train-3.png"
    victim.write_bytes(victim.read_bytes()[:200])
    assert bench(*SMALL, "--out", str(tmp_path / "o"), images=images) == 1
    assert "train-3.png" in capsys.readouterr().err


def test_a_loss_that_explodes_keeps_the_finished_epochs(
    bench: Bench, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("--model", "crnet", "--size", "32", "--epochs", "9", "--set", "optimiser=sgd", "--set", "lr=1e6")
    assert bench(*words, "--out", str(tmp_path)) == 1
    said = capsys.readouterr().err
    assert "the loss became nan" in said or "the loss became inf" in said
    assert "finished epochs are kept" in said


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--model", "resnet9000"), "no network 'resnet9000'"),
        (("--method", "magic"), "--method magic: use one of"),
        (("--init", "warm"), "--init warm: use one of"),
        (("--seeds", "0,x"), "--seeds 0,x: write whole numbers"),
        (("--seeds", "1,1"), "a seed is there twice"),
        (("--set", "lr"), "write NAME=VALUE"),
        (("--set", "speed=9"), "no such setting"),
        (("--set", "lr=fast"), "--set lr=fast: not a number"),
        (("--epochs", "0"), "epochs must be at least 1"),
        (("--method", "transfer"), "crnet has no ImageNet weights"),
        (("--method", "method3", "--model", "lite0"), "give --luna DIR"),
        (("--weights", "none.pt"), "none.pt: no such file"),
        (("--size", "16"), "at least 31 pixels"),
    ],
)
def test_bad_input_is_one_clear_line(
    bench: Bench, tmp_path: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], said: str
) -> None:
    assert bench("--model", "crnet", "--size", "32", "--epochs", "1", "--out", str(tmp_path), *words) == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert said in lines[-1]
    assert "Traceback" not in "".join(lines)


def test_weights_of_another_model_or_code_are_refused(
    bench: Bench, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    foreign = tmp_path / "foreign.pt"
    torch.save({"a": torch.zeros(3)}, foreign)
    code = tmp_path / "code.pt"
    torch.save({"a": Path}, code)
    assert bench(*SMALL, "--weights", str(foreign), "--out", str(tmp_path / "1")) == 2
    assert "not weights of crnet" in capsys.readouterr().err
    assert bench(*SMALL, "--weights", str(code), "--out", str(tmp_path / "2")) == 2
    assert "opened safely" in capsys.readouterr().err
