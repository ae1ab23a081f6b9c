"""Pages saved in the browser: words from the page, pictures from beside it, nothing fetched, no script run."""

import csv
import io
from pathlib import Path

import pytest
from faultserver.corpus import make_pdf, make_picture

from covidct.cli import run
from covidct.harvest.webpages import belongs_to_page, is_page, pictures_of, read_page
from covidct.net.failures import FetchError

DOI = "10.1101/2020.02.02.20000001"
HEAD = f"""<!DOCTYPE html>
<!-- saved from url=(0050)https://www.medrxiv.org/content/x -->
<html><head><title>A made-up page</title><meta name="citation_title" content="Chest CT of made-up patients">
<meta name="citation_doi" content="{DOI}"><meta name="citation_publication_date" content="2020/02/02">
<script>document.write('<div class="fig"><div class="fig-caption">Figure 9. Script.</div></div>')</script></head>"""
TEXT = "<p>As Figure 1 shows, this text is about made-up patients. " + "It goes on for a while. " * 30 + "</p>"
HIGHWIRE = f"""{HEAD}<body><div class="article fulltext-view">{TEXT}
<div id="F1" class="fig pos-float odd"><div class="highwire-figure"><div class="fig-inline-img-wrapper">
<a href="https://www.medrxiv.org/content/F1.large.jpg?width=800&amp;height=600" class="highwire-fragment">
<img src="./NAME_files/F1.medium.gif"></a></div><ul class="highwire-figure-links"><li>Download figure</li></ul></div>
<div class="fig-caption"><span class="fig-label">Figure 1.</span><span class="caption-title">Axial CT.</span>
<p id="p-9">Ground-glass opacity (<em>arrow</em>) &amp; consolidation.</p></div></div>
<div id="F2" class="fig"><img src="NAME_files/F2.large.jpg"><div class="fig-caption">
<span class="fig-label">Figure 2</span><p>Day 9.</p></div></div>
<div class="ref-list"><p>1. Doe J. In Figure 1 of another paper.</p></div>
<a rel="license" href="https://creativecommons.org/licenses/by-nc/4.0/">licence</a></div></body></html>"""
PMC_NEW = f"""{HEAD}<body><main>{TEXT}<figure class="fig xbox font-sm" id="Fig1"><h3 class="obj_head">Fig. 1.</h3>
<p class="img-box"><a class="tileshop" href="#"><img class="graphic" src="./NAME_files/gr1_lrg.jpg"></a></p>
<div class="p text-right"><a href="figure/Fig1/">Open in a new tab</a></div>
<figcaption><p>Axial CT. Ground-glass opacity.</p></figcaption></figure>
<section class="tw xbox"><h3 class="obj_head">Table 1.</h3><div class="caption"><p>Ages.</p></div></section>
</main></body></html>"""
PMC_OLD = f"""<?xml version="1.0" encoding="UTF-8"?>{HEAD}<body>{TEXT}<div class="fig iconblock whole_rhythm" id="fig1">
<div class="figure"><img class="fig-image" src="NAME_files/gr1.jpg"></div><div class="icnblk_cntnt">
<div><a class="figpopup">Figure 1</a></div><div class="caption"><p>Axial CT. Ground-glass opacity.</p></div></div></div>
</body></html>"""
PLAIN = f"""{HEAD}<body>{TEXT}<figure><img src="NAME_files/a.png">
<figcaption>Figure 1: Axial CT. Ground-glass opacity.</figcaption></figure>
<div class="figure-gallery">x</div></body></html>"""


@pytest.mark.parametrize(
    ("page", "picture"),
    [(PMC_NEW, "gr1_lrg.jpg"), (PMC_OLD, "gr1.jpg"), (PLAIN, "a.png")],
    ids=["pmc-new", "pmc-old", "plain"],
)
def test_figures_of_known_shapes(page: str, picture: str) -> None:
    assert is_page(page.encode())
    article = read_page(page.encode(), "x", [picture, "logo.png"])
    assert [figure.key for figure in article.figures] == ["1"]
    figure = article.figures[0]
    assert figure.caption == "Axial CT. Ground-glass opacity." and figure.graphics == (picture,)
    assert len(figure.mentions) == 1 and figure.mentions[0].startswith("As Figure 1 shows")
    assert (article.doi, article.title, article.date) == (DOI, "Chest CT of made-up patients", "2020-02-02")


