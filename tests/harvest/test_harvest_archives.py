"""PubMed Central, Europe PMC and MedPix, end to end through the command line against servers with their real shapes."""

import csv
import datetime
import io
import json
from pathlib import Path
from typing import Any

import pytest
from faultserver import FaultServer, RandomPlan, ScriptedPlan
from faultserver.archives import EuropePmcService, MedpixService, PmcArticle, PmcService
from faultserver.corpus import make_corpus, make_picture
from faultserver.preprints import PreprintService
from faultserver.server import Reply, static

from covidct.cli import run
from covidct.harvest.articles import match_media, read_article
from covidct.harvest.bucket import Bucket, parse_article
from covidct.harvest.medpix import CaseImage, MedpixApi, parse_case, read_folder
from covidct.harvest.pmc import Search, check_search, licence_filter
from covidct.harvest.repack import as_png
from covidct.harvest.windows import Window
from covidct.net.client import HttpClient
from covidct.net.failures import FetchError
from covidct.workspace import Workspace
from covidct.workspace.check import check

pytestmark = pytest.mark.usefixtures("warm_engine")
QUERY = 'pneumonia AND "computed tomography"'


@pytest.fixture
def pmc(server: FaultServer, monkeypatch: pytest.MonkeyPatch) -> PmcService:
    service = PmcService([PmcArticle(7000000 + n) for n in range(5)])
    server.services.append(service)
    monkeypatch.setenv("COVIDCT_EUTILS_URL", server.url)
    monkeypatch.setenv("COVIDCT_PMC_BUCKET_URL", server.url)
    return service


def harvest(workspace: Path, *words: str) -> int:
    return run(["harvest", *words, "-w", str(workspace)])


def record(workspace: Path) -> dict[str, Any]:
    value: dict[str, Any] = json.loads((workspace / "runs" / "harvest-latest.json").read_text())
    return value


def rows(workspace: Path, name: str, capsys: pytest.CaptureFixture[str]) -> list[dict[str, str]]:
    capsys.readouterr()
    assert run(["show", name, "-w", str(workspace), "--csv"]) == 0
    return list(csv.DictReader(io.StringIO(capsys.readouterr().out)))


