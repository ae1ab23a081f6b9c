"""The README's first session on real papers: from PDFs to a private release, its pictures and its audit."""

import contextlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

from covidct.cli import run
from covidct.release.read import read_release

PAPERS = ("ct_PMC7493721", "ct_PMC7375030")
"""Four patients in the columns of one figure; four told of by age in two figures, and a series."""
TRUTH = Path(__file__).parents[2] / "benchmarks" / "truth" / "chain.json"


@pytest.mark.shared
@pytest.mark.slow
def test_a_session_on_real_papers(
    shared: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COVIDCT_SCALE", "0.1")
    ws, pictures = tmp_path / "ws", tmp_path / "pictures"
    pdfs = [word for name in PAPERS for word in ("--from", str(shared / "data" / "pdfs" / "ct" / f"{name}.pdf"))]
    assert run(["harvest", *pdfs, "-w", str(ws)]) == 0
    assert run(["curate", "auto", "-w", str(ws)]) == 0
    named = ["--name", "real", "--version", "1.0.0", "--out", str(tmp_path / "m")]
    assert run(["manifest", "build", "-w", str(ws), *named, "--private"]) == 0
    release = str(tmp_path / "m" / "real" / "1.0.0")
    assert f"next: covidct manifest materialize {release} -w {ws} --out images --private\n" in capsys.readouterr().err
    assert run(["manifest", "materialize", release, "-w", str(ws), "--private", "--out", str(pictures)]) == 0
    assert (
        run(["manifest", "audit", release, "--images", str(pictures), "--out", str(tmp_path / "a"), "--no-network"])
        == 0
    )
    assert {Path(file).stem for file in read_release(release).images["file"]} <= {
        p.stem for p in pictures.rglob("*.png")
    }
    judged = scored(shared, ws, tmp_path)
    assert judged["accepted"] == judged["all_right"] >= 12


def scored(shared: Path, ws: Path, folder: Path) -> dict[str, int]:
    """What ``score/chain.py`` says of all slices with a label."""
    truth = {name: entries for name, entries in json.loads(TRUTH.read_text("utf-8")).items() if name in PAPERS}
    (folder / "truth.json").write_text(json.dumps(truth), "utf-8")
    tables = [folder / "figures.csv", folder / "panels.csv"]
    for file in tables:
        with file.open("w", encoding="utf-8") as out, contextlib.redirect_stdout(out):
            assert run(["show", file.stem, "--csv", "-w", str(ws)]) == 0
    scorer = [sys.executable, str(shared / "score" / "chain.py"), str(folder / "truth.json"), *map(str, tables), "-"]
    done = subprocess.run(scorer, capture_output=True, text=True, check=True)
    found: dict[str, int] = json.loads(done.stdout.splitlines()[-1])
    return found
