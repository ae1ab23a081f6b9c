"""PDFs made for the tests: text, rasters, drawings and captions at known places."""

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pymupdf
from PIL import Image

BODY = (
    "The weather of the valley was recorded every morning by the keepers of the lighthouse, who wrote down the wind, "
    "the tide and the colour of the sky. "
)


def noise(width: int, height: int, seed: int = 1) -> np.ndarray:
    """Smooth grey texture without blank pixels, uint8 (height, width)."""
    random = np.random.default_rng(seed)
    coarse = random.integers(20, 200, (max(2, height // 8), max(2, width // 8)), dtype=np.uint8)
    return np.asarray(Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)).clip(5, 220)


def png(pixels: np.ndarray) -> bytes:
    """``pixels`` as PNG."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


class Maker:
    """A document under construction; A4 pages, body text at 10 pt."""

    def __init__(self) -> None:
        self.document = pymupdf.open()
        self.page = self.new_page()

    def new_page(self, width: float = 595, height: float = 842) -> pymupdf.Page:
        self.page = self.document.new_page(width=width, height=height)
        return self.page

    def body(self, box: tuple[float, float, float, float], times: int = 4, size: float = 10) -> None:
        """As much running text as fits, at most ``times`` sentences."""
        while self.page.insert_textbox(pymupdf.Rect(box), BODY * times, fontsize=size, fontname="tiro") < 0:
            times -= 1

    def caption(self, box: tuple[float, float, float, float], label: str, text: str, size: float = 8) -> None:
        """A bold label and words in another font and size than the body, wrapped in ``box``."""
        shape = pymupdf.TextWriter(self.page.rect)
        words = [(w, "hebo") for w in label.split()] + [(w, "helv") for w in text.split()]
        x, y = box[0], box[1] + size
        for word, name in words:
            font = pymupdf.Font(name)
            length = font.text_length(word + " ", size)
            if x + length > box[2]:
                x, y = box[0], y + 1.25 * size
            shape.append((x, y), word + " ", font=font, fontsize=size)
            x += length
        shape.write_text(self.page)

    def image(self, box: tuple[float, float, float, float], pixels: np.ndarray, rotate: int = 0) -> None:
        self.page.insert_image(pymupdf.Rect(box), stream=png(pixels), keep_proportion=False, rotate=rotate)

    def save(self, path: Path) -> Path:
        path.write_bytes(self.document.tobytes(garbage=3, deflate=True))
        return path


def samples() -> list[bytes]:
    """Small documents of different make, for fuzzing: raster, tiles, drawing, soft mask, JPEG, nested forms."""
    return [make().tobytes(garbage=1) for make in (_raster, _tiles, _drawing, _masked, _jpeg, _nested)]


def _framed(draw: Callable[[Maker], None]) -> pymupdf.Document:
    made = Maker()
    draw(made)
    made.caption((60, 365, 535, 400), "Figure 1.", "A picture of the valley, (A) by day and (B) by night.")
    made.body((60, 430, 535, 780), 20)
    return made.document


def _raster() -> pymupdf.Document:
    return _framed(lambda made: made.image((120, 80, 480, 350), noise(180, 135)))


def _tiles() -> pymupdf.Document:
    def draw(made: Maker) -> None:
        for column in range(4):
            made.image((100 + 90 * column, 80, 190 + 90 * column, 340), noise(45, 130, column))

    return _framed(draw)


def _drawing() -> pymupdf.Document:
    def draw(made: Maker) -> None:
        made.page.draw_rect(pymupdf.Rect(100, 80, 500, 350))
        for step in range(40):
            made.page.draw_line((100 + 10 * step, 350), (110 + 10 * step, 100 + step * 53 % 240))
            made.page.insert_text((100 + 10 * step, 358), str(step), fontsize=5)

    return _framed(draw)


def _masked() -> pymupdf.Document:
    def draw(made: Maker) -> None:
        image = Image.fromarray(np.stack([noise(90, 70)] * 3, axis=2))
        image.putalpha(Image.fromarray(noise(90, 70, 2)))
        buffer = io.BytesIO()
        image.save(buffer, "PNG")
        made.page.insert_image(pymupdf.Rect(120, 80, 480, 350), stream=buffer.getvalue())

    return _framed(draw)


def _jpeg() -> pymupdf.Document:
    def draw(made: Maker) -> None:
        buffer = io.BytesIO()
        Image.fromarray(noise(180, 135)).save(buffer, "JPEG")
        made.page.insert_image(pymupdf.Rect(120, 80, 480, 350), stream=buffer.getvalue())

    return _framed(draw)


def _nested() -> pymupdf.Document:
    inner = _raster()
    for _ in range(3):
        outer = pymupdf.open()
        page = outer.new_page()
        page.show_pdf_page(page.rect, inner, 0)
        inner = outer
    return inner
