"""Drawings that are easily lost or cut short: trees, bars without axes, legends apart, words far from their marks."""

from pathlib import Path

import pymupdf
import pytest
from makepdf import Maker, noise

from covidct.harvest.extract import ExtractedFigure, Extraction, Extractor
from covidct.harvest.extract.page import read_page
from covidct.harvest.extract.strokes import tightened


def run(made: Maker, extractor: Extractor, folder: Path) -> Extraction:
    result = extractor.extract(made.save(folder / "made.pdf"), folder / "out")
    assert result.ok, result.reason
    return result


def overlap(figure: ExtractedFigure, box: tuple[float, float, float, float]) -> float:
    """Intersection over union."""
    assert figure.box is not None
    one, other = pymupdf.Rect(figure.box), pymupdf.Rect(box)
    common = (one & other).get_area()
    return common / (one.get_area() + other.get_area() - common)


def bars(page: pymupdf.Page, x: float, foot: float, step: float = 40, wide: float = 22) -> None:
    for n, high in enumerate((120, 60, 90, 140, 30, 110)):
        page.draw_rect(pymupdf.Rect(x + n * step, foot - high, x + n * step + wide, foot), fill=(0.1, 0.4, 0.7))


def test_bars_without_an_axis_are_one_figure(extractor: Extractor, tmp_path: Path) -> None:
    made = Maker()
    made.body((60, 60, 535, 260), 10)
    bars(made.page, 150, 480)
    made.caption((60, 500, 535, 520), "Figure 1.", "Boats by hour.")
    made.body((60, 550, 535, 780), 12)
    (figure,) = run(made, extractor, tmp_path).figures
    assert (figure.label, figure.kind) == ("Figure 1", "vector")
    assert overlap(figure, (150, 340, 372, 480)) > 0.9


def test_tree_of_level_and_upright_lines_is_no_table(extractor: Extractor, tmp_path: Path) -> None:
    made = Maker()
    made.body((60, 60, 535, 200), 6)
    tips = [240.0 + 24 * n for n in range(10)]
    nodes = [(400.0, y) for y in tips]
    left = 380.0
    while len(nodes) > 1:
        (x0, y0), (x1, y1) = nodes[:2]
        for start, end in (((x0, y0), (left, y0)), ((x1, y1), (left, y1)), ((left, y0), (left, y1))):
            made.page.draw_line(start, end)
        nodes[:2] = [(left, (y0 + y1) / 2)]
        left -= 21
    for n, y in enumerate(tips):
        made.page.insert_text((418, y + 3), f"boat/{n}/2020", fontsize=7)
    made.caption((60, 490, 535, 510), "Figure 1.", "Kinship of boats.")
    made.body((60, 540, 535, 780), 12)
    (figure,) = run(made, extractor, tmp_path).figures
    assert overlap(figure, (212, 236, 460, 460)) > 0.85


def test_table_of_rules_is_no_figure(extractor: Extractor, tmp_path: Path) -> None:
    made = Maker()
    made.body((60, 60, 535, 200), 6)
    for y in (240, 260, 300, 340, 380):
        made.page.draw_line((60, y), (535, y))
    for x in (60, 200, 340, 535):
        made.page.draw_line((x, 240), (x, 380))
    made.caption((60, 400, 535, 420), "Table 1.", "Boats and crews.")
    made.body((60, 450, 535, 780), 15)
    assert run(made, extractor, tmp_path).figures == ()


def test_narrow_legend_apart_belongs_to_its_figure(extractor: Extractor, tmp_path: Path) -> None:
    made = Maker()
    made.image((100, 100, 350, 320), noise(250, 220))
    made.page.draw_rect(pymupdf.Rect(400, 140, 412, 280), fill=(0.5, 0.2, 0.2))
    made.caption((60, 340, 535, 360), "Figure 1.", "A map with a bar of colours beside it.")
    made.body((60, 390, 535, 780), 20)
    (figure,) = run(made, extractor, tmp_path).figures
    assert overlap(figure, (100, 100, 412, 320)) > 0.98


def test_columns_of_words_far_from_the_marks(extractor: Extractor, tmp_path: Path) -> None:
    made = Maker()
    made.body((60, 60, 535, 200), 6)
    for n in range(8):
        y = 240 + 18 * n
        made.page.insert_text((70, y + 3), f"Valley {n}", fontsize=8)
        made.page.draw_line((260 + 5 * n, y), (320 + 5 * n, y))
        made.page.draw_rect(pymupdf.Rect(285 + 5 * n, y - 3, 291 + 5 * n, y + 3), fill=(0, 0, 0))
        made.page.insert_text((470, y + 3), f"0.{n} (0.1, 0.9)", fontsize=8)
    made.page.draw_line((250, 390), (370, 390))
    made.page.draw_line((300, 230), (300, 390))
    made.caption((60, 410, 535, 430), "Figure 1.", "Winds of eight valleys.")
    made.body((60, 460, 535, 780), 16)
    (figure,) = run(made, extractor, tmp_path).figures
    assert overlap(figure, (70, 230, 535, 392)) > 0.9


