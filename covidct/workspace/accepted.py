"""Which labels a release takes without a person's look."""

from collections.abc import Collection

from covidct.records import Decision

LEGIBLE = "marks-legible"


def waits(label: Decision | None, accepted: Collection[str] = (), mask: Decision | None = None) -> str:
    """Why a panel with this label must be seen by a person first; empty where it may enter a release.

    ``accepted``: ids of the panels that a curator took in so many words. A label of a person needs nothing more; one of
    a rule says in its evidence whether it was accepted. ``mask``: what was found of the panel's marks; what stays
    legible when it is painted over, a person must see.
    """
    if label is None or label.by.startswith("curator:") or label.entity_id in accepted:
        return ""
    if label.evidence.get("accepted") is False:
        return str(label.evidence.get("refused") or "not judged as a slice of the lungs: run covidct curate auto")
    if mask is not None and isinstance(mask.value, dict) and mask.value.get("clean") is False:
        return LEGIBLE
    return ""
