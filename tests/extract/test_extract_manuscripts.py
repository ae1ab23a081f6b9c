"""Layouts of manuscripts and of papers set by browsers and typesetting programs."""

from pathlib import Path

import pymupdf
import pytest
from makepdf import Maker, noise
from test_extract_layouts import chart, close, run

from covidct.harvest.extract import Extractor

WORDS = "with words that the keepers wrote down "


def framed(page: pymupdf.Page, box: tuple[float, float, float, float]) -> None:
    """Four rules, as the borders of a table are drawn."""
    x0, y0, x1, y1 = box
    for a, b in (((x0, y0), (x1, y0)), ((x0, y1), (x1, y1)), ((x0, y0), (x0, y1)), ((x1, y0), (x1, y1))):
        page.draw_line(a, b, width=0.8)


def test_pages_that_print_only_their_label_are_tagged_by_it(extractor: Extractor, tmp_path: Path) -> None:
    """ "Figure 1", "Figure 2", … at one place of many pages is no running head; the legends stand at the end."""
    made = Maker()
    made.body((60, 60, 535, 780), 30)
    for number, seed in ((2, 5), (1, 6), (4, 7), (3, 8)):
        made.new_page()
        made.page.insert_text((450, 80), f"Figure {number}", fontname="tibo", fontsize=11)
        made.image((100, 150, 500, 600), noise(300, 340, seed))
    made.new_page()
    for n in range(4):
        made.caption((60, 80 + 60 * n, 535, 180), f"Figure {n + 1}.", f"Legend number {n + 1}, " + WORDS * 3)
    figures = run(made, extractor, tmp_path).figures
    assert [(f.label, f.page) for f in figures] == [
        ("Figure 1", 3),
        ("Figure 2", 2),
        ("Figure 3", 5),
        ("Figure 4", 4),
    ]


@pytest.mark.parametrize("tag", ["Figure {}", "Fig{}.tif"])
def test_pages_in_a_row_with_one_printed_label_are_one_figure(extractor: Extractor, tmp_path: Path, tag: str) -> None:
    """A copy of the first page further on is no part of it, and no picture of it is another figure's."""
    made = Maker()
    made.body((60, 60, 535, 780), 30)
    made.new_page()
    made.page.insert_text((60, 80), "Figure legends", fontname="tibo", fontsize=11)
    for n in range(3):
        made.caption((60, 100 + 60 * n, 535, 200), f"Figure {n + 1}.", f"Legend number {n + 1}, " + WORDS * 3)
    for seed, number in enumerate((1, 1, 2, 0, 1)):
        made.new_page()
        if number:
            made.page.insert_text((60, 80), tag.format(number), fontname="tibo", fontsize=11)
        made.image((100, 150, 500, 450), noise(300, 340, seed))
    figures = run(made, extractor, tmp_path).figures
    pages = [[part["page"] for part in f.provenance.get("parts", [])] for f in figures]  # type: ignore[attr-defined]
    assert [(f.label, f.page) for f in figures] == [("Figure 1", 3), ("Figure 2", 5), ("Figure 3", 6)]
    assert pages == [[3, 4], [], []]


def test_list_of_legends_after_the_figures_keeps_the_order(extractor: Extractor, tmp_path: Path) -> None:
    """The page before the legends holds the last figure, which is not the first legend's."""
    made = Maker()
    made.body((60, 60, 535, 780), 30)
    for seed in range(3):
        made.new_page()
        made.image((100, 150, 500, 600), noise(300, 340, seed))
    made.new_page()
    for n in range(3):
        made.caption((60, 80 + 60 * n, 535, 180), f"Figure {n + 1}.", f"Legend number {n + 1}, " + WORDS * 3)
    figures = run(made, extractor, tmp_path).figures
    assert [(f.label, f.page) for f in figures] == [("Figure 1", 2), ("Figure 2", 3), ("Figure 3", 4)]


