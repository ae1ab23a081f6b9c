"""``covidct curate patients``: who is who, over figures and papers."""

from pathlib import Path

import click

from covidct.commands.options import json_option, print_json, workspace_option
from covidct.errors import ExitCode


@click.command()
@json_option
@workspace_option
def patients(as_json: bool, workspace: Path) -> int:
    """Give every panel a patient id, from captions, text and pictures that come back."""
    from covidct.curate.patients import run
    from covidct.workspace import Workspace

    with Workspace.open(workspace) as opened, opened.lease("curate"):
        report = run(opened)
    if as_json:
        print_json(vars(report))
    else:
        counts = ", ".join(f"{count} {name}" for name, count in sorted(report.counts.items()))
        click.echo(f"patients: {report.done} done, {report.skipped} as before; {counts}")
    return ExitCode.INCOMPLETE if report.failed else ExitCode.COMPLETE
