"""``curate mask`` from the command line and on a workspace; text that may name a person; the scorer on real slices."""

import io
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image, ImageDraw, ImageFont

from covidct.commands.curate_mask import mask
from covidct.curate import mask as step
from covidct.curate.steps import MASK
from covidct.errors import ExitCode, UsageError
from covidct.imaging.ocr import ocr_available, read_text
from covidct.imaging.overlays.find import paint_over
from covidct.imaging.phantoms import phantom
from covidct.records import Decision, Figure, Panel, Paper, PaperStatus
from covidct.steps import drive
from covidct.workspace import Workspace

needs_ocr = pytest.mark.skipif(not ocr_available(), reason="the ocr extra is not installed")


def picture(seed: int, words: str = "") -> Image.Image:
    image = Image.fromarray(phantom(np.random.default_rng(seed), size=300)).convert("RGB")
    if words:
        ImageDraw.Draw(image).text((12, 8), words, fill=(255, 255, 0), font=ImageFont.load_default(24))
    return image


def call(*words: object) -> tuple[int, str]:
    done = CliRunner().invoke(mask, [str(word) for word in words], standalone_mode=False)
    if done.exception:
        raise done.exception
    return int(done.return_value), done.stdout


def test_loose_files_of_equal_names_and_modes(tmp_path: Path) -> None:
    files = [tmp_path / "a" / "x.png", tmp_path / "b" / "X.jpg", tmp_path / "x-2.png"]
    for path, mode in zip(files, ("RGB", "L", "RGBA"), strict=True):
        path.parent.mkdir(exist_ok=True)
        picture(1, "R").convert(mode).save(path)
    code, text = call(*files, "--out", tmp_path / "out", "--no-text", "--json")
    items = json.loads(text)
    assert code == ExitCode.COMPLETE and [item["file"] for item in items] == [str(path) for path in files]
    names = [Path(item["masked"]).name for item in items]
    assert names == ["x.masked.png", "X-2.masked.png", "x-2-2.masked.png"]
    for item, mode in zip(items, ("RGB", "L", "RGB"), strict=True):
        masked, where = (Image.open(item[form]) for form in ("masked", "mask"))
        assert Path(item["mask"]).is_absolute() and masked.size == where.size == (300, 300)
        assert masked.mode == mode and set(np.unique(np.asarray(where))) <= {0, 255}
        assert item["identifying"] == "not-scanned"
    assert items[0]["boxes"] and set(items[0]["boxes"][0]) == {"kind", "box"}


def test_failed_files_and_wrong_calls(tmp_path: Path) -> None:
    picture(1).save(tmp_path / "x.png")
    (tmp_path / "y.png").write_bytes(b"no picture")
    code, text = call(tmp_path / "x.png", tmp_path / "y.png", "--out", tmp_path / "out", "--no-text", "--json")
    good, bad = json.loads(text)
    assert code == ExitCode.INCOMPLETE and "error" not in good
    assert set(bad) == {"file", "error"} and "y.png" in bad["error"]
    with pytest.raises(UsageError, match="--out"):
        call(tmp_path / "x.png")
    with pytest.raises(UsageError, match="go with FILEs"):
        call("--no-text")


@needs_ocr
def test_text_that_may_name_a_person_is_flagged() -> None:
    found = step.mask_picture(np.asarray(picture(2, "DOE JANE 1961-02-03")))
    assert found.identifying == "yes" and found.texts
    assert any(mark.kind == "text" for mark in found.overlays.marks)
    assert found.overlays.mask[8:36, 12:200].any()
    assert step.mask_picture(np.asarray(picture(2))).identifying == "no"


@needs_ocr
@pytest.mark.parametrize("level", [130, 255])
def test_what_was_read_is_not_legible_any_more(level: int) -> None:
    """A name in a grey that the network may overlook: what the reader can read it must not read again."""
    plain = picture(5)
    ImageDraw.Draw(plain).text((20, 200), "DOB: 1961-02-03", fill=(level,) * 3, font=ImageFont.load_default(22))
    found = step.mask_picture(np.asarray(plain))
    assert found.texts and found.clean is True
    assert not [line for line in read_text(paint_over(found.picture, found.overlays.mask)) if len(line.text) > 3]


