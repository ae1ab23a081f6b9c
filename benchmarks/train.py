"""Speed of training: our loop against the bare model, the published loading style, and lightly's MoCo example.

    python benchmarks/train.py --images DIR [--model crnet] [--model lite0] [--rounds 5] [--steps 4] [--json FILE]

On a CPU one thread computes and its processor time counts, which other programs hardly disturb; on a GPU (``--device
cuda``) the wall clock does. Every round runs all entries for the same number of steps, in turn and in turned order, and
compares each with the bare model of that round; printed is the median over rounds with the lowest and highest.
``lightly`` is measured where it is installed, and said to be missing where not.
"""

import argparse
import itertools
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch.nn import functional as F

from covidct.models import Classifier
from covidct.models.moco import MoCo
from covidct.train.augment import apply, draw
from covidct.train.devices import tune_process
from covidct.train.loop import START, Job, Pictures, Training, optimiser_for
from covidct.train.networks import build
from covidct.train.pixels import folder_pictures, pack
from covidct.train.recipe import MocoRecipe, Recipe

Step = Callable[[], None]
Rounds = dict[str, list[float]]
EPOCH = 416
SIZES = {"crnet": 224, "lite0": 160}


@dataclass(frozen=True)
class Row:
    """Median seconds a step, and how fast that is beside ``against``: median, lowest and highest over rounds."""

    seconds: float
    against: str
    ratio: float
    low: float
    high: float


def bare(recipe: Recipe, model: str, device: str) -> Step:
    """Forward, backward and update on one batch that lies in memory: what no loop can beat."""
    network = build(model, recipe.size).to(device).to(memory_format=torch.channels_last).train()
    optimiser = optimiser_for(list(network.parameters()), recipe)
    x = torch.rand(recipe.batch, 1, recipe.size, recipe.size, device=device)
    y = torch.arange(recipe.batch, device=device) % 2

    def step() -> None:
        optimiser.zero_grad(set_to_none=True)
        F.cross_entropy(network(x), y).backward()
        optimiser.step()

    return step


def loop(recipe: Recipe, model: str, pixels: np.ndarray, folder: Path, device: str) -> Step:
    """One step of covidct's own training epoch: pictures, augmentation, learning rate and all.

    Epochs are as long as those of covid-ct/1.0.0, in whole batches: what an epoch costs beside its steps is in it.
    """
    from lightning_fabric import Fabric

    torch.save(build(model, recipe.size).state_dict(), folder / START)
    chosen = pixels[np.arange(EPOCH) % len(pixels)]
    part = Pictures(chosen, (np.arange(EPOCH) % 2).astype(np.float64))
    training = Training(Fabric(accelerator=device, devices=1), Job(model, recipe, 0, part, part, folder))
    steps = (step for number in itertools.count() for step in training.steps_of(number))

    def step() -> None:
        next(steps)

    return step


def published(recipe: Recipe, model: str, paths: list[Path], device: str) -> Step:
    """The loading style of the published scripts: every picture opened and changed by Pillow at every epoch."""
    from torchvision import transforms

    change = transforms.Compose(
        [
            transforms.Resize(256),
            transforms.RandomResizedCrop(recipe.size, scale=(0.5, 1.0)),
            transforms.RandomHorizontalFlip(),
            transforms.ColorJitter(0.2, 0.2),
            transforms.ToTensor(),
        ]
    )
    network = build(model, recipe.size).to(device).train()
    optimiser = optimiser_for(list(network.parameters()), recipe)
    y = torch.arange(recipe.batch, device=device) % 2
    order: Iterator[Path] = iter(paths * 1000)

    def step() -> None:
        batch = torch.stack([change(Image.open(next(order)).convert("RGB")) for _ in range(recipe.batch)])
        optimiser.zero_grad()
        F.cross_entropy(network(batch[:, :1].to(device)), y).backward()
        optimiser.step()

    return step


def our_moco(recipe: MocoRecipe, model: str, pixels: torch.Tensor, device: str) -> Step:
    """One step of our momentum contrast, both views drawn from stored pixels."""
    moco = MoCo(build(model, recipe.size), recipe.queue, hidden=recipe.hidden, width=recipe.width)
    moco = moco.to(device).to(memory_format=torch.channels_last).train()
    pixels = pixels.to(device)
    learning = [p for p in moco.query.parameters() if p.requires_grad]
    optimiser = torch.optim.SGD(learning, recipe.lr, momentum=0.9)
    generator = torch.Generator().manual_seed(0)

    def step() -> None:
        rows = torch.randint(0, len(pixels), (recipe.batch,), generator=generator)
        x = pixels[rows.to(device)][:, None].float().div_(255)
        views = [apply(x, draw(len(x), recipe.augment, generator), recipe.size) for _ in range(2)]
        loss, keys = moco(*views, torch.randperm(len(x), generator=generator).to(device))
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        moco.update(keys)

    return step


