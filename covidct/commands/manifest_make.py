"""``covidct manifest import-covid-ct``: commands that write releases."""

from pathlib import Path

import click

from covidct.commands.options import worker_count

DEFAULT_DATE = "2020-06-17"
"""Of the published set's last paper; the date of a release is an input, never the clock."""


@click.command("import-covid-ct")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), default=Path("manifests"), show_default=True)
@click.option("--date", default=DEFAULT_DATE, show_default=True, help="Date written into the release.")
@click.option("--workers", type=click.IntRange(1), help="Default: the cores there are.")
def import_covid_ct(folder: Path, out: Path, date: str, workers: int | None) -> None:
    """Turn the published COVID-CT FOLDER into the release covid-ct/1.0.0 (facts only)."""
    from covidct.release.build.covid_ct import import_covid_ct as draft_of
    from covidct.release.build.write import write_release

    draft = draft_of(folder, date, worker_count(workers))
    target = write_release(draft, out)
    for remark in draft.about["remarks"]:
        click.echo(remark)
    click.echo(f"{len(draft.images)} images written to {target}")
