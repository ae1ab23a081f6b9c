"""Files of tensors, opened without running anything in them; whatever is wrong with one is one line."""

import pickle
from pathlib import Path
from typing import Any

import torch

from covidct.errors import CovidctError, one_line

BROKEN = (RuntimeError, EOFError, OSError, ValueError, KeyError, pickle.UnpicklingError)
"""What torch raises for files that are cut off, no archive, or hold more than tensors and plain values."""


def read_tensors(path: Path, advice: str, device: torch.device | str = "cpu") -> dict[str, Any]:
    """The dictionary in a checkpoint; a CovidctError names the file, what is wrong and ``advice``."""
    try:
        found = torch.load(path, weights_only=True, map_location=device)
    except BROKEN as error:
        raise CovidctError(f"{path}: cannot be read ({why(error)}); {advice}") from error
    if not isinstance(found, dict):
        raise CovidctError(f"{path}: holds no dictionary of tensors; {advice}")
    return found


def why(error: Exception) -> str:
    """The first words of a message; torch's own on broken archives go on about its makers."""
    text = one_line(error)
    broken = "PytorchStreamReader" in text or isinstance(error, EOFError) or not str(error)
    return "broken or cut off" if broken else text[:160]
