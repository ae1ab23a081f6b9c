"""The page of the paper round a figure: drawn on demand, in a process that may crash, with nothing that it hides."""

import dataclasses
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pymupdf
import pytest
from curating import Visit, press
from numpy.typing import NDArray
from playwright.sync_api import expect
from serving import Live

from covidct.pictures import open_picture
from covidct.workspace.workspace import Workspace


def with_document(folder: Path, draw: Callable[[pymupdf.Page], None]) -> str:
    """Give the first figure's paper a document of one page and the figure a place on it; gives the figure's id."""
    document = pymupdf.open()
    draw(document.new_page(width=595, height=842))
    with Workspace.open(folder) as ws:
        figure = ws.figures()[0]
        paper = dataclasses.replace(ws.paper(figure.paper_id), sha256=ws.store(document.tobytes(), ".pdf").sha256)
        ws.save_papers([paper])
        placed = [dataclasses.replace(f, page=1, box=(100, 200, 300, 400)) for f in ws.figures(paper.paper_id)]
        ws.replace_figures(paper.paper_id, placed)
    return figure.figure_id


def page_of(live: Live, figure_id: str) -> NDArray[np.uint8]:
    origin, token = live.url.split("/?token=")
    with urllib.request.urlopen(f"{origin}/picture/page/{figure_id}?token={token}", timeout=30) as answer:
        return open_picture(answer.read())


def test_the_page_round_a_figure_shows_what_the_page_shows(folder: Path, serve: Callable[[Path], Live]) -> None:
    def draw(page: pymupdf.Page) -> None:
        page.insert_text((60, 100), "Seen by every reader", fontsize=20)
        page.insert_text((60, 600), "PATIENT NAME", fontsize=40, render_mode=3)
        page.insert_text((60, 700), "PATIENT NAME", fontsize=40, color=(1, 1, 1))

    figure_id = with_document(folder, draw)
    picture = page_of(serve(folder), figure_id)
    scale = picture.shape[1] / 595
    part = lambda y0, y1: picture[round(y0 * scale) : round(y1 * scale)]  # noqa: E731
    assert part(80, 105).min() < 80
    assert part(550, 842).min() > 250, "hidden words stay hidden"
    red = (picture[..., 0] > 180) & (picture[..., 1] < 90)
    rows, columns = np.nonzero(red)
    frame = [round(v / scale) for v in (columns.min(), rows.min(), columns.max(), rows.max())]
    assert frame == pytest.approx([100, 200, 300, 400], abs=2)


def test_the_page_is_drawn_when_it_is_opened(folder: Path, serve: Callable[[Path], Live], visit: Visit) -> None:
    with_document(folder, lambda page: None)
    page = visit(serve(folder).url)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    while not page.locator(".page-around").count():
        press(page, "j")
    assert not [url for url in asked if "/picture/page/" in url]
    page.locator(".page-around summary").click()
    expect(page.locator(".page-around img, .page-around p")).to_have_count(1)


def test_a_damaged_document_gives_one_line(folder: Path, serve: Callable[[Path], Live]) -> None:
    figure_id = with_document(folder, lambda page: None)
    with Workspace.open(folder) as ws:
        paper = ws.paper(ws.figure(figure_id).paper_id)
        ws.stored(paper.sha256, ".pdf").write_bytes(b"%PDF-1.7 nothing behind")
    live = serve(folder)
    with pytest.raises(urllib.error.HTTPError) as refused:
        page_of(live, figure_id)
    said = refused.value.read().decode()
    assert refused.value.code == 409 and "cannot be drawn" in said and "\n" not in said
