"""The hard layouts, each made here: where captions and figures stand, and what must be left out."""

from pathlib import Path

import pymupdf
import pytest
from makepdf import Maker, noise

from covidct.harvest.extract import ExtractedFigure, Extraction, Extractor

LEFT, RIGHT = (50.0, 288.0), (307.0, 545.0)


def run(made: Maker, extractor: Extractor, folder: Path) -> Extraction:
    result = extractor.extract(made.save(folder / "made.pdf"), folder / "out")
    assert result.ok, result.reason
    return result


def chart(page: pymupdf.Page, x: float, y: float, width: float = 300, height: float = 160) -> tuple[float, ...]:
    """A line chart with axes, ticks and numbers; returns the box of its axes."""
    page.draw_line((x, y), (x, y + height))
    page.draw_line((x, y + height), (x + width, y + height))
    points = [(x + 10 + i * (width - 20) / 30, y + 20 + (i * 37 % 100) * height / 130) for i in range(31)]
    page.draw_polyline(points, color=(0.8, 0.2, 0.1))
    for tick in range(6):
        place = x + tick * width / 5
        page.draw_line((place, y + height), (place, y + height + 3))
        page.insert_text((place - 3, y + height + 11), str(tick * 10), fontsize=7)
    return (x, y, x + width, y + height)


def close(figure: ExtractedFigure, box: tuple[float, ...], within: float = 20) -> bool:
    assert figure.box is not None
    return all(abs(a - b) <= within for a, b in zip(figure.box, box, strict=True))


def test_legends_collected_and_figures_one_to_a_page_are_matched_by_order(extractor: Extractor, tmp_path: Path) -> None:
    made = Maker()
    made.body((60, 60, 535, 780), 30)
    made.new_page()
    made.page.insert_text((60, 80), "Figure legends", fontname="tibo", fontsize=12)
    for n in range(3):
        made.caption((60, 110 + 90 * n, 535, 180), f"Figure {n + 1}.", f"Legend number {n + 1}, " + "with words " * 20)
    made.new_page()
    made.image((100, 150, 500, 600), noise(300, 340, 1))
    made.new_page()
    chart(made.page, 100, 200, 380, 300)
    made.new_page()
    made.image((80, 100, 530, 400), noise(450, 300, 3))
    figures = run(made, extractor, tmp_path).figures
    assert [(f.label, f.page, f.caption_page) for f in figures] == [
        ("Figure 1", 3, 2),
        ("Figure 2", 4, 2),
        ("Figure 3", 5, 2),
    ]
    assert all(f.caption.startswith(f"Legend number {n + 1}, with words") for n, f in enumerate(figures))


def test_label_printed_over_a_figure_page_beats_the_order(extractor: Extractor, tmp_path: Path) -> None:
    made = Maker()
    made.body((60, 60, 535, 780), 30)
    made.new_page()
    for n in range(2):
        made.caption((60, 110 + 90 * n, 535, 180), f"Figure {n + 1}.", f"Legend number {n + 1}, " + "with words " * 20)
    for number, seed in ((2, 5), (1, 6)):
        made.new_page()
        made.page.insert_text((60, 80), f"Figure {number}", fontname="tibo", fontsize=11)
        made.image((100, 150, 500, 600), noise(300, 340, seed))
    figures = run(made, extractor, tmp_path).figures
    assert [(f.label, f.page) for f in figures] == [("Figure 1", 4), ("Figure 2", 3)]
    assert all(close(f, (100, 150, 500, 600), 1) for f in figures)


def test_captions_above(extractor: Extractor, tmp_path: Path) -> None:
    made = Maker()
    made.caption((60, 60, 535, 90), "Figure 1.", "The first, words above it.")
    made.image((100, 100, 500, 330), noise(400, 230, 1))
    made.caption((60, 400, 535, 430), "Figure 2.", "The second, words above it.")
    made.image((100, 440, 500, 670), noise(400, 230, 2))
    made.new_page()
    made.body((60, 60, 535, 780), 30)
    figures = run(made, extractor, tmp_path).figures
    assert [f.label for f in figures] == ["Figure 1", "Figure 2"]
    assert close(figures[0], (100, 100, 500, 330), 1) and close(figures[1], (100, 440, 500, 670), 1)