def test_small_figures_on_pages_of_their_own_and_what_belongs_to_them(extractor: Extractor, tmp_path: Path) -> None:
    made = Maker()
    made.body((60, 60, 535, 780), 30)
    made.new_page()
    for n in range(2):
        made.caption((60, 80 + 60 * n, 535, 180), f"Figure {n + 1}.", f"Legend number {n + 1}, " + WORDS * 3)
    for _ in range(2):
        made.new_page()
        chart(made.page, 200, 200, 160, 110)
        made.page.draw_line((380, 250), (400, 250), color=(0.8, 0.2, 0.1))
        made.page.insert_text((404, 253), "boats", fontsize=8)
        made.page.insert_text((240, 182), "Boats a day", fontsize=9)
    figures = run(made, extractor, tmp_path).figures
    assert [(f.label, f.page) for f in figures] == [("Figure 1", 3), ("Figure 2", 4)]
    assert all(close(f, (200, 174, 424, 323), 8) for f in figures)


def test_two_figures_beside_each_other_with_captions_at_different_heights(extractor: Extractor, tmp_path: Path) -> None:
    made = Maker()
    made.body((60, 60, 535, 240), 9)
    chart(made.page, 90, 270, 180, 90)
    chart(made.page, 340, 270, 180, 150)
    made.caption((60, 380, 280, 410), "Figure 1.", "The wind of the valley.")
    made.caption((310, 440, 535, 470), "Figure 2.", "The tide of the bay, " + WORDS * 2)
    made.body((60, 520, 535, 780), 14)
    figures = run(made, extractor, tmp_path).figures
    assert [f.label for f in figures] == ["Figure 1", "Figure 2"]
    assert close(figures[0], (90, 270, 270, 371), 12) and close(figures[1], (340, 270, 520, 431), 12)
    assert figures[0].caption == "The wind of the valley."


def test_caption_in_two_equal_halves_each_ending_with_a_full_stop(extractor: Extractor, tmp_path: Path) -> None:
    made = Maker()
    made.image((60, 80, 535, 330), noise(475, 250, 1))
    made.caption((60, 340, 285, 380), "Figure 1.", "The wind of the valley was strong in the first week of the spring.")
    made.caption((310, 340, 535, 380), "", "The tide of the bay was low in the second week of the same spring year.")
    made.body((60, 420, 285, 780), 20)
    made.body((310, 420, 535, 780), 20)
    (figure,) = run(made, extractor, tmp_path).figures
    assert figure.caption.startswith("The wind") and figure.caption.endswith("spring year.")


def test_caption_under_the_left_half_of_far_panels(extractor: Extractor, tmp_path: Path) -> None:
    """Nothing but the figure can own the right panel: no caption claims it, no text stands between."""
    made = Maker()
    chart(made.page, 70, 80, 180, 140)
    chart(made.page, 350, 80, 180, 140)
    made.caption((60, 245, 285, 330), "Figure 1.", "The wind of the valley. " + WORDS * 6)
    made.body((60, 340, 285, 780), 20)
    made.body((310, 340, 535, 780), 20)
    (figure,) = run(made, extractor, tmp_path).figures
    assert close(figure, (70, 80, 530, 231), 12)


def test_text_beside_a_narrow_figure_stays_out(extractor: Extractor, tmp_path: Path) -> None:
    made = Maker()
    made.body((60, 60, 535, 200), 6)
    made.image((60, 220, 280, 400), noise(220, 180, 1))
    made.caption((60, 408, 280, 440), "Figure 1.", "The wind of the valley.")
    text = ("The keepers of the lighthouse wrote down the wind and the tide. " * 9).strip()
    made.page.insert_textbox(pymupdf.Rect(300, 215, 535, 440), text, fontsize=10, fontname="tiro", align=3)
    made.body((60, 450, 535, 780), 20)
    (figure,) = run(made, extractor, tmp_path).figures
    assert close(figure, (60, 220, 280, 400), 1)


def test_frame_of_rules_round_figure_and_caption_stays_out(extractor: Extractor, tmp_path: Path) -> None:
    made = Maker()
    made.body((60, 60, 535, 300), 11)
    framed(made.page, (60, 330, 535, 560))
    framed(made.page, (60, 560, 535, 610))
    chart(made.page, 160, 345, 280, 180)
    made.caption((68, 566, 520, 600), "Figure 1.", "The wind of the valley, " + WORDS * 4)
    made.body((60, 630, 535, 780), 8)
    (figure,) = run(made, extractor, tmp_path).figures
    assert close(figure, (160, 345, 440, 536), 12)


