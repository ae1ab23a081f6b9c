"""Every picture of a release read once: its features, its pixels for the searches, and what could not be read."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from covidct.audit.cache import kept
from covidct.files import sha256_bytes
from covidct.imaging.statistics import picture_features
from covidct.imaging.triage import triage
from covidct.pictures import PictureError, decode, grey, open_grey, read_bytes, rgb
from covidct.progress import threaded
from covidct.records import CT_KINDS

Grey = NDArray[np.uint8]
_CODE = ("covidct.imaging.statistics", "covidct.imaging.triage", "covidct.pictures", __name__, "imaging/triage.npz")


@dataclass(frozen=True)
class Seen:
    """One picture: where it is, what it says without its anatomy (feature families), format, mode, kind."""

    path: Path
    sha256: str
    format: str
    mode: str
    features: Mapping[str, Mapping[str, float]]
    kind: str
    """Of triage, with its probability ``kind_score``."""
    kind_score: float

    @property
    def is_ct(self) -> bool:
        """Whether triage sees CT in it."""
        return self.kind in CT_KINDS


def look(paths: Mapping[str, Path], workers: int = 1) -> tuple[dict[str, Seen], dict[str, str]]:
    """(what was seen, why a picture could not be read) by image id."""
    seen: dict[str, Seen] = {}
    failed: dict[str, str] = {}
    for image, result in zip(paths, threaded(_look, paths.values(), workers, "pictures"), strict=True):
        if isinstance(result, Seen):
            seen[image] = result
        else:
            failed[image] = result
    return seen, failed


def _look(path: Path) -> Seen | str:
    try:
        data = read_bytes(path)
        digest = sha256_bytes(data)
        reading = kept("readings", _CODE, [digest, path.suffix.lower()], lambda: _reading(data, path))
    except PictureError as error:
        return str(error)
    return Seen(path, digest, **reading)


def _reading(data: bytes, path: Path) -> dict[str, Any]:
    picture = decode(data, name=str(path))
    kind = triage(rgb(picture))
    return {
        "format": picture.format or "",
        "mode": picture.mode,
        "features": picture_features(data, picture, grey(picture), path.suffix),
        "kind": kind.kind,
        "kind_score": kind.score,
    }


def pixels(paths: Mapping[str, Path]) -> Iterator[Grey]:
    """Grey pixels of each picture, read one at a time."""
    for path in paths.values():
        yield open_grey(path)
