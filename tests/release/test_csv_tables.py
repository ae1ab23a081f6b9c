"""One reader and writer of tables: nothing a spreadsheet runs, nothing a terminal obeys, nothing a page renders."""

import csv
import io
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from covidct.cli import run
from covidct.commands.options import print_json
from covidct.records import Decision
from covidct.release.make.datasheet import markdown
from covidct.tables import WIDEST, print_table, printable, read_csv, say, write_csv
from covidct.workspace import Workspace

FORMULAS = ["=HYPERLINK(1)", "+1+1", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "\uff1dSUM(1)", "'=1"]
ESCAPES = "a\x1b]0;owned\x07b\x1b[2J\x9b31m\u202ec\nd\re\x00"


@pytest.mark.parametrize("text", FORMULAS)
def test_no_cell_is_a_formula_and_each_comes_back(text: str, tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    write_csv(path, ["a", "b"], [{"a": text, "b": "x"}])
    with path.open(encoding="utf-8", newline="") as handle:
        raw = list(csv.reader(handle))[1][0]
    assert raw.startswith("'")
    assert read_csv(path) == (["a", "b"], [{"a": text.replace("\r", "\n"), "b": "x"}])


def test_numbers_stay_numbers_and_missing_values_are_empty() -> None:
    out = io.StringIO()
    write_csv(out, ["a", "b", "c"], [{"a": -0.5, "b": None, "c": float("nan")}, {"a": 3.0, "b": "-1"}])
    assert out.getvalue() == "a,b,c\n-0.5,,\n3,'-1,\n"


def test_control_characters_and_lone_surrogates_are_not_written(tmp_path: Path) -> None:
    write_csv(tmp_path / "t.csv", ["a"], [{"a": f"{ESCAPES}\ud800"}])
    cell = read_csv(tmp_path / "t.csv")[1][0]["a"]
    assert not set(cell) & set("\x1b\x07\x9b\x00\r\ud800")
    assert "d\ne" in cell


def test_a_write_that_fails_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    write_csv(path, ["a"], [{"a": "old"}])

    def rows():  # type: ignore[no-untyped-def]
        yield {"a": "new"}
        raise RuntimeError("gone")

    with pytest.raises(RuntimeError):
        write_csv(path, ["a"], rows())
    assert read_csv(path)[1] == [{"a": "old"}]
    assert list(tmp_path.iterdir()) == [path]


def test_the_row_numbers_of_pandas_are_a_column(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(",file\n0,a.png\n")
    assert read_csv(tmp_path / "t.csv")[1] == [{"index": "0", "file": "a.png"}]


def test_the_terminal_gets_one_printable_line(capsys: pytest.CaptureFixture[str]) -> None:
    say(ESCAPES)
    assert print_table(["x", "y"], ({"x": f"{k}{ESCAPES}", "y": "z" * 99} for k in range(3))) == 3
    out = capsys.readouterr().out
    assert all(char.isprintable() or char == "\n" for char in out)
    lines = out.splitlines()
    assert len(lines) == 5  # what is said, the header, three rows
    assert lines[2].endswith("z" * (WIDEST - 1) + "…")
    assert printable("肺\tµ") == "肺 µ"


def test_show_prints_nothing_that_is_run(
    make_workspace: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    folder = make_workspace(2)
    with Workspace.open(folder) as ws:
        panel = next(iter(ws.panels())).panel_id
        ws.decide([Decision("panel", panel, "note", "=1+1", "curator:a", why=ESCAPES)])
    for table in ("papers", "decisions"):
        assert run(["show", table, "-w", str(folder)]) == 0
        out, err = capsys.readouterr()
        assert all(char.isprintable() or char == "\n" for char in out + err)
        assert run(["show", table, "--csv", "-w", str(folder)]) == 0
        cells = [cell for row in csv.reader(io.StringIO(capsys.readouterr().out)) for cell in row]
        assert not any(cell.startswith(("=", "+", "-", "@")) for cell in cells)
    assert run(["show", "papers", "--json", "-w", str(folder)]) == 0
    assert json.loads(capsys.readouterr().out)[0]["title"].startswith("=cmd")


def test_an_error_is_one_printable_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["manifest", "stats", str(tmp_path / "a\x1b[2Jb\nc")]) == 2
    err = capsys.readouterr().err
    assert "\x1b" not in err
    assert err.count("\n") == 1


def test_datasheet_text_is_no_markup() -> None:
    text = markdown("a <script>x</script>\n|b| ![c](http://d) & \\[e](f)")
    assert "<" not in text
    assert text == r"a &lt;script&gt;x&lt;/script&gt; \|b\| !\[c\](http://d) &amp; \\\[e\](f)"


@pytest.mark.parametrize("count", [0, 1, 3])
def test_json_of_a_stream_is_that_of_a_list(count: int, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [{"a": f"肺\n{k}", "b": "[{"} for k in range(count)]
    print_json(rows)
    whole = capsys.readouterr().out
    print_json(iter(rows))
    assert capsys.readouterr().out == whole


_SHOW = """
import sys
from covidct.cli import run
from covidct.commands.options import print_json
sys.stdout = open("/dev/null", "w")
code = run(["show", "decisions", "-w", sys.argv[1], *sys.argv[2:]])
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(int(peak.split()[1]) // 1024, file=sys.stderr)
sys.exit(code)
"""


@pytest.mark.parametrize("form", [["--csv"], ["--json"], []])
def test_a_long_journal_is_shown_in_little_memory(tmp_path: Path, form: list[str]) -> None:
    count = 60_000
    with Workspace.create(tmp_path / "ws") as ws:
        ws.connection.execute("BEGIN IMMEDIATE")
        ws.connection.executemany(
            "INSERT INTO decisions (entity, entity_id, field, value, by, why, evidence, seconds, at) "
            "VALUES ('panel', ?, 'note', ?, 'rule:x@1', ?, '{}', 0, '2026-01-01')",
            ((f"p{k}", json.dumps(f"v{k}"), "why " * 20) for k in range(count)),
        )
        ws.connection.execute("COMMIT")
    call = [sys.executable, "-c", _SHOW, str(tmp_path / "ws"), *form]
    done = subprocess.run(call, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-800:]
    assert int(done.stderr.split()[-1]) < 60  # MiB; 25 as they come, some 90 as a table in memory
