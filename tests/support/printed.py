"""The shell commands that README and the pages print, as they stand there."""

import re
from pathlib import Path

REPO = Path(__file__).resolve().parents[2]
PROGRAMS = ("covidct", "python", "pytest", "make", "pip", "cp", "git", "dask", "eval", "export", "pre-commit")
_LINE = re.compile(rf"^    ((?:{'|'.join(PROGRAMS)})\b.*)$", re.M)
_SAID = re.compile(r"exit code (\d)")


def pages() -> list[Path]:
    """README, CONTRIBUTING and every page of the site that is written by hand."""
    return [REPO / "README.md", REPO / "CONTRIBUTING.md", *sorted((REPO / "docs").rglob("*.md"))]


def commands_of(text: str) -> list[str]:
    """The lines of indented blocks that call a program, comments and all."""
    return [line.rstrip() for line in _LINE.findall(text)]


def covidct_lines(text: str) -> list[str]:
    """What follows ``covidct`` in the commands of ``text``, without comments."""
    lines = (line.partition("#")[0].strip() for line in commands_of(text) if line.startswith("covidct "))
    return [line.removeprefix("covidct ") for line in lines]


def snippets_of(text: str) -> list[str]:
    """The Python that a page shows between fences."""
    return re.findall(r"^```python\n(.*?)^```", text, re.M | re.S)


def ends_well(command: str) -> set[int]:
    """The exit codes that the page lets its reader expect: 0, and those that the comment names."""
    return {0, *map(int, _SAID.findall(command))}
