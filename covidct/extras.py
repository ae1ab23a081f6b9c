"""Libraries that not everyone needs: extras of the package, asked for by name before any work starts."""

import importlib
import importlib.util
from typing import Any

from covidct.errors import UsageError

EXTRAS = {
    "train": ("torch", "torchvision", "lightning_fabric", "matplotlib"),
    "ocr": ("rapidocr", "onnxruntime"),
    "review": ("starlette", "uvicorn"),
    "dask": ("dask", "distributed"),
    "sources": ("SimpleITK", "h5py", "fsspec"),
}
"""Extra in pyproject.toml: the modules without which what it is for cannot start."""


def missing_modules(extra: str) -> list[str]:
    """Modules of ``extra`` that are not installed; nothing is imported."""
    return [name for name in EXTRAS[extra] if not _installed(name)]


def _installed(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except ValueError:  # a module that was put out of action on purpose: sys.modules[name] = None
        return False


def require_extra(extra: str, what: str) -> None:
    """Raise UsageError with the one command that installs ``extra`` when a module that ``what`` needs is missing."""
    if missing := missing_modules(extra):
        raise UsageError(f"{what} needs {', '.join(missing)}: pip install 'covidct[{extra}]'")


def needed(module: str, extra: str, what: str) -> Any:
    """The imported ``module``; UsageError says which extra to install for ``what``."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise UsageError(f"{what} needs {module}: pip install 'covidct[{extra}]'") from error
