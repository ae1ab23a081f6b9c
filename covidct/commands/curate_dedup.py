"""``covidct curate dedup``: exact and near duplicates, in a workspace or among loose files."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from covidct.commands.options import json_option, print_json, workspace_option
from covidct.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from covidct.imaging.duplicates.search import Duplicate


@click.command()
@click.argument("files", nargs=-1, type=click.Path(path_type=Path), metavar="[FILE]...")
@click.option(
    "--min-score",
    type=click.FloatRange(0.5, 1.0),
    default=None,
    help="Threshold on the correlation of fine detail (default: 0.95). Adjacent slices of a thin series reach 0.93.",
)
@click.option(
    "--pictures",
    type=click.Path(path_type=Path, file_okay=False),
    help="Write a picture of each pair here: one laid on the other, the other, the difference. FILEs only.",
)
@json_option
@workspace_option
def dedup(
    files: tuple[Path, ...], min_score: float | None, pictures: Path | None, as_json: bool, workspace: Path
) -> int:
    """Pictures that show the same scan: cropped, rescaled, mirrored, re-windowed, re-encoded, marked or framed.

    With FILEs, prints the pairs among them. Without, compares all panels of the workspace and keeps the pairs for the
    review page, which shows them side by side.
    """
    if files:
        return _loose(files, min_score, pictures, as_json)
    if min_score is not None or pictures is not None:
        raise UsageError("--min-score and --pictures go with FILEs: name some, or leave them out")
    return _workspace(workspace, as_json)


def _loose(files: Sequence[Path], min_score: float | None, pictures: Path | None, as_json: bool) -> int:
    from covidct.curate.dedup import Search, write_pictures

    search = Search(files, min_score)
    pairs = search.pairs()
    if pictures is not None:
        write_pictures(files, pairs, pictures)
    if as_json:
        rows = [{"a": str(files[p.i]), "b": str(files[p.j]), "score": p.score, "change": p.change} for p in pairs]
        print_json([*rows, *({"file": str(files[n]), "error": reason} for n, reason in search.failed)])
    else:
        _tell(files, pairs, [reason for _, reason in search.failed])
    if len(search.failed) == len(files):
        return ExitCode.FAILED
    return ExitCode.INCOMPLETE if search.failed else ExitCode.COMPLETE


def _tell(files: Sequence[Path], pairs: "Sequence[Duplicate]", failed: Sequence[str]) -> None:
    for pair in pairs:
        click.echo(f"{pair.score:.3f}  {files[pair.i]}  {files[pair.j]}  {pair.change}")
    click.echo(f"{len(pairs)} pairs among {len(files) - len(failed)} pictures")
    for reason in failed:
        click.echo(f"failed: {reason}", err=True)


def _workspace(workspace: Path, as_json: bool) -> int:
    from covidct.curate.steps import DEDUP
    from covidct.steps import drive_all
    from covidct.workspace import Workspace

    with Workspace.open(workspace) as opened:
        (report,) = drive_all(opened, [DEDUP])
        pairs = opened.pairs()
    if as_json:
        print_json([vars(pair) for pair in pairs])
    else:
        click.echo(f"{report.done} panels compared, {report.skipped} as before; {len(pairs)} pairs: see curate review")
        for panel, reason in report.failed:
            click.echo(f"failed: {panel}: {reason}", err=True)
    return ExitCode.INCOMPLETE if report.failed else ExitCode.COMPLETE
