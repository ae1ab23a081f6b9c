"""``covidct harvest --since --until`` and ``--from``, through the command line, against a loopback server."""

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from faultserver import FaultServer, ScriptedPlan
from faultserver.corpus import Corpus, make_corpus, make_pdf
from faultserver.preprints import PreprintService

from covidct.cli import run
from covidct.workspace import Workspace
from covidct.workspace.check import check

PAPERS = 12

pytestmark = pytest.mark.usefixtures("warm_engine")


class Site:
    """A running server with preprints, and the command line pointed at it."""

    def __init__(self, server: FaultServer, corpus: Corpus, tmp_path: Path) -> None:
        self.server, self.corpus, self.workspace = server, corpus, tmp_path / "ws"
        self.service = PreprintService(corpus, server.url, page=5)
        server.services.append(self.service)

    def harvest(self, *more: str) -> int:
        words = ["--since", "2020-01-19", "--until", "2020-03-25", "--server", "medrxiv", "--workers", "1"]
        where = ["--api-url", self.server.url, "--site-url", self.server.url, "-w", str(self.workspace)]
        return run(["harvest", *words, *where, *more])

    def table(self, name: str, capsys: pytest.CaptureFixture[str]) -> list[dict[str, str]]:
        capsys.readouterr()
        assert run(["show", name, "-w", str(self.workspace), "--csv"]) == 0
        return list(csv.DictReader(io.StringIO(capsys.readouterr().out)))

    def record(self) -> dict[str, Any]:
        value: dict[str, Any] = json.loads((self.workspace / "runs" / "harvest-latest.json").read_text())
        return value


@pytest.fixture
def site(tmp_path: Path, server: FaultServer) -> Iterator[Site]:
    yield Site(server, make_corpus(PAPERS, seed=3, revised=0.5), tmp_path)


