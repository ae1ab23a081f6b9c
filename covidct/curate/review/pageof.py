"""The page of the paper round a figure, as a picture: drawn when somebody asks, in a process of its own that may crash.

Only what the page shows is drawn: words under a picture, white words and clipped pixels stay hidden; no text leaves.
"""

import subprocess
import sys
from functools import lru_cache
from pathlib import Path

from covidct.errors import CovidctError
from covidct.records import Box

WIDTH = 1000
"""Pixels across; enough to read the text of two columns."""
SECONDS = 15.0
MEMORY = 2 << 30
"""Bytes of address space that the drawing process may have."""
_RED = (0.85, 0.1, 0.1)


@lru_cache(maxsize=40)
def page_picture(pdf: Path, page: int, box: Box) -> bytes:
    """PNG of ``page`` (from 1) with a red frame round ``box`` (points, origin top left).

    Raises CovidctError in one line where the document cannot be drawn.
    """
    words = [sys.executable, "-m", __name__, str(pdf), str(page), *(f"{value:.2f}" for value in box)]
    try:
        done = subprocess.run(words, capture_output=True, check=False, timeout=SECONDS)
    except subprocess.TimeoutExpired as error:
        raise CovidctError(f"page {page} took longer than {SECONDS:g} s to draw") from error
    if done.returncode or not done.stdout.startswith(b"\x89PNG"):
        raise CovidctError(f"page {page} cannot be drawn: its document is damaged, or has no such page")
    return done.stdout


def _draw(pdf: str, page: int, box: Box) -> bytes:
    import pymupdf

    with pymupdf.open(pdf) as document:
        shown = document[page - 1]
        shown.draw_rect(pymupdf.Rect(*box) * shown.derotation_matrix, color=_RED, width=1.5)
        scale = WIDTH / shown.rect.width
        data: bytes = shown.get_pixmap(matrix=pymupdf.Matrix(scale, scale), alpha=False).tobytes("png")
    return data


def _main(words: list[str]) -> None:
    import resource

    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    x0, y0, x1, y1 = map(float, words[2:6])
    sys.stdout.buffer.write(_draw(words[0], int(words[1]), (x0, y0, x1, y1)))


if __name__ == "__main__":
    _main(sys.argv[1:])
