"""JATS: read leniently and safely, merged with the PDF; its captions win, hidden parts of its pictures do not."""

import io
from pathlib import Path

import numpy as np
import pytest
from makepdf import Maker, noise
from PIL import Image, ImageDraw

from covidct.errors import CovidctError
from covidct.harvest.articles import by_label, read_article
from covidct.harvest.extract import Extraction, Extractor
from covidct.harvest.extract.merge import same_picture
from covidct.harvest.xml import mended

FRONT = (
    '<front><article-meta><article-id pub-id-type="doi">10.1101/2020.02.02.123456</article-id>'
    "<title-group><article-title>Wind &amp; tide in the <italic>valley</italic></article-title></title-group>"
    '<permissions><license xmlns:xlink="http://www.w3.org/1999/xlink" '
    'xlink:href="http://creativecommons.org/licenses/by-nc/4.0/"><license-p>x</license-p></license></permissions>'
    "</article-meta></front>"
)


def article(figures: str, body: str = "<p>Wind rose at noon (Fig. 1A). Nothing else was seen.</p>") -> bytes:
    text = f'<article xmlns:xlink="http://www.w3.org/1999/xlink">{FRONT}<body>{body}{figures}</body></article>'
    return f'\n <?xml version="1.0" encoding="UTF-8"?>{text}'.encode()


def figure(number: int, caption: str, graphic: str = "") -> str:
    link = f'<graphic xlink:href="{graphic}"/>' if graphic else ""
    return (
        f'<fig id="fig{number}"><label>Figure {number}.</label><caption><title>{caption}</title></caption>{link}</fig>'
    )


def pdf(folder: Path, pixels: np.ndarray) -> Path:
    made = Maker()
    made.image((100, 60, 500, 360), pixels)
    made.caption((60, 370, 535, 400), "Figure 1.", "Wind over the va11ey as printed.")
    made.body((60, 420, 535, 780), 20)
    return made.save(folder / "paper.pdf")


def read(
    extractor: Extractor, folder: Path, xml: bytes, pixels: np.ndarray, graphics: Path | None = None
) -> Extraction:
    (folder / "paper.xml").write_bytes(xml)
    return extractor.extract(pdf(folder, pixels), folder / "out", jats=folder / "paper.xml", graphics=graphics)


def test_lenient_reading() -> None:
    data = article(figure(1, "Wind & tide&nbsp;at 5&deg; &unknown; <sub>2</sub><![CDATA[ R&D ]]>", "F1.large"))
    found = read_article(data, "JATS")
    assert found.figures[0].caption == "Wind & tide at 5° &unknown; 2 R&D"
    assert (found.figures[0].label, found.figures[0].graphics) == ("Figure 1", ("F1.large",))
    assert (found.doi, found.title) == ("10.1101/2020.02.02.123456", "Wind & tide in the valley")


def test_formula_sources_comments_and_alternatives_are_not_text() -> None:
    inner = "<alternatives><tex-math>\\alpha</tex-math><graphic xlink:href='eq'/></alternatives>"
    parts = "<alternatives><graphic xlink:href='a.tif'/><graphic xlink:href='a.jpg'/></alternatives>"
    xml = article(f"<fig><label>Fig 2</label><caption><p>One<!-- two -->{inner}</p><p>three</p></caption>{parts}</fig>")
    (only,) = read_article(xml, "JATS").figures
    assert only.caption == "One three"
    assert only.graphics == ("eq", "a.tif")


def test_entities_of_its_own_are_refused() -> None:
    bomb = b'<!DOCTYPE a [<!ENTITY x "boo"><!ENTITY f SYSTEM "file:///etc/hostname">]><article>&x;&f;</article>'
    with pytest.raises(CovidctError, match="entities"):
        read_article(bomb, "JATS")


def test_mending_leaves_good_xml_alone() -> None:
    assert mended(b"<a>&lt;&#233;&#xe9;&amp;</a>") == b"<a>&lt;&#233;&#xe9;&amp;</a>"
    assert mended(b"  <a>x & y &copy; z</a>") == b"<a>x &amp; y &#169; z</a>"


def test_caption_of_the_jats_wins_and_the_disagreement_is_recorded(extractor: Extractor, tmp_path: Path) -> None:
    xml = article(figure(1, "Wind over the valley, exactly as the authors wrote it.") + figure(2, "Only in the XML."))
    result = read(extractor, tmp_path, xml, noise(400, 300))
    (found,) = result.figures
    assert found.caption == "Wind over the valley, exactly as the authors wrote it."
    assert found.page == 1 and found.box is not None
    assert found.mentions == ("Wind rose at noon (Fig. 1A).",)
    assert found.provenance["jats_disagrees"]["pdf_caption"] == "Wind over the va11ey as printed."
    assert [d.what for d in result.dropped if "JATS" in d.reason] == ["Figure 2"]
    assert result.licence == "cc-by-nc-4.0" and result.title == "Wind & tide in the valley"


