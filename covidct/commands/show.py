"""``covidct show`` and ``covidct forget``: look at the workspace, take something out of it."""

import sys
from pathlib import Path

import click

from covidct.commands.options import json_option, print_json, workspace_option
from covidct.errors import ExitCode, UsageError
from covidct.tables import print_table, say, write_csv

TABLES = ("papers", "figures", "panels", "images", "decisions", "dropped")


@click.command()
@click.argument("table", type=click.Choice(TABLES))
@click.option("--csv", "as_csv", is_flag=True, help="CSV with every column, UTF-8.")
@click.option("--missing", is_flag=True, help="With papers: only those whose document could not be had, with links.")
@json_option
@workspace_option
def show(table: str, as_csv: bool, missing: bool, as_json: bool, workspace: Path) -> None:
    """Print a table of the workspace: papers, figures, panels, images, decisions, or what was left out."""
    from covidct.workspace import Workspace
    from covidct.workspace.tables import COLUMNS, MISSING_COLUMNS, missing_papers
    from covidct.workspace.tables import rows as rows_of

    if missing and table != "papers":
        raise UsageError("--missing goes with papers: covidct show papers --missing")
    with Workspace.open(workspace) as opened:
        rows = iter(missing_papers(opened)) if missing else rows_of(opened, table)
        columns = MISSING_COLUMNS if missing else COLUMNS[table]
        if as_json:
            print_json(rows)
        elif as_csv:
            write_csv(sys.stdout, columns, rows)
        else:
            say(f"{print_table(columns, rows)} rows", err=True)


@click.command()
@click.argument("name", metavar="PAPER|PANEL")
@click.option(
    "--reason", default="withdrawn on request", show_default=True, help="Reason, as later releases will state it."
)
@workspace_option
def forget(name: str, reason: str, workspace: Path) -> int:
    """Remove a paper (id or DOI) or a panel for good: bytes and text are purged, a tombstone stays."""
    from covidct.workspace import Workspace

    with Workspace.open(workspace) as opened:
        stone = opened.forget(name, reason)
    say(f"forgotten: {stone.entity} {stone.entity_id}; later releases will list it as withdrawn")
    if stone.purged:
        return ExitCode.COMPLETE
    say(
        f"not purged yet: another program reads {workspace / 'covidct.sqlite'}, whose log still holds the text."
        f" End it (a review page, a harvest), then 'covidct check -w {workspace}'",
        err=True,
    )
    return ExitCode.INCOMPLETE
