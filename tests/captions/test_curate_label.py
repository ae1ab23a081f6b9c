"""Labels on a workspace: by letter, by order, by mention and title; once; a curator's word stays."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from covidct.cli import run as cli
from covidct.curate.steps import LABEL, SPLIT_CAPTION
from covidct.records import Decision, Figure, Panel, Paper
from covidct.steps import StepReport, drive
from covidct.workspace import Workspace


def fill(ws: Workspace, caption: str, letters: list[str], **more: object) -> None:
    ws.save_papers([Paper("p", "file", title=str(more.get("title", "")), abstract=str(more.get("abstract", "")))])
    mentions = more.get("mentions", ())
    assert isinstance(mentions, tuple)
    ws.replace_figures("p", [Figure("p-f1", "p", caption=caption, mentions=mentions)])
    boxes = [(i * 50.0, 0.0, i * 50.0 + 40, 40.0) for i in range(len(letters))]
    made = [Panel(f"p-f1-{i}", "p-f1", letter, box) for i, (letter, box) in enumerate(zip(letters, boxes, strict=True))]
    ws.replace_panels("p-f1", made)


def read(ws: Workspace) -> StepReport:
    drive(ws, SPLIT_CAPTION)
    return drive(ws, LABEL)


def labels(ws: Workspace) -> list[str]:
    return [panel.label for panel in ws.panels()]


def test_panels_are_labelled_by_their_letter_with_evidence(tmp_path: Path) -> None:
    with Workspace.create(tmp_path / "ws") as ws:
        fill(ws, "CT. (A) A man with COVID-19. (B) A man with influenza.", ["B", "a"])
        report = read(ws)
        assert labels(ws) == ["negative", "positive"]
        assert [panel.sub_caption for panel in ws.panels()] == ["A man with influenza.", "A man with COVID-19."]
        decision = ws.current("panel", "p-f1-1")["label"]
        assert decision.by.startswith("rule:captions@") and "man with COVID-19" in decision.why
        start, end = decision.evidence["start"], decision.evidence["end"]
        assert ws.figures()[0].caption[start:end] == decision.evidence["text"] == "man with COVID-19"
        assert report.done == 1 and report.counts["positive"] == report.counts["negative"] == 1


def test_letters_by_order_carry_no_label_across_classes(tmp_path: Path) -> None:
    with Workspace.create(tmp_path / "ws") as ws:
        fill(ws, "(A) A man with COVID-19. (B) A healthy volunteer.", ["", ""])
        read(ws)
        assert labels(ws) == ["unclear", "unclear"]
        evidence = [ws.current("panel", panel.panel_id)["label"].evidence for panel in ws.panels()]
        assert [(e["suggested"], e["refused"]) for e in evidence] == [
            ("positive", "letter-inferred"),
            ("negative", "letter-inferred"),
        ]
        fill(ws, "(A) A man with COVID-19. (B) A woman with COVID-19.", ["", ""])
        read(ws)
        assert labels(ws) == ["positive", "positive"]


def test_a_panel_whose_letter_is_not_known_stays_unclear_where_panels_differ(tmp_path: Path) -> None:
    with Workspace.create(tmp_path / "ws") as ws:
        fill(ws, "(A) A man with COVID-19. (B) A healthy volunteer.", ["", "", ""])
        read(ws)
        assert labels(ws) == ["unclear"] * 3
        assert "letter" in ws.panels()[0].label_evidence


@pytest.mark.parametrize(
    ("more", "label_expected"),
    [
        ({}, "unclear"),
        ({"mentions": ("He tested positive for SARS-CoV-2 (Fig. 1).",)}, "positive"),
        ({"title": "Pulmonary tuberculosis in a miner"}, "negative"),
        ({"abstract": "We report a man who was diagnosed with COVID-19."}, "positive"),
        ({"mentions": ("Biopsy confirmed lymphoma (Fig. 1).",), "title": "COVID-19 or not?"}, "negative"),
    ],
)
def test_mentions_then_title_then_abstract(more: dict[str, object], label_expected: str, tmp_path: Path) -> None:
    with Workspace.create(tmp_path / "ws") as ws:
        fill(ws, "CT on day 3.", [""], **more)
        read(ws)
        assert labels(ws) == [label_expected]


def test_the_date_of_the_paper_makes_controls_and_doubts_what_it_names(tmp_path: Path) -> None:
    with Workspace.create(tmp_path / "ws") as ws:
        for date, caption, title, way, refused in (
            ("2014-05-01", "CT on day 3.", "A miner's cough", "before-outbreak", ""),
            ("2014-05-01", "CT of a man with sarcoidosis.", "A miner's cough", "before-outbreak", ""),
            ("2014", "CT of a man with COVID-19.", "A miner's cough", "stated", "older-than-the-disease"),
            ("2020-05-01", "CT of a man with sarcoidosis.", "A miner's cough", "stated-other", ""),
        ):
            fill(ws, caption, [""], title=title)
            ws.save_papers([replace(ws.papers()[0], date=date)])
            read(ws)
            found = ws.current("panel", "p-f1-0")["label"].evidence
            assert (found["way"], found["refused"]) == (way, refused)


def test_a_second_run_does_nothing_and_a_changed_caption_is_read_again(tmp_path: Path) -> None:
    with Workspace.create(tmp_path / "ws") as ws:
        fill(ws, "CT of a man with COVID-19.", [""])
        read(ws)
        again = read(ws)
        assert (again.done, again.skipped, len(ws.decisions(field="label"))) == (0, 1, 1)
        fill(ws, "CT of a man without COVID-19.", [""])
        assert read(ws).done == 1
        assert labels(ws) == ["negative"]


def test_a_curators_label_stays_in_force(tmp_path: Path) -> None:
    with Workspace.create(tmp_path / "ws") as ws:
        fill(ws, "CT of a man with COVID-19.", [""])
        ws.decide([Decision("panel", "p-f1-0", "label", "unclear", "curator:ann")])
        read(ws)
        assert labels(ws) == ["unclear"]


def test_cli_on_the_workspace(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with Workspace.create(tmp_path / "ws") as ws:
        fill(ws, "(A) CT of a man with COVID-19. (B) Axial view.", ["A", "B"])
    assert cli(["curate", "split-caption", "-w", str(tmp_path / "ws")]) == 0
    assert "2 by letter" in capsys.readouterr().out
    assert cli(["curate", "label", "-w", str(tmp_path / "ws"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["counts"]["positive"] == 2
    assert cli(["curate", "label", "-w", str(tmp_path / "none")]) == 2
