"""How fast the review page is in a browser with 10,000 panels, and how long a decision waits while a harvest writes.

    python benchmarks/review.py [--panels 10000] [--workspace DIR] [--json]

Needs chromium. The workspace is made on the spot from drawn slices (and kept where --workspace says). "First page" runs
from the start of the navigation to the first panel on the screen; "next item" from the key press to the frame after the
one that holds the next panel. Both are taken in the browser.
"""

import argparse
import io
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from covidct.imaging.phantoms import phantom
from covidct.progress import progress
from covidct.records import Decision, Figure, Panel, Paper
from covidct.workspace.workspace import Workspace

FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
PANELS_A_FIGURE, FIGURES_A_PAPER, PICTURES, SIDE = 4, 5, 24, 256
WRITTEN = 24
"""Papers written before copies are made of them: each picture and each label occurs among them."""
BELOW = {"papers": "paper_id", "figures": "paper_id", "panels": "panel_id"} | dict.fromkeys(
    ("decisions", "in_force"), "entity_id"
)
"""The tables that :func:`fill` writes, and the column of each that begins with the name of the paper."""
LABELS = ("positive", "negative", "unclear")
LOADS, PRESSES, DECISIONS = 5, 60, 60
BOX = (50.0, 50.0, 300.0, 300.0)
CAPTION = "Figure. Drawn CT slices of four cases; the first with RT-PCR confirmed COVID-19, the others without. " * 4

WATCH = """() => {
  const installed = window.waits;
  window.waits = [];
  window.answers = [];
  if (installed) return;
  let pressed = 0;
  addEventListener('keydown', () => { pressed = performance.now(); }, true);
  new MutationObserver(() => {
    const from = pressed;
    requestAnimationFrame(() => setTimeout(() => window.waits.push(performance.now() - from)));
  }).observe(document.documentElement, { attributeFilter: ['data-panel'] });
  const real = window.fetch;
  window.fetch = async (address, options) => {
    const from = performance.now();
    const answer = await real(address, options);
    if (String(address).endsWith('/api/act')) {
      const inside = Number(/dur=([0-9.]+)/.exec(answer.headers.get('Server-Timing'))[1]);
      window.answers.push([performance.now() - from, inside]);
    }
    return answer;
  };
}"""