def test_pmc_fills_a_workspace(
    pmc: PmcService, server: FaultServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert harvest(tmp_path, "pmc", "--query", QUERY) == 0
    papers, figures = rows(tmp_path, "papers", capsys), rows(tmp_path, "figures", capsys)
    assert len(papers) == 5 and {p["status"] for p in papers} == {"extracted"}
    assert papers[0]["paper_id"] == "pmc_pmc7000000v1" and papers[0]["licence"].startswith("cc-by")
    assert len(figures) == 10 and all(f["file"] and not f["page"] for f in figures)
    assert figures[0]["caption"] == "Axial CT. Lobar pneumonia of a made-up patient."
    assert "Consolidation was seen" in figures[0]["mentions"]
    assert figures[1]["label"] == "Fig. 2" and figures[1]["caption"] == "Follow-up after treatment."
    asked = len(server.log)
    assert harvest(tmp_path, "pmc", "--query", QUERY) == 0
    assert len(server.log) == asked + 1, "one search, no article asked for again"
    assert record(tmp_path)["kept"] == 5
    with Workspace.open(tmp_path) as workspace:
        assert check(workspace, mend=False) == []


def test_pmc_odd_articles(
    pmc: PmcService, server: FaultServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pmc.articles[:] = [
        PmcArticle(1, media=False),
        PmcArticle(2, retracted=True),
        PmcArticle(3, licence="CC BY-NC-ND"),
        *(PmcArticle(4, version=v) for v in (1, 2, 10)),
        PmcArticle(5, licence=None),
        PmcArticle(6, media=False, pdf=False),
    ]
    assert harvest(tmp_path, "pmc", "--query", QUERY, "--licence", "commercial") == 3
    assert "Fig. 2 is lost" in capsys.readouterr().err
    papers = {p["paper_id"]: p for p in rows(tmp_path, "papers", capsys)}
    assert set(papers) == {"pmc_pmc1v1", "pmc_pmc4v10", "pmc_pmc5v1", "pmc_pmc6v1"}
    assert papers["pmc_pmc5v1"]["licence"] == "cc-by-4.0", "what the JSON leaves open the JATS says"
    figures = rows(tmp_path, "figures", capsys)
    assert [f["page"] for f in figures if f["paper_id"] == "pmc_pmc1v1"] == ["1", ""], "PDF read, JATS adds Fig. 2"
    assert [f["file"] for f in figures if f["paper_id"] == "pmc_pmc6v1"] == ["", ""]
    notes = " ".join(record(tmp_path)["notes"])
    assert "PMC2: left out, retracted" in notes and "PMC3: left out, licence cc-by-nc-nd" in notes
    assert "cc_by_license[filter]" in pmc.searches[0]["term"]


def test_pmc_more_ids_than_can_be_listed_are_read_by_dates(
    pmc: PmcService, server: FaultServer, client: HttpClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("covidct.harvest.pmc.MOST_IDS", 99)
    monkeypatch.setattr("covidct.harvest.pmc.PAGE", 40)
    pmc.most = 99
    days = [f"2020/{m:02d}/{d:02d}" for m in (1, 2, 3) for d in range(1, 29)]
    pmc.articles[:] = [PmcArticle(n, day=days[n % len(days)]) for n in range(1, 300)]
    search = Search(client, server.url, QUERY)
    found = list(search.ids(None))
    assert len(found) == len(set(found)) == 299
    assert all(o["complete"] for o in search.outcomes) and len(search.outcomes) > 1
    one = Search(client, server.url, QUERY)
    day = datetime.date(2020, 1, 1)
    pmc.articles[:] = [PmcArticle(n, day="2020/01/01") for n in range(1, 300)]
    assert len(list(one.ids(Window(day, day)))) == 99
    assert not one.outcomes[0]["complete"] and "on one day" in one.outcomes[0]["holes"][0]


def test_pmc_rate_limit_inside_http_200_and_esearch_errors(
    pmc: PmcService, server: FaultServer, client: HttpClient, tmp_path: Path
) -> None:
    pmc.rate_limited = 2
    assert len(list(Search(client, server.url, QUERY).ids(None))) == 5
    for value, rule in [
        ({"esearchresult": {"ERROR": "Empty term"}}, "esearch-error"),
        ({"esearchresult": {"count": "many"}}, "esearch-shape"),
        ([], "esearch-shape"),
    ]:
        with pytest.raises(FetchError) as caught:
            check_search(value)
        assert caught.value.rule == rule
    server.set_plan(ScriptedPlan({"esearch": ["500"] * 50}))
    assert harvest(tmp_path, "pmc", "--query", QUERY) == 1
    assert record(tmp_path)["outcome"] == "failed"


def test_pmc_with_faults_is_complete_after_re_runs(
    pmc: PmcService, server: FaultServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kinds = ["500", "503", "reset", "truncated", "truncated-no-length", "html-as-pdf", "invalid-json", "429", "1015"]
    server.set_plan(RandomPlan(0.3, seed=2, kinds=kinds))
    codes = [harvest(tmp_path, "pmc", "--query", QUERY) for _ in range(4)]
    assert codes[-1] == 0 and set(codes) <= {0, 3}
    assert len(rows(tmp_path, "figures", capsys)) == 10


def test_the_bucket_follows_nothing_but_articles(server: FaultServer, client: HttpClient, tmp_path: Path) -> None:
    bucket = Bucket(client, server.url, tmp_path)
    for url in ("https://evil.example/PMC1.1/a.jpg", "s3://b/../../etc/passwd", "s3://b/PMC1.1/../x", "s3://b/other/a"):
        with pytest.raises(FetchError) as caught:
            bucket.fetch(url, lambda start, end: None)
        assert caught.value.rule == "bucket-key"
    with pytest.raises(FetchError):
        parse_article({"pmcid": "../x"})
    assert licence_filter(frozenset({"cc-by-nc"})) == " AND (cc_by-nc_license[filter])"


@pytest.mark.shared
def test_pmc_shapes_are_those_of_the_recorded_answers(shared: Path) -> None:
    fixtures = shared / "facts" / "fixtures" / "pmc"
    recorded = json.loads((fixtures / "cloud_metadata_PMC12855588.1.media_elided.json").read_text())
    ours = PmcArticle(1).metadata()
    assert list(recorded) == list(ours)
    same = [k for k in recorded if k not in ("text_url",)]
    assert {k: type(recorded[k]) for k in same} == {k: type(ours[k]) for k in same}
    assert parse_article(recorded).licence == "cc-by"
    search = json.loads((fixtures / "esearch_pubmed.json").read_text())
    reply = PmcService([PmcArticle(1)])("/entrez/eutils/esearch.fcgi?term=x&retmax=1")
    assert reply is not None
    sent = json.loads(reply.body)
    assert list(sent) == list(search) and list(sent["esearchresult"]) == list(search["esearchresult"])
    check_search(search)
    article = read_article((fixtures / "efetch_pmc_9057060.trimmed.xml").read_bytes(), "efetch")
    assert article.pmcid == "PMC9057060" and article.licence == "cc-by-4.0"
    limited = json.loads((fixtures / "eutils_429.json").read_text())
    with pytest.raises(FetchError, match="rate limit"):
        check_search(limited)
    preprint = shared / "facts" / "fixtures" / "biorxiv" / "source_xml_medrxiv_2024.05.31.24307874v1.trimmed.jats.xml"
    assert len(read_article(preprint.read_bytes(), "x").figures) == 2


def test_the_chain_goes_on_to_europe_pmc_and_pmc(
    pmc: PmcService,
    server: FaultServer,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    corpus = make_corpus(3, seed=1, revised=0)
    dois = [r.doi for r in corpus.records]
    server.services.append(PreprintService(corpus, server.url, refuse_site=True))
    server.services.insert(0, EuropePmcService(server.url, {dois[0]}))
    pmc.articles.append(PmcArticle(99, doi=dois[1]))
    monkeypatch.setenv("COVIDCT_EUROPEPMC_URL", server.url)
    monkeypatch.setenv("COVIDCT_IDCONV_URL", f"{server.url}/idconv")
    words = ["--since", "2020-01-19", "--until", "2020-03-25", "--server", "medrxiv", "--no-jats"]
    assert harvest(tmp_path, *words, "--api-url", server.url, "--site-url", server.url) == 3
    papers = {p["doi"]: p for p in rows(tmp_path, "papers", capsys)}
    assert [papers[doi]["status"] for doi in dois] == ["extracted", "extracted", "missing"]
    files = {f["paper_id"]: f["source_file"] for f in rows(tmp_path, "figures", capsys)}
    assert files[papers[dois[0]]["paper_id"]].endswith("europepmc.pdf")
    assert files[papers[dois[1]]["paper_id"]] == "PMC99.1.pdf"
    sources = [a["source"] for a in record(tmp_path)["missing"][0]["attempts"]]
    assert sources == ["site", "europepmc", "pmc"]


def test_medpix_cases(server: FaultServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    server.services.append(MedpixService())
    server.set_plan(ScriptedPlan({"encounterID=e-2": ["empty-body"], "synpic": ["truncated"]}))
    monkeypatch.setenv("COVIDCT_MEDPIX_URL", server.url)
    assert harvest(tmp_path, "medpix", "--query", "pneumonia") == 0
    assert "No licence to redistribute" in capsys.readouterr().err, "terms are shown before use"
    papers, figures = rows(tmp_path, "papers", capsys), rows(tmp_path, "figures", capsys)
    assert [p["paper_id"] for p in papers] == ["medpix_101", "medpix_102", "medpix_103"]
    assert len(figures) == 6, "axial and transverse CT slices; no montage, film or coronal view"
    assert figures[1]["caption"] == "Lobar pneumonia", "the diagnosis, where a picture has no words of its own"
    assert "Diagnosis: Lobar pneumonia" in figures[0]["mentions"]
    everything = b"".join(p.read_bytes() for p in tmp_path.rglob("*") if p.is_file())
    assert b"author@example.org" not in everything and b"A Name" not in everything
    asked = len(server.log)
    assert harvest(tmp_path, "medpix", "--query", "pneumonia") == 0
    assert len(server.log) == asked + 1 and record(tmp_path)["kept"] == 3


def test_medpix_pictures_come_from_its_own_host(server: FaultServer) -> None:
    case = parse_case(
        {"imageList": [{"imageURL": "http://127.0.0.2:1/x.jpg", "modality": "CT", "plane": "Axial"}]}, "e", server.url
    )

    with pytest.raises(FetchError, match="not on MedPix"):
        MedpixApi(HttpClient(), server.url).picture(case.images[0])


def medpix_folder(folder: Path) -> None:
    described = [
        {
            "Type": "CT",
            "U_id": f"MPX{n}",
            "image": f"MPX{n}_synpic{m}",
            "Description": {"Caption": f"Made-up {m}", "Modality": "CT - noncontrast", "Plane": plane, "Age": "60"},
            "Location Category": place,
        }
        for n, m, plane, place in [
            (1, 10, "Axial", "Thorax"),
            (1, 11, "Coronal", "Thorax"),
            (2, 20, "Transverse", "Thorax"),
            (3, 30, "Axial", "Abdomen"),
            (4, 40, "Axial", "Thorax"),
        ]
    ]
    (folder / "images").mkdir(parents=True)
    (folder / "Descriptions.json").write_text(json.dumps(described))
    topics = [{"U_id": "MPX1", "TAC": [], "Case": {"Case Diagnosis": "Small cell carcinoma", "Findings": "A mass."}}]
    (folder / "Case_topic.json").write_text(json.dumps(topics))
    for m in (10, 11, 20, 30):
        (folder / "images" / f"x_{m}.png").write_bytes(b"")
        (folder / "images" / f"MPX{m // 10}_synpic{m}.png").write_bytes(make_picture(m, 64))


def test_medpix_2_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    medpix_folder(tmp_path / "in")
    assert harvest(tmp_path / "ws", "medpix", "--from", str(tmp_path / "in")) == 3
    papers, figures = rows(tmp_path / "ws", "papers", capsys), rows(tmp_path / "ws", "figures", capsys)
    assert {p["paper_id"]: p["status"] for p in papers} == {
        "medpix_mpx1": "extracted",
        "medpix_mpx2": "extracted",
        "medpix_mpx4": "missing",
    }
    assert [f["caption"] for f in figures] == ["Made-up 10", "Made-up 20"]
    assert "not in the folder" in record(tmp_path / "ws")["missing"][0]["reason"]
    assert harvest(tmp_path / "ws2", "medpix", "--from", str(tmp_path / "in" / "images")) == 2


@pytest.mark.shared
def test_real_medpix_2_samples_are_read(shared: Path, tmp_path: Path) -> None:
    fixtures = shared / "facts" / "fixtures" / "medpix"
    (tmp_path / "Descriptions.json").write_bytes((fixtures / "medpix2_descriptions_3thoraxCT.json").read_bytes())
    (tmp_path / "Case_topic.json").write_bytes((fixtures / "medpix2_case_MPX1024.json").read_bytes())
    cases = {case.number: case for case in read_folder(tmp_path)}
    assert set(cases) == {"MPX1016", "MPX1024"} and len(cases["MPX1024"].images) == 2
    assert all(not image.why_not for case in cases.values() for image in case.images)
    assert cases["MPX1024"].diagnosis and cases["MPX1024"].age == "60"


@pytest.mark.parametrize(
    ("modality", "plane", "place", "fits"),
    [
        ("CT w/contrast (IV)", "Axial", "", True),
        ("CTA - CT Angiography", "Transverse", "Thorax", True),
        ("CT - Montage of Images", "Axial", "", False),
        ("Drawing", "Axial", "", False),
        ("CT - noncontrast", "3D Reconstruction", "", False),
        ("MR - T1W", "Axial", "", False),
        ("CT - noncontrast", "Axial", "Abdomen", False),
    ],
)
def test_which_medpix_pictures_fit(modality: str, plane: str, place: str, fits: bool) -> None:
    assert (CaseImage("x", "", modality, plane, place).why_not == "") is fits


def test_media_are_matched_by_stem() -> None:
    media = ["s3://b/PMC1.1/gr1.jpg?md5=0", "s3://b/PMC1.1/gr1.gif?md5=1", "s3://b/PMC1.1/gr10.webp?md5=2"]
    assert match_media("gr1.jpg", media) == media[0]
    assert match_media("gr1", media) == media[0]
    assert match_media("gr1.tif", media) == media[0]
    assert match_media("gr10", media) == media[2]
    assert match_media("gr2", media) == ""


def test_pictures_lose_what_is_not_pixels_and_bombs_are_refused() -> None:
    from PIL import Image

    buffer = io.BytesIO()
    exif = Image.Exif()
    exif[0x010E] = "patient name"
    Image.open(io.BytesIO(make_picture(1, 64))).save(buffer, "JPEG", exif=exif)
    picture = as_png(buffer.getvalue(), "x")
    assert (picture.width, picture.height) == (64, 64) and b"patient name" not in picture.png
    for mode in ("RGBA", "P", "I;16", "CMYK", "1", "LA", "F"):
        image, saved = Image.new(mode, (9, 7)), io.BytesIO()
        image.save(saved, "TIFF")
        assert as_png(saved.getvalue(), mode).width == 9
    for data, rule in [(make_picture(1, 64), "picture-too-large"), (b"\x89PNG junk", "bad-picture")]:
        with pytest.raises(FetchError) as caught:
            as_png(data, "x", limit=100)
        assert caught.value.rule == rule


def test_a_search_answered_with_nonsense(server: FaultServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server.services.append(lambda path: Reply(b"[]"))
    monkeypatch.setenv("COVIDCT_EUTILS_URL", server.url)
    assert harvest(tmp_path, "pmc", "--query", QUERY) == 1
    server.services[:] = [static({"/rest/encounter/diagnosis.json": (b"{}", "application/json")})]
    monkeypatch.setenv("COVIDCT_MEDPIX_URL", server.url)
    assert harvest(tmp_path, "medpix", "--query", "x") == 1
