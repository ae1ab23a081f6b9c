"""Whether a release holds both classes where training and testing need them, and what to do when not."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from covidct.errors import CovidctError, UsageError
from covidct.records import CLASSES, SPLITS

if TYPE_CHECKING:
    from covidct.release.read.release import Release

NAMES = "classes"
"""Key of ``release.json`` and of a table's ``attrs``: the names of the negative and the positive class."""

_CONTROLS = (
    "add controls ('covidct harvest medpix' or 'covidct harvest pmc' into the same workspace, then "
    "'covidct curate auto'; or a table of your own with 'covidct manifest import') and build again"
)
_CASES = "add papers with cases ('covidct harvest --from' or '--since') and build again"


def names_in(meta: Mapping[str, Any]) -> tuple[str, str]:
    """Names of the negative and the positive class that ``release.json`` gives; COVID-CT's where it gives none."""
    negative, positive = meta.get(NAMES) or CLASSES
    return str(negative), str(positive)


def class_names(images: pd.DataFrame) -> tuple[str, str]:
    """Names of the negative and the positive class of a release's table.

    Raises CovidctError where the table holds another label: it was torn from its release.
    """
    negative, positive = images.attrs.get(NAMES, CLASSES)
    strange = set(images["label"]) - {negative, positive}
    if strange:
        raise CovidctError(f"label {min(strange)!r} is neither {negative!r} nor {positive!r}")
    return negative, positive


def is_positive(images: pd.DataFrame) -> NDArray[np.bool_]:
    """Of each row, whether its label is the positive class."""
    return np.asarray(images["label"] == class_names(images)[1], dtype=np.bool_)


def class_gaps(images: pd.DataFrame, splits: Sequence[str] = SPLITS) -> list[str]:
    """One sentence for each class that the release, or else one of ``splits``, lacks; each says what to do."""
    gaps = []
    names = class_names(images)
    for label in names:
        own = images[images["label"] == label]
        lacking = [split for split in splits if not (own["split"] == split).any()]
        add = _CONTROLS if label == names[0] else _CASES
        if own.empty:
            gaps.append(f"there is no {label} image at all: {add}")
        elif lacking:
            groups = own["group_id"].nunique()
            count = f"{len(own)} {label} image{'s' * (len(own) != 1)} in {groups} group{'s' * (groups != 1)}"
            what = add if groups < len(splits) else "split anew with 'covidct manifest split' and other --ratios"
            where = f"{lacking[0]} split has" if len(lacking) == 1 else f"{' and '.join(lacking)} splits have"
            gaps.append(f"the {where} no {label} images (there are {count}): {what}")
    return gaps


def need_both_classes(release: "Release", splits: Sequence[str] = SPLITS) -> None:
    """A UsageError in one line where a class is missing from one of ``splits``."""
    gaps = class_gaps(release.images, splits)
    if gaps:
        raise UsageError(f"{release.title} cannot be trained on or scored: {'; '.join(gaps)}")
