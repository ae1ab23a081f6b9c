"""``import covidct``: the public names, each with an example that runs; nothing heavy is loaded before it is needed."""

import doctest
import inspect
import subprocess
import sys
from pathlib import Path

import pytest
import review_corpus

import covidct
from covidct.demo.corpus import make_papers
from covidct.demo.pdf import write_pdf
from covidct.errors import CovidctError

FUNCTIONS = [name for name in covidct.__all__ if inspect.isfunction(getattr(covidct, name))]


def test_importing_costs_neither_torch_nor_pymupdf() -> None:
    code = "import sys, covidct; print([m for m in ('torch', 'pymupdf', 'pandas', 'cv2') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "[]"


def test_every_name_is_there_and_documented() -> None:
    for name in covidct.__all__:
        value = getattr(covidct, name)
        assert name in ("__version__", "STEPS") or inspect.getdoc(value), name
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        covidct.nothing  # noqa: B018


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_function_has_an_example_of_three_lines(name: str) -> None:
    examples = doctest.DocTestParser().get_examples(inspect.getdoc(getattr(covidct, name)) or "")
    source = "".join(example.source for example in examples)
    assert source.startswith("from covidct import ") and 2 <= source.count("\n") <= 4


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two made-up papers in ``papers``."""
    here = tmp_path_factory.mktemp("library")
    (here / "papers").mkdir()
    for number, paper in enumerate(make_papers(2, 7)):
        (here / "papers" / f"{number}.pdf").write_bytes(write_pdf(paper)[0])
    return here


EXAMPLES = ["harvest_papers", "open_workspace", "curate_workspace", "load_release", "audit_release"]


def test_the_examples_run_one_after_the_other(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(folder)
    monkeypatch.setenv("COVIDCT_SCALE", "0.1")  # of the audit: what it says is not looked at here
    for name in EXAMPLES:
        examples = doctest.DocTestParser().get_examples(inspect.getdoc(getattr(covidct, name)) or "")
        code = "".join(example.source for example in examples)
        exec(compile(code, name, "exec"), {})
    said = capsys.readouterr().out
    assert "2 papers read" in said and "split" in said and "non-covid" in said


def test_the_example_of_a_release_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    review_corpus.build(tmp_path / "ws").close()
    built = covidct.build_release("ws", "own", "1.0.0", hold_back=True, waive={"identity-not-scanned": "drawn"})
    assert built.path.is_dir() and built.images > 0
    assert covidct.load_release("own/1.0.0").title == "own/1.0.0"


def test_a_missing_workspace_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(CovidctError, match="no workspace"):
        covidct.open_workspace(tmp_path / "none")
