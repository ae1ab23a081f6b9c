"""The made-up papers as real PDF files: running text, embedded pictures, vector charts, captions."""

from typing import Any

from covidct.demo.corpus import MadeFigure, MadePaper
from covidct.records import Box

PAGE = (595.0, 842.0)
MARGIN, TEXT_WIDTH = 72.0, 451.0
BODY = (
    "Background. Computed tomography of the chest is fast and widely available. Methods. Scans were acquired at full "
    "inspiration with a slice thickness of 1 to 5 mm and read on a workstation. Results. The readers agreed in most "
    "cases. Discussion. The number of patients was small, and the findings need to be confirmed by others. "
)


def write_pdf(paper: MadePaper) -> tuple[bytes, dict[str, tuple[int, Box]]]:
    """A paper's PDF, and for each figure label its page (from 1) and box in points."""
    import pymupdf

    document: Any = pymupdf.open()
    places: dict[str, tuple[int, Box]] = {}
    _front_page(document, paper)
    for figure in paper.figures:
        page = document.new_page(width=PAGE[0], height=PAGE[1])
        _text(page, (MARGIN, 60, MARGIN + TEXT_WIDTH, 150), BODY, 10)
        box = _picture(page, figure) if figure.picture else _chart(page, figure.bars)
        caption = f"{figure.label} {figure.caption}"
        _text(page, (MARGIN, box[3] + 14, MARGIN + TEXT_WIDTH, box[3] + 110), caption, 9)
        places[figure.label] = (len(document), box)
    document.set_metadata({"title": paper.title, "producer": "covidct demo", "creationDate": "D:20200101000000Z"})
    data: bytes = document.tobytes(garbage=3, deflate=True, no_new_id=True)
    return data, places


def _front_page(document: Any, paper: MadePaper) -> None:
    page = document.new_page(width=PAGE[0], height=PAGE[1])
    notice = f"medRxiv preprint doi: https://doi.org/{paper.doi}; this version posted {paper.date}. Made-up text."
    _text(page, (MARGIN, 30, MARGIN + TEXT_WIDTH, 50), notice, 7)
    _text(page, (MARGIN, 90, MARGIN + TEXT_WIDTH, 150), paper.title, 16)
    _text(page, (MARGIN, 170, MARGIN + TEXT_WIDTH, 230), f"Abstract. {paper.abstract}", 10)
    body = " ".join([BODY, *paper.body, BODY])
    _text(page, (MARGIN, 250, MARGIN + TEXT_WIDTH, 700), body, 10)


def _text(page: Any, box: Box, text: str, size: float) -> None:
    left = page.insert_textbox(box, text, fontsize=size, fontname="helv")
    if left < 0:
        raise ValueError(f"the text does not fit its box on a made-up page: {text[:60]}")


def _picture(page: Any, figure: MadeFigure) -> Box:
    picture = figure.picture
    if picture is None:
        raise ValueError(f"{figure.label} has no picture")
    scale = min(TEXT_WIDTH * 0.8 / picture.width, 420 / picture.height)
    width, height = picture.width * scale, picture.height * scale
    left = (PAGE[0] - width) / 2
    box = (left, 170.0, left + width, 170.0 + height)
    page.insert_image(box, stream=picture.png)
    return box


def _chart(page: Any, bars: tuple[float, ...]) -> Box:
    """A bar chart in vector graphics with axis text; the box is tight round all of it."""
    left, top, width, height = 150.0, 180.0, 300.0, 200.0
    shape = page.new_shape()
    step = width / len(bars)
    for i, value in enumerate(bars):
        x = left + i * step
        shape.draw_rect((x + 4, top + height * (1 - value), x + step - 4, top + height))
    shape.finish(color=(0.1, 0.2, 0.5), fill=(0.45, 0.6, 0.85), width=0.8)
    shape.draw_line((left, top), (left, top + height))
    shape.draw_line((left, top + height), (left + width, top + height))
    shape.finish(color=(0, 0, 0), width=1, closePath=False)
    shape.commit()
    for i in range(len(bars)):
        page.insert_text((left + (i + 0.4) * step, top + height + 12), str(i + 1), fontsize=8)
    highest = top + height * (1 - max(bars))
    return (left, min(top, highest), left + width, top + height + 14)
