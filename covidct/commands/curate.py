"""``covidct curate``: one subcommand a step, each in its own module, loaded when called."""

import importlib

import click

STEPS = {
    "triage": ("covidct.commands.curate_triage:triage", "Which pictures are CT slices of the lung."),
    "split-figure": ("covidct.commands.curate_split:split_figure", "Compound figures into panels."),
    "label": ("covidct.commands.curate_label:label", "Positive, negative or unclear, from the text."),
    "split-caption": ("covidct.commands.curate_label:split_caption", "Captions into the texts of their panels."),
    "mask": ("covidct.commands.curate_mask:mask", "Find and paint over letters, arrows, borders."),
    "patients": ("covidct.commands.curate_patients:patients", "Patient ids and groups."),
    "dedup": ("covidct.commands.curate_dedup:dedup", "Exact and near duplicates."),
    "auto": ("covidct.commands.curate_auto:auto", "All of the above in order."),
    "review": ("covidct.commands.curate_review:review", "The review page in the browser."),
    "agreement": ("covidct.commands.curate_review:agreement", "How far two curators agree."),
    "status": ("covidct.commands.curate_auto:status", "What is done and what is left."),
}


class CurateGroup(click.Group):
    """A group whose steps are imported when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(STEPS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in STEPS:
            return None
        module, attribute = STEPS[cmd_name][0].split(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Steps"):
            formatter.write_dl([(name, text) for name, (_, text) in STEPS.items()])


@click.group(cls=CurateGroup)
def curate() -> None:
    """Triage, split, label, mask, patients, duplicates, review."""
