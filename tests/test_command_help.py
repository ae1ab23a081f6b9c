"""Every command shows its use: examples that parse, suggestions for mistyped names, global flags on either side."""

import re
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import requires
from pathlib import Path

import click
import pytest
from printed import pages

from covidct import extras
from covidct.cli import cli, global_first, run
from covidct.commands.lazy import examples, words_of


def commands(group: click.Group = cli, path: str = "") -> Iterator[tuple[str, click.Command]]:
    """Path and command of everything that can be called."""
    context = click.Context(group, info_name=path)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        here = f"{path} {name}".strip()
        if isinstance(command, click.Group):
            yield from commands(command, here)
        if not isinstance(command, click.Group) or command.invoke_without_command:
            yield here, command


def test_every_command_has_examples_and_every_example_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    wrong = [path for path, _ in commands() if path not in examples()]
    for path, lines in examples().items():
        for line in lines:
            make_inputs(words_of(line))
            try:
                parse(words_of(line))
            except click.ClickException as error:
                wrong.append(f"{path}: {line}: {error.format_message()}")
    assert not wrong


def test_every_command_line_of_the_documentation_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """README and docs show commands as people type them: each must be one that the program takes."""
    lines = [
        (page, line) for page in pages() for line in re.findall(r"^    (covidct [^>|&\n]+)", page.read_text(), re.M)
    ]
    monkeypatch.chdir(tmp_path)
    wrong = []
    for page, line in lines:
        words = words_of(line)
        make_inputs(words)
        try:
            parse(words)
        except (click.ClickException, ValueError) as error:
            wrong.append(f"{page.name}: {line}: {error}")
    assert len(lines) > 40 and not wrong, "\n".join(wrong)


def make_inputs(words: list[str]) -> None:
    """Files and folders of the names that stand in an example, where click looks whether they are there."""
    for word in words:
        if re.fullmatch(r"[\w/.-]+", word) and not word.startswith("-"):
            path = Path(word)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch() if re.fullmatch(r"\.\D\w*", path.suffix) else path.mkdir(parents=True, exist_ok=True)


def parse(words: list[str]) -> None:
    """Let click read the words down to the last subcommand, without running anything."""
    command: click.Command | None = cli
    context = None
    while command is not None:
        context = click.Context(command, info_name=command.name, parent=context)
        command.parse_args(context, list(words))
        words = [*context._protected_args, *context.args]
        if not isinstance(command, click.Group) or not words:
            return
        _, command, words = command.resolve_command(context, words)


def test_the_help_of_a_command_ends_with_its_examples(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["curate", "split-figure", "--help"]) == 0
    assert "covidct curate split-figure figure1.png --json" in capsys.readouterr().out


@pytest.mark.parametrize(("typed", "meant"), [(["harvst"], "harvest"), (["curate", "lable"], "label")])
def test_a_mistyped_command_is_answered_with_the_one_meant(
    typed: list[str], meant: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(typed) == 2
    assert f"Did you mean {meant}?" in capsys.readouterr().err


def test_global_flags_may_stand_behind_the_command() -> None:
    assert global_first(["curate", "auto", "-v", "-w", "ws", "--debug"]) == [
        "-v",
        "--debug",
        "curate",
        "auto",
        "-w",
        "ws",
    ]
    assert global_first(["predict", "--run", "r", "--", "-v"]) == ["predict", "--run", "r", "--", "-v"]


def test_a_missing_extra_is_one_line_before_any_work(tmp_path: Path) -> None:
    """The training libraries are hidden from a real process; the command must not even open the release."""
    hide = "import sys; sys.modules['torch'] = None; import covidct.__main__ as m; sys.exit(m.main())"
    done = subprocess.run(
        [sys.executable, "-c", hide, "bench", "--model", "crnet", "--out", str(tmp_path / "run")],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        timeout=60,
    )
    assert done.returncode == 2
    assert re.fullmatch(r"covidct: .* needs torch: pip install 'covidct\[train\]'\n", done.stderr)
    assert not list(tmp_path.iterdir())


def test_the_extras_are_those_of_the_package() -> None:
    declared = set(re.findall(r"extra == ['\"](\w+)['\"]", " ".join(requires("covidct") or [])))
    assert set(extras.EXTRAS) <= declared
