"""Composed figures, every layout named; the 14 real ones; single rules on single cases."""

import json
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import pytest
from drawn.agreement import Labelled, agreement, matches, overlap
from drawn.figures import LAYOUTS, Composed, compose, text_mark
from drawn.kinds import OTHER_KINDS, chart, diagram
from drawn.prints import draw_phantom, printed_set

from covidct.errors import UsageError
from covidct.imaging.panels.charts import is_chart, islands
from covidct.imaging.panels.cut import Candidate, Cut
from covidct.imaging.panels.cutting import needed, reading_order
from covidct.imaging.panels.leaf import RULES, Look, Piece, reason_against, trim
from covidct.imaging.panels.split import split
from covidct.imaging.phantoms import Grey
from covidct.pictures import open_picture

Pair = tuple[Labelled, Labelled]


@cache
def pool() -> tuple[Grey, ...]:
    """Bare slices, other ones than those the weights were trained on."""
    return tuple(draw_phantom(np.random.default_rng((index, 4242))) for index in range(12))


def figure(layout: str, seed: int) -> Composed:
    rng = np.random.default_rng((seed, 99))
    return compose(rng, printed_set(rng, pool(), 9), layout)


def judged(made: Composed) -> Pair:
    found = split(made.image)
    return [(p.label, p.box) for p in made.panels], [(p.label, p.box) for p in found.panels]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_each_layout_is_cut_into_its_panels(layout: str) -> None:
    found = agreement([judged(figure(layout, 1))])
    assert found.f1 >= FLOOR.get(layout, 0.9), found
    if layout in ("letters-outside", "letters-below"):
        assert found.letters >= 0.8, found


FLOOR = {"abutting": 0.8, "uneven-abutting": 0.6, "white-on-white": 0.6, "flow": 0.85}


def test_the_same_seed_makes_the_same_figure_and_the_same_cuts() -> None:
    first, again = figure("uneven-rows", 5), figure("uneven-rows", 5)
    assert np.array_equal(first.image, again.image)
    assert split(first.image) == split(again.image)


def test_a_chart_beside_ct_is_dropped_with_its_reason() -> None:
    made = figure("chart-beside", 1)
    found = split(made.image)
    assert len(found.panels) == len(made.panels)
    assert {d.reason for d in found.dropped} & {"chart", "chart_or_diagram"}


@pytest.mark.parametrize("draw", [chart, diagram])
def test_a_figure_without_any_scan_is_one_panel_whole(draw: object) -> None:
    picture = draw(np.random.default_rng(3))  # type: ignore[operator]
    found = split(picture).panels
    assert [(p.label, p.box) for p in found] == [("", (0, 0, picture.shape[1], picture.shape[0]))]


def on_white_paper(shape: tuple[int, int], pictures: list[tuple[int, int, np.ndarray]]) -> np.ndarray:
    page = np.full((*shape, 3), 255, np.uint8)
    for x, y, picture in pictures:
        page[y : y + picture.shape[0], x : x + picture.shape[1]] = picture
    return page


def field(steps: int, width: int, height: int) -> np.ndarray:
    """A map of ``steps`` times ``steps`` even colours, as models are tabulated, with a curve over it."""
    rng = np.random.default_rng(steps)
    cells = np.sort(rng.integers(60, 255, (steps, steps, 3)), axis=1).astype(np.uint8)
    made = np.asarray(cv2.resize(cells, (width, height), interpolation=cv2.INTER_NEAREST))
    cv2.ellipse(made, (width, height), (width - 20, height - 20), 0, 180, 270, (200, 30, 90), 3)
    return made


def test_maps_of_even_colours_are_one_drawing() -> None:
    page = on_white_paper((780, 900), [(80, 40 + 250 * row, field(11, 560, 200)) for row in range(3)])
    page[60:400, 690:880] = chart(np.random.default_rng(5), 190, 340)
    assert [p.box for p in split(page).panels] == [(0, 0, 900, 780)]


@pytest.mark.parametrize("seed", [0, 5, 6, 7])
def test_micrographs_over_a_chart_are_panels(seed: int) -> None:
    """Nothing here is a scan, and the chart fills the most, yet the figure is no single drawing."""
    rng = np.random.default_rng(seed)
    seen = [cv2.resize(_rgb(OTHER_KINDS["microscopy"][0](rng)), (280, 220)) for _ in range(2)]
    page = on_white_paper((620, 620), [(20, 30, seen[0]), (320, 30, seen[1]), (60, 270, chart(rng, 520, 330))])
    boxes = [p.box for p in split(page).panels]
    assert len(boxes) == 2
    assert overlap(boxes[0], (20, 30, 300, 250)) > 0.9 and overlap(boxes[1], (320, 30, 600, 250)) > 0.9


