"""Reading printed text, with the real engine."""

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from covidct.errors import CovidctError
from covidct.imaging import ocr


def printed(text: str, at: tuple[int, int], size: int = 28) -> np.ndarray:
    picture = Image.new("RGB", (320, 240), (60, 60, 60))
    ImageDraw.Draw(picture).text(at, text, fill=(255, 255, 0), font=ImageFont.load_default(size))
    return np.asarray(picture)


@pytest.mark.skipif(not ocr.ocr_available(), reason="the ocr extra is not installed")
def test_a_printed_name_is_read_where_it_stands() -> None:
    (line,) = ocr.read_text(printed("DOE JANE", (90, 120)))
    assert line.text.replace(" ", "") == "DOEJANE" and line.score > 0.5
    x0, y0, x1, y1 = line.box
    assert abs(x0 - 90) < 15 and abs(y0 - 125) < 15 and 200 < x1 < 260 and y1 < 165
    assert ocr._engine() is ocr._engine()


@pytest.mark.skipif(not ocr.ocr_available(), reason="the ocr extra is not installed")
def test_grey_blank_and_tiny_pictures_read_as_nothing() -> None:
    assert ocr.read_text(np.full((120, 160), 90, np.uint8)) == []
    assert ocr.read_text(np.zeros((3, 50), np.uint8)) == []


def test_a_missing_extra_is_said_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ocr.importlib.util, "find_spec", lambda name: None)
    ocr._engine.cache_clear()
    assert not ocr.ocr_available()
    with pytest.raises(CovidctError, match=r"covidct\[ocr\]"):
        ocr.read_text(np.zeros((50, 50), np.uint8))
