"""``covidct curate auto`` and ``status``: every step in order, and what is left."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from covidct.commands.options import json_option, print_json, workspace_option
from covidct.errors import ExitCode
from covidct.tables import say

if TYPE_CHECKING:
    from covidct.steps import Step, StepReport


@click.command()
@json_option
@workspace_option
def auto(as_json: bool, workspace: Path) -> int:
    """Every step in its order, those of other packages last; a second run does no work twice."""
    from covidct.curate.steps import all_steps

    return run_steps(workspace, all_steps(), as_json, many=True)


def run_steps(workspace: Path, steps: "Iterable[Step]", as_json: bool, many: bool = False) -> int:
    """Run steps on a workspace that no other curation holds, and say what they did; gives the exit code.

    With ``as_json`` one object for the last step, or with ``many`` a list of all.
    """
    reports = []
    for report in _reports(workspace, steps):
        reports.append(report)
        if not as_json:
            tell(report)
    if as_json:
        print_json([vars(report) for report in reports] if many else vars(reports[-1]))
    return ExitCode.INCOMPLETE if any(report.failed for report in reports) else ExitCode.COMPLETE


def _reports(workspace: Path, steps: "Iterable[Step]") -> "Iterator[StepReport]":
    from covidct.steps import drive_all
    from covidct.workspace import Workspace

    with Workspace.open(workspace) as opened:
        yield from drive_all(opened, steps)


def tell(report: "StepReport") -> None:
    """One line a step, and one for each item that failed."""
    counts = ", ".join(f"{count} {name}" for name, count in sorted(report.counts.items()))
    left = f"; {report.dropped} left out" if report.dropped else ""
    say(f"{report.step:<13}{report.done:6} done {report.skipped:6} as before   {counts}{left}".rstrip())
    for item, reason in report.failed:
        say(f"  failed: {item}: {reason}")


@click.command()
@json_option
@workspace_option
def status(as_json: bool, workspace: Path) -> None:
    """What is done and what is left: panels without a kind, a label, a mask, a patient; conflicts; lost decisions."""
    from covidct.workspace import Workspace
    from covidct.workspace.status import status_of

    with Workspace.open(workspace) as opened:
        counts = status_of(opened)
    if as_json:
        print_json(counts)
        return
    for name, count in counts.items():
        click.echo(f"{name:<34}{count:7}")
