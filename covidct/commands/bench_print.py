"""What ``covidct bench`` prints of the values that :mod:`covidct.bench` returns; other commands print of these, too."""

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from covidct.bench import curve, repeat, robust, table, training
from covidct.bench.options import BenchOptions
from covidct.commands.options import print_json, tell_next
from covidct.errors import ExitCode
from covidct.intervals import deviation_text, interval_text
from covidct.profiles import current


def run(options: BenchOptions, as_json: bool) -> int:
    """The mode of ``covidct bench`` that the options ask for; exit code 3 where a row could not be run."""
    options = repeat.repeated(options)
    if options.table:
        return _table(options.table, options, as_json)
    if options.fractions:
        return _curve(options, as_json)
    found = robust.robust_run(options) if options.protocol == "robust" else training.train_model(options)
    if as_json:
        print_json({**found.summary, "shortcuts": found.shortcuts})
        return ExitCode.COMPLETE
    for row in found.summary.get("candidates", []):
        click.echo(f"  {row['auc']:.3f} over folds: {row['candidate']}, epoch {row['epoch']}")
    show(found.summary, found.shortcuts, found.out)
    if options.protocol != "robust":  # an ensemble of folds keeps predictions, no weights
        tell_next(f"predict IMAGE.png --run {shlex.quote(str(found.out))} --out maps")
    return ExitCode.COMPLETE


def _table(number: int, options: BenchOptions, as_json: bool) -> int:
    made = table.paper_table(number, options)
    if as_json:
        pairs = [dict(zip(made.between.head, line, strict=True)) for line in made.between.lines]
        print_json({"rows": made.rows, "failed": made.failed, "notes": made.table.notes, "differences": pairs})
    else:
        for shown in (made.table, made.between):
            click.echo(shown.markdown().rstrip() if shown.lines else "", nl=bool(shown.lines))
        for one in made.failed:
            click.echo(f"{one['row']}: {one['error']}", err=True)
    return ExitCode.INCOMPLETE if made.failed else ExitCode.COMPLETE


def _curve(options: BenchOptions, as_json: bool) -> int:
    points, out = curve.learning_curve(options)
    if as_json:
        print_json(points)
        return ExitCode.COMPLETE
    for point in points:
        area = f"AUC {point['auc']:.3f} [{point['auc_low']:.3f}, {point['auc_high']:.3f}]"
        click.echo(f"{point['method']} {point['fraction']:g}: {point['train_groups']} groups, {area}")
    click.echo(f"files: {out}")
    return ExitCode.COMPLETE


def prediction_line(one: dict[str, Any]) -> str:
    """What :func:`covidct.predict_images` says of one picture, for a person."""
    seen = f", {one['inside_lungs']:.0%} of the map inside the lungs" if one["inside_lungs"] is not None else ""
    words = (
        f"probability of {one['of']} {one['probability']:.3f} (seeds {one['lowest']:.3f} to {one['highest']:.3f}){seen}"
    )
    strange = one["kind"] != current().picture
    return words + (
        f"; NO {current().picture} (looks like {one['kind']}): this number means nothing" if strange else ""
    )


def show(found: Mapping[str, Any], shortcuts: list[dict[str, Any]], out: Path) -> None:
    """The summary as lines for a person."""
    title = f"{found['model']} {found['method']} ({found['protocol']}) on {found['release']}"
    click.echo(f"{title}, {found['images']} test images")
    for name, score in found["metrics"].items():
        click.echo(f"  {name:<12}{score['mean']:.3f} ± {deviation_text(score['sd'])}  {interval_text(score)}".rstrip())
    for name, point in found.get("operating_points", {}).items():
        click.echo(f"  {name:<26}{point['value']:.3f}  {interval_text(point)}".rstrip())
    for one in shortcuts:
        scores = f"accuracy {one['accuracy']:.3f}, AUC {one['auc']:.3f} [{interval_text(one)}]"
        click.echo(f"  shortcut, no anatomy: {one['name']}: {scores}")
    click.echo(f"files: {out}")
