"""The picture of the house: ``python tools/house.py`` draws docs/img/house.svg from .importlinter and the code.

One row a layer of the import contract, one box a package, as wide as it has lines of code; a room may only look down.
"""

import configparser
import re
from collections.abc import Iterator
from html import escape
from pathlib import Path

from lines import code_lines

TOP = Path(__file__).resolve().parent.parent
WIDTH, ROW, GAP, MARGIN = 960, 46, 8, 12
DONE_IN_THE_MARGIN = ("covidct.__main__",)


def layers() -> list[list[str]]:
    """Modules of the layers contract, from the top."""
    parser = configparser.ConfigParser()
    parser.read(TOP / ".importlinter")
    rows = parser["importlinter:contract:layers"]["layers"].split("\n")
    found = [re.findall(r"covidct\.[\w.]+", row) for row in rows]
    return [[name for name in row if name not in DONE_IN_THE_MARGIN] for row in found if row]


def size(module: str) -> int:
    """Lines of code of a module or package."""
    path = TOP / Path(*module.split("."))
    files = sorted(path.rglob("*.py")) if path.is_dir() else [path.with_suffix(".py")]
    return sum(len(code_lines(file.read_text(encoding="utf-8"))) for file in files)


def boxes() -> Iterator[str]:
    """SVG of every room."""
    for number, row in enumerate(row for row in layers() if row):
        sizes = [max(size(name), 1) for name in row]
        room = WIDTH - 2 * MARGIN - GAP * (len(row) - 1)
        widths = [max(110.0, room * share / sum(sizes)) for share in sizes]
        widths = [width * room / sum(widths) for width in widths]
        x, y = float(MARGIN), MARGIN + number * (ROW + GAP)
        for name, width, count in zip(row, widths, sizes, strict=True):
            yield room_svg(name.removeprefix("covidct."), count, x, y, width)
            x += width + GAP


def room_svg(name: str, count: int, x: float, y: float, width: float) -> str:
    """One box with its name and its lines of code."""
    return (
        f'<rect x="{x:.0f}" y="{y}" width="{width:.0f}" height="{ROW}" rx="5" fill="#e8eef5" stroke="#5b6f86"/>'
        f'<text x="{x + width / 2:.0f}" y="{y + 20}" font-weight="600">{escape(name)}</text>'
        f'<text x="{x + width / 2:.0f}" y="{y + 37}" font-size="11" fill="#44515f">{count:,} lines</text>'
    )


def draw() -> str:
    """The whole picture."""
    height = 2 * MARGIN + len([row for row in layers() if row]) * (ROW + GAP) - GAP
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="sans-serif"'
        ' font-size="14" text-anchor="middle" fill="#1c2733" role="img"><title>Packages of covidct: each may '
        f"import what stands below it</title>{''.join(boxes())}</svg>\n"
    )


if __name__ == "__main__":
    (TOP / "docs" / "img" / "house.svg").write_text(draw(), encoding="utf-8")
