"""A clean release of drawn slices, and a way to plant faults in it: every fault the audit must find is made here."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from unittest import mock

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from covidct.imaging.phantoms import phantom
from covidct.release.make.tables import paper_table, patient_table
from covidct.release.make.write import Draft, write_release
from covidct.release.read.facts import facts, picture_hash
from covidct.release.read.schema import IMAGE_COLUMNS, WITHDRAWN_COLUMNS

SPLITS = ("train", "train", "train", "val", "test")


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What an audit keeps lies with the test."""
    monkeypatch.setenv("COVIDCT_CACHE", str(tmp_path / "cache"))


@dataclass
class Plan:
    """Rows and pictures of a release before it is written; ``edit`` them to plant faults."""

    root: Path
    rows: list[dict[str, object]]
    pictures: dict[str, Image.Image]
    options: dict[str, dict[str, object]] = field(default_factory=dict)
    """How a picture is saved: ``format`` and Pillow's own options."""
    withdrawn: list[dict[str, str]] = field(default_factory=list)

    def row(self, image: str) -> dict[str, object]:
        return next(row for row in self.rows if row["image_id"] == image)

    def ids(self, split: str, label: str) -> list[str]:
        return [str(r["image_id"]) for r in self.rows if (r["split"], r["label"]) == (split, label)]

    def write(self, name: str = "toy") -> tuple[Path, Path]:
        """(release folder, images' root)."""
        images = self.root / name / "pictures"
        for row in self.rows:
            image = str(row["image_id"])
            path = images / str(row["file"])
            path.parent.mkdir(parents=True, exist_ok=True)
            self.pictures[image].save(path, **{"format": "PNG", **self.options.get(image, {})})
            seen = facts(path)
            row |= {"width": seen.width, "height": seen.height, "sha256": seen.sha256, "phash": picture_hash(path)}
        frame = pd.DataFrame(self.rows, columns=IMAGE_COLUMNS)
        withdrawn = pd.DataFrame(self.withdrawn, columns=WITHDRAWN_COLUMNS)
        draft = Draft("toy", "1.0.0", "2026-01-01", frame, paper_table(frame), patient_table(frame), withdrawn)
        with mock.patch("covidct.release.make.write.release_faults", return_value=[]):  # a stranger's, faults and all
            return write_release(draft, self.root / name / "manifests"), images


def clean_rows(groups: int) -> list[dict[str, object]]:
    """Two images a group; labels, splits and sources dealt so that none says anything about another."""
    rng = np.random.default_rng(7)
    rows = []
    for g in range(groups):
        for k in (0, 1):
            row: dict[str, object] = dict.fromkeys(IMAGE_COLUMNS, "")
            row |= {
                "image_id": f"g{g:03d}-{k}",
                "file": f"images/g{g:03d}-{k}.png",
                "label": ("covid", "non-covid")[g % 2],
                "patient_id": f"patient_{g}",
                "group_id": f"group-{g}",
                "split": SPLITS[g // 2 % 5],
                "source": str(rng.choice(["medrxiv", "pmc"])),
                "paper_id": f"paper-{g}",
                "doi": f"10.1101/{g}",
                "licence": "cc-by-4.0",
                "label_by": "curator-1",
                "artifacts": "identifying=no",
            }
            rows.append(row)
    return rows


@pytest.fixture(scope="session")
def drawn_slices() -> list[Image.Image]:
    """120 drawn slices, some with a lesion, dealt without regard to any label."""
    rng = np.random.default_rng(11)
    return [Image.fromarray(phantom(rng, size=96, lesion=bool(k % 3 == 0))) for k in rng.permutation(120)]


@pytest.fixture
def make_plan(tmp_path: Path, drawn_slices: list[Image.Image]) -> Callable[..., Plan]:
    """A clean plan of ``groups`` groups (at most 60)."""

    def make(groups: int = 60) -> Plan:
        rows = clean_rows(groups)
        names = [str(row["image_id"]) for row in rows]
        return Plan(tmp_path, rows, dict(zip(names, drawn_slices, strict=False)))

    return make
