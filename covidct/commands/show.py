"""``covidct show`` and ``covidct forget``: look at the workspace, take something out of it."""

import sys
from collections.abc import Sequence
from pathlib import Path

import click

from covidct.commands.options import json_option, print_json, workspace_option
from covidct.errors import ExitCode, UsageError
from covidct.tables import WIDEST, print_table, say, terminal_width, write_csv

TABLES = ("papers", "figures", "panels", "images", "decisions", "dropped")


@click.command()
@click.argument("table", type=click.Choice(TABLES))
@click.option("--csv", "as_csv", is_flag=True, help="CSV with every column, UTF-8.")
@click.option("--columns", metavar="NAME,NAME", help="Only these columns, in this order.")
@click.option("--wide", is_flag=True, help="Every column and cell in full, however narrow the terminal is.")
@click.option("--missing", is_flag=True, help="With papers: only those whose document could not be had, with links.")
@json_option
@workspace_option
def show(
    table: str, as_csv: bool, columns: str | None, wide: bool, missing: bool, as_json: bool, workspace: Path
) -> None:
    """Print a table of the workspace: papers, figures, panels, images, decisions, or what was left out."""
    from covidct.workspace import Workspace
    from covidct.workspace.tables import COLUMNS, MISSING_COLUMNS, missing_papers
    from covidct.workspace.tables import rows as rows_of

    if missing and table != "papers":
        raise UsageError("--missing goes with papers: covidct show papers --missing")
    with Workspace.open(workspace) as opened:
        rows = missing_papers(opened) if missing else rows_of(opened, table)
        chosen = _chosen(columns, MISSING_COLUMNS if missing else COLUMNS[table])
        if as_json:
            print_json({column: row[column] for column in chosen} for row in rows)
        elif as_csv:
            write_csv(sys.stdout, chosen, rows)
        else:
            shape = (None, None) if wide else (terminal_width(), WIDEST)
            say(f"{print_table(chosen, rows, *shape)} rows", err=True)


def _chosen(columns: str | None, known: Sequence[str]) -> Sequence[str]:
    """The columns that ``--columns`` names; a UsageError for one that the table does not have."""
    names = known if columns is None else [name.strip() for name in columns.split(",")]
    for name in names:
        if name not in known:
            raise UsageError(f"--columns {name}: no such column; there are {', '.join(known)}")
    return names


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
