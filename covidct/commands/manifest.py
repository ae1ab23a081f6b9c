"""``covidct manifest``: releases, one subcommand a line, each loaded when called."""

import importlib

import click

COMMANDS = {
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


class ManifestGroup(click.Group):
    """A group whose subcommands are imported when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, attribute = COMMANDS[cmd_name][0].split(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


@click.group(cls=ManifestGroup)
def manifest() -> None:
    """Build, check, audit and publish releases."""
