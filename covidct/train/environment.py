"""What numbers were computed with: versions, device, threads; kept beside every seed's weights."""

import json
import platform
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch

import covidct
from covidct.files import read_document, write_text

ENVIRONMENT = "environment.json"


def environment(device: torch.device | None = None) -> dict[str, str]:
    """Versions of what computes, and the ``device`` (default: a GPU where there is one)."""
    gpu = device.type == "cuda" if device else torch.cuda.is_available()
    return {
        "covidct": covidct.__version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": np.__version__,
        "system": platform.system(),
        "device": torch.cuda.get_device_name(device) if gpu else platform.processor() or platform.machine(),
        "threads": str(torch.get_num_threads()),
    }


def keep(folder: Path, facts: Mapping[str, str]) -> None:
    """Leave ``facts`` in a seed's folder."""
    write_text(folder / ENVIRONMENT, json.dumps(dict(facts), indent=1) + "\n")


def kept(folder: Path) -> dict[str, str]:
    """What a seed was trained with; empty where it was not kept (the weights were copied here without it)."""
    path = folder / ENVIRONMENT
    found: dict[str, str] = read_document(path) if path.is_file() else {}
    return found
