"""What a release must not hold unless somebody says so: by name, with a reason that everybody can read.

Three ways lead on: ``--waive`` lets the images in and prints the reason, ``--hold-back`` leaves them out and lists
them, ``--private`` builds a release that no command hands on.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pandas as pd

from covidct.errors import CovidctError, UsageError
from covidct.release.read.gate import artifact

WAIVABLE = {
    "undecided-conflicts": "curators differ and nobody settled it",
    "identifying-text": "text in the picture may identify a person",
    "identity-not-scanned": "nobody has looked for identifying text",
    "missing-licence": "no licence is known",
    "duplicate-labels": "the same picture stands under both labels",
}
PUBLISHING = frozenset({"missing-licence", "identity-not-scanned"})
"""Objections to handing pictures on, which a private release does not meet."""
_PRIVATE = "for this machine only (--private)"


@dataclass(frozen=True)
class Objection:
    """Images that a rule of :data:`WAIVABLE` objects to."""

    what: str
    images: tuple[str, ...]
    detail: str = ""


@dataclass(frozen=True)
class Leave:
    """What may be done about objections: waived by name, all images with one left out, never handed on."""

    waivers: Mapping[str, str] = field(default_factory=dict)
    hold_back: bool = False
    private: bool = False


def parse_waivers(texts: Sequence[str]) -> dict[str, str]:
    """``NAME=REASON`` options as a mapping; an unknown name or an empty reason is a UsageError."""
    waivers: dict[str, str] = {}
    for text in texts:
        name, _, reason = text.partition("=")
        if name not in WAIVABLE:
            raise UsageError(f"--waive {name}: unknown; one of {', '.join(sorted(WAIVABLE))}")
        if len(reason.split()) < 2:
            raise UsageError(f"--waive {name}=REASON needs a reason in words: it is printed in the datasheet")
        waivers[name] = " ".join(reason.split())
    return waivers


def image_objections(images: pd.DataFrame) -> list[Objection]:
    """Objections that the table itself shows: licence and identity."""
    found: list[Objection] = []
    rows = zip(images["image_id"], images["licence"], images["artifacts"], strict=True)
    for image, licence, artifacts in rows:
        identifying = artifact({"artifacts": artifacts}, "identifying")
        if not licence:
            found.append(Objection("missing-licence", (image,)))
        if identifying == "yes":
            found.append(Objection("identifying-text", (image,)))
        elif identifying != "no":
            found.append(Objection("identity-not-scanned", (image,)))
    return found


def settle(
    objections: Sequence[Objection], leave: Leave, images: pd.DataFrame
) -> tuple[pd.DataFrame, dict[str, object]]:
    """(images that the release takes, what ``release.json`` says about the others and about waivers).

    Objections that nothing settles, and a hold-back that leaves nothing, are a CovidctError that says what helps.
    """
    waivers = {**(dict.fromkeys(PUBLISHING, _PRIVATE) if leave.private else {}), **leave.waivers}
    standing = [one for one in objections if one.what not in waivers]
    held = {image: one.what for one in reversed(standing) for image in one.images}
    kept = images[~images["image_id"].isin(held)].reset_index(drop=True)
    if standing and not (leave.hold_back and len(kept)):
        raise CovidctError(_refusal(standing, leave, images, kept))
    counts = {what: sum(len(one.images) for one in objections if one.what == what) for what in waivers}
    waived = sorted(what for what in waivers if what in leave.waivers or counts[what])
    listed = [{"what": what, "reason": waivers[what], "images": counts[what]} for what in waived]
    about: dict[str, object] = {"waivers": listed}
    if held:
        about["held_back"] = {image: held[image] for image in images["image_id"] if image in held}
    return kept, about | ({"private": True} if leave.private else {})


def _refusal(standing: Sequence[Objection], leave: Leave, images: pd.DataFrame, kept: pd.DataFrame) -> str:
    lines = []
    for what in sorted({one.what for one in standing}):
        same = [one for one in standing if one.what == what]
        count = len({image for one in same for image in one.images})
        detail = f": {same[0].detail}" if same[0].detail else ""
        lines.append(f"{what}: {WAIVABLE[what]} ({count} of {len(images)} images, first {same[0].images[0]}{detail})")
    ways = []
    if len(kept) and not leave.hold_back:
        ways.append(f"--hold-back leaves these images out ({len(kept)} stay)")
    if not leave.private and any(one.what in PUBLISHING for one in standing):
        ways.append("--private builds for this machine only")
    ways.append(f"--waive {standing[0].what}='the reason' takes them in and prints why")
    return f"not built: {'; '.join(lines)}. {_advice(standing)}, or: {'; '.join(ways)}"


def _advice(standing: Sequence[Objection]) -> str:
    return "; ".join(text for what, text in _ADVICE.items() if any(one.what == what for one in standing))


_ADVICE = {
    "missing-licence": "set the licence where it is known",
    "identity-not-scanned": "run 'covidct curate mask', or say identifying=no in the column 'artifacts'",
    "identifying-text": "look at the pictures, mask them and materialize with --masked",
    "undecided-conflicts": "settle it in 'covidct curate review'",
    "duplicate-labels": "decide the label in 'covidct curate review'",
}
