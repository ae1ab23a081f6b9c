"""Whether a release holds both classes where training and testing need them, and what to do when not."""

from collections.abc import Sequence

import pandas as pd

from covidct.errors import UsageError
from covidct.records import CLASSES, NEGATIVE_CLASS, SPLITS
from covidct.release.read.release import Release

_CONTROLS = (
    "add controls ('covidct harvest medpix' or 'covidct harvest pmc' into the same workspace, then "
    "'covidct curate auto'; or a table of your own with 'covidct manifest import') and build again"
)
_CASES = "add papers with cases ('covidct harvest --from' or '--since') and build again"


def class_gaps(images: pd.DataFrame, splits: Sequence[str] = SPLITS) -> list[str]:
    """One sentence for each class that the release, or else one of ``splits``, lacks; each says what to do."""
    gaps = []
    for label in CLASSES:
        own = images[images["label"] == label]
        lacking = [split for split in splits if not (own["split"] == split).any()]
        add = _CONTROLS if label == NEGATIVE_CLASS else _CASES
        if own.empty:
            gaps.append(f"there is no {label} image at all: {add}")
        elif lacking:
            groups = own["group_id"].nunique()
            count = f"{len(own)} {label} image{'s' * (len(own) != 1)} in {groups} group{'s' * (groups != 1)}"
            what = add if groups < len(splits) else "split anew with 'covidct manifest split' and other --ratios"
            where = f"{lacking[0]} split has" if len(lacking) == 1 else f"{' and '.join(lacking)} splits have"
            gaps.append(f"the {where} no {label} images (there are {count}): {what}")
    return gaps


def need_both_classes(release: Release, splits: Sequence[str] = SPLITS) -> None:
    """A UsageError in one line where a class is missing from one of ``splits``."""
    gaps = class_gaps(release.images, splits)
    if gaps:
        raise UsageError(f"{release.title} cannot be trained on or scored: {'; '.join(gaps)}")
