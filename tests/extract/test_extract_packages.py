"""JATS first, from a ``.meca`` package: its words win, its lossless picture only where it shows what the page shows."""

import csv
import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from makepdf import Maker, noise
from PIL import Image, ImageDraw

from covidct.cli import run

XML = """
 <?xml version="1.0" encoding="UTF-8"?>
<article xmlns:xlink="http://www.w3.org/1999/xlink"><front><article-meta>
<article-id pub-id-type="doi">10.1101/2020.02.02.20020202</article-id>
<title-group><article-title>Wind & tide&nbsp;of the valley</article-title></title-group></article-meta></front>
<body><p>Wind rose at noon (Fig. 1A). Nothing else was seen.</p>
<fig id="fig1"><label>Figure 1.</label>
<caption><title>Wind at 5&deg; &unknown; <![CDATA[R&D]]>, as written.</title></caption>
<graphic xlink:href="20020202v1_fig1.tif"/></fig></body></article>"""
MANIFEST = """<?xml version="1.0"?><manifest xmlns="http://manuscriptexchange.org">
<item type="article"><instance media-type="application/pdf" href="content/20020202.pdf"/></item>
<item type="article"><instance media-type="application/xml" href="content/20020202.xml"/></item>
<item type="figure" id="fig1"><instance media-type="image/tiff" href="content/20020202v1_fig1.tif"/></item>
</manifest>"""


def small(picture: Image.Image) -> np.ndarray:
    return np.asarray(picture.resize((400, 300), Image.Resampling.BOX))


def package(folder: Path, shown: np.ndarray, original: Image.Image) -> Path:
    made = Maker()
    made.image((100, 60, 500, 360), shown)
    made.caption((60, 370, 535, 400), "Figure 1.", "Wind at 5o, as printed.")
    made.body((60, 420, 535, 780), 20)
    tiff = io.BytesIO()
    original.save(tiff, "TIFF")
    with zipfile.ZipFile(folder / "a.meca", "w") as archive:
        archive.writestr("manifest.xml", MANIFEST)
        archive.writestr("content/20020202.pdf", made.save(folder / "made.pdf").read_bytes())
        archive.writestr("content/20020202.xml", XML)
        archive.writestr("content/20020202v1_fig1.tif", tiff.getvalue())
    return folder / "a.meca"


def figures(meca: Path, folder: Path, capsys: pytest.CaptureFixture[str]) -> list[dict[str, str]]:
    assert run(["harvest", "--from", str(meca), "-w", str(folder / "ws")]) == 0
    capsys.readouterr()
    assert run(["show", "figures", "--csv", "-w", str(folder / "ws")]) == 0
    return list(csv.DictReader(io.StringIO(capsys.readouterr().out)))


def test_words_and_lossless_picture_of_the_package(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    original = Image.fromarray(noise(1000, 750))
    (figure,) = figures(package(tmp_path, small(original), original), tmp_path, capsys)
    assert figure["caption"] == "Wind at 5° &unknown; R&D, as written."
    assert "Wind rose at noon" in figure["mentions"] and figure["page"] == "1"
    assert (figure["width"], figure["height"]) == ("1000", "750")
    assert np.array_equal(np.asarray(Image.open(tmp_path / "ws" / figure["file"])), np.asarray(original))


def test_a_name_that_the_page_covers_keeps_the_package_picture_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    original = Image.fromarray(noise(1000, 750))
    page = small(original)
    ImageDraw.Draw(original).text((30, 30), "ZACHARIAS QUILLFEATHER", fill=255, font_size=36)
    (figure,) = figures(package(tmp_path, page, original), tmp_path, capsys)
    assert (figure["width"], figure["height"]) == ("400", "300")
    stored = [Image.open(p).size for p in (tmp_path / "ws").rglob("*.png")]
    assert stored == [(400, 300)], "the original is not even left lying in the workspace"
