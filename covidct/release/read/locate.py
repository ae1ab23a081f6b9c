"""Where the pictures of a release lie: a published folder, a materialised one, or the fetch cache."""

import os
from collections.abc import Iterator
from pathlib import Path

import platformdirs

from covidct.errors import UsageError
from covidct.release.read.release import Release
from covidct.release.read.schema import is_safe_path

IMAGES_VARIABLE = "COVIDCT_IMAGES"


def cache_folder(name: str) -> Path:
    """Where ``covidct data fetch NAME`` puts the pictures of a set."""
    return Path(platformdirs.user_cache_dir("covidct")) / name


def images_root(release: Release, images: Path | None) -> Path:
    """The folder to look in: ``images``, else ``COVIDCT_IMAGES``, else the fetch cache; none is a UsageError."""
    if images is not None:
        if not images.is_dir():
            raise UsageError(f"{images}: no such folder of images; give the right one with --images")
        return images
    named = os.environ.get(IMAGES_VARIABLE)
    if named:
        if not Path(named).is_dir():
            raise UsageError(f"{IMAGES_VARIABLE}={named}: no such folder; correct the variable or give --images")
        return Path(named)
    if (release.path / "images").is_dir():
        return release.path  # a packed release brings its pictures
    cache = cache_folder(release.name)
    if cache.is_dir():
        return cache
    raise UsageError(
        f"{release.title}: its images are not here; run 'covidct data fetch {release.name}' first, or give --images DIR"
    )


def locate_images(release: Release, images: Path | None = None) -> dict[str, Path]:
    """``image_id`` to the path of each picture; a UsageError names the first of the missing ones.

    Knows the layout the release names in ``file``, the same one unpacked without its top folder, names in which a
    fork has turned ``%`` into ``_``, and a folder written by ``manifest materialize`` (``images/<image_id>.png``).
    """
    root = images_root(release, images)
    found, missing = find_images(release, root)
    if missing:
        first = release.images.loc[release.images["image_id"] == missing[0], "file"].iloc[0]
        raise UsageError(
            f"{root}: {len(missing)} of {len(release.images)} images of {release.title} are not there, first {first}; "
            f"run 'covidct data fetch {release.name}' or give the right folder with --images"
        )
    return found


def find_images(release: Release, root: Path) -> tuple[dict[str, Path], list[str]]:
    """(paths by ``image_id``, ids whose picture is not below ``root``); links that leave ``root`` are not followed."""
    home = root.resolve()
    found: dict[str, Path] = {}
    missing: list[str] = []
    for image_id, file in zip(release.images["image_id"], release.images["file"], strict=True):
        path = next((p for p in _candidates(home, image_id, file) if p.is_file() and _inside(p, home)), None)
        if path is None:
            missing.append(image_id)
        else:
            found[image_id] = path
    return found, missing


def _candidates(root: Path, image_id: str, file: str) -> Iterator[Path]:
    if is_safe_path(file):
        yield root / file
        _, _, below = file.partition("/")
        if below:
            yield root / below
        if "%" in file:
            yield root / file.replace("%", "_")
    yield root / "images" / f"{image_id}.png"
    yield root / f"{image_id}.png"


def _inside(path: Path, home: Path) -> bool:
    return path.resolve().is_relative_to(home)
