"""The card of a data set on a hub: ``README.md`` whose head Hugging Face's ``datasets`` reads."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from covidct.release.make.datasheet import markdown
from covidct.release.read.licences import licence_object
from covidct.release.read.release import Release

_SPLITS = {"val": "validation"}
"""What a hub calls our splits where it does not call them so itself."""


def dataset_card(release: Release, counts: Mapping[str, int], columns: Sequence[str]) -> str:
    """The card of an ``imagefolder`` export: its pictures by split (the folder's name), ``columns`` of its metadata."""
    licences = sorted({text for text in release.images["licence"] if text})
    features = [{"name": "image", "dtype": "image"}, *(_feature(column, release.classes) for column in columns)]
    head = {
        "pretty_name": str(release.meta.get("title") or release.title),
        "task_categories": ["image-classification"],
        "tags": ["medical", "chest-ct"],
        "license": "other",
        "license_name": ", ".join(licence_object(text)["name"] for text in licences) or "not-stated",
        "configs": [{"config_name": "default", "data_files": _files(counts), "features": features}],
    }
    lines = [f"{key}: {json.dumps(value, ensure_ascii=False)}" for key, value in head.items()]
    classes = ", ".join(f"{number} = {name}" for number, name in enumerate(release.classes))
    body = [
        f"# {markdown(release.title)}",
        "",
        markdown(release.meta.get("description") or "Chest CT slices with labels."),
        "",
        f"`target`: {classes}. Pictures: {', '.join(f'{split} {count}' for split, count in counts.items())}.",
        "Each row names paper, figure, licence and who labelled it. Not for clinical use.",
        "Report the shortcut baselines of `covidct manifest audit` beside every score.",
    ]
    return "\n".join(["---", *lines, "---", "", *body, ""])


def _feature(column: str, classes: Sequence[str]) -> dict[str, Any]:
    names = {str(number): name for number, name in enumerate(classes)}
    return {"name": column, "dtype": {"class_label": {"names": names}} if column == "target" else "string"}


def _files(counts: Mapping[str, int]) -> list[dict[str, Any]]:
    return [{"split": _SPLITS.get(split, split), "path": f"{split}/**"} for split in counts]
