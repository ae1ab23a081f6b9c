"""``covidct curate mask``: find burnt-in marks and paint over them, in a workspace or in loose files."""

from pathlib import Path
from typing import Any

import click

from covidct.commands.curate_auto import run_steps
from covidct.commands.options import json_option, print_items, workspace_option
from covidct.errors import ExitCode, UsageError


@click.command()
@click.argument("files", nargs=-1, type=click.Path(path_type=Path), metavar="[FILE]...")
@click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), help="Output folder for masks and images. FILEs only."
)
@click.option("--no-text", is_flag=True, help="Do not read text: faster, and counts as not scanned. FILEs only.")
@json_option
@workspace_option
def mask(files: tuple[Path, ...], out: Path | None, no_text: bool, as_json: bool, workspace: Path) -> int:
    """Find text, arrows, markers and borders painted over a slice, and fill them in from round them.

    With FILEs, writes NAME.mask.png and NAME.masked.png of the same size into --out. Without, masks the panels of the
    workspace. Text that may identify a person is flagged; without the extra `ocr` a picture counts as not scanned.
    """
    if files:
        if out is None:
            raise UsageError("FILEs need --out DIR, where masks and pictures go")
        return _loose(files, out, no_text, as_json)
    if out is not None or no_text:
        raise UsageError("--out and --no-text go with FILEs: name some, or leave them out")
    from covidct.curate.steps import MASK

    return run_steps(workspace, [MASK], as_json)


def _loose(files: tuple[Path, ...], out: Path, no_text: bool, as_json: bool) -> int:
    from covidct.curate.mask import mask_files

    items = list(mask_files(files, out, read=not no_text))
    code = print_items(items, as_json, _line)
    return ExitCode.FAILED if all("error" in item for item in items) else code


def _line(item: dict[str, Any]) -> str:
    kinds = [box["kind"] for box in item["boxes"]]
    found = ", ".join(f"{kinds.count(kind)} {kind}" for kind in sorted(set(kinds))) or "no marks"
    left = "; still legible after painting" if item["clean"] is False else ""
    return f"{item['file']}: {found}; may identify a person: {item['identifying']}{left}"
