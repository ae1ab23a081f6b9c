"""``covidct curate auto`` and ``status``: every step in order, and what is left."""

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from covidct.commands.options import json_option, print_json, workspace_option
from covidct.errors import ExitCode

if TYPE_CHECKING:
    from covidct.curate.report import StepReport
    from covidct.workspace import Workspace

ORDER = ("split", "triage", "label", "mask", "dedup", "patients")
"""Panels first, then what they are, what the text says of them, what is painted on them, which come
back, and whose they are: pictures that come back link patients over papers."""


@click.command()
@json_option
@workspace_option
def auto(as_json: bool, workspace: Path) -> int:
    """Split, triage, label, mask, patients, duplicates, in this order; a second run does no work twice."""
    from covidct.workspace import Workspace

    reports = []
    with Workspace.open(workspace) as opened, opened.lease("curate"):
        for name in ORDER:
            reports.append(_step(name)(opened))
            if not as_json:
                tell(reports[-1])
    if as_json:
        print_json([vars(report) for report in reports])
    return ExitCode.INCOMPLETE if any(report.failed for report in reports) else ExitCode.COMPLETE


def _step(name: str) -> "Callable[[Workspace], StepReport]":
    step: Callable[[Workspace], StepReport] = importlib.import_module(f"covidct.curate.{name}").run
    return step


def run_step(workspace: Path, step: "Callable[[Workspace], StepReport]", as_json: bool) -> int:
    """Run one step on a workspace that no other curation holds, and say what it did; gives the exit code."""
    from covidct.workspace import Workspace

    with Workspace.open(workspace) as opened, opened.lease("curate"):
        report = step(opened)
    if as_json:
        print_json(vars(report))
    else:
        tell(report)
    return ExitCode.INCOMPLETE if report.failed else ExitCode.COMPLETE


def tell(report: "StepReport") -> None:
    """One line a step, and one for each item that failed."""
    counts = ", ".join(f"{count} {name}" for name, count in sorted(report.counts.items()))
    click.echo(f"{report.step:<10}{report.done:6} done {report.skipped:6} as before   {counts}".rstrip())
    for item, reason in report.failed:
        click.echo(f"  failed: {item}: {reason}")


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
