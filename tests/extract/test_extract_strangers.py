"""Habits of papers that nobody had seen: manuscripts by seed, furniture, odd graphics, pairs that are not sure."""

import random
from pathlib import Path

import pytest
from makepdf import Maker, noise
from manuscripts import NOTICE, habits, make
from test_extract_layouts import close, run

from covidct.captions.figure_labels import label_key
from covidct.harvest.extract import Extractor
from covidct.harvest.extract.page import Line, Page, Span
from covidct.harvest.extract.paragraphs import read_flow

LINE = "Lengths were measured with a string along the path and then rounded by two people who"
SEEDS = (3, 6, 7, 19, 39, 102, 109, 234, 238, 249, 272)


def letters(text: str) -> str:
    return "".join(c for c in text.lower() if c.isalnum())


def test_whole_captions_of_manuscripts_in_many_habits(extractor: Extractor, tmp_path: Path) -> None:
    """Double spacing, line numbers, notices, bold titles, legends in lists, on facing pages, in several paragraphs."""
    wrong = []
    for seed in SEEDS:
        truth = make(seed, tmp_path / f"{seed}.pdf")
        read = extractor.extract(tmp_path / f"{seed}.pdf", tmp_path / str(seed)).figures
        known = {label_key(figure.label): letters(figure.caption) for figure in read}
        lost = [label for label, text in truth if known.get(label_key(label)) != letters(text)]
        wrong += [(seed, lost, habits(random.Random(seed)))] if lost else []
    assert wrong == []


def turned(made: Maker, text: str, x: float, rotate: int) -> None:
    made.page.insert_text((x, 700 if rotate == 90 else 100), text, fontsize=10, fontname="tiro", rotate=rotate)


@pytest.mark.parametrize("rotate", [90, 270])
def test_short_sideways_caption_under_a_notice(rotate: int, extractor: Extractor, tmp_path: Path) -> None:
    made = Maker()
    made.body((60, 60, 535, 780), 30)
    made.new_page()
    for n, line in enumerate(NOTICE):
        made.page.insert_text((60, 14 + 9 * n), line, fontsize=7)
    made.page.insert_text((500, 33), ";", fontsize=7)
    made.image((100, 100, 420, 700), noise(160, 300))
    turned(made, "Figure 1. Cages from the side.", 445 if rotate == 90 else 80, rotate)
    (figure,) = run(made, extractor, tmp_path).figures
    assert figure.caption == "Cages from the side." and close(figure, (100, 100, 420, 700), 2)


def test_strips_thinner_than_a_speck_are_one_picture(extractor: Extractor, tmp_path: Path) -> None:
    made = Maker()
    made.body((60, 60, 535, 200), 8)
    for n in range(80):
        made.image((110, 220 + 2.6 * n, 490, 222.6 + 2.6 * n), noise(300, 2, n))
    made.caption((110, 440, 490, 470), "Figure 1.", "Cages from above.")
    made.body((60, 520, 535, 780), 8)
    (figure,) = run(made, extractor, tmp_path).figures
    assert close(figure, (110, 220, 490, 428), 3)


def test_thin_lines_under_a_scaling_matrix_are_a_frame(extractor: Extractor, tmp_path: Path) -> None:
    made = Maker()
    made.page.insert_text((-90, -90), " ")
    lines = ((45, 64, 550, 64), (45, 64, 45, 330), (550, 64, 550, 330), (45, 330, 550, 330))
    code = " ".join(f"{10 * a} {10 * (842 - b)} m {10 * c} {10 * (842 - d)} l S" for a, b, c, d in lines)
    made.document.update_stream(made.page.get_contents()[0], f"q 0.1 0 0 0.1 0 0 cm 2.52 w {code} Q\n".encode())
    made.image((129, 71, 468, 288), noise(120, 90))
    made.caption((50, 300, 545, 325), "Figure 1.", "Cages from above.")
    made.body((60, 360, 535, 780), 24)
    (figure,) = run(made, extractor, tmp_path).figures
    assert close(figure, (129, 71, 468, 288), 2)


def test_caption_in_the_blank_corner_of_its_picture(extractor: Extractor, tmp_path: Path) -> None:
    made = Maker()
    made.body((60, 60, 535, 330), 16)
    pixels = noise(480, 360)
    pixels[:170, :200] = 255
    made.image((60, 360, 540, 720), pixels)
    made.caption(
        (64, 366, 250, 520), "Figure 1.", "Tree of the beetles of all cages. " + LINE + " did not know the lamp."
    )
    (figure,) = run(made, extractor, tmp_path).figures
    assert figure.caption.endswith("know the lamp.") and close(figure, (60, 360, 540, 720), 2)


def legends(made: Maker, count: int) -> None:
    made.new_page()
    for n in range(count):
        made.caption((60, 80 + 60 * n, 535, 180), f"Figure {n + 1}.", f"Legend number {n + 1}, {LINE} knew it.")


