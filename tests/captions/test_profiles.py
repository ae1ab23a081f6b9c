"""Profiles: the disease is a file; a second one for another disease and chest X-rays; what a broken one says."""

import json
from pathlib import Path

import pytest

from covidct import profiles
from covidct.captions.context import label_figure
from covidct.captions.labels import label_caption
from covidct.cli import run
from covidct.curate.steps import LABEL
from covidct.errors import UsageError
from covidct.harvest.query import compile_query, plain
from covidct.records import Decision, Figure, Panel, Paper
from covidct.steps import drive
from covidct.workspace import Workspace

SHIPPED = Path(profiles.__file__).parent

TUBERCULOSIS = [
    ("positive", "Chest radiograph of a man with pulmonary tuberculosis: cavity in the right upper lobe."),
    ("positive", "PTB in the left upper field."),
    ("positive", "Miliary TB in a child, chest X-ray."),
    ("positive", "Film on admission; the sputum smear was positive for acid-fast bacilli."),
    ("negative", "Chest radiograph of a woman with COVID-19 pneumonia."),
    ("negative", "Chest X-ray: influenza pneumonia."),
    ("negative", "Sarcoidosis, mimicking tuberculosis: hilar nodes on the chest film."),
    ("negative", "Lung carcinoma in a patient in whom tuberculosis was excluded."),
    ("unclear", "Opacity in the right apex; tuberculosis is suspected."),
    ("unclear", "Chest film of a nurse who had contact with a patient with tuberculosis."),
    ("unclear", "Positive tuberculin skin test; small nodule in the left upper lobe on CT."),
    ("unclear", "Chest X-ray with patchy shadows on both sides."),
]


@pytest.fixture
def tuberculosis(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(profiles.VARIABLE, "tuberculosis")


def test_every_shipped_profile_can_be_read_and_knows_the_rules_it_names(monkeypatch: pytest.MonkeyPatch) -> None:
    assert profiles.shipped() == ["covid-19", "tuberculosis"]
    for name in profiles.shipped():
        monkeypatch.setenv(profiles.VARIABLE, name)
        profile = profiles.current()
        assert profile.name == name and profile.digest
        assert label_caption(f"CT of a man with {profile.disease}.").figure.label == "positive"
        assert compile_query(None)(plain(f"A case of {profile.disease}"))


@pytest.mark.usefixtures("tuberculosis")
def test_another_disease_is_read_with_its_own_names() -> None:
    wrong = [(t, got.rule) for want, t in TUBERCULOSIS if (got := label_caption(t).figure).label != want]
    assert wrong == []


@pytest.mark.usefixtures("tuberculosis")
def test_a_disease_that_has_long_been_known_has_no_first_month() -> None:
    assert label_figure("Chest X-ray.", published="2014-05-01").figure.label == "unclear"


def test_the_option_holds_for_one_command(capsys: pytest.CaptureFixture[str]) -> None:
    text = ["--text", "Chest film of a man with tuberculosis.", "--json"]
    answers = []
    for words in (["--profile", "tuberculosis"], []):
        assert run(["curate", "label", *text, *words]) == 0
        answers.append(json.loads(capsys.readouterr().out)[0]["label"])
    assert answers == ["positive", "negative"]


@pytest.mark.usefixtures("tuberculosis")
def test_a_workspace_of_chest_films_is_labelled_by_the_profile(tmp_path: Path) -> None:
    captions = ["Chest film of a man with tuberculosis.", "Chest film of a man with COVID-19."]
    with Workspace.create(tmp_path / "ws") as ws:
        ws.save_papers([Paper("p", "file")])
        ws.replace_figures("p", [Figure(f"f{n}", "p", caption=text) for n, text in enumerate(captions)])
        for n in range(2):
            ws.replace_panels(f"f{n}", [Panel(f"f{n}-1", f"f{n}", box=(0, 0, 90, 90))])
            ws.decide([Decision("panel", f"f{n}-1", "kind", "xray", "rule:triage@1", score=0.99)])
        drive(ws, LABEL)
        evidence = [ws.current("panel", f"f{n}-1")["label"].evidence for n in range(2)]
        assert str(evidence[0]["rule"]).startswith("said:")
        assert evidence[0]["refused"] == "way-unproven" and evidence[0]["precision"][:2] == [0, 0], "not measured"
        assert str(evidence[1]["rule"]).startswith("other-")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("[names]", "[nomes]"), "'names' is missing"),
        (('positive = "covid"', 'positive = "Covid 19"'), "no label"),
        (('first_cases = "2019-12"', 'first_cases = "1 Dec"'), "YYYY-MM"),
        (("[words]", '[words]\nno-such-rule = ["x"]'), "no caption rule no-such-rule"),
        (("[profile]", "[profile"), "profile"),
    ],
)
def test_a_broken_profile_says_what_is_wrong(
    change: tuple[str, str], says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "mine.toml"
    file.write_text((SHIPPED / "covid-19.toml").read_text("utf-8").replace(*change, 1), "utf-8")
    assert run(["curate", "label", "--text", "CT.", "--profile", str(file)]) in (1, 2)
    error = capsys.readouterr().err
    assert says in error and error.count("\n") == 1


def test_an_unknown_profile_names_those_that_are_there() -> None:
    with pytest.raises(UsageError, match="shipped are covid-19, tuberculosis"):
        profiles.load("ebola")
