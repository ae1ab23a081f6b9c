"""``curate status``: what is left, counted by the database."""

import time
import tracemalloc
from pathlib import Path

import pytest

from covidct.records import Decision, Dropped, Figure, Panel, Paper
from covidct.workspace import Pair, Workspace
from covidct.workspace.status import status_of
from covidct.workspace.tables import COLUMNS, rows


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


@pytest.mark.parametrize("table", sorted(COLUMNS))
def test_no_table_is_held_in_memory_to_be_printed(ws: Workspace, table: str) -> None:
    ws.decide([say("f0", "kind", "ct_axial_lung"), say("f0", "label", "positive", accepted=True)])
    ws.record_dropped("split", "1", "f0", [Dropped("a panel", "too small", rule="small")])
    peaks = [_peak(ws, table)]
    with ws.transaction() as connection:
        for name in ("papers", "figures", "panels", "decisions", "in_force", "dropped"):
            columns = [row[1] for row in connection.execute(f"PRAGMA table_info({name})")]
            copied = {column: column for column in columns}
            copied |= {key: f"{key} || '-' || counted.n" for key in KEYS if key in columns}
            copied |= {"decision_id": "decision_id + 1000 * counted.n"} if name in ("decisions", "in_force") else {}
            chosen = ", ".join(copied[column] for column in columns)
            connection.execute(f"{COUNTED} INSERT INTO {name} SELECT {chosen} FROM {name}, counted")
    peaks.append(_peak(ws, table))
    assert peaks[1] < peaks[0] + 100_000


KEYS = ("paper_id", "figure_id", "panel_id", "entity_id", "item")
COUNTED = "WITH RECURSIVE counted(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counted WHERE n < 1000)"


def _peak(ws: Workspace, table: str) -> int:
    """Bytes of Python objects at most while the rows of ``table`` go by."""
    tracemalloc.start()
    count = sum(1 for _ in rows(ws, table))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert count > 0
    return peak
