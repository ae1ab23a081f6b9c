"""``covidct bench --fractions``: the learning curve of one or several methods."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from covidct.bench import inputs, training
from covidct.bench.beside import Audited, audited
from covidct.bench.options import BenchOptions
from covidct.bench.reporting import data_tables, render
from covidct.errors import UsageError
from covidct.files import write_text
from covidct.train import curve, results
from covidct.train.data import BenchData, fraction_of


def learning_curve(options: BenchOptions) -> tuple[list[dict[str, Any]], Path]:
    """Train every method on every share of the training groups; leaves curve.csv and curve.svg.

    The points, a line a method and share, and the folder.
    """
    shares = fractions(options.fractions or "1")
    methods = (options.method or "scratch").split(",")
    training.refuse_unused([inputs.request(replace(options, method=name)) for name in methods])
    out: Path = options.out or Path("runs") / f"curve-{'-'.join(methods)}"
    curves: dict[str, list[dict[str, Any]]] = {}
    for name in methods:
        for share in shares:
            folder = out / name / f"{share:g}"
            wanted = inputs.request(replace(options, method=name, out=folder), share)
            found = training.execute(wanted)
            images, groups = _used(inputs.load(wanted), share, wanted.seeds)
            curves.setdefault(name, []).append(curve.line(share, images, groups, found))
    points = [point for line in curves.values() for point in line]
    results.write_csv(out / curve.CURVE, points)
    write_text(out / "curve.svg", curve.plot(curves))
    _report(curves, options, out)
    return points, out


def _report(curves: Mapping[str, list[dict[str, Any]]], options: BenchOptions, out: Path) -> None:
    """The curves with their points as a page."""
    release = inputs.the_release(options)
    beside = audited(options) if options.baselines else Audited([], [], {})
    model = next(iter(curves.values()))[0]["model"]
    render(
        out,
        title=f"Sample efficiency: {model}",
        subtitle=f"{release.title}; every fraction takes whole groups of the training split, nested, by seed",
        tables=[curve.table(curves, beside.shortcuts)],
        figures=[(f"test {name}", curve.plot(curves, name)) for name in ("auc", "accuracy", "f1")],
        data=data_tables(release, beside),
    )


def _used(data: BenchData, share: float, seeds: tuple[int, ...]) -> tuple[int, int]:
    """Mean number of training images and groups over the seeds."""
    parts = [fraction_of(data, share, seed).parts["train"] for seed in seeds]
    images = sum(len(part.ids) for part in parts) / len(parts)
    return round(images), round(sum(len(set(part.groups)) for part in parts) / len(parts))


def fractions(text: str) -> list[float]:
    """``0.05,0.1,1`` as rising shares."""
    try:
        shares = sorted({float(word) for word in text.split(",")})
    except ValueError as error:
        raise UsageError(f"--fractions {text}: write shares with commas, e.g. 0.1,0.5,1") from error
    if not shares or shares[0] <= 0 or shares[-1] > 1:
        raise UsageError(f"--fractions {text}: shares lie above 0 and up to 1")
    return shares
