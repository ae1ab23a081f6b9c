"""Groups whose commands are imported when they are called, not when help is printed."""

import difflib
import importlib
import shlex
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

import click

Table = Mapping[str, tuple[str, str]]
"""Name of a command: (``module:attribute``, its line in the help)."""


class LazyGroup(click.Group):
    """A click group with a :data:`Table` of commands beside those registered the usual way.

    Every command's help ends with the examples of ``examples.toml``; a mistyped name is answered with what is like it.
    """

    def __init__(self, *args: Any, lazy: Table, **options: Any) -> None:
        super().__init__(*args, **options)
        self.lazy = lazy

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*self.lazy, *super().list_commands(ctx)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.lazy:
            command = super().get_command(ctx, cmd_name)
        else:
            module, attribute = self.lazy[cmd_name][0].split(":")
            command = getattr(importlib.import_module(module), attribute)
        if command is not None:
            add_examples(command, f"{path_of(ctx)} {cmd_name}".strip())
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and not args[0].startswith("-") and self.get_command(ctx, args[0]) is None:
            close = difflib.get_close_matches(args[0], self.list_commands(ctx), n=2, cutoff=0.6)
            hint = f" Did you mean {' or '.join(close)}?" if close else ""
            ctx.fail(f"No such command '{args[0]}'.{hint}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        rows = [(name, text) for name, (_, text) in self.lazy.items()]
        rows += [(name, self.commands[name].get_short_help_str(80)) for name in super().list_commands(ctx)]
        with formatter.section("Commands"):
            formatter.write_dl(rows)


def path_of(ctx: click.Context) -> str:
    """The words that lead to this group, without the program's name: ``manifest``."""
    return " ".join(ctx.command_path.split()[1:])


@cache
def examples() -> dict[str, list[str]]:
    """Path of a command (``curate split-figure``): complete command lines that show its use."""
    text = files("covidct.commands").joinpath("examples.toml").read_text(encoding="utf-8")
    return {path: list(table["examples"]) for path, table in tomllib.loads(text).items()}


def add_examples(command: click.Command, path: str) -> None:
    """Let the help of ``command``, and of the commands below it, end with their examples."""
    if lines := examples().get(path):
        command.epilog = "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)
    if isinstance(command, click.Group):
        for name, below in command.commands.items():
            add_examples(below, f"{path} {name}")


def words_of(example: str) -> list[str]:
    """The arguments of an example, without the program's name and without a comment."""
    return shlex.split(example, comments=True)[1:]
