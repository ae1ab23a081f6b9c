"""Draw the printed letters that panel letters are compared with: python benchmarks/draw_letters.py FONT.ttf…

Each letter of both cases and each bracket is set in each font, large and as small as figures print them; what is kept
are grey pictures of 20 x 20 pixels. The shipped file is drawn from Liberation Sans and Serif and DejaVu Sans, regular
and bold: what looks like Arial, Times and Verdana, which figures are lettered in.
"""

import argparse
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from covidct.imaging.panels.letters import PRINTED, fitted, inked

LARGE, SMALL = 60, 11


def drawn(letter: str, font: Path, size: int) -> NDArray[np.float32]:
    """``letter`` fitted into a square; a small one is enlarged as ``letters`` enlarges what it reads."""
    picture = Image.new("L", (2 * size, 2 * size))
    ImageDraw.Draw(picture).text((size // 3, size // 4), letter, fill=255, font=ImageFont.truetype(str(font), size))
    image = np.asarray(picture)
    if size == SMALL:
        image = np.asarray(cv2.resize(image, None, fx=3, fy=3, interpolation=cv2.INTER_CUBIC), np.uint8)
    return fitted(inked(image))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("fonts", nargs="+", type=Path)
    parser.add_argument("--out", type=Path, default=Path("covidct/imaging/panels/letters.npz"))
    args = parser.parse_args()
    names = [letter for letter in PRINTED for _ in args.fonts for _ in (LARGE, SMALL)]
    pictures = [drawn(letter, font, size) for letter in PRINTED for font in args.fonts for size in (LARGE, SMALL)]
    with args.out.open("wb") as handle:
        np.savez_compressed(handle, names=np.array(names), pictures=np.stack(pictures).round().astype(np.uint8))
    print(f"{len(names)} pictures written to {args.out}")


if __name__ == "__main__":
    main()
