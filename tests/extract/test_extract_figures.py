"""From a PDF to figures: what is found, where, with which caption and which pixels."""

from pathlib import Path

import numpy as np
import pymupdf
import pytest
from makepdf import Maker, noise
from PIL import Image

from covidct.errors import CovidctError
from covidct.harvest.extract import Extractor


def pixels(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path))


def test_one_raster_with_caption_keeps_its_pixels(extractor: Extractor, tmp_path: Path) -> None:
    made = Maker()
    made.body((60, 60, 535, 260), 10)
    picture = noise(400, 300)
    made.image((150, 280, 450, 505), picture)
    made.caption((60, 515, 535, 560), "Figure 1.", "Wind over the valley. (A) Morning. (B) Evening.")
    made.body((60, 600, 535, 780), 8)
    result = extractor.extract(made.save(tmp_path / "a.pdf"), tmp_path / "out")
    assert result.ok and result.pages == 1
    (figure,) = result.figures
    assert (figure.label, figure.page, figure.caption_page, figure.kind) == ("Figure 1", 1, 1, "raster")
    assert figure.caption == "Wind over the valley. (A) Morning. (B) Evening."
    assert figure.box == pytest.approx((150, 280, 450, 505), abs=0.6)
    assert (figure.width, figure.height) == (400, 300)
    assert np.array_equal(pixels(figure.picture), picture)


def test_vector_drawing_is_rendered_at_300_dpi_with_its_axis_titles(extractor: Extractor, tmp_path: Path) -> None:
    made = Maker()
    made.body((60, 60, 535, 260), 10)
    page = made.page
    page.draw_line((120, 500), (500, 500))
    page.draw_line((120, 300), (120, 500))
    for step in range(8):
        page.draw_rect(pymupdf.Rect(140 + 44 * step, 480 - 18 * step, 170 + 44 * step, 500), fill=(0.2, 0.3, 0.7))
    page.insert_text((280, 512), "day of the year", fontsize=7)
    page.insert_text((112, 430), "wind (m/s)", fontsize=7, rotate=90)
    made.caption((60, 530, 535, 560), "Fig. 2", "Wind by day.")
    made.body((60, 600, 535, 780), 8)
    (figure,) = extractor.extract(made.save(tmp_path / "a.pdf"), tmp_path / "out").figures
    assert (figure.label, figure.kind, figure.caption) == ("Fig. 2", "vector", "Wind by day.")
    assert figure.box is not None and figure.box[0] < 113 and figure.box[3] > 511 and figure.box[1] < 345
    assert figure.width >= 0.99 * 300 / 72 * (figure.box[2] - figure.box[0])


def test_tiles_become_one_figure(extractor: Extractor, tmp_path: Path) -> None:
    made = Maker()
    for row in range(3):
        for column in range(5):
            x, y = 100 + 80 * column, 100 + 60 * row
            made.image((x, y, x + 80, y + 60), noise(160, 120, seed=row * 5 + column))
    made.caption((60, 290, 535, 320), "Figure 1.", "Fifteen tiles.")
    made.body((60, 340, 535, 700), 16)
    (figure,) = extractor.extract(made.save(tmp_path / "a.pdf"), tmp_path / "out").figures
    assert figure.box == pytest.approx((100, 100, 500, 280), abs=1)
    assert (figure.width, figure.height) == (800, 360)
    assert figure.provenance["images"] == 15


def test_missing_file_is_named() -> None:
    with Extractor(1) as extractor, pytest.raises(CovidctError, match=r"nowhere\.pdf"):
        extractor.extract(Path("nowhere.pdf"), Path("out"))
