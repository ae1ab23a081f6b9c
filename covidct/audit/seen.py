"""Every picture of a release read once: its features, its pixels for the searches, and what could not be read."""

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from covidct.files import sha256_bytes
from covidct.imaging.statistics import picture_features
from covidct.pictures import PictureError, decode, grey, open_grey, read_bytes
from covidct.progress import progress

Grey = NDArray[np.uint8]


@dataclass(frozen=True)
class Seen:
    """One picture: where it is, what it says without its anatomy (feature families), format and mode."""

    path: Path
    sha256: str
    format: str
    mode: str
    features: Mapping[str, Mapping[str, float]]


def look(paths: Mapping[str, Path], workers: int = 1) -> tuple[dict[str, Seen], dict[str, str]]:
    """(what was seen, why a picture could not be read) by image id."""
    seen: dict[str, Seen] = {}
    failed: dict[str, str] = {}
    with ThreadPoolExecutor(workers) as pool:
        for image, result in zip(paths, progress(pool.map(_look, paths.values()), "pictures", len(paths)), strict=True):
            if isinstance(result, Seen):
                seen[image] = result
            else:
                failed[image] = result
    return seen, failed


def _look(path: Path) -> Seen | str:
    try:
        data = read_bytes(path)
        picture = decode(data, name=str(path))
    except PictureError as error:
        return str(error)
    features = picture_features(data, picture, grey(picture), path.suffix)
    return Seen(path, sha256_bytes(data), picture.format or "", picture.mode, features)


def pixels(paths: Mapping[str, Path]) -> Iterator[Grey]:
    """Grey pixels of each picture, read one at a time."""
    for path in paths.values():
        yield open_grey(path)
