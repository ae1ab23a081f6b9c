"""The tables of a report: scores, sources, the data itself, what the audit found, where the maps fall."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from covidct.intervals import Paired, deviation_text, holm, interval_text
from covidct.records import SPLITS
from covidct.release.read.classes import class_names

Cells = list[str]
TITLES = {"f1": "F1", "auc": "AUC", "brier": "Brier score", "ece": "calibration error (ECE)"}
"""Names of scores as they are printed, where they are not words."""
MOST_SOURCES = 12
"""Sources or licences that a table names one by one; the rest are one line."""


@dataclass(frozen=True)
class Table:
    """Lines for a screen, a Markdown file or a report; the first cell of a line names it, the others are numbers."""

    title: str
    head: Cells
    lines: list[Cells]
    notes: list[str] = field(default_factory=list)
    words: bool = False
    """Cells are words, set to the left."""

    def markdown(self) -> str:
        """The table as Markdown."""
        body = ["| " + " | ".join(line) + " |" for line in [self.head, ["---"] * len(self.head), *self.lines]]
        return "\n".join([f"# {self.title}", "", *body, "", *(f"- {note}" for note in self.notes)]) + "\n"


def number_text(value: float | None) -> str:
    """Three decimals; a score that is not defined, as the AUC of groups of one class, is a dash."""
    return "–" if value is None else f"{value:.3f}"


def scores(
    summary: Mapping[str, Any], shortcuts: Sequence[Mapping[str, Any]], paper: Mapping[str, float | None] | None = None
) -> Table:
    """Every score of one run, the ``paper``'s figure for the like (score to value) beside, the shortcut rows below."""
    printed = {name: f"{value:.2f}" for name, value in (paper or {}).items() if value is not None}
    lines = []
    for name, score in summary["metrics"].items():
        other = summary["at_validation_threshold"].get(name)
        at_val = f"{other['value']:.3f} ({interval_text(other) or 'n/a'})" if other else ""
        cells = [f"{score['mean']:.3f}", deviation_text(score["sd"]), interval_text(score), at_val]
        lines.append([TITLES.get(name, name), *cells, printed.get(name, "")])
    for name, point in summary.get("operating_points", {}).items():
        base_metric, _, given = name.partition("_at_")
        words = f"{base_metric} at {given.rpartition('_')[2]} % {given.partition('_')[0]}"
        lines.append([words, number_text(point["value"]), "", interval_text(point), "", ""])
    if "by_patient" in summary:
        area = summary["by_patient"]["auc"]
        lines.append(["AUC of whole groups (patients)", number_text(area["value"]), "", interval_text(area), "", ""])
    lines += [
        [f"shortcut: {one['name']}, AUC", f"{one['auc']:.3f}", "", interval_text(one), "", ""] for one in shortcuts
    ]
    head = ["score", "mean over seeds", "sd", "95 % by group", "at the validation threshold", "paper"]
    if not printed:
        head, lines = head[:-1], [line[:-1] for line in lines]
    return Table("Scores", head, lines, list(summary["notes"]))


def runs(found: Mapping[str, Mapping[str, Any]], shortcuts: Sequence[Mapping[str, Any]]) -> Table:
    """One line a run, by name, and the shortcut rows."""
    names = ("accuracy", "f1", "auc", "recall", "specificity")
    lines = []
    for name, summary in found.items():
        cells = [f"{summary['metrics'][metric]['mean']:.3f}" for metric in names]
        lines.append([name, str(len(summary["seeds"])), *cells, interval_text(summary["metrics"]["auc"])])
    for name, *cells, span in map(shortcut_cells, shortcuts):
        lines.append([name, "", *cells, "", "", span])
    head = ["run", "seeds", "accuracy", "F1", "AUC", "recall", "specificity", "AUC 95 %"]
    return Table("Scores", head, lines, ["means over seeds at threshold 0.5; intervals by group"])


def shortcut_cells(one: Mapping[str, Any]) -> Cells:
    """Name, accuracy, F1, AUC and its interval of a classifier that never sees anatomy."""
    cells = [f"{one[metric]:.3f}" for metric in ("accuracy", "f1", "auc")]
    return [f"shortcut: {one['name']}", *cells, interval_text(one)]