def lightly_moco(recipe: MocoRecipe, model: str, paths: list[Path], device: str) -> Step:
    """lightly's ``examples/pytorch/moco.py`` with our network, batch, size and queue."""
    import copy

    from lightly.loss import NTXentLoss
    from lightly.models.modules import MoCoProjectionHead
    from lightly.models.utils import deactivate_requires_grad, update_momentum
    from lightly.transforms import MoCoV2Transform

    encoder: Classifier = build(model, recipe.size).to(device)
    head = MoCoProjectionHead(encoder.width, recipe.hidden, recipe.width).to(device)
    encoder_key, head_key = copy.deepcopy(encoder), copy.deepcopy(head)
    deactivate_requires_grad(encoder_key)
    deactivate_requires_grad(head_key)
    transform = MoCoV2Transform(input_size=recipe.size)
    criterion = NTXentLoss(memory_bank_size=(recipe.queue, recipe.width))
    optimiser = torch.optim.SGD([*encoder.parameters(), *head.parameters()], recipe.lr)
    order: Iterator[Path] = iter(paths * 1000)

    def step() -> None:
        pairs = [transform(Image.open(next(order)).convert("RGB")) for _ in range(recipe.batch)]
        query, key = (torch.stack(views)[:, :1].to(device) for views in zip(*pairs, strict=True))
        update_momentum(encoder, encoder_key, 0.999)
        update_momentum(head, head_key, 0.999)
        loss = criterion(head(encoder.features(query)), head_key(encoder_key.features(key)).detach())
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()

    return step


def timed(step: Step, steps: int, device: str) -> float:
    """Seconds a step: of this process's processor time, or on a GPU of the wall clock."""
    clock = time.process_time if device == "cpu" else time.perf_counter
    if device == "cuda":
        torch.cuda.synchronize()
    begun = clock()
    for _ in range(steps):
        step()
    if device == "cuda":
        torch.cuda.synchronize()
    return (clock() - begun) / steps


def measure(entries: dict[str, Step], steps: int, rounds: int, device: str) -> Rounds:
    """Seconds a step of every entry in every round, after one that is not counted."""
    taken: Rounds = {name: [] for name in entries}
    for number in range(rounds + 1):
        order = list(entries) if number % 2 else list(reversed(entries))
        for name in order:
            seconds = timed(entries[name], steps, device)
            if number:
                taken[name].append(seconds)
        print(f"round {number} of {rounds}", file=sys.stderr)
    return taken


def run(model: str, images: Path, options: argparse.Namespace, folder: Path) -> dict[str, Row]:
    """All entries for one network."""
    recipe = Recipe(size=SIZES.get(model, 224))
    moco = MocoRecipe(size=96, batch=32, groups=2)
    paths = dict(list(folder_pictures(images).items())[:64])
    store = pack(paths, recipe.stored, folder / "pixels")
    pixels = store.rows(store.ids)
    files, device = list(paths.values()), options.device
    entries = {
        "bare model": bare(recipe, model, device),
        "covidct loop": loop(recipe, model, pixels, folder, device),
        "published loading": published(recipe, model, files, device),
        "covidct MoCo": our_moco(moco, model, torch.from_numpy(pixels), device),
    }
    try:
        entries["lightly MoCo"] = lightly_moco(moco, model, files, device)
    except ImportError as error:
        print(f"lightly is not measured: {error}", file=sys.stderr)
    return rows(measure(entries, options.steps, options.rounds, device))


def rows(taken: Rounds) -> dict[str, Row]:
    """Medians of seconds a step, and of the rounds' ratios: bare model or our MoCo over the entry."""
    found = {}
    for name, seconds in taken.items():
        against = "covidct MoCo" if name.endswith("MoCo") else "bare model"
        ratios = sorted(one / own for one, own in zip(taken[against], seconds, strict=True))
        found[name] = Row(statistics.median(seconds), against, statistics.median(ratios), ratios[0], ratios[-1])
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description="Speed of training, one table.")
    parser.add_argument("--images", type=Path, required=True, help="Any folder of pictures, e.g. the release's.")
    parser.add_argument("--model", action="append", help="Default: crnet and lite0.")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=4, help="Steps of each entry in a round.")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--json", type=Path, help="Write the figures here.")
    options = parser.parse_args()
    tune_process()
    torch.set_num_threads(1)
    found = {}
    for model in options.model or ["crnet", "lite0"]:
        with tempfile.TemporaryDirectory() as folder:
            found[model] = run(model, options.images, options, Path(folder))
        for name, row in found[model].items():
            span = f"{row.ratio:.3f} [{row.low:.3f}, {row.high:.3f}] of {row.against}'s speed"
            print(f"{model:8} {name:18} {row.seconds:8.4f} s a step  {span}")
    if options.json:
        figures = {model: {name: asdict(row) for name, row in table.items()} for model, table in found.items()}
        options.json.write_text(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
