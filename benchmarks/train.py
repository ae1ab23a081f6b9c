"""Speed of training: our loop against the bare model, the published loading style, and lightly's MoCo example.

    python benchmarks/train.py --images DIR [--model crnet] [--model lite0] [--rounds 3] [--json FILE]

One run measures all of them in turn, round by round, so that a busy machine slows all alike; a figure is the median
over rounds. ``cpu`` is processor time of this process per step, which other programs disturb less than ``wall`` does.
lightly is measured where it is installed, and said to be missing where not.
"""

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
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
SIZES = {"crnet": 224, "lite0": 160}


def bare(recipe: Recipe, model: str) -> Step:
    """Forward, backward and update on one batch that lies in memory: what no loop can beat."""
    network = build(model, recipe.size).to(memory_format=torch.channels_last).train()
    optimiser = optimiser_for(list(network.parameters()), recipe)
    x, y = torch.rand(recipe.batch, 1, recipe.size, recipe.size), torch.arange(recipe.batch) % 2

    def step() -> None:
        optimiser.zero_grad(set_to_none=True)
        F.cross_entropy(network(x), y).backward()
        optimiser.step()

    return step


def loop(recipe: Recipe, model: str, pixels: np.ndarray, folder: Path, steps: int) -> Step:
    """``steps`` steps of covidct's own training epoch: pictures, augmentation, learning rate and all."""
    from lightning_fabric import Fabric

    torch.save(build(model, recipe.size).state_dict(), folder / START)
    chosen = pixels[: steps * recipe.batch]
    part = Pictures(chosen, (np.arange(len(chosen)) % 2).astype(np.float64))
    training = Training(Fabric(accelerator="cpu", devices=1), Job(model, recipe, 0, part, part, folder))
    epochs = iter(range(10**6))

    def step() -> None:
        training.train_epoch(next(epochs))

    return step


def published(recipe: Recipe, model: str, paths: list[Path]) -> Step:
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
    network = build(model, recipe.size).train()
    optimiser = optimiser_for(list(network.parameters()), recipe)
    y = torch.arange(recipe.batch) % 2
    order: Iterator[Path] = iter(paths * 1000)

    def step() -> None:
        batch = torch.stack([change(Image.open(next(order)).convert("RGB")) for _ in range(recipe.batch)])
        optimiser.zero_grad()
        F.cross_entropy(network(batch[:, :1]), y).backward()
        optimiser.step()

    return step


def our_moco(recipe: MocoRecipe, model: str, pixels: torch.Tensor) -> Step:
    """One step of our momentum contrast, both views drawn from stored pixels."""
    moco = MoCo(build(model, recipe.size), recipe.queue, hidden=recipe.hidden, width=recipe.width)
    moco = moco.to(memory_format=torch.channels_last).train()
    learning = [p for p in moco.query.parameters() if p.requires_grad]
    optimiser = torch.optim.SGD(learning, recipe.lr, momentum=0.9)
    generator = torch.Generator().manual_seed(0)

    def step() -> None:
        rows = torch.randint(0, len(pixels), (recipe.batch,), generator=generator)
        x = pixels[rows][:, None].float().div_(255)
        views = [apply(x, draw(len(x), recipe.augment, generator), recipe.size) for _ in range(2)]
        loss, keys = moco(*views, torch.randperm(len(x), generator=generator))
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        moco.update(keys)

    return step


def lightly_moco(recipe: MocoRecipe, model: str, paths: list[Path]) -> Step:
    """lightly's ``examples/pytorch/moco.py`` with our network, batch, size and queue."""
    import copy

    from lightly.loss import NTXentLoss
    from lightly.models.modules import MoCoProjectionHead
    from lightly.models.utils import deactivate_requires_grad, update_momentum
    from lightly.transforms import MoCoV2Transform

    encoder: Classifier = build(model, recipe.size)
    head = MoCoProjectionHead(encoder.width, recipe.hidden, recipe.width)
    encoder_key, head_key = copy.deepcopy(encoder), copy.deepcopy(head)
    deactivate_requires_grad(encoder_key)
    deactivate_requires_grad(head_key)
    transform = MoCoV2Transform(input_size=recipe.size)
    criterion = NTXentLoss(memory_bank_size=(recipe.queue, recipe.width))
    optimiser = torch.optim.SGD([*encoder.parameters(), *head.parameters()], recipe.lr)
    order: Iterator[Path] = iter(paths * 1000)

    def step() -> None:
        pairs = [transform(Image.open(next(order)).convert("RGB")) for _ in range(recipe.batch)]
        query, key = (torch.stack(views)[:, :1] for views in zip(*pairs, strict=True))
        update_momentum(encoder, encoder_key, 0.999)
        update_momentum(head, head_key, 0.999)
        loss = criterion(head(encoder.features(query)), head_key(encoder_key.features(key)).detach())
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()

    return step


def measure(steps: dict[str, tuple[Step, int]], rounds: int) -> dict[str, dict[str, float]]:
    """Median seconds a step of each entry (step, how many steps one call makes), after one call to warm up."""
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in steps}
    for number in range(rounds + 1):
        for name, (step, count) in steps.items():
            wall, cpu = time.perf_counter(), time.process_time()
            step()
            if number:
                taken[name].append(((time.perf_counter() - wall) / count, (time.process_time() - cpu) / count))
    return {
        name: {"wall": statistics.median(w for w, _ in times), "cpu": statistics.median(c for _, c in times)}
        for name, times in taken.items()
    }


def run(model: str, images: Path, rounds: int, folder: Path) -> dict[str, dict[str, float]]:
    """All entries for one network."""
    recipe = Recipe(size=SIZES.get(model, 224))
    moco = MocoRecipe(size=96, batch=32, groups=2)
    paths = dict(list(folder_pictures(images).items())[:64])
    store = pack(paths, recipe.stored, folder / "pixels")
    pixels = store.rows(store.ids)
    entries = {
        "bare model": (bare(recipe, model), 1),
        "covidct loop": (loop(recipe, model, pixels, folder, 3), 3),
        "published loading": (published(recipe, model, list(paths.values())), 1),
        "covidct MoCo": (our_moco(moco, model, torch.from_numpy(pixels)), 1),
    }
    try:
        entries["lightly MoCo"] = (lightly_moco(moco, model, list(paths.values())), 1)
    except ImportError as error:
        print(f"lightly is not measured: {error}")
    return measure(entries, rounds)


def main() -> None:
    parser = argparse.ArgumentParser(description="Speed of training, one table.")
    parser.add_argument("--images", type=Path, required=True, help="Any folder of pictures, e.g. the release's.")
    parser.add_argument("--model", action="append", help="Default: crnet and lite0.")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path, help="Write the figures here.")
    options = parser.parse_args()
    tune_process()
    found = {}
    for model in options.model or ["crnet", "lite0"]:
        with tempfile.TemporaryDirectory() as folder:
            found[model] = run(model, options.images, options.rounds, Path(folder))
        best = found[model]["bare model"]
        for name, one in found[model].items():
            share = best["cpu"] / one["cpu"]
            rate = f"{1 / one['wall']:7.2f} steps/s"
            print(f"{model:8} {name:18} {rate}  cpu {one['cpu']:.3f} s a step  {share:.3f} of the bare model")
    if options.json:
        options.json.write_text(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
