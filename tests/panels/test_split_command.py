"""``curate split-figure`` and the workspace step, with real files and a real workspace."""

import io
import json
from pathlib import Path

import numpy as np
import pytest
from drawn.figures import compose
from PIL import Image

from covidct.cli import run
from covidct.curate.steps import SPLIT
from covidct.errors import CovidctError
from covidct.imaging.phantoms import phantom
from covidct.pictures import MAX_PIXELS, open_picture
from covidct.records import Decision, Figure, Paper, PaperStatus
from covidct.steps import drive
from covidct.workspace import Workspace


def drawn(seed: int, layout: str = "white-gutter") -> np.ndarray:
    rng = np.random.default_rng((seed, 3))
    slices = [phantom(np.random.default_rng(s), size=200)[40:170] for s in range(9)]
    return compose(rng, slices, layout).image


def save(path: Path, image: np.ndarray) -> Path:
    Image.fromarray(image).save(path)
    return path


def test_loose_files_in_the_contract_form(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good = save(tmp_path / "figure.png", drawn(1))
    single = save(tmp_path / "one.png", phantom(np.random.default_rng(2), size=220))
    broken = tmp_path / "broken.png"
    broken.write_bytes(good.read_bytes()[:300])
    missing = tmp_path / "nowhere.png"
    code = run(["curate", "split-figure", str(good), str(single), str(broken), str(missing), "--json"])
    items = json.loads(capsys.readouterr().out)
    assert code == 3
    assert [item["file"] for item in items] == [str(p) for p in (good, single, broken, missing)]
    height, width = drawn(1).shape[:2]
    assert (items[0]["width"], items[0]["height"]) == (width, height)
    assert len(items[0]["panels"]) > 1
    keys = {"label", "label_by", "label_score", "box", "score"}
    assert all(set(p) == keys and 0 <= p["score"] <= 1 for p in items[0]["panels"])
    assert [p["label"] for p in items[1]["panels"]] == [""]
    for item in items[2:]:
        assert set(item) == {"file", "error"} and item["file"] in item["error"]


def test_without_json_one_line_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good = save(tmp_path / "figure.png", drawn(1))
    assert run(["curate", "split-figure", str(good)]) == 0
    out = capsys.readouterr().out
    assert out.count("\n") == 1 and "panels" in out


def test_a_missing_workspace_is_wrong_usage(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["curate", "split-figure", "-w", str(tmp_path / "none")]) == 2
    assert "no workspace" in capsys.readouterr().err


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "P", "LA", "I;16", "CMYK", "1"])
def test_every_kind_of_picture_becomes_rgb(tmp_path: Path, mode: str) -> None:
    grey = phantom(np.random.default_rng(1), size=64)
    deep = Image.fromarray(grey.astype(np.uint16) * 200)
    image = deep if mode == "I;16" else Image.fromarray(grey).convert(mode)
    path = tmp_path / ("a.tiff" if mode == "CMYK" else "a.png")
    image.save(path)
    pixels = open_picture(path)
    assert pixels.shape == (64, 64, 3) and pixels.dtype == np.uint8
    assert np.corrcoef(pixels[:, :, 1].ravel(), grey.ravel())[0, 1] > 0.7


def test_a_picture_bomb_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    side = int(MAX_PIXELS**0.5) + 2
    buffer = io.BytesIO()
    Image.new("1", (side, side)).save(buffer, "PNG")
    (tmp_path / "bomb.png").write_bytes(buffer.getvalue())
    with pytest.raises(CovidctError, match="too many"):
        open_picture(tmp_path / "bomb.png")


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    opened = Workspace.create(tmp_path / "ws")
    opened.save_papers([Paper("p1", "file", title="Made up", status=PaperStatus.EXTRACTED)])
    path = save(tmp_path / "f.png", drawn(1, "letters-inside"))
    image = np.asarray(Image.open(path))
    stored = opened.store_file(path, ".png")
    caption = "Figure 1. CT on admission (A) and on day 5 (B)."
    size = {"width": image.shape[1], "height": image.shape[0]}
    figure = Figure("p1-f1", "p1", label="Figure 1", caption=caption, file=stored.file, sha256=stored.sha256, **size)
    opened.replace_figures("p1", [figure, Figure("p1-f2", "p1", label="Figure 2", caption="Known from JATS only.")])
    return opened


def test_the_step_stores_panels_and_does_nothing_twice(workspace: Workspace) -> None:
    first = drive(workspace, SPLIT)
    assert (first.done, first.failed) == (1, [])
    panels = workspace.panels("p1-f1")
    assert len(panels) > 1
    assert [p.panel_label for p in panels] == [chr(ord("A") + i) for i in range(len(panels))]
    assert panels[0].panel_id == "p1-f1-A"
    for panel in panels:
        with Image.open(workspace.path(panel.file)) as picture:
            assert picture.size == (panel.width, panel.height)
    assert "admission" in panels[0].sub_caption
    journal = workspace.current("figure", "p1-f1")["panels"]
    assert journal.by == SPLIT.by and len(journal.value) == len(panels)
    again = drive(workspace, SPLIT)
    assert (again.done, again.skipped) == (0, 2)
    assert workspace.panels("p1-f1") == panels


def test_boxes_drawn_by_a_curator_win(workspace: Workspace) -> None:
    drive(workspace, SPLIT)
    boxes = [{"label": "x", "box": [0, 0, 60, 50]}, {"label": "", "box": [60.4, 0, 120, 50]}]
    workspace.decide([Decision("figure", "p1-f1", "panels", boxes, "curator:ann")])
    drive(workspace, SPLIT)
    assert [(p.panel_label, p.box) for p in workspace.panels("p1-f1")] == [
        ("x", (0, 0, 60, 50)),
        ("", (60, 0, 120, 50)),
    ]


def test_a_picture_that_is_gone_is_reported_and_the_rest_goes_on(workspace: Workspace) -> None:
    figure = workspace.figures("p1")[0]
    workspace.path(figure.file).unlink()
    report = drive(workspace, SPLIT)
    assert [item for item, _ in report.failed] == ["p1-f1"]
    assert report.done == 0
