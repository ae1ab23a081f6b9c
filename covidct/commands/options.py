"""Options and outputs that several commands share."""

import functools
import json
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar, cast

import click

from covidct.errors import ExitCode
from covidct.extras import require_extra
from covidct.progress import quiet
from covidct.tables import say

F = TypeVar("F", bound=Callable[..., Any])


def workspace_option(command: F) -> F:
    """``-w/--workspace DIR``, default ``./covidct-workspace``; passed as ``workspace: Path``."""
    return click.option(
        "-w",
        "--workspace",
        type=click.Path(path_type=Path, file_okay=False),
        default=Path("covidct-workspace"),
        show_default=True,
        help="The workspace's folder.",
    )(command)


def json_option(command: F) -> F:
    """``--json``; passed as ``as_json: bool``."""
    return click.option("--json", "as_json", is_flag=True, help="Machine-readable results on standard output.")(command)


def profile_option(command: F) -> F:
    """``--profile NAME|FILE``: the disease that the command is about, in force while it runs."""
    from covidct import profiles

    @functools.wraps(command)
    def with_profile(*args: Any, profile: str | None, **options: Any) -> Any:
        with profiles.in_force(profile):
            return command(*args, **options)

    shown = "The disease: covid-19 (default), tuberculosis, or a profile file of your own."
    option = click.option("--profile", metavar="NAME|FILE", envvar=profiles.VARIABLE, help=shown)
    return cast(F, option(with_profile))


def needs_extra(extra: str) -> Callable[[F], F]:
    """Before the command does anything: one line with the extra to install where a library of it is missing."""

    def guard(command: F) -> F:
        @functools.wraps(command)
        def guarded(*args: Any, **options: Any) -> Any:
            require_extra(extra, f"this command ({click.get_current_context().command_path})")
            return command(*args, **options)

        return cast(F, guarded)

    return guard


def print_json(value: Any) -> None:
    """``value`` as JSON on standard output, and nothing else there; an iterator as a list, one item at a time."""
    if not isinstance(value, Iterator):
        click.echo(json.dumps(value, ensure_ascii=False, indent=1, sort_keys=False))
        return
    mark = "["
    for item in value:
        text = json.dumps(item, ensure_ascii=False, indent=1).replace("\n", "\n ")
        click.echo(f"{mark}\n {text}", nl=False)
        mark = ","
    click.echo("[]" if mark == "[" else "\n]")


def print_items(items: Sequence[dict[str, Any]], as_json: bool, line: Callable[[dict[str, Any]], str]) -> int:
    """What came of single files, failures on standard error; the exit code is 3 where an item has an ``error``."""
    if as_json:
        print_json(items)
    else:
        for item in items:
            click.echo(f"failed: {item['error']}" if "error" in item else line(item), err="error" in item)
    return ExitCode.INCOMPLETE if any("error" in item for item in items) else ExitCode.COMPLETE


def tell_next(*commands: str) -> None:
    """What a person does next, as lines to paste, on standard error; nothing under ``-q``."""
    if not quiet():
        for command in commands:
            say(f"next: covidct {command}", err=True)


def verbose() -> bool:
    """Whether ``-v`` was given."""
    return bool(click.get_current_context().find_root().params.get("verbose"))


def worker_count(workers: int | None) -> int:
    """``workers``, or the number of cores this process may use."""
    return workers or len(os.sched_getaffinity(0))