def test_caption_beside_a_figure_whose_ink_begins_lower(extractor: Extractor, tmp_path: Path) -> None:
    made = Maker()
    made.image((60, 90, 330, 300), noise(270, 210, 1))
    made.caption((400, 70, 530, 100), "Figure 1.", "Wind.")
    made.body((60, 330, 535, 780), 30)
    (figure,) = run(made, extractor, tmp_path).figures
    assert close(figure, (60, 90, 330, 300), 1) and "beside" in figure.provenance["match_rules"]  # type: ignore[operator]


def test_prose_in_small_print_under_a_figure_whose_title_stands_above(extractor: Extractor, tmp_path: Path) -> None:
    made = Maker()
    made.body((60, 60, 535, 200), 6)
    made.caption((60, 230, 535, 250), "Figure 1.", "The wind of the valley")
    chart(made.page, 120, 255, 300, 150)
    made.caption((60, 440, 535, 480), "", "The keepers wrote down the wind of every morning. " * 3, size=7)
    made.body((60, 520, 535, 780), 14)
    (figure,) = run(made, extractor, tmp_path).figures
    assert figure.caption.startswith("The wind of the valley The keepers") and figure.caption.endswith("morning.")


def test_running_text_right_under_a_short_caption_is_no_part_of_it(extractor: Extractor, tmp_path: Path) -> None:
    """Caption and text in one font, a point apart in size, with no more than a line's blank between."""
    made = Maker()
    made.image((100, 80, 500, 330), noise(400, 250, 1))
    writer = pymupdf.TextWriter(made.page.rect)
    writer.append((60, 350), "Figure 1. The wind of the valley in the spring.", font=pymupdf.Font("tiro"), fontsize=9)
    for n in range(30):
        line = (
            "The weather of the valley was recorded every morning by the keepers of the lighthouse, who wrote it down"
        )
        writer.append((60, 362 + 12 * n), line, font=pymupdf.Font("tiro"), fontsize=10)
    writer.write_text(made.page)
    (figure,) = run(made, extractor, tmp_path).figures
    assert figure.caption == "The wind of the valley in the spring."


def lines(page: pymupdf.Page, y: float, texts: list[tuple[str, str]], step: float = 22, size: float = 11) -> float:
    """Double-spaced lines, each with its font; returns where the next would stand."""
    for text, font in texts:
        page.insert_text((60, y), text, fontname=font, fontsize=size)
        y += step
    return y


LINE = "The keepers of the lighthouse wrote down the wind and the tide of every single morning"


def test_panels_that_begin_paragraphs_of_their_own_belong_to_the_caption(extractor: Extractor, tmp_path: Path) -> None:
    """Bold title, then a paragraph each panel in the style of the running text, which goes on below."""
    made = Maker()
    lines(made.page, 70, [(LINE, "tiro")] * 30)
    made.new_page()
    made.image((100, 60, 500, 300), noise(400, 240, 1))
    text = [("Figure 1. The wind of the valley.", "tibo"), ("(A) By day, " + LINE.lower(), "tiro")]
    text += [("in spring.", "tiro"), ("(B) By night, " + LINE.lower(), "tiro"), ("in autumn.", "tiro")]
    lines(made.page, 330, text)
    lines(made.page, 480, [(LINE, "tiro")] * 12)
    (figure,) = run(made, extractor, tmp_path).figures
    assert figure.caption.startswith("The wind of the valley. (A) By day") and figure.caption.endswith("in autumn.")


