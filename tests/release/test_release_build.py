"""From a workspace to a release: what gets in, what refuses, same bytes, nothing half."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from covidct import profiles
from covidct.cli import run
from covidct.files import sha256_bytes
from covidct.records import Decision
from covidct.release.read import read_release
from covidct.release.read.classes import is_positive
from covidct.release.read.schema import FIGURE_BOX, PANEL_BOX
from covidct.release.read.validate import validate_release
from covidct.tables import dump_table, read_table
from covidct.workspace import Pair, Workspace

Make = Callable[..., Path]


def build(ws: Path, out: Path, version: str = "1.0.0", *more: str) -> int:
    named = ["--name", "own", "--version", version, "--date", "2026-01-02", "--out", str(out)]
    return run(["manifest", "build", "-w", str(ws), *named, *more])


def test_build_writes_a_valid_release_twice_the_same(make_workspace: Make, tmp_path: Path) -> None:
    ws = make_workspace()
    assert build(ws, tmp_path / "a") == 0
    assert build(ws, tmp_path / "b") == 0
    first, second = (tmp_path / where / "own/1.0.0" for where in "ab")
    assert validate_release(first) == []
    for path in first.iterdir():
        assert path.read_bytes() == (second / path.name).read_bytes()
    images = read_release(first).images
    assert len(images) == 16
    assert set(images["label"]) == {"covid", "non-covid"}
    assert images.groupby("paper_id")["split"].nunique().max() == 1
    assert images["artifacts"].iloc[0] == "identifying=no text=1 boxes=text:2,2,10,8"
    assert images["label_evidence"].str.contains("caption-sha256=").all()


def test_formulas_in_titles_are_harmless_and_come_back(make_workspace: Make, tmp_path: Path) -> None:
    assert build(make_workspace(), tmp_path / "m") == 0
    folder = tmp_path / "m/own/1.0.0"
    assert b"\n=cmd" not in (folder / "papers.csv").read_bytes()
    assert b",=cmd" not in (folder / "papers.csv").read_bytes()
    assert read_release(folder).papers["title"][0] == "=cmd|' /C calc'!A0"


@pytest.mark.parametrize(
    ("made", "what"),
    [
        ({"licence": ""}, "missing-licence"),
        ({"identifying": "yes"}, "identifying-text"),
        ({"identifying": "not-scanned"}, "identity-not-scanned"),
    ],
)
def test_build_refuses_what_nobody_waived(
    make_workspace: Make, tmp_path: Path, capsys: pytest.CaptureFixture[str], made: dict[str, str], what: str
) -> None:
    ws = make_workspace(4, **made)
    assert build(ws, tmp_path / "m") == 1
    assert what in capsys.readouterr().err
    assert not (tmp_path / "m/own").exists()
    assert build(ws, tmp_path / "m", "1.0.0", "--waive", f"{what}=asked the ethics board") == 0
    assert "asked the ethics board" in (tmp_path / "m/own/1.0.0/datasheet.md").read_text()


def test_curators_who_differ_stop_a_build(
    make_workspace: Make, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ws = make_workspace(4)
    with Workspace.open(ws) as opened:
        panel = opened.panels()[0].panel_id
        for who, label in (("anna", "positive"), ("ben", "negative")):
            opened.decide([Decision("panel", panel, "label", label, f"curator:{who}")])
    assert build(ws, tmp_path / "m") == 1
    assert "undecided-conflicts" in capsys.readouterr().err
    with Workspace.open(ws) as opened:
        opened.decide([Decision("panel", panel, "label", "positive", "curator:anna", evidence={"resolves": True})])
    assert build(ws, tmp_path / "m") == 0
    row = read_release(tmp_path / "m/own/1.0.0").images.set_index("image_id").loc[panel]
    assert (row["label"], row["label_by"]) == ("covid", "curator-1")


def test_duplicates_drop_out_rejects_stay_out_and_pairs_stay_together(make_workspace: Make, tmp_path: Path) -> None:
    ws = make_workspace(6)
    with Workspace.open(ws) as opened:
        ids = [panel.panel_id for panel in opened.panels()]
        same, near = (ids[0], ids[4]), (ids[2], ids[6])
        opened.save_pairs([Pair(*same, 0.99), Pair(*near, 0.97)])
        opened.decide(
            [
                Decision("pair", "|".join(same), "duplicate", True, "curator:anna"),
                Decision("panel", ids[1], "accept", False, "curator:anna"),
            ]
        )
    assert build(ws, tmp_path / "m") == 0
    release = read_release(tmp_path / "m/own/1.0.0")
    images = release.images.set_index("image_id")
    assert ids[4] not in images.index
    assert ids[1] not in images.index
    assert images.loc[near[0], "group_id"] == images.loc[near[1], "group_id"]
    assert release.meta["excluded"] == {"duplicate of another image": 1, "rejected by a curator": 1}


def test_one_picture_under_two_labels_stops_a_build(make_workspace: Make, tmp_path: Path) -> None:
    ws = make_workspace(4)
    with Workspace.open(ws) as opened:
        ids = [panel.panel_id for panel in opened.panels()]
        opened.decide([Decision("pair", f"{ids[0]}|{ids[2]}", "duplicate", True, "rule:dedup@1")])
    assert build(ws, tmp_path / "m") == 1


def test_forgotten_papers_are_listed_and_change_the_version(
    make_workspace: Make, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ws = make_workspace(6)
    assert build(ws, tmp_path / "m") == 0
    gone = "medrxiv-10.1101_2020.03.02"
    assert run(["forget", gone, "-w", str(ws), "--reason", "asked by the authors"]) == 0
    assert build(ws, tmp_path / "m", "1.0.1") == 2
    assert "minor version" in capsys.readouterr().err
    code = build(ws, tmp_path / "m", "1.1.0")
    if code == 2:  # the new search may move others between splits: that takes a major version
        code = build(ws, tmp_path / "m", "2.0.0")
    assert code == 0
    newest = sorted((tmp_path / "m/own").iterdir())[-1]
    release = read_release(newest)
    assert gone in set(release.withdrawn["entity_id"])
    assert gone not in set(release.images["paper_id"])
    assert "asked by the authors" in (newest / "CHANGES.md").read_text()


def test_old_test_images_stay_in_test(make_workspace: Make, tmp_path: Path) -> None:
    ws = make_workspace(8)
    assert build(ws, tmp_path / "m") == 0
    old = read_release(tmp_path / "m/own/1.0.0").images
    assert build(ws, tmp_path / "m", "2.0.0", "--seed", "7", "--ratios", "0.8,0.1,0.1") == 0
    new = read_release(tmp_path / "m/own/2.0.0").images.set_index("image_id")
    tested = old.loc[old["split"] == "test", "image_id"]
    assert len(tested) > 0
    assert (new.loc[tested, "split"] == "test").all()


def test_a_published_version_never_changes(make_workspace: Make, tmp_path: Path) -> None:
    ws = make_workspace(6)
    assert build(ws, tmp_path / "m") == 0
    before = (tmp_path / "m/own/1.0.0/images.csv").read_bytes()
    assert build(ws, tmp_path / "m", "1.0.0", "--seed", "3", "--ratios", "0.4,0.3,0.3") == 2
    assert (tmp_path / "m/own/1.0.0/images.csv").read_bytes() == before


@pytest.mark.parametrize(
    "words", [["--version", "1.0"], ["--date", "yesterday"], ["--name", "Own Set"], ["--ratios", "1,2,3"]]
)
def test_bad_words_are_usage_errors(make_workspace: Make, tmp_path: Path, words: list[str]) -> None:
    assert build(make_workspace(2), tmp_path / "m", "1.0.0", *words) == 2
    assert not (tmp_path / "m").exists()


_KILLED = """
import sys, time
from pathlib import Path
import covidct.release.make.write as write
real = write.write_bytes
def slow(path, data):
    real(path, data)
    print(path.name, flush=True)
    time.sleep(0.3)
