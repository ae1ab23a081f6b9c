"""Sample efficiency: scores against the share of training groups, the promise of the paper's title."""

import io
from collections.abc import Mapping, Sequence
from typing import Any

from covidct.intervals import interval_text
from covidct.train.report_tables import Table, shortcut_cells

CURVE = "curve.csv"


def line(share: float, images: int, groups: int, summary: Mapping[str, Any]) -> dict[str, Any]:
    """One point of a learning curve."""
    point: dict[str, Any] = {
        "release": summary["release"],
        "model": summary["model"],
        "method": summary["method"],
        "fraction": share,
        "train_images": images,
        "train_groups": groups,
        "seeds": len(summary["seeds"]),
    }
    for name in ("accuracy", "f1", "auc"):
        score = summary["metrics"][name]
        point |= {
            name: score["mean"],
            f"{name}_sd": score["sd"],
            f"{name}_low": score["low"],
            f"{name}_high": score["high"],
        }
    return point


def table(curves: Mapping[str, Sequence[Mapping[str, Any]]], shortcuts: Sequence[Mapping[str, Any]]) -> Table:
    """Every point of every curve; the shortcut rows, which learned from all training images, below."""
    lines = []
    for name, points in curves.items():
        for point in points:
            counts = [f"{point['fraction']:g}", str(point["train_groups"]), str(point["train_images"])]
            cells = [f"{point[metric]:.3f}" for metric in ("accuracy", "f1", "auc")]
            span = {"low": point["auc_low"], "high": point["auc_high"]}
            lines.append([name, *counts, str(point["seeds"]), *cells, interval_text(span)])
    for name, *cells in map(shortcut_cells, shortcuts):
        lines.append([name, "1", "", "", "", *cells])
    head = ["method", "fraction", "groups", "images", "seeds", "accuracy", "F1", "AUC", "AUC 95 %"]
    return Table("Scores by share of the training groups", head, lines, ["intervals: 95 %, by resampling test groups"])


def plot(curves: Mapping[str, Sequence[Mapping[str, Any]]], metric: str = "auc") -> str:
    """An SVG of ``metric`` with its intervals against the number of training groups, one line a method."""
    figure, axes = blank(5.2, 3.4)
    for name, points in curves.items():
        x = [point["train_groups"] for point in points]
        y = [point[metric] for point in points]
        axes.plot(x, y, marker="o", label=name)
        axes.fill_between(x, [p[f"{metric}_low"] for p in points], [p[f"{metric}_high"] for p in points], alpha=0.15)
    axes.set_xscale("log")
    axes.set_xlabel("training groups (patients)")
    axes.set_ylabel(f"test {metric.upper()}")
    axes.legend(frameon=False)
    return svg(figure)


def blank(width: float = 3.4, height: float = 3.0) -> tuple[Any, Any]:
    """An empty figure with its axes and a grid; sides in inches."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(width, height))
    axes.grid(alpha=0.3)
    return figure, axes


def svg(figure: Any) -> str:
    """A matplotlib figure as an SVG element with no date in it; the figure is closed."""
    from matplotlib import pyplot, rcParams

    rcParams["svg.hashsalt"] = "covidct"
    out = io.StringIO()
    figure.tight_layout()
    figure.savefig(out, format="svg", metadata={"Date": None})
    pyplot.close(figure)
    text = out.getvalue()
    return text[text.index("<svg") :]
