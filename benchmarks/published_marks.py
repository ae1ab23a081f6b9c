"""Marks on published slices, annotated by eye: python benchmarks/published_marks.py [--no-text] [--pictures DIR] DATA

``tests/marks/published_slices.json`` names each slice by its sha256 and holds boxes only; the pictures (COVID-CT) are
looked up below DATA. A mark is gone when ``GONE`` of its ink is masked: the pixels of its box that stand out from the
median round them. A clean slice is touched when anything but a border is masked on it.
"""

import argparse
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from covidct.curate.mask import Masked, load, mask_picture
from covidct.files import sha256_file
from covidct.pictures import png_bytes

TRUTH = Path(__file__).parents[1] / "tests/marks/published_slices.json"
SUFFIXES = (".png", ".jpg", ".jpeg")
GONE = 0.75
STANDS_OUT = 30
"""Grey levels, or levels between colour channels, from which a pixel of a mark's box is ink."""
Bools = NDArray[np.bool_]
Row = dict[str, Any]


def slices(data: Path, batch: int = 0) -> Iterator[tuple[Row, Path]]:
    """Each annotated slice (of one ``batch``, where one is named) whose file lies below ``data``."""
    files = {sha256_file(path): path for path in data.rglob("*") if path.suffix.lower() in SUFFIXES}
    for row in json.loads(TRUTH.read_text(encoding="utf-8")):
        if row["sha256"] in files and batch in (0, row.get("batch", 1)):
            yield row, files[row["sha256"]]


def ink_of(picture: NDArray[np.uint8], box: list[int]) -> Bools:
    """height x width: what of ``box`` is mark and not slice."""
    x0, y0, x1, y1 = box
    grey = picture if picture.ndim == 2 else cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    size = min(max(x1 - x0, y1 - y0) // 2 * 2 + 7, 61)
    differs = cv2.absdiff(grey, cv2.medianBlur(grey, size)) > STANDS_OUT
    if picture.ndim == 3:
        differs |= picture.max(2) - picture.min(2) > STANDS_OUT
    found = np.zeros(grey.shape, np.bool_)
    found[y0:y1, x0:x1] = differs[y0:y1, x0:x1]
    return found


def judged(row: Row, found: Masked) -> dict[str, Any]:
    """Marks gone of those there by kind, and the marks found where there is none."""
    mask = found.overlays.mask
    there, gone, left = Counter[str](), Counter[str](), []
    allowed = np.zeros(mask.shape, np.uint8)
    for x0, y0, x1, y1 in [*(mark["box"] for mark in row["marks"]), *row["unsure"]]:
        allowed[max(0, y0 - 3) : y1 + 3, max(0, x0 - 3) : x1 + 3] = 1
    for mark in row["marks"]:
        ink = ink_of(found.picture, mark["box"])
        share = float(mask[ink].mean()) if ink.any() else 1.0
        there[mark["kind"]] += 1
        gone[mark["kind"]] += share >= GONE
        if share < GONE:
            left.append((mark["kind"], mark["box"], round(share, 2)))
    wrong = [
        (m.kind, m.box, m.rule) for m in found.overlays.marks if m.kind != "border" and not _inside(m.box, allowed)
    ]
    return {"there": there, "gone": gone, "left": left, "wrong": wrong}


def _inside(box: tuple[int, int, int, int], allowed: NDArray[np.uint8]) -> bool:
    x0, y0, x1, y1 = box
    return bool(allowed[y0:y1, x0:x1].mean() > 0.5)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, help="the published COVID-CT set")
    parser.add_argument("--no-text", action="store_true")
    parser.add_argument("--batch", type=int, default=0, help="1 was annotated before the rules were made, 2 after")
    parser.add_argument("--pictures", type=Path, help="write each slice beside its painted form here, to look at")
    parser.add_argument("-v", action="store_true", help="name what is left and what is wrong")
    args = parser.parse_args()
    there, gone = Counter[str](), Counter[str]()
    clean, touched, wrong = 0, 0, 0
    for number, (row, path) in enumerate(slices(args.data, args.batch)):
        found = mask_picture(load(path), read=not args.no_text)
        result = judged(row, found)
        there, gone = there + result["there"], gone + result["gone"]
        clean, touched = clean + (not row["marks"]), touched + (not row["marks"] and bool(result["wrong"]))
        wrong += bool(row["marks"]) * len(result["wrong"])
        if args.v and (result["left"] or result["wrong"]):
            print(number, path.name[:50], "left", result["left"], "wrong", result["wrong"])
        if args.pictures:
            args.pictures.mkdir(parents=True, exist_ok=True)
            sides = [found.picture, found.picture]
            (args.pictures / f"{number:02d}.png").write_bytes(png_bytes(np.hstack(sides)))
    print(json.dumps({"marks": dict(there), "gone": dict(gone), "share gone": gone.total() / max(1, there.total())}))
    print(json.dumps({"clean": clean, "clean touched": touched, "wrong marks on marked slices": wrong}))


if __name__ == "__main__":
    main()
