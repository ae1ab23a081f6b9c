"""The notebooks run from the first cell to the last, on pictures that they draw themselves."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

NOTEBOOKS = Path(__file__).resolve().parent.parent / "docs" / "notebooks"


@pytest.mark.parametrize("name", sorted(path.name for path in NOTEBOOKS.glob("*.py")))
def test_a_notebook_runs(name: str, tmp_path: Path) -> None:
    environment = {**os.environ, "MPLBACKEND": "Agg", "COVIDCT_SCALE": "0.1"}
    done = subprocess.run(
        [sys.executable, str(NOTEBOOKS / name)],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]


@pytest.mark.parametrize("name", sorted(path.name for path in NOTEBOOKS.glob("*.py")))
def test_the_published_notebook_is_the_script_with_what_it_printed_and_drew(name: str) -> None:
    """``python tools/notebooks.py`` makes them; the site shows them."""
    cells = json.loads((NOTEBOOKS / name).with_suffix(".ipynb").read_text(encoding="utf-8"))["cells"]
    code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    parts = re.split(r"^# %%", (NOTEBOOKS / name).read_text(encoding="utf-8"), flags=re.M)[1:]
    assert code == [part.partition("\n")[2].strip() for part in parts if not part.startswith(" [markdown]")]
    outputs = [output for cell in cells for output in cell.get("outputs", [])]
    assert any("image/png" in output.get("data", {}) for output in outputs)
    assert not any(output["output_type"] == "error" for output in outputs)
