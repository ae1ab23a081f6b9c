"""``covidct manifest build|import|import-covid-ct|split``: commands that write releases."""

import dataclasses
import shlex
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from covidct.commands.options import (
    json_option,
    print_json,
    profile_option,
    tell_next,
    worker_count,
    workspace_option,
)
from covidct.errors import UsageError
from covidct.tables import say

if TYPE_CHECKING:
    from covidct.release.make.build import Written
    from covidct.release.make.workspace import Order

DEFAULT_DATE = "2020-06-17"
"""Of the published set's last paper; the date of a release is an input, never the clock."""
F = TypeVar("F", bound=Callable[..., Any])

_out = click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("manifests"),
    show_default=True,
    help="Folder of all releases; NAME/X.Y.Z is made in it.",
)
_workers = click.option("--workers", type=click.IntRange(1), help="Worker processes (default: CPU count).")
_ratios = click.option("--ratios", default="0.6,0.15,0.25", show_default=True, help="Shares of train, val, test.")
_seed = click.option(
    "--seed", type=click.IntRange(0), default=0, show_default=True, help="Random seed of the search for splits."
)


def _named(command: F) -> F:
    """``--name``, ``--version``, and what may be done about objections."""
    for option in (
        click.option("--private", is_flag=True, help="Local use only: skip the checks of licence and burnt-in text."),
        click.option("--hold-back", is_flag=True, help="Exclude images with objections, and list them."),
        click.option("--waive", multiple=True, metavar="WHAT=REASON", help="Release in spite of WHAT; printed in it."),
        click.option("--version", required=True, help="X.Y.Z; label changes are major."),
        click.option("--name", required=True, help="Lower-case letters, digits, '-'."),
    ):
        command = option(command)
    return command


def parse_ratios(text: str) -> list[float]:
    """``0.6,0.15,0.25`` as numbers."""
    try:
        return [float(part) for part in text.split(",")]
    except ValueError as error:
        raise UsageError(f"--ratios {text}: give numbers such as 0.6,0.15,0.25") from error


def _report(done: "Written", as_json: bool) -> None:
    if as_json:
        print_json({**dataclasses.asdict(done), "path": str(done.path), "notes": list(done.notes)})
        return
    for note in done.notes:
        say(f"note: {note}", err=True)
    for reason, count in done.excluded.items():
        say(f"left out, {reason}: {count}")
    for reason, count in sorted(Counter(done.held_back.values()).items()):
        say(f"held back, {reason}: {count} (listed in the datasheet)")
    say(f"{done.images} images written to {done.path}")


@click.command()
@workspace_option
@_named
@click.option("--date", help="Date of the release, YYYY-MM-DD; default: the day of the last decision, never the clock.")
@_out
@_ratios
@_seed
@profile_option
@json_option
def build(workspace: Path, ratios: str, waive: tuple[str, ...], as_json: bool, **options: Any) -> None:
    """A release from the decisions in force of a workspace: same workspace and version, same bytes."""
    from covidct.release.make.build import build_release
    from covidct.release.make.policy import parse_waivers

    done = build_release(workspace, ratios=parse_ratios(ratios), waive=parse_waivers(waive), **options)
    _report(done, as_json)
    if not as_json:
        made, private = shlex.quote(str(done.path)), " --private" if options["private"] else ""
        tell_next(
            f"manifest materialize {made} -w {shlex.quote(str(workspace))} --out images{private}",
            f"manifest audit {made} --images images --out audit",
        )


