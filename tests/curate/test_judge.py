"""The judgement on a panel: refusals one by one, then the panels of one patient together, then the table."""

import dataclasses
from importlib.resources import files
from pathlib import Path

import pytest
from PIL import Image

from covidct.captions.letters import Placed
from covidct.captions.ways import Verdict, Way
from covidct.cli import run as cli
from covidct.curate import ways
from covidct.curate.acceptance import acceptance
from covidct.curate.judge import REFUSALS, Judgement, Seen, agree, judge, weighed
from covidct.curate.steps import LABEL, PATIENTS
from covidct.profiles import in_force
from covidct.records import Decision, Figure, Panel, Paper
from covidct.steps import drive
from covidct.workspace import Workspace
from covidct.workspace.tables import rows

SAID = Verdict("positive", "said:covid-name", 0.95, (0, 4), "caption", "COVID-19")
OTHER = Verdict("negative", "other-diagnosed:tuberculosis", 0.9)
NAMED = Verdict("positive", Way.NAMED, "covid-name")
FINDING = Verdict("negative", Way.OTHER_FINDING, "embolism")
SILENT = Verdict("unclear", "nothing-named", 0.3)
TITLE = dataclasses.replace(SAID, source="title")
HEALING = "Complete regression of the consolidation four weeks later."
CHART = Verdict("not-a-scan", "not-a-scan:chart", 0.9)
SLICE = Panel("p", "f", "A", (0, 0, 200, 200), kind="ct_axial_lung", score=0.9, width=200, height=200)
SURE = Decision("panel", "p", "kind", "ct_axial_lung", "rule:triage@1", score=0.99)


def person(name: str, rule: str = "panel-text", **when: object) -> Decision:
    return Decision("panel", "p", "patient", name, "rule:patients@1", evidence={"rule": rule, "age": 40, **when})


def seen(verdict: Verdict = SAID, panel: Panel = SLICE, **more: object) -> Seen:
    known = {"placed": Placed("A", "read"), "kind": SURE, **more}
    return Seen(Figure("f", "paper"), panel, verdict, **known)  # type: ignore[arg-type]


def of_person(name: str, verdict: Verdict, number: int, **when: object) -> Seen:
    panel = dataclasses.replace(SLICE, panel_id=f"p{number}", patient_id=name)
    return seen(verdict, panel, patient=person(name, **when))


def pair(how: str, score: float = 0.0) -> Figure:
    return Figure("f", "paper", pair=how, pair_score=score)


CASES: list[tuple[Seen, str]] = [
    (seen(), ""),
    (seen(dataclasses.replace(SAID, source="paragraph")), ""),
    (dataclasses.replace(seen(), figure=pair("by-order-unequal", 0.9)), "pair-unsure"),
    (dataclasses.replace(seen(), figure=pair("by-order", 0.9)), "pair-unsure"),
    (dataclasses.replace(seen(), figure=pair("next-page", 0.2)), "pair-unsure"),
    (dataclasses.replace(seen(), figure=pair("next-page", 0.9)), ""),
    (dataclasses.replace(seen(), figure=pair("same-page", 0.1)), ""),
    (seen(placed=Placed("A", "inferred"), classes_differ=True), "letter-inferred"),
    (seen(placed=Placed("A", "inferred")), ""),
    (seen(placed=Placed("A", "read"), classes_differ=True), ""),
    (seen(CHART), "not-a-scan"),
    (seen(kind=dataclasses.replace(SURE, score=0.5)), "kind-unsure"),
    (seen(kind=dataclasses.replace(SURE, score=0.5, by="curator:ann")), ""),
    (seen(panel=dataclasses.replace(SLICE, width=41, height=33)), "tiny"),
    (seen(kind=dataclasses.replace(SURE, score=0.5, evidence={"rule": "coloured"})), "coloured"),
    (seen(second="negative"), "second-reader-differs"),
    (seen(second="positive"), ""),
    (seen(second="unclear"), ""),
    (seen(patient=person("x", "not-told-apart")), "patient-unsure"),
    (seen(patient=person("x", "perhaps-several")), "patient-unsure"),
    (seen(patient=person("x", "one-a-figure")), ""),
    (seen(OTHER, own_names=True), "disease-named-too"),
    (seen(older=True), "older-than-the-disease"),
    (dataclasses.replace(seen(TITLE), figure=Figure("f", "p", caption=HEALING)), "healed"),
    (dataclasses.replace(seen(SAID), figure=Figure("f", "p", caption=HEALING)), ""),
]


