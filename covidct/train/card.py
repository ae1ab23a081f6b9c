"""The model card of a run (Mitchell et al. 2019): what it is for, made from, and not for."""

from collections.abc import Mapping, Sequence
from typing import Any

from covidct.intervals import interval_text
from covidct.train.explain import DISCLAIMER


def card(
    config: Mapping[str, Any], summary: Mapping[str, Any], shortcuts: Sequence[Mapping[str, Any]]
) -> list[tuple[str, str]]:
    """Headings and texts of the card, from the run's own files."""
    run, recipe = config["run"], config["recipe"]
    area = summary["metrics"]["auc"]
    return [
        ("Model", f"{run['model']}, {run['parameters']:,} parameters, input {recipe['size']} x {recipe['size']} grey"),
        ("Intended use", f"comparing methods on {run['release']}. {DISCLAIMER}"),
        (
            "Training data",
            f"{run['release']}: {config['data']['train']} images, chosen on {config['data']['val']} others",
        ),
        ("Training", f"{run['method']}, start {run['init']}, protocol {run['protocol']}, {recipe['epochs']} epochs"),
        (
            "Evaluation",
            f"{summary['images']} test images of {summary['groups']} groups, seeds {summary['seeds']}: "
            f"AUC {area['mean']:.3f}, 95 % {interval_text(area) or 'n/a'}",
        ),
        ("Shortcuts", _shortcuts(shortcuts)),
        (
            "Limits",
            "one slice a figure, 8-bit screenshots of unknown window, labels from captions, classes from different "
            "sources: a high score on this set does not show that disease was recognised",
        ),
    ]


def _shortcuts(rows: Sequence[Mapping[str, Any]]) -> str:
    if not rows:
        return "not scored for this run; 'covidct manifest audit' does it"
    best = max(rows, key=lambda row: float(row["auc"]))
    return f"'{best['name']}' reaches AUC {best['auc']:.3f} on the same images without seeing anatomy"


def markdown(title: str, entries: Sequence[tuple[str, str]]) -> str:
    """The card as a Markdown file."""
    return "\n".join([f"# {title}", "", *(f"**{heading}.** {text}.\n" for heading, text in entries)])
