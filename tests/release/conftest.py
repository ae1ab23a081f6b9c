"""A workspace and releases small enough to build in every test; all pictures are drawn here."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from covidct.records import Decision, Figure, Panel, Paper, PaperStatus
from covidct.release.make.tables import paper_table, patient_table
from covidct.release.make.write import Draft, write_release
from covidct.release.read.facts import facts, picture_hash
from covidct.release.read.schema import IMAGE_COLUMNS
from covidct.workspace import Workspace

MakeDraft = Callable[..., Draft]


def drawn(path: Path, seed: int, size: tuple[int, int] = (48, 40)) -> Path:
    """A picture of smooth noise; another seed, another picture."""
    rng = np.random.default_rng(seed)
    small = rng.integers(0, 256, (6, 5), dtype=np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(small).resize(size, Image.Resampling.BICUBIC).save(path)
    return path


@pytest.fixture
def make_workspace(tmp_path: Path) -> Callable[..., Path]:
    """A workspace of ``papers`` papers with two figures of one panel each, labelled in turn, masked as scanned."""

    def make(papers: int = 8, licence: str = "cc-by-4.0", identifying: str = "no") -> Path:
        folder = tmp_path / "ws"
        with Workspace.create(folder) as ws:
            for number in range(papers):
                paper = f"medrxiv-10.1101_2020.03.{number:02d}"
                ws.save_papers(
                    [
                        Paper(
                            paper,
                            "medrxiv",
                            doi=f"10.1101/2020.03.{number:02d}",
                            title=f"=cmd|' /C calc'!A{number}",
                            date="2020-03-01",
                            licence=licence,
                            status=PaperStatus.EXTRACTED,
                        )
                    ]
                )
                _add_figures(ws, paper, number, tmp_path, identifying)
        return folder

    return make


def _add_figures(ws: Workspace, paper: str, number: int, home: Path, identifying: str) -> None:
    names = [f"{paper}-p{k}-f{k}" for k in (1, 2)]
    files = [ws.store_file(drawn(home / "drawn.png", 10 * number + k), ".png") for k in (1, 2)]
    figures = [
        Figure(
            n, paper, label=f"Figure {k}", page=k, box=(0, 0, 48, 40), file=f.file, width=48, height=40, sha256=f.sha256
        )
        for k, (n, f) in enumerate(zip(names, files, strict=True), 1)
    ]
    ws.replace_figures(paper, figures)
    for name, file in zip(names, files, strict=True):
        panel = Panel(f"{name}-a", name, box=(0, 0, 48, 40), file=file.file, width=48, height=40, sha256=file.sha256)
        ws.replace_panels(name, [panel])
        mask = {"mask": "", "masked": "", "boxes": [{"kind": "text", "box": [2, 2, 10, 8]}], "identifying": identifying}
        label = "positive" if number % 2 else "negative"
        ws.decide(
            [
                Decision("panel", panel.panel_id, "kind", "ct_axial_lung", "rule:triage@1"),
                Decision("panel", panel.panel_id, "label", label, "rule:caption@1", evidence={"rule": "named"}),
                Decision("panel", panel.panel_id, "mask", mask, "rule:mask@1"),
            ]
        )


@pytest.fixture
def make_draft(tmp_path: Path) -> MakeDraft:
    """A draft of ``count`` drawn pictures below ``tmp_path/pictures``: groups of two, both labels, all splits."""

    def make(count: int = 12, version: str = "1.0.0", **columns: object) -> Draft:
        root = tmp_path / "pictures"
        rows = []
        for k in range(count):
            path = root / f"images/i{k:03d}.png"
            if not path.exists():
                drawn(path, k, (40 + k, 44))
            seen = facts(path)
            row = dict.fromkeys(IMAGE_COLUMNS, "") | {
                "image_id": f"i{k:03d}",
                "file": f"images/i{k:03d}.png",
                "label": "covid" if k % 4 < 2 else "non-covid",
                "patient_id": f"patient_{k // 2}",
                "group_id": f"patient_{k // 2}",
                "split": ("train", "train", "val", "test")[k // 4 % 4],
                "source": "medrxiv",
                "paper_id": f"paper-{k // 2}",
                "licence": "cc-by-4.0",
                "width": seen.width,
                "height": seen.height,
                "sha256": seen.sha256,
                "phash": picture_hash(path),
                "artifacts": "identifying=no",
            }
            rows.append(row)
        images = pd.DataFrame(rows, columns=IMAGE_COLUMNS).assign(**columns)
        return Draft("toy", version, "2026-01-01", images, paper_table(images), patient_table(images))

    return make


@pytest.fixture
def toy_release(make_draft: MakeDraft, tmp_path: Path) -> Path:
    """The folder of release toy/1.0.0; its pictures lie in ``tmp_path/pictures``."""
    return write_release(make_draft(16), tmp_path / "manifests")