def test_of_the_text_around_only_what_a_paragraph_states_is_proven() -> None:
    assert judge(seen(dataclasses.replace(SAID, source="context"))).refused == "way-unproven"
    assert judge(seen(dataclasses.replace(NAMED, source="paragraph"))).refused == "way-unproven"


@pytest.mark.parametrize(("one", "reason"), CASES)
def test_each_reason_against_a_label(one: Seen, reason: str) -> None:
    found = judge(one)
    assert found.refused == reason
    assert found.accepted == (reason == "") and (found.label == "unclear") == (reason != "")
    if reason and reason != "not-a-scan":
        assert found.suggested == one.verdict.label


def test_a_label_read_in_an_unproven_way_stays_and_does_not_enter() -> None:
    waiting = (
        (TITLE, {}),
        (FINDING, {"paper_names": True}),
        (NAMED, {}),
        (FINDING, {}),
        (OTHER, {"paper_names": True}),
    )
    for verdict, known in waiting:
        found = judge(seen(verdict, **known))
        assert (found.label, found.refused, found.accepted) == (verdict.label, "way-unproven", False)
    assert judge(seen(NAMED, paper_names=True)).accepted


@pytest.mark.parametrize(
    ("verdict", "known", "way"),
    [
        (SAID, {}, "stated"),
        (TITLE, {}, "stated@title"),
        (NAMED, {}, "named"),
        (NAMED, {"paper_names": True}, "affirmed"),
        (FINDING, {}, "stated-other"),
        (FINDING, {"paper_names": True}, "other-finding"),
        (FINDING, {"own_names": True}, "other-finding"),
        (OTHER, {"paper_names": True}, "stated-other"),
        (OTHER, {"own_names": True}, "other-diagnosed"),
        (FINDING, {"older": True}, "before-outbreak"),
        (dataclasses.replace(OTHER, source="title"), {"older": True}, "before-outbreak"),
        (FINDING, {"older": True, "paper_names": True}, "other-finding"),
        (SAID, {"older": True}, "stated"),
    ],
)
def test_the_way_knows_what_else_the_paper_says(verdict: Verdict, known: dict[str, bool], way: str) -> None:
    assert ways.way_of(verdict, **known) == way
    assert ways.qualifies(way) == (way in ("stated", "affirmed", "before-outbreak"))


def test_a_paper_older_than_the_disease_cannot_show_it_and_one_that_names_it_waits() -> None:
    found = judge(seen(FINDING, older=True))
    assert (found.label, found.way, found.accepted) == ("negative", "before-outbreak", True)
    for verdict, named in ((SAID, {}), (FINDING, {"paper_names": True}), (FINDING, {"own_names": True})):
        assert judge(seen(verdict, older=True, **named)).refused in ("older-than-the-disease", "disease-named-too")
    assert judge(seen(SILENT, older=True)).label == "unclear", "a label comes from the words or the date, not from here"


def test_a_profile_may_let_a_way_in(tmp_path: Path) -> None:
    shipped = files("covidct.profiles").joinpath("covid-19.toml").read_text(encoding="utf-8")
    (tmp_path / "own.toml").write_text(f'{shipped}\n[accept]\nways = ["stated-other"]\n', encoding="utf-8")
    with in_force(tmp_path / "own.toml"):
        assert judge(seen(FINDING)).accepted and not judge(seen(NAMED)).accepted
    assert judge(seen(FINDING)).refused == "way-unproven"


def test_every_refusal_is_met_by_a_case() -> None:
    assert {refusal.name for refusal in REFUSALS} <= {reason for _, reason in CASES}


