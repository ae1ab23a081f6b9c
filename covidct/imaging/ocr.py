"""Read printed text in a picture with RapidOCR (extra ``ocr``): one engine a process, one thread."""

import functools
import importlib.util
import math
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
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
_MARGIN = 48
"""Pixels round a box that are read with it, as large as the reader looks at them: more than a line of text."""
_SOFT = 3
"""Pixels beside a panel that belong to its soft rim."""
_FAINT = 32
"""Grey levels by which print differs from the ground of a figure."""
_MOST_BESIDE = 0.7
"""Share of a figure that print beside its panels may take in; more costs as much as the whole."""
_KEPT = 10_000
"""Pictures whose lines are remembered, for the steps that come after."""
_known: dict[bytes, list["TextBox"]] = {}
_lock = threading.Lock()

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class TextBox:
    """One line of text: ``box`` is upright and lies inside the picture; ``score`` is the reader's own, 0 to 1."""

    text: str
    box: PixelBox
    score: float


def ocr_available() -> bool:
    """Whether the ``ocr`` extra is installed. Where it is not, a picture counts as not scanned, never as clean."""
    return all(importlib.util.find_spec(name) is not None for name in ("rapidocr", "onnxruntime"))


def read_once(picture: NDArray[np.uint8]) -> list[TextBox]:
    """What :func:`read_text` reads, remembered by pixels while the process runs: several steps read the same panels."""
    plain = picture.ndim == 3 and bool((picture == picture[:, :, :1]).all())
    picture = np.ascontiguousarray(picture[:, :, 0] if plain else picture)
    digest = blake2b(repr(picture.shape).encode() + picture.tobytes()).digest()
    lines = _known.get(digest)
    if lines is None:
        lines = _known[digest] = read_text(picture)
        for oldest in list(_known)[:-_KEPT]:
            _known.pop(oldest, None)
    return lines


def read_figure(figure: NDArray[np.uint8], panels: Sequence[PixelBox]) -> list[TextBox]:
    """Lines of text in ``figure`` (height x width x 3), each of its ``panels`` read by itself, and of the rest what
    is not as even as the ground; read as a whole where that were most of it.
    """
    places = _pieces(_grown(_ink_beside(figure, panels), math.ceil(_MARGIN / _zoom(figure.shape))))
    size = sum((x1 - x0) * (y1 - y0) for x0, y0, x1, y1 in places)
    if size > _MOST_BESIDE * figure.shape[0] * figure.shape[1]:
        return read_text(figure)
    lines = read_text(figure, places=places)
    for x, y, right, bottom in panels:
        for line in read_once(figure[y:bottom, x:right]):
            x0, y0, x1, y1 = line.box
            lines.append(replace(line, box=(x0 + x, y0 + y, x1 + x, y1 + y)))
    return lines


def _ink_beside(figure: NDArray[np.uint8], panels: Sequence[PixelBox]) -> NDArray[np.uint8]:
    """Pixels outside of ``panels`` that differ from the ground, the most frequent grey there."""
    grey, free = cv2.cvtColor(figure, cv2.COLOR_RGB2GRAY), np.ones(figure.shape[:2], np.uint8)
    for x0, y0, x1, y1 in panels:
        free[max(0, y0 - _SOFT) : y1 + _SOFT, max(0, x0 - _SOFT) : x1 + _SOFT] = 0
    ground = int(np.bincount(grey[free > 0], minlength=1).argmax())
    return np.asarray((cv2.absdiff(grey, np.full_like(grey, ground)) > _FAINT) & free, np.uint8)


def _grown(touched: NDArray[np.uint8], margin: int) -> NDArray[np.uint8]:
    return np.asarray(cv2.dilate(touched, np.ones((2 * margin + 1, 2 * margin + 1), np.uint8)), np.uint8)


def _zoom(shape: tuple[int, ...]) -> float:
    """How many times as large as it is a picture of ``shape`` is read."""
    return max(min(1.0, _LONGEST / max(shape[:2])), _SHORTEST / min(shape[:2]))


