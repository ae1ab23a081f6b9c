"""Letters: read by shape, believed in a run."""

import numpy as np
import pytest

from covidct.imaging.panels.letters import ALPHABET, letter, likeness
from covidct.imaging.phantoms.figures import text_mark

BOXES = [(0, 0, 200, 160), (210, 0, 410, 160), (0, 170, 200, 330), (210, 170, 410, 330)]


def page(names: list[str], size: int = 16, ink: tuple[int, int, int] = (255, 255, 255)) -> np.ndarray:
    """Four grey panels on white, with a letter in each top left corner."""
    image = np.full((330, 410, 3), 255, np.uint8)
    for (x0, y0, x1, y1), name in zip(BOXES, names, strict=True):
        image[y0:y1, x0:x1] = 30
        if name:
            mark = text_mark(name, size, ink, (30, 30, 30))
            image[y0 + 6 : y0 + 6 + mark.shape[0], x0 + 6 : x0 + 6 + mark.shape[1]] = mark
    return image


@pytest.mark.parametrize("name", list(ALPHABET[:12]))
def test_a_typeset_letter_looks_most_like_itself(name: str) -> None:
    ink = text_mark(name, 22, (255, 255, 255), (0, 0, 0))[:, :, 0].astype(np.float32)
    scores = likeness(ink)
    assert max(scores[name], scores[name.lower()]) >= max(scores.values()) - 0.03


@pytest.mark.parametrize(
    ("names", "order"),
    [(["A", "B", "C", "D"], "rows"), (["A", "C", "B", "D"], "columns"), (["a", "b", "c", "d"], "rows")],
)
def test_runs_are_read_in_their_order_and_case(names: list[str], order: str) -> None:
    found = letter(page(names), BOXES)
    assert (list(found.letters), found.order, found.support) == (names, order, 1.0)


def test_one_letter_a_row_holds_for_the_whole_row() -> None:
    found = letter(page(["A", "", "B", ""]), BOXES)
    assert (found.letters, found.order) == (("A", "A", "B", "B"), "a row")


def test_a_letter_that_cannot_be_read_is_inferred_from_the_run() -> None:
    found = letter(page(["A", "B", "", "D"]), BOXES)
    assert found.letters == ("A", "B", "C", "D") and found.support == 0.75


def test_marks_that_do_not_count_up_are_no_letters() -> None:
    assert letter(page(["R", "L", "R", "K"]), BOXES).letters == ("", "", "", "")


def test_one_panel_has_no_letter() -> None:
    assert letter(page(["A", "", "", ""]), BOXES[:1]).letters == ("",)


def test_white_letters_on_grey_tissue_are_seen_apart_from_it() -> None:
    image = page(["A", "B", "C", "D"])
    ys, xs = np.mgrid[0 : image.shape[0], 0 : image.shape[1]]
    tissue = (image[:, :, 0] == 30) & ((xs + ys) % 200 > 12)
    image[tissue] = 205
    assert letter(image, BOXES).letters == ("A", "B", "C", "D")


def test_a_run_of_panels_is_believed_before_one_of_rows() -> None:
    """C is unreadable; A and B alone would also do as the letters of two rows, if B stood in the second."""
    assert letter(page(["A", "B", "", "D"]), BOXES).order == "rows"
    assert letter(page(["A", "A", "B", "B"]), BOXES).order == "a row"


@pytest.mark.parametrize("style", ["(A)", "a)", "(a)", "B.", "A)"])
def test_brackets_and_full_stops_do_not_hide_a_letter(style: str) -> None:
    first = "A" if style.isupper() else "a"
    printed = [style.replace("B", "A").replace(first, chr(ord(first) + i)) for i in range(4)]
    assert letter(page(printed), BOXES).letters == tuple(p.strip("().") for p in printed)


def test_red_letters_are_as_plain_as_white_ones() -> None:
    assert letter(page(["A", "B", "C", "D"], ink=(230, 0, 0)), BOXES).letters == ("A", "B", "C", "D")


def test_letters_eight_pixels_high_are_read_enlarged() -> None:
    assert letter(page(["(A)", "(B)", "(C)", "(D)"], size=8), BOXES).letters == ("A", "B", "C", "D")
