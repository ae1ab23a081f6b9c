"""The protocol ``robust`` without a GPU: what a network before its last blocks sees is computed once and kept.

    python benchmarks/robust_packed.py --images DIR --luna DIR --out PACKED
    python benchmarks/robust_cpu.py train --packed PACKED --out OUT     # members, each resumable; order of CANDIDATES
    python benchmarks/robust_cpu.py score --packed PACKED --out OUT     # cross-validation, ensemble, then test

Two kinds of candidates, both with ImageNet weights: ``linear`` fits a logistic regression on the pooled features of
each picture and its mirror image; ``late`` trains the last blocks, the last convolution and the head on maps of
``VARIANTS`` views of each picture. Members are written as those of ``benchmarks/robust.py`` and chosen by the same
functions: out-of-fold AUC chooses, test predictions are read once the ensemble stands.
"""

import argparse
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from robust_packed import FOLDS, Shelf, begin
from robust_score import score
from torch import nn
from torch.nn import functional as F

from covidct.train.devices import tune_process
from covidct.train.robust import Member

REPEATS = 3
VARIANTS = 5
"""Of each picture: the whole one, its mirror image, and random crops of 0.7 to 1 of its area, mirrored by chance."""
LATE_BLOCKS, LATE_EPOCHS, LATE_KEPT = 3, 12, (4, 6, 8, 10, 12)


@dataclass(frozen=True)
class Candidate:
    """``kind`` linear or late; ``strength`` is the inverse penalty of the former, the learning rate of the latter."""

    kind: str
    model: str
    view: str
    size: int
    strength: float

    @property
    def name(self) -> str:
        """Also the name of its folder of members."""
        return f"{self.kind}-{self.model}-{self.view}-{self.size}-{self.strength:g}"


CANDIDATES = [
    *(
        Candidate("linear", model, view, size, strength)
        for size, view in ((256, "whole"), (256, "lungs"), (256, "masked"), (320, "whole"), (320, "lungs"))
        for model in ("lite1", "lite2", "lite0")
        for strength in (1e-3, 1e-2, 1e-1)
    ),
    *(
        Candidate("late", model, view, 256, 1e-3)
        for model, view in (("lite1", "whole"), ("lite2", "whole"), ("lite1", "lungs"), ("lite2", "lungs"))
    ),
]


class Late(nn.Module):
    """The last blocks of an EfficientNet-Lite, from the maps before them to scores; norms keep their statistics."""

    def __init__(self, encoder: Any) -> None:
        super().__init__()
        self.blocks = nn.Sequential(*encoder._blocks[-LATE_BLOCKS:])
        self.conv, self.norm = encoder._conv_head, encoder._bn1
        self.head = nn.Sequential(nn.Dropout(0.3), nn.Linear(self.conv.out_channels, 2))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(n, channels, h, w) to (n, 2)."""
        found: torch.Tensor = self.head(F.relu6(self.norm(self.conv(self.blocks(x)))).mean((2, 3)))
        return found

    def train(self, mode: bool = True) -> "Late":
        super().train(mode)
        for layer in self.modules():
            if isinstance(layer, nn.BatchNorm2d):
                layer.eval()
        return self


def before_late(encoder: Any, x: torch.Tensor) -> torch.Tensor:
    """(n, 3, h, w) to the maps that the last blocks get."""
    x = F.relu6(encoder._bn0(encoder._conv_stem(x)))
    for block in encoder._blocks[:-LATE_BLOCKS]:
        x = block(x)
    return x


def cropped(pictures: torch.Tensor, size: int, random: torch.Generator) -> torch.Tensor:
    """Random square crops of (n, 1, h, w), resized to ``size``, mirrored by chance, brighter or darker by a fifth."""
    side = pictures.shape[-1]
    out = []
    for picture in pictures:
        share = float(torch.empty(1).uniform_(0.7, 1.0, generator=random)) ** 0.5
        edge = int(side * share)
        y, x = (int(torch.randint(0, side - edge + 1, (1,), generator=random)) for _ in range(2))
        crop = F.interpolate(picture[None, :, y : y + edge, x : x + edge], size=size, mode="bilinear", antialias=True)
        gain = float(torch.empty(1).uniform_(0.8, 1.2, generator=random))
        out.append((crop.flip(3) if torch.rand(1, generator=random) < 0.5 else crop).mul(gain).clamp(0, 1))
    return torch.cat(out)


def kept_maps(shelf: Shelf, one: Candidate) -> np.ndarray:
    """Features (n, 2, width) for ``linear``, maps (n, VARIANTS, channels, h, w) in half precision for ``late``."""
    file = shelf.work / "maps" / f"{one.kind}-{one.model}-{one.view}-{one.size}.npy"
    if not file.is_file():
        file.parent.mkdir(parents=True, exist_ok=True)
        begun = time.monotonic()
        part = file.with_suffix(".part.npy")
        np.save(part, np.concatenate(list(_computed(shelf, one))))
        part.replace(file)
        print(f"{file.name}: {time.monotonic() - begun:.0f} s", flush=True)
    return np.load(file, mmap_mode="r")


def _computed(shelf: Shelf, one: Candidate) -> Iterator[np.ndarray]:
    network = begin(shelf, one.model, "imagenet", one.size, 0, shelf.view(one.view)).network.eval()
    random = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for at in range(0, len(shelf.view(one.view)), 16):
            pictures = torch.from_numpy(shelf.view(one.view)[at : at + 16]).float()[:, None] / 255
            plain = F.interpolate(pictures, size=one.size, mode="bilinear", antialias=True)
            both = [plain, plain.flip(3)]
            if one.kind == "linear":
                found = [network.features(x) for x in both]
            else:
                both += [cropped(pictures, one.size, random) for _ in range(VARIANTS - 2)]
                normal = [(x - network.mean) / network.std for x in both]
                found = [before_late(network.encoder, x).half() for x in normal]
            yield torch.stack(found, 1).numpy()


def linear_member(x: np.ndarray, truth: np.ndarray, others: list[np.ndarray], strength: float) -> list[np.ndarray]:
    """Probabilities of ``others`` by a logistic regression on the pictures and mirror images of ``x``."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

    flat = x.reshape(-1, x.shape[-1])
    scale = StandardScaler().fit(flat)
    model = LogisticRegression(C=strength, max_iter=300).fit(scale.transform(flat), np.repeat(truth, x.shape[1]))
    sides = [scale.transform(other.reshape(-1, x.shape[-1])) for other in others]
    return [model.predict_proba(side)[:, 1].reshape(-1, x.shape[1]).mean(1)[None] for side in sides]


