"""What the pictures of a release are by their content: tiny, coloured, no slice of the lungs, lettered by inference."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from covidct.audit.findings import Finding, finding
from covidct.audit.seen import Seen


@dataclass(frozen=True)
class Limits:
    """From where on a picture is worth a finding: the limits under which a panel enters a release unseen."""

    side: int = 64
    """Pixels of the shorter side: 745 of the 746 published slices have more."""
    colour: float = 0.12
    """Share of coloured pixels: at most .077 on the 746 published slices."""
    kind_score: float = 0.8
    """Probability of triage from which on its kind is taken for sure (docs/triage.md)."""


LIMITS = Limits()
Test = Callable[[Seen], bool]
QUESTIONS: Sequence[tuple[str, str, Test, str, str]] = (
    (
        "tiny-picture",
        "warning",
        lambda seen: min(seen.features["size"]["width"], seen.features["size"]["height"]) < LIMITS.side,
        f"smaller than {LIMITS.side} pixels on one side",
        "look at them: a slice of that size shows little, a tick label or logo is no slice",
    ),
    (
        "coloured-picture",
        "warning",
        lambda seen: seen.features["colour"]["coloured"] > LIMITS.colour,
        f"coloured in more than {LIMITS.colour:.0%} of their pixels, where CT is grey",
        "look at them: maps and drawings are no slices; mask what is drawn over one",
    ),
    (
        "no-ct",
        "error",
        lambda seen: not seen.is_ct and seen.kind_score >= LIMITS.kind_score,
        f"no CT by their pixels (triage, score from {LIMITS.kind_score:g})",
        "look at them; take out what is no CT",
    ),
)
"""Kind of finding, severity, test, what is said, what to do. A picture may be in several."""


def content_findings(images: pd.DataFrame, seen: Mapping[str, Seen]) -> Iterator[Finding]:
    """One finding for each question that a picture answers, and one for letters that nobody read."""
    papers = dict(zip(images["image_id"], images["paper_id"], strict=True))
    for kind, severity, test, what, action in QUESTIONS:
        found = [image for image, one in seen.items() if test(one)]
        if found:
            text = f"{len(found)} of {len(seen)} pictures are {what}: {_some(found, seen)}"
            yield finding(kind, severity, text, action, found, [papers[image] for image in found])
    yield from letter_findings(images)


def letter_findings(images: pd.DataFrame) -> Iterator[Finding]:
    """Images whose panel letter was counted, not read: the sub-caption, and with it the label, may be another's."""
    rows = images[images["label_evidence"].str.contains(r"(?:^| )letter=inferred(?: |$)")]
    if len(rows):
        text = f"the panel letter of {len(rows)} of {len(images)} images was inferred by order, not read"
        action = "compare with the figure; a letter counted wrongly gives the label of another panel"
        yield finding("inferred-letter", "warning", text, action, rows["image_id"], rows["paper_id"])


def _some(found: Sequence[str], seen: Mapping[str, Seen]) -> str:
    named = []
    for image in found[:4]:
        one = seen[image]
        size = f"{one.features['size']['width']:.0f} x {one.features['size']['height']:.0f}"
        named.append(f"{image} ({size}, {one.kind} {one.kind_score:.2f})")
    return ", ".join(named)
