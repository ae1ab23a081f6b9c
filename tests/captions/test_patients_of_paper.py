"""Made papers of every kind: who is who inside one paper."""

import pytest

from covidct.captions.patients import FigureText, describe, patients_of_paper


def paper(*captions: str, panels: int = 2, letters: str = "AB", mentions: tuple[str, ...] = ()) -> list[FigureText]:
    return [
        FigureText(
            f"f{n}", f"Figure {n}", caption, mentions, tuple((f"f{n}{letters[i]}", letters[i]) for i in range(panels))
        )
        for n, caption in enumerate(captions, 1)
    ]


def keys(figures: list[FigureText], title: str = "", abstract: str = "") -> dict[str, str]:
    return {panel: patient.key for panel, patient in patients_of_paper(figures, title, abstract).items()}


def same(found: dict[str, str], *panels: str) -> bool:
    return len({found[panel] for panel in panels}) == 1


def test_two_patients_in_one_caption_by_panel() -> None:
    found = keys(paper("(A) A 40-year-old man. (B) A 62-year-old woman."))
    assert not same(found, "f1A", "f1B")


def test_a_follow_up_series_is_one_patient() -> None:
    found = keys(paper("CT of a 40-year-old man with COVID-19. (A) Day 3. (B) Day 9."))
    assert same(found, "f1A", "f1B")


def test_a_series_inside_a_caption_goes_on_until_another_person_comes() -> None:
    caption = "(A) A 40-year-old man on day 2. (B) Day 9. (C) A 30-year-old woman. (D) Day 12."
    found = keys(paper(caption, panels=4, letters="ABCD"))
    assert same(found, "f1A", "f1B") and same(found, "f1C", "f1D") and not same(found, "f1A", "f1C")


def test_another_patient_ends_a_series() -> None:
    found = keys(paper("(A) A 40-year-old man. (B) Another patient with the same pattern."))
    assert not same(found, "f1A", "f1B")


@pytest.mark.parametrize(
    "second",
    [
        "CT of the same patient as in Figure 1 on day 12.",
        "Same patient as Fig. 1, day 12.",
        "CT of the patient shown in Figure 1.",
        "Follow-up CT of the same patient.",
        "CT of the same 40-year-old man, day 12.",
    ],
)
def test_the_same_patient_over_figures(second: str) -> None:
    found = keys(paper("CT of a 40-year-old man.", second, panels=1))
    assert same(found, "f1A", "f2A")


def test_the_same_patient_as_one_panel_of_a_figure() -> None:
    second = "Same patient as in Figure 1B. (A) Axial. (B) Coronal."
    found = keys(paper("(A) A 40-year-old man. (B) A 62-year-old woman.", second))
    assert same(found, "f1B", "f2A", "f2B") and not same(found, "f1A", "f2A")


def test_the_same_patient_skips_a_figure_between() -> None:
    found = keys(paper("A 40-year-old man.", "A 55-year-old woman.", "Same patient as in Fig. 1.", panels=1))
    assert same(found, "f1A", "f3A") and not same(found, "f2A", "f3A")


def test_case_numbers_join_over_figures() -> None:
    found = keys(paper("CT of case 1.", "CT of case 2.", "Follow-up of case 1.", panels=1))
    assert same(found, "f1A", "f3A") and not same(found, "f1A", "f2A")


def test_age_and_sex_join_with_the_case_that_has_them() -> None:
    found = keys(paper("Case 3, a 40-year-old man.", "A 40-year-old man, day 9.", "A 41-year-old man.", panels=1))
    assert same(found, "f1A", "f2A") and not same(found, "f1A", "f3A")


def test_age_alone_joins_with_age_and_sex() -> None:
    found = keys(paper("A 40-year-old woman.", "CT of the 40-year-old patient.", panels=1))
    assert same(found, "f1A", "f2A")


def test_letters_told_together_and_respectively() -> None:
    caption = "A/C and B/D, CT before and after in a 42-year-old male and a 36-year-old female, respectively"
    found = keys(paper(caption, panels=4, letters="ABCD"))
    assert same(found, "f1A", "f1C") and same(found, "f1B", "f1D") and not same(found, "f1A", "f1B")


def test_as_many_patients_as_panels() -> None:
    found = keys(paper("CT of two patients with COVID-19. (A) Mild. (B) Severe."))
    assert not same(found, "f1A", "f1B")


