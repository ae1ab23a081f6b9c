"""Triage: drawn pictures of every kind, the real ones, the command, the workspace step."""

import csv
import json
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from drawn.figures import compose
from drawn.kinds import OTHER_KINDS, belly
from drawn.prints import printed
from PIL import Image

from covidct.cli import run
from covidct.curate.steps import TRIAGE
from covidct.imaging.phantoms import phantom
from covidct.imaging.triage import MEASURES, RELEASE_SCORE, forest, judge, look, measure, triage, triage_all, view
from covidct.pictures import open_picture
from covidct.records import CT_KINDS, TRIAGE_KINDS, Figure, Panel, Paper
from covidct.steps import drive
from covidct.workspace import Workspace

Draw = Callable[[np.random.Generator], np.ndarray]


def rgb(picture: np.ndarray) -> np.ndarray:
    return picture[:, :, None].repeat(3, 2) if picture.ndim == 2 else picture


def several(rng: np.random.Generator) -> np.ndarray:
    return compose(rng, [rgb(printed(rng)) for _ in range(4)], "white-gutter").image


CASES: dict[str, Draw] = {
    "ct_axial_lung": lambda rng: rgb(printed(rng, plane="axial", window="lung")),
    "ct_other": belly,
    "compound_with_ct": several,
    **{kind: draws[0] for kind, draws in OTHER_KINDS.items()},
}


@pytest.mark.parametrize("kind", CASES)
def test_drawn_pictures_get_their_kind(kind: str) -> None:
    rng = np.random.default_rng(881)
    found = [t.kind for t in triage_all([CASES[kind](rng) for _ in range(8)])]
    assert found.count(kind) >= 6, found


def test_compound_is_told_apart_from_its_kind() -> None:
    rng = np.random.default_rng(5)
    slices = [OTHER_KINDS["xray"][0](rng) for _ in range(3)]
    pages = [compose(np.random.default_rng(s), slices, "white-gutter").image for s in range(6)]
    found = triage_all(pages)
    assert sum(t.is_compound for t in found) >= 5
    assert sum(t.kind == "xray" for t in found) >= 4


STRIPES = np.tile(np.array([0, 90], np.uint8), (12, 150))[:, :, None].repeat(3, 2)


@pytest.mark.parametrize(("picture", "rule"), [(np.full((200, 200, 3), 255, np.uint8), "blank"), (STRIPES, "tiny")])
def test_rules_that_no_likeness_overrules(picture: np.ndarray, rule: str) -> None:
    found = triage(picture)
    assert (found.rule, found.kind, found.is_ct) == (rule, "other", False)


def test_measures_keep_their_columns_whatever_the_picture() -> None:
    rng = np.random.default_rng(0)
    pictures = [rng.integers(0, 256, (h, w, 3)).astype(np.uint8) for h, w in ((30, 900), (900, 30), (64, 64))]
    for picture in (*pictures, np.zeros((50, 60, 3), np.uint8)):
        row = measure(view(picture))
        assert row.shape == (len(forest().names),) and np.isfinite(row).all()
    assert len({m.__name__ for m in MEASURES}) == len(MEASURES)


def test_the_size_of_the_picture_says_nothing() -> None:
    rng = np.random.default_rng(8)
    small = rgb(printed(rng, plane="axial", window="lung"))
    large = small.repeat(2, 0).repeat(2, 1)
    assert triage(small).kind == triage(large).kind


def test_every_class_is_a_kind_of_the_contract() -> None:
    assert {name.removeprefix("compound:") for name in forest().classes} == set(TRIAGE_KINDS)


