"""Every command that README, the pages of the site and ``--help`` print is typed into a real shell, page by page.

Each page is a session in a folder of its own, with loopback servers in the place of the services and ``COVIDCT_SCALE``,
which only makes the work smaller.
"""

import json
import os
import shlex
import shutil
import signal
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import click
import pytest
import session_folder
from printed import REPO, commands_of, ends_well, pages, snippets_of
from warm import covidct_on_path

from covidct.cli import cli
from covidct.commands.lazy import examples, words_of

SCALE = "0.02"
SECONDS = 600
NOT_RUN = {
    "pytest ": "tests are run by this very run",
    "python tests/extract/manuscripts.py": "draws and reads 40 manuscripts in a minute; tests/extract reads others",
    "python benchmarks/": "measurements of minutes to hours; they are started by hand",
}
"""Beginnings of commands that are not typed, each with the reason."""
WHOLE = os.environ.get("PRINTED_PAGES") == "all"
LONG = {
    "covidct harvest": "README and docs/harvest.md type these; the workspace is at hand",
    "covidct bench": "minutes: tests/train/test_docs_commands.py runs their like at tiny size",
    "covidct predict": "needs a run of bench",
    "covidct demo": "a minute each: tests/demo",
}
"""Beginnings of examples of ``--help`` that are passed over, as ``--json`` is, unless ``PRINTED_PAGES=all``."""
HELP = {"--help": [line for lines in examples().values() for line in lines]}
LEFT = {"README.md": ("run/summary.json", "run/report.html", "audit/audit.html")}
"""Files that a page's commands leave."""
TEXTS = {page.relative_to(REPO).as_posix(): page.read_text(encoding="utf-8") for page in pages()}
PAGES = {name: commands_of(text) for name, text in TEXTS.items()} | HELP
PRINTING = [name for name, lines in PAGES.items() if lines]
TRAINING = "tests/train/test_docs_commands.py runs its commands with small settings behind them"
WAITING = {
    **dict.fromkeys(("docs/tutorial-own-data.md", "docs/benchmarks.md", "docs/results/README.md"), TRAINING),
}
"""Pages that are passed over unless ``PRINTED_PAGES=all``, each with the reason."""
HERE = [
    pytest.param(name, marks=pytest.mark.skipif(not WHOLE, reason=WAITING[name])) if name in WAITING else name
    for name in PRINTING
]


def takes_json(words: list[str]) -> bool:
    """Whether the command of these words has ``--json`` and they do not use it yet."""
    command: click.Command = cli
    for word in words:
        context = click.Context(command)
        below = command.get_command(context, word) if isinstance(command, click.Group) else None
        if below is None:
            break
        command = below
    return "--json" not in words and any("--json" in option.opts for option in command.params)


class Shell:
    """A folder and the variables of a session."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self.folder, self.environment = folder, dict(environment)
        self.started: list[subprocess.Popen[str]] = []

    def type(self, command: str) -> str:
        """Run a command to its end, give what it printed; a failed assertion says how it ended."""
        done = self._start(command)
        printed, said = _closed(done) if "curate review" in command else done.communicate(timeout=SECONDS)
        code = done.returncode
        assert code in ends_well(command), f"{command}\nended with {code}\n{said[-1500:]}"
        if command.startswith("covidct curate review -w ws"):
            session_folder.take_what_waits(self.folder / "ws")
        return printed

    def _start(self, command: str) -> "subprocess.Popen[str]":
        pipe = subprocess.PIPE
        there = command.replace(session_folder.READER, self.environment.get("READER", session_folder.READER))
        process = subprocess.Popen(
            ["bash", "-c", _in_bash(there)],
            **{"cwd": self.folder, "env": self.environment, "stdout": pipe, "stderr": pipe, "text": True},
            start_new_session=True,
        )
        self.started.append(process)
        return process

    def close(self) -> None:
        """End what commands have left running in the background."""
        for process in self.started:
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                continue


def _in_bash(command: str) -> str:
    """A page is Ctrl-C'd itself and not through a shell; what is left running in the background holds no pipe."""
    if "curate review" in command:
        return f"exec {command}"
    return f"{{ {command} }} >/dev/null 2>&1" if command.endswith("&") else command


