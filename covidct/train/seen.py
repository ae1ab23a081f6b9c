"""What a network has learned from, and which pictures of a release that includes.

A mark is ``KIND:VALUE`` with the kinds ``sha256`` (of the file), ``phash`` (256-bit perceptual hash) and ``group``
(``NAME/GROUP`` of a release, any version). A run keeps the marks of all that shaped its weights: training and
validation images, pictures without labels, and the marks that came with a file of weights.
"""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import imagehash
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from covidct.errors import UsageError
from covidct.files import write_text
from covidct.release.read import Release

SEEN = "seen.txt"
NEAR_BITS = 16
"""Perceptual hashes that differ in at most so many of 256 bits are of one picture: on covid-ct/1.0.0 five of 277,885
pairs are that near, four of them of one patient."""
KINDS = ("sha256", "phash", "group")

Marks = frozenset[str]


def marks(release: Release) -> dict[str, Marks]:
    """The marks of each image of ``release``, by image id."""
    columns = zip(*(release.images[c] for c in ("image_id", "sha256", "phash", "group_id")), strict=True)
    found = {}
    for image, sha, phash, group in columns:
        values = (f"sha256:{sha}" * bool(sha), f"phash:{phash}" * bool(phash), _group(release, group))
        found[str(image)] = frozenset(value for value in values if value)
    return found


def _group(release: Release, group: str) -> str:
    return f"group:{release.name}/{group}" if group else ""


def folder_marks(sums: Mapping[str, str], pixels: NDArray[np.uint8]) -> Marks:
    """Marks of loose pictures: the sha256 of each file and the perceptual hash of its stored pixels (n, side, side)."""
    hashes = (imagehash.phash(Image.fromarray(picture), hash_size=16) for picture in pixels)
    return frozenset([*(f"sha256:{one}" for one in sums.values()), *(f"phash:{one}" for one in hashes)])


def write_seen(folder: Path, seen: Collection[str]) -> None:
    """Leave the marks in a run's folder, one a line."""
    write_text(folder / SEEN, "".join(f"{mark}\n" for mark in sorted(seen)))


def read_seen(folder: Path) -> Marks:
    """The marks of a run; a run that kept none is a UsageError, since nothing can be left out for it."""
    path = folder / SEEN
    if not path.is_file():
        raise UsageError(f"{folder}: no {SEEN}: what this run learned from is not known; train it again")
    return frozenset(path.read_text(encoding="utf-8").split())


def known(found: Mapping[str, Marks], groups: Mapping[str, str], seen: Marks) -> dict[str, str]:
    """Images that ``seen`` includes, with the first reason: sha256, perceptual hash, or group.

    ``groups`` maps each image to its group. A group with one known image is known whole: its other images show the
    same patient or paper.
    """
    hashes = _bits([mark for mark in seen if mark.startswith("phash:")])
    reasons = {}
    for image, own in found.items():
        reason = _reason(own, seen, hashes)
        if reason:
            reasons[image] = reason
    whole = {groups[image] for image in reasons if groups[image]}
    return {image: reasons.get(image, "group") for image in found if image in reasons or groups[image] in whole}


def _reason(own: Marks, seen: Marks, hashes: NDArray[np.uint8]) -> str:
    shared = sorted((mark.partition(":")[0] for mark in own & seen), key=KINDS.index)
    if shared:
        return shared[0]
    mine = _bits([mark for mark in own if mark.startswith("phash:")])
    near = len(mine) and len(hashes) and int((mine[0] ^ hashes).sum(1).min()) <= NEAR_BITS
    return "phash" if near else ""


def _bits(hashes: Sequence[str]) -> NDArray[np.uint8]:
    """(n, 256) of zeros and ones; hashes of another length say nothing here."""
    full = [bytes.fromhex(one.partition(":")[2]) for one in hashes if len(one) == len("phash:") + 64]
    return np.unpackbits(np.frombuffer(b"".join(full), np.uint8).reshape(-1, 32), axis=1)