write.write_bytes = slow
from covidct import profiles
from covidct.cli import run
sys.exit(run(sys.argv[1:]))
"""


def test_sigkill_leaves_no_half_release(make_workspace: Make, tmp_path: Path) -> None:
    ws, out = make_workspace(4), tmp_path / "m"
    words = ["manifest", "build", "-w", str(ws), "--name", "own", "--version", "1.0.0", "--date", "2026-01-02"]
    child = subprocess.Popen(
        [sys.executable, "-c", _KILLED, *words, "--out", str(out)], stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    assert child.stdout.readline()
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    assert not (out / "own/1.0.0").exists()
    assert list((out / "own").glob(".*.part"))
    assert build(ws, out) == 0
    assert sorted(path.name for path in (out / "own").iterdir()) == ["1.0.0"]
    assert validate_release(out / "own/1.0.0") == []


def test_materialize_from_the_workspace(make_workspace: Make, tmp_path: Path) -> None:
    ws = make_workspace(6)
    assert build(ws, tmp_path / "m") == 0
    release, out = str(tmp_path / "m/own/1.0.0"), tmp_path / "images"
    assert run(["manifest", "materialize", release, "-w", str(ws), "--out", str(out)]) == 0
    assert len(list((out / "images").glob("*.png"))) == 12
    assert run(["manifest", "validate", release, "--images", str(out)]) == 0


def test_build_does_not_read_the_clock(make_workspace: Make, tmp_path: Path) -> None:
    ws = make_workspace(4)
    assert build(ws, tmp_path / "a") == 0
    time.sleep(1.1)
    with Workspace.open(ws) as opened:
        paper = opened.papers()[0]
        opened.save_papers([paper])
    assert build(ws, tmp_path / "b") == 0
    text = json.loads((tmp_path / "a/own/1.0.0/release.json").read_text())
    assert text == json.loads((tmp_path / "b/own/1.0.0/release.json").read_text())
    assert text["date"] == "2026-01-02"


def test_the_box_of_each_image_leads_back_to_the_page(make_workspace: Make, tmp_path: Path) -> None:
    assert build(make_workspace(4), tmp_path / "m") == 0
    folder = tmp_path / "m/own/1.0.0"
    row = read_release(folder).images.iloc[1]
    assert row["page"] == "2"
    assert list(row[list(FIGURE_BOX)]) == ["0", "0", "48", "40"]
    assert list(row[list(PANEL_BOX)]) == ["0", "0", "48", "40"]
    header = (folder / "images.csv").read_text().splitlines()[0]
    assert ",page,figure_x0,figure_y0,figure_x1,figure_y1,panel_x0,panel_y0,panel_x1,panel_y1,width," in header


def test_a_release_from_before_the_boxes_still_loads(toy_release: Path) -> None:
    table = read_table(toy_release / "images.csv").drop(columns=[*FIGURE_BOX, *PANEL_BOX])
    data = dump_table(table, list(table.columns))
    sums = (toy_release / "SHA256SUMS").read_text()
    old = sha256_bytes((toy_release / "images.csv").read_bytes())
    (toy_release / "SHA256SUMS").write_text(sums.replace(old, sha256_bytes(data)))
    (toy_release / "images.csv").write_bytes(data)
    assert validate_release(toy_release) == []
    assert set(read_release(toy_release).images["panel_x0"]) == {""}


@pytest.mark.parametrize(
    ("cells", "rule"),
    [
        ({"figure_x0": "1"}, "not a box"),
        ({"panel_x0": "9", "panel_y0": "0", "panel_x1": "3", "panel_y1": "4"}, "not a box"),
        ({"panel_x0": "-9", "panel_y0": "0", "panel_x1": "3", "panel_y1": "4"}, "not a coordinate in pixels"),
        ({"figure_x0": "left"}, "not a coordinate in points"),
    ],
)
def test_what_is_no_box_is_a_fault(toy_release: Path, cells: dict[str, str], rule: str) -> None:
    table = read_table(toy_release / "images.csv")
    table.loc[2, list(cells)] = list(cells.values())
    (toy_release / "images.csv").write_bytes(dump_table(table, list(table.columns)))
    faults = [fault for fault in validate_release(toy_release) if fault.rule.startswith(rule)]
    assert [fault.row for fault in faults] == [4]


def test_hold_back_leaves_out_just_what_is_objected_to(
    make_workspace: Make, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ws = make_workspace(6)
    with Workspace.open(ws) as opened:
        ids = [panel.panel_id for panel in opened.panels()]
        for paper in opened.papers()[:2]:
            opened.save_papers([replace(paper, licence="")])
        opened.decide([Decision("pair", f"{ids[4]}|{ids[6]}", "duplicate", True, "rule:dedup@1")])
        for who, label in (("anna", "positive"), ("ben", "negative")):
            opened.decide([Decision("panel", ids[11], "label", label, f"curator:{who}")])
    assert build(ws, tmp_path / "m") == 1
    err = capsys.readouterr().err
    for words in ("missing-licence", "duplicate-labels", "undecided-conflicts", "--hold-back", "(5 stay)", "--private"):
        assert words in err
    assert build(ws, tmp_path / "m", "1.0.0", "--hold-back") == 0
    assert "held back, missing-licence: 4 (listed in the datasheet)" in capsys.readouterr().out
    release = read_release(tmp_path / "m/own/1.0.0")
    held = release.meta["held_back"]
    assert {ids[k]: held.get(ids[k]) for k in (0, 4, 6, 11)} == {
        ids[0]: "missing-licence",
        ids[4]: "duplicate-labels",
        ids[6]: "duplicate-labels",
        ids[11]: "undecided-conflicts",
    }
    assert set(release.images["image_id"]) == set(ids) - set(held)
    sheet = (release.path / "datasheet.md").read_text()
    assert all(f"`{image}` ({what})" in sheet for image, what in held.items())


def test_build_names_the_class_that_is_missing(
    make_workspace: Make, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ws = make_workspace(1)
    assert build(ws, tmp_path / "m") == 0
    assert "there is no covid image at all: add papers with cases" in capsys.readouterr().err
    ws = make_workspace(2)
    assert build(ws, tmp_path / "m", "2.0.0") == 0
    assert "(there are 2 non-covid images in 1 group): add controls" in capsys.readouterr().err


def test_the_classes_are_called_as_the_profile_says(
    make_workspace: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ws = make_workspace()
    with Workspace.open(ws) as opened:
        opened.decide([Decision("panel", p.panel_id, "kind", "xray", "rule:triage@1") for p in opened.panels()])
    monkeypatch.setenv(profiles.VARIABLE, "tuberculosis")
    assert build(ws, tmp_path / "m") == 0
    folder = tmp_path / "m/own/1.0.0"
    monkeypatch.delenv(profiles.VARIABLE)
    release = read_release(folder)
    assert release.classes == ("other", "tuberculosis") and set(release.images["label"]) == {*release.classes}
    assert validate_release(folder) == []
    assert is_positive(release.images).sum() == (release.images["label"] == "tuberculosis").sum() == 8
    assert "| source | tuberculosis | other |" in (folder / "datasheet.md").read_text("utf-8")
    croissant = json.loads((folder / "croissant.json").read_text("utf-8"))
    assert {"labels/name": "tuberculosis"} in [row for part in croissant["recordSet"] for row in part.get("data", ())]
    capsys.readouterr()
    assert run(["manifest", "stats", str(folder)]) == 0
    assert "tuberculosis" in capsys.readouterr().out


@pytest.mark.parametrize("names", [["covid"], ["a", "a"], ["../x", "y"], "covid"])
def test_a_release_with_strange_names_of_classes_is_refused(
    make_workspace: Make, tmp_path: Path, names: object, capsys: pytest.CaptureFixture[str]
) -> None:
    assert build(make_workspace(), tmp_path / "m") == 0
    path = tmp_path / "m/own/1.0.0/release.json"
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | {"classes": names}), "utf-8")
    capsys.readouterr()
    assert run(["manifest", "stats", str(path.parent)]) == 1
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and "classes" in error
