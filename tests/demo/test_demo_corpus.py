"""The made-up corpus: same seed, same bytes; a server that answers as the real one does; a scorer that can say no."""

import json
from pathlib import Path

import pymupdf
import pytest
import requests

from covidct.demo.chain import MARK, Plan, Timing, accepted, draw_corpus, prepare
from covidct.demo.corpus import KINDS, make_papers
from covidct.demo.pdf import write_pdf
from covidct.demo.score import score
from covidct.demo.server import preprint_server
from covidct.errors import UsageError


def test_same_seed_same_bytes_other_seed_other_bytes() -> None:
    first, again, other = (write_pdf(make_papers(2, seed)[1])[0] for seed in (3, 3, 4))
    assert first == again != other


def test_every_kind_of_paper_holds_its_figures_where_the_truth_says() -> None:
    for paper in make_papers(len(KINDS), 1):
        data, places = write_pdf(paper)
        document = pymupdf.open(stream=data)
        for figure in paper.figures:
            number, box = places[figure.label]
            page = document[number - 1]
            assert figure.caption[:40] in " ".join(page.get_text().split())
            shown = page.get_image_info()
            if figure.picture:
                assert [round(v) for v in shown[0]["bbox"]] == [round(v) for v in box]
            else:
                assert shown == [] and len(page.get_drawings()) >= 2


def test_the_server_pages_by_thirty_with_strings_and_an_empty_end() -> None:
    papers = make_papers(37, 0)
    with preprint_server(papers, {papers[0].doi: b"%PDF-1"}) as url:
        first = requests.get(f"{url}/details/medrxiv/2020-01-19/2020-03-25/0/json", timeout=10).json()
        rest = requests.get(f"{url}/details/medrxiv/2020-01-19/2020-03-25/30/json", timeout=10).json()
        end = requests.get(f"{url}/details/medrxiv/2020-01-19/2020-03-25/37/json", timeout=10).json()
        pdf = requests.get(f"{url}/content/{papers[0].doi}v1.full.pdf", timeout=10)
        gone = requests.get(f"{url}/content/{papers[1].doi}v1.full.pdf", timeout=10)
    assert first["messages"][0]["count"] == 30 and first["messages"][0]["total"] == "39"
    assert len({row["doi"] for row in first["collection"] + rest["collection"]}) == 37
    assert end == {"messages": [{"status": "no posts found"}], "collection": []}
    assert (pdf.status_code, pdf.content, gone.status_code) == (200, b"%PDF-1", 404)


def test_a_folder_of_somebody_else_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("precious")
    with pytest.raises(UsageError, match="holds other files"):
        prepare(Plan(tmp_path))
    prepare(Plan(tmp_path / "new"))
    prepare(Plan(tmp_path / "new"))
    with pytest.raises(UsageError, match="other settings"):
        prepare(Plan(tmp_path / "new", seed=5))
    assert (tmp_path / "new" / MARK).is_file()


def test_the_score_counts_what_is_right_missing_and_extra(tmp_path: Path) -> None:
    _, truth = draw_corpus(Plan(tmp_path, papers=6))
    assert json.loads((tmp_path / "corpus" / "truth.json").read_text()) == truth
    papers = [{"paper_id": doi, "doi": doi} for doi in sorted({t["doi"] for t in truth})]
    figures, panels = [], []
    for number, t in enumerate(truth):
        box = dict(zip(("x0", "y0", "x1", "y1"), map(str, t["box"]), strict=True))
        figures.append(
            {"paper_id": t["doi"], "figure_id": str(number), "label": t["label"], "page": str(t["page"]), **box}
            | {"caption": f"{t['label']} {t['caption']}", "width": "1000", "height": "1000"}
        )
        for p in t["panels"]:
            place = dict(zip(("x0", "y0", "x1", "y1"), (str(v * 1000) for v in p["place"]), strict=True))
            found = {"panel_label": p["letter"], "label": p["label"], "kind": "ct_axial_lung"}
            panels.append({"figure_id": str(number), **place, **found})
    perfect = score(truth, papers, figures, panels)
    assert all(line.right == line.true and not line.extra for line in perfect)
    worse = score(truth, papers, figures[1:], [dict(p, label="unclear") for p in panels[1:]])
    assert worse[1].right == worse[1].true - 1 and worse[5].right < worse[5].true - 1
    assert score(truth, papers, [*figures, dict(figures[0], label="Figure 9")], panels)[1].extra == 1


def test_the_demo_ends_with_what_a_release_takes() -> None:
    said = "split 3 done\naccepted without review: 2\n  positive stated 2\nwaiting for a person: 1\n"
    curate = Timing("curate", "covidct curate auto", 1.0, said)
    before = Timing("harvest", "covidct harvest", 1.0, "complete")
    assert accepted([before, curate]) == [
        "accepted without review: 2",
        "  positive stated 2",
        "waiting for a person: 1",
    ]
    assert accepted([before]) == []
