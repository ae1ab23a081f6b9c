"""``datasheet.md`` (Gebru et al.) filled from the tables, and ``CHANGES.md`` against the version before."""

import re
from collections import Counter
from functools import lru_cache
from pathlib import Path
from typing import Any

import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from covidct.release.read.classes import class_names
from covidct.release.read.diff import Change
from covidct.release.read.gate import Form, artifact, gate
from covidct.release.read.release import Release
from covidct.release.read.stats import release_stats

_LISTED = {"regrouped": 10, "edited": 50}
_LISTED_ELSE = 300
"""Changes of one kind that CHANGES.md names one by one; ``covidct manifest diff`` lists all."""
_ASKED = {
    "patient_id": "whose picture it is",
    "licence": "under which licence a picture stands",
    "age_band": "how old people were",
    "sex": "which sex people had",
    "finding": "what the picture shows",
    "plane": "which plane was cut",
    "window": "which grey-scale window was used",
    "paper_id": "which publication a picture is from",
}


def datasheet(release: Release) -> str:
    """The data sheet as Markdown; what the tables do not say stands under Gaps."""
    images = release.images
    facts = {
        "meta": _Loose(release.meta),
        "origin": _Loose(release.meta.get("origin", {})),
        "images": images,
        "papers": release.papers,
        "patients": release.patients,
        "withdrawn": release.withdrawn,
        "groups": images["group_id"].nunique(),
        "stats": {name: _plain(stats) for name, stats in release_stats(release).items()},
        "sources": by_class(images, "source"),
        "confounded": confounded(images, "source"),
        "labelled": _counts(images["label_by"]),
        "empty": {c: n for c in _ASKED if (n := int((images[c] == "").sum()))},
        "identity": _counts(pd.Series([artifact({"artifacts": a}, "identifying") for a in images["artifacts"]])),
        "licences": _counts(images["licence"]),
        "dates": _window(release.papers),
        "gaps": _gaps(images),
        **_gate_counts(release),
    }
    return f"{_templates().get_template('datasheet.md').render(facts).rstrip()}\n"


def changes(release: Release, previous: str, found: list[Change]) -> str:
    """``CHANGES.md``: counts by kind, then each change with its reason, the longest lists cut and counted."""
    lines = [f"# Changes: {release.title}", ""]
    if not previous:
        return "\n".join([*lines, "First version.", ""])
    lines += [f"Against {previous}.", "", "| change | images |", "|---|---|"]
    kinds = Counter(change.kind for change in found)
    lines += [f"| {kind} | {count} |" for kind, count in sorted(kinds.items())] or ["| none | 0 |"]
    for kind in dict.fromkeys(change.kind for change in found):
        same = [change for change in found if change.kind == kind]
        limit = _LISTED.get(kind, _LISTED_ELSE)
        lines += ["", f"## {kind.capitalize()}", "", *(_line(change) for change in same[:limit])]
        if len(same) > limit:
            lines.append(f"- and {len(same) - limit} more: `covidct manifest diff` lists them")
    return "\n".join([*lines, ""])


def by_class(images: pd.DataFrame, column: str) -> dict[str, dict[str, int]]:
    """Images by value of ``column`` and class."""
    pairs = Counter(zip(images[column], images["label"], strict=True))
    names = class_names(images)
    return {str(value): {name: pairs[value, name] for name in names} for value in sorted(set(images[column]))}


def confounded(images: pd.DataFrame, column: str) -> list[str]:
    """Values of ``column`` that only one class has, where both classes are in the release."""
    if images["label"].nunique() < 2:
        return []
    return [value for value, row in by_class(images, column).items() if value and 0 in row.values()]


class _Loose(dict[str, Any]):
    """A mapping whose missing keys are empty in a template."""

    def __missing__(self, key: str) -> str:
        return ""


@lru_cache(maxsize=1)
def _templates() -> Environment:
    home = Path(__file__).parent / "templates"
    return Environment(loader=FileSystemLoader(home), undefined=StrictUndefined, autoescape=False, finalize=markdown)


def markdown(value: object) -> str:
    """``value`` as text of a Markdown page: no HTML, no link, no image, no table cell of its own, one line."""
    text = re.sub(r"\s*[\r\n]\s*", " ", str(value))
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"([\\|\[\]])", r"\\\1", text)


def _plain(stats: Any) -> dict[str, Any]:
    return {name: getattr(stats, name) for name in ("images_per_patient", "height", "width")} | {
        "images": _Loose(stats.images),
        "patients": _Loose(stats.patients),
    }


def _counts(values: "pd.Series[str]") -> dict[str, int]:
    return dict(sorted(Counter(values).items()))


def _window(papers: pd.DataFrame) -> str:
    dates = sorted(date for date in papers["date"] if date)
    return f"{dates[0]} to {dates[-1]}" if dates else ""


def _gate_counts(release: Release) -> dict[str, Any]:
    verdicts = gate(release, Form.ORIGINAL).values()
    refused = Counter(verdict.rule for verdict in verdicts if not verdict.allowed)
    return {"open_images": sum(verdict.allowed for verdict in verdicts), "refused": dict(sorted(refused.items()))}


def _gaps(images: pd.DataFrame) -> list[str]:
    total = len(images)
    lacking = {column: int((images[column] == "").sum()) for column in _ASKED}
    gaps = [f"{_ASKED[c]} is unknown for {n} of {total} images (`{c}`)" for c, n in lacking.items() if n]
    unscanned = sum(not artifact({"artifacts": cell}, "identifying") for cell in images["artifacts"])
    if unscanned:
        gaps.append(f"{unscanned} of {total} pictures were not scanned for identifying text: undecided, not clean")
    return gaps


def _line(change: Change) -> str:
    values = f": {change.old} → {change.new}" if change.old and change.new else f": {change.old or change.new}"
    return markdown(f"- `{change.image_id}`{values}{f' ({change.reason})' if change.reason else ''}")
