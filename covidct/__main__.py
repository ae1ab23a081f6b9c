"""Entry point of ``covidct`` and ``python -m covidct``."""

import sys

from covidct.cli import run


def main() -> None:
    sys.exit(run())


if __name__ == "__main__":
    main()
