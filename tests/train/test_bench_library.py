"""Benchmarks from Python: the examples of the public names run one after the other, and print nothing of their own."""

import doctest
import inspect
import shutil
from pathlib import Path

import pytest

import covidct
from covidct.audit import shortcut
from covidct.bench import BenchOptions
from covidct.errors import UsageError


def test_the_examples_run_one_after_the_other(
    drawn: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COVIDCT_IMAGES", str(drawn[1]))
    monkeypatch.setenv("COVIDCT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(shortcut, "TREES", 20)  # their scores are not what is looked at here
    shutil.copytree(drawn[0], tmp_path / "release")
    shutil.copy(drawn[1] / "set" / "test-0.png", tmp_path / "slice.png")
    for name in ("train_model", "evaluate_run", "predict_images"):
        examples = doctest.DocTestParser().get_examples(inspect.getdoc(getattr(covidct, name)) or "")
        exec(compile("".join(example.source for example in examples), name, "exec"), {})
    said = capsys.readouterr().out.splitlines()
    assert len(said) == 3  # one line an example: what it prints itself
    assert "runs/crnet-scratch-paper" in said[0]
    assert said[2].startswith("slice.png 0.")


def test_a_request_that_cannot_be_met_is_one_line() -> None:
    with pytest.raises(UsageError, match="use one of scratch"):
        covidct.train_model(BenchOptions(method="nothing"))
