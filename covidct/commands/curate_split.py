"""``covidct curate split-figure``: compound figures into panels, on loose files or in the workspace."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from covidct.commands.curate_auto import run_steps
from covidct.commands.options import json_option, print_items, workspace_option
from covidct.errors import reason_of

if TYPE_CHECKING:
    from covidct.imaging.panels.split import PanelBox


@click.command("split-figure")
@click.argument("files", nargs=-1, type=click.Path(path_type=Path))
@json_option
@workspace_option
def split_figure(files: tuple[Path, ...], as_json: bool, workspace: Path) -> int:
    """Panels of compound figures, in reading order, with letters: of FILES, or of the workspace's figures."""
    if not files:
        from covidct.curate.steps import SPLIT

        return run_steps(workspace, [SPLIT], as_json)
    from covidct.progress import progress

    return print_items([_one(file) for file in progress(files, "split")], as_json, _line)


def _one(file: Path) -> dict[str, Any]:
    from covidct.imaging.panels.split import split
    from covidct.pictures import open_picture

    try:
        image = open_picture(file)
        found = split(image)
    except Exception as error:  # noqa: BLE001  the border of an item: one bad picture is one failed item
        return {"file": str(file), "error": reason_of(error)}
    panels = [_panel(p) for p in found.panels]
    return {"file": str(file), "width": image.shape[1], "height": image.shape[0], "panels": panels}


def _panel(panel: "PanelBox") -> dict[str, Any]:
    return {
        "label": panel.label,
        "label_by": panel.label_by,
        "label_score": panel.label_score,
        "box": list(panel.box),
        "score": panel.score,
    }


def _line(item: dict[str, Any]) -> str:
    words = ", ".join(f"{p['label'] or '-'} {p['box']} {p['score']:.2f}" for p in item["panels"])
    return f"{item['file']}: {len(item['panels'])} panels: {words}"
