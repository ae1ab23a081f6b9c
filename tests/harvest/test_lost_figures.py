"""A labelled figure that cannot be placed is named in the summary, and the exit code says that something is missing."""

import io
from pathlib import Path

import numpy as np
import pymupdf
import pytest

from covidct.cli import run
from covidct.harvest.shelf import lost_figures
from covidct.imaging.phantoms import phantom
from covidct.pictures import png_bytes
from covidct.records import Dropped, Figure
from covidct.workspace import Workspace


def pdf(path: Path, pictures: tuple[bool, ...]) -> Path:
    """One page a figure with a caption; only some have a picture."""
    document = pymupdf.open()
    for number, shown in enumerate(pictures, 1):
        page = document.new_page()
        page.insert_textbox((60, 60, 540, 120), f"Made-up report, page {number}. " * 4, fontsize=11)
        if shown:
            grey = phantom(np.random.default_rng(number), size=200)
            page.insert_image((80, 150, 480, 450), stream=io.BytesIO(png_bytes(np.repeat(grey[:, :, None], 3, 2))))
        words = f"Figure {number}. Axial CT of the chest of a patient on day {number}."
        page.insert_textbox((80, 470, 520, 520), words, fontsize=10)
    document.save(path)
    return path


def test_a_caption_without_a_picture_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["harvest", "--from", str(pdf(tmp_path / "a.pdf", (True, False))), "-w", str(tmp_path / "ws")]
    assert run(words) == 3
    told = capsys.readouterr()
    assert "Figure 2 is lost" in told.out + told.err
    with Workspace.open(tmp_path / "ws") as ws:
        assert [figure.label for figure in ws.figures()] == ["Figure 1"]
        assert [left.dropped.what for left in ws.dropped("read") if left.dropped.what.startswith("Figure")] == [
            "Figure 2"
        ]
    assert run(["show", "papers", "--missing", "--csv", "-w", str(tmp_path / "ws")]) == 0
    assert "Figure 2 is lost" in capsys.readouterr().out


def test_every_caption_with_its_picture_is_complete(tmp_path: Path) -> None:
    assert run(["harvest", "--from", str(pdf(tmp_path / "a.pdf", (True, True))), "-w", str(tmp_path / "ws")]) == 0


def test_what_stands_elsewhere_is_not_lost() -> None:
    dropped = [Dropped("Figure 1", "repeated"), Dropped("Fig. 3", "nothing there"), Dropped("graphic", "speck")]
    assert lost_figures(dropped, [Figure("f", "p", label="Figure 1A", file="x")]) == dropped[1:2]
    assert len(lost_figures(dropped, [Figure("f", "p", label="Figure 1", file="")])) == 2
