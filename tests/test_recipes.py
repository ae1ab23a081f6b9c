"""The four recipes of CONTRIBUTING, walked through: a source, a step, a rule, a network."""

import re
import sys
from importlib.resources import files
from pathlib import Path

import pytest
import review_corpus

from covidct.captions.rules import fold_lower, read_rules
from covidct.commands.curate_auto import run_steps
from covidct.harvest.sources import Chain
from covidct.records import Paper
from covidct.steps import drive
from covidct.workspace import Workspace

EXAMPLES = Path(__file__).resolve().parent.parent / "docs" / "examples"


@pytest.fixture(autouse=True)
def _examples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(EXAMPLES))
    for name in ("my_source", "my_step"):
        sys.modules.pop(name, None)


def test_a_source_of_ones_own_joins_the_chain(tmp_path: Path) -> None:
    from my_source import FolderSource

    (tmp_path / "10.1101_2020.01.01.20000001.pdf").write_bytes(b"%PDF-1.4 made up")
    chain = Chain([FolderSource(tmp_path)], None, None, tmp_path / "parts", False)  # type: ignore[arg-type]
    document, attempts = chain.fetch(Paper("p", "medrxiv", doi="10.1101/2020.01.01.20000001"), 1)
    assert document is not None and document.pdf is not None and not attempts
    assert document.pdf.read_bytes() == b"%PDF-1.4 made up" and document.source == "folder"
    missing, attempts = chain.fetch(Paper("q", "medrxiv", doi="10.1101/2020.01.01.20000002"), 1)
    assert missing is None and "no PDF of that name" in attempts[0].reason


def test_a_step_of_ones_own_is_driven_like_every_step(tmp_path: Path) -> None:
    from my_step import STEP

    folder = tmp_path / "ws"
    with review_corpus.build(folder, papers=1) as workspace:
        report = drive(workspace, STEP)
        panels = workspace.panels()
        values = workspace.current_all("panel", "brightness")
        assert report.done == len(panels) == len(values) and not report.failed
        assert all(0 < word.value < 255 and word.by == STEP.by for word in values.values())
    assert run_steps(folder, [STEP], as_json=False) == 0
    with Workspace.open(folder) as again:
        assert drive(again, STEP).done == 0


def test_a_rule_of_ones_own_is_read_and_its_examples_hold() -> None:
    table = files("covidct.captions").joinpath("rules.toml").read_text(encoding="utf-8")
    rules = read_rules(table + "\n" + (EXAMPLES / "my_rule.toml").read_text(encoding="utf-8"))
    (mine,) = [term for term in rules.terms if term.rule_id == "silo-fillers-disease"]
    assert all(mine.pattern.search(fold_lower(text)) for text in mine.yes)
    assert not any(mine.pattern.search(fold_lower(text)) for text in mine.no)


def test_a_network_of_ones_own_is_built() -> None:
    torch = pytest.importorskip("torch")
    sys.modules.pop("my_network", None)
    from my_network import build

    assert build(2)(torch.zeros(1, 1, 64, 64)).shape == (1, 2)


def test_contributing_names_every_example() -> None:
    text = (EXAMPLES.parents[1] / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert {path.name for path in EXAMPLES.iterdir() if path.is_file()} <= set(re.findall(r"my_\w+\.\w+", text))
