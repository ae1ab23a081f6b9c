"""``covidct data``: external sets, fetched with checksums where licence and host allow, else imported from a folder."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from covidct.commands.lazy import LazyGroup
from covidct.commands.options import json_option, print_json
from covidct.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from covidct.net.client import HttpClient


LAZY = {"pack": ("covidct.commands.data_pack:pack", "A release's images as one file for fast training.")}


@click.group(cls=LazyGroup, lazy=LAZY)
def data() -> None:
    """External sets: COVID-CT, LUNA16, LNM."""


def _client(rate: tuple[str, ...], contact: str | None) -> "HttpClient":
    from covidct.net.client import HttpClient, Settings
    from covidct.net.rates import parse_rates
    from covidct.net.wire import Limits

    large = Limits(bytes=20_000_000_000, seconds=6 * 3600)
    return HttpClient(
        Settings(contact=contact or os.environ.get("COVIDCT_CONTACT", ""), limits=large), parse_rates(rate)
    )


@data.command()
@click.argument("name", type=click.Choice(["covid-ct", "luna16", "lnm"]))
@click.option("--out", type=click.Path(path_type=Path), help="Output folder (default: the cache that bench reads).")
@click.option(
    "--subset", multiple=True, type=click.IntRange(0, 9), help="LUNA16: which of subset0…9 (about 7 GB each)."
)
@click.option("--rate", multiple=True, metavar="HOST=N", help="Maximum requests per second to a host.")
@click.option("--contact", help="E-mail address for the user agent (default: COVIDCT_CONTACT).")
@json_option
def fetch(
    name: str, out: Path | None, subset: tuple[int, ...], rate: tuple[str, ...], contact: str | None, as_json: bool
) -> int:
    """Download a set and check it against the digests that are known."""
    from covidct.external.fetch import COVID_CT, ZENODO, fetch_covid_ct, fetch_luna16
    from covidct.harvest.services import checked
    from covidct.release.read import default_release, read_release
    from covidct.release.read.locate import cache_folder

    if name == "lnm":
        raise UsageError(
            "LNM needs a Kaggle account: download kmader/lungnodemalignancy there, then 'covidct data import lnm PATH'"
        )
    folder = out or cache_folder(name)
    base = os.environ.get("COVIDCT_DATA_URL", "")
    where = checked("COVIDCT_DATA_URL", base) if base else COVID_CT if name == "covid-ct" else ZENODO
    client = _client(rate, contact)
    if name == "covid-ct":
        report = fetch_covid_ct(client, read_release(default_release()), folder, where)
    else:
        report = fetch_luna16(client, folder, subset or tuple(range(10)), where)
    summary = {"folder": str(folder), **vars(report)}
    return _say(summary, report.failed, report.present + report.fetched, as_json)


def _say(summary: dict[str, Any], failed: list[dict[str, str]], good: int, as_json: bool) -> int:
    if as_json:
        print_json(summary)
    else:
        click.echo(", ".join(f"{key} {value}" for key, value in summary.items() if key != "failed"))
        for item in failed[:20]:
            click.echo(f"  {item['file']}: {item['reason']}", err=True)
        if len(failed) > 20:
            click.echo(f"  … and {len(failed) - 20} more", err=True)
    if not failed:
        return ExitCode.COMPLETE
    return ExitCode.INCOMPLETE if good else ExitCode.FAILED


@data.group(name="import")
def import_() -> None:
    """Take over a set that was downloaded by hand."""


@import_.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder for the slices and slices.csv.")
@click.option("--subjects", type=click.IntRange(min=1), default=500, show_default=True)
@click.option("--seed", type=int, default=0, show_default=True)
@json_option
def luna16(path: Path, out: Path, subjects: int, seed: int, as_json: bool) -> int:
    """Two lung-window slices of each of 500 subjects, from the scans (.mhd/.raw) and annotations.csv below PATH."""
    from covidct.external.luna16 import LEVEL, LICENCE, WIDTH, import_luna16

    if not path.is_dir():
        raise UsageError(f"{path}: no such folder; give the one that holds LUNA16's scans and annotations.csv")
    done = import_luna16(path, out, subjects, seed)
    reasons = [s.reason for s in done.slices]
    summary: dict[str, Any] = {
        "folder": str(out),
        "subjects": done.subjects,
        "slices": len(done.slices),
        "with_lesion": reasons.count("lesion"),
        "window": f"level {LEVEL:g}, width {WIDTH:g} HU",
        "licence": LICENCE,
        "replaced": [f"{series}: {reason}" for series, reason in done.failed],
    }
    short = f"{done.subjects} of {subjects} subjects could be read"
    failed = [] if done.subjects >= subjects else [{"file": str(path), "reason": short}]
    return _say({**summary, "failed": failed}, failed, done.subjects, as_json)


@import_.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder for the patches and patches.csv.")
@json_option
def lnm(path: Path, out: Path, as_json: bool) -> int:
    """The patches of Kaggle's lungnodemalignancy (all_patches.hdf5) as pictures, classes counted."""
    from covidct.external.lnm import import_lnm

    if not path.exists():
        raise UsageError(f"{path}: there is no such file or folder")
    done = import_lnm(path, out)
    hounsfield = f"{done.lowest:g}…{done.highest:g}"
    summary = {"folder": str(out), "patches": done.patches, **done.counts, "hounsfield": hounsfield}
    return _say(summary, [], done.patches, as_json)
