"""``covidct curate triage``: what kind of picture, on loose files or in the workspace."""

from pathlib import Path
from typing import Any

import click

from covidct.commands.curate_auto import run_steps
from covidct.commands.options import json_option, print_items, worker_count, workspace_option


@click.command()
@click.argument("files", nargs=-1, type=click.Path(path_type=Path))
@click.option("--workers", type=click.IntRange(1, 64), help="Processes for FILES (default: CPU count).")
@json_option
@workspace_option
def triage(files: tuple[Path, ...], workers: int | None, as_json: bool, workspace: Path) -> int:
    """The kind of each of FILES (CT slice of the lungs, other CT, X-ray, chart…), or of the workspace's pictures."""
    if not files:
        from covidct.curate.steps import TRIAGE

        return run_steps(workspace, [TRIAGE], as_json)
    from covidct.curate.triage import sort_files

    return print_items(list(sort_files(files, worker_count(workers))), as_json, _line)


def _line(item: dict[str, Any]) -> str:
    return f"{item['file']}: {item['kind']}{', compound' * item['is_compound']} {item['score']:.2f}"