def png(image: Image.Image) -> bytes:
    """``image`` as PNG bytes."""
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def pictures(workspace: Workspace) -> tuple[list[tuple[str, str]], tuple[str, str]]:
    """Stored drawn slices, and one compound figure of four of them: (file, sha256)."""
    rng = np.random.default_rng(1)
    slices = [Image.fromarray(phantom(rng, size=SIDE, lesion=bool(n % 2))) for n in range(PICTURES)]
    sheet = Image.new("L", (2 * SIDE, 2 * SIDE))
    for n in range(PANELS_A_FIGURE):
        sheet.paste(slices[n], (SIDE * (n % 2), SIDE * (n // 2)))
    kept = [workspace.store(png(image), ".png") for image in slices]
    compound = workspace.store(png(sheet), ".png")
    return [(stored.file, stored.sha256) for stored in kept], (compound.file, compound.sha256)


def fill(workspace: Workspace, panels: int) -> None:
    """Papers, figures and panels with rules' words on them: the first through the workspace's own calls.

    The others are copies of these under other names, made inside SQLite: 250,000 decisions in seconds.
    """
    slices, compound = pictures(workspace)
    papers = -(-panels // (PANELS_A_FIGURE * FIGURES_A_PAPER))
    for number in range(min(papers, WRITTEN)):
        add_paper(workspace, number, slices, compound)
    for block in progress(range(1, -(-papers // WRITTEN)), "made-up papers"):
        copy_block(workspace, block, min(WRITTEN, papers - block * WRITTEN))


def copy_block(workspace: Workspace, block: int, papers: int) -> None:
    """The first ``papers`` of block 0 and all below them once more, their names beginning with ``madeBLOCK_``."""
    with workspace.transaction() as connection:
        highest = connection.execute("SELECT max(decision_id) FROM decisions").fetchone()[0]
        for table, key in BELOW.items():
            columns = [row["name"] for row in connection.execute(f"PRAGMA table_info({table})")]
            named = f"replace({{}}, 'made_', 'made{block}_')"
            new = [f"{c} + {highest}" if c == "decision_id" else named.format(c) for c in columns]
            span = f"{key} >= 'made_' AND {key} < 'made_{papers:05d}'"
            connection.execute(f"INSERT INTO {table} SELECT {', '.join(new)} FROM {table} WHERE {span}")


def add_paper(workspace: Workspace, number: int, slices: list[tuple[str, str]], compound: tuple[str, str]) -> None:
    """One paper with everything below it."""
    paper = f"made_{number:05d}"
    workspace.save_papers([Paper(paper, "made", title=f"Made-up paper {number}", licence="cc-by-4.0")])
    figures = [
        Figure(f"{paper}_p{n}_f{n}", paper, label=f"Figure {n}", page=n, box=BOX, caption=CAPTION,
               mentions=(CAPTION[:100],), file=compound[0], width=2 * SIDE, height=2 * SIDE, sha256=compound[1])
        for n in range(1, FIGURES_A_PAPER + 1)
    ]  # fmt: skip
    workspace.replace_figures(paper, figures)
    said = []
    for figure in figures:
        made = [panel_of(figure, n, slices[(number + n) % PICTURES]) for n in range(PANELS_A_FIGURE)]
        workspace.replace_panels(figure.figure_id, made)
        said += [word for n, panel in enumerate(made) for word in words_on(panel, number + n)]
    workspace.decide(said)


def panel_of(figure: Figure, n: int, picture: tuple[str, str]) -> Panel:
    """Panel number ``n`` of a two by two figure."""
    x0, y0 = SIDE * (n % 2), SIDE * (n // 2)
    box = (x0, y0, x0 + SIDE, y0 + SIDE)
    return Panel(f"{figure.figure_id}_{'ABCD'[n]}", figure.figure_id, "ABCD"[n], box, "a drawn slice", score=0.9,
                 file=picture[0], width=SIDE, height=SIDE, sha256=picture[1])  # fmt: skip


def words_on(panel: Panel, seed: int) -> list[Decision]:
    """What rules would say."""
    name, mask = panel.panel_id, {"mask": "", "masked": "", "boxes": [], "identifying": "no", "texts": 0}
    return [
        Decision("panel", name, "kind", "ct_axial_lung", "rule:triage@1", "a slice", 0.9),
        Decision("panel", name, "label", LABELS[seed % 3], "rule:words@1", "words", (seed * 37 % 100) / 100),
        Decision("panel", name, "mask", mask, "rule:marks@1", "no marks", 0.9),
        Decision("panel", name, "patient", f"{name}-p", "rule:cues@1", "age"),
    ]


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The command itself, as a user starts it; gives the address."""
    quiet = [sys.executable, "-m", "covidct", "-q"]
    words = [*quiet, "curate", "review", "-w", str(folder), "--port", "0", "--no-browser"]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield process.stdout.readline().strip()
    finally:
        process.terminate()
        process.wait()


@contextmanager
def harvest_writes(folder: Path) -> Iterator[None]:
    """Another process that adds papers, figures, panels and rules' words without a pause."""
    process = subprocess.Popen([sys.executable, __file__, "--write-into", str(folder)])
    try:
        yield
    finally:
        process.kill()
        process.wait()


def write_for_ever(folder: Path) -> None:
    """What :func:`harvest_writes` runs."""
    with Workspace.open(folder) as workspace:
        slices, compound = pictures(workspace)
        number = 50_000
        while True:
            add_paper(workspace, number, slices, compound)
            number += 1


def visit(browser: Browser, url: str) -> tuple[Page, float]:
    """A fresh profile on the page, and the milliseconds until it was ready."""
    page = browser.new_context(viewport={"width": 1366, "height": 820}).new_page()
    page.goto(url)
    page.wait_for_selector("html[data-ready=yes]", timeout=120_000)
    return page, float(page.evaluate("performance.getEntriesByName('covidct-ready')[0].startTime"))


def press(page: Page, key: str, times: int, pause: int) -> tuple[list[float], list[list[float]]]:
    """Press ``key``; milliseconds to the next panel; of each decision until confirmed, and in the server."""
    page.evaluate(WATCH)
    for done in range(times):
        page.keyboard.press(key)
        page.wait_for_function("n => window.waits.length > n", arg=done, polling=5)
        page.wait_for_timeout(pause)
    page.wait_for_function("() => document.getElementById('saved').textContent === 'All saved'")
    return page.evaluate("window.waits"), page.evaluate("window.answers")


def measure(folder: Path) -> dict[str, Any]:
    """All figures, milliseconds."""
    with served(folder) as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        loads = [visit(browser, url)[1] for _ in range(LOADS)]
        page, _ = visit(browser, url)
        nexts, _ = press(page, "j", PRESSES, 60)
        decided, answers = press(page, "1", DECISIONS, 60)
        pages = [visit(browser, f"{url}&curator={name}")[0] for name in ("ann", "bob")]
        with harvest_writes(folder):
            time.sleep(3)
            busy = [press(each, "2", DECISIONS // 2, 30)[1] for each in pages]
        browser.close()
    return {
        "first page": summary(loads),
        "next item (j)": summary(nexts),
        "decide and next (1)": summary(decided),
        "decision confirmed": summary([both[0] for both in answers]),
        "decision written": summary([both[1] for both in answers]),
        "decision confirmed while a harvest writes": summary([both[0] for each in busy for both in each]),
        "decision written while a harvest writes": summary([both[1] for each in busy for both in each]),
    }


def summary(values: list[float]) -> dict[str, float]:
    """Median, 95th percentile and worst of ``values``, one decimal."""
    ordered = sorted(values)
    at = ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))]
    return {
        "n": len(ordered),
        "median": round(statistics.median(ordered), 1),
        "p95": round(at, 1),
        "worst": round(ordered[-1], 1),
    }


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--panels", type=int, default=10_000)
    parser.add_argument("--workspace", type=Path, help="made there when missing, and kept")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--write-into", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.write_into:
        write_for_ever(asked.write_into)
    with tempfile.TemporaryDirectory() as scratch:
        folder = asked.workspace or Path(scratch) / "ws"
        if not folder.exists():
            with Workspace.create(folder) as workspace:
                fill(workspace, asked.panels)
        found = measure(folder)
    if asked.json:
        print(json.dumps(found, indent=1))
        return
    print(f"{'milliseconds':45}{'median':>9}{'p95':>9}{'worst':>9}")
    for name, values in found.items():
        print(f"{name:45}{values['median']:9.1f}{values['p95']:9.1f}{values['worst']:9.1f}")


if __name__ == "__main__":
    main()
