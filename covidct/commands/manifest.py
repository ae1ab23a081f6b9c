"""``covidct manifest``: releases, one subcommand a line, each loaded when called."""

import click

from covidct.commands.lazy import LazyGroup

COMMANDS = {
    "list": ("covidct.commands.manifest_check:list_", "Releases that can be given by their name."),
    "build": ("covidct.commands.manifest_make:build", "A release from the decisions of a workspace."),
    "import": ("covidct.commands.manifest_make:import_", "A release from anyone's own table and images."),
    "import-covid-ct": (
        "covidct.commands.manifest_make:import_covid_ct",
        "The published COVID-CT folder as a release.",
    ),
    "correct": ("covidct.commands.manifest_make:correct", "The next version from a list of corrections."),
    "split": ("covidct.commands.manifest_make:split", "New splits that keep groups whole."),
    "validate": ("covidct.commands.manifest_check:validate", "Schema, checksums, counts, groups, pictures."),
    "stats": ("covidct.commands.manifest_check:stats", "Table I and section III-A of the paper."),
    "diff": ("covidct.commands.manifest_check:diff", "What changed between two versions."),
    "audit": ("covidct.commands.manifest_check:audit", "Leaks, conflicts, shortcuts: before anyone trains."),
    "materialize": ("covidct.commands.manifest_out:materialize", "The images of a release in one canonical form."),
    "export": ("covidct.commands.manifest_out:export", "imagefolder, npz, COCO, Label Studio."),
    "pack": ("covidct.commands.manifest_out:pack", "The one archive that goes onto a release page."),
}


@click.group(cls=LazyGroup, lazy=COMMANDS)
def manifest() -> None:
    """Build, check, audit and publish releases."""