def test_margins_round_a_figure_do_not_make_it_a_drawing() -> None:
    rng = np.random.default_rng(0)
    seen = [cv2.resize(_rgb(OTHER_KINDS["microscopy"][0](rng)), (280, 220)) for _ in range(2)]
    page = on_white_paper((1100, 1500), [(430, 430, seen[0]), (730, 430, seen[1])])
    assert len(split(page).panels) == 2


@pytest.mark.parametrize("seed", [0, 3, 4, 5])
def test_white_lungs_on_white_paper_are_neither_chart_nor_torn_apart(seed: int) -> None:
    made = figure("white-on-white", seed)
    found = split(made.image)
    assert (len(found.panels), found.dropped) == (len(made.panels), ())


def test_unknown_layouts_are_refused() -> None:
    with pytest.raises(UsageError, match="spiral"):
        compose(np.random.default_rng(0), pool(), "spiral")


def test_what_proposed_the_cuts_is_counted() -> None:
    rules = split(figure("grid-headers", 2).image).rules
    assert sum(count for name, count in rules.items() if name.startswith("cut:")) >= 14


def test_caption_letters_are_used_only_where_their_number_agrees() -> None:
    made = figure("white-gutter", 0)
    letters = [chr(ord("a") + i) for i in range(len(made.panels))]
    assert [p.label for p in split(made.image, expected=letters).panels] == letters
    assert {p.label for p in split(made.image, expected=[*letters, "z"]).panels} == {""}


