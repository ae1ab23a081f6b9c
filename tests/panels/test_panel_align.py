"""Sides in bare black: moved to where the other panels of the figure say."""

import numpy as np

from covidct.imaging.panels.align import align, bare

CELLS = [(0, 0, 100, 80), (100, 0, 200, 80), (0, 80, 100, 160), (100, 80, 200, 160)]


def slices(surround: int = 0) -> np.ndarray:
    """Four abutting cells with a bright square each; the second has 24 rows of its surround above the square."""
    image = np.full((160, 200, 3), surround, np.uint8)
    for x0, y0, x1, y1 in CELLS:
        image[y0 : y1 - 2, x0 + 2 : x1 - 2] = 120
    image[0:24, 100:200] = surround
    return image


def test_a_black_top_comes_back_to_the_row() -> None:
    short = [CELLS[0], (100, 24, 200, 80), *CELLS[2:]]
    assert align(slices(), short) == CELLS


def test_a_letter_in_the_black_does_not_hinder() -> None:
    image = slices()
    image[6:16, 104:110] = 255
    assert align(image, [CELLS[0], (100, 24, 200, 80), *CELLS[2:]]) == CELLS


def test_what_is_not_black_stays_outside() -> None:
    short = [CELLS[0], (100, 24, 200, 80), *CELLS[2:]]
    assert align(slices(surround=200), short) == short


def test_a_side_that_reached_into_the_margin_is_taken_back_where_most_agree() -> None:
    image = np.zeros((240, 160, 3), np.uint8)
    boxes = [(40, y, 150, y + 70) for y in (0, 80, 160)]
    for x0, y0, x1, y1 in boxes:
        image[y0:y1, x0:x1] = 110
    assert align(image, [boxes[0], (10, 80, 150, 150), boxes[2]]) == boxes


def test_a_strip_with_a_picture_in_it_is_not_bare() -> None:
    strip = np.zeros((20, 100, 3), np.uint8)
    assert bare(strip)
    strip[:, 40:60] = 90
    assert not bare(strip) and not bare(strip[:0])
