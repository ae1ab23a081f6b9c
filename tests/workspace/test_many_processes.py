"""Real processes on one workspace: none loses a write, a curator is not kept waiting, a killed one leaves no half."""

import signal
import subprocess
import sys
import time
from pathlib import Path

from covidct.records import Decision, Paper
from covidct.workspace import Workspace
from covidct.workspace.check import check

WRITER = """
import sys, pathlib
from covidct.records import Paper
from covidct.workspace import Workspace
with Workspace.create(pathlib.Path(sys.argv[1])) as ws:
    for turn in range(int(sys.argv[3])):
        ws.save_papers([Paper(f'{sys.argv[2]}-{turn}-{i}', 'file', title='t' * 2000) for i in range(300)])
"""
CURATOR = """
import sys, pathlib
from covidct.records import Decision
from covidct.workspace import Workspace
with Workspace.create(pathlib.Path(sys.argv[1])) as ws:
    for i in range(40):
        ws.decide([Decision('panel', f'p{i}', 'label', 'positive', 'curator:' + sys.argv[2])])
"""


def start(code: str, *words: str) -> "subprocess.Popen[bytes]":
    return subprocess.Popen([sys.executable, "-c", code, *words])


def test_writers_and_curators_at_once_lose_nothing(tmp_path: Path) -> None:
    folder = str(tmp_path / "ws")
    running = [start(WRITER, folder, name, "3") for name in "ab"] + [start(CURATOR, folder, name) for name in "xy"]
    assert [process.wait(120) for process in running] == [0, 0, 0, 0]
    with Workspace.open(tmp_path / "ws") as ws:
        assert len(ws.papers()) == 1800 and len(ws.decisions(by="curator:")) == 80 and check(ws, mend=False) == []


def test_a_decision_lands_while_a_harvest_writes(tmp_path: Path) -> None:
    with Workspace.create(tmp_path / "ws") as ws:
        writer = start(WRITER, str(tmp_path / "ws"), "w", "400")
        try:
            while not ws.papers() and writer.poll() is None:
                time.sleep(0.02)
            waits = []
            for i in range(30):
                begun = time.perf_counter()
                ws.decide([Decision("panel", f"p{i}", "label", "positive", "curator:ann")])
                waits.append(time.perf_counter() - begun)
            assert writer.poll() is None, "the writer must still be at work for this to mean anything"
        finally:
            writer.kill()
            writer.wait()
        assert len(ws.decisions(by="curator:")) == 30
        assert sorted(waits)[15] < 1.0


def test_killed_writer_leaves_whole_batches_and_no_lock(tmp_path: Path) -> None:
    with Workspace.create(tmp_path / "ws") as ws:
        writer = start(WRITER, str(tmp_path / "ws"), "w", "500")
        while len(ws.papers()) < 300 and writer.poll() is None:
            time.sleep(0.02)
        writer.send_signal(signal.SIGKILL)
        writer.wait()
        assert check(ws, mend=False) == [] and len(ws.papers()) % 100 == 0
        ws.save_papers([Paper("after", "file")])
        assert ws.paper("after") is not None
