"""What the rest of a figure says about one piece of it: cuts undone, halves joined, holes filled, letters left out."""

from collections import Counter

import cv2
import numpy as np
import pytest
from drawn.figures import text_mark

from covidct.imaging.panels.choose import Dropped, _among_charts, choose
from covidct.imaging.panels.cut import Candidate, Cut, Flow
from covidct.imaging.panels.cutting import Ended, Made, Page
from covidct.imaging.panels.leaf import Piece, PixelBox
from covidct.imaging.panels.lines import grey_of
from covidct.imaging.panels.regular import REGULAR, cells, joined, undone
from covidct.imaging.panels.second import SECOND
from covidct.imaging.phantoms import phantom

WIDE, HIGH, GAP = 150, 120, 6
LAST = (2 * (WIDE + GAP), HIGH + GAP, 3 * WIDE + 2 * GAP, 2 * HIGH + GAP)


def cell(row: int, column: int) -> PixelBox:
    x, y = column * (WIDE + GAP), row * (HIGH + GAP)
    return x, y, x + WIDE, y + HIGH


GRID = [cell(row, column) for row in (0, 1) for column in (0, 1, 2)]


def slice_(seed: int) -> np.ndarray:
    drawn = phantom(np.random.default_rng(seed), size=200, lesion=True)[40:160, 25:175]
    return np.asarray(cv2.resize(drawn, (WIDE, HIGH)))[:, :, None].repeat(3, 2)


def figure(paper: int = 255) -> np.ndarray:
    """Two rows of three slices."""
    image = np.full((2 * HIGH + GAP, 3 * WIDE + 2 * GAP, 3), paper, np.uint8)
    for seed, (x0, y0, x1, y1) in enumerate(GRID):
        image[y0:y1, x0:x1] = slice_(seed)
    return image


