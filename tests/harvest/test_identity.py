"""A document is not what it cites: whose DOI stands on a page, and what a local file may replace."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pymupdf
import pytest

from covidct.cli import run
from covidct.harvest.extract.analyse import analyse, prepare_library
from covidct.harvest.extract.results import Limits
from covidct.harvest.identity import Claim, Place, judge, titles_agree
from covidct.records import Paper, PaperStatus
from covidct.workspace import Workspace

DOI = "10.1101/2020.02.01.20029999"
PAPER_ID = "medrxiv_10.1101_2020.02.01.20029999v1"
TITLE = "Thin-section computed tomography of nine made-up patients"
Lines = list[tuple[float, float, str]]
"""Height on the page, font size, words."""

pytestmark = pytest.mark.usefixtures("warm_engine")


def make(
    path: Path,
    lines: Lines,
    *,
    pages: int = 1,
    seed: int = 1,
    head: str = "",
    hidden: str = "",
    metadata: dict[str, str] | None = None,
) -> Path:
    """A PDF with a figure a page; ``head`` on top of each page, ``hidden`` not painted."""
    document = pymupdf.open()
    for number in range(pages):
        page = document.new_page()
        if head:
            page.insert_text((72, 30), head, fontsize=8)
        for y, size, words in lines if number == 0 else []:
            page.insert_text((72, y), words, fontsize=size)
        if hidden:
            page.insert_text((72, 45), hidden, fontsize=9, render_mode=3)
        pixels = np.random.default_rng(seed * 10 + number).integers(0, 255, (120, 140, 3), "uint8")
        picture = pymupdf.Pixmap(pymupdf.csRGB, 140, 120, pixels.tobytes(), False)
        page.insert_image(pymupdf.Rect(120, 300, 420, 554), pixmap=picture)
        page.insert_textbox(
            pymupdf.Rect(100, 565, 500, 640), f"Figure {number + 1}. Chest CT, day {seed}.", fontsize=10
        )
    document.set_metadata(metadata or {})
    document.save(path)
    return path


def own(path: Path) -> str:
    prepare_library()
    out = path.parent / "out"
    out.mkdir(exist_ok=True)
    return analyse(path, out, Limits()).doi


TOP: Lines = [(70, 16, TITLE)]
OWN: dict[str, dict[str, Any]] = {
    "under the title": {"lines": [*TOP, (100, 9, f"https://doi.org/{DOI}")]},
    "with its licence": {
        "lines": [*TOP, (100, 9, f"doi: {DOI}  CC BY 4.0 https://creativecommons.org/licenses/by/4.0/")],
    },
    "with its label": {"lines": [*TOP, (100, 9, f"DOI: {DOI}")]},
    "with its journal": {"lines": [*TOP, (740, 8, f"Journal of Made-up Things 2020, 12, 904; doi:{DOI}")]},
    "in the servers' notice": {
        "lines": TOP,
        "head": f"medRxiv preprint doi: https://doi.org/{DOI}; this version posted May 1, 2020.",
    },
    "in the servers' notice under the authors": {
        "lines": [*TOP, (90, 10, "Anna Made, Bo Up"),
                  (104, 10, f"medRxiv preprint doi: https://doi.org/{DOI}; this version posted May 1, 2020.")],
    },
    "in running heads": {"lines": TOP, "pages": 2, "head": f"Made-up Journal | https://doi.org/{DOI} May 1, 2020"},
    "in the metadata": {"lines": TOP, "metadata": {"subject": f"Made-up Journal, 5 (2020) 3-5. doi:{DOI}"}},
    "in how to cite": {
        "lines": [*TOP, (200, 8, "How to cite this article: Doe J, Roe R. Thin-section computed tomography."),
                  (210, 8, f"Made-up Journal 2020;1:2. https://doi.org/{DOI}")],
    },
    "over a line end": {
        "lines": [*TOP, (200, 8, "Citation: Doe J (2020) Thin-section. https://doi.org/10.1101/2020.02."),
                  (210, 8, "01.20029999"), (240, 8, "Received: 2 March 2020")],
    },
    "behind a hyphen at a line end": {
        "lines": [*TOP, (200, 8, "To cite: Doe J. Made-up Cases 2020. doi:10.1136/bcr-2020-"), (210, 8, "234567")],
        "doi": "10.1136/bcr-2020-234567",
    },
    "in small print": {
        "lines": [*TOP, (690, 8, "Copyright © 2020 Made-up Publisher."), (700, 8, "ISSN: 0000-0001"),
                  (710, 8, f"DOI: {DOI}")],
    },
    "over a line end here, whole in the foot": {
        "lines": [*TOP, (200, 8, "Citation: Doe J (2020) Thin-section. https://doi.org/10.1371/journal."),
                  (210, 8, "pone.0231234"), (760, 8, "PLOS MADE-UP | https://doi.org/10.1371/journal.pone.0231234 1")],
        "doi": "10.1371/journal.pone.0231234",
    },
}  # fmt: skip
NOT_OWN: dict[str, dict[str, Any]] = {
    "comment": {
        "lines": [(70, 10, "A letter"), (84, 10, f"Comment on: Doe et al., https://doi.org/{DOI}, posted 2020")],
    },
    "comment over three lines": {
        "lines": [(70, 16, "A letter"), (110, 10, "Comment on: Doe J, Roe R, Poe P. Thin-section computed tomography"),
                  (122, 10, "of nine made-up patients. Made-up Journal 2020."), (134, 10, f"https://doi.org/{DOI}")],
    },
    "reply": {"lines": [(70, 16, "Authors' reply"), (100, 10, f"In response to https://doi.org/{DOI}")]},
    "numbered footnote": {"lines": [*TOP, (800, 8, f"1 Doe J. Made-up Journal 2020. https://doi.org/{DOI}")]},
    "refers to, apart": {"lines": [*TOP, (100, 10, "Refers to"), (120, 10, f"https://doi.org/{DOI}")]},
    "correction": {"lines": [(70, 16, "Correction to: thin-section CT"), (90, 10, f"doi:{DOI}")]},
    "in a sentence": {"lines": [*TOP, (100, 10, f"Introduction. As shown before [1] doi:{DOI} CT matters.")]},
    "reference": {"lines": [*TOP, (600, 9, "References"), (650, 9, f"1. Doe J. Made-up Journal 2020. doi:{DOI}")]},
    "reference without heading": {"lines": [*TOP, (700, 9, f"[3] Doe J. Made-up Journal 2020. doi:{DOI}")]},
    "a reference's second line": {
        "lines": [*TOP, (690, 9, "12. Doe J, Roe R. Thin-section CT. Made-up Journal 2020."), (701, 9, f"doi:{DOI}")],
    },
    "supplement's address": {
        "lines": [*TOP, (740, 8, f"Supplemental data for this article can be accessed at https://doi.org/{DOI}")],
    },
    "data": {"lines": [*TOP, (700, 9, f"All data are available from https://doi.org/{DOI}")]},
    "not painted": {"lines": TOP, "hidden": f"https://doi.org/{DOI}"},
    "comment in metadata": {"lines": TOP, "metadata": {"subject": f"Comment on doi:{DOI}"}},
    "comment in heads": {"lines": TOP, "pages": 2, "head": f"Reply to https://doi.org/{DOI}"},
    "two that weigh the same": {
        "lines": [*TOP, (100, 9, f"https://doi.org/{DOI}"), (740, 9, "https://doi.org/10.1101/2020.03.03.20030303")],
    },
    "cut at the line end": {"lines": [*TOP, (100, 9, "https://doi.org/10.1371/journal."), (300, 9, "Introduction")]},
}  # fmt: skip


@pytest.mark.parametrize("name", OWN)
def test_a_document_s_own_doi_is_proved_by_place_and_wording(name: str, tmp_path: Path) -> None:
    spec = dict(OWN[name])
    wanted = spec.pop("doi", DOI)
    assert own(make(tmp_path / "a.pdf", **spec)) == wanted


@pytest.mark.parametrize("name", NOT_OWN)
def test_a_doi_that_is_cited_is_not_the_document_s_own(name: str, tmp_path: Path) -> None:
    assert own(make(tmp_path / "a.pdf", **NOT_OWN[name])) == ""


def harvest(workspace: Path, *files: Path, more: tuple[str, ...] = ()) -> int:
    return run(["harvest", "--from", *map(str, files), "-w", str(workspace), *more])


def table(workspace: Path, name: str, capsys: pytest.CaptureFixture[str]) -> list[dict[str, str]]:
    capsys.readouterr()
    assert run(["show", name, "-w", str(workspace), "--csv"]) == 0
    return list(csv.DictReader(io.StringIO(capsys.readouterr().out.lstrip("\ufeff"))))


def paper(path: Path, title: str = TITLE, *, seed: int = 1, version: str = "", pages: int = 2) -> Path:
    head = f"medRxiv preprint doi: https://doi.org/{DOI}{version}; this version posted May 1, 2020."
    return make(path, [(70, 16, title)], pages=pages, seed=seed, head=head)


@pytest.fixture
def known(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> tuple[Path, set[str]]:
    """A workspace that holds the paper, and the digests of its figures."""
    assert harvest(tmp_path / "ws", paper(tmp_path / "main.pdf")) == 0
    return tmp_path / "ws", {row["sha256"] for row in table(tmp_path / "ws", "figures", capsys)}


def test_a_letter_that_cites_a_paper_is_a_paper_of_its_own(
    known: tuple[Path, set[str]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    workspace, before = known
    assert harvest(workspace, make(tmp_path / "letter.pdf", NOT_OWN["comment"]["lines"], seed=7)) == 0
    papers = {row["doi"]: row for row in table(workspace, "papers", capsys)}
    assert papers[DOI]["title"] == TITLE and papers[DOI]["n_figures"] == "2" and papers[""]["n_figures"] == "1"
    assert before <= {row["sha256"] for row in table(workspace, "figures", capsys)}


@pytest.mark.parametrize("named", ["main_supplement.pdf", "media-1.pdf"])
def test_a_supplement_stands_beside_its_paper(
    named: str, known: tuple[Path, set[str]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    workspace, before = known
    title = "Something made up" if "suppl" in named else f"Supplementary material: {TITLE}"
    assert harvest(workspace, paper(tmp_path / named, title, seed=4, pages=1)) == 0
    assert f"{named}: kept as a supplement of {PAPER_ID}" in "".join(capsys.readouterr())
    rows = table(workspace, "papers", capsys)
    assert [row["doi"] for row in rows] == [DOI, DOI] and sorted(row["n_figures"] for row in rows) == ["1", "2"]
    assert before <= {row["sha256"] for row in table(workspace, "figures", capsys)}
    assert harvest(workspace, tmp_path / named) == 0
    assert len(table(workspace, "papers", capsys)) == 2, "read once"


@pytest.mark.parametrize(
    ("listed", "code"), [("On the breeding of beetles under lamps", 3), (f"{TITLE}, revised", 0), ("", 0)]
)
def test_a_source_and_pages_that_give_two_titles_are_named(
    listed: str, code: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with Workspace.create(tmp_path / "ws") as workspace:
        workspace.save_papers([Paper(PAPER_ID, "medrxiv", DOI, 1, title=listed, versions=(1,))])
    assert harvest(tmp_path / "ws", paper(tmp_path / "main.pdf")) == code
    err = capsys.readouterr().err
    assert ("its source calls it 'On the breeding" in err) == (code == 3)
    [row] = table(tmp_path / "ws", "papers", capsys)
    assert row["title"] == (listed or TITLE) and row["n_figures"] == "2"


def test_a_supplement_that_comes_first_does_not_become_the_paper(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = [paper(tmp_path / "appendix.pdf", seed=4, pages=1), paper(tmp_path / "main.pdf")]
    assert harvest(tmp_path / "ws", *files) == 0
    counts = {row["paper_id"]: row["n_figures"] for row in table(tmp_path / "ws", "papers", capsys)}
    assert counts[PAPER_ID] == "2" and len(counts) == 2


def test_a_stranger_with_a_known_doi_is_refused_by_name(
    known: tuple[Path, set[str]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    workspace, before = known
    stranger = paper(tmp_path / "stranger.pdf", "On the breeding of beetles under lamps", seed=5)
    for more in ((), ("--refresh",)):
        assert harvest(workspace, stranger, more=more) == 1
        assert "stranger.pdf: prints the DOI of" in capsys.readouterr().err
    assert {row["sha256"] for row in table(workspace, "figures", capsys)} == before


def test_every_file_of_a_run_is_accounted_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    paper(folder / "a.pdf")
    (folder / "copy.pdf").write_bytes((folder / "a.pdf").read_bytes())
    paper(folder / "other.pdf", "On the breeding of beetles under lamps", seed=5)
    (folder / "web.pdf").write_text("<html>log in</html>")
    (folder / "note.txt").write_text("x")
    assert harvest(tmp_path / "ws", folder, folder / "note.txt", more=("--json",)) == 3
    record = json.loads(capsys.readouterr().out)
    failed, left = ({Path(item["file"]).name for item in record[key]} for key in ("failed", "left"))
    assert failed == {"other.pdf", "web.pdf", "note.txt"} and left == {"copy.pdf"} and record["papers"] == 1
    assert record["given"] == record["papers"] + record["kept"] + len(record["left"]) + len(record["failed"])
    assert harvest(tmp_path / "ws2", folder, more=("--limit", "1")) == 3
    said = "".join(capsys.readouterr())
    assert "other.pdf: beyond --limit" in said and "copy.pdf: beyond --limit" in said and "4 files given" in said


def test_a_newer_version_takes_the_place_and_says_so(
    known: tuple[Path, set[str]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    workspace, _ = known
    assert harvest(workspace, paper(tmp_path / "new.pdf", seed=2, version="v2")) == 0
    assert "new.pdf: version 2 takes the place of version 1" in capsys.readouterr().err
    assert table(workspace, "papers", capsys)[0]["version"] == "2"
    assert harvest(workspace, tmp_path / "main.pdf") == 0
    assert "main.pdf: read before; new.pdf has since taken its place" in capsys.readouterr().err
    assert table(workspace, "papers", capsys)[0]["version"] == "2"


def test_a_pdf_and_an_xml_of_two_papers_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    paper(tmp_path / "a.pdf")
    (tmp_path / "a.xml").write_text(
        "<article><front><article-meta><article-id pub-id-type='doi'>10.5555/other.1</article-id><title-group>"
        "<article-title>Other</article-title></title-group></article-meta></front><body><p>x</p></body></article>"
    )
    assert harvest(tmp_path / "ws", tmp_path / "a.pdf") == 1
    assert "10.5555/other.1: rename" in capsys.readouterr().err


def known_paper(**more: Any) -> Paper:
    fields = {
        "title": TITLE,
        "status": PaperStatus.EXTRACTED,
        "source_file": "main.pdf",
        "versions": (1,),
        "sha256": "x",
    } | more
    return Paper("medrxiv_x", "medrxiv", DOI, **fields)


@pytest.mark.parametrize(
    ("claim", "known", "refresh", "place"),
    [
        (Claim("a.pdf", DOI, weight=1.0), known_paper(status=PaperStatus.MISSING), False, Place.REFUSED),
        (Claim("a.pdf", DOI, weight=1.0, title=TITLE), known_paper(status=PaperStatus.MISSING), False, Place.PAPER),
        (Claim("a.pdf", DOI, weight=2.0), known_paper(status=PaperStatus.MISSING), False, Place.PAPER),
        (Claim("a.pdf", DOI, weight=9.0, title="Beetles"), known_paper(), True, Place.REFUSED),
        (Claim("a.pdf", DOI, weight=9.0, title=TITLE), known_paper(), False, Place.REFUSED),
        (Claim("a.pdf", DOI, weight=9.0, title=TITLE), known_paper(), True, Place.PAPER),
        (Claim("a.pdf", DOI, weight=9.0, title=TITLE), known_paper(sha256=""), False, Place.PAPER),
        (Claim("a.pdf", DOI, weight=9.0, pictures=frozenset({"p"})), known_paper(), False, Place.LEFT),
        (Claim("a.pdf", DOI, version=2, weight=9.0, title="Beetles"), known_paper(), False, Place.REFUSED),
        (Claim("a.pdf", DOI, version=1, weight=9.0, title=TITLE), known_paper(version=2), False, Place.LEFT),
        (Claim("a.xml", DOI, weight=2.0, title=TITLE, readable=False), known_paper(), True, Place.LEFT),
        (Claim("a.pdf", DOI, weight=2.0), known_paper(status=PaperStatus.FORGOTTEN), True, Place.LEFT),
        (Claim("Suppl_1.pdf", DOI, weight=9.0, title=TITLE), known_paper(), True, Place.BESIDE),
    ],
)
def test_what_may_take_which_place(claim: Claim, known: Paper, refresh: bool, place: Place) -> None:
    assert judge(claim, known, ["p"], refresh).place is place


def test_titles() -> None:
    assert titles_agree(TITLE, TITLE.upper().replace(" ", "  "), "")
    assert titles_agree(TITLE, "", f"Made-up Journal. {TITLE}\nDoe J")
    assert not titles_agree("COVID-19 CT paper main", "COVID-19 CT paper supplement", "")
    assert not titles_agree("CT", "", "CT of the chest"), "a short title stands anywhere"
