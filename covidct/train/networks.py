"""The registry's networks with its complaints turned into the command line's one-line errors."""

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