def differences(found: Mapping[str, Mapping[str, Paired]]) -> Table:
    """Paired differences: ``found`` maps "second − first" to metrics. Holm's correction over all lines together."""
    flat = [(name, metric, one) for name, metrics in found.items() for metric, one in metrics.items()]
    corrected = holm([one.p for _, _, one in flat])
    lines = [
        [
            f"{name}, {TITLES.get(metric, metric)}",
            f"{one.value:+.3f}",
            f"{one.low:+.3f} to {one.high:+.3f}",
            f"{one.p:.3f}",
            f"{again:.3f}",
        ]
        for (name, metric, one), again in zip(flat, corrected, strict=True)
    ]
    notes = [
        "same test images, whole groups drawn together for both runs; p: predictions swapped group by group; "
        "Holm: p corrected for the number of lines of this table"
    ]
    return Table("Paired differences", ["second − first", "difference", "95 % by group", "p", "p, Holm"], lines, notes)


def sources(summary: Mapping[str, Any]) -> Table:
    """Scores by source of one run."""
    lines = [
        [name, str(one["images"]), str(one["covid"]), f"{one['accuracy']:.3f}", f"{one['auc']:.3f}", one["auc_against"]]
        for name, one in summary["by_source"].items()
    ]
    return Table("By source", ["source", "images", "positive", "accuracy", "AUC", "against"], lines)


def data(images: pd.DataFrame) -> list[Table]:
    """What a release holds: images, groups and patients by class and split; images by source and by licence."""
    lines = []
    for label in reversed(class_names(images)):
        own = images[images["label"] == label]
        for what, column in (("images", "image_id"), ("groups", "group_id"), ("patients", "patient_id")):
            named = own[own[column] != ""]
            counts = [int(named.loc[named["split"] == split, column].nunique()) for split in SPLITS]
            lines.append([f"{label}, {what}", *(str(count) for count in counts), str(named[column].nunique())])
    first = Table("Data", ["", *SPLITS, "all"], lines)
    return [first, _crossed(images, "source"), _crossed(images, "licence")]


def _crossed(images: pd.DataFrame, column: str) -> Table:
    """Images of each class by a column, the most frequent values first."""
    names = images[column].where(images[column] != "", "none given")
    frequent = list(names.value_counts().index[:MOST_SOURCES])
    classes = [*reversed(class_names(images))]
    kept = names.where(names.isin(frequent), "others")
    table = pd.crosstab(kept, images["label"])
    lines = []
    for name in [*frequent, *(["others"] if len(kept.unique()) > len(frequent) else [])]:
        counts = [int(table.loc[name].get(label, 0)) for label in classes]
        lines.append([str(name), *(str(count) for count in counts)])
    return Table(f"Images by {column}", [column, *classes], lines)


def findings(rows: Sequence[Mapping[str, Any]], skipped: Mapping[str, str]) -> Table:
    """What the audit found in the data, a line a kind, worst first; questions not asked are named below."""
    kinds: dict[str, list[Mapping[str, Any]]] = {}
    for one in rows:
        kinds.setdefault(f"{one['severity']}: {one['kind']}", []).append(one)
    lines = []
    for name, alike in kinds.items():
        images = {image for one in alike for image in one["images"]}
        more = f" (and {len(alike) - 1} more)" if len(alike) > 1 else ""
        lines.append([name, str(len(images) or ""), alike[0]["evidence"] + more, alike[0]["action"]])
    notes = [f"not asked: {name} ({why})" for name, why in skipped.items()]
    notes.append("every finding with its images: 'covidct manifest audit'")
    return Table("Audit of the data", ["finding", "images", "evidence", "what to do"], lines, notes, words=True)


def places(tables: Mapping[str, Mapping[str, float]]) -> Table:
    """Where the maps of each run fall, beside the share of the area."""
    named = (("inside the lungs", "lung"), ("on the border (outer 8 %)", "border"), ("on burnt-in marks", "marks"))
    lines = [
        [f"{what}{f', {run}' if run else ''}", *_shares(table, name)]
        for what, name in named
        for run, table in tables.items()
        if table.get(f"{name}_pictures")
    ]
    notes = ["a map that falls anywhere by chance has the share of the area; maps are of each run's first seed"]
    notes += [
        f"{f'{run}: ' if run else ''}{table['empty_maps']:.0f} of {table['pictures']:.0f} maps are empty "
        "(nothing speaks for the positive class) and are not in these shares"
        for run, table in tables.items()
        if table.get("empty_maps")
    ]
    return Table("Where the maps fall", ["", "share of the map", "share of the area", "ratio", "images"], lines, notes)


def _shares(table: Mapping[str, float], name: str) -> Cells:
    share, area = table[name], table[f"{name}_area"]
    ratio = f"{share / area:.2f}" if area > 0 else ""
    return [f"{share:.3f}", f"{area:.3f}", ratio, f"{table[f'{name}_pictures']:.0f}"]
