"""Letters: each print read by itself, what the order of the panels adds, and what is only inferred."""

import cv2
import numpy as np
import pytest
from drawn.figures import text_mark

from covidct.imaging.panels.cutting import Page, reading_order
from covidct.imaging.panels.glyphs import LETTERS, characters
from covidct.imaging.panels.letters import Lettering, _unstroked
from covidct.imaging.panels.letters import letter as name_panels
from covidct.imaging.panels.prints import prints
from covidct.imaging.panels.second import _named

BOXES = [(0, 0, 200, 160), (210, 0, 410, 160), (0, 170, 200, 330), (210, 170, 410, 330)]


def letter(image: np.ndarray, boxes: list[tuple[int, int, int, int]], expected: list[str] | None = None) -> Lettering:
    return name_panels(prints(characters(image)), boxes, expected)


def page(names: list[str], size: int = 16, ink: tuple[int, int, int] = (255, 255, 255)) -> np.ndarray:
    """Four grey panels on white, with a letter in each top left corner."""
    image = np.full((330, 410, 3), 255, np.uint8)
    for (x0, y0, x1, y1), name in zip(BOXES, names, strict=True):
        image[y0:y1, x0:x1] = 30
        if name:
            mark = text_mark(name, size, ink, (30, 30, 30))
            image[y0 + 6 : y0 + 6 + mark.shape[0], x0 + 6 : x0 + 6 + mark.shape[1]] = mark
    return image


@pytest.mark.parametrize("name", [name for name in LETTERS[:14] if name != "I"])
def test_a_typeset_letter_is_read_by_itself(name: str) -> None:
    image = np.full((60, 60, 3), 20, np.uint8)
    mark = text_mark(name, 22, (255, 255, 255), (20, 20, 20))
    image[16 : 16 + mark.shape[0], 18 : 18 + mark.shape[1]] = mark
    (found,) = prints(characters(image))
    assert (LETTERS[found.best], found.sure > 0.6) == (name, True)


@pytest.mark.parametrize(
    ("names", "order"),
    [(["A", "B", "C", "D"], "rows"), (["A", "C", "B", "D"], "columns"), (["a", "b", "c", "d"], "rows")],
)
def test_runs_are_read_in_their_order_and_case(names: list[str], order: str) -> None:
    found = letter(page(names), BOXES)
    assert (list(found.letters), found.order) == (names, order)
    assert {n.by for n in found.names} == {"read"}


def test_one_letter_a_row_holds_for_the_whole_row() -> None:
    found = letter(page(["A", "", "B", ""]), BOXES)
    assert found.letters == ("A", "A", "B", "B")
    assert [n.by for n in found.names] == ["read", "inferred", "read", "inferred"]


def test_a_letter_that_cannot_be_read_is_inferred_from_the_run() -> None:
    found = letter(page(["A", "B", "", "D"]), BOXES)
    assert found.letters == ("A", "B", "C", "D")
    assert [n.by for n in found.names] == ["read", "read", "inferred", "read"]


def test_marks_that_do_not_count_up_are_no_letters() -> None:
    assert letter(page(["R", "L", "R", "K"]), BOXES).letters == ("", "", "", "")


def test_one_panel_has_no_letter() -> None:
    assert letter(page(["A", "", "", ""]), BOXES[:1]).letters == ("",)


def test_white_letters_on_grey_tissue_are_seen_apart_from_it() -> None:
    image = page(["A", "B", "C", "D"])
    ys, xs = np.mgrid[0 : image.shape[0], 0 : image.shape[1]]
    inside = (image != 255).any(2) | (np.pad(image[1:], ((0, 1), (0, 0), (0, 0)), mode="edge") != 255).any(2)
    tissue = inside & ((xs + ys + 90) % 200 > 12)
    image[tissue] = 205 + (np.maximum(image[tissue], 30) - 30.0) * 50 / 225
    assert letter(image, BOXES).letters == ("A", "B", "C", "D")


def test_a_letter_left_out_stays_left_out() -> None:
    """Printed A B D E is not A B C D: a caption that speaks of C would give its words to another picture."""
    assert letter(page(["A", "B", "D", "E"]), BOXES).letters == ("A", "B", "D", "E")
    assert letter(page(["C", "D", "E", "F"]), BOXES).letters == ("C", "D", "E", "F")


@pytest.mark.parametrize("names", [["A", "", "D", "E"], ["A", "", "E", "F"]])
def test_a_letter_does_not_hold_for_the_next_panel_where_letters_are_left_out(names: list[str]) -> None:
    """The panel without one may be B or C, whose print could not be read: it is no second A."""
    assert letter(page(names), BOXES).letters == tuple(names)


def test_the_last_of_a_run_that_cannot_be_read_has_no_letter() -> None:
    assert letter(page(["A", "B", "C", ""]), BOXES).letters == ("A", "B", "C", "")


