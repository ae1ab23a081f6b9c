"""The registry's networks with its complaints turned into the command line's one-line errors."""

import torch

from covidct.errors import UsageError
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


def fitting(name: str, size: int) -> Classifier:
    """The network ``name`` after two empty pictures of ``size`` went through it; a UsageError where they do not.

    So a network of one's own fails here, before hours of anything, with a line that says what is wrong with it.
    """
    network = build(name, size)
    try:
        with torch.inference_mode():
            scores = network.eval()(torch.zeros(2, 1, size, size))
    except (RuntimeError, ValueError, TypeError, IndexError) as error:
        why = " ".join(str(error).split())[:160]
        raise UsageError(f"{name} does not take pictures of {size} x {size} ({why}); give another --size") from error
    if scores.shape != (2, 2):
        raise UsageError(f"{name} gives {tuple(scores.shape)} for two pictures, not two scores a picture")
    return network