def test_lossless_picture_of_the_package_wins(extractor: Extractor, tmp_path: Path) -> None:
    large = noise(800, 600)
    small = np.asarray(Image.fromarray(large).resize((200, 150), Image.Resampling.BOX))
    (tmp_path / "graphics").mkdir()
    Image.fromarray(large).save(tmp_path / "graphics" / "123v1_fig1.tif")
    xml = article(figure(1, "Wind.", "123v1_fig1") + figure(2, "Tide.", "123v1_fig2.tif"))
    Image.fromarray(noise(50, 40)).save(tmp_path / "graphics" / "123v1_fig2.tif")
    one, two = read(extractor, tmp_path, xml, small, tmp_path / "graphics").figures
    assert (one.width, one.height) == (800, 600) and one.provenance["picture_from"] == "123v1_fig1.tif"
    assert np.array_equal(np.asarray(Image.open(one.picture)), large)
    assert (two.label, two.page, two.box, two.caption) == ("Figure 2", None, None, "Tide.")
    assert two.picture.is_file() and (two.width, two.height) == (50, 40)


def test_package_picture_that_shows_more_than_the_page_is_left(extractor: Extractor, tmp_path: Path) -> None:
    original = noise(800, 600).copy()
    original[:150, :400] = 255
    original[40:90:4, 20:380] = 0
    shown = np.asarray(Image.fromarray(original).resize((400, 300), Image.Resampling.BOX)).copy()
    shown[:75, :200] = 0
    (tmp_path / "graphics").mkdir()
    Image.fromarray(original).save(tmp_path / "graphics" / "f1.tif")
    result = read(extractor, tmp_path, article(figure(1, "Wind.", "f1")), shown, tmp_path / "graphics")
    (found,) = result.figures
    assert (found.width, found.height) == (400, 300)
    assert "shows something else" in found.provenance["picture_from"]


def test_same_picture_sees_a_covered_name() -> None:
    whole = Image.fromarray(noise(1000, 750))
    named = whole.copy()
    ImageDraw.Draw(named).text((30, 30), "QUILLFEATHER", fill=255, font_size=30)
    packed = io.BytesIO()
    whole.save(packed, "JPEG", quality=70)
    assert same_picture(whole, whole.resize((500, 375)))
    assert same_picture(whole, Image.open(packed))
    assert not same_picture(whole, named)
    assert not same_picture(whole, whole.crop((0, 90, 1000, 750)))


def test_broken_jats_costs_the_jats_only(extractor: Extractor, tmp_path: Path) -> None:
    result = read(extractor, tmp_path, b"<!DOCTYPE a [<!ENTITY x 'y'>]><article/>", noise(400, 300))
    assert result.ok and len(result.figures) == 1
    assert any("JATS cannot be used" in d.reason for d in result.dropped)


def test_jats_without_a_pdf(extractor: Extractor, tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_bytes(article(figure(1, "Wind.")))
    result = extractor.extract(None, tmp_path / "out", jats=tmp_path / "a.xml")
    assert result.ok and result.doi == "10.1101/2020.02.02.123456"
    assert [d.what for d in result.dropped] == ["Figure 1"]
    with pytest.raises(CovidctError, match="nothing to read"):
        extractor.extract(None, tmp_path / "out")


def test_parts_of_a_group_are_one_figure_of_the_merge() -> None:
    """Two unlabelled parts under one label: each keeps its picture, and together they are the labelled figure."""
    parts = "".join(f"<fig><caption><p>Part {n}.</p></caption><graphic xlink:href='p{n}.tif'/></fig>" for n in (1, 2))
    found = read_article(article(f"<fig-group><label>Figure 3.</label>{parts}</fig-group>"), "JATS").figures
    assert [(f.label, f.graphics) for f in found] == [("Figure 3", ("p1.tif",)), ("Figure 3", ("p2.tif",))]
    (joined,) = by_label(found)
    assert (joined.caption, joined.graphics) == ("Part 1. Part 2.", ("p1.tif", "p2.tif"))


def test_paragraphs_hold_the_sentences_and_no_caption_that_stands_inside_them() -> None:
    inside = f"<p>He fell ill (Fig. 1).{figure(1, 'Wind over the valley.')} His swab was positive.</p>"
    (found,) = read_article(
        article("", f"{inside}<p>Nothing is said here.</p><p>{'x' * 9000} (Fig. 1)</p>"), "JATS"
    ).figures
    assert found.paragraphs == ("He fell ill (Fig. 1). His swab was positive.",), "what is too long was not cut"
    assert found.mentions[0] == "He fell ill (Fig. 1)." and len(found.mentions) == 2