def test_a_letter_printed_once_more_with_digits_holds_for_each() -> None:
    assert letter(page(["a1", "a2", "b1", "b2"]), BOXES).letters == ("a", "a", "b", "b")


def test_letters_over_the_columns_hold_for_the_rows_below() -> None:
    found = letter(page(["A", "B", "", ""]), BOXES)
    assert found.letters == ("A", "B", "A", "B")


def test_the_letters_of_the_caption_are_a_closed_set() -> None:
    assert letter(page(["A", "B", "C", "D"]), BOXES, ["A", "B", "C"]).letters == ("A", "B", "C", "")
    assert letter(page(["A", "B", "", "E"]), BOXES, ["A", "B", "D", "E"]).letters == ("A", "B", "D", "E")


def test_words_are_no_letters() -> None:
    assert letter(page(["Day 1", "Day 2", "Day 3", "Day 4"], size=12), BOXES).letters == ("", "", "", "")


@pytest.mark.parametrize("change", ["half", "inverted", "jpeg"])
def test_letters_are_read_at_half_size_inverted_and_compressed(change: str) -> None:
    image, boxes = page(["A", "B", "C", "D"], size=18), BOXES
    if change == "half":
        image = np.asarray(cv2.resize(image, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA))
        boxes = [(x0 // 2, y0 // 2, x1 // 2, y1 // 2) for x0, y0, x1, y1 in BOXES]
    elif change == "inverted":
        image = 255 - image
    else:
        image = cv2.imdecode(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 30])[1], cv2.IMREAD_COLOR)
    assert letter(image, boxes).letters == ("A", "B", "C", "D")


@pytest.mark.parametrize("style", ["(A)", "a)", "(a)", "B.", "A)"])
def test_brackets_and_full_stops_do_not_hide_a_letter(style: str) -> None:
    first = "A" if style.isupper() else "a"
    printed = [style.replace("B", "A").replace(first, chr(ord(first) + i)) for i in range(4)]
    assert letter(page(printed), BOXES).letters == tuple(p.strip("().") for p in printed)


def test_red_letters_are_as_plain_as_white_ones() -> None:
    assert letter(page(["A", "B", "C", "D"], ink=(230, 0, 0)), BOXES).letters == ("A", "B", "C", "D")


def test_letters_eight_pixels_high_are_read_enlarged() -> None:
    assert letter(page(["(A)", "(B)", "(C)", "(D)"], size=8), BOXES).letters == ("A", "B", "C", "D")


def outside(words: list[str], places: list[tuple[int, int]], boxes: list[tuple[int, int, int, int]]) -> np.ndarray:
    """Grey panels on white, and words in black at ``places``."""
    image = np.full((max(b[3] for b in boxes) + 60, max(b[2] for b in boxes) + 60, 3), 255, np.uint8)
    for x0, y0, x1, y1 in boxes:
        image[y0:y1, x0:x1] = 90
    for word, (x, y) in zip(words, places, strict=True):
        mark = text_mark(word, 16, (0, 0, 0), (255, 255, 255))
        image[y : y + mark.shape[0], x : x + mark.shape[1]] = mark
    return image


def test_letters_at_the_corner_below_and_right_of_their_panels_are_read() -> None:
    boxes = [(x, y, x + 130, y + 120) for y in (10, 190) for x in (10, 220)]
    places = [(x1 + 6, y1 + 6) for _, _, x1, y1 in boxes]
    assert letter(outside(["(a)", "(b)", "(c)", "(d)"], places, boxes), boxes).letters == ("a", "b", "c", "d")


def test_the_number_of_the_figure_before_a_letter_is_no_part_of_a_word() -> None:
    image = page(["4a)", "4b)", "4c)", "4d)"])
    assert [name.upper() for name in letter(image, BOXES).letters] == ["A", "B", "C", "D"]


def test_signs_of_a_viewer_are_no_letters() -> None:
    assert letter(page(["F", "", "G", "J"]), BOXES).letters == ("", "", "", "")
    assert letter(page(["B", "", "D", ""]), BOXES).letters == ("", "", "", "")
    assert letter(page(["", "B", "", "D"]), BOXES).letters == ("", "", "", "")
    assert letter(page(["E", "F", "G", "H"]), BOXES).letters == ("E", "F", "G", "H")


def test_a_panel_as_high_as_two_rows_comes_before_both() -> None:
    tall, rows = (0, 0, 100, 330), [(x, y, x + 120, y + 150) for y in (0, 180) for x in (120, 260)]
    assert reading_order([*rows[::-1], tall]) == [tall, *rows]
    places = [(x0 + 50, y1 + 6) for x0, _, _, y1 in [tall, *rows]]
    named = letter(outside(["(a)", "(b)", "(c)", "(d)", "(e)"], places, [tall, *rows]), [tall, *rows])
    assert named.letters == ("a", "b", "c", "d", "e")


