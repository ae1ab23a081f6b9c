"""Scores on the real PDFs beside the checkout, by their own scorers; thresholds a little under what is reached."""

import csv
import json
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

from covidct.harvest.extract import Extractor

COLUMNS = ("source_file", "label", "page", "x0", "y0", "x1", "y1", "caption")


def predictions(pdfs: Iterable[Path], folder: Path) -> Path:
    """A table with the columns of ``covidct show figures --csv`` that the scorers read."""
    with Extractor(1) as extractor, (folder / "predictions.csv").open("w", newline="") as handle:
        writer = csv.writer(handle)
        writer.writerow(COLUMNS)
        for pdf in pdfs:
            for figure in extractor.extract(pdf, folder / pdf.stem).figures:
                writer.writerow([pdf.name, figure.label, figure.page, *(figure.box or ()), figure.caption])
    return folder / "predictions.csv"


def scores(*command: Path) -> dict[str, float]:
    done = subprocess.run([sys.executable, *map(str, command)], capture_output=True, text=True, check=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


@pytest.mark.shared
@pytest.mark.slow
def test_figures_and_captions_of_real_pdfs(shared: Path, tmp_path: Path) -> None:
    truth = shared / "data" / "truth" / "figures.json"
    wanted = set(json.loads(truth.read_text()))
    pdfs = sorted(p for p in (shared / "data" / "pdfs").rglob("*.pdf") if p.stem in wanted)
    found = scores(shared / "score" / "figures.py", truth, predictions(pdfs, tmp_path))
    assert found["figures_f1_iou70"] >= 0.97
    assert found["pairs_f1_iou70"] >= 0.97
    assert found["pairs_whole_caption_f1_iou70"] >= 0.95


@pytest.mark.shared
@pytest.mark.slow
def test_captions_against_jats(shared: Path, tmp_path: Path) -> None:
    folder = shared / "data" / "jats"
    found = scores(shared / "score" / "jats.py", folder, predictions(sorted(folder.glob("*.pdf")), tmp_path))
    assert found["labels_found"] >= 0.97
    assert min(found["right_number"], found["right_order"]) >= 0.95
    assert found["whole_caption"] >= 0.95
