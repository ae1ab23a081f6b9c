"""Steps on worker processes and on a Dask cluster: the same tables as in one process, whatever dies."""

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import review_corpus
import slow_step
from until import until

import covidct
from covidct.steps import drive, open_engine
from covidct.steps.engine import Workers
from covidct.workspace import Workspace


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made") / "ws"
    review_corpus.build(folder, papers=2).close()
    return folder


@pytest.fixture
def workspace(made: Path, tmp_path: Path) -> Iterator[Workspace]:
    with Workspace.open(Path(shutil.copytree(made, tmp_path / "ws"))) as opened:
        yield opened


def words(workspace: Workspace) -> list[tuple[str, str, Any, str]]:
    return [(d.entity_id, d.field, d.value, d.by) for d in workspace.decisions(field="sub_caption")]


@pytest.fixture
def expected(made: Path, tmp_path: Path) -> list[tuple[str, str, Any, str]]:
    with Workspace.open(Path(shutil.copytree(made, tmp_path / "plain"))) as plain:
        drive(plain, slow_step.STEP)
        return words(plain)


def test_worker_processes_give_what_one_process_gives(workspace: Workspace, expected: list[Any]) -> None:
    with open_engine(workers=2) as engine:
        report = drive(workspace, slow_step.STEP, engine)
    assert words(workspace) == expected and report.done == len(expected) and not report.failed


def test_a_bad_item_and_a_killed_worker_cost_one_item_each(
    workspace: Workspace, expected: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    panels = [panel.panel_id for panel in workspace.panels()]
    monkeypatch.setenv("SLOW_STEP_FAILS", panels[2])
    monkeypatch.setenv("SLOW_STEP_KILLS", panels[5])
    engine = Workers(2)
    try:
        report = drive(workspace, slow_step.STEP, engine)
    finally:
        engine.close()
    assert {name for name, _ in report.failed} == {panels[2], panels[5]}
    assert "this one is bad" in dict(report.failed)[panels[2]] and "lost" in dict(report.failed)[panels[5]]
    assert words(workspace) == [word for word in expected if word[0] not in (panels[2], panels[5])]
    monkeypatch.delenv("SLOW_STEP_FAILS")
    monkeypatch.delenv("SLOW_STEP_KILLS")
    assert drive(workspace, slow_step.STEP).done == 2


COMMAND = """
import sys
from pathlib import Path
import slow_step
from covidct.steps import drive, open_engine
from covidct.workspace import Workspace
if __name__ == "__main__":
    with Workspace.open(Path(sys.argv[1])) as workspace, open_engine(workers=2) as engine:
        drive(workspace, slow_step.STEP, engine)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="other systems tell nobody that a parent is gone")
def test_a_killed_command_leaves_no_worker(workspace: Workspace, tmp_path: Path) -> None:
    script = tmp_path / "command.py"
    script.write_text(COMMAND)
    marks = tmp_path / "marks"
    marks.mkdir()
    paths = os.pathsep.join([str(Path(slow_step.__file__).parent), str(Path(covidct.__file__).parents[1])])
    environment = {**os.environ, "SLOW_STEP_SECONDS": "60", "SLOW_STEP_MARKS": str(marks), "PYTHONPATH": paths}
    command = subprocess.Popen([sys.executable, str(script), str(workspace.folder)], env=environment)
    until(lambda: len(list(marks.iterdir())) == 2)
    os.kill(command.pid, signal.SIGKILL)
    command.wait()
    workers = [mark.name for mark in marks.iterdir()]
    until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in workers), seconds=40)


def test_a_light_step_stays_in_this_process(workspace: Workspace) -> None:
    from covidct.curate.steps import SPLIT_CAPTION

    with open_engine(workers=2) as engine:
        drive(workspace, SPLIT_CAPTION, engine)
        assert isinstance(engine, Workers) and engine._pool is None


def test_a_cluster_gives_the_same_also_when_a_worker_is_killed(
    workspace: Workspace, expected: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    distributed = pytest.importorskip("distributed")
    monkeypatch.setenv("SLOW_STEP_SECONDS", "0.2")
    support = str(Path(slow_step.__file__).parent)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([support, os.environ.get("PYTHONPATH", "")]))
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, silence_logs=50
    ) as cluster:
        victim = next(iter(cluster.workers.values())).pid
        threading.Thread(target=lambda: (time.sleep(0.7), os.kill(victim, signal.SIGKILL)), daemon=True).start()
        with open_engine(scheduler=cluster.scheduler_address) as engine:
            report = drive(workspace, slow_step.STEP, engine)
    assert not report.failed and words(workspace) == expected