def test_caption_on_the_next_page(extractor: Extractor, tmp_path: Path) -> None:
    made = Maker()
    made.body((60, 60, 535, 300), 11)
    made.image((100, 330, 500, 770), noise(400, 440, 1))
    made.new_page()
    made.caption((60, 60, 535, 90), "Figure 1.", "Its picture is on the page before.")
    made.body((60, 120, 535, 780), 28)
    (figure,) = run(made, extractor, tmp_path).figures
    assert (figure.page, figure.caption_page) == (1, 2)


def test_two_columns_with_a_figure_each_side_by_side(extractor: Extractor, tmp_path: Path) -> None:
    made = Maker()
    for n, (x0, x1) in enumerate((LEFT, RIGHT)):
        made.image((x0, 60, x1, 220), noise(240, 160, n))
        made.caption((x0, 228, x1, 280), f"Fig. {n + 1}", f"Column {n + 1} of the page, a caption of a few lines here.")
        made.body((x0, 300, x1, 780), 22)
    figures = run(made, extractor, tmp_path).figures
    assert [f.label for f in figures] == ["Fig. 1", "Fig. 2"]
    assert close(figures[0], (50, 60, 288, 220), 1) and close(figures[1], (307, 60, 545, 220), 1)
    assert figures[0].caption == "Column 1 of the page, a caption of a few lines here."


def test_caption_that_goes_on_in_the_next_column(extractor: Extractor, tmp_path: Path) -> None:
    made = Maker()
    made.image((50, 60, 545, 260), noise(495, 200, 1))
    made.caption((50, 270, 288, 300), "Fig. 1", "Wind over the valley by day of the year, where the dashed line is")
    made.caption((307, 270, 545, 300), "", "the mean of all days and the band its spread.")
    for x0, x1 in (LEFT, RIGHT):
        made.body((x0, 320, x1, 780), 22)
    (figure,) = run(made, extractor, tmp_path).figures
    assert figure.caption.endswith("where the dashed line is the mean of all days and the band its spread.")


def test_side_caption(extractor: Extractor, tmp_path: Path) -> None:
    made = Maker()
    made.caption((50, 62, 180, 300), "Fig. 1", "A narrow caption that stands at the left of its picture, " * 2)
    made.image((230, 60, 540, 360), noise(310, 300, 1))
    made.body((50, 400, 545, 780), 20)
    (figure,) = run(made, extractor, tmp_path).figures
    assert close(figure, (230, 60, 540, 360), 1)


def test_tinted_frame_round_figure_and_caption_is_no_part_of_it(extractor: Extractor, tmp_path: Path) -> None:
    made = Maker()
    made.page.draw_rect(pymupdf.Rect(40, 40, 555, 400), color=None, fill=(0.95, 0.9, 0.9))
    made.image((140, 60, 460, 330), noise(320, 270, 1))
    made.caption((60, 340, 535, 380), "Figure 1:", "Framed together with its caption.")
    made.body((60, 430, 535, 780), 20)
    (figure,) = run(made, extractor, tmp_path).figures
    assert close(figure, (140, 60, 460, 330), 2)


def test_table_above_a_figure_stays_out(extractor: Extractor, tmp_path: Path) -> None:
    made = Maker()
    made.caption((60, 60, 535, 80), "Table 1.", "Numbers by day.")
    for y in (85, 100, 190):
        made.page.draw_line((60, y), (535, y))
    for row in range(6):
        made.page.insert_text((70, 112 + 14 * row), f"day {row}      {row * 3}      {row * 7}", fontsize=8)
    box = chart(made.page, 120, 230)
    made.caption((60, 430, 535, 450), "Figure 1.", "The same numbers drawn.")
    made.body((60, 480, 535, 780), 18)
    (figure,) = run(made, extractor, tmp_path).figures
    assert figure.label == "Figure 1" and close(figure, box, 15)


