"""Where training runs: one process, or several through Lightning Fabric, with the same flags for CPUs and GPUs."""

import ctypes
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from covidct.errors import CovidctError, UsageError


@dataclass(frozen=True)
class Devices:
    """``accelerator`` is ``auto``, ``cpu``, ``cuda`` or ``mps``; ``devices`` the number of processes."""

    accelerator: str = "auto"
    devices: int = 1
    compile: str = "auto"
    """``on``, ``off``, or ``auto``: networks go through ``torch.compile`` on CUDA devices only."""

    def precision(self, wanted: str) -> str:
        """``32`` or ``bf16`` for ``auto``: bfloat16 where a GPU computes with it (compute capability 8 and up)."""
        import torch

        if wanted != "auto":
            return wanted
        gpu = self.accelerator in ("auto", "cuda") and torch.cuda.is_available()
        return "bf16" if gpu and torch.cuda.get_device_capability() >= (8, 0) else "32"


def tune_process() -> None:
    """Two settings that cost nothing: tiny numbers become zero, and memory is kept from one step to the next.

    Without the second, glibc gives every large activation back to the system and faults it in again: a quarter of a
    training step of EfficientNet-Lite0 at 160 pixels went there.
    """
    import torch

    torch.set_flush_denormal(True)
    if sys.platform == "linux":
        libc = ctypes.CDLL(None)
        if hasattr(libc, "mallopt"):
            for option, value in ((-4, 0), (-1, 2**31 - 1), (-2, 2**28)):  # M_MMAP_MAX, M_TRIM_THRESHOLD, M_TOP_PAD
                libc.mallopt(option, value)


def launch(work: Callable[..., None], job: Any, where: Devices, precision: str) -> None:
    """Run ``work(fabric, job, compiling)`` on the devices; several CPU processes talk through gloo, GPUs by NCCL."""
    from lightning_fabric import Fabric
    from torch.multiprocessing.spawn import ProcessRaisedException

    try:
        fabric = Fabric(
            accelerator=where.accelerator,
            devices=where.devices,
            strategy="ddp_spawn" if where.devices > 1 else "auto",
            precision="bf16-mixed" if precision == "bf16" else "32-true",
        )
    except (ValueError, RuntimeError) as error:
        raise UsageError(f"--accelerator {where.accelerator} --devices {where.devices}: {error}") from error
    try:
        # bound, not passed: Fabric takes arguments apart, and a frozen dataclass does not let it
        fabric.launch(partial(work, job=job, compiling=where.compile))
    except ProcessRaisedException as error:
        last = str(error).strip().splitlines()[-1]
        raise CovidctError(last.partition("Error: ")[2] or last) from error