def test_what_is_no_slice_is_labelled_by_its_words_and_never_accepted() -> None:
    other = dataclasses.replace(SLICE, kind="xray", width=20, height=20)
    assert (judge(seen(panel=other)).label, judge(seen(panel=other)).accepted) == ("positive", False)
    assert judge(seen(CHART, panel=other)).label == "not-a-scan"
    assert judge(seen(CHART, kind=dataclasses.replace(SURE, score=0.2))).label == "not-a-scan"


def test_one_person_does_not_have_and_not_have_the_disease() -> None:
    both = [judge(of_person("x", SAID, 1)), judge(of_person("x", OTHER, 2)), judge(of_person("y", OTHER, 3))]
    assert [one.refused for one in agree(both)] == ["contradiction", "contradiction", "way-unproven"]
    assert [one.suggested for one in agree(both)] == ["positive", "negative", ""]


def test_a_date_between_makes_no_contradiction() -> None:
    ill, well = of_person("x", SAID, 1, dates=["2020-02-01"]), of_person("x", OTHER, 2, dates=["2019-02-01"])
    assert [one.refused for one in agree([judge(ill), judge(well)])] == ["", "way-unproven"]
    undated = of_person("x", OTHER, 2)
    assert [one.refused for one in agree([judge(ill), judge(undated)])] == ["contradiction"] * 2


def test_an_assumed_patient_proves_nothing() -> None:
    one, other = of_person("x", SAID, 1), of_person("x", OTHER, 2)
    assumed = [dataclasses.replace(each, patient=person("x", "one-a-figure")) for each in (one, other)]
    assert [found.refused for found in agree(map(judge, assumed))] == ["", "way-unproven"]


def test_one_age_in_two_figures_is_one_person_only_by_the_same_words() -> None:
    def panel(name: str, number: int, text: str, **more: object) -> Seen:
        return dataclasses.replace(of_person(name, SAID, number, text=text, **more), figure=Figure(f"f{number}", "p"))

    first, again = "(A) A 40-year-old man with a 3-day history", "A 40-year-old man with a 3-day history of fever"
    other = panel("z", 9, "A 40-year-old woman")
    same = agree(map(judge, [panel("x", 1, first), panel("x", 2, again), other]))
    assert [one.refused for one in same] == ["", "", ""]
    new = [panel("x", 1, first), panel("x", 2, "A 40-year-old man with diabetes")]
    assert [one.refused for one in agree(map(judge, [*new, other]))] == ["", "patient-unsure", ""]
    assert [one.refused for one in agree(map(judge, new))] == ["", ""], "a paper about one person"
    film = dataclasses.replace(new[1], panel=dataclasses.replace(new[1].panel, kind="xray"))
    assert [one.refused for one in agree(map(judge, [new[0], film, other]))] == ["", "", ""], "a film enters no release"
    numbered = [panel("x", 1, first, case="7"), panel("x", 2, "A 40-year-old man with diabetes", case="7")]
    assert [one.refused for one in agree(map(judge, [*numbered, other]))] == ["", "", ""]


def test_two_men_are_two() -> None:
    one, other = of_person("x", SAID, 1), of_person("x", OTHER, 2)
    by_sex = [dataclasses.replace(each, patient=person("x", age=None)) for each in (one, other)]  # type: ignore[arg-type]
    assert [found.refused for found in agree(map(judge, by_sex))] == ["", "way-unproven"]


def test_what_says_nothing_follows_a_person_proven_ill() -> None:
    found = agree(map(judge, [of_person("x", SAID, 1), of_person("x", SILENT, 2), of_person("y", SILENT, 3)]))
    assert [(one.label, one.way) for one in found] == [
        ("positive", "stated"),
        ("positive", "same-patient"),
        ("unclear", "nothing-named"),
    ]


def test_what_a_decision_would_win_counts_the_panels_of_its_figure() -> None:
    waiting = [judge(seen(SILENT)), judge(seen(SILENT)), judge(seen())]
    assert [one.gain for one in weighed(waiting)] == [1.98, 1.98, 0.0]