def test_logos_and_running_heads_stay_out(extractor: Extractor, tmp_path: Path) -> None:
    made = Maker()
    for number in range(4):
        if number:
            made.new_page()
        made.image((60, 20, 120, 50), noise(60, 30, 9))
        made.page.insert_text((300, 40), "Journal of Valley Weather", fontsize=8)
        made.page.insert_text((300, 820), f"{number + 1}", fontsize=8)
        made.body((60, 420, 535, 780), 20)
    made.image((100, 70, 500, 350), noise(400, 280, 1))
    made.caption((60, 360, 535, 390), "Figure 1.", "Under a logo.")
    result = run(made, extractor, tmp_path)
    (figure,) = result.figures
    assert close(figure, (100, 70, 500, 350), 1)
    assert sum(d.reason == "repeated on other pages" for d in result.dropped) == 4


def test_line_numbers_are_no_part_of_a_caption(extractor: Extractor, tmp_path: Path) -> None:
    made = Maker()
    made.image((100, 60, 500, 300), noise(400, 240, 1))
    text = [
        "Figure 1. Wind in the valley was measured at the lighthouse every day of the year and",
        "written down by the keepers, who also noted the tide and the colour of the sky.",
    ]
    lines = text + ["The weather of the valley was recorded every morning by the keepers of this house"] * 22
    for n, line in enumerate(lines):
        y = 330 + 20 * n + (30 if n > 1 else 0)
        made.page.insert_text((40, y), str(101 + n), fontsize=8)
        made.page.insert_text((80, y), line, fontsize=10)
    (figure,) = run(made, extractor, tmp_path).figures
    assert figure.caption == " ".join(text).removeprefix("Figure 1. ")


def test_in_text_citation_at_a_line_start_is_no_caption(extractor: Extractor, tmp_path: Path) -> None:
    made = Maker()
    made.image((100, 60, 500, 300), noise(400, 240, 1))
    made.caption((60, 310, 535, 330), "Figure 1.", "The only figure.")
    made.page.insert_text(
        (60, 380), "Figure 1 shows the wind, and the tide is seen in the same", fontname="tiro", fontsize=10
    )
    made.page.insert_text(
        (60, 392), "Figure 2 of the older report, which we do not print here.", fontname="tiro", fontsize=10
    )
    made.body((60, 410, 535, 780), 20)
    (figure,) = run(made, extractor, tmp_path).figures
    assert figure.caption == "The only figure."
    assert len(figure.mentions) == 1 and figure.mentions[0].startswith("Figure 1 shows the wind")


@pytest.mark.parametrize(
    ("printed", "label"),
    [
        ("Supplementary Figure S1.", "Supplementary Figure S1"),
        ("Extended Data Figure 3 |", "Extended Data Figure 3"),
        ("FIG IV.", "FIG IV"),
        ("F I G U R E 2", "FIGURE 2"),
        ("Fig. 7:", "Fig. 7"),
    ],
)
def test_labels_as_printed(extractor: Extractor, tmp_path: Path, printed: str, label: str) -> None:
    made = Maker()
    made.body((60, 60, 535, 260), 10)
    made.image((100, 280, 500, 500), noise(400, 220, 1))
    made.caption((60, 510, 535, 540), printed, "Something worth seeing.")
    (figure,) = run(made, extractor, tmp_path).figures
    assert (figure.label, figure.caption) == (label, "Something worth seeing.")


def test_figure_over_two_pages_is_one_figure(extractor: Extractor, tmp_path: Path) -> None:
    made = Maker()
    made.image((100, 60, 500, 560), noise(200, 250, 1))
    made.caption((60, 570, 535, 600), "Figure 1.", "It goes on overleaf.")
    made.new_page()
    made.image((100, 60, 500, 460), noise(200, 200, 2))
    made.caption((60, 470, 535, 490), "Figure 1", "(continued)")
    made.body((60, 520, 535, 780), 15)
    (figure,) = run(made, extractor, tmp_path).figures
    assert (figure.label, figure.page, figure.caption) == ("Figure 1", 1, "It goes on overleaf.")
    assert (figure.width, figure.height) == (200, 450)
    assert [part["page"] for part in figure.provenance["parts"]] == [1, 2]