@needs_ocr
def test_a_picture_that_stays_legible_is_not_clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A reader that goes on reading a name however often it is masked."""
    line = step.TextBox("DOE JANE", (20, 20, 90, 40), 0.9)
    monkeypatch.setattr(step, "read_once", lambda pixels: [line])
    monkeypatch.setattr(step, "read_round", lambda pixels, boxes: [line])
    found = step.mask_picture(np.asarray(picture(6)))
    assert found.clean is False and found.left == [line] and found.overlays.mask[20:40, 20:90].all()
    picture(6).save(tmp_path / "a.png")
    assert [item["clean"] for item in step.mask_files([tmp_path / "a.png"], tmp_path / "out")] == [False]


def test_words_that_the_reader_ran_together_are_read_apart_too() -> None:
    line = step.TextBox("DOEJANE1961-02-03", (0, 0, 9, 9), 0.9)
    assert step._readings([line, line]) == ["DOEJANE1961-02-03", "DOEJANE 1961-02-03"] * 2
    assert step.identifying(step._readings([line]))


def test_without_the_extra_a_picture_is_not_scanned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(step, "ocr_available", lambda: False)
    found = step.mask_picture(np.asarray(picture(2, "DOE JANE")))
    assert found.identifying == "not-scanned" and found.clean is None


@pytest.fixture
def ws(tmp_path: Path) -> Workspace:
    opened = Workspace.create(tmp_path / "ws")
    opened.save_papers([Paper("p1", "file", status=PaperStatus.EXTRACTED)])
    buffer = io.BytesIO()
    picture(3, "DOE JANE 1961-02-03").save(buffer, "PNG")
    stored = opened.store(buffer.getvalue(), ".png")
    size = {"file": stored.file, "sha256": stored.sha256, "width": 300, "height": 300}
    opened.replace_figures("p1", [Figure("p1-f1", "p1", page=1, box=(0, 0, 9, 9), **size)])
    box = (0, 0, 300, 300)
    opened.replace_panels("p1-f1", [Panel("p1-f1-a", "p1-f1", "A", box, kind="ct_axial_lung", **size)])
    return opened


@needs_ocr
def test_a_panel_is_masked_once_and_the_journal_holds_no_name(ws: Workspace) -> None:
    report = drive(ws, MASK)
    assert (report.done, report.skipped, report.failed) == (1, 0, [])
    decision = ws.current("panel", "p1-f1-a")["mask"]
    assert decision.by == MASK.by and decision.value["identifying"] == "yes" and decision.value["texts"] >= 1
    where = np.asarray(Image.open(ws.path(decision.value["mask"])))
    assert where[8:36, 12:200].any() and Image.open(ws.path(decision.value["masked"])).size == (300, 300)
    words = json.dumps([str(vars(one)) for one in ws.decisions()])
    assert "DOE" not in words and "1961" not in words
    assert {one["kind"] for one in decision.evidence["identifying"]} & {"name", "date", "birth"}
    again = drive(ws, MASK)
    assert (again.done, again.skipped) == (0, 1) and len(ws.decisions("panel", "p1-f1-a", "mask")) == 1


def test_a_panel_that_is_no_ct_is_left_alone_and_the_command_tells(ws: Workspace) -> None:
    ws.decide([Decision("panel", "p1-f1-a", "kind", "logo", "curator:ann")])
    assert drive(ws, MASK).done == 0
    ws.close()
    code, text = call("-w", ws.folder)
    assert code == ExitCode.COMPLETE and "     0 done" in text


@pytest.mark.shared
def test_drawn_marks_on_real_slices(shared: Path, tmp_path: Path) -> None:
    """The scorer on 12 slices without reading text; figures by hand on 60 slices are in docs/marks.md."""
    score = [sys.executable, shared / "score/mask.py"]
    draw = ["draw", shared / "data/luna16-slices", tmp_path, "--n", "12", "--seed", "77"]
    subprocess.run([*score, *draw], check=True)
    for part in ("marked", "clean"):
        files = sorted((tmp_path / part).iterdir())
        (tmp_path / f"{part}.json").write_text(
            call(*files, "--out", tmp_path / f"{part}-out", "--no-text", "--json")[1]
        )
    results = [tmp_path / "marked.json", tmp_path / "clean.json"]
    done = subprocess.run([*score, "score", tmp_path, *results], check=True, capture_output=True, text=True)
    line = json.loads(done.stdout)
    assert line["answered"] == 12 and line["pixels_changed_outside_mask"] == 0
    assert line["overlay_covered"] >= 0.9 and line["clean_masked"] <= 0.015
    assert line["ssim_in_region"] >= 0.85 * line["ssim_of_oracle"] and line["masked_on_clean_slices"] <= 0.004