def test_the_command_in_the_contract_form(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    slice_ = tmp_path / "s.png"
    Image.fromarray(phantom(np.random.default_rng(3), size=256)).save(slice_)
    (tmp_path / "bad.jpg").write_bytes(b"\xff\xd8\xff nothing")
    code = run(["curate", "triage", str(slice_), str(tmp_path / "bad.jpg"), "--json"])
    items = json.loads(capsys.readouterr().out)
    assert code == 3
    assert items[0]["file"] == str(slice_) and items[0]["kind"] in CT_KINDS and items[0]["is_ct"] is True
    assert set(items[0]) == {"file", "kind", "is_ct", "is_compound", "score"}
    assert set(items[1]) == {"file", "error"}


def test_many_files_in_processes_keep_their_order(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = []
    for index in range(60):
        names.append(str(tmp_path / f"{index}.png"))
        Image.fromarray(phantom(np.random.default_rng(index), size=64)).save(names[-1])
    assert run(["curate", "triage", *names, "--workers", "2", "--json"]) == 0
    assert [item["file"] for item in json.loads(capsys.readouterr().out)] == names


def test_the_step_decides_on_each_panel_once(tmp_path: Path) -> None:
    with Workspace.create(tmp_path / "ws") as workspace:
        path = tmp_path / "f.png"
        Image.fromarray(phantom(np.random.default_rng(1), size=200)).save(path)
        stored = workspace.store_file(path, ".png")
        workspace.save_papers([Paper("p", "file")])
        size = {"file": stored.file, "sha256": stored.sha256, "width": 200, "height": 200}
        workspace.replace_figures("p", [Figure("p-1", "p", **size)])  # type: ignore[arg-type]
        workspace.replace_panels("p-1", [Panel("p-1-1", "p-1", box=(0, 0, 200, 200), **size)])  # type: ignore[arg-type]
        first = drive(workspace, TRIAGE)
        assert (first.done, first.failed) == (1, [])
        assert workspace.panels("p-1")[0].kind == "ct_axial_lung"
        assert drive(workspace, TRIAGE).skipped == 1


def test_small_and_coloured_pictures_never_reach_the_score_of_a_release() -> None:
    slice_ = rgb(phantom(np.random.default_rng(4), size=240))
    assert triage(slice_).kind == "ct_axial_lung" and triage(slice_).score >= RELEASE_SCORE
    small = np.asarray(Image.fromarray(slice_).resize((60, 60)))
    assert triage(small).score < RELEASE_SCORE or triage(small).kind != "ct_axial_lung"
    stained = slice_.copy()
    stained[60:160, 60:160, 1:] //= 2
    found = triage(stained)
    assert (found.rule == "coloured" and found.score < RELEASE_SCORE) or not found.is_ct
    marked = slice_.copy()
    marked[100:104, 40:80] = (255, 0, 0)  # an arrow's worth of colour
    assert triage(marked).rule == ""


@pytest.mark.slow
def test_a_head_by_magnetic_resonance_raises_a_doubt_and_a_slice_of_the_lungs_none() -> None:
    head = np.zeros((300, 260), np.uint8)
    cv2.ellipse(head, (130, 150), (110, 135), 0, 0, 360, 220, -1)
    cv2.ellipse(head, (130, 150), (100, 125), 0, 0, 360, 120, -1)
    for side in (-1, 1):
        cv2.ellipse(head, (130 + side * 18, 140), (4, 22), side * 12, 0, 360, 30, -1)
    slices = [rgb(printed(np.random.default_rng(seed), plane="axial", window="lung")) for seed in range(8)]
    assert look(rgb(head)).doubt == "no lungs"
    assert sum(look(picture).doubt == "no lungs" for picture in slices) <= 1


def test_missing_lungs_take_the_score_of_an_axial_slice_and_of_no_other_kind() -> None:
    drawn = [rgb(printed(np.random.default_rng(seed), plane="axial", window="lung")) for seed in range(12)]
    pictures = [*drawn, *(belly(np.random.default_rng(seed)) for seed in range(12))]
    plain = [replace(look(picture), doubt="") for picture in pictures]
    met = set()
    for before, after in zip(judge(plain), judge([replace(p, doubt="no lungs") for p in plain]), strict=True):
        axial = before.kind == "ct_axial_lung"
        met.add((axial, before.score > 0.5))
        assert (after.score, after.rule) == ((min(before.score, 0.5), "no lungs") if axial else (before.score, ""))
    assert {(True, True), (False, True)} <= met


def test_no_chart_reaches_the_score_of_a_release() -> None:
    draw_charts = pytest.importorskip("draw_charts", reason="charts are drawn with matplotlib (extra train)")
    looks = []
    for seed in range(40):
        rng = np.random.default_rng((seed, 77))
        looks.append(look(draw_charts.piece_of_chart(rng) if seed % 3 == 0 else draw_charts.drawn_chart(rng)))
    found = judge(looks)
    assert not [v for v in found if v.kind == "ct_axial_lung" and v.score >= RELEASE_SCORE]
    assert np.mean([v.kind == "chart_or_diagram" for v in found]) >= 0.8


@pytest.mark.shared
def test_real_pictures(shared: Path) -> None:
    folder = shared / "data" / "truth" / "triage"
    rows = [r for r in csv.DictReader((folder / "triage.csv").open(newline="")) if r["doubtful"] != "true"]
    found = triage_all([open_picture(folder / "images" / r["file"], side=384) for r in rows])
    true = np.array([r["label"] in CT_KINDS for r in rows])
    called = np.array([t.is_ct for t in found])
    assert (true & called).sum() / true.sum() >= 0.93
    assert (true & called).sum() / called.sum() >= 0.9
    assert np.mean([t.kind == r["label"] for t, r in zip(found, rows, strict=True)]) >= 0.8


def test_a_picture_takes_no_more_than_its_time() -> None:
    pictures = [rgb(phantom(np.random.default_rng(s), size=300)) for s in range(10)]
    triage_all(pictures)
    started = time.process_time()
    triage_all(pictures * 3)
    assert (time.process_time() - started) / 30 < 0.05
