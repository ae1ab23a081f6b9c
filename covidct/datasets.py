"""A release as a map-style dataset for PyTorch's DataLoader or anything that indexes: no torch needed here."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from PIL import Image

from covidct.errors import UsageError
from covidct.pictures import open_grey
from covidct.records import SPLITS
from covidct.release.read import default_release, locate_images, read_release


class CovidCT:
    """``(picture, target)`` pairs of one split; target 1 is the positive class (``classes[1]``, covid).

    ``root`` is the folder of pictures (published layout or materialised), ``release`` a folder, archive or URL
    (default: covid-ct/1.0.0). ``picture`` is an 8-bit grey Pillow image, or what ``transform`` makes of it.
    """

    def __init__(
        self,
        root: Path | str | None = None,
        split: str | None = "train",
        release: Path | str | None = None,
        transform: Callable[[Image.Image], Any] | None = None,
        target_transform: Callable[[int], Any] | None = None,
    ) -> None:
        if split is not None and split not in SPLITS:
            raise UsageError(f"split={split!r} is none of {', '.join(SPLITS)}; None takes all images")
        self.release = read_release(release or default_release())
        self.classes = self.release.classes
        paths = locate_images(self.release, Path(root) if root is not None else None)
        images = self.release.images
        self.rows = images if split is None else images[images["split"] == split].reset_index(drop=True)
        self.ids: list[str] = list(self.rows["image_id"])
        self.targets: list[int] = [self.classes.index(label) for label in self.rows["label"]]
        self.groups: list[str] = list(self.rows["group_id"])
        self.transform, self.target_transform = transform, target_transform
        self._paths = [paths[image] for image in self.ids]

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        picture = Image.fromarray(open_grey(self._paths[index]))
        target = self.targets[index]
        shown = self.transform(picture) if self.transform else picture
        return shown, self.target_transform(target) if self.target_transform else target
