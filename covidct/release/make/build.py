"""Releases as one call each: from a workspace, or from anyone's own table; what was written and what to know of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from covidct.release.make.importing import Source, draft_from_table
from covidct.release.make.policy import Leave
from covidct.release.make.split import DEFAULT_RATIOS
from covidct.release.make.workspace import Order, draft_from_workspace
from covidct.release.make.write import Draft, check_names, write_release
from covidct.release.read.classes import class_gaps
from covidct.release.read.validate import count_images
from covidct.workspace import Workspace

MANIFESTS = Path("manifests")


@dataclass(frozen=True)
class Written:
    """A release in ``path``; ``counts`` by split and class, ``excluded`` by reason, ``held_back`` image to reason."""

    path: Path
    images: int
    counts: Mapping[str, Mapping[str, int]]
    excluded: Mapping[str, int] = field(default_factory=dict)
    held_back: Mapping[str, str] = field(default_factory=dict)
    notes: Sequence[str] = ()
    """What a person has to know: missing classes, unknown patients, columns that were not taken."""


def build_release(
    workspace: Path | str,
    name: str,
    version: str,
    *,
    date: str | None = None,
    out: Path | str = MANIFESTS,
    ratios: Sequence[float] = DEFAULT_RATIOS,
    seed: int = 0,
    waive: Mapping[str, str] | None = None,
    hold_back: bool = False,
    private: bool = False,
) -> Written:
    """Write ``out/name/version`` from the decisions in force of a workspace: same workspace and version, same bytes.

    ``date`` (YYYY-MM-DD) defaults to the day of the last decision, never the clock. ``waive``: objection to reason;
    ``hold_back`` leaves out the images with an objection; ``private``: no command will hand the release on.
    Raises UsageError for a bad name, version, date or ratio, CovidctError where objections stand or nothing is left.

    >>> from covidct import build_release
    >>> built = build_release("ws", "own", "1.0.0", hold_back=True)
    >>> print(built.path, built.images, *built.notes, sep="\\n")
    """
    with Workspace.open(Path(workspace)) as opened:
        order = Order(name, version, date or opened.last_day(), ratios, seed, Leave(waive or {}, hold_back, private))
        check_names(name, version, order.date)
        draft = draft_from_workspace(opened, order, Path(out))
    return written(draft, Path(out))


def import_release(source: Source, order: Order, out: Path = MANIFESTS) -> Written:
    """Write ``out/NAME/X.Y.Z`` from a table and a folder of pictures; a CovidctError names all faulty rows."""
    check_names(order.name, order.version, order.date)
    draft, notes = draft_from_table(source, order, out)
    return written(draft, out, notes)


def written(draft: Draft, out: Path, notes: Sequence[str] = ()) -> Written:
    """Write the draft of a release below ``out`` and say what is to be known of it."""
    path = write_release(draft, out)
    about = draft.about
    gaps = class_gaps(draft.images)
    counts = count_images(draft.images)
    return Written(
        path, len(draft.images), counts, about.get("excluded", {}), about.get("held_back", {}), [*notes, *gaps]
    )