@click.command("import")
@click.option(
    "--csv",
    "table",
    type=click.Path(path_type=Path),
    required=True,
    help="CSV table with at least the columns file and label.",
)
@click.option("--images", type=click.Path(path_type=Path), required=True, help="Folder that 'file' starts from.")
@click.option(
    "--positive", multiple=True, metavar="LABEL", help="Label of the positive class; all others are negative."
)
@_named
@click.option("--date", required=True, help="Date of the release, YYYY-MM-DD: an input, never the clock.")
@_out
@_ratios
@_seed
@_workers
@click.option("--no-duplicates", is_flag=True, help="Do not search for pictures that show the same scan.")
@json_option
def import_(
    table: Path,
    images: Path,
    positive: tuple[str, ...],
    workers: int | None,
    no_duplicates: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """A release from anyone's own table and pictures. NA, nan, None, unknown and empty cells are missing values."""
    from covidct.release.make.build import import_release
    from covidct.release.make.importing import Source

    source = Source(table, images, positive, not no_duplicates, worker_count(workers))
    _report(import_release(source, _order(**options), options["out"]), as_json)


def _order(name: str, version: str, date: str, ratios: str, seed: int, **leave: Any) -> "Order":
    from covidct.release.make.policy import Leave, parse_waivers
    from covidct.release.make.workspace import Order

    settled = Leave(parse_waivers(leave["waive"]), leave["hold_back"], leave["private"])
    return Order(name, version, date, parse_ratios(ratios), seed, settled)


@click.command("import-covid-ct")
@click.argument("folder", type=click.Path(path_type=Path))
@_out
@click.option("--date", default=DEFAULT_DATE, show_default=True, help="Date written into the release.")
@_workers
@json_option
def import_covid_ct(folder: Path, out: Path, date: str, workers: int | None, as_json: bool) -> None:
    """Turn the published COVID-CT FOLDER into the release covid-ct/1.0.0 (facts only)."""
    from covidct.release.make.build import written
    from covidct.release.make.covid_ct import import_covid_ct as draft_of

    draft = draft_of(folder, date, worker_count(workers))
    _report(written(draft, out, draft.about["remarks"]), as_json)


@click.command()
@click.argument("release")
@click.option("--version", help="Version to write the result as (default: only print how well the split fits).")
@click.option("--date", help="Date of the new version, YYYY-MM-DD.")
@click.option("--folds", type=click.IntRange(2), help="K-fold split: write fold numbers to --csv.")
@click.option(
    "--csv", "table", type=click.Path(path_type=Path), help="File for the table image_id,group_id,split (or fold)."
)
@click.option("--links", type=click.Path(path_type=Path), help="CSV with columns a,b: image ids that belong together.")
@_out
@_ratios
@_seed
@json_option
def split(
    release: str,
    version: str | None,
    date: str | None,
    folds: int | None,
    table: Path | None,
    links: Path | None,
    out: Path,
    ratios: str,
    seed: int,
    as_json: bool,
) -> None:
    """Split RELEASE anew with whole groups (paper, patient, links), as near to the ratios as they allow."""
    from covidct.release.make import resplit

    if version and (folds or not date):
        raise UsageError("--version needs --date, and a release holds no folds: give --csv for those")
    done = resplit.split_release(release, parse_ratios(ratios), seed, folds, links, out)
    if table is not None:
        resplit.write_table(done, table)
    if version and date:
        resplit.write_version(done, version, date, out)
    if as_json:
        print_json({"cost": done.fit.cost, "rows": done.fit.rows, "largest": done.fit.largest, "gaps": done.gaps})
        return
    for row in done.fit.rows:
        shares = f"share {float(row['share']):6.1%}  wished {float(row['wished']):6.1%}"
        say(f"{row['stratum']:28} {row['split']:8} {row['images']:7} images  {shares}")
    for group, count in done.fit.largest:
        say(f"largest groups: {group} {count} images")
    for gap in done.gaps:
        say(f"not to be written: {gap}")


@click.command()
@click.argument("release")
@click.option(
    "--corrections",
    type=click.Path(path_type=Path),
    required=True,
    help="Corrections: CSV with the columns image_id,action,value,evidence,reason.",
)
@click.option("--version", required=True, help="X.Y.Z; label changes are major.")
@click.option("--date", required=True, help="Date of the new version, YYYY-MM-DD.")
@click.option("--title", default="", help="Title of the new version.")
@click.option("--description", default="", help="Description for the datasheet.")
@_out
@json_option
def correct(
    release: str, corrections: Path, version: str, date: str, title: str, description: str, out: Path, as_json: bool
) -> None:
    """The next version of RELEASE: relabel, exclude, join; groups (paper, patient, join) become whole again."""
    from covidct.release.make.build import written
    from covidct.release.make.correct import corrected, read_corrections
    from covidct.release.read import read_release

    old = read_release(release)
    about = {key: text for key, text in (("title", title), ("description", description)) if text}
    draft = corrected(old, read_corrections(corrections, old), version, date, about)
    _report(written(draft, out), as_json)
