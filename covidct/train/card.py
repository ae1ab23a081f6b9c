"""The model card of a run (Mitchell et al. 2019): what it is for, made from, and not for; all from this run's facts."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from covidct.intervals import interval_text
from covidct.release.read.classes import class_names
from covidct.train.explain import DISCLAIMER

Entry = tuple[str, str]
"""A heading and its text."""
MOST_NAMES = 6
"""Sources or kinds of label that a card names one by one."""


def card(
    config: Mapping[str, Any],
    summary: Mapping[str, Any],
    shortcuts: Sequence[Mapping[str, Any]],
    images: pd.DataFrame,
) -> list[Entry]:
    """Headings and texts of the card, from the run's own files and the table of its release's ``images``."""
    run, recipe = config["run"], config["recipe"]
    area = summary["metrics"]["auc"]
    return [
        ("Model", f"{run['model']}, {run['parameters']:,} parameters, input {recipe['size']} x {recipe['size']} grey"),
        ("Intended use", f"comparing methods on {run['release']}. {DISCLAIMER}"),
        (
            "Training data",
            f"{run['release']}: {config['data']['train']} images, chosen on {config['data']['val']} others; "
            f"{_frequent(images['source'])}",
        ),
        ("Training", f"{run['method']}, {_start(config)}, protocol {run['protocol']}, {recipe['epochs']} epochs"),
        (
            "Evaluation",
            f"{summary['images']} test images of {summary['groups']} groups, seeds {summary['seeds']}: "
            f"AUC {area['mean']:.3f}, 95 % {interval_text(area) or 'n/a'}",
        ),
        ("Shortcuts", _shortcuts(shortcuts)),
        ("Limits", "; ".join(_limits(images))),
    ]


def _start(config: Mapping[str, Any]) -> str:
    """Where the weights began, with the first digits of the file's sha256."""
    start = config.get("start", {})
    digest = f" (sha256 {start['sha256'][:12]}…)" if start.get("sha256") else ""
    return f"start {config['run']['init']}{digest}"


def _frequent(column: pd.Series) -> str:
    """The values of a column with their counts, the most frequent first."""
    counts = column[column != ""].value_counts()
    words = [f"{name} {count}" for name, count in counts.items()]
    return ", ".join([*words[:MOST_NAMES], *(["others"] if len(words) > MOST_NAMES else [])]) or "no source given"


def _limits(images: pd.DataFrame) -> list[str]:
    """What this release's own table says against taking a score at its word."""
    by_class = [set(images.loc[images["label"] == label, "source"]) for label in class_names(images)]
    shared = by_class[0] & by_class[1]
    apart = images["source"].map(lambda source: source not in shared).mean()
    windows = (images["window"] != "").mean()
    return [
        f"labels by {_frequent(images['label_by'])}",
        f"{apart:.0%} of the images come from sources that hold one class only: a network can tell the sources apart "
        "instead of the disease",
        f"the intensity window is known for {windows:.0%} of the images",
        "a high score on this set does not show that disease was recognised",
    ]


def _shortcuts(rows: Sequence[Mapping[str, Any]]) -> str:
    if not rows:
        return "not scored for this run; 'covidct manifest audit' does it"
    best = max(rows, key=lambda row: float(row["auc"]))
    return f"'{best['name']}' reaches AUC {best['auc']:.3f} on the same images without seeing anatomy"


def markdown(title: str, entries: Sequence[Entry]) -> str:
    """The card as a Markdown file."""
    return "\n".join([f"# {title}", "", *(f"**{heading}.** {text}.\n" for heading, text in entries)])
