"""Networks through ``torch.compile``: a matter of speed alone, so where it fails training goes on without."""

import copy
import logging
from collections.abc import Callable
from typing import cast

import torch
from torch import Tensor, nn

LOG = logging.getLogger(__name__)


def wanted(choice: str, device: torch.device) -> bool:
    """``auto`` compiles for CUDA only: on a CPU the minutes it takes are seldom won back."""
    return choice == "on" or (choice == "auto" and device.type == "cuda")


def compiled(network: nn.Module) -> nn.Module:
    """``network`` behind ``torch.compile``; what it costs is paid at the first step."""
    return cast(nn.Module, torch.compile(network))


def compiles(network: nn.Module, probe: Callable[[nn.Module], Tensor]) -> bool:
    """Whether ``network`` can be compiled here; one warning where not.

    ``probe`` runs a network and returns a loss. It is tried on a copy, so that neither weights nor batch statistics
    of ``network`` move.
    """
    try:
        probe(compiled(copy.deepcopy(network))).backward()  # type: ignore[no-untyped-call]
    except (RuntimeError, ImportError, OSError, AssertionError) as error:
        why = next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
        LOG.warning("torch.compile does not work here (%s); training without it", why.strip()[:160])
        return False
    return True
