"""What a report shows of a run: curves as SVG, mistakes, Grad-CAM rows; all inlined, nothing loaded from elsewhere."""

import base64
import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from covidct.pictures import png_bytes
from covidct.scores import Array, calibration, precision_recall, roc
from covidct.train.bands import GRID, band
from covidct.train.curve import blank, svg
from covidct.train.explain import overlay
from covidct.train.loop import HISTORY
from covidct.train.results import Predictions

Grey = NDArray[np.uint8]


@dataclass(frozen=True)
class Shown:
    """A picture in a report: data address, caption, and the whole text where the caption is cut short."""

    source: str
    caption: str
    whole: str = ""


def short(name: str, most: int = 40) -> str:
    """``name`` without its middle where it is longer than ``most``."""
    return name if len(name) <= most else f"{name[: most // 2]}…{name[-(most // 2) :]}"


def picture_address(pixels: Grey) -> str:
    """``pixels`` (h, w) or (h, w, 3) as a data: address of a PNG."""
    return "data:image/png;base64," + base64.b64encode(png_bytes(pixels)).decode()


Curves = Mapping[str, Array]
"""Name in the legend to probabilities in the order of the truth."""


def seed_curves(found: Predictions) -> Curves:
    """One curve a seed."""
    return {f"seed {seed}": run for seed, run in found.runs.items()}


def curve_figures(truth: Array, curves: Curves, groups: Sequence[str]) -> list[tuple[str, str]]:
    """Caption and drawing: ROC, precision and recall, reliability; bands are of the mean over all ``curves``."""
    return [
        (
            "ROC; band: 95 % by resampling groups, of the mean of the curves' probabilities",
            roc_svg(truth, curves, groups),
        ),
        ("Precision and recall; band as in ROC", precision_recall_svg(truth, curves, groups)),
        (
            "Reliability: what was said against what was so; dots grow with the images in a tenth",
            reliability_svg(truth, curves),
        ),
    ]


def roc_svg(truth: Array, curves: Curves, groups: Sequence[str]) -> str:
    """ROC curves."""
    figure, axes = _banded(truth, curves, groups, "roc")
    axes.plot([0, 1], [0, 1], color="0.7", linewidth=0.8)
    return _square(figure, axes, "false positive rate", "true positive rate")


def precision_recall_svg(truth: Array, curves: Curves, groups: Sequence[str]) -> str:
    """Precision against recall, with the share of COVID as the floor."""
    figure, axes = _banded(truth, curves, groups, "pr")
    axes.axhline(float(truth.mean()), color="0.7", linewidth=0.8)
    return _square(figure, axes, "recall", "precision")


def _banded(truth: Array, curves: Curves, groups: Sequence[str], kind: Literal["roc", "pr"]) -> tuple[Any, Any]:
    """The curves, and the band of their mean."""
    figure, axes = blank()
    for name, run in curves.items():
        axes.plot(*(roc if kind == "roc" else precision_recall)(truth, run), label=name)
    mean = np.asarray(np.mean(list(curves.values()), axis=0))
    axes.fill_between(GRID, *band(truth, mean, groups, kind), color="0.5", alpha=0.2, linewidth=0)
    return figure, axes


def reliability_svg(truth: Array, curves: Curves) -> str:
    """What was said against what was so, in ten bins."""
    figure, axes = blank()
    for name, run in curves.items():
        predicted, seen, count = zip(*calibration(truth, run), strict=True)
        (line,) = axes.plot(predicted, seen, linewidth=0.8, label=name)
        axes.scatter(predicted, seen, s=[4 + 120 * n / len(truth) for n in count], color=line.get_color(), alpha=0.7)
    axes.plot([0, 1], [0, 1], color="0.7", linewidth=0.8)
    return _square(figure, axes, "probability of the positive class", "its share")


def _square(figure: Any, axes: Any, across: str, up: str) -> str:
    axes.set_xlim(-0.02, 1.02)
    axes.set_ylim(-0.02, 1.02)
    axes.set_xlabel(across)
    axes.set_ylabel(up)
    axes.legend(frameon=False, fontsize=7)
    return svg(figure)


def history_svg(run: Path, seeds: Sequence[int], column: str) -> str:
    """``column`` of every seed's history.csv against the epoch; empty where no history is there."""
    figure, axes = blank()
    for seed in seeds:
        path = run / f"seed-{seed}" / HISTORY
        if path.is_file():
            with path.open(newline="", encoding="utf-8") as handle:
                lines = list(csv.DictReader(handle))
            axes.plot([int(x["epoch"]) for x in lines], [float(x[column]) for x in lines], label=f"seed {seed}")
    axes.set_xlabel("epoch")
    axes.set_ylabel({"val_auc": "validation AUC"}.get(column, column.replace("_", " ")))
    axes.xaxis.get_major_locator().set_params(integer=True)
    if axes.lines:
        axes.legend(frameon=False, fontsize=7)
    return svg(figure)


def confusion(truth: Array, runs: Sequence[Array], cuts: Sequence[float]) -> dict[str, float]:
    """Mean counts over seeds, each called at its own of ``cuts``."""
    called = [run >= cut for run, cut in zip(runs, cuts, strict=True)]
    positive = truth > 0.5
    return {
        "tp": float(np.mean([(c & positive).sum() for c in called])),
        "fn": float(np.mean([(~c & positive).sum() for c in called])),
        "fp": float(np.mean([(c & ~positive).sum() for c in called])),
        "tn": float(np.mean([(~c & ~positive).sum() for c in called])),
    }


def mistakes(ids: Sequence[str], truth: Array, mean: Array, count: int = 12) -> list[tuple[str, float, float]]:
    """The images called wrong that are furthest from their label: id, probability, truth; worst first."""
    order = np.argsort(-np.abs(mean - truth), kind="stable")[:count]
    return [(ids[i], float(mean[i]), float(truth[i])) for i in order if abs(mean[i] - truth[i]) > 0.5]


def examples(truth: Array, mean: Array) -> list[int]:
    """Rows worth looking into, as places in ``truth`` (n,), from probabilities ``mean`` (n,).

    Two COVID images that were surely found and the one most surely missed; one image without COVID that was surely
    cleared and the one most surely called COVID.
    """
    positive, negative = np.flatnonzero(truth > 0.5), np.flatnonzero(truth < 0.5)
    falling = positive[np.argsort(-mean[positive], kind="stable")]
    rising = negative[np.argsort(mean[negative], kind="stable")]
    chosen = [*falling[:2], *falling[2:][-1:], *rising[:1], *rising[1:][-1:]]
    return [int(i) for i in chosen]


@dataclass(frozen=True)
class Column:
    """One column of maps: ``pictures`` (n, side, side), ``heats`` (n, side, side), ``probability`` (n,)."""

    title: str
    pictures: Grey
    heats: NDArray[np.float32]
    probability: Array


def cam_rows(columns: Sequence[Column], named: Sequence[tuple[str, str]]) -> list[list[Shown]]:
    """As Fig. 5 of the paper: a row an image, first the image itself, then each column's map over it.

    ``named`` holds the id and the label of each image.
    """
    rows = []
    for number, (image, label) in enumerate(named):
        row = [Shown(picture_address(columns[0].pictures[number]), f"{short(image)}: {label}", image)]
        for one in columns:
            shown = overlay(one.pictures[number], one.heats[number])
            row.append(Shown(picture_address(shown), f"{one.probability[number]:.2f}"))
        rows.append(row)
    return rows
