"""PDFs made for the tests: text, rasters, drawings and captions at known places."""

import io
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
        self.page.insert_textbox(pymupdf.Rect(box), BODY * times, fontsize=size, fontname="tiro")

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