def test_the_bound_of_a_way_is_exact() -> None:
    assert ways.Precision(60, 60).lower == pytest.approx(0.05 ** (1 / 60))
    assert ways.qualifies("stated") and not ways.qualifies("named") and not ways.qualifies("never-measured")
    assert ways.Precision(0, 0).lower == 0.0 and ways.Precision(0, 0).rate == 0.5


def workspace(folder: Path) -> Workspace:
    ws = Workspace.create(folder)
    ws.save_papers([Paper("p", "file")])
    path = folder / "s.png"
    Image.new("L", (200, 200), 80).save(path)
    stored = ws.store_file(path, ".png")
    size = {"file": stored.file, "sha256": stored.sha256, "width": 200, "height": 200}
    captions = ["CT of a man with COVID-19.", "CT of a woman with COVID-19.", "CT on day 3."]
    ws.replace_figures("p", [Figure(f"f{n}", "p", caption=text) for n, text in enumerate(captions)])
    for n in range(3):
        panel = Panel(f"f{n}-1", f"f{n}", box=(0, 0, 200, 200), score=0.9, **size)  # type: ignore[arg-type]
        ws.replace_panels(f"f{n}", [panel])
        ws.decide([Decision("panel", panel.panel_id, "kind", "ct_axial_lung", "rule:triage@1", score=0.99)])
    return ws


