"""The frame of the command line: help is fast and light, errors are one line."""

import subprocess
import sys
from pathlib import Path

import pytest
import review_corpus

from covidct.cli import cli, run


def test_help_names_every_command_and_imports_nothing_heavy() -> None:
    code = (
        "import sys\nfrom covidct.cli import run\nassert run(['--help']) == 0\n"
        "heavy = {'torch', 'pymupdf', 'pandas', 'numpy', 'cv2'} & set(sys.modules)\nassert not heavy, heavy"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    for name in ("harvest", "show", "curate", "manifest", "data", "bench", "predict", "forget", "demo"):
        assert name in done.stdout


def test_a_fault_of_the_program_is_one_line_and_a_traceback_only_for_debug(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(**_: object) -> None:
        raise RecursionError("far too deep")

    monkeypatch.setattr(cli, "main", broken)
    assert run(["show", "papers"]) == 1
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and "RecursionError: far too deep" in said and "--debug" in said
    assert run(["--debug", "show", "papers"]) == 1 and "in broken" in capsys.readouterr().err


@pytest.mark.parametrize("form", [[], ["--csv"]])
def test_a_terminal_that_knows_few_letters_gets_the_others_by_number(tmp_path: Path, form: list[str]) -> None:
    with review_corpus.build(tmp_path / "ws", papers=1) as ws:
        ws.connection.execute("UPDATE papers SET title = 'Pneumonie \u00e0 \u65b0\u51a0'")
    words = [sys.executable, "-m", "covidct", "show", "papers", "-w", str(tmp_path / "ws"), *form]
    done = subprocess.run(words, capture_output=True, env={"PYTHONIOENCODING": "ascii"}, timeout=60, check=False)
    assert done.returncode == 0 and b"\\xe0 \\u65b0\\u51a0" in done.stdout, done
