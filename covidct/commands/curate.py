"""``covidct curate``: one subcommand a step, each in its own module, loaded when called."""

import click

from covidct.commands.lazy import LazyGroup

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


@click.group(cls=LazyGroup, lazy=STEPS)
def curate() -> None:
    """Triage, split, label, mask, patients, duplicates, review."""
