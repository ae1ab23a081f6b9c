"""What commands print for people: tables that fit the terminal, the next command; and what they keep to themselves."""

import json
import re
from pathlib import Path

import pytest
import review_corpus

from covidct.cli import run
from covidct.demo.corpus import make_papers
from covidct.demo.pdf import write_pdf
from covidct.errors import UsageError
from covidct.scaling import scaled
from covidct.tables import print_table

ROWS = [{"name": "short", "title": "a title of a good forty characters, indeed", "reason": "none " * 20, "end": "z"}]


@pytest.mark.parametrize("room", [30, 60, 200])
def test_a_table_fits_the_terminal_and_names_what_it_leaves_out(room: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert print_table(list(ROWS[0]), ROWS, room) == 1
    printed = capsys.readouterr()
    lines = printed.out.splitlines()
    assert all(len(line) <= room for line in lines) and lines[1].startswith("short")
    shown = lines[0].split()
    left = re.findall(r"not shown: ([\w, ]+) \(--wide", printed.err)
    assert shown + (left[0].split(", ") if left else []) == list(ROWS[0])


def test_a_wide_table_cuts_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(list(ROWS[0]), ROWS, None, None)
    assert ROWS[0]["reason"].strip() in capsys.readouterr().out


def test_columns_choose_what_is_shown_and_in_which_order(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    review_corpus.build(tmp_path / "ws", papers=1).close()
    words = ["show", "panels", "-w", str(tmp_path / "ws"), "--columns", "label,panel_id"]
    assert run(words) == 0 and capsys.readouterr().out.splitlines()[0].split() == ["label", "panel_id"]
    assert run([*words, "--csv"]) == 0 and capsys.readouterr().out.splitlines()[0].endswith("label,panel_id")
    assert run([*words, "--json"]) == 0 and list(json.loads(capsys.readouterr().out)[0]) == ["label", "panel_id"]
    assert run([*words[:-1], "labl"]) == 2 and "there are figure_id, panel_id" in capsys.readouterr().err


def test_harvest_says_what_comes_next_but_not_to_programs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COVIDCT_QUIET", "")  # so that -q is undone with the test
    (tmp_path / "a.pdf").write_bytes(write_pdf(make_papers(1, 7)[0])[0])
    words = ["harvest", "--from", str(tmp_path / "a.pdf"), "--workers", "1", "-w", str(tmp_path / "w s")]
    assert run(words) == 0
    assert f"next: covidct curate auto -w '{tmp_path / 'w s'}'" in capsys.readouterr().err.splitlines()
    assert run([*words, "--json"]) == 0
    printed = capsys.readouterr()
    assert "next:" not in printed.err and json.loads(printed.out)
    assert run([*words, "-q"]) == 0 and "next:" not in capsys.readouterr().err


def test_work_is_scaled_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    assert scaled(50) == 50
    monkeypatch.setenv("COVIDCT_SCALE", "0.1")
    assert (scaled(50), scaled(3), scaled(224, 32), scaled(16, 32), scaled(0)) == (5, 1, 32, 16, 0)
    for wrong in ("0", "2", "-1", "much", "nan"):
        monkeypatch.setenv("COVIDCT_SCALE", wrong)
        with pytest.raises(UsageError, match=f"COVIDCT_SCALE={wrong}: give a share"):
            scaled(5)
