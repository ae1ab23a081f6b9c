"""Step ``headings``: a drawn figure of two people in two columns, read by the real reader of text."""

import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from covidct.curate.steps import HEADINGS, PATIENTS
from covidct.imaging.ocr import ocr_available
from covidct.imaging.phantoms import phantom
from covidct.records import Decision, Figure, Panel, Paper
from covidct.steps import drive
from covidct.workspace import Workspace

PLACES = [(40, 120), (340, 120), (40, 370), (340, 370)]
SIDE = 232


def sheet(words: list[str]) -> bytes:
    """Two columns of two slices with ``words`` over them, as PNG."""
    image = Image.new("L", (620, 640), 255)
    draw, font = ImageDraw.Draw(image), ImageFont.load_default(size=26)
    for x, text in zip((60, 360), words, strict=True):
        draw.multiline_text((x, 30), text, fill=0, font=font)
    for number, place in enumerate(PLACES):
        image.paste(Image.fromarray(phantom(np.random.default_rng(number))).convert("L").resize((SIDE, SIDE)), place)
    data = io.BytesIO()
    image.save(data, "PNG")
    return data.getvalue()


@pytest.fixture
def ws(tmp_path: Path) -> Workspace:
    return Workspace.create(tmp_path / "ws")


def figure(ws: Workspace, words: list[str]) -> None:
    stored = ws.store(sheet(words), ".png")
    ws.save_papers([Paper("p", "file", title="Follow-up of patients with COVID-19")])
    caption = "CT scans of patients. (A) On admission; (B) after discharge."
    ws.replace_figures(
        "p", [Figure("f", "p", label="Figure 1", caption=caption, file=stored.file, sha256=stored.sha256)]
    )
    boxes = [(float(x), float(y), float(x + SIDE), float(y + SIDE)) for x, y in PLACES]
    ws.replace_panels("f", [Panel(f"f-{n}", "f", box=box) for n, box in enumerate(boxes)])
    ws.decide([Decision("panel", p.panel_id, "kind", "ct_axial_lung", "rule:triage@1") for p in ws.panels()])


@pytest.mark.skipif(not ocr_available(), reason="the extra ocr is not installed")
def test_people_printed_over_columns_are_two_patients_and_no_name_is_kept(ws: Workspace) -> None:
    figure(ws, ["Patient 1\nJOHN SMITH", "Patient 2\n(age 45, female)"])
    drive(ws, HEADINGS)
    drive(ws, PATIENTS)
    ids = [panel.patient_id for panel in ws.panels()]
    assert ids[0] == ids[2] != ids[1] == ids[3]
    rows = ws.current("figure", "f")["headings"].value
    assert [(row["case"], row["sex"]) for row in rows] == [("1", ""), ("2", "F")] * 2
    said = json.dumps([str(vars(d) if hasattr(d, "__dict__") else d) for d in ws.decisions()])
    assert "SMITH" not in said.upper()


@pytest.mark.skipif(not ocr_available(), reason="the extra ocr is not installed")
def test_days_over_columns_name_nobody(ws: Workspace) -> None:
    figure(ws, ["Day 1", "Day 8"])
    drive(ws, HEADINGS)
    drive(ws, PATIENTS)
    assert len({panel.patient_id for panel in ws.panels()}) == 1
    assert ws.current("figure", "f")["headings"].value == []
