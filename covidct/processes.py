"""Worker processes that end with the process that started them, however that went."""

import ctypes
import os
import signal

PR_SET_PDEATHSIG = 1
"""prctl(2)."""


def die_with(parent: int) -> None:
    """Have the kernel kill this process as soon as ``parent`` is gone (Linux); without, a killed command leaves workers
    that wait for ever."""
    try:
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    except (OSError, AttributeError):
        return  # another system: the end of the pipe and alarms have to do
    if os.getppid() != parent:
        os._exit(0)