@pytest.mark.parametrize(("empty", "step"), [(1, 14), (2, 14), (1, 28), (1.6, 28)])
@pytest.mark.parametrize("over", [True, False])
def test_legend_an_empty_line_below_its_bold_title(
    extractor: Extractor, tmp_path: Path, over: bool, empty: float, step: float
) -> None:
    """An empty line is as high as the lines are apart: more than two font sizes in a double-spaced manuscript."""
    made = Maker()
    lines(made.page, 70, [(LINE, "tiro")] * int(680 / step), step, 12)
    made.new_page()
    if not over:
        made.image((100, 60, 500, 300), noise(400, 240, 1))
    title = [("Figure 1. The wind of the valley as it was", "tibo"), ("in the spring.", "tibo")]
    end = lines(made.page, 91 if over else 330, title, step, 12) + empty * step
    end = lines(made.page, end, [(LINE[4:], "tiro"), (LINE, "tiro"), ("of autumn.", "tiro")], step, 12)
    if over:
        made.image((100, end, 500, end + 240), noise(400, 240, 1))
    (figure,) = run(made, extractor, tmp_path).figures
    assert figure.caption.startswith("The wind of the valley as it was in the spring. keepers")
    assert figure.caption.endswith("of autumn.")


@pytest.mark.parametrize("step", [14, 28])
def test_running_text_an_empty_line_below_a_bold_title_is_no_legend(
    extractor: Extractor, tmp_path: Path, step: float
) -> None:
    """It goes on over the foot of the page."""
    made = Maker()
    lines(made.page, 70, [(LINE, "tiro")] * int(680 / step), step, 12)
    made.new_page()
    made.image((100, 60, 500, 300), noise(400, 240, 1))
    end = lines(made.page, 330, [("Figure 1. The wind of the valley in the spring.", "tibo")], step, 12)
    lines(made.page, end + step, [(LINE, "tiro")] * int((740 - end) / step), step, 12)
    made.new_page()
    lines(made.page, 70, [(LINE, "tiro")] * 9, step, 12)
    (figure,) = run(made, extractor, tmp_path).figures
    assert figure.caption == "The wind of the valley in the spring."


def test_list_of_legends_in_paragraphs_over_two_pages(extractor: Extractor, tmp_path: Path) -> None:
    """Between two labels of a list everything is legend, also a paragraph in another style and what stands overleaf."""
    made = Maker()
    lines(made.page, 70, [(LINE, "tiro")] * 30)
    made.new_page()
    text = [("Figure legends", "tibo"), ("Figure 1. The wind of the valley.", "tibo"), (LINE, "tiro")]
    text += [("in the first spring.", "tiro"), ("Figure 2. The tide of the bay.", "tibo")]
    lines(made.page, 70, [*text, *[(LINE, "tiro")] * 26, ("in the second spring.", "tiro")])
    made.new_page()
    text = [(LINE, "tiro"), ("of the third.", "tiro"), ("Figure 3. The boats.", "tibo"), (LINE, "tiro")]
    lines(made.page, 70, [*text, ("in the fourth spring.", "tiro"), ("Figure 4. The sails.", "tibo"), (LINE, "tiro")])
    for seed in range(4):
        made.new_page()
        made.image((100, 150, 500, 600), noise(300, 340, seed))
    ends = ["in the first spring.", "of the third.", "in the fourth spring.", "every single morning"]
    figures = run(made, extractor, tmp_path).figures
    assert [f.page for f in figures] == [4, 5, 6, 7]
    assert [f.caption.endswith(end) for f, end in zip(figures[:3], ends, strict=False)] == [True] * 3


def test_captions_of_turned_pages_are_read_in_whole_lines(extractor: Extractor, tmp_path: Path) -> None:
    """Words placed one by one, as justified text is, on a page that is shown turned."""
    made = Maker()
    made.image((100, 80, 500, 330), noise(400, 250, 1))
    made.page.insert_text((100, 350), "Figure 1.", fontname="hebo", fontsize=8)
    x = 145.0
    for word in ["The", "wind", "of", "the", "valley", "and", "the", "tide", "of", "the", "bay"]:
        made.page.insert_text((x, 350), word, fontname="helv", fontsize=8)
        x += pymupdf.get_text_length(word, "helv", 8) + 8
    made.body((60, 380, 535, 780), 20)
    for turn in (90, 270):
        made.page.set_rotation(turn)
        (figure,) = run(made, extractor, tmp_path).figures
        assert figure.caption == "The wind of the valley and the tide of the bay"
