"""PDF + JATS pairs, ``.meca`` packages, and what attackers put into ZIP and XML: refused, recorded, nothing touched."""

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from faultserver.corpus import make_corpus, make_pdf
from faultserver.packages import DOI, MANIFEST, evil_zip, jats, members, write_zip
from faultserver.server import serving

from covidct.cli import run
from covidct.harvest.meca import list_packages, open_package
from covidct.harvest.xml import parse_xml
from covidct.net.failures import FetchError
from covidct.workspace import Workspace
from covidct.workspace.check import check
from covidct.zips import MEMBER_RULES, open_zip

pytestmark = pytest.mark.usefixtures("warm_engine")


def harvest(workspace: Path, *words: str, code: int = 0) -> dict[str, Any]:
    assert run(["harvest", *words, "-w", str(workspace)]) == code
    value: dict[str, Any] = json.loads((workspace / "runs" / "harvest-latest.json").read_text())
    return value


def test_a_pair_has_the_words_of_the_xml_and_the_place_of_the_pdf(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "one.pdf").write_bytes(make_pdf(DOI, 1))
    (tmp_path / "in" / "one.xml").write_bytes(jats())
    harvest(tmp_path / "ws", "--from", str(tmp_path / "in"), code=3)  # Figure 9 has words and no picture: named, lost
    with Workspace.open(tmp_path / "ws") as workspace:
        paper, figures = workspace.papers()[0], workspace.figures()
    assert (paper.doi, paper.licence, paper.title) == (DOI, "cc-by-nc-4.0", "A made-up package")
    assert [f.label for f in figures] == ["Figure 1", "Figure 9"]
    assert figures[0].page == 1 and figures[0].caption.endswith("& more words that only the XML has.")
    assert figures[0].mentions == ("Lesions are seen (Figure 1).",)
    assert figures[1].page is None and figures[1].box is None and figures[1].figure_id.endswith("-px-f1")
    assert figures[0].provenance["jats_disagrees"]["pdf_caption"]
    assert harvest(tmp_path / "ws", "--from", str(tmp_path / "in"), code=3)["kept"] == 1
    again = harvest(tmp_path / "ws", "--from", str(tmp_path / "in"), "--no-jats")
    assert again["papers"] == 1, "without the XML it is another reading"
    with Workspace.open(tmp_path / "ws") as workspace:
        assert [f.label for f in workspace.figures()] == ["Figure 1"]


def test_xml_alone_is_a_paper_without_places(tmp_path: Path) -> None:
    (tmp_path / "alone.xml").write_bytes(jats())
    (tmp_path / "other.xml").write_bytes(b"<html><body>no article</body></html>")
    record = harvest(tmp_path / "ws", "--from", str(tmp_path / "alone.xml"), str(tmp_path / "other.xml"), code=3)
    assert record["failed"] == [{"file": "other.xml", "reason": "XML, but no JATS article"}]
    with Workspace.open(tmp_path / "ws") as workspace:
        assert [(f.label, f.page, f.file) for f in workspace.figures()] == [
            ("Figure 1", None, ""),
            ("Figure 9", None, ""),
        ]


@pytest.mark.parametrize("prefix", ["", "nested/"])
def test_a_package_gives_pdf_xml_and_lossless_pictures(tmp_path: Path, prefix: str) -> None:
    path = write_zip(tmp_path / "p.meca", members(prefix))
    harvest(tmp_path / "ws", "--from", str(path))
    with Workspace.open(tmp_path / "ws") as workspace:
        figures = workspace.figures()
        assert [(f.label, f.page, bool(f.file)) for f in figures] == [("Figure 1", 1, True), ("Figure 9", None, True)]
        assert (figures[1].width, figures[1].height) == (64, 64)
        assert check(workspace, mend=False) == []


def test_a_package_without_a_manifest_and_with_sloppy_xml(tmp_path: Path) -> None:
    content = members()
    del content["manifest.xml"]
    content["content/20000001.xml"] = jats(before="\n  ").replace(b"&amp;", b"&")
    record = harvest(tmp_path / "ws", "--from", str(write_zip(tmp_path / "p.meca", content)), code=3)
    assert "Figure 9 is lost" in json.dumps(record)
    with Workspace.open(tmp_path / "ws") as workspace:
        assert [f.label for f in workspace.figures()] == ["Figure 1", "Figure 9"]


