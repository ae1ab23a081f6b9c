"""A review page that is served: from a thread of this process, or by the command as a process of its own."""

import os
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from covidct.curate.review import server
from covidct.workspace.workspace import Workspace

READY = "html[data-ready=yes]"
"""What a page shows when all of it stands."""
SETTLED = "() => Promise.allSettled(document.getAnimations().map(animation => animation.finished))"
"""Run in a page: returns when no colour is on its way to another."""


@dataclass
class Live:
    """A running review page and the workspace behind it, seen through a connection of the test's own."""

    url: str
    workspace: Workspace


@dataclass
class Spawned:
    """``covidct curate review`` as a process of its own."""

    process: subprocess.Popen[str]
    url: str

    def kill(self) -> None:
        """SIGKILL: no good-bye."""
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def stop(self, how: int = signal.SIGINT) -> int:
        """Ctrl-C, or a polite kill."""
        self.process.send_signal(how)
        return self.process.wait(timeout=20)


@contextmanager
def serving(folder: Path, blind: bool = False, curator: str = "dana") -> Iterator[Live]:
    """Serve a workspace from a thread of this process."""
    with Workspace.open(folder) as served, Workspace.open(folder) as seen:
        session = server.open_session(folder, "127.0.0.1", 0)
        site = server.prepare(served, session, curator, blind)
        thread = threading.Thread(target=site.run, kwargs={"sockets": [session.listener]}, daemon=True)
        thread.start()
        yield Live(session.url, seen)
        site.should_exit = True
        thread.join(timeout=10)
