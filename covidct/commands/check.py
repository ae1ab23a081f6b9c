"""``covidct check``: a workspace tests itself and mends what can be mended."""

from pathlib import Path

import click

from covidct.commands.options import json_option, print_json, workspace_option
from covidct.errors import ExitCode
from covidct.tables import say


@click.command()
@click.option("--no-mend", is_flag=True, help="Report problems and change nothing.")
@json_option
@workspace_option
def check(no_mend: bool, as_json: bool, workspace: Path) -> int:
    """Test the workspace: files against checksums, database, modes, orphans; mend what can be mended."""
    from covidct.workspace import Workspace
    from covidct.workspace.check import as_json as listed
    from covidct.workspace.check import check as checked

    with Workspace.open(workspace) as opened:
        found = checked(opened, mend=not no_mend)
    if as_json:
        print_json(listed(found))
    else:
        for finding in found:
            outcome = f"mended: {finding.mended}" if finding.mended else f"to do: {finding.todo}"
            say(f"{finding.kind}: {finding.what} {finding.problem}; {outcome}")
        remaining = sum(not finding.mended for finding in found)
        say(f"{workspace}: clean" if not remaining else f"{workspace}: {remaining} problems remain")
    return ExitCode.PROBLEMS_FOUND if any(not finding.mended for finding in found) else ExitCode.COMPLETE
