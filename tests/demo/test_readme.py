"""Every covidct command of the README runs as it stands there, one after the other, in an empty folder."""

import os
import select
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from printed import REPO, covidct_lines

from covidct.demo.corpus import make_papers
from covidct.demo.pdf import write_pdf
from covidct.demo.server import preprint_server

SHORTER = {
    "bench --model crnet --manifest": "--epochs 2 --size 64",
    "manifest audit": "",
    "curate review": "--no-browser --port 0",
}
"""What is added so that a test ends: the command itself stays as written."""


def commands() -> list[str]:
    return covidct_lines((REPO / "README.md").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Mapping[str, str]]]:
    """An empty folder with a few PDFs in ``papers`` and the shipped manifests; a preprint server on loopback."""
    folder = tmp_path_factory.mktemp("readme")
    made = make_papers(12, 7)
    pdfs = {paper.doi: write_pdf(paper)[0] for paper in made}
    (folder / "papers").mkdir()
    for number, doi in enumerate(list(pdfs)[:2]):
        (folder / "papers" / f"{number}.pdf").write_bytes(pdfs[doi])
    (folder / "manifests").mkdir()
    (folder / "manifests" / "covid-ct").symlink_to(REPO / "manifests" / "covid-ct")
    with preprint_server(made, pdfs) as url:
        yield folder, {**os.environ, "COVIDCT_API_URL": url, "COVIDCT_SITE_URL": url, "PYTHONPATH": str(REPO)}


def test_the_readme_names_the_whole_chain() -> None:
    text = "\n".join(commands())
    for step in (
        "harvest --since",
        "curate auto",
        "curate review",
        "manifest build",
        "manifest audit",
        "bench --model",
    ):
        assert step in text


def test_every_command_of_the_readme_ends_well(session: tuple[Path, Mapping[str, str]]) -> None:
    folder, environment = session
    for command in commands():
        extra = next((more for start, more in SHORTER.items() if command.startswith(start)), "")
        words = [sys.executable, "-m", "covidct", *shlex.split(f"{command} {extra}")]
        if command.startswith("curate review"):
            _page_opens(words, folder, environment)
            continue
        done = subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, f"covidct {command} ended with {done.returncode}: {done.stderr[-800:]}"
    assert (folder / "run" / "summary.json").is_file() and (folder / "audit" / "audit.html").is_file()


def _page_opens(words: list[str], folder: Path, environment: Mapping[str, str]) -> None:
    page = subprocess.Popen(words, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True)
    try:
        assert page.stdout is not None
        ready, _, _ = select.select([page.stdout], [], [], 60)
        assert ready and page.stdout.readline().startswith("http://127.0.0.1:")
        time.sleep(0.2)
        assert page.poll() is None
    finally:
        page.terminate()
        page.wait(30)
