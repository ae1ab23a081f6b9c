"""Notebooks from plain scripts: ``python tools/notebooks.py`` runs docs/notebooks/*.py and writes .ipynb beside.

A script is cut into cells at lines that begin with ``# %%``; ``# %% [markdown]`` begins a cell of text. What is
reviewed is text. Needs nbclient and ipykernel; a test runs the scripts themselves.
"""

import re
import sys
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "notebooks"
SECONDS = 600


def notebook_of(script: str) -> Any:
    """The cells of a script, not executed."""
    cells = []
    for number, part in enumerate(re.split(r"^# %%", script, flags=re.M)[1:]):
        first, _, body = part.partition("\n")
        if "[markdown]" in first:
            text = "\n".join(line.removeprefix("#").removeprefix(" ") for line in body.strip().split("\n"))
            cell = nbformat.v4.new_markdown_cell(text)
        else:
            cell = nbformat.v4.new_code_cell(body.strip())
        cell["id"] = f"cell-{number}"
        cells.append(cell)
    return nbformat.v4.new_notebook(cells=cells)


def executed(script: Path, folder: Path) -> Any:
    """The notebook of ``script`` after a run in ``folder``; an error in a cell is raised."""
    notebook = notebook_of(script.read_text(encoding="utf-8"))
    NotebookClient(
        notebook, timeout=SECONDS, kernel_name="python3", resources={"metadata": {"path": str(folder)}}
    ).execute()
    for cell in notebook.cells:
        cell["metadata"] = {}
    return notebook


def main() -> None:
    """Write every notebook, or those that are named."""
    import tempfile

    for script in [Path(word) for word in sys.argv[1:]] or sorted(FOLDER.glob("*.py")):
        with tempfile.TemporaryDirectory() as folder:
            nbformat.write(executed(script, Path(folder)), script.with_suffix(".ipynb"))


if __name__ == "__main__":
    main()
