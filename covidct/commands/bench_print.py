"""What ``covidct bench`` and ``covidct predict`` print of the values that :mod:`covidct.bench` returns."""

import shlex
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from covidct.bench import curve, evaluation, prediction, repeat, robust, table, training
from covidct.bench.options import BenchOptions
from covidct.commands.options import print_json, tell_next
from covidct.errors import ExitCode
from covidct.intervals import deviation_text, interval_text
from covidct.profiles import current
from covidct.train.explain import DISCLAIMER


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


def evaluate(
    run: Path, manifest: str, images: Path | None, split: str, out: Path | None, as_json: bool, model: str | None
) -> int:
    """The scores of a run on another release, and how many images were left out."""
    found = evaluation.evaluate_run(run, manifest, images, split, out, model)
    if as_json:
        print_json(found)
        return ExitCode.COMPLETE
    if found["left_out"]:
        why = ", ".join(f"{count} by {reason}" for reason, count in found["left_out"].items())
        click.echo(f"{sum(found['left_out'].values())} images left out, since this run has learned from them ({why})")
    show(found, [], out or run / f"evaluate-{found['release'].replace('/', '-')}")
    for source, one in found["by_source"].items():
        click.echo(f"  {source}: {one['images']} images, accuracy {one['accuracy']:.3f}, AUC {one['auc']:.3f}")
    return ExitCode.COMPLETE


def export(run: Path, out: Path | None, form: str, as_json: bool, model: str | None) -> int:
    """The files, and how far they are from torch."""
    from covidct.bench.export import export_run

    found = export_run(run, out, form, model)
    if as_json:
        print_json(found)
        return ExitCode.COMPLETE
    for one in found:
        shape = f"picture (n, 1, {one['size']}, {one['size']}) in 0 to 1"
        click.echo(f"{one['file']}: {shape} to probability (n,); differs from torch by at most {one['difference']:.1g}")
    return ExitCode.COMPLETE


def compare(first: Path, second: Path, metric: str, manifest: str | None, as_json: bool) -> int:
    """The paired difference of two runs."""
    found, release = evaluation.compare(first, second, metric, manifest)
    if as_json:
        print_json({"metric": metric, "first": str(first), "second": str(second), **asdict(found)})
    else:
        words = f"{found.value:+.3f}, 95 % [{found.low:+.3f}, {found.high:+.3f}], p {found.p:.3f}"
        click.echo(f"{metric} of {second.name} minus {first.name}: {words} (groups of {release} resampled)")
    return ExitCode.COMPLETE


def predict(images: tuple[Path, ...], run: Path, out: Path | None, as_json: bool, model: str | None) -> int:
    """Probability of COVID for each picture; exit code 3 where some cannot be read."""
    found = prediction.predict_images(images, run, out, model)
    failed = [one for one in found if "error" in one]
    if as_json:
        print_json({"disclaimer": DISCLAIMER, "images": found})
    else:
        click.echo(DISCLAIMER)
        for one in found:
            click.echo(f"{one['file']}: {one.get('error') or _line(one)}", err="error" in one)
    if failed:
        return ExitCode.INCOMPLETE if len(failed) < len(found) else ExitCode.FAILED
    return ExitCode.COMPLETE


def _line(one: dict[str, Any]) -> str:
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