def test_patients_that_the_text_does_not_tell_apart_stay_together_with_a_low_score() -> None:
    found = patients_of_paper(paper("CT of patients with COVID-19. (A) Mild. (B) Severe."))
    assert found["f1A"].key == found["f1B"].key
    assert found["f1A"].rule == "perhaps-several" and found["f1A"].score < 0.5


def test_a_case_report_is_about_one_patient() -> None:
    figures = paper("CT on admission.", "CT on day 9.", "The 40-year-old man after discharge.", panels=1)
    found = keys(figures, title="COVID-19 in a kidney transplant recipient: a case report")
    assert same(found, "f1A", "f2A", "f3A")
    apart = keys(figures, title="CT features of COVID-19 in 81 patients")
    assert not same(apart, "f1A", "f2A")


def test_an_abstract_may_say_that_it_is_one_patient() -> None:
    found = keys(paper("CT on admission.", "CT on day 9.", panels=1), abstract="We report a man with fever.")
    assert same(found, "f1A", "f2A")


def test_the_text_about_a_figure_tells_where_the_caption_does_not() -> None:
    told = FigureText("f2", "Figure 2", "CT on day 9.", ("The 40-year-old man improved (Figure 2).",), (("f2A", ""),))
    found = patients_of_paper([*paper("A 40-year-old man.", panels=1), told])
    assert found["f1A"].key == found["f2A"].key and found["f2A"].rule == "mention"


def test_panels_without_letters_go_by_order() -> None:
    figure = FigureText("f1", "Fig. 1", "(A) A 40-year-old man. (B) A girl of 8 years.", (), (("x", ""), ("y", "")))
    found = patients_of_paper([figure])
    assert found["x"].person is not None and found["x"].person.sex == "M"
    assert found["y"].person is not None and found["y"].person.sex == "F"


def test_evidence_holds_the_cues_of_the_panel() -> None:
    found = patients_of_paper(paper("A 40-year-old man. (A) CT on Feb 3, 2020. (B) Day 9 after onset."))
    first, second = describe(found["f1A"]), describe(found["f1B"])
    assert (first["age"], first["sex"], first["dates"], first["days"]) == (40, "M", ["2020-02-03"], [])
    assert second["days"] == [{"day": 9, "event": "onset"}]


def test_figures_that_lead_to_each_other_do_not_hang() -> None:
    found = keys(paper("Same patient as in Figure 2.", "Same patient as in Figure 1.", panels=1))
    assert set(found) == {"f1A", "f2A"}


def test_no_figures_no_patients() -> None:
    assert patients_of_paper([]) == {}


def test_a_man_and_a_woman_without_ages_are_two() -> None:
    found = keys(paper("CT of COVID-19. (A) A man with fever. (B) A woman with cough."))
    assert not same(found, "f1A", "f1B")
    found = keys(paper("CT of COVID-19. (A) A man with fever. (B) He was well on day 9."))
    assert same(found, "f1A", "f1B")


def test_patients_and_several_letters_are_perhaps_several() -> None:
    found = patients_of_paper(paper("CT scans of patients with COVID-19. (A) Ground glass. (B) Crazy paving."))
    assert {patient.rule for patient in found.values()} == {"perhaps-several"}
    assert found["f1A"].key == found["f1B"].key


@pytest.mark.parametrize(
    ("first", "second", "one"),
    [
        ("A 13-year-old boy; he was discharged on day 9.", "A 13-year-old boy, who died on day 20.", False),
        ("A 13-year-old boy; he was discharged on day 9.", "A 13-year-old boy, ground glass.", True),
        ("Case 1: a 13-year-old boy.", "Case 2: a 13-year-old boy.", False),
        ("A 13-year-old boy, day 5 (2020-02-10).", "A 13-year-old boy, day 4 (2020-03-20).", False),
        ("A 13-year-old boy, day 5 (2020-02-10).", "A 13-year-old boy, day 9 (2020-02-14).", True),
    ],
)
def test_one_age_and_sex_is_one_person_unless_numbers_or_courses_differ(first: str, second: str, one: bool) -> None:
    assert same(keys(paper(first, second, panels=1)), "f1A", "f2A") is one
    assert same(keys(paper(f"(A) {first} (B) {second}")), "f1A", "f1B") is one


def test_block_letters_tell_the_same() -> None:
    found = keys(paper("(A) CHEST CT OF A 40-YEAR-OLD MAN. (B) CHEST CT OF CASE 2, A 51-YEAR-OLD WOMAN."))
    assert not same(found, "f1A", "f1B")
    assert same(keys(paper("CHEST CT OF A 40-YEAR-OLD MAN WITH COVID-19. (A) DAY 3. (B) DAY 9.")), "f1A", "f1B")


