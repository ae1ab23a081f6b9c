"""Burnt-in marks painted over, in loose pictures and in panels of a workspace; and whether text may name a person."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from covidct.captions.identify import Finding, identifying
from covidct.errors import reason_of
from covidct.files import safe_name, write_bytes
from covidct.imaging.ocr import TextBox, ocr_available, read_once, read_round
from covidct.imaging.overlays.find import Overlays, cover, find_overlays, paint_over, still_legible
from covidct.imaging.overlays.scene import is_line, is_plain
from covidct.pictures import grey_if_colourless, open_picture, png_bytes
from covidct.progress import progress
from covidct.records import CT_KINDS, Decision
from covidct.steps import Item, Outcome
from covidct.workspace.disk import named

if TYPE_CHECKING:
    from covidct.workspace import Workspace

INKED = 0.03
"""Share of a line's box that is masked from which it is writing, and not anatomy that was read as a letter."""
PASSES = 2
"""How often a painted picture is read and what is left is masked."""
_GLUED = re.compile(r"(?<=[^\W\d_])(?=\d)|(?<=\d)(?=[^\W\d_])")
_ALSO = frozenset({"", "ct_axial_lung", "ct_other"})
"""Kinds of panels that are masked; an empty kind has not been triaged yet."""


@dataclass(frozen=True)
class Masked:
    """One picture with its marks: ``picture`` as it came, ``texts`` None where nobody could read text."""

    picture: NDArray[np.uint8]
    overlays: Overlays
    texts: Sequence[TextBox] | None
    findings: Sequence[Finding]
    left: Sequence[TextBox] = ()
    """Lines that are still legible in the painted picture."""

    @property
    def clean(self) -> bool | None:
        """Whether nothing legible is left once it is painted over; None where nobody could read it."""
        return None if self.texts is None else not self.left

    @property
    def identifying(self) -> str:
        """``yes``, ``no``, or ``not-scanned``, which is not the same as clean."""
        if self.texts is None:
            return "not-scanned"
        return "yes" if self.findings else "no"

    @property
    def boxes(self) -> list[dict[str, Any]]:
        """``kind`` and ``box`` of each mark."""
        return [{"kind": mark.kind, "box": list(mark.box)} for mark in self.overlays.marks]

    def files(self) -> tuple[bytes, bytes]:
        """PNG bytes of the mask (255 where a mark is) and of the picture painted over."""
        mask = self.overlays.mask
        return png_bytes(mask.astype(np.uint8) * np.uint8(255)), png_bytes(paint_over(self.picture, mask))


def mask_picture(picture: NDArray[np.uint8], *, read: bool = True) -> Masked:
    """Find the marks on ``picture`` (height x width grey, or x 3 RGB); ``read``: also its text, where OCR is there."""
    texts = read_once(picture) if read and ocr_available() else None
    found = find_overlays(picture, texts or ())
    written = [line for line in texts or () if is_plain(line) or found.share(line.box) >= INKED]
    left = _read_again(picture, found, written) if written else []
    return Masked(picture, found, texts, identifying(_readings([*(texts or ()), *left])), left)


def _read_again(picture: NDArray[np.uint8], found: Overlays, texts: Sequence[TextBox]) -> list[TextBox]:
    """Paint over, read, and mask what is still legible, whole lines of it; returns what is legible even so."""
    left = _left(picture, found, texts)
    for _ in range(PASSES if left else 0):
        cover(found, left)
        left = _left(picture, found, texts)
        if not left:
            break
    return left


def _left(picture: NDArray[np.uint8], found: Overlays, texts: Sequence[TextBox]) -> list[TextBox]:
    """What is legible round ``texts`` once they are painted over; a slice that is read as one letter is not."""
    lines = read_round(paint_over(picture, found.mask), [line.box for line in texts])
    return still_legible(texts, [line for line in lines if is_line(line, picture.shape)])


def _readings(texts: Sequence[TextBox]) -> list[str]:
    """Each line as it was read, and with a blank between letters and digits: readers of print often lose blanks."""
    return [reading for line in texts for reading in dict.fromkeys((line.text, _GLUED.sub(" ", line.text)))]


def load(path: Path) -> NDArray[np.uint8]:
    """The picture in ``path`` as 8-bit RGB, or grey where it has no colour. Raises PictureError."""
    return grey_if_colourless(open_picture(path))


def mask_files(files: Sequence[Path], out: Path, *, read: bool = True) -> Iterator[dict[str, Any]]:
    """Mask each file into ``out``: one item of the contract's JSON each, in order; a failed one carries ``error``."""
    for path, name in zip(progress(files, "mask"), output_names(files), strict=True):
        try:
            found = mask_picture(load(path), read=read)
        except Exception as error:  # noqa: BLE001  the border of an item: one bad picture is one failed item
            yield {"file": str(path), "error": reason_of(error)}
            continue
        targets = [(out / f"{name}.{form}.png").resolve() for form in ("mask", "masked")]
        for target, data in zip(targets, found.files(), strict=True):
            write_bytes(target, data)
        about = {"identifying": found.identifying, "clean": found.clean, "texts": len(found.texts or ())}
        yield {"file": str(path), "boxes": found.boxes, "masked": str(targets[1]), "mask": str(targets[0]), **about}


def output_names(files: Sequence[Path]) -> list[str]:
    """A base name for each file, all different also where case does not count: the stem, with a number if taken."""
    names: list[str] = []
    taken: set[str] = set()
    for path in files:
        stem = safe_name(path.stem)
        name, number = stem, 1
        while name.casefold() in taken:
            number += 1
            name = f"{stem}-{number}"
        taken.add(name.casefold())
        names.append(name)
    return names


def items(workspace: "Workspace") -> Iterator[Item]:
    """Every panel that is or may be a CT slice; due when its pixels are new, or text can be read that could not be."""
    readable = "read" if ocr_available() else "not read"
    for panel in workspace.panels():
        if panel.file and panel.kind in CT_KINDS | _ALSO:
            yield Item(panel.panel_id, f"{panel.sha256} {readable}", workspace.path(panel.file))


def run(item: Item) -> Outcome:
    """Find the marks of one panel. What was read stays out of it: a journal is no place for a patient's name."""
    found = mask_picture(load(item.value))
    files = [(data, ".png") for data in found.files()] if found.overlays.mask.any() else []
    names = [named(data, suffix).file for data, suffix in files] or ["", ""]
    about = {
        "boxes": found.boxes,
        "identifying": found.identifying,
        "clean": found.clean,
        "texts": len(found.texts or ()),
    }
    value = {"mask": names[0], "masked": names[1], **about}
    kinds = Counter(mark.kind for mark in found.overlays.marks)
    why = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items())) or "no marks"
    score = min((mark.score for mark in found.overlays.marks), default=1.0)
    decision = Decision("panel", item.name, "mask", value, "", why, score=score, evidence=_evidence(found))
    return Outcome([decision], files=files, counts=_counts(found))


def _evidence(found: Masked) -> dict[str, Any]:
    named_rules = sorted({(finding.kind, finding.rule) for finding in found.findings})
    return {
        "fired": found.overlays.fired,
        "dropped": len(found.overlays.dropped),
        "identifying": [{"kind": kind, "rule": rule} for kind, rule in named_rules],
    }


def _counts(found: Masked) -> dict[str, int]:
    counts = dict.fromkeys({mark.kind for mark in found.overlays.marks} or {"unmarked"}, 1)
    if found.identifying != "no":
        counts["may identify" if found.identifying == "yes" else found.identifying] = 1
    if found.left:
        counts["not clean"] = 1
    return counts