def late_member(
    shelf: Shelf, one: Candidate, x: np.ndarray, truth: np.ndarray, others: list[np.ndarray], seed: int
) -> list[np.ndarray]:
    """Probabilities (kept epochs, n) of ``others``: plain picture and mirror image, after training on all variants."""
    torch.manual_seed(seed)
    network = Late(begin(shelf, one.model, "imagenet", one.size, seed, shelf.view(one.view)).network.encoder)
    network.to(memory_format=torch.channels_last)
    optimiser = torch.optim.AdamW(network.parameters(), lr=one.strength, weight_decay=0.05)
    steps = LATE_EPOCHS * -(-len(x) // 32)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, one.strength, steps)
    labels = torch.from_numpy(truth).long()
    found: list[list[np.ndarray]] = [[] for _ in others]
    for epoch in range(1, LATE_EPOCHS + 1):
        network.train()
        order = torch.randperm(len(x))
        for batch in order.split(32):
            variant = torch.randint(0, x.shape[1], (len(batch),))
            maps = (
                torch.from_numpy(x[batch.numpy(), variant.numpy()])
                .float()
                .contiguous(memory_format=torch.channels_last)
            )
            loss = F.cross_entropy(network(maps), labels[batch], label_smoothing=0.1)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
        if epoch in LATE_KEPT:
            for place, other in enumerate(others):
                found[place].append(_late_probabilities(network, other))
    return [np.stack(rows) for rows in found]


def _late_probabilities(network: Late, maps: np.ndarray) -> np.ndarray:
    network.eval()
    with torch.no_grad():
        sides = [network(torch.from_numpy(np.array(maps[:, side])).float()).softmax(1)[:, 1] for side in (0, 1)]
    return np.asarray(((sides[0] + sides[1]) / 2).numpy())


def train(options: argparse.Namespace) -> None:
    """Every member that is missing, candidate after candidate, on each release."""
    shelf = Shelf(options.packed, options.work, False)
    for one in CANDIDATES:
        if options.only and options.only not in one.name:
            continue
        for version in options.releases.split(","):
            for repeat in range(REPEATS if one.kind == "linear" else options.late_repeats):
                for fold in range(FOLDS):
                    if not Member(one.name, repeat, fold).file(options.work / version).is_file():
                        write_member(shelf, one, version, repeat, fold)


def write_member(shelf: Shelf, one: Candidate, version: str, repeat: int, fold: int) -> None:
    """Train without one fold; leaves probabilities of that fold and of the test images."""
    maps = kept_maps(shelf, one)
    rows = shelf.rows(version, ("train", "val"))
    index = np.array([shelf.place[row["id"]] for row in rows])
    test = np.array([shelf.place[row["id"]] for row in shelf.rows(version, ("test",))])
    truth, held = np.array([row["truth"] for row in rows]), shelf.folds(version, repeat) == fold
    parts = [np.array(maps[index[~held]]), truth[~held], [np.array(maps[index[held]]), np.array(maps[test])]]
    if one.kind == "linear":
        epochs, found = (1,), linear_member(*parts, one.strength)  # type: ignore[arg-type]
    else:
        epochs, found = LATE_KEPT, late_member(shelf, one, *parts, 100 * repeat + fold)  # type: ignore[arg-type,assignment]
    file = Member(one.name, repeat, fold).file(shelf.work / version)
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.with_suffix(".part").open("wb") as handle:
        np.savez(handle, epochs=np.array(epochs), held=found[0], test=found[1])
    file.with_suffix(".part").replace(file)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["train", "score"])
    parser.add_argument("--packed", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--releases", default="1.0.0,2.0.0")
    parser.add_argument("--late-repeats", type=int, default=1)
    parser.add_argument("--only", default="", help="Candidates whose name holds this.")
    parser.add_argument("--results", type=Path, help="Where the published files go, as docs/results.")
    parser.add_argument("--row", default="final", help="Score --only as the row robust-ROW.")
    parser.add_argument("--no-test", action="store_true", help="The table of cross-validation alone.")
    options = parser.parse_args()
    options.work = options.out / "work"
    torch.set_num_threads(1)
    tune_process()
    if options.what == "train":
        return train(options)
    shown = [one for one in CANDIDATES if options.only in one.name]
    shelf = Shelf(options.packed, options.work)
    return score(shelf, options.results, shown, not options.no_test, options.releases.split(","), options.row)


if __name__ == "__main__":
    sys.exit(main())
