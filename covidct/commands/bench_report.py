"""``report.html`` and ``model-card.md`` of a run, ``report.html`` of a table."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jinja2 import Environment, PackageLoader

from covidct.commands.bench_inputs import load, request, the_release
from covidct.files import write_text
from covidct.models.gradcam import NoMapError
from covidct.release.build.materialize import artifact_boxes
from covidct.release.read import Release
from covidct.train import card, report, results
from covidct.train.evaluate import run_config
from covidct.train.experiment import load_best
from covidct.train.explain import DISCLAIMER, maps, mean_places, places
from covidct.train.intervals import interval_text
from covidct.train.loop import scaled
from covidct.train.pixels import PixelStore

CAM_ROWS = 4
Marks = dict[str, list[list[float]]]


def render(out: Path, **parts: Any) -> None:
    """``report.html`` in ``out`` from the template."""
    pages = Environment(loader=PackageLoader("covidct.train"), autoescape=True)
    text = pages.get_template("report.html").render(disclaimer=DISCLAIMER, environment=report.environment(), **parts)
    write_text(out / "report.html", text)


def write_report(out: Path, options: Mapping[str, Any], shortcuts: Sequence[Mapping[str, Any]]) -> None:
    """The report of a finished run: scores, curves, mistakes, maps and where they fall, settings, model card."""
    config = run_config(out)
    summary = json.loads((out / results.SUMMARY).read_text(encoding="utf-8"))
    found = results.read_predictions(out, "test")
    store = load(request({**options, "out": out})).store
    cams, table = _looked_at(out, config, found, store, marks_of(the_release(options)))
    entries = card.card(config, summary, shortcuts)
    title = f"{config['run']['model']}, {config['run']['method']} ({config['run']['protocol']})"
    results.write_json(out / "explain.json", table)
    write_text(out / "model-card.md", card.markdown(title, entries))
    render(
        out,
        title=title,
        subtitle=f"{summary['release']}, {summary['images']} test images of {summary['groups']} groups",
        tables=[_scores(summary, shortcuts), _sources(summary), _places(table)],
        figures=[
            ("ROC", report.roc_svg(found)),
            ("Precision and recall", report.precision_recall_svg(found)),
            ("Calibration", report.calibration_svg(found)),
            ("Validation AUC while training", report.history_svg(out, summary["seeds"], "val_auc")),
            ("Training loss", report.history_svg(out, summary["seeds"], "train_loss")),
        ],
        confusion=report.confusion(found.truth, list(found.runs.values())),
        mistakes=_mistakes(found, store),
        cams=cams,
        card=entries,
        config=(out / results.CONFIG).read_text(encoding="utf-8"),
    )


def _scores(summary: Mapping[str, Any], shortcuts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    lines = []
    for name, score in summary["metrics"].items():
        interval = interval_text(score)
        other = summary["at_validation_threshold"].get(name)
        at_val = f"{other['value']:.3f} ({interval_text(other) or 'n/a'})" if other else ""
        lines.append([name, f"{score['mean']:.3f}", f"{score['sd']:.3f}", interval, at_val])
    for one in shortcuts:
        lines.append([f"shortcut: {one['name']}, AUC", f"{one['auc']:.3f}", "", interval_text(one), ""])
    head = ["score", "mean over seeds", "sd", "95 % by group", "at the validation threshold"]
    return {"title": "Scores", "head": head, "lines": lines, "notes": summary["notes"]}


def _sources(summary: Mapping[str, Any]) -> dict[str, Any]:
    lines = [
        [name, str(one["images"]), str(one["covid"]), f"{one['accuracy']:.3f}", f"{one['auc']:.3f}", one["auc_against"]]
        for name, one in summary["by_source"].items()
    ]
    return {
        "title": "By source",
        "head": ["source", "images", "covid", "accuracy", "AUC", "against"],
        "lines": lines,
        "notes": [],
    }


def _places(table: Mapping[str, float]) -> dict[str, Any]:
    named = (("inside the lungs", "lung"), ("on the border (outer 8 %)", "border"), ("on burnt-in marks", "marks"))
    lines = [
        [what, f"{table[name]:.3f}", f"{table[f'{name}_area']:.3f}", f"{table[f'{name}_pictures']:.0f}"]
        for what, name in named
        if table.get(f"{name}_pictures")
    ]
    note = "a map that falls anywhere by chance has the share of the area; marks are those the release knows"
    head = ["", "share of the map", "share of the area", "images"]
    return {"title": "Where the maps fall", "head": head, "lines": lines, "notes": [note]}


def _looked_at(
    out: Path, config: Mapping[str, Any], found: results.Predictions, store: PixelStore, marks: Marks
) -> tuple[list[list[report.Shown]], dict[str, float]]:
    """Rows of maps for the surest COVID images, and the mean places over all test images; first seed's network."""
    network, saved = load_best(out / f"seed-{config['run']['seeds'][0]}")
    pixels = store.rows(found.ids)
    try:
        heats = maps(network, pixels, saved["size"])
    except NoMapError:
        return [], {"pictures": 0}
    triples = zip(found.ids, heats, pixels, strict=True)
    table = mean_places([places(heat, picture, marks.get(image, [])) for image, heat, picture in triples])
    mean = np.mean(list(found.runs.values()), axis=0)
    chosen = np.argsort(-np.where(found.truth > 0.5, mean, -1), kind="stable")[:CAM_ROWS]
    small = scaled(torch.from_numpy(pixels[chosen]), saved["size"])[:, 0].numpy()
    return report.cam_rows(small, [heats[chosen]], [found.ids[i] for i in chosen]), table


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


def _mistakes(found: results.Predictions, store: PixelStore) -> list[report.Shown]:
    shown = []
    for image, probability, truth in report.mistakes(found):
        label = "covid" if truth > 0.5 else "non-covid"
        address = report.picture_address(store.rows([image])[0])
        shown.append(report.Shown(address, f"{image}: {label}, probability of covid {probability:.2f}"))
    return shown
