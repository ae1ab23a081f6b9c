"""SIGKILL at random points of a harvest, then a restart: are the tables those of an undisturbed run?

    python benchmarks/harvest_kill.py --papers 100 --kills 25

Each point is a run of its own: a new workspace, the real command killed after a random time, the workspace's own
integrity check, the command again, the check again, then ``show papers`` and ``show figures`` compared byte for byte.
"""

import argparse
import json
import random
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

from harvest_faults import environment, fault_server, harvest, harvest_command, table


def problems(workspace: Path) -> list[str]:
    """The workspace's own integrity check; a workspace that was not made yet has no problem."""
    from covidct.workspace import Workspace
    from covidct.workspace.check import check

    if not (workspace / "workspace.sqlite").exists() and not list(workspace.glob("*.sqlite*")):
        return []
    with Workspace.open(workspace) as opened:
        return [f"{one.what} {one.problem}" for one in check(opened, mend=False)]


def killed_run(url: str, workspace: Path, seconds: float) -> bool:
    """Start the command and kill it after ``seconds``; whether it was still running."""
    command = harvest_command(url, workspace)
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment())
    try:
        process.wait(timeout=seconds)
        return False
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        process.wait()
        return True


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--papers", type=int, default=100)
    parser.add_argument("--kills", type=int, default=25)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    rng = random.Random(options.seed)
    failures: list[str] = []
    with tempfile.TemporaryDirectory() as folder, fault_server("--papers", str(options.papers)) as url:
        calm = Path(folder) / "calm"
        harvest(url, Path(folder) / "warm-up")
        begun = time.perf_counter()
        if harvest(url, calm)["exit"] != 0:
            raise SystemExit("the undisturbed run is not complete")
        lasted = time.perf_counter() - begun
        wanted = [table(calm, name) for name in ("papers", "figures")]
        for number in range(options.kills):
            seconds = rng.uniform(0.2, lasted * 0.95)
            workspace = Path(folder) / f"killed-{number}"
            while not killed_run(url, workspace, seconds):  # it was quicker this time: an earlier point
                shutil.rmtree(workspace)
                seconds *= rng.uniform(0.5, 0.9)
            where = f"kill {number} after {seconds:.2f} s"
            failures += [f"{where}: {problem}" for problem in problems(workspace)]
            if harvest(url, workspace)["exit"] != 0:
                failures.append(f"{where}: the restart did not end complete")
            failures += [f"{where}: after the restart {problem}" for problem in problems(workspace)]
            if [table(workspace, name) for name in ("papers", "figures")] != wanted:
                failures.append(f"{where}: tables differ")
    report = {"papers": options.papers, "undisturbed_seconds": round(lasted, 1), "kills": options.kills}
    print(json.dumps({**report, "failures": failures}, indent=1))


if __name__ == "__main__":
    main()
