"""``covidct curate patients``: who is who, over figures and papers."""

from pathlib import Path

import click

from covidct.commands.curate_auto import run_step
from covidct.commands.options import json_option, workspace_option


@click.command()
@json_option
@workspace_option
def patients(as_json: bool, workspace: Path) -> int:
    """Give every panel a patient id, from captions, text and pictures that come back."""
    from covidct.curate.patients import run

    return run_step(workspace, run, as_json)