def _closed(page: "subprocess.Popen[str]") -> tuple[str, str]:
    """Ctrl-C as soon as the review page has said its address."""
    assert page.stdout is not None
    first = page.stdout.readline()
    page.send_signal(signal.SIGINT)
    printed, said = page.communicate(timeout=60)
    assert first.startswith("http://127.0.0.1:"), said
    return first + printed, said


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    """The folder that every session is a copy of, and its servers."""
    home = tmp_path_factory.mktemp("world")
    (home / "bin").mkdir()
    (home / "folder").mkdir()
    with covidct_on_path(home / "bin") as path:
        plain = {name: text for name, text in os.environ.items() if not name.startswith("COVIDCT_")}
        small = {"COVIDCT_SCALE": SCALE, "COVIDCT_CACHE": str(home / "cache"), "OMP_NUM_THREADS": "1"}
        shell = Shell(home / "folder", plain | small | {"PATH": path, "PYTHONPATH": str(REPO), "BROWSER": "/bin/true"})
        session_folder.build(shell.folder, lambda words: shell.type(f"covidct {words}"))
        with session_folder.services(shell.folder) as variables:
            shell.environment |= variables
            yield shell


@pytest.fixture
def session(world: Shell, tmp_path: Path) -> Iterator[Shell]:
    """A copy of the world for one page."""
    folder = tmp_path / "here"
    shutil.copytree(world.folder, folder, symlinks=True)
    shutil.copytree(folder / "papers", tmp_path / "shared" / "data" / "pdfs")
    home = {"HOME": str(folder), "COVIDCT_IMAGES": "COVID-CT", "MAKEFLAGS": "-n"}
    shell = Shell(folder, world.environment | home)
    yield shell
    shell.close()


def _wrong(session: Shell, line: str, with_json: bool = False) -> str:
    """What is wrong with a command as it stands, and with ``--json`` where it takes it; empty where nothing is."""
    try:
        session.type(line)
        if with_json and takes_json(words_of(line)):
            command, mark, comment = line.partition("  #")
            json.loads(session.type(f"{command} --json{mark}{comment}"))
    except (AssertionError, ValueError, subprocess.TimeoutExpired) as error:
        return f"{line}: {error}"
    return ""


@pytest.mark.parametrize("page", HERE)
def test_every_command_of_a_page_ends_as_the_page_says(page: str, session: Shell) -> None:
    passed_over = (*NOT_RUN, *(LONG if page == "--help" and not WHOLE else ()))
    lines = [line for line in PAGES[page] if not line.startswith(passed_over)]
    if not any(line.startswith("covidct harvest --") for line in lines):
        (session.folder / "curated").rename(session.folder / "ws")
    wrong = [why for line in lines if (why := _wrong(session, line, WHOLE and page == "--help"))]
    snippets = [f"python -c {shlex.quote(text)}" for text in snippets_of(TEXTS.get(page, ""))]
    wrong += [why for line in snippets if (why := _wrong(session, line))]
    assert not wrong, "\n\n".join(wrong)
    assert [name for name in LEFT.get(page, ()) if not (session.folder / name).is_file()] == []


def test_the_readme_names_the_whole_chain() -> None:
    steps = ("harvest --since", "curate auto", "curate review", "manifest build", "manifest audit", "bench --model")
    assert [step for step in steps if not any(line.startswith(f"covidct {step}") for line in PAGES["README.md"])] == []


def test_every_python_snippet_stands_on_a_page_that_is_run() -> None:
    assert [name for name, text in TEXTS.items() if snippets_of(text) and name not in PRINTING] == []


def test_what_is_not_run_is_printed_somewhere() -> None:
    printed = [line for lines in PAGES.values() for line in lines]
    assert [start for start in NOT_RUN if not any(line.startswith(start) for line in printed)] == []
    assert set(WAITING) <= set(PRINTING)
    assert [start for start in LONG if not any(line.startswith(start) for line in HELP["--help"])] == []
    assert sum(line.startswith(tuple(NOT_RUN)) for line in printed) <= len(printed) // 10
