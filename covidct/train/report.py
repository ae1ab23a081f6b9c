"""What a report shows of a run: curves as SVG, mistakes, Grad-CAM rows; all inlined, nothing loaded from elsewhere."""

import base64
import csv
import io
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from covidct.train.curve import svg
from covidct.train.explain import overlay
from covidct.train.loop import HISTORY
from covidct.train.results import Predictions
from covidct.train.scores import Array, calibration, precision_recall, roc

Grey = NDArray[np.uint8]


@dataclass(frozen=True)
class Shown:
    """A picture in a report: data address, caption."""

    source: str
    caption: str


def picture_address(pixels: Grey) -> str:
    """``pixels`` (h, w) or (h, w, 3) as a data: address of a PNG."""
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, format="PNG")
    return "data:image/png;base64," + base64.b64encode(out.getvalue()).decode()


def _axes(width: float = 3.4, height: float = 3.0) -> tuple[Any, Any]:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(width, height))
    axes.grid(alpha=0.3)
    return figure, axes


def roc_svg(found: Predictions) -> str:
    """ROC curves, one a seed."""
    figure, axes = _axes()
    for seed, run in found.runs.items():
        axes.plot(*roc(found.truth, run), label=f"seed {seed}")
    axes.plot([0, 1], [0, 1], color="0.7", linewidth=0.8)
    return _square(figure, axes, "false positive rate", "true positive rate")


def precision_recall_svg(found: Predictions) -> str:
    """Precision against recall, one curve a seed, with the share of COVID as the floor."""
    figure, axes = _axes()
    for seed, run in found.runs.items():
        axes.plot(*precision_recall(found.truth, run), label=f"seed {seed}")
    axes.axhline(float(found.truth.mean()), color="0.7", linewidth=0.8)
    return _square(figure, axes, "recall", "precision")


def calibration_svg(found: Predictions) -> str:
    """What was said against what was so, in ten bins, one curve a seed."""
    figure, axes = _axes()
    for seed, run in found.runs.items():
        said, seen, _ = zip(*calibration(found.truth, run), strict=True)
        axes.plot(said, seen, marker="o", markersize=3, label=f"seed {seed}")
    axes.plot([0, 1], [0, 1], color="0.7", linewidth=0.8)
    return _square(figure, axes, "probability of covid", "share of covid")


def _square(figure: Any, axes: Any, across: str, up: str) -> str:
    axes.set_xlim(-0.02, 1.02)
    axes.set_ylim(-0.02, 1.02)
    axes.set_xlabel(across)
    axes.set_ylabel(up)
    axes.legend(frameon=False, fontsize=7)
    return svg(figure)


def history_svg(run: Path, seeds: Sequence[int], column: str) -> str:
    """``column`` of every seed's history.csv against the epoch; empty where no history is there."""
    figure, axes = _axes()
    for seed in seeds:
        path = run / f"seed-{seed}" / HISTORY
        if path.is_file():
            with path.open(newline="", encoding="utf-8") as handle:
                lines = list(csv.DictReader(handle))
            axes.plot([int(x["epoch"]) for x in lines], [float(x[column]) for x in lines], label=f"seed {seed}")
    axes.set_xlabel("epoch")
    axes.set_ylabel(column.replace("_", " "))
    if axes.lines:
        axes.legend(frameon=False, fontsize=7)
    return svg(figure)


def confusion(truth: Array, runs: Sequence[Array]) -> dict[str, float]:
    """Mean counts over seeds at threshold 0.5."""
    called = [run >= 0.5 for run in runs]
    positive = truth > 0.5
    return {
        "tp": float(np.mean([(c & positive).sum() for c in called])),
        "fn": float(np.mean([(~c & positive).sum() for c in called])),
        "fp": float(np.mean([(c & ~positive).sum() for c in called])),
        "tn": float(np.mean([(~c & ~positive).sum() for c in called])),
    }


def mistakes(found: Predictions, count: int = 8) -> list[tuple[str, float, float]]:
    """The images furthest from their label: id, mean probability over seeds, truth; worst first."""
    mean = np.mean(list(found.runs.values()), axis=0)
    order = np.argsort(-np.abs(mean - found.truth), kind="stable")[:count]
    return [(found.ids[i], float(mean[i]), float(found.truth[i])) for i in order if abs(mean[i] - found.truth[i]) > 0.5]


def cam_rows(pictures: Grey, heats: Sequence[NDArray[np.float32]], ids: Sequence[str]) -> list[list[Shown]]:
    """As Fig. 5 of the paper: a row an image, first the image, then each run's map over it."""
    rows = []
    for number, image in enumerate(ids):
        row = [Shown(picture_address(pictures[number]), image)]
        row += [Shown(picture_address(overlay(pictures[number], heat[number])), "") for heat in heats]
        rows.append(row)
    return rows


def environment() -> dict[str, str]:
    """What the numbers were computed with."""
    import torch

    import covidct

    device = torch.cuda.get_device_name(0) if torch.cuda.is_available() else platform.processor() or platform.machine()
    return {
        "covidct": covidct.__version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": np.__version__,
        "system": platform.system(),
        "device": device,
        "threads": str(torch.get_num_threads()),
    }