@pytest.mark.parametrize(("pictures", "pair"), [(3, "by-order"), (4, "by-order-unequal")])
def test_legends_and_pictures_kept_apart_say_how_they_were_paired(
    pictures: int, pair: str, extractor: Extractor, tmp_path: Path
) -> None:
    made = Maker()
    made.body((60, 60, 535, 780), 30)
    legends(made, 3)
    for seed in range(pictures):
        made.new_page()
        made.image((100, 150, 500, 600), noise(300, 340, seed))
    figures = run(made, extractor, tmp_path).figures
    assert [f.provenance["pair"] for f in figures] == [pair] * 3
    assert max(float(str(f.provenance["pair_score"])) for f in figures) <= 0.5


def test_printed_names_of_files_outweigh_the_order(extractor: Extractor, tmp_path: Path) -> None:
    made = Maker()
    made.body((60, 60, 535, 780), 30)
    legends(made, 3)
    for number in (3, 1, 2):
        made.new_page()
        made.page.insert_text((60, 70), f"Fig{number}.tif", fontsize=9)
        made.image((100, 150, 500, 600), noise(300, 340, number))
    figures = run(made, extractor, tmp_path).figures
    assert [(f.label, f.page, f.provenance["pair"]) for f in figures] == [
        ("Figure 1", 4, "file-name"),
        ("Figure 2", 5, "file-name"),
        ("Figure 3", 3, "file-name"),
    ]


def test_continued_figure_keeps_both_captions(extractor: Extractor, tmp_path: Path) -> None:
    made = Maker()
    for n, words in enumerate(("Cages by day.", "(continued). Cages by night.")):
        if n:
            made.new_page()
        made.image((120, 80, 480, 350), noise(180, 135, n))
        made.caption((60, 360, 535, 390), "Figure 1" if n else "Figure 1.", words)
        made.body((60, 420, 535, 780), 20)
    (figure,) = run(made, extractor, tmp_path).figures
    assert figure.caption == "Cages by day. Cages by night."


def test_labelled_figure_without_place_is_dropped_by_rule(extractor: Extractor, tmp_path: Path) -> None:
    made = Maker()
    made.body((60, 60, 535, 400), 12)
    made.caption((60, 430, 535, 460), "Figure 1.", "Cages that nobody drew.")
    made.body((60, 500, 535, 780), 12)
    result = run(made, extractor, tmp_path)
    assert [(d.what, d.rule, d.page) for d in result.dropped] == [("Figure 1", "no-graphics", 1)]
    assert result.dropped[0].box is not None


@pytest.mark.parametrize(
    ("wide", "high", "unit"), [(595, 842, 1), (1400, 1450, 1), (1785, 2526, 1), (3000, 4000, 1), (595, 842, 3)]
)
@pytest.mark.parametrize("rotate", [0, 90, 270])
def test_hidden_words_stay_hidden_on_pages_of_any_size(
    wide: int, high: int, unit: int, rotate: int, extractor: Extractor, tmp_path: Path
) -> None:
    """White words at the end of a caption, on pages of several sizes in one file, in units and turns of their own."""
    made = Maker()
    made.body((60, 60, 535, 780), 20)
    scale = high / 842
    page = made.new_page(wide, high)
    made.image((100 * scale, 100 * scale, 480 * scale, 500 * scale), noise(180, 135))
    page.insert_text((100 * scale, 530 * scale), "Figure 1. Cages from above, by day.", fontsize=12 * scale)
    page.insert_text(
        (100 * scale, 545 * scale), "SECRETNAME born long ago, number 12345.", fontsize=12 * scale, color=(1, 1, 1)
    )
    made.document.xref_set_key(page.xref, "UserUnit", str(unit))
    page.set_rotation(rotate)
    result = run(made, extractor, tmp_path)
    assert [f.caption for f in result.figures] == (["Cages from above, by day."])
    assert "SECRETNAME" not in str(result)


def test_each_stage_has_a_picture(extractor: Extractor, tmp_path: Path) -> None:
    make(3, tmp_path / "m.pdf")
    extractor.extract(tmp_path / "m.pdf", tmp_path / "out", stages=tmp_path / "stages")
    names = sorted(path.stem for path in (tmp_path / "stages").iterdir())
    stages = ("1-lines", "2-paragraphs", "3-placements", "4-captions", "5-clusters", "6-figures")
    assert [stage for stage in stages if not any(name.endswith(stage) for name in names)] == []


@pytest.mark.parametrize("rotate", [90, 270])
def test_sideways_figure_and_caption_on_a_page_of_upright_text(
    rotate: int, extractor: Extractor, tmp_path: Path
) -> None:
    made = Maker()
    made.body((60, 60, 535, 780), 30)
    made.new_page()
    made.body((60, 60, 535, 400), 20)
    made.image((100, 430, 420, 780), noise(160, 175))
    made.page.insert_text(
        (445 if rotate == 90 else 85, 780 if rotate == 90 else 430),
        "Figure 1. Cages from the side.",
        fontsize=10,
        rotate=rotate,
    )
    result = run(made, extractor, tmp_path)
    (figure,) = result.figures
    assert figure.caption == "Cages from the side." and close(figure, (100, 430, 420, 780), 2)
    assert figure.page == 2 and result.pages == 2


