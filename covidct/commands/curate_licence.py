"""``covidct curate licence``: what a person read about a paper's licence."""

from pathlib import Path

import click

from covidct.commands.options import json_option, print_json, workspace_option
from covidct.tables import say


@click.command()
@click.argument("paper", metavar="PAPER")
@click.argument("licence", metavar="LICENCE")
@click.option("--evidence", required=True, metavar="URL", help="Address of the page that states the licence.")
@click.option(
    "--curator", metavar="NAME", default=None, help="Name of the person who decides (default: your login name)."
)
@json_option
@workspace_option
def licence(paper: str, licence: str, evidence: str, curator: str | None, as_json: bool, workspace: Path) -> None:
    """Set the licence of PAPER (id or DOI), as cc-by-4.0, where you have read it; releases go by your word."""
    from covidct.commands.curate_review import login
    from covidct.curate.licence import set_licence
    from covidct.curate.review.words import curator_of
    from covidct.workspace import Workspace

    with Workspace.open(workspace) as opened:
        decision = set_licence(opened, paper, licence, evidence, curator_of(curator or login()))
    if as_json:
        print_json({"paper_id": decision.entity_id, "licence": decision.value, "evidence": evidence})
    else:
        say(f"{decision.entity_id}: {decision.value}, read at {evidence}")
