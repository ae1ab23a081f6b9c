"""Learning from pictures without labels: momentum contrast on LUNA16 slices, on a release's training images, or any."""

import hashlib
import json
import math
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from covidct.errors import CovidctError
from covidct.files import atomic_path, write_text
from covidct.models.moco import MoCo
from covidct.progress import progress
from covidct.train.augment import apply, draw
from covidct.train.checkpoints import read_tensors
from covidct.train.compiling import compiles, wanted
from covidct.train.devices import Devices, launch, tune_process
from covidct.train.loop import START, derive_seed, memory_errors, scaled
from covidct.train.networks import build
from covidct.train.probe import nearest_share
from covidct.train.recipe import MocoRecipe
from covidct.train.seen import Marks
from covidct.train.telling import tell
from covidct.train.weights import Weights

if TYPE_CHECKING:
    from lightning_fabric import Fabric

LAST, DONE, NOTE, PROBE = "last.pt", "encoder.pt", "stage.json", "probe.json"
HEAD = "head."
SAVE_EVERY = 20.0
"""Seconds between two checkpoints: on a GPU an epoch takes less time than writing one."""


@dataclass(frozen=True)
class Stage:
    """One set of pictures to learn from: ``pixels`` (n, side, side) uint8, known by ``digest``.

    ``held`` are pictures that nothing is learned from, ``held_names`` their subjects or classes: where they are
    given, a nearest-neighbour probe of the features is told a dozen times and kept in probe.json.
    """

    name: str
    recipe: MocoRecipe
    pixels: NDArray[np.uint8]
    digest: str
    held: NDArray[np.uint8] | None = None
    held_names: tuple[str, ...] = ()
    seen: Marks = frozenset()
    """Marks of ``pixels``; they go with the weights."""


@dataclass(frozen=True)
class Job:
    """What the training process needs."""

    model: str
    stage: Stage
    seed: int
    folder: Path


def queue_note(recipe: MocoRecipe, pictures: int) -> str:
    """What to know about the queue's size against the data; empty where nothing is odd."""
    epoch = pictures // recipe.batch * recipe.batch
    if recipe.queue > epoch:
        return (
            f"queue of {recipe.queue} keys, but an epoch gives {epoch}: it holds older keys of the same pictures, "
            "which are then pushed away as if they were others"
        )
    return ""


def pretrained(model: str, start: Weights, stages: list[Stage], seed: int, cache: Path, where: Devices) -> Weights:
    """``start`` after each of ``stages`` in turn; a stage that was done before with the same input is read back.

    Nothing here learns a head: it stays what it is, and seeds that differ in their fresh heads alone share a stage.
    """
    network, sha, notes = start.network, _state_digest(start.network.state_dict()), [start.note]
    head = {name: value.clone() for name, value in network.state_dict().items() if name.startswith(HEAD)}
    for stage in stages:
        key = hashlib.sha256(json.dumps([model, sha, asdict(stage.recipe), stage.digest, seed]).encode()).hexdigest()
        folder = cache / f"moco-{Path(model.partition(':')[0]).stem}-{stage.name}-{key[:16]}"
        if not (folder / DONE).is_file():
            _prepare(folder, model, network.state_dict(), stage, seed)
            launch(fit, Job(model, stage, seed, folder), where, stage.recipe.precision)
        network.load_state_dict(read_tensors(folder / DONE, f"remove {folder} to pretrain anew") | head)
        sha = _state_digest(network.state_dict())
        notes += [f"moco:{stage.name}", queue_note(stage.recipe, len(stage.pixels))]
    seen = start.seen.union(*(stage.seen for stage in stages))
    return Weights(network, start.source, start.sha256, "; ".join(note for note in notes if note), seen)


def _state_digest(state: dict[str, Tensor]) -> str:
    """Of all weights but the head's."""
    total = hashlib.sha256()
    for name, value in state.items():
        if name.startswith(HEAD):
            continue
        total.update(name.encode())
        total.update(value.detach().contiguous().numpy().tobytes())
    return total.hexdigest()


def _prepare(folder: Path, model: str, state: dict[str, Tensor], stage: Stage, seed: int) -> None:
    with atomic_path(folder / START) as part:
        torch.save(state, part)
    facts: dict[str, Any] = {"model": model, "set": stage.name, "pictures": len(stage.pixels), "seed": seed}
    facts |= {"recipe": asdict(stage.recipe), "note": queue_note(stage.recipe, len(stage.pixels))}
    write_text(folder / NOTE, json.dumps(facts, indent=1) + "\n")


