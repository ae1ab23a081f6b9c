"""``covidct curate``: one subcommand a step, from the list of steps, and those about all of them."""

import click

from covidct.commands.lazy import LazyGroup
from covidct.curate.steps import STEPS, added, step_named

FRONTS = {
    "triage": "covidct.commands.curate_triage:triage",
    "split-figure": "covidct.commands.curate_split:split_figure",
    "label": "covidct.commands.curate_label:label",
    "split-caption": "covidct.commands.curate_label:split_caption",
    "mask": "covidct.commands.curate_mask:mask",
    "dedup": "covidct.commands.curate_dedup:dedup",
}
"""Commands of steps that also take loose files or text; every other step gets the command of ``_plain``."""

AROUND = {
    "auto": ("covidct.commands.curate_auto:auto", "All of the above in order."),
    "review": ("covidct.commands.curate_review:review", "The review page in the browser."),
    "licence": ("covidct.commands.curate_licence:licence", "The licence of a paper, where a person has read it."),
    "agreement": ("covidct.commands.curate_review:agreement", "How far two curators agree."),
    "status": ("covidct.commands.curate_auto:status", "What is done and what is left."),
}
HELP = {step.command or step.name: step.help for step in STEPS}


def _plain(name: str, words: str) -> click.Command:
    from covidct.commands.curate_auto import run_steps
    from covidct.commands.options import json_option, workspace_option

    @json_option
    @workspace_option
    def call(**options: object) -> int:
        return run_steps(options["workspace"], [step_named(name)], bool(options["as_json"]))  # type: ignore[arg-type]

    return click.command(name, help=words)(call)


def _table() -> dict[str, tuple[str, str]]:
    return {name: (FRONTS[name], HELP[name]) for name in HELP if name in FRONTS} | AROUND


@click.group(cls=LazyGroup, lazy=_table())
def curate() -> None:
    """Triage, split, label, mask, patients, duplicates, review."""


for _name, _words in {**HELP, **{found.name: f"{found.value}, of another package." for found in added()}}.items():
    if _name not in FRONTS and _name not in AROUND:
        curate.add_command(_plain(_name, _words))
