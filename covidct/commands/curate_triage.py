"""``covidct curate triage``: what kind of picture, on loose files or in the workspace."""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click

from covidct.commands.curate_auto import run_steps
from covidct.commands.options import json_option, print_json, worker_count, workspace_option
from covidct.errors import CovidctError, ExitCode

_CHUNK = 24
_START = "fork" if sys.platform == "linux" else "spawn"
"""Forked processes share what is loaded; only Linux does it safely. No thread is running at that point."""
_ALONE = 48
"""Fewer files than this are done before another process has started."""


@click.command()
@click.argument("files", nargs=-1, type=click.Path(path_type=Path))
@click.option("--workers", type=click.IntRange(1, 64), help="Processes for FILES (default: one a core).")
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

    from covidct.progress import progress

    chunks = [files[i : i + _CHUNK] for i in range(0, len(files), _CHUNK)]
    if workers == 1 or len(files) < _ALONE:
        for chunk in progress(chunks, "triage"):
            yield from _chunk(chunk)
        return
    _chunk(())  # loads the weights once, before the processes part
    with ProcessPoolExecutor(workers, mp_context=get_context(_START)) as pool:
        for items in progress(pool.map(_chunk, chunks), "triage", total=len(chunks)):
            yield from items


def _chunk(files: Sequence[Path]) -> list[dict[str, Any]]:
    import cv2

    from covidct.imaging.triage import forest, triage_all
    from covidct.pictures import open_picture

    cv2.setNumThreads(1)
    forest()
    pictures, errors = {}, {}
    for file in files:
        try:
            pictures[file] = open_picture(file, side=384)
        except CovidctError as error:
            errors[file] = str(error)
    verdicts = dict(zip(pictures, triage_all(list(pictures.values())), strict=True))
    items: list[dict[str, Any]] = []
    for file in files:
        if file in errors:
            items.append({"file": str(file), "error": errors[file]})
            continue
        v = verdicts[file]
        words = {"kind": v.kind, "is_ct": v.is_ct, "is_compound": v.is_compound, "score": v.score}
        items.append({"file": str(file), **words})
    return items


def _line(item: dict[str, Any]) -> str:
    if "error" in item:
        return f"{item['file']}: {item['error']}"
    return f"{item['file']}: {item['kind']}{', compound' * item['is_compound']} {item['score']:.2f}"