def test_panels_far_apart_beside_a_table_of_the_other_column(extractor: Extractor, tmp_path: Path) -> None:
    made = Maker()
    for n in range(3):
        bars(made.page, 60, 200 + 160 * n, 36, 30)
    made.caption((50, 540, 288, 560), "Fig. 1", "Three charts.")
    made.caption((307, 60, 480, 75), "Table 1.", "Boats.")
    for y in (80, 95, 200):
        made.page.draw_line((307, y), (545, y))
    made.body((307, 230, 545, 780), 22)
    made.body((50, 590, 288, 780), 9)
    (figure,) = run(made, extractor, tmp_path).figures
    assert overlap(figure, (60, 60, 270, 520)) > 0.95


def test_title_of_the_paper_ends_a_figure(extractor: Extractor, tmp_path: Path) -> None:
    made = Maker()
    made.image((60, 40, 535, 90), noise(475, 50))
    made.page.insert_text((60, 125), "Wind and tide over the valley in the spring", fontname="tibo", fontsize=17)
    made.page.insert_text((60, 145), "A. Keeper", fontname="tiro", fontsize=10)
    made.image((100, 170, 500, 400), noise(400, 230))
    made.caption((60, 410, 535, 430), "Figure 1.", "Under the title.")
    made.body((60, 460, 535, 780), 16)
    (figure,) = run(made, extractor, tmp_path).figures
    assert overlap(figure, (100, 170, 500, 400)) > 0.98


@pytest.mark.parametrize("mark", ["* ", "Abbreviations: ", "Source: "])
def test_small_print_under_a_figure_whose_title_stands_above(extractor: Extractor, tmp_path: Path, mark: str) -> None:
    made = Maker()
    made.body((60, 40, 535, 120), 4)
    made.caption((60, 140, 535, 160), "FIGURE 1.", "Boats by hour in the bay of the valley.")
    bars(made.page, 150, 320)
    made.caption((60, 335, 535, 350), "", f"{mark}boats of the harbour; B = boats, D = days.", 7)
    made.body((60, 390, 535, 780), 18)
    (figure,) = run(made, extractor, tmp_path).figures
    assert figure.caption == f"Boats by hour in the bay of the valley. {mark}boats of the harbour; B = boats, D = days."
    assert overlap(figure, (150, 180, 372, 320)) > 0.95


def test_caption_that_goes_on_overleaf(extractor: Extractor, tmp_path: Path) -> None:
    made = Maker()
    made.body((60, 60, 535, 300), 10)
    made.image((100, 320, 500, 740), noise(400, 420))
    made.caption((60, 750, 535, 800), "Figure 1.", "The wind over the valley as the keepers of the house wrote it " * 3)
    made.new_page()
    made.caption((60, 60, 535, 80), "", "down each day of the year.")
    made.body((60, 100, 535, 780), 20)
    (figure,) = run(made, extractor, tmp_path).figures
    assert figure.caption.startswith("The wind over") and figure.caption.endswith("wrote it down each day of the year.")
    assert figure.provenance["caption_rules"][-1] == "end:overleaf"


def test_last_line_of_a_paragraph_over_a_figure_stays_out(extractor: Extractor, tmp_path: Path) -> None:
    made = Maker()
    made.page.insert_text((60, 70), "and of the tide in the bay.", fontname="tiro", fontsize=10)
    made.image((140, 78, 455, 200), noise(315, 122))
    made.caption((60, 210, 535, 230), "Figure 1.", "Close under the text.")
    made.body((60, 260, 535, 780), 20)
    (figure,) = run(made, extractor, tmp_path).figures
    assert figure.box == pytest.approx((140, 78, 455, 200), abs=1)


def test_sharp_joins_of_thick_curves_do_not_reach_into_the_other_column(extractor: Extractor, tmp_path: Path) -> None:
    """The library's bounds of a stroked curve count the longest mitre that its line could have."""
    made = Maker()
    made.body((60, 60, 285, 250), 4)
    made.body((310, 60, 535, 120), 4)
    for n in range(4):
        made.page.draw_circle((90 + 55 * n, 330), 20, width=2)
    made.caption((60, 365, 285, 400), "Figure 1.", "The boats.")
    made.image((305, 260, 535, 400), noise(230, 140, 1))
    made.caption((310, 410, 535, 440), "Figure 2.", "The sails.")
    made.body((60, 450, 285, 780), 20)
    made.body((310, 450, 535, 780), 20)
    first, second = run(made, extractor, tmp_path).figures
    assert overlap(first, (69, 309, 276, 351)) > 0.9 and overlap(second, (305, 260, 535, 400)) > 0.98


def test_bounds_of_curves_are_those_of_their_paths() -> None:
    made = Maker()
    made.page.draw_circle((200, 300), 40, width=3)
    listing = made.page.get_displaylist()
    (loose,) = read_page(listing, 1).strokes
    (tight,) = tightened([loose], listing)
    assert loose.box[0] < 159  # before PyMuPDF 1.27.2 the bounds are tight already
    assert tight.box == pytest.approx((158.5, 258.5, 241.5, 341.5), abs=0.2)  # half of the line's 3 points on each side
