"""Entry point of ``covidct`` and ``python -m covidct``."""

import os
import signal
import sys

from covidct.cli import run
from covidct.errors import ExitCode


def main() -> None:
    """Run the command line. Ctrl-C ends what is under way in order, a second one at once."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _first)
    code = run()
    sys.stdout.flush()
    sys.stderr.flush()
    if code == ExitCode.INTERRUPTED:
        os._exit(code)  # threads that still wait for a network are not waited for
    sys.exit(code)


def _first(*_: object) -> None:
    signal.signal(signal.SIGINT, lambda *_: os._exit(ExitCode.INTERRUPTED))
    raise KeyboardInterrupt


if __name__ == "__main__":
    main()