def halves(box: PixelBox, at: int = WIDE // 2) -> tuple[PixelBox, PixelBox]:
    x0, y0, x1, y1 = box
    return (x0, y0, x0 + at, y1), (x0 + at, y0, x1, y1)


def cut_at(place: int, sure: float, axis: int = 0) -> Cut:
    return Cut(Candidate(place, place, "step"), axis, sure, 100.0)


def boxes_of(ended: list[Ended]) -> list[PixelBox]:
    return sorted(end.piece.box for end in ended)


@pytest.mark.parametrize(("sure", "whole"), [(0.2, True), (0.9, True), (0.2, False)])
def test_a_cut_through_one_cell_of_a_grid_is_undone(sure: float, whole: bool) -> None:
    """Unsure, or sure though the slice goes on across it; but two real halves, none of which goes on, stay."""
    image = figure()
    left, right = halves(LAST)
    if not whole:
        image[right[1] : right[3], right[0] : right[2]] = np.roll(slice_(9), 37, 0)[:, : WIDE // 2]
        sure = 0.9
    ended = [Ended(Piece(box)) for box in (*GRID[:5], left, right)]
    found = undone(image, ended, [Made(Piece(LAST), cut_at(WIDE // 2, sure))])
    assert boxes_of(found) == sorted(GRID if whole else [*GRID[:5], left, right])


def test_halves_that_a_cut_of_the_row_above_left_are_joined() -> None:
    """Two slices above, three below: the cut between the two goes through the middle one below."""
    image, middle = figure(), GRID[4]
    left, right = halves(middle)
    ended = [Ended(Piece(box)) for box in (*GRID[:4], left, right, LAST)]
    assert boxes_of(joined(image, ended, [])) == sorted(GRID)
    image[right[1] : right[3], right[0] : right[2]] = np.roll(slice_(9), 37, 0)[:, WIDE // 2 :]
    assert boxes_of(joined(image, ended, [])) == boxes_of(ended)


def test_a_mask_of_a_few_specks_on_black_fills_its_cell() -> None:
    image = figure(paper=0)
    x0, y0, x1, y1 = GRID[4]
    image[y0:y1, x0:x1] = 0
    image[y0 + 70 : y0 + 84, x0 + 30 : x0 + 60] = (255, 255, 0)
    speck = Dropped((x0 + 28, y0 + 60, x0 + 70, y0 + 90), "text")
    others = [box for box in GRID if box != GRID[4]]
    assert cells(image, [speck], others) == [GRID[4]]
    assert cells(image, [speck], others[:3]) == []
    image[y0:y1, x0:x1] = 0
    assert cells(image, [speck], others) == []


def write(image: np.ndarray, words: str, x: int, y: int, size: int = 14) -> None:
    mark = text_mark(words, size, (255, 255, 255), (0, 0, 0))
    spot = image[y : y + mark.shape[0], x : x + mark.shape[1]]
    np.maximum(spot, mark, out=spot)


def test_words_on_black_beside_slices_are_no_panels() -> None:
    """A row's name, and the bare halves of a column of names; a mask of specks stays."""
    image = np.hstack([np.zeros((HIGH, 120, 3), np.uint8), slice_(1), np.zeros((HIGH, WIDE, 3), np.uint8)])
    write(image, "Patient 2", 12, 60)
    image[50:60, 400:412] = image[70:74, 350:380] = 255
    names, mask, scan = (0, 0, 120, HIGH), (120 + WIDE, 0, 120 + 2 * WIDE, HIGH), (120, 0, 120 + WIDE, HIGH)
    kept, dropped = choose(Page(image), [Piece(names), Piece(scan), Piece(mask)], Counter())
    assert [(d.box, d.reason) for d in dropped] == [(names, "words")]
    assert {p.box for p in kept} == {scan, mask}


def test_a_letter_left_out_leads_to_the_cut_that_was_not_made() -> None:
    """A and C are read, B stands in the middle of what passes for one panel."""
    image = np.full((HIGH, 3 * WIDE, 3), 40, np.uint8)
    for column, letter in enumerate("ABC"):
        write(image, letter, column * WIDE + 6, 6, 18)
    wide, third = (0, 0, 2 * WIDE, HIGH), (2 * WIDE, 0, 3 * WIDE, HIGH)
    unsure = Ended(Piece(wide), (cut_at(40, 0.05), cut_at(WIDE, 0.04)), 0.01)
    made = [Made(Piece((0, 0, 3 * WIDE, HIGH)), cut_at(2 * WIDE, 0.9))]
    lettered = dict(SECOND)["lettered"]
    assert lettered(Page(image), unsure, [unsure, Ended(Piece(third))], made) == unsure.cuts[1]
    image[:, WIDE : WIDE + 40] = 40
    assert lettered(Page(image), unsure, [unsure, Ended(Piece(third))], made) is None


def test_a_slice_goes_on_across_a_line_drawn_over_it_not_across_a_gutter() -> None:
    crossed, parted = slice_(3), np.hstack([slice_(3)[:, :70], np.full((HIGH, 4, 3), 255, np.uint8), slice_(4)[:, 30:]])
    crossed[:, 70:72] = (255, 255, 0)
    assert Flow(grey_of(crossed)).features(70, 72)[0] > REGULAR.goes_on
    assert Flow(grey_of(parted)).features(70, 74)[0] < REGULAR.goes_on


def test_maps_of_a_panels_size_among_drawn_fields_are_panels_a_framed_plot_is_not() -> None:
    """What a pipeline puts out is no scan for triage, but as large as what goes in."""
    page = np.full((280, 700, 3), 255, np.uint8)
    page[20 : 20 + HIGH, 10 : 10 + WIDE] = slice_(3)
    page[20 : 20 + HIGH, 500 : 500 + WIDE] = np.where(slice_(3) > 120, 255, 0) * np.array((1, 0, 0))
    page[40:120, 250:290], page[60:100, 310:340] = (140, 200, 140), (200, 140, 140)
    cv2.rectangle(page, (300, 150), (299 + WIDE, 149 + HIGH), (0, 0, 0), 1)
    found = _among_charts(page, [Dropped((180, 0, 700, 280), "chart")], [Piece((10, 20, 10 + WIDE, 20 + HIGH))])
    assert [piece.box for piece in found] == [(500, 20, 500 + WIDE, 20 + HIGH)]
