"""Tests in environments of their own: ``python tools/environments.py core|lowest [PYTHON]``.

``core``: the wheel with its base dependencies alone, used from a folder outside of the checkout; every test that needs
no extra runs. ``lowest``: the lowest versions that pyproject.toml declares, as uv resolves them.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent
TESTING = ["pytest>=8", "pytest-cov>=5", "hypothesis>=6.100", "setuptools>=77"]
COMMON = ["tests/test_cli.py", "tests/captions", "tests/workspace", "tests/release", "tests/extract"]
FOLDERS = {"core": [*COMMON, "tests/panels"], "lowest": COMMON}
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
"""Without a path that would let the checkout stand in for what was installed."""


def main(kind: str, python: str) -> None:
    """Make the environment in a temporary folder and run its tests; the exit code is theirs."""
    with tempfile.TemporaryDirectory(prefix="covidct-env-") as folder:
        here = Path(folder)
        (install_core if kind == "core" else install_lowest)(here, python)
        if kind == "core":
            use_outside(here)
        words = [str(here / "env" / "bin" / "python"), "-P", "-m", "pytest", "-q", "--no-cov", "-p", "no:cacheprovider"]
        done = subprocess.run([*words, *FOLDERS[kind]], cwd=TOP, env=ENVIRONMENT, check=False)
    sys.exit(done.returncode)


def install_core(here: Path, python: str) -> None:
    """Build the wheel and install it with its base dependencies."""
    call(python, "-m", "venv", str(here / "env"))
    pip = [str(here / "env" / "bin" / "python"), "-m", "pip", "-q", "--disable-pip-version-check"]
    call(*pip, "wheel", "--no-deps", "-w", str(here), str(TOP))
    call(*pip, "install", "--no-compile", "-c", str(TOP / "constraints.txt"), *map(str, here.glob("*.whl")))
    call(*pip, "install", "--no-compile", *TESTING)
    size = sum(f.stat().st_size for f in (here / "env").rglob("*") if f.is_file() and not f.is_symlink()) / 1e6
    print(f"base dependencies and pytest: {size:.0f} MB")


def install_lowest(here: Path, python: str) -> None:
    """The lowest direct dependencies; the checkout itself is found by its path."""
    uv = [python, "-m", "uv"]
    if subprocess.run([*uv, "--version"], capture_output=True, check=False).returncode:
        call(python, "-m", "pip", "install", "-q", "uv")
    call(*uv, "venv", "-q", "--python", python, str(here / "env"))
    where = ["--python", str(here / "env" / "bin" / "python")]
    call(*uv, "pip", "install", "-q", *where, "--resolution", "lowest-direct", str(TOP), "pip>=24", *TESTING)


def use_outside(here: Path) -> None:
    """The installed command works where no checkout is."""
    command = str(here / "env" / "bin" / "covidct")
    for words in (["--help"], ["manifest", "stats", "covid-ct/1.0.0"], ["show", "papers", "--help"]):
        done = subprocess.run([command, *words], cwd=here, env=ENVIRONMENT, capture_output=True, text=True, check=False)
        if done.returncode:
            sys.exit(f"covidct {' '.join(words)} ended with {done.returncode}: {done.stderr}")


def call(*words: str) -> None:
    """Run a command and stop with its own words when it fails."""
    subprocess.run(words, env=ENVIRONMENT, check=True)


if __name__ == "__main__":
    if len(sys.argv) < 2 or sys.argv[1] not in FOLDERS:
        sys.exit(__doc__)
    main(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else sys.executable)