def test_highwire_takes_the_largest_picture_that_is_there() -> None:
    article = read_page(HIGHWIRE.encode(), "x", ["F1.medium.gif", "F1.large.jpg"])
    one, two = article.figures
    assert one.label == "Figure 1" and one.caption == "Axial CT. Ground-glass opacity (arrow) & consolidation."
    assert one.graphics == ("F1.large.jpg",) and two.graphics == (), "no file, no picture"
    assert one.mentions[0].startswith("As Figure 1") and len(one.mentions) == 1, "references are not the text"
    assert article.licence == "cc-by-nc-4.0"


@pytest.mark.parametrize(
    ("page", "says"),
    [
        (b"<html><head><title>Just a moment...</title></head><body>x</body></html>", "the site's refusal"),
        (b"<!doctype html><html><body><form>Log in</form></body></html>", "no article"),
        (b"<html>" + b"<div>" * 20_000, "no "),
    ],
)
def test_what_is_no_article_is_refused(page: bytes, says: str) -> None:
    with pytest.raises(FetchError, match=says):
        read_page(page, "x.html")


def saved(folder: Path, page: str, name: str = "page") -> Path:
    """The page as a browser leaves it: with pictures, a frame, and a link out of the folder."""
    files = folder / f"{name}_files"
    files.mkdir(parents=True)
    (files / "F1.large.jpg").write_bytes(make_picture(1, 96))
    (files / "F2.large.jpg").write_text("<html>not found</html>")
    (files / "saved_resource.html").write_text("<html><body>an advertisement</body></html>")
    (files / "passwd.png").symlink_to("/etc/passwd")
    path = folder / f"{name}.html"
    path.write_text(page.replace("NAME", name))
    return path


def test_pictures_beside_a_page(tmp_path: Path) -> None:
    path = saved(tmp_path, HIGHWIRE)
    assert list(pictures_of(path)) == ["F1.large.jpg"], "by their first bytes, regular files only"
    assert belongs_to_page(tmp_path / "page_files" / "saved_resource.html") and not belongs_to_page(path)
    assert pictures_of(tmp_path / "other.html") == {}


def harvest(workspace: Path, *words: object) -> int:
    return run(["harvest", "--from", *map(str, words), "-w", str(workspace)])


def rows(workspace: Path, name: str, capsys: pytest.CaptureFixture[str]) -> list[dict[str, str]]:
    capsys.readouterr()
    assert run(["show", name, "-w", str(workspace), "--csv"]) == 0
    return list(csv.DictReader(io.StringIO(capsys.readouterr().out.lstrip("\ufeff"))))


@pytest.mark.usefixtures("warm_engine")
def test_a_page_alone_gives_words_and_pictures(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    saved(tmp_path / "in", HIGHWIRE)
    assert harvest(tmp_path / "ws", tmp_path / "in") == 3, "Figure 2 has words and no picture"
    assert [(p["doi"], p["n_figures"]) for p in rows(tmp_path / "ws", "papers", capsys)] == [(DOI, "2")]
    one, two = rows(tmp_path / "ws", "figures", capsys)
    assert (
        one["caption"].startswith("Axial CT. Ground-glass") and one["file"] and one["width"] == "96" and not one["page"]
    )
    assert two["caption"] == "Day 9." and not two["file"], "known, and not here"
    assert harvest(tmp_path / "ws", tmp_path / "in") == 3
    assert len(rows(tmp_path / "ws", "papers", capsys)) == 1


@pytest.mark.usefixtures("warm_engine")
def test_a_page_beside_its_pdf_gives_the_words(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    saved(tmp_path / "in", HIGHWIRE)
    (tmp_path / "in" / "page.pdf").write_bytes(make_pdf(DOI, 1))
    assert harvest(tmp_path / "ws", tmp_path / "in") == 3
    one = rows(tmp_path / "ws", "figures", capsys)[0]
    assert (
        one["caption"].startswith("Axial CT. Ground-glass") and one["page"] == "1" and one["source_file"] == "page.pdf"
    )
    saved(tmp_path / "bad", "<html><head><title>Just a moment...</title></head></html>")
    assert harvest(tmp_path / "ws2", tmp_path / "bad") == 1
    assert "page.html" in capsys.readouterr().err
