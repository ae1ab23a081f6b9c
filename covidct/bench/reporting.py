"""``report.html`` and ``model-card.md`` of a run, ``report.html`` of several runs side by side."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, PackageLoader

from covidct.bench import inputs
from covidct.bench.beside import Audited, audited
from covidct.bench.options import BenchOptions
from covidct.errors import UsageError
from covidct.files import write_text
from covidct.models.gradcam import NoMapError
from covidct.release.make.materialize import artifact_boxes
from covidct.release.read import Release
from covidct.train import card, report, report_tables, results
from covidct.train import tables as papers
from covidct.train.environment import environment
from covidct.train.evaluate import compare
from covidct.train.explain import DISCLAIMER, mean_places, places
from covidct.train.finished import Finished, finished
from covidct.train.pixels import PixelStore

MOST_COLUMNS = 6
"""Runs whose maps stand side by side on one page."""
Marks = dict[str, list[list[float]]]
Cams = dict[str, Any]


def render(out: Path, **parts: Any) -> None:
    """``report.html`` in ``out`` from the template."""
    pages = Environment(loader=PackageLoader("covidct.train"), autoescape=True)
    settled = {"environment": environment(), "disclaimer": DISCLAIMER, **parts}
    write_text(out / "report.html", pages.get_template("report.html").render(**settled))


def report_runs(runs: Sequence[Path], options: BenchOptions) -> Path:
    """The report of one run in its own folder, or of several side by side; the page."""
    found = [finished(folder, options.model) for folder in runs]
    release = inputs.the_release(options)
    for run in found:
        if run.config["run"]["release"] != release.title:
            made = run.config["run"]["release"]
            raise UsageError(f"{run.folder}: made on {made}, not {release.title}; give that release with --manifest")
    beside = audited(options) if options.baselines else Audited([], [], {})
    if len(found) == 1:
        out = write_report(runs[0], options, beside, options.out)
    else:
        out = options.out or Path("runs") / "report"
        side_by_side(found, options, beside, out, "Runs side by side")
    return out / "report.html"


def write_report(folder: Path, options: BenchOptions, beside: Audited, out: Path | None = None) -> Path:
    """The report of a finished run: scores, curves, mistakes, maps and where they fall, data, settings, card."""
    run, release = finished(folder, options.model), inputs.the_release(options)
    out = out or folder
    store = inputs.store_for(options, run.size, run.view)
    looked = _places(run, store, marks_of(release))
    entries = card.card(run.config, run.summary, beside.shortcuts, release.images)
    results.write_json(out / "explain.json", looked)
    write_text(out / "model-card.md", card.markdown(run.title, entries))
    seeds = run.summary["seeds"]
    history = [
        ("Validation AUC while training", report.history_svg(folder, seeds, "val_auc")),
        ("Training loss", report.history_svg(folder, seeds, "train_loss")),
    ]
    render(
        out,
        title=run.title,
        subtitle=_subtitle(run),
        tables=[
            report_tables.scores(run.summary, beside.shortcuts, papers.like(run.config)),
            report_tables.sources(run.summary),
            report_tables.places({"": looked}),
        ],
        figures=[*report.curve_figures(run.test.truth, report.seed_curves(run.test), run.test.groups), *history],
        confusions=_confusions(run),
        classes=release.classes,
        mistakes=_mistakes(run.test, run.mean, store, release.classes),
        cams=_cams([(run, seed, f"seed {seed}") for seed in seeds], run.mean, [store] * len(seeds), release.classes),
        data=data_tables(release, beside),
        card=entries,
        settings=[("", (folder / results.CONFIG).read_text(encoding="utf-8"))],
        environment=run.environment or environment(),
    )
    return out


def side_by_side(
    runs: Sequence[Finished],
    options: BenchOptions,
    beside: Audited,
    out: Path,
    title: str,
    tables: Sequence[report_tables.Table] = (),
) -> None:
    """Several runs on the same test images: scores, paired differences, curves, maps in columns, shared mistakes."""
    release = inputs.the_release(options)
    marks = marks_of(release)
    names = _names(runs)
    stores = [inputs.store_for(options, run.size, run.view) for run in runs]
    looked = {name: _places(run, store, marks) for name, run, store in zip(names, runs, stores, strict=True)}
    first = runs[0].test
    means = {name: _like(first, run) for name, run in zip(names, runs, strict=True)}
    mean = np.mean(list(means.values()), axis=0)
    firsts = [(run, run.summary["seeds"][0], name) for name, run in zip(names, runs, strict=True)]
    scored = report_tables.runs(
        dict(zip(names, (r.summary for r in runs), strict=True)), () if tables else beside.shortcuts
    )
    render(
        out,
        title=title,
        subtitle=_subtitle(runs[0]),
        tables=[*tables, scored, _differences(runs, names, release), report_tables.places(looked)],
        figures=report.curve_figures(first.truth, means, first.groups),
        classes=release.classes,
        mistakes=_mistakes(first, mean, stores[0], release.classes),
        cams=_cams(firsts, mean, stores, release.classes),
        data=data_tables(release, beside),
        settings=[(n, (r.folder / results.CONFIG).read_text("utf-8")) for n, r in zip(names, runs, strict=True)],
    )


def _confusions(run: Finished) -> list[tuple[str, dict[str, float]]]:
    """Counts at 0.5, and at each seed's threshold from validation."""
    runs = list(run.test.runs.values())
    cuts = run.summary["at_validation_threshold"]["thresholds"]
    named = ", ".join(f"{cut:.3f}" for cut in cuts)
    return [
        ("at 0.5", report.confusion(run.test.truth, runs, [0.5] * len(runs))),
        (f"at the threshold that validation chose ({named})", report.confusion(run.test.truth, runs, cuts)),
    ]


