"""``covidct check``, takedown while somebody reads, and folders that others may read."""

import json
import os
import sqlite3
import stat
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from covidct.cli import run
from covidct.errors import CovidctError
from covidct.records import Figure, Panel, Paper, PaperStatus
from covidct.workspace import Workspace
from covidct.workspace.check import check, last_clean
from covidct.workspace.schema import DATABASE

PAPER = Paper(
    "medrxiv_10.1101_1v1", "medrxiv", "10.1101/1", title="A title", status=PaperStatus.EXTRACTED, versions=(1,)
)


def picture(seed: int) -> bytes:
    import io

    buffer = io.BytesIO()
    Image.fromarray(np.random.default_rng(seed).integers(0, 255, (40, 40), "uint8")).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture
def ws(tmp_path: Path) -> Workspace:
    """One paper with its PDF, a figure and a panel."""
    workspace = Workspace.create(tmp_path / "ws")
    pdf = workspace.store(b"%PDF-1.4 made up", ".pdf")
    workspace.save_papers([replace(PAPER, sha256=pdf.sha256, source_file="secret name.pdf")])
    stored, crop = workspace.store(picture(1), ".png"), workspace.store(picture(2), ".png")
    figure = Figure(
        "f1", PAPER.paper_id, "secret name.pdf", "Figure 1", 1, (0, 0, 9, 9), file=stored.file, width=40, height=40
    )
    workspace.replace_figures(PAPER.paper_id, [figure])
    workspace.replace_panels("f1", [Panel("f1-A", "f1", "A", (0, 0, 40, 40), file=crop.file, width=40, height=40)])
    return workspace


def kinds(workspace: Workspace, mend: bool = True) -> list[tuple[str, bool]]:
    return [(finding.kind, bool(finding.mended)) for finding in check(workspace, mend)]


def age(path: Path) -> None:
    os.utime(path, (time.time() - 7200, time.time() - 7200))


