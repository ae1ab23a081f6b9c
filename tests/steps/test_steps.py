"""The protocol of a step, its version, the driver and the ledger."""

import importlib
import re
import sqlite3
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from covidct.cli import run as cli
from covidct.curate.steps import MASK, PATIENTS, SPLIT, STEPS
from covidct.errors import CovidctError
from covidct.imaging.phantoms import phantom
from covidct.records import Decision, Dropped, Figure, Panel, Paper
from covidct.steps import Item, Outcome, Step, drive, drive_all
from covidct.steps import digest as digests
from covidct.workspace import Workspace
from covidct.workspace.schema import DATABASE, MIGRATIONS

PACKAGE = {
    "__init__.py": "",
    "main.py": "from theirs.helper import name\nfrom . import late\nTABLE = 'words.toml'\n",
    "helper.py": "name = 'a'\n",
    "late.py": "def f():\n    import theirs.later\n",
    "later.py": "x = 1\n",
    "alone.py": "y = 1\n",
    "words.toml": "a = 1\n",
}


@pytest.fixture
def theirs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Another package, importable for one test."""
    folder = tmp_path / "site" / "theirs"
    folder.mkdir(parents=True)
    for name, text in PACKAGE.items():
        (folder / name).write_text(text)
    monkeypatch.syspath_prepend(str(folder.parent))
    importlib.invalidate_caches()
    yield folder
    for name in [name for name in sys.modules if name.split(".")[0] == "theirs"]:
        del sys.modules[name]
    forget_files()


def forget_files() -> None:
    digests.files_of.cache_clear()
    digests._file.cache_clear()


@pytest.fixture
def ws(tmp_path: Path) -> Workspace:
    with Workspace.create(tmp_path / "ws") as workspace:
        workspace.save_papers([Paper("p", "file")])
        workspace.replace_figures("p", [Figure(f"p-f{n}", "p", caption=f"CT {n}.") for n in range(3)])
        yield workspace


def figures(workspace: Workspace) -> Iterator[Item]:
    return (Item(figure.figure_id, figure.caption, figure) for figure in workspace.figures())


def say_kind(item: Item) -> Outcome:
    if item.name == "p-f1":
        raise ZeroDivisionError("a line\nand another")
    left = [Dropped("Figure 9", "no place on a page", 3, (1.0, 2.0, 3.0, 4.0), "no-place")]
    return Outcome([Decision("figure", item.name, "kind", "photo", "")], dropped=left, counts={"photo": 1})


@pytest.mark.parametrize("name", ["main.py", "helper.py", "late.py", "later.py", "words.toml"])
def test_a_byte_in_a_source_or_in_data_it_names_is_another_version(theirs: Path, name: str) -> None:
    step = Step("s", ("theirs.main",), figures, say_kind)
    after, apart = Step("t", (), figures, say_kind, (step,)), Step("u", ("theirs.alone",), figures, say_kind)
    before = step.version, after.version, apart.version
    with (theirs / name).open("a") as file:
        file.write("#")
    forget_files()
    assert step.version != before[0] and after.version != before[1] and apart.version == before[2]


def test_a_source_that_is_not_there_is_an_error() -> None:
    with pytest.raises(CovidctError, match="no module that can be read"):
        _ = Step("s", ("covidct.nowhere",), figures, say_kind).version


def test_sources_lead_to_weights_and_rules_but_not_to_the_ground() -> None:
    def names(step: Step) -> set[str]:
        return {path.name for path in digests.files_of(tuple(step.sources))}

    assert {"lines.npz", "regions.npz", "glyphs.npz", "triage.npz", "subcaptions.py"} <= names(SPLIT)
    assert {"net.onnx", "identify.toml", "names.toml"} <= names(MASK) and "patients.py" not in names(MASK)
    assert not {"workspace.py", "driver.py", "errors.py"} & set.union(*(names(step) for step in STEPS))


def test_one_bad_item_fails_and_the_rest_goes_on(ws: Workspace) -> None:
    report = drive(ws, Step("s", (), figures, say_kind))
    assert report.done == 2 and report.counts == {"photo": 2} and report.dropped == 2
    assert report.failed == [("p-f1", "ZeroDivisionError: a line and another")]
    again = drive(ws, Step("s", (), figures, say_kind))
    assert (again.done, again.skipped, len(again.failed)) == (0, 2, 1)


def test_decisions_name_the_version_that_made_them(ws: Workspace) -> None:
    step = Step("s", ("covidct.grouping",), figures, say_kind, rule="kinds")
    drive(ws, step)
    assert ws.current("figure", "p-f0")["kind"].by == f"rule:kinds@{step.version}" == step.by


def test_a_decision_that_cannot_be_written_fails_alone(ws: Workspace) -> None:
    def run(item: Item) -> Outcome:
        return Outcome([Decision("figure", item.name, "kind", {1, 2} if item.name == "p-f0" else "photo", "")])

    report = drive(ws, Step("s", (), figures, run))
    assert report.done == 2 and report.failed[0][0] == "p-f0"


def test_a_step_that_cannot_list_its_items_fails_and_the_next_is_run(ws: Workspace) -> None:
    def broken(_: Workspace) -> Iterator[Item]:
        raise KeyError("no such column")

    steps = [Step("a", (), broken, say_kind), Step("b", (), figures, say_kind)]
    first, second = drive_all(ws, steps)
    assert first.failed == [("a", "KeyError: 'no such column'")] and second.done == 2


def test_a_part_that_failed_is_due_again(ws: Workspace) -> None:
    step = Step("s", (), lambda _: [Item("all", "x", [1], 3)], lambda _: Outcome(failed=[("p-f1", "unreadable")]))
    for _ in range(2):
        report = drive(ws, step)
        assert (report.done, report.skipped, report.failed) == (2, 0, [("p-f1", "unreadable")])


def test_two_runs_at_once_are_refused(ws: Workspace) -> None:
    with ws.lease("curate"), pytest.raises(CovidctError, match="another 'curate'"):
        list(drive_all(ws, STEPS))


def test_the_ledger_is_shown_replaced_and_forgotten(ws: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    drive(ws, Step("s", (), figures, say_kind))
    assert cli(["show", "dropped", "-w", str(ws.folder), "--csv"]) == 0
    head, first, *_ = capsys.readouterr().out.lstrip("\ufeff").splitlines()
    assert head == "step,version,item,what,rule,reason,page,x0,y0,x1,y1"
    assert first.split(",")[2:] == ["p-f0", "Figure 9", "no-place", "no place on a page", "3",
                                    "1.00", "2.00", "3.00", "4.00"]  # fmt: skip
    ws.record_dropped("s", "v2", "p-f0", [])
    assert [left.item for left in ws.dropped()] == ["p-f2"]
    ws.forget("p", "asked")
    assert list(ws.dropped()) == []


def test_an_older_workspace_gets_the_columns_and_says_what_is_not_known(tmp_path: Path) -> None:
    with Workspace.create(tmp_path / "ws") as ws:
        ws.save_papers([Paper("p", "file")])
        ws.replace_figures("p", [Figure("p-f1", "p", provenance={"match_rules": ["by-order-unequal"]})])
        ws.replace_panels("p-f1", [Panel("p-1", "p-f1", "A", (0, 0, 9, 9)), Panel("p-2", "p-f1", "", (9, 0, 18, 9))])
    with sqlite3.connect(tmp_path / "ws" / DATABASE) as old:
        old.execute("DROP TABLE dropped")
        later = (("panels", "letter_by"), ("figures", "pair"), ("figures", "pair_score"), ("figures", "paragraphs"))
        for table, column in later:
            old.execute(f"ALTER TABLE {table} DROP COLUMN {column}")
        before = next(number for number, script in enumerate(MIGRATIONS) if "letter_by" in script)
        old.execute(f"PRAGMA user_version = {before}")
    old.close()
    with Workspace.open(tmp_path / "ws") as ws:
        assert [panel.letter_by for panel in ws.panels()] == ["inferred", "none"]
        assert (ws.figures()[0].pair, ws.figures()[0].pair_score) == ("by-order-unequal", 0.0)
        assert list(ws.dropped()) == []


def real(folder: Path) -> None:
    """A workspace with one drawn slice."""
    with Workspace.create(folder) as ws:
        path = folder / "f.png"
        Image.fromarray(phantom(np.random.default_rng(1), size=200)).save(path)
        stored = ws.store_file(path, ".png")
        ws.save_papers([Paper("p", "file", title="COVID-19 in a man")])
        size = {"file": stored.file, "sha256": stored.sha256, "width": 200, "height": 200}
        ws.replace_figures("p", [Figure("p-1", "p", caption="CT of a man with COVID-19.", **size)])  # type: ignore[arg-type]


ON_A_SLICE = {step.name for step in STEPS} - {"headings"}
"""The steps with something to do on one slice; it has no columns with headings."""


@pytest.mark.parametrize(
    ("changed", "again"),
    [
        ("curate/patients.py", {"patients", "label"}),
        ("captions/identify.toml", {"mask"}),
        ("curate/dedup.py", {"dedup", "patients", "label"}),
        ("imaging/panels/leaf.py", ON_A_SLICE),
    ],
)
def test_a_changed_byte_makes_the_step_and_what_follows_due_and_nothing_else(
    changed: str, again: set[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real(tmp_path / "ws")
    with Workspace.open(tmp_path / "ws") as ws:
        assert {report.step for report in drive_all(ws, STEPS) if report.done} == ON_A_SLICE
        assert not any(report.done for report in drive_all(ws, STEPS))
        _with_a_comment(changed, monkeypatch)
        assert {report.step for report in drive_all(ws, STEPS) if report.done} == again


def _with_a_comment(changed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """One file of the package has one more line, as far as anybody can read it."""
    read: Callable[[Path], bytes] = Path.read_bytes

    def longer(path: Path) -> bytes:
        return read(path) + (b"#\n" if str(path).endswith(f"covidct/{changed}") else b"")

    monkeypatch.setattr(Path, "read_bytes", longer)


def test_a_step_of_another_package_is_a_command_and_a_part_of_auto(
    theirs: Path, ws: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    (theirs / "main.py").write_text(
        "from covidct.records import Decision\n"
        "from covidct.steps import Item, Outcome, Step\n"
        "def items(ws):\n    return [Item(f.figure_id, f.caption, f) for f in ws.figures()]\n"
        "def run(item):\n    return Outcome([Decision('figure', item.name, 'nice', True, '')], counts={'nice': 1})\n"
        "STEP = Step('niceness', ('theirs.main',), items, run)\n"
    )
    about = theirs.parent / "theirs-1.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: theirs\nVersion: 1\n")
    entries = "[covidct.steps]\nniceness = theirs.main:STEP\nlost = theirs.nowhere:STEP\n"
    (about / "entry_points.txt").write_text(entries)
    from covidct.commands import curate

    importlib.reload(curate)
    assert {"niceness", "lost"} <= set(curate.curate.commands)
    assert cli(["curate", "auto", "-w", str(ws.folder)]) == 3
    told = capsys.readouterr()
    assert re.search(r"^niceness +3 +0 +0", told.out, re.M)
    assert "lost: step lost (theirs.nowhere:STEP) cannot be loaded" in told.out + told.err
    (about / "entry_points.txt").unlink()
    importlib.reload(curate)
    assert PATIENTS.name in curate.curate.commands
