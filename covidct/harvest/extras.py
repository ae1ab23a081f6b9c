"""Libraries that are not needed by everyone: loaded when a command needs them, with one line where they are missing."""

import importlib
from typing import Any

from covidct.errors import UsageError


def needed(module: str, extra: str, what: str) -> Any:
    """The imported ``module``; ``UsageError`` says which extra to install for ``what``."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise UsageError(f"{what} needs {module}: pip install 'covidct[{extra}]'") from error
