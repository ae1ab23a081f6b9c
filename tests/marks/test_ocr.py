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


@pytest.mark.skipif(not ocr.ocr_available(), reason="the ocr extra is not installed")
@pytest.mark.parametrize("size", [(320, 240), (2400, 1200)])
def test_round_a_box_only_what_stands_there_is_read(size: tuple[int, int]) -> None:
    picture = Image.new("L", size, 60)
    draw, font = ImageDraw.Draw(picture), ImageFont.load_default(28 + size[0] // 100)
    draw.text((20, 20), "LEFT", fill=255, font=font)
    right, low = size[0] - 200, size[1] - 100
    draw.text((right, low), "RIGHT", fill=255, font=font)
    pixels = np.asarray(picture)
    assert {line.text for line in ocr.read_text(pixels)} == {"LEFT", "RIGHT"}
    (line,) = ocr.read_round(pixels, [(right + 5, low + 5, right + 120, low + 25)])
    assert line.text == "RIGHT" and abs(line.box[0] - right) < 15 and abs(line.box[1] - low) < 15
    assert ocr.read_round(pixels, []) == []


@pytest.mark.skipif(not ocr.ocr_available(), reason="the ocr extra is not installed")
def test_a_figure_is_read_panel_by_panel_and_beside_them(monkeypatch: pytest.MonkeyPatch) -> None:
    figure = np.full((700, 900, 3), 255, np.uint8)
    panels = [(100, 200, 420, 440), (500, 200, 820, 440)]
    for number, (x0, y0, x1, y1) in enumerate(panels):
        figure[y0:y1, x0:x1] = printed(f"PANEL {number + 2}", (60, 100))
    sheet = Image.fromarray(figure)
    ImageDraw.Draw(sheet).text((520, 90), "Patient 2", fill=0, font=ImageFont.load_default(28))
    figure = np.asarray(sheet)
    for x0, y0, x1, y1 in panels:
        ocr.read_once(figure[y0:y1, x0:x1])
    sizes, whole = list[int](), ocr._read
    monkeypatch.setattr(
        ocr, "_read", lambda part, zoom: (sizes.append(part.shape[0] * part.shape[1]), whole(part, zoom))[1]
    )
    lines = {line.text.replace(" ", ""): line.box for line in ocr.read_figure(figure, panels)}
    assert set(lines) == {"PANEL2", "PANEL3", "Patient2"}
    assert abs(lines["PANEL3"][0] - 560) < 15 and abs(lines["PANEL3"][1] - 305) < 15
    assert abs(lines["Patient2"][0] - 520) < 15
    assert sum(sizes) < 0.1 * 900 * 700  # what was read before, and the white, is not read again


@pytest.mark.skipif(not ocr.ocr_available(), reason="the ocr extra is not installed")
def test_the_last_pictures_are_remembered_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ocr, "_KEPT", 2)
    words = printed("DOE JANE", (90, 120))
    for picture in (words, np.zeros((40, 40), np.uint8), np.ones((40, 40), np.uint8)):
        assert [line.text for line in ocr.read_once(picture)] == [line.text for line in ocr.read_text(picture)]
    assert len(ocr._known) == 2
    assert ocr.read_once(np.repeat(np.ones((40, 40, 1), np.uint8), 3, axis=2)) is ocr.read_once(
        np.ones((40, 40), np.uint8)
    )


def test_a_missing_extra_is_said_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ocr.importlib.util, "find_spec", lambda name: None)
    ocr._engine.cache_clear()
    assert not ocr.ocr_available()
    with pytest.raises(CovidctError, match=r"covidct\[ocr\]"):
        ocr.read_text(np.zeros((50, 50), np.uint8))
