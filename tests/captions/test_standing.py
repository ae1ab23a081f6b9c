"""Who stands where: headings over columns and before rows, and the places that a caption names."""

from collections.abc import Sequence

import pytest

from covidct.captions.patients import FigureText, patients_of_paper
from covidct.captions.standing import Box, by_headings, by_places, headings
from covidct.captions.subcaptions import split_caption


def grid(rows: int, columns: int) -> list[Box]:
    return [(c * 110 + 60, r * 90 + 50, c * 110 + 160, r * 90 + 130) for r in range(rows) for c in range(columns)]


def over(words: Sequence[str], y: int = 10) -> list[tuple[str, Box]]:
    return [(word, (c * 110 + 80, y, c * 110 + 140, y + 14)) for c, word in enumerate(words)]


def before(words: Sequence[str]) -> list[tuple[str, Box]]:
    return [(word, (2, r * 90 + 80, 50, r * 90 + 94)) for r, word in enumerate(words)]


def cases(lines: list[tuple[str, Box]], boxes: list[Box]) -> list[str]:
    return [
        f"{p.case}/{p.age:g}/{p.sex}" if p and p.age else p.case if p else "-"
        for p in by_headings(headings(lines), boxes)
    ]


def test_a_lung_that_was_read_as_a_letter_is_no_second_line() -> None:
    lines = [("Patient 2", (575.0, 40.0, 719.0, 83.0)), ("(age 45, male)", (536.0, 81.0, 756.0, 130.0))]
    (found,) = headings([*lines, ("0", (458.0, 120.0, 871.0, 637.0))])
    assert (found.person.age, found.person.case, found.box[3]) == (45, "2", 130)


def test_headings_over_columns_name_every_panel_below_them() -> None:
    assert cases(over(["Patient 1", "Patient 2"]), grid(3, 2)) == ["1", "2"] * 3


def test_two_lines_of_a_heading_are_one() -> None:
    lines = over(["Patient 1", "Patient 2"]) + over(["(age 3, boy)", "(age 45, female)"], 26)
    assert cases(lines, grid(2, 2)) == ["1/3/M", "2/45/F"] * 2


def test_headings_before_rows() -> None:
    assert cases(before(["Case 1", "P2"]), grid(2, 3)) == ["1"] * 3 + ["2"] * 3


def test_a_heading_printed_on_the_first_panel_of_a_column_holds_for_the_column() -> None:
    lines = [(f"Pt {n}", (n * 110 - 45.0, 55.0, n * 110 - 10.0, 67.0)) for n in (1, 2)]
    assert cases(lines, grid(2, 2)) == ["1", "2"] * 2


@pytest.mark.parametrize("lines", [
    over(["Patient 1", "Patient 2"]),
    over(["Patient 1", "Day 4", "Patient 3"]),
    over(["Before", "Day 4", "After"]),
    [],
    [("In this trial 45 patients aged 45 years or more were followed for three years", (60, 10, 390, 24))],
])  # fmt: skip
def test_headings_that_do_not_hold_for_every_panel_name_nobody(lines: list[tuple[str, Box]]) -> None:
    assert cases(lines, grid(2, 3)) == ["-"] * 6


def test_days_over_the_columns_and_patients_before_the_rows() -> None:
    lines = over(["Day 1", "Day 8"]) + before(["Patient 1", "Patient 2"])
    assert cases(lines, grid(2, 2)) == ["1", "1", "2", "2"]


def texts(caption: str, boxes: list[Box]) -> list[str]:
    split = split_caption(caption)
    return [split.text[span[0] : span[1]][:12] if span else "-" for span in by_places(split.places, boxes)]


def test_rows_that_the_caption_names() -> None:
    caption = "CT. Upper row: a 45-year-old man. Lower row: a 60-year-old woman."
    assert texts(caption, grid(2, 3)) == ["a 45-year-ol"] * 3 + ["a 60-year-ol"] * 3
    assert texts(caption, grid(3, 2)) == ["-"] * 6, "who stands in the middle row?"


def test_columns_that_the_caption_names() -> None:
    caption = "CT. Left column: a 45-year-old man. Right column: a 60-year-old woman."
    assert texts(caption, grid(2, 2)) == ["a 45-year-ol", "a 60-year-ol"] * 2


def test_one_row_has_no_upper_and_lower() -> None:
    assert texts("CT. Upper row: a 45-year-old man. Lower row: a 60-year-old woman.", grid(1, 2)) == ["-", "-"]


def patients(caption: str, boxes: list[Box], **more: object) -> list[str]:
    panels = tuple((str(n), "") for n in range(len(boxes)))
    figure = FigureText("f", "Figure 1", caption, (), panels, tuple(boxes), **more)  # type: ignore[arg-type]
    found = patients_of_paper([figure])
    return [f"{found[name].rule} {found[name].key}" for name, _ in panels]


def test_people_in_rows_are_told_apart() -> None:
    found = patients("CT of two patients. Upper row: a 45-year-old man. Lower row: a 60-year-old woman.", grid(2, 2))
    assert found == ["panel-text age 45 M"] * 2 + ["panel-text age 60 F"] * 2


def test_people_whom_the_picture_names_are_told_apart() -> None:
    people = by_headings(headings(over(["Patient 1", "Patient 2"])), grid(2, 2))
    named = {str(n): person for n, person in enumerate(people) if person is not None}
    caption = "CT scans of patients. (A) On admission; (B) after quarantine."
    assert patients(caption, grid(2, 2)) == ["perhaps-several figure f"] * 4
    assert patients(caption, grid(2, 2), printed=named) == ["printed case 1", "printed case 2"] * 2


def test_what_is_printed_does_not_outweigh_an_age_in_the_text() -> None:
    people = by_headings(headings(over(["Patient 1", "Patient 2"])), grid(1, 2))
    named = {str(n): person for n, person in enumerate(people) if person is not None}
    caption = "CT. Left panel: a 45-year-old man. Right panel: a 60-year-old woman."
    assert patients(caption, grid(1, 2), printed=named) == ["panel-text age 45 M", "panel-text age 60 F"]


@pytest.mark.parametrize("caption", [
    "Case 1: (a) admission, (b) discharge. Case 2: (c) admission, (d) discharge.",
    "Two cases. Case 1 (age 30, female): (a) admission, (b) discharge. Case 2 (age 50, male): (c) day 2, (d) day 12.",
    "Chest CT. Patient A. (a) Day 1; (b) day 9. Patient B. (c) Day 2; (d) day 12.",
    "Patient 1 (a, b) and patient 2 (c, d).",
])  # fmt: skip
def test_a_heading_in_the_caption_holds_for_the_letters_up_to_the_next(caption: str) -> None:
    figure = FigureText("f", "Figure 1", caption, (), tuple((letter, letter) for letter in "abcd"))
    found = patients_of_paper([figure])
    keys = [found[letter].key for letter in "abcd"]
    assert keys[0] == keys[1] != keys[2] == keys[3]
    assert {found[letter].rule for letter in "abcd"} == {"panel-text"}


def test_one_heading_before_the_letters_is_of_no_other_case() -> None:
    figure = FigureText(
        "f", "Figure 1", "Case 1. (a) CT. (b) Follow-up. (c) Case 2. (d) Case 2.", (), tuple((c, c) for c in "abcd")
    )
    found = patients_of_paper([figure])
    assert [found[letter].key for letter in "abcd"] == ["case 1", "case 1", "case 2", "case 2"]
