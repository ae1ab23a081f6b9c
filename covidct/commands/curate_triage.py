"""``covidct curate triage``: what kind of picture, on loose files or in the workspace."""

import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from covidct.commands.curate_auto import run_steps
from covidct.commands.options import json_option, print_json, worker_count, workspace_option
from covidct.errors import ExitCode, reason_of

if TYPE_CHECKING:
    from covidct.imaging.triage import Triage

_CHUNK = 24
_START = "fork" if sys.platform == "linux" else "spawn"
"""Forked processes share what is loaded; only Linux does it safely. No thread is running at that point."""
_ALONE = 48
"""Fewer files than this are done before another process has started."""


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
    items = list(sort_files(files, worker_count(workers)))
    if as_json:
        print_json(items)
    else:
        for item in items:
            click.echo(_line(item))
    return ExitCode.INCOMPLETE if any("error" in item for item in items) else ExitCode.COMPLETE


def sort_files(files: Sequence[Path], workers: int) -> Iterator[dict[str, Any]]:
    """One item a file, in order, as ``--json`` prints them; many files are shared out to processes."""
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    from covidct.processes import die_with
    from covidct.progress import progress

    chunks = [files[i : i + _CHUNK] for i in range(0, len(files), _CHUNK)]
    if workers == 1 or len(files) < _ALONE:
        for chunk in progress(chunks, "triage"):
            yield from _chunk(chunk)
        return
    _chunk(())  # loads the weights once, before the processes part
    with ProcessPoolExecutor(workers, get_context(_START), die_with, (os.getpid(),)) as pool:
        for items in progress(pool.map(_chunk, chunks), "triage", total=len(chunks)):
            yield from items


def _chunk(files: Sequence[Path]) -> list[dict[str, Any]]:
    import cv2

    from covidct.imaging.triage import judge, look
    from covidct.pictures import open_picture

    cv2.setNumThreads(1)
    looks, errors = {}, {}
    for file in files:
        try:
            looks[file] = look(open_picture(file, side=384))
        except Exception as error:  # noqa: BLE001  the border of an item: one bad picture is one failed item
            errors[file] = reason_of(error)
    verdicts = dict(zip(looks, judge(list(looks.values())), strict=True))
    return [_item(file, verdicts.get(file), errors.get(file, "")) for file in files]


def _item(file: Path, verdict: "Triage | None", error: str) -> dict[str, Any]:
    if verdict is None:
        return {"file": str(file), "error": error}
    words = {"kind": verdict.kind, "is_ct": verdict.is_ct, "is_compound": verdict.is_compound, "score": verdict.score}
    return {"file": str(file), **words}


def _line(item: dict[str, Any]) -> str:
    if "error" in item:
        return f"failed: {item['error']}"
    return f"{item['file']}: {item['kind']}{', compound' * item['is_compound']} {item['score']:.2f}"
