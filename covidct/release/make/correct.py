"""The next version of a release from a list of corrections: what is wrong relabelled or taken out, groups whole.

Splits move as little as they can: a group that straddles goes whole to test if any of it stood there, else to val;
all other images stay where they are.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from covidct.errors import CovidctError
from covidct.release.make.split import leak_groups
from covidct.release.make.tables import paper_table, patient_table
from covidct.release.make.write import Draft
from covidct.release.read import Release
from covidct.tables import read_table

COLUMNS = ("image_id", "action", "value", "evidence", "reason")
ACTIONS = ("relabel", "exclude", "join")
"""``relabel`` to ``value``; ``exclude``; ``join``: keep together with the image ``value``."""
_HELD_OUT = ("test", "val", "train")


@dataclass(frozen=True)
class Correction:
    """One line of a corrections file; ``evidence`` names rule, digest or twin, never a source's text."""

    image_id: str
    action: str
    value: str
    evidence: str
    reason: str


def read_corrections(path: Path, release: Release) -> list[Correction]:
    """The corrections in ``path``; an unknown image, action or label is an error that names the row."""
    table = read_table(path)
    lacking = [column for column in COLUMNS if column not in table.columns]
    if lacking:
        raise CovidctError(f"{path}: the column {lacking[0]!r} is missing; needs {', '.join(COLUMNS)}")
    known = set(release.images["image_id"])
    found = []
    for number, row in enumerate(table.to_dict("records"), 2):
        one = Correction(*(str(row[column]).strip() for column in COLUMNS))
        problem = _problem(one, known, release.classes)
        if problem:
            raise CovidctError(f"{path}: row {number}: {problem}")
        found.append(one)
    return found


def _problem(one: Correction, known: set[str], classes: Sequence[str]) -> str:
    if one.action not in ACTIONS:
        return f"action={one.action!r} is none of {', '.join(ACTIONS)}"
    if one.image_id not in known:
        return f"{one.image_id!r} is no image of the release"
    if one.action == "relabel" and one.value not in classes:
        return f"value={one.value!r} is none of {', '.join(classes)}"
    if one.action == "join" and one.value not in known:
        return f"value={one.value!r} is no image of the release"
    return "" if one.reason else "no reason is given; it is printed in CHANGES.md"


def corrected(
    release: Release, corrections: list[Correction], version: str, date: str, about: Mapping[str, str]
) -> Draft:
    """The draft of the corrected release; ``about`` replaces parts of ``release.json`` such as the title."""
    excluded = {one.image_id for one in corrections if one.action == "exclude"}
    links = [(one.image_id, one.value) for one in corrections if one.action == "join"]
    images = release.images.copy()
    for one in corrections:
        if one.action == "relabel":
            rows = images["image_id"] == one.image_id
            images.loc[rows, ["label", "label_by", "label_evidence"]] = [one.value, "corrections", one.evidence]
    # Groups are formed before anything leaves, so that what tied two images together still does.
    images["group_id"] = leak_groups(images, links)
    images["split"] = images["group_id"].map(_whole_splits(images))
    images = images[~images["image_id"].isin(excluded)].reset_index(drop=True)
    meta = {
        k: v for k, v in release.meta.items() if k not in {"name", "version", "date", "counts", "remarks", "reasons"}
    }
    meta |= about
    meta["reasons"] = {one.image_id: _reason(one) for one in corrections}
    meta["excluded"] = {"excluded by the list of corrections": len(excluded)}
    tables = paper_table(images), patient_table(images), release.withdrawn
    return Draft(release.name, version, date, images, *tables, meta)


def _whole_splits(images: pd.DataFrame) -> dict[str, str]:
    splits = images.groupby("group_id")["split"].agg(set)
    return {str(group): next((s for s in _HELD_OUT if s in found), "") for group, found in splits.items()}


def _reason(one: Correction) -> str:
    return f"{one.reason}; {one.evidence}" if one.evidence else one.reason
