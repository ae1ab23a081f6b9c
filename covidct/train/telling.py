"""What a training run tells: behind the bar on a terminal, a line an epoch elsewhere, TensorBoard if asked."""

import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from covidct.errors import UsageError
from covidct.extras import needed
from covidct.progress import beside_bar, quiet
from covidct.tables import say

LOGS = ("csv", "tensorboard")
"""``csv`` is history.csv, which every run leaves; ``tensorboard`` writes event files beside it as well."""
EVENTS = "tensorboard"


def tell(label: str, words: str) -> None:
    """``words`` behind the bar where one is shown, else as a line on standard error, unless quiet was asked for."""
    if not beside_bar(words) and not sys.stderr.isatty() and not quiet():
        say(f"{label}: {words}", err=True)


class Clock:
    """Time left of ``count`` equal pieces of work, by the mean of those done since it was made."""

    def __init__(self, count: int) -> None:
        self.begun, self.left, self.done = time.monotonic(), count, 0

    def tick(self) -> str:
        """One more piece is done; the time left in words."""
        self.done, self.left = self.done + 1, self.left - 1
        return f"{time_text((time.monotonic() - self.begun) / self.done * self.left)} left"


class Teller:
    """Tells the finished epochs of a training of ``epochs``, of which ``done`` were finished before."""

    def __init__(self, folder: Path, epochs: int, done: int, log: str = "csv") -> None:
        self.folder, self.epochs, self.clock = folder, epochs, Clock(epochs - done)
        self.writer = _writer_class()(str(folder / EVENTS)) if log == "tensorboard" else None

    def epoch(self, line: Mapping[str, float]) -> None:
        """One line of history: ``epoch`` counted from 1, ``train_loss``, ``val_auc``, and what else is there."""
        number = int(line["epoch"])
        scores = f"loss {line['train_loss']:.4f}, validation AUC {line['val_auc']:.3f}"
        tell(self.folder.name, f"epoch {number} of {self.epochs}, {scores}, {self.clock.tick()}")
        if self.writer is not None:
            for name, value in line.items():
                self.writer.add_scalar(name, value, number)
            self.writer.flush()


def time_text(seconds: float) -> str:
    """``1 h 05 min``, ``12 min`` or ``40 s``."""
    minutes = round(seconds / 60)
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{minutes // 60} h {minutes % 60:02d} min" if minutes >= 60 else f"{minutes} min"


def check_log(log: str) -> None:
    """A UsageError before any training where ``--log tensorboard`` cannot be written."""
    if log not in LOGS:
        raise UsageError(f"log {log}: use {' or '.join(LOGS)}")
    if log == "tensorboard":
        _writer_class()


def _writer_class() -> Any:
    needed("tensorboard", "tensorboard", "--log tensorboard")
    from torch.utils.tensorboard import SummaryWriter

    return SummaryWriter