def read_text(
    image: NDArray[np.uint8], *, min_score: float = 0.5, places: Sequence[PixelBox] | None = None
) -> list[TextBox]:
    """Lines of text in ``image`` (height x width grey, or height x width x 3 RGB, 8 bit), top to bottom.

    ``places``: only these are read, as large as they would be in the whole. Raises CovidctError where the extra is
    missing. About 0.2 s for 320 x 320 pixels, 1 s for a full figure.
    """
    if min(image.shape[:2]) < 8:
        return []
    small = _shrunk(image)
    scale = np.array([small.shape[1] / image.shape[1], small.shape[0] / image.shape[0]])
    small = _broad(small)
    zoom = max(1.0, _SHORTEST / min(small.shape[:2]))
    whole = [(0, 0, small.shape[1], small.shape[0])]
    lines = [
        TextBox(text, _upright((corners + np.array((x0, y0))) / scale, image.shape), score)
        for x0, y0, x1, y1 in (whole if places is None else [_scaled(place, scale) for place in places])
        for text, corners, score in _read(small[y0:y1, x0:x1], zoom)
        if score >= min_score and text.strip()
    ]
    return sorted(lines, key=lambda line: (line.box[1], line.box[0]))


def _scaled(place: PixelBox, scale: Floats) -> PixelBox:
    (x0, y0), (x1, y1) = np.floor(np.reshape(place, (2, 2)) * scale).astype(int).tolist()
    return x0, y0, x1 + 1, y1 + 1


def read_round(image: NDArray[np.uint8], boxes: Sequence[PixelBox]) -> list[TextBox]:
    """What :func:`read_text` reads round ``boxes`` of ``image``."""
    touched = np.zeros(image.shape[:2], np.uint8)
    for x0, y0, x1, y1 in boxes:
        touched[y0:y1, x0:x1] = 1
    return read_text(image, places=_pieces(_grown(touched, math.ceil(_MARGIN / _zoom(image.shape)))))


def _pieces(touched: NDArray[np.uint8]) -> list[PixelBox]:
    """Boxes round what hangs together in ``touched``."""
    _, _, stats, _ = cv2.connectedComponentsWithStats(touched)
    return [(x, y, x + width, y + height) for x, y, width, height, _ in stats[1:].tolist()]


def _read(part: NDArray[np.uint8], zoom: float) -> Iterator[tuple[str, Floats, float]]:
    """Text, corners (4 x 2) and score of each line in ``part``, looked at ``zoom`` times as large."""
    colour = np.repeat(part[:, :, None], 3, axis=2) if part.ndim == 2 else part[:, :, ::-1]
    engine = _engine()
    with _lock:  # the engine keeps the picture's scale on itself between its stages
        engine.text_det.limit_side_len = round(zoom * min(colour.shape[:2]))
        found = engine(np.ascontiguousarray(colour), use_cls=False)
    if found.boxes is not None and found.txts is not None and found.scores is not None:
        yield from zip(found.txts, found.boxes, map(float, found.scores), strict=True)


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
    below, right = max(0, width // _WIDEST - height), max(0, height // _TALLEST - width)
    return np.asarray(cv2.copyMakeBorder(image, 0, below, 0, right, cv2.BORDER_REPLICATE), np.uint8)


@functools.cache
def _engine() -> Any:
    if not ocr_available():
        raise CovidctError("reading text in pictures needs the extra `ocr`: pip install 'covidct[ocr]'")
    from rapidocr import RapidOCR

    runtime = "EngineConfig.onnxruntime."
    threads = {f"{runtime}intra_op_num_threads": _THREADS, f"{runtime}inter_op_num_threads": _THREADS}
    kept = {f"{runtime}enable_cpu_mem_arena": True}  # a tenth less time than memory that is new for each picture
    own = {"Global.log_level": "critical", "Global.use_cls": False, "Global.max_side_len": _LONGEST}
    engine: Any = RapidOCR(params={**threads, **kept, **own})
    engine(np.zeros((32, 32, 3), np.uint8), use_cls=False)  # later versions load the detector with the first picture
    engine.text_det.mean = engine.text_det.std = np.full(3, 0.5, np.float32)  # its own make float64 of each picture
    return engine


def _upright(corners: NDArray[np.float64], shape: tuple[int, ...]) -> PixelBox:
    x0, y0 = np.floor(corners.min(axis=0)).astype(int)
    x1, y1 = np.ceil(corners.max(axis=0)).astype(int)
    height, width = shape[:2]
    return max(int(x0), 0), max(int(y0), 0), min(int(x1), width), min(int(y1), height)
