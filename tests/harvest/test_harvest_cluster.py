"""The same command on a Dask cluster: same tables as locally, also when a worker dies in the middle."""

import os
import shutil
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from faultserver.corpus import make_corpus
from faultserver.server import serving

from covidct.cli import run
from covidct.workspace import Workspace
from covidct.workspace.check import check
from covidct.workspace.tables import rows

distributed = pytest.importorskip("distributed")

PAPERS = 10


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, silence_logs=50
    ) as running:
        yield running


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    with serving(make_corpus(PAPERS, seed=2)) as server:
        yield server.url


def harvest(url: str, workspace: Path, *more: str) -> int:
    window = ["--since", "2020-01-19", "--until", "2020-03-25", "--server", "medrxiv"]
    return run(["harvest", *window, "--api-url", url, "--site-url", url, "-w", str(workspace), *more])


def tables(workspace: Path, *names: str) -> list[list[dict[str, str]]]:
    with Workspace.open(workspace) as opened:
        assert check(opened, mend=False) == []
        return [list(rows(opened, name)) for name in names or ("papers", "figures")]


@pytest.fixture(scope="module")
def local(site: str, tmp_path_factory: pytest.TempPathFactory) -> list[list[dict[str, str]]]:
    workspace = tmp_path_factory.mktemp("local") / "ws"
    assert harvest(site, workspace, "--workers", "1") == 0
    return tables(workspace)


def test_a_cluster_gives_the_same_tables(
    cluster: Any, site: str, local: list[list[dict[str, str]]], tmp_path: Path
) -> None:
    assert harvest(site, tmp_path / "ws", "--scheduler", cluster.scheduler_address) == 0
    assert tables(tmp_path / "ws") == local and len(local[1]) == PAPERS


def test_a_shared_store_instead_of_bytes(
    cluster: Any, site: str, local: list[list[dict[str, str]]], tmp_path: Path
) -> None:
    scratch = f"file://{tmp_path}/scratch"
    (tmp_path / "scratch").mkdir()
    words = ["--scheduler", cluster.scheduler_address, "--scratch", scratch]
    assert harvest(site, tmp_path / "ws", *words) == 0
    assert tables(tmp_path / "ws") == local
    assert not list((tmp_path / "scratch").iterdir()), "what was put there is taken away again"


def test_a_worker_killed_in_the_middle_changes_nothing(
    cluster: Any, site: str, local: list[list[dict[str, str]]], tmp_path: Path
) -> None:
    victim = next(iter(cluster.workers.values())).pid
    workspace = tmp_path / "ws"
    killed: list[int] = []

    def kill_when_half_done() -> None:
        for _ in range(600):
            if (workspace / "files").is_dir() and len(list((workspace / "files").rglob("*.png"))) >= 3:
                os.kill(victim, signal.SIGKILL)
                killed.append(victim)
                return
            time.sleep(0.05)

    watcher = threading.Thread(target=kill_when_half_done)
    watcher.start()
    assert harvest(site, workspace, "--scheduler", cluster.scheduler_address) == 0
    watcher.join()
    assert killed == [victim]
    assert tables(workspace) == local


def test_curation_on_a_cluster_that_loses_a_worker_says_what_one_process_says(
    cluster: Any, site: str, tmp_path: Path
) -> None:
    assert harvest(site, tmp_path / "alone", "--workers", "1", "--limit", "3") == 0
    there = Path(shutil.copytree(tmp_path / "alone", tmp_path / "there"))
    assert run(["curate", "auto", "--workers", "1", "-w", str(tmp_path / "alone")]) == 0
    victim = next(iter(cluster.workers.values())).pid
    killed: list[int] = []

    def kill_when_a_figure_is_split() -> None:
        with Workspace.open(there) as opened:
            while not opened.connection.execute("SELECT 1 FROM steps_done WHERE step = 'split'").fetchone():
                time.sleep(0.02)
        os.kill(victim, signal.SIGKILL)
        killed.append(victim)

    watcher = threading.Thread(target=kill_when_a_figure_is_split)
    watcher.start()
    assert run(["curate", "auto", "--scheduler", cluster.scheduler_address, "-w", str(there)]) == 0
    watcher.join()
    assert killed == [victim]
    alone, here = (tables(workspace, "panels", "decisions") for workspace in (tmp_path / "alone", there))
    assert alone == here and len(alone[0]) == 3


def test_no_scheduler_there_is_one_line(site: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert harvest(site, tmp_path / "ws", "--scheduler", "nonsense://x") == 1
    assert "no Dask scheduler answers" in capsys.readouterr().err
