"""A small drawn release: bright discs are COVID, dark ones are not; three splits, two sources, groups of two."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from discs import draw_picture

from covidct.cli import run
from covidct.release.read.schema import IMAGE_COLUMNS, PAPER_COLUMNS, PATIENT_COLUMNS, WITHDRAWN_COLUMNS
from covidct.tables import dump_table

COUNTS = {"train": 24, "val": 12, "test": 12}


def write_release(folder: Path, images: Path, counts: dict[str, int], seed: int = 0) -> Path:
    """A schema-valid release in ``folder`` with its pictures below ``images``."""
    rng = np.random.default_rng(seed)
    lines = []
    for split, count in counts.items():
        for number in range(count):
            covid = number % 2 == 0
            name = f"{split}-{number}"
            path = images / "set" / f"{name}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            draw_picture(covid, rng).save(path)
            group = f"{split}-g{number // 4}-{'c' if covid else 'n'}"
            facts = {
                "image_id": name,
                "file": f"set/{name}.png",
                "label": "covid" if covid else "non-covid",
                "patient_id": group,
                "group_id": group,
                "split": split,
                "source": "drawn-a" if number % 3 else "drawn-b",
                "width": 70,
                "height": 60,
                "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
                "label_by": "drawn",
            }
            lines.append({column: str(facts.get(column, "")) for column in IMAGE_COLUMNS})
    folder.mkdir(parents=True)
    (folder / "images.csv").write_bytes(dump_table(pd.DataFrame(lines), IMAGE_COLUMNS))
    for name, columns in (("papers", PAPER_COLUMNS), ("patients", PATIENT_COLUMNS), ("withdrawn", WITHDRAWN_COLUMNS)):
        (folder / f"{name}.csv").write_bytes(dump_table(pd.DataFrame(columns=list(columns)), columns))
    (folder / "release.json").write_text('{"name": "drawn", "version": "1.0.0", "date": "2026-01-01"}')
    return folder


@pytest.fixture(scope="session")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """(release folder, images root) of the drawn set."""
    home = tmp_path_factory.mktemp("drawn")
    return write_release(home / "release", home / "images", COUNTS), home / "images"


@pytest.fixture(scope="session")
def make_release() -> Callable[..., Path]:
    """``write_release``, for sets of other sizes."""
    return write_release


@pytest.fixture(scope="session")
def pixel_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One cache of decoded pictures for all tests of a session."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def bench(drawn: tuple[Path, Path], pixel_cache: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    monkeypatch.setenv("COVIDCT_CACHE", str(pixel_cache))

    def call(*words: str, release: Path | None = None, images: Path | None = None) -> int:
        common = ["--manifest", str(release or drawn[0]), "--images", str(images or drawn[1]), "--accelerator", "cpu"]
        return run(["bench", *common, "--no-baselines", "--no-report", *words])

    return call