@pytest.mark.parametrize(("unread", "wanted"), [(3, "l"), (2, "")])
def test_a_bare_stroke_is_the_letter_that_the_number_of_panels_before_it_makes(unread: int, wanted: str) -> None:
    """A to H, panels that cannot be read, and a stroke: L after three of them, and nothing that fits after two."""
    letters = [*range(8), *[-1] * unread, LETTERS.index("I")]
    _unstroked(letters, range(len(letters)))
    assert letters[-1] == (LETTERS.index(wanted.upper()) if wanted else -1)


def test_white_letters_on_coloured_labels_are_read() -> None:
    image = page(["", "", "", ""])
    for (x0, y0, _, _), name in zip(BOXES, "abcd", strict=True):
        image[y0 : y0 + 36, x0 : x0 + 44] = (240, 130, 40)
        mark = text_mark(f"{name})", 20, (255, 255, 255), (240, 130, 40))
        image[y0 + 6 : y0 + 6 + mark.shape[0], x0 + 8 : x0 + 8 + mark.shape[1]] = mark
    assert letter(image, BOXES).letters == ("a", "b", "c", "d")


FOUR = [(40, 60, 160, 160), (240, 60, 340, 110), (350, 60, 450, 110), (240, 120, 340, 170), (350, 120, 450, 170)]
"""One large panel, and a block of four beside it."""


@pytest.mark.parametrize(
    "places",
    [[(94, 200), (339, 200)], [(94, 20), (339, 20)], [(36, 20), (232, 20)]],
    ids=["below the middles", "above the middles", "above the beginnings"],
)
def test_one_letter_names_a_block_of_panels(places: list[tuple[int, int]]) -> None:
    found = letter(outside(["a", "b"], places, FOUR), FOUR)
    assert found.letters == ("a", "b", "b", "b", "b")
    assert [n.by for n in found.names] == ["read", "read", "inferred", "inferred", "inferred"]


@pytest.mark.parametrize("places", [[(70, 200), (339, 200)], [(94, 20), (232, 20)], [(94, 200), (339, 170)]])
def test_letters_at_no_place_of_a_block_name_nothing(places: list[tuple[int, int]]) -> None:
    assert letter(outside(["a", "b"], places, FOUR), FOUR).letters == ("",) * 5


def test_letters_that_begin_two_rows_each_hold_for_both() -> None:
    grid = [(60 + 110 * c, 10 + 70 * r, 160 + 110 * c, 70 + 70 * r) for r in range(4) for c in range(2)]
    assert letter(outside(["A", "B"], [(8, 12), (8, 152)], grid), grid).letters == ("A",) * 4 + ("B",) * 4


def test_letters_at_the_foot_of_the_last_row_hold_for_the_columns() -> None:
    boxes = [(x, y, x + 120, y + 100) for y in (10, 120) for x in (10, 140, 270)]
    places = [(x0 + 50, 226) for x0, *_ in boxes[:3]]
    assert letter(outside(["(a)", "(b)", "(c)"], places, boxes), boxes).letters == ("a", "b", "c") * 2


def test_letters_that_count_down_columns_hold_for_what_is_below_them() -> None:
    boxes = [(10, 10, 130, 130), (140, 10, 260, 130), (270, 10, 390, 130)]
    boxes += [(x0, 140, x1, 260) for x0, _, x1, _ in boxes]
    image = np.full((270, 400, 3), 255, np.uint8)
    for index, (x0, y0, x1, y1) in enumerate(boxes):
        image[y0:y1, x0:x1] = 30
        if name := {0: "a", 3: "b", 1: "c", 2: "d"}.get(index):
            mark = text_mark(name, 20, (255, 255, 255), (30, 30, 30))
            image[y0 + 6 : y0 + 6 + mark.shape[0], x0 + 6 : x0 + 6 + mark.shape[1]] = mark
    assert letter(image, boxes).letters == ("a", "c", "d", "b", "c", "d")


def test_a_small_mark_in_a_picture_does_not_go_on_a_run_of_large_letters() -> None:
    image = page(["A", "B", "C", ""], size=26)
    mark = text_mark("D", 10, (255, 255, 255), (30, 30, 30))
    image[180 : 180 + mark.shape[0], 220 : 220 + mark.shape[1]] = mark
    assert letter(image, BOXES).letters == ("A", "B", "C", "")


def test_a_letter_that_is_hardly_read_speaks_for_no_cut() -> None:
    """A D without its left quarter: it may be the panel's name, but no piece is cut to find the letters before it."""
    image = page(["A", "B", "C", ""])
    mark = text_mark("D", 18, (255, 255, 255), (30, 30, 30)).copy()
    mark[:, : mark.shape[1] // 4] = 30
    image[176 : 176 + mark.shape[0], 216 : 216 + mark.shape[1]] = mark
    assert letter(image, BOXES).letters == ("A", "B", "C", "D")
    assert _named(Page(image), BOXES) == {0, 1, 2}
