"""Read printed text in a picture with RapidOCR (extra ``ocr``): one engine a process, one thread."""

import functools
import importlib.util
import threading
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from covidct.errors import CovidctError

PixelBox = tuple[int, int, int, int]
"""x0, y0, x1, y1 in pixels, x1 and y1 exclusive."""

_THREADS = 1
_LONGEST = 2000
_SHORTEST = 544
"""Shorter side that smaller pictures are enlarged to. With the reader's own 736, no more of the text on 112 published
slices is met (40 of 71 marks), at 0.39 CPU seconds a picture instead of 0.21."""
_WIDEST = 30
"""Width over height; the reader refuses what is narrower than 32 pixels in 2,000."""
_TALLEST = 4
"""Height over width; the reader enlarges the width of what is taller, and a strip of 8 x 2,400 took it 19 s."""
_lock = threading.Lock()


@dataclass(frozen=True)
class TextBox:
    """One line of text: ``box`` is upright and lies inside the picture; ``score`` is the reader's own, 0 to 1."""

    text: str
    box: PixelBox
    score: float


def ocr_available() -> bool:
    """Whether the ``ocr`` extra is installed. Where it is not, a picture counts as not scanned, never as clean."""
    return all(importlib.util.find_spec(name) is not None for name in ("rapidocr", "onnxruntime"))


def read_text(image: NDArray[np.uint8], *, min_score: float = 0.5) -> list[TextBox]:
    """Lines of text in ``image`` (height x width grey, or height x width x 3 RGB, 8 bit), top to bottom.

    Raises CovidctError where the extra is missing. About 0.3 s for 320 x 320 pixels, 1 s for a full figure.
    """
    if min(image.shape[:2]) < 8:
        return []
    small = _shrunk(image)
    colour = _broad(np.repeat(small[:, :, None], 3, axis=2) if small.ndim == 2 else small[:, :, ::-1])
    engine = _engine()
    with _lock:  # the engine keeps the picture's scale on itself between its stages
        found = engine(np.ascontiguousarray(colour), use_cls=False)
    if found.boxes is None or found.txts is None or found.scores is None:
        return []
    scale = small.shape[1] / image.shape[1], small.shape[0] / image.shape[0]
    lines = [
        TextBox(text, _upright(corners / scale, image.shape), float(score))
        for text, corners, score in zip(found.txts, found.boxes, found.scores, strict=True)
        if score >= min_score and text.strip()
    ]
    return sorted(lines, key=lambda line: (line.box[1], line.box[0]))


def _shrunk(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """``image`` with a longer side of ``_LONGEST`` at most: the reader shrinks a larger one too, after copies of it."""
    scale = _LONGEST / max(image.shape[:2])
    if scale >= 1:
        return image
    size = max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)


def _broad(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """``image`` with its lower and right rim drawn out where it is so narrow that the reader scales it to nothing."""
    height, width = image.shape[:2]
    missing = [(0, max(0, width // _WIDEST - height)), (0, max(0, height // _TALLEST - width))]
    return np.pad(image, [*missing, (0, 0)], mode="edge") if any(after for _, after in missing) else image


@functools.cache
def _engine() -> Any:
    if not ocr_available():
        raise CovidctError("reading text in pictures needs the extra `ocr`: pip install 'covidct[ocr]'")
    from rapidocr import RapidOCR

    runtime = "EngineConfig.onnxruntime."
    threads = {f"{runtime}intra_op_num_threads": _THREADS, f"{runtime}inter_op_num_threads": _THREADS}
    return RapidOCR(
        params={
            **threads,
            "Global.log_level": "critical",
            "Global.use_cls": False,
            "Global.max_side_len": _LONGEST,
            "Det.limit_side_len": _SHORTEST,
        }
    )


def _upright(corners: NDArray[np.float64], shape: tuple[int, ...]) -> PixelBox:
    x0, y0 = np.floor(corners.min(axis=0)).astype(int)
    x1, y1 = np.ceil(corners.max(axis=0)).astype(int)
    height, width = shape[:2]
    return max(int(x0), 0), max(int(y0), 0), min(int(x1), width), min(int(y1), height)
