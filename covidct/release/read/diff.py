"""What changed between two versions of a release, how far that has to move the version, and why it changed."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pandas as pd

from covidct.errors import UsageError
from covidct.release.read.schema import IMAGE_COLUMNS
from covidct.release.read.version import Step, step_between

_OWN = {"image_id", "label", "split", "group_id", "sha256", "artifacts"}
_TEXTS = tuple(column for column in IMAGE_COLUMNS if column not in _OWN)


@dataclass(frozen=True)
class Change:
    """One change of one image; ``old`` and ``new`` are the values that differ."""

    kind: str
    """``added, removed, withdrawn, relabelled, moved, regrouped, re-masked, edited``."""
    image_id: str
    old: str
    new: str
    reason: str
    step: Step


def diff_images(
    old: pd.DataFrame, new: pd.DataFrame, withdrawn: pd.DataFrame, reasons: Mapping[str, str] | None = None
) -> list[Change]:
    """Changes from ``old`` to ``new`` images by kind and id; ``reasons`` are those of the new release, by image id."""
    before = {str(row["image_id"]): row for row in old.to_dict("records")}
    after = {str(row["image_id"]): row for row in new.to_dict("records")}
    graves = dict(zip(withdrawn["entity_id"], withdrawn["reason"], strict=True))
    why = reasons or {}
    changes = [_gone(image, before[image], graves, why) for image in before.keys() - after.keys()]
    changes += [_come(image, after[image], why) for image in after.keys() - before.keys()]
    for image in before.keys() & after.keys():
        changes += _changed(image, before[image], after[image], why)
    return sorted(changes, key=lambda change: (-change.step, change.kind, change.image_id))


Row = Mapping[object, object]


def _gone(image: str, row: Row, graves: Mapping[str, str], why: Mapping[str, str]) -> Change:
    grave = next((key for key in (image, str(row["paper_id"])) if key in graves), None)
    if grave is not None:
        return Change("withdrawn", image, f"{row['split']}", "", graves[grave], Step.MINOR)
    return Change("removed", image, f"{row['label']} in {row['split']}", "", why.get(image, ""), Step.MAJOR)


def _come(image: str, row: Row, why: Mapping[str, str]) -> Change:
    step = Step.MAJOR if row["split"] == "test" else Step.MINOR
    return Change("added", image, "", f"{row['label']} in {row['split']}", why.get(image, ""), step)


def _changed(image: str, old: Row, new: Row, why: Mapping[str, str]) -> Iterator[Change]:
    reason = why.get(image, "")
    if old["label"] != new["label"]:
        text = reason or f"{new['label_by']} {new['label_evidence']}".strip()
        yield Change("relabelled", image, str(old["label"]), str(new["label"]), text, Step.MAJOR)
    if old["split"] != new["split"]:
        step = Step.MAJOR if "test" in (old["split"], new["split"]) else Step.MINOR
        yield Change("moved", image, str(old["split"]), str(new["split"]), reason or "groups kept whole", step)
    if old["sha256"] != new["sha256"] or old["artifacts"] != new["artifacts"]:
        changed = old["sha256"] != new["sha256"]
        masks = str(old["artifacts"]), str(new["artifacts"])
        yield Change("re-masked", image, *masks, reason, Step.MINOR if changed else Step.PATCH)
    if old["group_id"] != new["group_id"]:
        yield Change("regrouped", image, str(old["group_id"]), str(new["group_id"]), "", Step.PATCH)
    edited = [column for column in _TEXTS if str(old[column]) != str(new[column])]
    if edited:
        yield Change("edited", image, "", ", ".join(edited), reason, Step.PATCH)


def check_step(old: str, new: str, changes: list[Change]) -> None:
    """A version that moves less than its changes ask for is a UsageError that names the change."""
    need = max((change.step for change in changes), default=Step.NONE)
    if step_between(old, new) < need:
        first = next(change for change in changes if change.step == need)
        raise UsageError(
            f"{new} is too small a step from {old}: {first.image_id} was {first.kind} ({first.old} -> {first.new}), "
            f"which takes a new {need.name.lower()} version"
        )


def check_old_tests(old_test: frozenset[str], new: pd.DataFrame) -> None:
    """An image that stood in a test split of any earlier version and stands in train now is a UsageError."""
    leaked = sorted(old_test & set(new.loc[new["split"] == "train", "image_id"]))
    if leaked:
        raise UsageError(
            f"{leaked[0]} and {len(leaked) - 1} more stood in an earlier test split and would move into train; "
            "networks were chosen on them: leave them in test or take them out"
        )