class Pretraining:
    """The state of one pretraining process: both networks, queue, optimiser, resident pixels, losses."""

    def __init__(self, fabric: "Fabric", job: Job, compiling: str = "off") -> None:
        self.fabric, self.job, self.recipe = fabric, job, job.stage.recipe
        recipe = self.recipe
        classifier = build(job.model, size=recipe.size)
        classifier.load_state_dict(torch.load(job.folder / START, weights_only=True))
        torch.manual_seed(derive_seed(job.seed, "projector"))
        moco = MoCo(classifier, recipe.queue, recipe.key_momentum, recipe.temperature, recipe.hidden, recipe.width)
        moco.groups = recipe.groups
        moco = moco.to(fabric.device).to(memory_format=torch.channels_last)
        if wanted(compiling, fabric.device) and compiles(moco.query, self._probe):
            # the two networks, not the whole: how much of the queue is filled changes from step to step
            moco.query.compile()
            moco.key.compile()
        learning = [p for p in moco.query.parameters() if p.requires_grad]
        sgd = torch.optim.SGD(learning, recipe.lr, momentum=recipe.momentum, weight_decay=recipe.weight_decay)
        self.model, self.optimiser = fabric.setup(moco, sgd)
        self.moco = moco
        self.pixels = torch.from_numpy(job.stage.pixels).to(fabric.device)
        self.losses: list[float] = []
        self.probes: list[dict[str, float]] = []
        self.saved_at = time.monotonic()

    def _probe(self, network: torch.nn.Module) -> Tensor:
        """A loss of one made-up part of a batch."""
        side, count = self.recipe.size, max(2, self.recipe.batch // self.recipe.groups)
        with self.fabric.autocast():
            return torch.as_tensor(network(torch.rand(count, 1, side, side, device=self.fabric.device))[:, 0].mean())

    def resume(self) -> None:
        """Go on from ``last.pt`` where there is one."""
        path = self.job.folder / LAST
        if path.is_file():
            saved = read_tensors(path, "remove it to begin this pretraining anew", self.fabric.device)
            self.moco.load_state_dict(saved["moco"])
            self.optimiser.load_state_dict(saved["optimiser"])
            self.losses, self.probes = saved["losses"], saved.get("probes", [])

    def epoch(self, number: int) -> None:
        """One pass over the pictures in whole batches; writes the checkpoint."""
        self.model.train()
        rate = 0.5 * self.recipe.lr * (1 + math.cos(math.pi * number / self.recipe.epochs))
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        torch.manual_seed(derive_seed(self.job.seed, number, "dropout", self.fabric.global_rank))
        generator = torch.Generator().manual_seed(derive_seed(self.job.seed, number, "views"))
        batch = min(self.recipe.batch, len(self.pixels))
        order = torch.randperm(len(self.pixels), generator=generator)
        whole = [rows for rows in torch.split(order, batch) if len(rows) == batch]
        loss = float(torch.stack([self._step(rows, generator) for rows in whole]).mean())
        if not math.isfinite(loss):
            raise CovidctError(
                f"the contrastive loss became {loss} in epoch {number + 1}: lower its lr with --set moco.lr=…"
            )
        self.losses.append(loss)
        if self.fabric.is_global_zero:
            self._tell(number + 1, loss)
            if time.monotonic() - self.saved_at > SAVE_EVERY:
                self._save()
        self.fabric.barrier()

    def _tell(self, epoch: int, loss: float) -> None:
        """The loss; a dozen times, where pictures are held back, the nearest-neighbour probe of the features."""
        words = f"epoch {epoch} of {self.recipe.epochs}, loss {loss:.3f}"
        if epoch % max(1, self.recipe.epochs // 12) == 0 or epoch == self.recipe.epochs:
            share = self._nearest()
            self.probes.append({"epoch": epoch, "loss": round(loss, 5), "nearest": round(share, 5)})
            words += f", nearest held-out neighbour of the same kind {share:.3f}" if share == share else ""
        tell(f"moco {self.job.stage.name}", words)

    @torch.no_grad()
    def _nearest(self) -> float:
        stage = self.job.stage
        if stage.held is None:
            return float("nan")
        network = self.moco.query.classifier.eval()
        inputs = scaled(torch.from_numpy(stage.held), self.recipe.size)
        with self.fabric.autocast():
            parts = [network.features(x.to(self.fabric.device).float() / 255) for x in torch.split(inputs, 64)]
        return nearest_share(torch.cat(parts), stage.held_names)

    def _step(self, rows: Tensor, generator: torch.Generator) -> Tensor:
        views = [draw(len(rows), self.recipe.augment, generator) for _ in range(2)]
        mine = slice(self.fabric.global_rank, None, self.fabric.world_size)
        x = self.pixels[rows[mine].to(self.pixels.device)][:, None].float().div_(255)
        first, second = (apply(x, view.rows(mine), self.recipe.size) for view in views)
        order = torch.randperm(len(x), generator=generator).to(x.device)
        loss, keys = self.model(first, second, order)
        self.optimiser.zero_grad(set_to_none=True)
        self.fabric.backward(loss)
        self.optimiser.step()
        self.moco.update(self._all(keys))
        return torch.as_tensor(loss.detach())

    def _all(self, keys: Tensor) -> Tensor:
        if self.fabric.world_size == 1:
            return keys
        gathered = self.fabric.all_gather(keys)
        return torch.as_tensor(gathered).flatten(0, 1)

    def _save(self) -> None:
        saved = {"moco": self.moco.state_dict(), "optimiser": self.optimiser.state_dict(), "losses": self.losses}
        saved["probes"] = self.probes
        self.saved_at = time.monotonic()
        with atomic_path(self.job.folder / LAST) as part:
            torch.save(saved, part)

    def finish(self) -> None:
        """Write the query network's encoder and the losses."""
        if self.fabric.is_global_zero:
            state = {k: v.cpu() for k, v in self.moco.query.classifier.state_dict().items()}
            with atomic_path(self.job.folder / DONE) as part:
                torch.save(state, part)
            write_text(self.job.folder / "losses.json", json.dumps([round(x, 5) for x in self.losses]) + "\n")
            write_text(self.job.folder / PROBE, json.dumps(self.probes).replace("NaN", "null") + "\n")
            for name in (LAST, START):  # three times the size of what is kept, and of no more use
                (self.job.folder / name).unlink(missing_ok=True)


def fit(fabric: "Fabric", job: Job, compiling: str = "off") -> None:
    """Run the stage to its end, or go on with it; leaves encoder.pt in the job's folder."""
    tune_process()
    with memory_errors(job.stage.recipe.batch, job.stage.recipe.size, job.folder):
        run = Pretraining(fabric, job, compiling)
        run.resume()
        for number in progress(range(len(run.losses), job.stage.recipe.epochs), f"moco {job.stage.name}"):
            run.epoch(number)
        run.finish()
