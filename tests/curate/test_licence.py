"""``curate licence``: a person's word on a licence, in tables and releases."""

from pathlib import Path

import pytest

from covidct.cli import run
from covidct.records import Figure, Paper
from covidct.workspace import Workspace

PAGE = "https://example.org/10.1101/2020.01.01.1"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    with Workspace.create(tmp_path / "ws") as ws:
        ws.save_papers([Paper("p", "file", doi="10.1101/2020.01.01.1", licence="cc-by-nc-4.0")])
        ws.replace_figures("p", [Figure("p-f1", "p", licence="cc-by-nc-4.0")])
    return tmp_path / "ws"


def call(folder: Path, *words: str) -> int:
    return run(["curate", "licence", *words, "-w", str(folder), "--curator", "ann"])


def test_the_word_stands_in_the_journal_with_its_evidence_and_in_the_table(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(folder, "10.1101/2020.01.01.1", "CC BY 4.0", "--evidence", PAGE) == 0
    assert "p: cc-by-4.0, read at" in capsys.readouterr().out
    with Workspace.open(folder) as ws:
        decision = ws.current("paper", "p")["licence"]
        assert (decision.value, decision.by, decision.evidence) == ("cc-by-4.0", "curator:ann", {"address": PAGE})
        ws.save_papers([Paper("p", "file", doi="10.1101/2020.01.01.1", licence="none")])
    assert run(["show", "papers", "-w", str(folder), "--csv"]) == 0
    assert "cc-by-4.0" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("nobody", "cc0", "--evidence", PAGE), "no paper here"),
        (("p", "free for all", "--evidence", PAGE), "give a code"),
        (("p", "cc0", "--evidence", "I think so"), "address of the page"),
        (("p", "cc0", "--evidence", "https://x"), "address of the page"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    folder: Path, words: tuple[str, ...], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(folder, *words) == 2
    assert says in capsys.readouterr().err
    with Workspace.open(folder) as ws:
        assert ws.decisions() == []
