"""SIGKILL at random points: a short form of ``benchmarks/harvest_kill.py``, with the real process and a real kill."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

from faultserver.corpus import make_corpus
from faultserver.server import serving

from covidct.workspace import Workspace
from covidct.workspace.check import check
from covidct.workspace.schema import DATABASE
from covidct.workspace.tables import rows

REPO = Path(__file__).resolve().parents[2]


def command(url: str, workspace: Path) -> list[str]:
    window = ["--since", "2020-01-19", "--until", "2020-03-25", "--server", "medrxiv", "--workers", "1"]
    where = ["--api-url", url, "--site-url", url, "-w", str(workspace)]
    return [sys.executable, "-m", "covidct", "harvest", *window, *where]


def start(url: str, workspace: Path) -> "subprocess.Popen[bytes]":
    environment = {**os.environ, "PYTHONPATH": str(REPO), "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(command(url, workspace), env=environment, stdout=subprocess.DEVNULL)


def tables(workspace: Path) -> list[list[dict[str, str]]]:
    with Workspace.open(workspace) as opened:
        assert check(opened, mend=False) == []
        return [list(rows(opened, name)) for name in ("papers", "figures")]


def kill_at(process: "subprocess.Popen[bytes]", workspace: Path, pictures: int, pause: float) -> None:
    """Kill when so many pictures are stored, and a little later."""
    end = time.monotonic() + 60
    while time.monotonic() < end and process.poll() is None:
        if len(list(workspace.rglob("*.png"))) >= pictures:
            time.sleep(pause)
            break
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()


def test_killed_and_started_again_ends_with_the_same_tables(tmp_path: Path) -> None:
    rng = random.Random(4)
    with serving(make_corpus(8, seed=6)) as server:
        calm = tmp_path / "calm"
        assert start(server.url, calm).wait(120) == 0
        wanted = tables(calm)
        workspace = tmp_path / "killed"
        for pictures in (0, 4):
            kill_at(start(server.url, workspace), workspace, pictures, rng.uniform(0, 0.1))
            if (workspace / DATABASE).exists():
                tables(workspace)
        asked = server.asked(r"full\.pdf$")
        assert start(server.url, workspace).wait(120) == 0
        assert tables(workspace) == wanted and len(wanted[0]) == 8
        assert server.asked(r"full\.pdf$") - asked < 8, "what was finished before the kills is not asked for again"
        assert not list((workspace / "parts").glob("*")), "no piece of a download is left behind"