def test_a_sound_workspace_is_clean_and_says_since_when(ws: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    assert last_clean(ws) == "" and run(["curate", "status", "-w", str(ws.folder)]) == 0
    assert "last clean check: never" in capsys.readouterr().out
    assert run(["check", "-w", str(ws.folder)]) == 0
    assert capsys.readouterr().out == f"{ws.folder}: clean\n"
    assert run(["curate", "status", "-w", str(ws.folder), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["last clean check"] == last_clean(ws) != ""


@pytest.mark.parametrize("damage", ["gone", "changed"])
def test_a_figure_that_is_lost_is_read_again(damage: str, ws: Workspace) -> None:
    path = ws.path(ws.figures()[0].file)
    path.unlink() if damage == "gone" else path.write_bytes(picture(9))
    assert kinds(ws, mend=False) == [("file", False)] and ws.papers()[0].status is PaperStatus.EXTRACTED
    assert kinds(ws) == [("file", True)]
    assert ws.papers()[0].status is PaperStatus.FETCHED, "due: its PDF is read anew"
    aside = ws.folder / "damaged" / path.name
    assert (aside.read_bytes() == picture(9)) if damage == "changed" else not aside.exists()


def test_a_crop_that_is_lost_is_cut_again(ws: Workspace) -> None:
    ws.mark("split", ["f1|x"])
    ws.path(ws.panels()[0].file).unlink()
    finding = check(ws)[0]
    assert "curate auto" in finding.mended and not ws.done("split", "f1|x")


def test_what_cannot_be_made_again_is_a_person_s_task(ws: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    ws.path(f"files/{ws.papers()[0].sha256[:2]}/{ws.papers()[0].sha256}.pdf").write_bytes(b"%PDF- other")
    assert run(["check", "-w", str(ws.folder), "--json"]) == 4
    finding = json.loads(capsys.readouterr().out)[0]
    assert finding["kind"] == "file" and finding["mended"] == "" and PAPER.paper_id in finding["todo"]
    assert last_clean(ws) == ""


def test_orphans_go_once_no_run_can_want_them(ws: Workspace) -> None:
    orphan = ws.path(ws.store(b"nobody's", ".png").file)
    piece = orphan.parent / ".x.part"
    piece.write_bytes(b"half")
    assert kinds(ws) == [], "a run that is under way may name them yet"
    age(orphan)
    age(piece)
    assert kinds(ws) == [("orphan", True), ("orphan", True)]
    assert not orphan.exists() and not piece.exists() and kinds(ws) == []


def test_an_open_folder_is_closed_and_a_broken_database_is_named(ws: Workspace) -> None:
    ws.folder.chmod(0o755)
    assert kinds(ws) == [("mode", True)] and stat.S_IMODE(ws.folder.stat().st_mode) == 0o700
    ws.connection.execute("PRAGMA foreign_keys = OFF")
    ws.connection.execute("UPDATE panels SET figure_id = 'nowhere'")
    assert ("database", False) in kinds(ws)


def test_a_new_workspace_in_a_folder_that_is_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    empty, full, own = tmp_path / "empty", tmp_path / "full", tmp_path / "own"
    for folder in (empty, full, own):
        folder.mkdir(mode=0o755)
    (full / "a.txt").write_text("x")
    (own / "a.txt").write_text("x")
    own.chmod(0o700)
    for folder in (empty, own):
        Workspace.create(folder).close()
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert run(["harvest", "pmc", "--query", "x", "-w", str(full)]) == 2
    assert "is not empty and others may read it (mode 0755)" in capsys.readouterr().err
    assert [path.name for path in full.iterdir()] == ["a.txt"], "refused before anything is written"


def test_forget_while_another_process_reads(
    ws: Workspace, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("covidct.workspace.workspace.PURGE_SECONDS", 1)
    reader = sqlite3.connect(ws.folder / DATABASE)
    reader.execute("BEGIN")
    reader.execute("SELECT * FROM papers").fetchall()
    assert run(["forget", PAPER.paper_id, "-w", str(ws.folder)]) == 3
    said = capsys.readouterr()
    assert "forgotten: paper" in said.out and "not purged yet" in said.err
    assert kinds(ws) == [("forgotten", False)]
    reader.close()
    assert kinds(ws) == [("forgotten", True)] and kinds(ws) == []
    assert run(["forget", PAPER.paper_id, "-w", str(ws.folder)]) == 0, "once more is no error"


def test_forget_takes_file_names_out_of_run_records(ws: Workspace) -> None:
    runs = ws.folder / "runs"
    runs.mkdir()
    other = {"file": "other.pdf", "reason": "read"}
    record = {
        "options": {"paths": ["/home/me/secret name.pdf", "/home/me/other.pdf"]},
        "failed": [{"file": "secret name.pdf", "reason": "x"}, other],
        "notes": ["secret name.pdf: read once", f"{PAPER.paper_id}: x", "kept"],
    }
    (runs / "harvest-latest.json").write_text(json.dumps(record))
    (runs / "harvest-1.json").write_text("{broken")
    ws.forget("10.1101/1", "asked")
    left = json.loads((runs / "harvest-latest.json").read_text())
    assert left == {"options": {"paths": ["/home/me/other.pdf"]}, "failed": [other], "notes": ["kept"]}
    assert not (runs / "harvest-1.json").exists()
    assert not [path for path in ws.folder.rglob("*") if path.is_file() and b"secret name" in path.read_bytes()]


def test_forget_takes_supplements_along(ws: Workspace) -> None:
    ws.save_papers([Paper("medrxiv_10.1101_1v1-s12345678", "supplement", "10.1101/1", title="S", versions=(1,))])
    assert ws.paper_by_doi("10.1101/1") == ws.paper(PAPER.paper_id)
    ws.forget("10.1101/1", "asked")
    assert {paper.status for paper in ws.papers()} == {PaperStatus.FORGOTTEN} and len(ws.withdrawn()) == 2


@pytest.mark.parametrize("kept", [b"", None], ids=["empty", "gone"])
def test_pictures_outlive_a_database_that_is_gone(
    ws: Workspace, kept: bytes | None, capsys: pytest.CaptureFixture[str]
) -> None:
    ws.close()
    for file in ws.folder.glob(f"{DATABASE}*"):
        file.unlink()
    if kept is not None:
        (ws.folder / DATABASE).write_bytes(kept)
    stored = [path for path in (ws.folder / "files").rglob("*") if path.is_file()]
    for path in stored:
        age(path)
    for words in (["check"], ["curate", "status"], ["harvest", "--from", str(ws.folder.parent)]):
        (ws.folder.parent / "x.pdf").write_bytes(b"%PDF-1.4 made up")
        assert run([*words, "-w", str(ws.folder)]) != 0
    assert "restore it from a copy" in capsys.readouterr().err
    assert stored and all(path.is_file() for path in stored)


def test_rows_that_are_no_json_are_named_and_nothing_is_removed(
    ws: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    orphan = ws.store(b"nobody names it", ".png")
    age(ws.folder / orphan.file)
    ws.connection.execute("UPDATE figures SET mentions = '{bad'")
    assert run(["check", "-w", str(ws.folder)]) == 4
    assert "mentions is no JSON" in capsys.readouterr().out and (ws.folder / orphan.file).is_file()


def test_a_database_that_rots_is_one_line_in_every_command(ws: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    ws.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    ws.close()
    data = (ws.folder / DATABASE).read_bytes()
    (ws.folder / DATABASE).write_bytes(data[:8192] + b"\xa5" * (len(data) - 8192))
    for words in (["show", "panels"], ["curate", "status"], ["forget", "f1-A"]):
        assert run([*words, "-w", str(ws.folder)]) == 1
        said = capsys.readouterr().err
        assert "covidct.sqlite is damaged" in said and said.count("\n") == 1


def test_a_full_disk_is_one_line_that_says_so(ws: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(CovidctError, match=r"covidct\.sqlite: .*is the disk full"), Workspace.open(ws.folder) as opened:
        pages = opened.connection.execute("PRAGMA page_count").fetchone()[0]
        opened.connection.execute(f"PRAGMA max_page_count = {pages + 8}")
        for number in range(200):
            opened.remember("test", str(number), "x" * 2000)
    with Workspace.open(ws.folder) as opened:
        assert opened.recall("test", "0") == "x" * 2000 and opened.paper(PAPER.paper_id) is not None
