"""``curate status``: what is left, counted by the database."""

import time
from pathlib import Path

import pytest

from covidct.records import Decision, Figure, Panel, Paper
from covidct.workspace import Pair, Workspace
from covidct.workspace.status import status_of


@pytest.fixture
def ws(tmp_path: Path) -> Workspace:
    opened = Workspace.create(tmp_path / "ws")
    opened.save_papers([Paper("p", "file")])
    opened.replace_figures("p", [Figure("f", "p"), Figure("g", "p", label="Figure 2")])
    places = [(k * 20.0, 0.0, k * 20.0 + 10, 10.0) for k in range(4)]
    opened.replace_panels("f", [Panel(f"f{k}", "f", box=place) for k, place in enumerate(places)])
    return opened


def say(panel: str, field: str, value: object, by: str = "rule:r@1", **evidence: object) -> Decision:
    return Decision("panel", panel, field, value, by, evidence=evidence)


def test_what_is_left(ws: Workspace) -> None:
    ws.decide(say(f"f{k}", "kind", "ct_axial_lung") for k in range(3))
    ws.decide([say("f0", "label", "positive", accepted=True), say("f1", "label", "positive", accepted=False)])
    ws.decide([say("f0", "mask", {"identifying": "yes"}), say("f1", "mask", {"boxes": []})])
    ws.decide([say("f2", "label", "unclear", "curator:ann"), say("f0", "patient", "x")])
    ws.save_pairs([Pair("f0", "f1", 0.9), Pair("f1", "f2", 0.9)])
    ws.decide([Decision("pair", "f0|f1", "duplicate", True, "curator:ann")])
    found = status_of(ws)
    assert {name: count for name, count in found.items() if count} == {
        "papers": 1,
        "figures": 2,
        "panels": 4,
        "panels without a kind": 1,
        "axial lung CT": 3,
        "... labelled unclear": 1,
        "... kept out of releases": 1,
        "... label seen by a person": 1,
        "... without a mask": 1,
        "... not scanned for identity": 1,
        "... with identifying text": 1,
        "... without a patient": 2,
        "duplicate pairs": 2,
        "... seen by a person": 1,
    }


def test_fifty_thousand_panels_are_counted_in_a_second(ws: Workspace) -> None:
    with ws.transaction() as connection:
        copy = "INSERT INTO panels SELECT 'n' || value, {} FROM panels, generate WHERE panel_id = 'f0'"
        columns = [row[1] for row in connection.execute("PRAGMA table_info(panels)")][1:]
        many = (
            "WITH RECURSIVE generate(value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM generate WHERE value < 50000) "
        )
        connection.execute(many + copy.format(", ".join(columns)))
        connection.execute("UPDATE panels SET kind = 'ct_axial_lung'")
    start = time.process_time()
    assert status_of(ws)["axial lung CT"] == 50_004
    assert time.process_time() - start < 1.0
