"""A heavy step for tests of engines: importable in worker processes."""

import os
import signal
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from covidct.records import Decision
from covidct.steps import Item, Outcome, Step


def items(workspace: Any) -> Iterable[Item]:
    """One item for each panel."""
    for panel in workspace.panels():
        yield Item(panel.panel_id, panel.sha256, (panel.panel_id, panel.sha256))


def run(item: Item) -> Outcome:
    """Decides the number of the process's own picture; some fail, one kills its process, all may leave its number."""
    name, digest = item.value
    if name == os.environ.get("SLOW_STEP_FAILS"):
        raise ValueError("this one is bad")
    if name == os.environ.get("SLOW_STEP_KILLS"):
        os.kill(os.getpid(), signal.SIGKILL)
    if mark := os.environ.get("SLOW_STEP_MARKS"):
        (Path(mark) / str(os.getpid())).touch()
    time.sleep(float(os.environ.get("SLOW_STEP_SECONDS", "0")))
    return Outcome([Decision("panel", name, "sub_caption", digest[:8], "")], counts={"seen": 1})


STEP = Step("slow", ("slow_step",), items, run, heavy=True)
