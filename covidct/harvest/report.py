"""The record of a run: what was requested, what came, what is missing and why; complete, incomplete or failed."""

import contextlib
import datetime
import json
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from covidct.errors import ExitCode
from covidct.files import write_text

MOST_LINES = 20
"""Missing papers that the summary names; ``show papers --missing`` names all."""


@dataclass
class RunReport:
    """Filled while a run goes on; ``outcome`` says how it ended."""

    command: str
    options: dict[str, Any] = field(default_factory=dict)
    windows: list[dict[str, Any]] = field(default_factory=list)
    given: int = 0
    """Input files; each ends in ``done``, ``kept``, ``left`` or ``failed``."""
    listed: int = 0
    matched: int = 0
    done: list[str] = field(default_factory=list)
    """Papers that are here now and were not before, or were read anew."""
    kept: int = 0
    """Papers that were finished before."""
    withdrawn: list[str] = field(default_factory=list)
    missing: list[dict[str, Any]] = field(default_factory=list)
    """Papers that no source gave: id, DOI, reason, attempts."""
    failed: list[dict[str, Any]] = field(default_factory=list)
    """Documents that are here and cannot be read, and inputs that were refused."""
    doubts: list[dict[str, Any]] = field(default_factory=list)
    """Papers that were read and may hold more: paper, file, reason."""
    left: list[dict[str, Any]] = field(default_factory=list)
    """Input files that were not read, rightly: file and reason."""
    remarks: list[dict[str, Any]] = field(default_factory=list)
    """Input files that were read elsewhere than into a paper of their own: file and where."""
    notes: list[str] = field(default_factory=list)
    figures: int = 0
    rules: Counter[str] = field(default_factory=Counter)
    http: Counter[str] = field(default_factory=Counter)
    seconds: dict[str, float] = field(default_factory=dict)
    started: str = field(default_factory=lambda: _now())

    @contextlib.contextmanager
    def timed(self, part: str) -> Iterator[None]:
        """Measure a part of the run."""
        begun = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[part] = round(time.perf_counter() - begun, 3)

    def leave(self, file: str, reason: str) -> None:
        """Account for an input file that is not read."""
        self.left.append({"file": file, "reason": reason})
        self.notes.append(f"{file}: {reason}")

    def remark(self, file: str, reason: str) -> None:
        """Say where an input file went."""
        self.remarks.append({"file": file, "reason": reason})
        self.notes.append(f"{file}: {reason}")

    @property
    def holes(self) -> list[str]:
        """Parts of the feed that could not be read, or that hold fewer papers than announced."""
        found = []
        for window in self.windows:
            where = f"{window.get('server', '')} {window.get('since', '')}..{window.get('until', '')}".strip()
            found += [f"{where} {hole}" for hole in window.get("holes", [])]
            if not window.get("complete", True) and not window.get("holes") and not window.get("bad"):
                found.append(f"{where}: {window.get('papers')} papers of {window.get('expected')} announced")
        return found

    @property
    def exit_code(self) -> ExitCode:
        """Complete; incomplete where anything is missing; failed where nothing came of anything."""
        problems = self.missing or self.failed or self.doubts or self.holes
        if not problems:
            return ExitCode.COMPLETE
        return ExitCode.INCOMPLETE if self.done or self.kept or self.matched else ExitCode.FAILED

    @property
    def outcome(self) -> str:
        """``complete``, ``incomplete`` or ``failed``."""
        return {ExitCode.COMPLETE: "complete", ExitCode.INCOMPLETE: "incomplete"}.get(self.exit_code, "failed")

    def as_json(self) -> dict[str, Any]:
        """The machine-readable record."""
        return {
            "command": self.command,
            "outcome": self.outcome,
            "started": self.started,
            "ended": _now(),
            "seconds": self.seconds,
            "options": self.options,
            "given": self.given,
            "listed": self.listed,
            "matched": self.matched,
            "papers": len(self.done),
            "kept": self.kept,
            "figures": self.figures,
            "withdrawn": sorted(self.withdrawn),
            "missing": sorted(self.missing, key=lambda m: str(m.get("paper_id", ""))),
            "failed": sorted(self.failed, key=lambda m: str(m.get("file", m.get("paper_id", "")))),
            "incomplete": sorted(self.doubts, key=lambda m: str(m["paper_id"])),
            "left": sorted(self.left, key=lambda m: str(m["file"])),
            "holes": self.holes,
            "windows": self.windows,
            "notes": self.notes,
            "http": dict(sorted(self.http.items())),
            "rules": dict(sorted(self.rules.items())),
        }

    def write(self, folder: Path) -> Path:
        """Keep the record as ``harvest-latest.json`` and under its start time; returns the latter."""
        text = json.dumps(self.as_json(), ensure_ascii=False, indent=1) + "\n"
        path = folder / f"{self.command.split()[0]}-{self.started.replace(':', '')}.json"
        write_text(path, text)
        write_text(folder / "harvest-latest.json", text)
        return path

    def lines(self) -> list[str]:
        """The summary for a person."""
        words = [f"{len(self.done)} papers read, {self.figures} figures", f"{self.kept} finished before"]
        words += [f"{len(self.missing)} missing", f"{len(self.failed)} not read", f"{len(self.doubts)} incomplete"]
        words += [f"{len(self.left)} left out", f"{len(self.withdrawn)} withdrawn"]
        words[:0] = [f"{self.given} file{'s' if self.given > 1 else ''} given"] if self.given else []
        out = [f"{self.outcome}: " + ", ".join(word for word in words if not word.startswith("0 "))]
        out += [f"  {item.get('file') or item.get('paper_id')}: {item['reason']}" for item in self.failed]
        out += [f"  {item['file']}: {item['reason']}" for item in (*self.left, *self.remarks)]
        lacking = [
            f"  {item.get('file') or item['paper_id']}: {item['reason']}" for item in (*self.missing, *self.doubts)
        ]
        out += lacking[:MOST_LINES]
        if len(lacking) > MOST_LINES:
            out.append(f"  … and {len(lacking) - MOST_LINES} more: covidct show papers --missing")
        return out + [f"  {hole}" for hole in self.holes]


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