TOLD: list[tuple[tuple[str, ...], tuple[str, ...], str]] = [
    (
        ("(A) A 55-year-old man who died on day 12. (B) A 55-year-old man who was discharged on day 20.",),
        ("AB",),
        "1A|1B",
    ),
    (
        (
            "Patient 1, a 43-year-old woman. (A) Admission. (B) Day 7.",
            "Patient 2, a 43-year-old woman. (A) Admission. (B) Day 9.",
        ),
        ("AB", "AB"),
        "1A 1B|2A 2B",
    ),
    (("CT of a 60-year-old man (A) and of another 60-year-old man (B).",), ("AB",), "1A|1B"),
    (("Two 38-year-old women with COVID-19: (A) the first patient, (B) the second patient.",), ("AB",), "1A|1B"),
    (("CT images of four patients with COVID-19.",), ("ABCD",), "1A|1B|1C|1D"),
    (("CT images of four patients before (upper row) and after (lower row) treatment.",), ("ABCDEFGH",), ""),
    (("Chest CT of patients with COVID-19. (A) Before treatment. (B) After treatment.",), ("AB",), ""),
    (("Case 4 (A, B) and case 7 (C, D), both men of 51 years.",), ("ABCD",), "1A 1B|1C 1D"),
    (
        ("(A-C) 29-year-old man, days 2, 6 and 14. (D-F) 29-year-old woman, days 3, 7 and 15.",),
        ("ABCDEF",),
        "1A 1B 1C|1D 1E 1F",
    ),
    (
        (
            "A 47-year-old man with symptom onset on 20 January 2020. (A) CT on 25 January 2020 (day 5).",
            "A 47-year-old man. CT on 25 January 2020, day 12 after onset.",
        ),
        ("A", "A"),
        "1A|2A",
    ),
    (("(A) Mother, 31 years. (B) Her daughter, 5 years. (C) Mother after nine days.",), ("ABC",), "1A 1C|1B"),
    (("Identical twins aged 12: (A) twin 1, (B) twin 2.",), ("AB",), "1A|1B"),
    (("CT of a 70-year-old patient at admission (A), and of the same patient after ten days (B).",), ("AB",), "1A 1B"),
    (("Representative CT of mild (A), moderate (B) and severe (C) cases.",), ("ABC",), ""),
    (
        ("Three cases. (A) Case A on admission. (B) Case B on admission. (C) Case A at discharge.",),
        ("ABC",),
        "1A 1C|1B",
    ),
    (("(A) Survivor, male, 64 years. (B) Non-survivor, male, 64 years.",), ("AB",), "1A|1B"),
    (("A man in his forties: (A) axial and (B) coronal reconstruction.",), ("AB",), "1A 1B"),
    (("CT of the father (A), the mother (B) and the son (C) of one family.",), ("ABC",), "1A|1B|1C"),
    (
        ("Patient No. 3. (A) 1 February. (B) 8 February. Patient No. 5. (C) 2 February. (D) 9 February.",),
        ("ABCD",),
        "1A 1B|1C 1D",
    ),
    (("First patient: (A) day 3, (B) day 10. Second patient: (C) day 4, (D) day 11.",), ("ABCD",), "1A 1B|1C 1D"),
]
"""Captions, letters of their panels, and who is one: ``1A 1B|2A``; empty where nobody can tell. Written before the
program ran, 14 of 20 right then."""


@pytest.mark.parametrize(("captions", "letters", "wanted"), TOLD)
def test_who_is_told_apart(captions: tuple[str, ...], letters: tuple[str, ...], wanted: str) -> None:
    figures = [
        FigureText(f"f{n}", f"Figure {n}", caption, (), tuple((f"{n}{letter}", letter) for letter in own))
        for n, (caption, own) in enumerate(zip(captions, letters, strict=True), 1)
    ]
    found = patients_of_paper(figures)
    unsure = {patient.rule for patient in found.values()} & {"not-told-apart", "perhaps-several"}
    people: dict[str, set[str]] = {}
    for panel, patient in found.items():
        people.setdefault(patient.key, set()).add(panel)
    assert bool(unsure) == (wanted == "")
    if wanted:
        assert {frozenset(own) for own in people.values()} == {frozenset(own.split()) for own in wanted.split("|")}