def test_packages_are_a_source_for_preprints(tmp_path: Path) -> None:
    corpus = make_corpus(2, seed=1, revised=0)
    number = corpus.records[0].doi.rsplit(".", 1)[-1]
    content = {name.replace("20000001", number): data for name, data in members().items()}
    content["manifest.xml"] = MANIFEST.replace(b"20000001", number.encode())
    content[f"content/{number}.pdf"] = make_pdf(corpus.records[0].doi, 1)
    content[f"content/{number}.xml"] = jats(corpus.records[0].doi)
    folder = tmp_path / "bucket" / "January_2020"
    folder.mkdir(parents=True)
    write_zip(folder / "3f2a.meca", content)
    (folder / "broken.meca").write_bytes(b"PK no zip")
    assert len(list_packages(f"file://{tmp_path}/bucket")) == 2
    window = ["--since", "2020-01-19", "--until", "2020-03-25", "--server", "medrxiv"]
    with serving(corpus) as server:
        server.services[0].refuse_site = True  # type: ignore[attr-defined]
        where = ["--api-url", server.url, "--site-url", server.url, "--meca", str(tmp_path / "bucket")]
        record = harvest(tmp_path / "ws", *window, *where, code=3)
        assert record["papers"] == 1 and record["missing"][0]["attempts"][-1]["source"] == "meca"
    with Workspace.open(tmp_path / "ws") as workspace:
        read = next(p for p in workspace.papers() if p.status == "extracted")
        assert read.doi == corpus.records[0].doi and len(workspace.figures(read.paper_id)) == 2


@pytest.mark.parametrize("kind", [rule.name for rule in MEMBER_RULES])
def test_each_evil_member_is_refused_and_the_rest_is_read(tmp_path: Path, kind: str) -> None:
    (tmp_path / "in").mkdir()
    path = evil_zip(tmp_path / "in" / "evil.meca", kind)
    with path.open("rb") as handle:
        safe = open_zip(handle, "evil")
        rule = next(r for r in MEMBER_RULES if r.name == kind)
        assert [rule.reason in refusal for refusal in safe.refused] == [True]
    before = sorted(tmp_path.rglob("*"))
    record = harvest(tmp_path / "ws", "--from", str(path))
    assert any("refused" in note and rule.reason in note for note in record["notes"])
    outside = [p for p in sorted(tmp_path.rglob("*")) if p not in before and "ws" not in p.relative_to(tmp_path).parts]
    assert outside == [] and not Path("/tmp/covidct-evil").exists()


def test_a_member_that_lies_about_its_size_is_stopped(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "z", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a", bytes(900_000))
    with (tmp_path / "z").open("rb") as handle:
        safe = open_zip(handle, "z")
        with pytest.raises(FetchError) as caught:
            safe.read("a", 1000)
        assert caught.value.rule == "zip-too-large"


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04 cut", b"no zip at all", b"PK\x05\x06" + bytes(18)])
def test_files_that_are_no_package(tmp_path: Path, data: bytes, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "x.meca").write_bytes(data)
    assert run(["harvest", "--from", str(tmp_path / "x.meca"), "-w", str(tmp_path / "ws")]) == 1
    assert "x.meca" in capsys.readouterr().err and not (tmp_path / "ws").exists()
    with pytest.raises(FetchError), open_package(io.BytesIO(data), "x"):
        pass


BILLION = b"""<?xml version="1.0"?><!DOCTYPE a [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>
<article><front><article-meta><title-group><article-title>&b;</article-title></title-group></article-meta></front></article>"""
OUTSIDE = (
    b"""<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><article><p>&x;</p></article>"""
)
WIDE = BILLION.decode().encode("utf-16")
CODED = BILLION.decode().replace("?>", ' encoding="IBM037"?>', 1).encode("cp037")


@pytest.mark.parametrize("data", [BILLION, OUTSIDE, WIDE, CODED, b"no XML", b"", b"\xff\xfe"], ids=range(7))
def test_evil_xml_is_refused_and_recorded(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(FetchError):
        parse_xml(data, "x")
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "one.pdf").write_bytes(make_pdf(DOI, 1))
    (tmp_path / "in" / "one.xml").write_bytes(data)
    record = harvest(tmp_path / "ws", "--from", str(tmp_path / "in"))
    assert record["papers"] == 1 and any("its JATS is left out" in note for note in record["notes"])
    everything = b"".join(p.read_bytes() for p in (tmp_path / "ws").rglob("*.sqlite*"))
    assert b"root:" not in everything and b"hahahahaha" not in everything
