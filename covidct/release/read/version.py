"""Semantic versions of a release, with a written meaning.

major: a label changed, an image left or joined a test set, or an image was removed without a withdrawal;
minor: images came in, moved between train and val, were withdrawn, or were masked anew; patch: texts, licences, notes.
"""

import re
from enum import IntEnum

from covidct.errors import UsageError

VERSION = re.compile(r"(0|[1-9]\d{0,5})\.(0|[1-9]\d{0,5})\.(0|[1-9]\d{0,5})")


class Step(IntEnum):
    """How far a version has to move."""

    NONE = 0
    PATCH = 1
    MINOR = 2
    MAJOR = 3


def parse_version(text: str) -> tuple[int, int, int]:
    """``X.Y.Z`` as numbers; anything else is a UsageError."""
    match = VERSION.fullmatch(text)
    if not match:
        raise UsageError(f"{text!r} is no version: give X.Y.Z, three numbers such as 1.0.0")
    major, minor, patch = (int(part) for part in match.groups())
    return major, minor, patch


def step_between(old: str, new: str) -> Step:
    """How far ``new`` is from ``old``; a version that runs backwards is a UsageError."""
    before, after = parse_version(old), parse_version(new)
    if after < before:
        raise UsageError(f"version {new} is older than {old}: versions only go up")
    for place, step in enumerate((Step.MAJOR, Step.MINOR, Step.PATCH)):
        if after[place] != before[place]:
            return step
    return Step.NONE
