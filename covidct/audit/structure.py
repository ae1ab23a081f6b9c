"""Faults of the tables and pictures themselves, as findings: what ``manifest validate`` says, each under its kind."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence

import pandas as pd

from covidct.audit.findings import Finding, finding
from covidct.release.read.gate import artifact, licence_problem
from covidct.release.read.schema import Fault
from covidct.release.read.validate import OTHER_FORM

Test = Callable[[Fault], bool]
FAULT_KINDS: Sequence[tuple[str, Test]] = (
    ("missing-column", lambda f: f.rule.startswith("the column ")),
    ("duplicate-id", lambda f: f.rule == "the same value stands in another row"),
    ("unknown-label", lambda f: f.column == "label"),
    ("unknown-split", lambda f: f.column == "split" and f.rule.startswith("not one of")),
    ("unsafe-path", lambda f: f.rule.startswith("not a safe relative path")),
    ("case-collision", lambda f: f.rule.endswith("differs only in case")),
    ("other-form", lambda f: f.rule == OTHER_FORM),
    ("image-missing", lambda f: f.rule == "no such picture"),
    ("image-changed", lambda f: f.rule.startswith(("the picture's bytes", "was materialised from another"))),
    ("image-size-differs", lambda f: f.rule.startswith("is ") and f.rule.endswith("pixels")),
    ("image-unreadable", lambda f: "not a readable picture" in f.rule or "not read" in f.rule),
    ("unknown-reference", lambda f: f.rule.startswith("not in ")),
    ("count-differs", lambda f: f.rule.startswith("images.csv has ")),
    ("file-changed", lambda f: f.rule.startswith(("its bytes are not", "not listed", "listed in SHA256SUMS"))),
    ("oversized-cell", lambda f: "longer than" in f.rule),
    ("torn-group", lambda f: f.rule.startswith("torn over")),
    ("schema", lambda f: True),
)
_SHOWN = 4
_MEND = "mend the release: 'covidct manifest validate' lists all faults"
_FORM = "an audit of this form; give --images the folder of 'manifest materialize', or the sources, to check bytes"
_LATER = frozenset({"torn-group"})
"""Kinds that the audit finds again with more to say."""


def fault_kind(fault: Fault) -> str:
    """The first kind whose test fits."""
    return next(kind for kind, test in FAULT_KINDS if test(fault))


def fault_findings(faults: Sequence[Fault], images: pd.DataFrame | None = None) -> Iterator[Finding]:
    """One finding for each kind of fault, with its first faults and all ``images`` it is about."""
    by_kind: dict[str, list[Fault]] = defaultdict(list)
    for fault in faults:
        by_kind[fault_kind(fault)].append(fault)
    for kind, same in by_kind.items():
        if kind in _LATER:
            continue
        rows = [fault.row - 2 for fault in same if fault.row and fault.file == "images.csv"]
        about = [] if images is None else [str(images["image_id"][row]) for row in rows if row in images.index]
        text = "; ".join(map(str, same[:_SHOWN])) + (f"; and {len(same) - _SHOWN} more" if len(same) > _SHOWN else "")
        severity, action = ("note", _FORM) if kind == "other-form" else ("error", _MEND)
        yield finding(kind, severity, text, action, about)


def licence_findings(images: pd.DataFrame) -> Iterator[Finding]:
    """Pictures without a licence, with one that forbids handing on, and ND pictures that were cut out."""
    rows = [{str(k): v for k, v in row.items()} for row in images.to_dict("records")]
    missing = [row for row in rows if not row["licence"]]
    if missing:
        text = f"{len(missing)} of {len(rows)} images have no licence"
        yield _of("missing-licence", "warning", text, "ask the source; until then the pictures stay here", missing)
    closed = [row for row in rows if row["licence"] and licence_problem(str(row["licence"]), derived=False)]
    if closed:
        text = f"{len(closed)} images stand under a licence that forbids handing them on"
        yield _of("closed-licence", "warning", text, "publish facts only", closed)
    cut = [row for row in rows if row["licence"] and row not in closed and _cut(row)]
    if cut:
        text = f"{len(cut)} images are crops under a licence without derivatives"
        yield _of("no-derivatives", "warning", text, "publish the whole figure or facts only", cut)


def identity_findings(images: pd.DataFrame) -> Iterator[Finding]:
    """Pictures whose text may identify somebody, and pictures that nobody has looked at."""
    rows = [{str(k): v for k, v in row.items()} for row in images.to_dict("records")]
    found = [row for row in rows if artifact(row, "identifying") == "yes"]
    if found:
        text = f"{len(found)} images hold text that may identify a person"
        yield _of("identifying-text", "error", text, "mask them, or take them out", found)
    unknown = [row for row in rows if artifact(row, "identifying") not in {"yes", "no"}]
    if unknown:
        text = f"{len(unknown)} of {len(rows)} images were never scanned for identifying text: undecided, not clean"
        yield _of("identity-not-scanned", "warning", text, "run 'covidct curate mask'", unknown)


def withdrawn_findings(images: pd.DataFrame, withdrawn: pd.DataFrame) -> Iterator[Finding]:
    """Images that the release itself lists as withdrawn."""
    names = set(withdrawn["entity_id"])
    rows = images[images["image_id"].isin(names) | images["paper_id"].isin(names)]
    if len(rows):
        text = f"{len(rows)} images are listed in withdrawn.csv and still here"
        yield finding("withdrawn-present", "error", text, "take them out", rows["image_id"], rows["paper_id"])


def _cut(row: dict[str, object]) -> bool:
    return artifact(row, "crop") == "1" and bool(licence_problem(str(row["licence"]), derived=True))


def _of(kind: str, severity: str, text: str, action: str, rows: Sequence[dict[str, object]]) -> Finding:
    images = [str(row["image_id"]) for row in rows]
    return finding(kind, severity, text, action, images, [str(row["paper_id"]) for row in rows])
