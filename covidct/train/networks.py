"""The registry's networks with its complaints turned into the command line's one-line errors."""

import importlib.util
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from covidct.errors import UsageError, one_line
from covidct.files import sha256_file
from covidct.models import Classifier, ModelError, registry
from covidct.models.registry import Entry


def build(name: str, size: int) -> Classifier:
    """The network ``name`` with two outputs; a UsageError where there is none or it does not fit ``size``."""
    try:
        return registry.build(name, size=size)
    except ModelError as error:
        raise UsageError(str(error)) from error


def entry(name: str) -> Entry:
    """The registry's entry for ``name``; a UsageError where there is none."""
    try:
        return registry.entry(name)
    except ModelError as error:
        raise UsageError(str(error)) from error


def code_file(name: str) -> Path | None:
    """The file that a network of one's own (``FILE.py:factory``, ``module:factory``) is in; None for the registry's."""
    place, colon, _ = name.rpartition(":")
    if not colon:
        return None
    if place.endswith(".py"):
        return Path(place)
    found = importlib.util.find_spec(place)
    return Path(found.origin) if found and found.origin else None


def public_name(name: str) -> str:
    """``name`` as it stands in a run's files: a file of one's own without the folders that it lies in."""
    place, colon, factory = name.rpartition(":")
    return f"{Path(place).name}:{factory}" if colon and place.endswith(".py") else name


def code_digest(name: str) -> str:
    """The sha256 of the code of a network of one's own; empty for the registry's."""
    file = code_file(name)
    if file is not None and not file.is_file():
        raise UsageError(f"{file}: no such file; give FILE.py:factory")
    return sha256_file(file) if file else ""


def build_saved(saved: Mapping[str, Any], folder: Path, own: str | None) -> Classifier:
    """The network that a run's weights are of.

    A run names networks of the registry only: files that came from elsewhere start no code. Code of one's own is
    used if the caller names it (``own``) and its sha256 is the one that the run was trained with.
    """
    name, size = str(saved["model"]), int(saved["size"])
    if ":" not in name:
        return build(name, size)
    if own is None or ":" not in own:
        raise UsageError(
            f"{folder}: its network is code of somebody's own ({name}); name it with --model FILE.py:factory"
        )
    if code_digest(own) != saved.get("code"):
        raise UsageError(f"{own}: not the code that {folder} was trained with (its sha256 differs)")
    return build(own, size)


def fitting(name: str, size: int) -> Classifier:
    """The network ``name`` after two empty pictures of ``size`` went through it; a UsageError where they do not.

    So a network of one's own fails here, before hours of anything, with a line that says what is wrong with it.
    """
    network = build(name, size)
    try:
        with torch.inference_mode():
            scores = network.eval()(torch.zeros(2, 1, size, size))
    except (RuntimeError, ValueError, TypeError, IndexError) as error:
        why = one_line(error)[:160]
        raise UsageError(f"{name} does not take pictures of {size} x {size} ({why}); give another --size") from error
    if scores.shape != (2, 2):
        raise UsageError(f"{name} gives {tuple(scores.shape)} for two pictures, not two scores a picture")
    return network
