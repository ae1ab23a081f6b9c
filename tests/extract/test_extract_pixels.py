"""Every kind of embedded pixels: the picture shows what a reader of the page sees, upright and at full size."""

from pathlib import Path

import numpy as np
import pymupdf
import pytest
from makeimage import KINDS, place
from makepdf import Maker
from PIL import Image

from covidct.harvest.extract import ExtractedFigure, Extractor

Made = tuple[Path, dict[str, ExtractedFigure]]


@pytest.fixture(scope="module")
def made(extractor: Extractor, tmp_path_factory: pytest.TempPathFactory) -> Made:
    """One document with a page for each kind, and its figures by label."""
    folder = tmp_path_factory.mktemp("pixels")
    maker = Maker()
    for number, kind in enumerate(KINDS.values()):
        if number:
            maker.new_page()
        maker.caption((60, 450, 535, 480), f"Figure {number + 1}.", "Four quarters of one picture.")
        maker.body((60, 510, 535, 780), 20)
        place(maker, kind())
    pdf = maker.save(folder / "made.pdf")
    result = extractor.extract(pdf, folder / "out")
    assert result.ok, result.reason
    return pdf, {figure.label: figure for figure in result.figures}


def centres(pixels: np.ndarray) -> np.ndarray:
    """Colours in the middle of the four quarters, (4, 3)."""
    high, wide = pixels.shape[:2]
    return np.array([pixels[y * high // 4, x * wide // 4] for y in (1, 3) for x in (1, 3)], int)


@pytest.mark.parametrize("name", KINDS)
def test_pixels_are_those_that_the_page_shows(name: str, made: Made) -> None:
    pdf, figures = made
    kind = KINDS[name]()
    figure = figures[f"Figure {list(KINDS).index(name) + 1}"]
    assert figure.kind == "raster" and (figure.width, figure.height) == kind.size
    found = np.asarray(Image.open(figure.picture).convert("RGB"))
    assert np.abs(centres(found) - np.array(kind.shown)).max() <= kind.within
    with pymupdf.open(pdf) as document:
        page = document[(figure.page or 0) - 1].get_pixmap(dpi=144, clip=figure.box)
        seen = np.frombuffer(page.samples, np.uint8).reshape(page.height, page.width, 3)
    assert np.abs(centres(found) - centres(seen)).max() <= 2