def test_landscape_figure_whose_text_stands_on_its_side(extractor: Extractor, tmp_path: Path) -> None:
    made = Maker()
    upright = pymupdf.open()
    page = upright.new_page(width=842, height=595)
    made.page = page
    made.image((100, 60, 700, 400), noise(600, 340, 1))
    made.caption((60, 420, 780, 440), "Figure 1.", "A wide one, printed along the long side of the paper. " * 6)
    sideways = made.document.new_page(width=595, height=842)
    made.document.delete_page(0)
    sideways = made.document[0]
    sideways.show_pdf_page(sideways.rect, upright, 0, rotate=90)
    (figure,) = run(made, extractor, tmp_path).figures
    assert figure.caption.startswith("A wide one, printed along")
    assert figure.box is not None
    assert figure.box[3] - figure.box[1] > 1.5 * (figure.box[2] - figure.box[0])


@pytest.mark.parametrize(
    ("rotation", "box"),
    [(90, (512, 100, 752, 500)), (180, (95, 512, 495, 752)), (270, (90, 95, 330, 495))],
)
def test_box_is_that_of_the_page_as_shown(
    extractor: Extractor, tmp_path: Path, rotation: int, box: tuple[float, ...]
) -> None:
    made = Maker()
    made.image((100, 90, 500, 330), noise(400, 240, 1))
    made.caption((60, 340, 535, 360), "Figure 1.", "On a page that is turned for viewing. " * 8)
    made.page.set_rotation(rotation)
    (figure,) = run(made, extractor, tmp_path).figures
    assert close(figure, box, 1)
    assert figure.caption.startswith("On a page that is turned")
    assert sorted((figure.width, figure.height)) == [240, 400]


def test_running_head_of_two_pages_is_no_part_of_a_caption(extractor: Extractor, tmp_path: Path) -> None:
    made = Maker()
    for page in range(2):
        if page:
            made.new_page()
        made.caption((60, 32, 535, 50), "", "Keeper et al. Wind over the valley")
        if not page:
            made.body((60, 60, 535, 500), 20)
            made.image((100, 520, 500, 740), noise(400, 220, 1))
            made.caption((60, 750, 535, 790), "Figure 1.", "The wind of the valley in the spring and")
    made.body((60, 60, 535, 780), 30)
    (figure,) = run(made, extractor, tmp_path).figures
    assert figure.caption == "The wind of the valley in the spring and"


def test_a_paragraph_that_cites_a_figure_goes_on_in_the_next_column_and_ends_at_an_indent(
    extractor: Extractor, tmp_path: Path
) -> None:
    made = Maker()
    made.image((60, 60, 280, 240), noise(400, 300, 1))
    made.caption((60, 250, 280, 300), "Figure 1.", "The valley.")
    told = [
        "The keeper saw the wind in the first",
        "week of the year, as the picture of the",
        "valley shows (Figure 1), and he wrote",
    ]
    on = ["to his mother about it on the same day,", "who kept his letter in a wooden box."]
    other = ["Nobody else has ever spoken of that box", "or of what it held in all those years to"]
    filler = ["wind and tide were written down by them"] * 20
    for x, lines in ((60, [*filler, *told]), (315, [*on, *other, *filler])):
        for n, line in enumerate(lines):
            indent = 12 if line in (told[0], other[0]) else 0
            end = "." if line in filler and n in (len(filler) - 1, len(lines) - 1) else ""
            made.page.insert_text(
                (x + indent, (330 if x == 60 else 70) + 12 * n), line + end, fontname="tiro", fontsize=11
            )
    (figure,) = run(made, extractor, tmp_path).figures
    assert figure.paragraphs == (" ".join(told + on),)
    assert figure.mentions and figure.mentions[0] in figure.paragraphs[0]
