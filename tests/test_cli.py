"""The frame of the command line: help is fast and light, errors are one line."""

import subprocess
import sys


def test_help_names_every_command_and_imports_nothing_heavy() -> None:
    code = (
        "import sys\nfrom covidct.cli import run\nassert run(['--help']) == 0\n"
        "heavy = {'torch', 'pymupdf', 'pandas', 'numpy', 'cv2'} & set(sys.modules)\nassert not heavy, heavy"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    for name in ("harvest", "show", "curate", "manifest", "data", "bench", "predict", "forget", "demo"):
        assert name in done.stdout