NOTE = "Cages of three years are given, and the darker of the bars stand for those of the second year alone."


def over(made: Maker, y: float, number: int) -> None:
    made.page.insert_text((60, y), f"Figure {number}. Cages of valley number {number}", fontsize=12, fontname="tibo")


def test_captions_over_their_figures_at_the_foot_of_the_page_before(extractor: Extractor, tmp_path: Path) -> None:
    """Each page but the first begins with the figure whose caption ends the page before; a note explains it."""
    made = Maker()
    made.body((60, 60, 535, 780), 30)
    for number in (1, 2):
        made.new_page()
        over(made, 80, number)
        made.image((60, 100, 500, 500), noise(220, 200, number))
        made.body((60, 540, 535, 780), 10)
    for number in (3, 4, 5):
        made.new_page()
        if number > 3:
            made.image((60, 60, 500, 500), noise(220, 200, number - 1))
            made.page.insert_text((60, 520), NOTE, fontsize=8, fontname="tiro")
        over(made, 770, number)
    made.new_page()
    made.image((60, 60, 500, 500), noise(220, 200, 5))
    figures = run(made, extractor, tmp_path).figures
    assert [(f.label, f.page, f.provenance["pair"]) for f in figures] == [
        ("Figure 1", 2, "same-page"),
        ("Figure 2", 3, "same-page"),
        ("Figure 3", 5, "next-page"),
        ("Figure 4", 6, "next-page"),
        ("Figure 5", 7, "next-page"),
    ]
    assert [NOTE in f.caption for f in figures] == [False, False, True, True, False]


def test_small_print_on_the_page_after_a_figure_that_fills_its_page(extractor: Extractor, tmp_path: Path) -> None:
    made = Maker()
    made.body((60, 60, 535, 300), 12)
    over(made, 330, 1)
    made.image((60, 350, 500, 790), noise(220, 220))
    made.new_page()
    made.page.insert_text((60, 70), NOTE, fontsize=8, fontname="tiit")
    made.body((60, 110, 535, 780), 30)
    (figure,) = run(made, extractor, tmp_path).figures
    assert figure.caption == f"Cages of valley number 1 {NOTE}"


def test_figures_of_two_columns_that_all_but_touch_are_two(extractor: Extractor, tmp_path: Path) -> None:
    made = Maker()
    for n, x in enumerate((54, 306)):
        made.image((x, 60, x + 246, 240), noise(200, 150, n))
        made.caption(
            (x, 250, x + 236, 290), f"Figure {n + 1}.", f"Cages of valley number {n + 1}, drawn by two people."
        )
        made.body((x, 310, x + 240, 780), 20)
    one, two = run(made, extractor, tmp_path).figures
    assert close(one, (54, 60, 300, 240), 2) and close(two, (306, 60, 552, 240), 2)


def test_full_stop_over_a_blank_foot_ends_a_caption(extractor: Extractor, tmp_path: Path) -> None:
    """The next page begins in the caption's own bold face: a table's head, not more of the caption."""
    made = Maker()
    for _ in range(3):
        made.body((60, 60, 535, 800), 40)
        made.new_page()
    made.image((60, 100, 500, 560), noise(220, 230))
    made.page.insert_text((60, 590), "Figure 1. Cages of the valley by day.", fontsize=9, fontname="hebo")
    made.new_page()
    made.page.insert_text((60, 80), "Valley and number of cages", fontsize=9, fontname="hebo")
    made.body((60, 120, 535, 780), 30)
    (figure,) = run(made, extractor, tmp_path).figures
    assert figure.caption == "Cages of the valley by day."


def test_a_list_of_figures_labels_nothing(extractor: Extractor, tmp_path: Path) -> None:
    made = Maker()
    for n in range(2):
        entry = f"Figure {n + 1}. Cages of valley number {n + 1} " + ". " * 30 + str(n + 2)
        made.page.insert_text((60, 80 + 20 * n), entry, fontsize=10, fontname="tiro")
    for n in range(2):
        made.new_page()
        made.image((120, 80, 480, 350), noise(180, 135, n))
        made.caption((60, 365, 535, 400), f"Figure {n + 1}.", "Cages by day, drawn by two people.")
        made.body((60, 430, 535, 780), 20)
    figures = run(made, extractor, tmp_path).figures
    assert [(f.page, f.caption) for f in figures] == [(n, "Cages by day, drawn by two people.") for n in (2, 3)]


def test_lines_without_width_are_paragraphs_as_others() -> None:
    """As a damaged font leaves them: one mutant in 3,000 cost its paper for that."""
    lines = [Line("cage", (10, y, 10, y + 10), (Span("cage", 10, "Times", False),), n) for n, y in enumerate((10, 22))]
    assert len(read_flow(Page(1, 100, 100, lines)).border) == 2