def test_auto_ends_with_what_enters_and_what_waits(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with workspace(tmp_path / "ws") as ws:
        drive(ws, LABEL)
        ws.decide([Decision("panel", "f1-1", "label", "positive", "curator:ann")])
        evidence = ws.current("panel", "f0-1")["label"].evidence
        stated = ways.measured("stated")
        assert evidence["accepted"] and evidence["way"] == "stated"
        assert evidence["precision"][:2] == [stated.right, stated.n]
        ws.decide([Decision("panel", f"f{n}-1", "kind", "ct_axial_lung", "curator:ann") for n in range(3)])
    assert cli(["curate", "auto", "-w", str(tmp_path / "ws")]) == 0
    out = capsys.readouterr().out
    assert "accepted without review: 1 positive" in out and "waiting for a person: 1" in out


def test_auto_without_a_slice_names_no_command_that_would_refuse(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with workspace(tmp_path / "ws") as ws:
        ws.decide([Decision("panel", f"f{n}-1", "kind", "chart", "curator:ann") for n in range(3)])
    assert cli(["curate", "auto", "-w", str(tmp_path / "ws")]) == 0
    out, err = capsys.readouterr()
    assert "no panel is of kind ct_axial_lung" in out and "accepted without" not in out
    assert "next: covidct show panels" in err and "manifest build" not in err


def test_what_waits_is_in_no_table_of_images_until_a_person_takes_it(tmp_path: Path) -> None:
    with workspace(tmp_path / "ws") as ws:
        ws.save_papers([Paper("p", "file", title="COVID-19 pneumonia in two women")])
        drive(ws, LABEL)
        assert [panel.label for panel in ws.panels()] == ["positive"] * 3
        assert [row["panel_id"] for row in rows(ws, "images")] == ["f0-1", "f1-1"]
        assert ws.current("panel", "f2-1")["label"].evidence["refused"] == "way-unproven"
        ws.decide([Decision("panel", "f2-1", "accept", True, "curator:ann")])
        ws.decide([Decision("panel", "f1-1", "accept", False, "curator:ann")])
        assert [row["panel_id"] for row in rows(ws, "images")] == ["f0-1", "f2-1"]


def test_marks_that_stay_legible_keep_a_picture_out_until_a_person_takes_it(tmp_path: Path) -> None:
    with workspace(tmp_path / "ws") as ws:
        ws.save_papers([Paper("p", "file", title="COVID-19 pneumonia in two women")])
        drive(ws, LABEL)
        ws.decide([Decision("panel", "f0-1", "mask", {"clean": False, "identifying": "no"}, "rule:mask@1")])
        ws.decide([Decision("panel", "f1-1", "mask", {"clean": None, "identifying": "no"}, "rule:mask@1")])
        assert [row["panel_id"] for row in rows(ws, "images")] == ["f1-1"], "nobody could read the second one"
        assert acceptance(ws).refused["marks-legible"] == 1
        ws.decide([Decision("panel", "f0-1", "accept", True, "curator:ann")])
        assert [row["panel_id"] for row in rows(ws, "images")] == ["f0-1", "f1-1"]


def test_a_judgement_compares_without_what_it_wins() -> None:
    assert Judgement(seen(), "positive", "stated", gain=1.0) == Judgement(seen(), "positive", "stated")


def chain(folder: Path, title: str, figures: list[tuple[str, list[str]]], by: str = "read") -> list[tuple[str, bool]]:
    """Label and acceptance of every panel of a paper whose figures are (caption, letters of the panels)."""
    with Workspace.create(folder) as ws:
        ws.save_papers([Paper("p", "file", title=title)])
        ws.replace_figures(
            "p", [Figure(f"f{n}", "p", label=f"Figure {n}", caption=c) for n, (c, _) in enumerate(figures)]
        )
        for n, (_, letters) in enumerate(figures):
            places = [(k * 210.0, 0.0, k * 210.0 + 200, 200.0) for k in range(len(letters))]
            made = [
                Panel(f"f{n}-{k}", f"f{n}", letter, place, width=200, height=200, letter_by=by if letter else "none")
                for k, (letter, place) in enumerate(zip(letters, places, strict=True))
            ]
            ws.replace_panels(f"f{n}", made)
            ws.decide(Decision("panel", p.panel_id, "kind", "ct_axial_lung", "rule:triage@1", score=0.99) for p in made)
        drive(ws, PATIENTS)
        drive(ws, LABEL)
        labels = ws.current_all("panel", "label")
        return [(panel.label, bool(labels[panel.panel_id].evidence["accepted"])) for panel in ws.panels()]


CAUSES = (
    "Chest CT. (A) A man with COVID-19. (B) A woman with COVID-19. (C) A man with influenza pneumonia. "
    "(D) A woman with COVID-19. (E) A man with pulmonary tuberculosis."
)


def test_letters_with_a_gap_flip_no_class(tmp_path: Path) -> None:
    ill, well, open_ = ("positive", True), ("negative", False), ("unclear", False)
    figures = [(CAUSES, ["A", "B", "D", "E"])]
    assert chain(tmp_path / "read", "Ground glass of many causes", figures) == [ill, ill, ill, well]
    counted = [(CAUSES, ["A", "B", "C", "D"])]
    assert chain(tmp_path / "counted", "Ground glass of many causes", counted, by="inferred") == [open_] * 4
    assert chain(tmp_path / "none", "Ground glass of many causes", [(CAUSES, [""] * 5)]) == [open_] * 5


def test_a_pattern_is_no_other_disease_and_a_healed_lung_says_nothing(tmp_path: Path) -> None:
    pattern = (
        "CT appearance of COVID-19. (a, b) A 30-year-old man: ground glass. "
        "(c, d) A 64-year-old woman: organizing pneumonia with a reversed halo."
    )
    figures = [(HEALING, [""]), ("CT appearance of COVID-19 in a 64-year-old woman.", [""]), (pattern, list("abcd"))]
    found = chain(tmp_path / "ws", "Follow-up imaging of twelve patients with COVID-19", figures)
    assert found == [("unclear", False)] + [("positive", True)] * 5


@pytest.mark.parametrize(("caption", "enters"), [
    ("Typical signs of COVID-19. (A) Ground glass. (B) Crazy paving.", False),
    ("Chest CT of a patient with COVID-19. (A) Ground glass. (B) Crazy paving.", True),
    ("COVID-19 pneumonia. (A) Ground glass on 2 February 2020. (B) Consolidation on 9 February 2020.", True),
    ("Ground glass and crazy paving in COVID-19 (A, B).", True),
])  # fmt: skip
def test_letters_of_findings_alone_may_be_of_several_people(tmp_path: Path, caption: str, enters: bool) -> None:
    found = chain(tmp_path / "ws", "Imaging signs of COVID-19: a review", [(caption, ["A", "B"])])
    assert [accepted for _, accepted in found] == [enters] * 2
