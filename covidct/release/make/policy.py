"""What a release must not hold unless somebody waives it by name, with a reason that everybody can read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

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


@dataclass(frozen=True)
class Objection:
    """One image that a rule of :data:`WAIVABLE` objects to."""

    what: str
    image_id: str
    detail: str = ""


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
            found.append(Objection("missing-licence", image))
        if identifying == "yes":
            found.append(Objection("identifying-text", image))
        elif identifying != "no":
            found.append(Objection("identity-not-scanned", image))
    return found


def waived(objections: Sequence[Objection], waivers: Mapping[str, str]) -> list[dict[str, object]]:
    """``release.json``'s waivers with their counts; an objection that nobody waived refuses the release."""
    standing = [objection for objection in objections if objection.what not in waivers]
    if standing:
        first = standing[0]
        names = sorted({objection.what for objection in standing})
        raise CovidctError(
            f"not built: {WAIVABLE[first.what]} ({first.image_id}{first.detail and ': ' + first.detail}); "
            f"{len(standing)} objections ({', '.join(names)}); settle them in 'covidct curate review' or "
            f"give --waive {first.what}='the reason'"
        )
    counts = {what: sum(objection.what == what for objection in objections) for what in waivers}
    return [{"what": what, "reason": waivers[what], "images": counts[what]} for what in sorted(waivers)]