def _subtitle(run: Finished) -> str:
    return f"{run.summary['release']}, {run.summary['images']} test images of {run.summary['groups']} groups"


def _names(runs: Sequence[Finished]) -> list[str]:
    """Folder names; whole paths where two are the same."""
    names = [run.name for run in runs]
    return names if len(set(names)) == len(names) else [str(run.folder) for run in runs]


def _like(first: results.Predictions, run: Finished) -> Any:
    """The run's mean probabilities in the order of ``first``'s images."""
    predicted = dict(zip(run.test.ids, run.mean, strict=True))
    if set(predicted) != set(first.ids):
        raise UsageError(f"{run.folder}: its test images differ from those of the first run")
    return np.array([predicted[image] for image in first.ids])


def _differences(runs: Sequence[Finished], names: Sequence[str], release: Release) -> report_tables.Table:
    groups = dict(zip(release.images["image_id"], release.images["group_id"], strict=True))
    found = {
        f"{name} − {names[0]}": {m: compare(runs[0].folder, run.folder, m, groups) for m in ("auc", "accuracy")}
        for name, run in list(zip(names, runs, strict=True))[1:]
    }
    return report_tables.differences(found)


def data_tables(release: Release, beside: Audited) -> list[report_tables.Table]:
    """What the release holds, and what the audit says about it."""
    tables = report_tables.data(release.images)
    return [*tables, report_tables.findings(beside.findings, beside.skipped)] if beside.findings else tables


def _places(run: Finished, store: PixelStore, marks: Marks) -> dict[str, float]:
    """Where the maps of the first seed fall, over all test images."""
    pixels = store.rows(run.test.ids)
    try:
        heats = run.maps(run.summary["seeds"][0], pixels)
    except NoMapError:
        return {"pictures": 0}
    triples = zip(run.test.ids, heats, pixels, strict=True)
    return mean_places([places(heat, picture, marks.get(image, [])) for image, heat, picture in triples])


def _cams(
    chosen: Sequence[tuple[Finished, int, str]], mean: Any, stores: Sequence[PixelStore], classes: tuple[str, str]
) -> Cams:
    """Rows of example images with one column a (run, seed, title); empty where no network has maps."""
    test = chosen[0][0].test
    rows = report.examples(test.truth, mean)
    ids = [test.ids[row] for row in rows]
    columns = []
    for (run, seed, title), store in list(zip(chosen, stores, strict=True))[:MOST_COLUMNS]:
        try:
            columns.append(run.column(seed, title, store.rows(ids), ids))
        except NoMapError:
            continue
    if not columns:
        return {}
    named = [(test.ids[row], classes[int(test.truth[row])]) for row in rows]
    left = [title for _, _, title in chosen[MOST_COLUMNS:]]
    return {"head": [one.title for one in columns], "rows": report.cam_rows(columns, named), "left": left}


def marks_of(release: Release) -> Marks:
    """Burnt-in marks that a release knows, as shares of each image's width and height."""
    found: Marks = {}
    columns = zip(*(release.images[c] for c in ("image_id", "artifacts", "width", "height")), strict=True)
    for image, cell, width, height in columns:
        sides = (width, height, width, height)
        boxes = [
            [v / side for v, side in zip(box, sides, strict=True)] for _, box in artifact_boxes({"artifacts": cell})
        ]
        if boxes:
            found[image] = boxes
    return found


def _mistakes(test: results.Predictions, mean: Any, store: PixelStore, classes: tuple[str, str]) -> list[report.Shown]:
    shown = []
    for image, probability, truth in report.mistakes(test.ids, test.truth, mean):
        address = report.picture_address(store.rows([image])[0])
        caption = f"{report.short(image)}: {classes[int(truth)]}, probability of {classes[1]} {probability:.2f}"
        shown.append(report.Shown(address, caption, image))
    return shown
