"""``covidct curate auto`` and ``status``: every step in order, and what is left."""

import shlex
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from covidct.commands.options import (
    json_option,
    print_json,
    profile_option,
    tell_next,
    verbose,
    worker_count,
    workspace_option,
)
from covidct.errors import ExitCode
from covidct.tables import say

if TYPE_CHECKING:
    from covidct.steps import Step, StepReport
    from covidct.steps.engine import Engine


@click.command()
@click.option("--workers", type=click.IntRange(1), help="Pictures processed in parallel (default: CPU count).")
@click.option("--scheduler", default="", metavar="ADDR", help="Dask scheduler; its workers must see the workspace.")
@json_option
@profile_option
@workspace_option
def auto(workers: int | None, scheduler: str, as_json: bool, workspace: Path) -> int:
    """Every step in its order, those of other packages last; a second run does no work twice.

    Ends with what a release would take without review, and why the rest waits for a person.
    """
    from covidct.curate.acceptance import acceptance
    from covidct.curate.steps import all_steps
    from covidct.steps import open_engine
    from covidct.workspace import Workspace

    folder = workspace.resolve() if scheduler else workspace  # workers of a cluster have a working folder of their own
    with open_engine(worker_count(workers), scheduler) as engine:
        reports = _run(folder, all_steps(), _tell_nothing if as_json else _tell_row, engine)
    with Workspace.open(workspace) as opened:
        table = acceptance(opened)
    if as_json:
        print_json([*map(vars, reports), table.as_json()])
    else:
        for line in table.lines():
            say(line)
        ws = shlex.quote(str(workspace))
        if table.empty:
            tell_next(f"show panels -w {ws}", f"show dropped -w {ws}")
        else:
            tell_next(f"curate review -w {ws}", f"manifest build -w {ws} --name my-ct --version 1.0.0")
    return _code(reports)


def run_steps(workspace: Path, steps: "Iterable[Step]", as_json: bool) -> int:
    """Run steps on a workspace that no other curation holds, say what they did (``as_json``: the last); exit code."""
    reports = _run(workspace, steps, _tell_nothing if as_json else tell)
    if as_json:
        print_json(vars(reports[-1]))
    return _code(reports)


def _run(
    workspace: Path,
    steps: "Iterable[Step]",
    tell: "Callable[[StepReport], None]",
    engine: "Engine | None" = None,
) -> "list[StepReport]":
    from covidct.steps import drive_all
    from covidct.workspace import Workspace

    reports = []
    with Workspace.open(workspace) as opened:
        for report in drive_all(opened, steps, engine):
            reports.append(report)
            tell(report)
    return reports


def _code(reports: "Iterable[StepReport]") -> int:
    return ExitCode.INCOMPLETE if any(report.failed for report in reports) else ExitCode.COMPLETE


def _tell_nothing(_: "StepReport") -> None:
    """Under ``--json`` the reports are printed at the end."""


def _tell_row(report: "StepReport") -> None:
    """A row of the table of all steps, with its head before the first; what was counted only under ``-v``."""
    context = click.get_current_context()
    if not context.meta.setdefault("covidct.head", False):
        say(f"{'step':<15}{'done':>8}{'as before':>11}{'failed':>8}{'left out':>10}")
        context.meta["covidct.head"] = True
    say(f"{report.step:<15}{report.done:>8}{report.skipped:>11}{len(report.failed):>8}{report.dropped:>10}")
    for item, reason in report.failed:
        say(f"  failed: {item}: {reason}")
    for name, count in sorted(report.counts.items()) if verbose() else []:
        say(f"  {name:<34}{count:>8}")


def tell(report: "StepReport") -> None:
    """One line a step, and one for each item that failed."""
    counts = ", ".join(f"{count} {name}" for name, count in sorted(report.counts.items()))
    left = f"; {report.dropped} left out" if report.dropped else ""
    say(f"{report.step:<13}{report.done:6} done {report.skipped:6} as before   {counts}{left}".rstrip())
    for item, reason in report.failed:
        say(f"  failed: {item}: {reason}")


@click.command()
@json_option
@profile_option
@workspace_option
def status(as_json: bool, workspace: Path) -> None:
    """What is done and what is left: panels without a kind, a label, a mask, a patient; conflicts; lost decisions."""
    from covidct.workspace import Workspace
    from covidct.workspace.check import last_clean
    from covidct.workspace.status import status_of

    with Workspace.open(workspace) as opened:
        counts, clean = status_of(opened), last_clean(opened)
    if as_json:
        print_json({**counts, "last clean check": clean})
        return
    click.echo(f"last clean check: {clean or f'never; covidct check -w {workspace}'}")
    for name, count in counts.items():
        click.echo(f"{name:<34}{count:7}")