@pytest.mark.parametrize("fields", [2, 3, 6])
def test_a_key_of_colours_under_slices_is_no_panel(fields: int) -> None:
    """Fields with large words and the noise of JPEG are not as flat as a drawing."""
    tints = ((30, 60, 220), (60, 200, 240), (30, 180, 60), (240, 220, 40), (230, 60, 200), (220, 40, 30))
    slices = [_rgb(np.asarray(cv2.resize(pool()[i], (330, 250)))) for i in range(4)]
    places = [(10 + 340 * (i % 2), 10 + 260 * (i // 2), one) for i, one in enumerate(slices)]
    page = on_white_paper((680, 690), places)
    for index in range(fields):
        x = 10 + 72 * index
        page[548:660, x : x + 72] = tints[index]
        for line, words in enumerate((f"{70 + 5 * index}", "%")):
            mark = text_mark(words, 24, (0, 0, 0), tints[index])
            page[562 + 48 * line :][: mark.shape[0], x + 6 : x + 6 + mark.shape[1]] = mark[:, :60]
    page = cv2.imdecode(cv2.imencode(".jpg", page, [cv2.IMWRITE_JPEG_QUALITY, 88])[1], cv2.IMREAD_COLOR)
    truth = [("", (x, y, x + 330, y + 250)) for x, y, _ in places]
    found = agreement([(truth, [(p.label, p.box) for p in split(np.asarray(page, np.uint8)).panels])])
    assert (found.f1, found.exact) == (1.0, 1.0)


@pytest.mark.parametrize("kind", ["cross", "line", "box"])
def test_what_is_drawn_across_a_slice_does_not_part_it(kind: str) -> None:
    """What goes on across a line is one picture: the cross-hair of a viewer, a box round both lungs."""
    image = np.ascontiguousarray(_rgb(printed_set(np.random.default_rng(3), pool(), 1)[0]))
    h, w = image.shape[:2]
    if kind == "box":
        cv2.rectangle(image, (round(w * 0.15), round(h * 0.25)), (round(w * 0.85), round(h * 0.8)), (255, 165, 0), 2)
    else:
        cv2.line(image, (0, round(h * 0.45)), (w, round(h * 0.45)), (255, 255, 0), 1)
    if kind == "cross":
        cv2.line(image, (round(w * 0.55), 0), (round(w * 0.55), h), (255, 255, 0), 1)
    assert len(split(image).panels) == 1


def test_masks_and_a_black_slice_in_a_grid_are_panels() -> None:
    """Pieces as flat as a drawing, of the size of the slices beside them and not on paper, are pictures."""
    slices = [cv2.resize(_rgb(s), (200, 170)) for s in printed_set(np.random.default_rng(1), pool(), 4)]
    page = np.full((170 * 2 + 12, 200 * 3 + 24, 3), 255, np.uint8)
    mask = np.zeros((170, 200, 3), np.uint8)
    cv2.ellipse(mask, (70, 85), (25, 50), 0, 0, 360, (255, 255, 255), -1)
    tiles = [slices[0], mask, slices[1], slices[2], np.full((170, 200, 3), 6, np.uint8), slices[3]]
    for index, tile in enumerate(tiles):
        y, x = (index // 3) * 182, (index % 3) * 212
        page[y : y + 170, x : x + 200] = tile
    assert len(split(page).panels) == 6


LOOKS = {
    "blank": Look(area=1, short=1, contrast=1, flat=1, paper=1, textured=0),
    "sliver": Look(area=0.5, short=0.1, contrast=60, flat=0, paper=0, textured=0.5),
    "text": Look(area=0.3, short=0.3, contrast=60, flat=0.5, paper=0.8, textured=0.0),
    "key": Look(area=0.2, short=0.45, contrast=43, flat=0.65, paper=0, textured=0.2),
    "chart": Look(area=1, short=1, contrast=50, flat=0.6, paper=0.85, textured=0.01),
    "": Look(area=1, short=1, contrast=80, flat=0.1, paper=0.2, textured=0.4),
}


@pytest.mark.parametrize("name", LOOKS)
def test_each_rule_against_a_piece_fires_on_its_case(name: str) -> None:
    assert reason_against(LOOKS[name]) == name
    fired = {rule: fires(LOOKS[name]) for rule, fires in RULES}
    assert fired.get(name, True)


def test_equal_division_needs_more_than_a_line_that_shows() -> None:
    box = (0, 0, 600, 300)
    line, unseen = (Cut(Candidate(300, 300, origin), 0, 0.2, 130.0) for origin in ("step", "division"))
    assert needed([unseen], box) > needed([line], box)


def test_trim_takes_white_paper_and_leaves_the_black_of_the_scan() -> None:
    page = np.full((200, 260, 3), 255, np.uint8)
    page[20:180, 30:230] = 0
    page[60:140, 70:190] = 130
    assert trim(page, Piece((0, 0, 260, 200))).box == (30, 20, 230, 180)


def test_the_ground_of_a_map_is_no_paper_unless_the_page_has_its_colour() -> None:
    ground, mask = (68, 1, 84), (33, 145, 140)
    for page in (np.full((200, 260, 3), 255, np.uint8), np.full((200, 260, 3), ground, np.uint8)):
        page[20:180, 30:230] = ground
        cv2.ellipse(page, (130, 100), (60, 40), 0, 0, 360, mask, -1)
        kept = bool(page[0, 0, 1] == 255)
        assert (trim(page, Piece((30, 20, 230, 180))).box == (30, 20, 230, 180)) == kept


@pytest.mark.parametrize("ground", [(200, 200, 200), (190, 215, 240)])
def test_a_tinted_field_is_paper_before_straight_sides_only(ground: tuple[int, int, int]) -> None:
    page = np.full((200, 260, 3), 255, np.uint8)
    page[20:180, 30:230] = ground
    framed, pale = page.copy(), page.copy()
    framed[30:170, 70:190] = 30
    cv2.ellipse(pale, (130, 100), (60, 40), 0, 0, 360, (90, 90, 90), -1)
    assert trim(framed, Piece((30, 20, 230, 180))).box == (70, 30, 190, 170)
    assert trim(pale, Piece((30, 20, 230, 180))).box == (30, 20, 230, 180)


def test_trim_takes_a_black_band_only_up_to_a_straight_side() -> None:
    dark = np.zeros((200, 200, 3), np.uint8)
    dark[20:180, 30:170] = 120
    sides = (True, True, True, True)
    assert trim(dark, Piece((0, 0, 200, 200), dark_sides=sides)).box == (30, 20, 170, 180)
    ys, xs = np.mgrid[0:200, 0:200]
    round_one = np.where((np.hypot(xs - 100, ys - 100) < 80)[:, :, None], 120, 0).astype(np.uint8).repeat(3, 2)
    assert trim(round_one, Piece((0, 0, 200, 200), dark_sides=sides)).box == (0, 0, 200, 200)


def test_trim_takes_the_scanner_table_for_no_side_of_the_picture() -> None:
    """In a wide window the air round a body is grey; a line near its edge does not make it paper."""
    page = np.full((200, 200, 3), 70, np.uint8)
    ys, xs = np.mgrid[0:200, 0:200]
    page[np.hypot(xs - 100, ys - 90) < 60] = 190
    page[180:183, 20:180] = 160
    assert trim(page, Piece((0, 0, 200, 200), dark_sides=(True,) * 4)).box == (0, 0, 200, 200)


def _rgb(picture: np.ndarray) -> np.ndarray:
    return picture if picture.ndim == 3 else picture[:, :, None].repeat(3, 2)


def beneath_a_chart() -> tuple[np.ndarray, tuple[int, int, int, int]]:
    """A small slice under a large chart, as a page of mostly white paper, each with its letter above."""
    rng = np.random.default_rng(2)
    page = np.full((780, 640, 3), 255, np.uint8)
    page[40:500, 10:630] = chart(rng, 620, 460)
    box = (10, 540, 250, 740)
    page[box[1] : box[3], box[0] : box[2]] = cv2.resize(_rgb(printed_set(rng, pool(), 1)[0]), (240, 200))
    for name, y in (("A", 12), ("B", 512)):
        mark = text_mark(name, 18, (0, 0, 0), (255, 255, 255))
        page[y : y + mark.shape[0], 12 : 12 + mark.shape[1]] = mark
    return page, box


def test_a_slice_under_a_large_chart_is_found_with_its_letter() -> None:
    page, box = beneath_a_chart()
    found = split(page)
    assert [p.label for p in found.panels] == ["B"]
    assert overlap(found.panels[0].box, box) > 0.93


def test_islands_are_full_rectangles_only() -> None:
    page, box = beneath_a_chart()
    (island,) = islands(page, (0, 0, 640, 780))
    assert overlap(island, box) > 0.93 and not is_chart(page, (0, 0, 640, 780), [])
    assert is_chart(page, (0, 0, 640, 510), [])


@pytest.mark.parametrize(("names", "count"), [(("A", "B"), 2), (("", ""), 1)])
def test_letters_speak_for_a_cut_that_is_not_sure(names: tuple[str, str], count: int) -> None:
    """Two bodies on one white page, no edge between them: only the letters say that they are two pictures."""
    page = np.full((420, 440, 3), 255, np.uint8)
    for x, name in zip((0, 220), names, strict=True):
        body = OTHER_KINDS["pet"][0]
        draws = (body(np.random.default_rng((seed, 3))) for seed in range(60))
        tall = next(picture for picture in draws if picture.shape[0] > 1.6 * picture.shape[1])
        page[10:410, x + 20 : x + 200] = cv2.resize(tall, (180, 400))
        if name:
            mark = text_mark(name, 16, (0, 0, 0), (255, 255, 255))
            page[14 : 14 + mark.shape[0], x + 26 : x + 26 + mark.shape[1]] = mark
    found = split(page)
    assert len(found.panels) == count, found
    assert [p.label for p in found.panels] == list(names[:count])


def test_reading_order_is_row_by_row_even_where_rows_are_uneven() -> None:
    boxes = [(0, 0, 90, 100), (100, 8, 200, 95), (0, 110, 60, 200), (70, 105, 130, 205), (140, 112, 200, 198)]
    assert reading_order([boxes[i] for i in (3, 1, 4, 0, 2)]) == boxes


def test_overlap_and_matches() -> None:
    assert overlap((0, 0, 10, 10), (0, 0, 10, 5)) == 0.5
    assert overlap((0, 0, 10, 10), (10, 0, 20, 10)) == 0
    assert matches([(0, 0, 10, 10)], [(0, 0, 10, 9), (0, 0, 10, 10)], 0.75) == [(0, 1)]


@pytest.mark.shared
def test_real_figures(shared: Path) -> None:
    folder = shared / "data" / "truth" / "panels"
    truth = json.loads((folder / "panels.json").read_text())
    pairs: list[Pair] = []
    for name, record in truth.items():
        found = split(open_picture(folder / "images" / name))
        true = [(p["label"], tuple(p["box"])) for p in record["panels"]]
        pairs.append((true, [(p.label, p.box) for p in found.panels]))
    found_all = agreement(pairs)
    assert found_all.f1 >= 0.94 and found_all.exact >= 0.9 and found_all.letters >= 0.9, found_all


@pytest.mark.shared
def test_published_single_slices_stay_whole(shared: Path) -> None:
    folder = shared / "data" / "covid-ct" / "Images-processed"
    files = sorted(folder.rglob("*.[pj][np]g"))[::60]
    torn = [f.name for f in files if len(split(open_picture(f)).panels) > 1]
    assert len(torn) <= len(files) * 0.1, torn


@pytest.mark.parametrize("shape", [(1, 1), (1, 9000), (9000, 2), (6000, 30)])
def test_a_strip_is_one_panel_whatever_its_length(shape: tuple[int, int]) -> None:
    strip = np.random.default_rng(1).integers(0, 255, (*shape, 3)).astype(np.uint8)
    assert [panel.box for panel in split(strip).panels] == [(0, 0, shape[1], shape[0])]
