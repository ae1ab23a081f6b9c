"""Patients on a workspace: unique ids, links over papers by pictures, curators' words, a second run."""

import json
from pathlib import Path

import pytest

from covidct.cli import run as cli
from covidct.curate.patients import linked
from covidct.curate.steps import PATIENTS
from covidct.records import Decision, Figure, Panel, Paper
from covidct.steps import drive
from covidct.workspace import Workspace
from covidct.workspace.workspace import Pair

CAPTION = "CT. (A) A 40-year-old man. (B) A 62-year-old woman."


def fill(ws: Workspace, *papers: str, caption: str = CAPTION) -> None:
    for name in papers:
        ws.save_papers([Paper(name, "file", title="CT of COVID-19")])
        ws.replace_figures(name, [Figure(f"{name}-f1", name, label="Figure 1", caption=caption)])
        boxes = [(0.0, 0.0, 40.0, 40.0), (50.0, 0.0, 90.0, 40.0)]
        made = [Panel(f"{name}-f1{x}", f"{name}-f1", x, box) for x, box in zip("AB", boxes, strict=True)]
        ws.replace_panels(f"{name}-f1", made)


def ids(ws: Workspace) -> dict[str, str]:
    return {panel.panel_id: panel.patient_id for panel in ws.panels()}


def test_ids_are_unique_in_and_over_papers_and_hold_no_age(tmp_path: Path) -> None:
    with Workspace.create(tmp_path / "ws") as ws:
        fill(ws, "p", "q")
        report = drive(ws, PATIENTS)
        found = ids(ws)
        assert len(set(found.values())) == 4 and report.counts["patients"] == 4
        assert all(patient.startswith(panel[0]) and "40" not in patient[2:4] for panel, patient in found.items())
        decision = ws.current("panel", "p-f1A")["patient"]
        assert decision.evidence["age"] == 40 and decision.evidence["sex"] == "M" and decision.score == 0.9
        assert "40-year-old man" in decision.why


def test_pictures_that_come_back_link_patients_over_papers(tmp_path: Path) -> None:
    with Workspace.create(tmp_path / "ws") as ws:
        fill(ws, "p", "q")
        ws.save_pairs([Pair("p-f1A", "q-f1A", 0.99)])
        drive(ws, PATIENTS)
        found = ids(ws)
        assert found["p-f1A"] == found["q-f1A"] and found["p-f1B"] != found["q-f1B"]
        assert "one patient with" in ws.current("panel", "q-f1A")["patient"].why


@pytest.mark.parametrize("field", ["duplicate", "same_patient"])
def test_a_curators_no_keeps_papers_apart(field: str, tmp_path: Path) -> None:
    with Workspace.create(tmp_path / "ws") as ws:
        fill(ws, "p", "q")
        ws.save_pairs([Pair("p-f1A", "q-f1A", 0.99)])
        drive(ws, PATIENTS)
        ws.decide([Decision("pair", "p-f1A|q-f1A", field, False, "curator:ann")])
        drive(ws, PATIENTS)
        found = ids(ws)
        assert found["p-f1A"] != found["q-f1A"]


def test_a_curators_yes_links_without_equal_pictures(tmp_path: Path) -> None:
    with Workspace.create(tmp_path / "ws") as ws:
        fill(ws, "p", "q")
        ws.decide([Decision("pair", "p-f1A|q-f1B", "same_patient", True, "curator:ann")])
        drive(ws, PATIENTS)
        assert ids(ws)["p-f1A"] == ids(ws)["q-f1B"]


def test_a_curators_name_stays_and_the_group_takes_it(tmp_path: Path) -> None:
    with Workspace.create(tmp_path / "ws") as ws:
        fill(ws, "p", caption="CT of a 40-year-old man. (A) Day 2. (B) Day 9.")
        ws.decide([Decision("panel", "p-f1A", "patient", "ann-7", "curator:ann")])
        drive(ws, PATIENTS)
        assert set(ids(ws).values()) == {"ann-7"}
        assert ws.current("panel", "p-f1A")["patient"].by == "curator:ann"


def test_a_second_run_decides_nothing_new(tmp_path: Path) -> None:
    with Workspace.create(tmp_path / "ws") as ws:
        fill(ws, "p", "q")
        first = drive(ws, PATIENTS)
        before = len(ws.decisions(field="patient"))
        again = drive(ws, PATIENTS)
        assert (first.done, again.done, again.skipped) == (4, 0, 4)
        assert len(ws.decisions(field="patient")) == before


def test_cli(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with Workspace.create(tmp_path / "ws") as ws:
        fill(ws, "p")
    assert cli(["curate", "patients", "-w", str(tmp_path / "ws"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["counts"]["patients"] == 2
    assert cli(["curate", "patients", "-w", str(tmp_path / "ws")]) == 0
    assert "2 as before" in capsys.readouterr().out


def test_linking_goes_through_chains_and_names_conflict_stay_local() -> None:
    own = {"a": "p1", "b": "p2", "c": "p3", "d": "p4"}
    assert set(linked(own, [("a", "b"), ("c", "b")]).values()) == {"p1", "p4"}
    named = linked(own, [("a", "b"), ("b", "c")], named={"a": "ann", "c": "bob"})
    assert named == {"a": "ann", "b": "p1", "c": "bob", "d": "p4"}
    assert linked(own, [("a", "b")], parted=[("a", "b")]) == own
    assert linked(own, [("a", "nowhere")]) == own