def test_every_paper_of_the_window_once_in_small_pages(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    assert site.harvest() == 0
    papers = site.table("papers", capsys)
    newest = site.corpus.papers()
    assert {p["doi"]: int(p["version"]) for p in papers} == {doi: r.version for doi, r in newest.items()}
    assert len(papers) == PAPERS and {p["status"] for p in papers} == {"extracted"}
    assert [p for p in papers if p["versions"] == "1 2"], "some paper has two versions"
    figures = site.table("figures", capsys)
    assert len(figures) == PAPERS and all("Chest CT" in f["caption"] for f in figures)
    assert site.record()["outcome"] == "complete"
    asked = len(site.server.log)
    assert site.harvest() == 0
    assert len(site.server.log) == asked, "finished work is not asked for again"
    assert site.record()["kept"] == PAPERS
    assert not list(site.workspace.glob("parts/*"))


def test_what_no_source_has_is_missing_then_attached_by_hand(
    site: Site, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    site.service.refuse_site = True
    assert site.harvest("--limit", "8") == 3
    missing = [p for p in site.table("papers", capsys) if p["status"] == "missing"]
    assert all("site: " in m["reason"] for m in missing)
    assert site.record()["outcome"] == "incomplete" and len(site.record()["missing"]) == 8
    assert site.server.asked(r"\.pdf$") <= 8, "the breaker opens after five refusals in a row"
    run(["show", "papers", "-w", str(site.workspace), "--missing", "--csv"])
    first = next(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    downloads = tmp_path / "downloads"
    downloads.mkdir()
    (downloads / "full (3).pdf").write_bytes(make_pdf(first["doi"], 1))
    assert run(["harvest", "--from", str(downloads), "-w", str(site.workspace)]) == 0
    attached = next(p for p in site.table("papers", capsys) if p["doi"] == first["doi"])
    assert attached["status"] == "extracted" and attached["paper_id"] == first["paper_id"]
    assert attached["n_figures"] == "1"


def test_a_newer_version_keeps_the_id_and_replaces_the_figures(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    revised = next(r for r in site.corpus.records if r.version == 2)
    site.corpus.records.remove(revised)
    assert site.harvest() == 0
    before = next(p for p in site.table("papers", capsys) if p["doi"] == revised.doi)
    assert before["version"] == "1"
    site.corpus.records.append(revised)
    site.service._windows.clear()
    assert site.harvest("--refresh") == 0
    after = next(p for p in site.table("papers", capsys) if p["doi"] == revised.doi)
    assert after["paper_id"] == before["paper_id"] and after["version"] == "2"
    assert after["title"].endswith("(revised)") and after["sha256"] != before["sha256"]


def test_withdrawn_papers_are_marked_and_not_fetched(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    import dataclasses

    first = site.corpus.records[0]
    site.corpus.records[0] = dataclasses.replace(first, kind="WITHDRAWN")
    assert site.harvest("--limit", "5") == 0
    row = next(p for p in site.table("papers", capsys) if p["doi"] == first.doi)
    assert row["status"] == "withdrawn"
    assert not site.server.asked(first.suffix)
    with Workspace.open(site.workspace) as workspace:
        assert workspace.current("paper", row["paper_id"])["withdrawn"].value is True


def test_licence_filter_and_query(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    assert site.harvest("--licence", "commercial", "--query", '"ground glass" OR consolidation AND NOT paving') == 0
    done = {p["doi"] for p in site.table("papers", capsys) if p["status"] == "extracted"}
    wanted = {
        doi
        for doi, r in site.corpus.papers().items()
        if r.licence in ("cc_by", "cc0", "cc_by_nd") and ("ground-glass" in r.abstract or "consolidation" in r.abstract)
    }
    assert done == wanted and wanted
    assert "left out by their licence" in " ".join(site.record()["notes"])


def test_show_stages_draws_into_a_folder(site: Site, tmp_path: Path) -> None:
    assert site.harvest("--limit", "1", "--show-stages", str(tmp_path / "stages")) == 0
    assert list((tmp_path / "stages").rglob("*.png"))


def test_discard_pdfs_leaves_figures_only(site: Site) -> None:
    assert site.harvest("--limit", "3", "--discard-pdfs") == 0
    assert not list(site.workspace.rglob("*.pdf"))
    assert len(list((site.workspace / "files").rglob("*.png"))) == 3


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--since", "yesterday"], "no date"),
        (["--since", "2020-02-01", "--until", "2020-01-01"], "before"),
        (["--since", "2020-02-30"], "no date"),
        (["--since", "1999-01-01", "--until", "1999-02-01"], "no preprint"),
        ([], "--since is missing"),
        (["--since", "2020-01-01", "--licence", "mine"], "not known"),
        (["--since", "2020-01-01", "--query", '"open'], "quotation mark"),
        (["--since", "2020-01-01", "--rate", "x"], "HOST=N"),
        (["--since", "2020-01-01", "--api-url", "nowhere"], "no address"),
        (["--since", "2020-01-01", "--time-budget", "0"], "more than 0"),
        (["--from", "/no/such/file.pdf"], "no such file"),
        (["--from", "x.pdf", "--since", "2020-01-01"], "leave --since"),
    ],
)
def test_bad_calls_give_one_line_and_touch_nothing(
    words: list[str], says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["harvest", *words, "-w", str(tmp_path / "ws")]) == 2
    error = capsys.readouterr().err
    assert says in error and error.count("\n") == 1
    assert not (tmp_path / "ws").exists()


def test_unreadable_files_are_named_and_leave_the_tables_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import pymupdf

    folder, workspace = tmp_path / "in", tmp_path / "ws"
    folder.mkdir()
    (folder / "text.pdf").write_text("just words")
    assert run(["harvest", "--from", str(folder), "-w", str(workspace)]) == 1
    assert "text.pdf: not a PDF" in capsys.readouterr().err and not workspace.exists()
    (folder / "good.pdf").write_bytes(make_pdf("10.1101/2020.02.02.20000001", 1))
    (folder / "half.pdf").write_bytes(make_pdf("10.1101/2020.02.02.20000002", 1)[:300])
    with pymupdf.open(stream=make_pdf("10.1101/2020.02.02.20000003", 1)) as document:
        document.save(folder / "locked.pdf", encryption=pymupdf.PDF_ENCRYPT_AES_256, user_pw="secret", owner_pw="x")
    assert run(["harvest", "--from", str(folder), "-w", str(workspace), "--json"]) == 3
    record = json.loads(capsys.readouterr().out)
    assert [f["file"].rsplit("/")[-1] for f in record["failed"]] == ["text.pdf", "half.pdf", "locked.pdf"]
    assert record["papers"] == 1
    with Workspace.open(workspace) as opened:
        assert [p.doi for p in opened.papers()] == ["10.1101/2020.02.02.20000001"]
        assert check(opened, mend=False) == []


def test_from_takes_many_paths_and_reads_each_paper_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = ["a.pdf", "b.pdf", "copy of a.pdf"]
    numbers = [1, 2, 1]
    for name, number in zip(names, numbers, strict=True):
        (tmp_path / name).write_bytes(make_pdf(f"10.1101/2020.02.02.2000000{number}", 1))
    workspace = tmp_path / "ws"
    assert run(["harvest", "--from", *(str(tmp_path / n) for n in names), "-w", str(workspace), "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert record["papers"] == 2 and "read once" in record["notes"][0]
    assert run(["harvest", "-w", str(workspace), "--from", str(tmp_path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["kept"] == 3
    assert run(["harvest", "--from", str(tmp_path / "none"), "-w", str(workspace)]) == 2
    (tmp_path / "empty").mkdir()
    assert run(["harvest", "--from", str(tmp_path / "empty"), "-w", str(workspace)]) == 2
    assert "nothing to harvest" in capsys.readouterr().err


def test_a_page_that_fails_for_good_is_named(site: Site) -> None:
    site.server.set_plan(ScriptedPlan({r"/2020-02-01/2020-02-29/0": ["500"] * 50}))
    assert site.harvest("--limit", "3") == 3
    holes = site.record()["holes"]
    assert len(holes) == 1 and "2020-02-01..2020-02-29" in holes[0]
    site.server.set_plan(None)
    assert site.harvest("--limit", "3") == 0
