"""One supervised training run: resumable, the same bits from the same seed on a CPU, on one device or several.

Every epoch draws its numbers from (seed, epoch) alone, so a run that was interrupted goes on as if it had not been.
Several processes share a batch: each draws all numbers and works on its own pictures of it.
"""

import copy
import csv
import hashlib
import io
import math
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from covidct.errors import CovidctError
from covidct.files import atomic_path, write_text
from covidct.models import Classifier
from covidct.models.rotation import WithRotation, rotate
from covidct.progress import progress
from covidct.scores import auc
from covidct.train.augment import apply, draw
from covidct.train.checkpoints import read_tensors
from covidct.train.compiling import compiled, compiles, wanted
from covidct.train.devices import tune_process
from covidct.train.environment import environment, keep
from covidct.train.networks import build, code_digest, public_name
from covidct.train.recipe import Recipe
from covidct.train.telling import Teller

if TYPE_CHECKING:
    from lightning_fabric import Fabric

LAST, BEST, START, HISTORY = "last.pt", "best.pt", "start.pt", "history.csv"


@dataclass(frozen=True)
class Pictures:
    """``pixels`` (n, side, side) uint8 and ``truth`` (n,), 1 for COVID."""

    pixels: NDArray[np.uint8]
    truth: NDArray[np.float64]


@dataclass(frozen=True)
class Job:
    """All that a training process needs; start weights lie in ``folder``/start.pt, written by the caller."""

    model: str
    recipe: Recipe
    seed: int
    train: Pictures
    val: Pictures
    folder: Path
    seen: Sequence[str] = ()
    """Marks of all that shapes the weights; they stay with them."""
    log: str = "csv"


def derive_seed(*parts: object) -> int:
    """One seed from several words and numbers, the same on every machine."""
    return int.from_bytes(hashlib.sha256("/".join(map(str, parts)).encode()).digest()[:7])


def rate(recipe: Recipe, epoch: float) -> float:
    """Learning rate at a point in time; ``epoch`` counts from 0 and may lie within one."""
    if epoch < recipe.warmup:
        return recipe.lr * (epoch + 0.1) / (recipe.warmup + 0.1)
    if recipe.schedule == "restarts":
        share = (int(epoch) % recipe.period) / recipe.period
    elif recipe.schedule == "cosine":
        share = (epoch - recipe.warmup) / max(1e-9, recipe.epochs - recipe.warmup)
    else:
        share = 0.0
    return recipe.lr * 0.5 * (1 + math.cos(math.pi * share))


def optimiser_for(parameters: Sequence[Tensor], recipe: Recipe) -> torch.optim.Optimizer:
    """Adam, AdamW or SGD with the recipe's rate and decay."""
    if recipe.optimiser == "sgd":
        return torch.optim.SGD(parameters, recipe.lr, momentum=0.9, weight_decay=recipe.weight_decay)
    if recipe.optimiser == "adamw":
        return torch.optim.AdamW(parameters, recipe.lr, weight_decay=recipe.weight_decay)
    return torch.optim.Adam(parameters, recipe.lr, weight_decay=recipe.weight_decay)


def scaled(pixels: Tensor, size: int) -> Tensor:
    """Stored pictures (n, side, side) uint8 to inputs (n, 1, size, size) uint8, smoothed as they shrink."""
    if pixels.shape[-1] == size:
        return pixels[:, None]
    parts = [
        F.interpolate(part[:, None].float(), size=(size, size), mode="bilinear", antialias=True, align_corners=False)
        for part in torch.split(pixels, 64)
    ]
    return torch.cat([part.round_().clamp_(0, 255).to(torch.uint8) for part in parts])


@torch.inference_mode()
def probabilities(network: Classifier, inputs: Tensor, batch: int = 32) -> NDArray[np.float64]:
    """Probability of COVID for inputs (n, 1, size, size) uint8, in order."""
    network.eval()
    device = next(network.parameters()).device
    parts = [
        network(part.to(device).float().div_(255)).float().softmax(1)[:, 1].cpu() for part in torch.split(inputs, batch)
    ]
    return torch.cat(parts).double().numpy()


class Training:
    """The state of one training process: network, optimiser, resident pixels, history, best weights so far."""

    def __init__(self, fabric: "Fabric", job: Job, compiling: str = "off") -> None:
        self.fabric, self.job, self.recipe = fabric, job, job.recipe
        self.network = build(job.model, size=job.recipe.size)
        self.network.load_state_dict(torch.load(job.folder / START, weights_only=True))
        torch.manual_seed(derive_seed(job.seed, "heads"))
        if job.recipe.freeze:
            self.network.encoder.requires_grad_(False)
        body = WithRotation(self.network) if job.recipe.rotation else self.network
        body.to(fabric.device).to(memory_format=torch.channels_last)
        trained = [p for p in body.parameters() if p.requires_grad]
        optimiser = optimiser_for(trained, job.recipe)
        self.compiled = wanted(compiling, fabric.device) and compiles(body, self._probe)
        # evaluation goes through self.network, which stays as it is: its batches are few and of other sizes
        self.model, self.optimiser = fabric.setup(compiled(body) if self.compiled else body, optimiser)
        self.average = _Average(self.network) if job.recipe.average else None
        self.pixels = torch.from_numpy(job.train.pixels).to(fabric.device)
        self.truth = torch.from_numpy(job.train.truth).long().to(fabric.device)
        self.val = scaled(torch.from_numpy(job.val.pixels), job.recipe.size)
        self.history: list[dict[str, float]] = []
        self.best: dict[str, Any] = {}
        self.steps = 0

    @property
    def scored(self) -> Classifier:
        """The network that validation and test see: the average where the recipe keeps one."""
        return self.average.network if self.average else self.network

    def _probe(self, network: torch.nn.Module) -> Tensor:
        """A loss of one made-up batch: what a network must go through to be known to compile."""
        side = self.recipe.size
        x = torch.rand(self.recipe.batch, 1, side, side, device=self.fabric.device)
        with self.fabric.autocast():
            out = network(x)
        parts = out if isinstance(out, tuple) else (out,)
        return torch.stack([part.float().square().mean() for part in parts]).sum()

    def resume(self) -> None:
        """Go on from ``last.pt`` where there is one."""
        path = self.job.folder / LAST
        if not path.is_file():
            return
        advice = "remove it to begin this seed anew"
        saved = read_tensors(path, advice, self.fabric.device)
        self.model.module.load_state_dict(saved["model"])
        self.optimiser.load_state_dict(saved["optimiser"])
        if self.average is not None:
            self.average.network.load_state_dict(saved["average"])
        self.history, self.best, self.steps = saved["history"], saved["best"], saved["steps"]

    def epoch(self, number: int) -> None:
        """Train one epoch, score it on validation, keep the best, write the checkpoint."""
        begun = time.monotonic()
        loss = self.train_epoch(number)
        if self.fabric.is_global_zero:
            val_auc, val_loss = self._validate()
            self.history.append(
                {
                    "epoch": number + 1,
                    "lr": rate(self.recipe, number),
                    "train_loss": loss,
                    "val_loss": val_loss,
                    "val_auc": val_auc,
                    "seconds": round(time.monotonic() - begun, 2),
                }
            )
            self._keep(number + 1, val_auc, val_loss)
            self._save()
        self.fabric.barrier()

    def train_epoch(self, number: int) -> float:
        """One pass over the training pictures; the mean loss."""
        loss = float(torch.stack(list(self.steps_of(number))).mean())
        if not math.isfinite(loss):
            raise CovidctError(
                f"the loss became {loss} in epoch {number + 1} of seed {self.job.seed}: lower it with --set lr=…; "
                f"{len(self.history)} finished epochs are kept in {self.job.folder}"
            )
        return loss

    def steps_of(self, number: int) -> Iterator[Tensor]:
        """The steps of one epoch, each made when its loss is asked for."""
        self.model.train()
        if self.recipe.freeze:
            self.network.encoder.eval()
        torch.manual_seed(derive_seed(self.job.seed, number, "dropout", self.fabric.global_rank))
        generator = torch.Generator().manual_seed(derive_seed(self.job.seed, number, "pictures"))
        n, batch = len(self.pixels), self.recipe.batch
        order = torch.randperm(n, generator=generator)
        for place, rows in enumerate(torch.split(order, batch)):
            if len(rows) < 2 * self.fabric.world_size and n >= 2 * self.fabric.world_size:
                break
            self._set_rate(number + place * batch / n)
            yield self._step(rows, generator)

    def _set_rate(self, epoch: float) -> None:
        for group in self.optimiser.param_groups:
            group["lr"] = rate(self.recipe, epoch)

    def _step(self, rows: Tensor, generator: torch.Generator) -> Tensor:
        numbers = draw(len(rows), self.recipe.augment, generator)
        quarters = torch.randint(0, 4, (len(rows),), generator=generator)
        world = self.fabric.world_size
        mine = slice(self.fabric.global_rank, None, world)
        index = rows[mine].to(self.pixels.device)
        x = apply(self.pixels[index][:, None].float().div_(255), numbers.rows(mine), self.recipe.size)
        loss = self._loss(x, self.truth[index], quarters[mine].to(x.device)) * (len(index) * world / len(rows))
        self.optimiser.zero_grad(set_to_none=True)
        self.fabric.backward(loss)
        self.optimiser.step()
        self.steps += 1
        if self.average is not None:
            self.average.follow(min(self.recipe.average, (1 + self.steps) / (10 + self.steps)))
        return loss.detach()

    def _loss(self, x: Tensor, truth: Tensor, quarters: Tensor) -> Tensor:
        smoothing = self.recipe.label_smoothing
        if not self.recipe.rotation:
            return F.cross_entropy(self.model(x).float(), truth, label_smoothing=smoothing)
        scores, rotations = self.model(rotate(x, quarters))
        return F.cross_entropy(scores.float(), truth, label_smoothing=smoothing) + F.cross_entropy(
            rotations.float(), quarters
        )

    def _validate(self) -> tuple[float, float]:
        with self.fabric.autocast():
            found = probabilities(self.scored, self.val)
        truth = self.job.val.truth
        right = np.where(truth > 0.5, found, 1 - found)
        return auc(truth, found), float(-np.log(np.maximum(right, 1e-7)).mean())

    def _keep(self, epoch: int, val_auc: float, val_loss: float) -> None:
        """The best epoch has the highest validation AUC, of equals the lowest validation loss."""
        if not self.best or (val_auc, -val_loss) > (self.best["val_auc"], -self.best["val_loss"]):
            state = {k: v.detach().clone() for k, v in self.scored.state_dict().items()}
            self.best = {"epoch": epoch, "val_auc": val_auc, "val_loss": val_loss, "model": state}

    def _save(self) -> None:
        saved = {
            "model": self.model.module.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "average": self.average.network.state_dict() if self.average else {},
            "history": self.history,
            "best": self.best,
            "steps": self.steps,
        }
        with atomic_path(self.job.folder / LAST) as part:
            torch.save(saved, part)
        out = io.StringIO()
        writer = csv.DictWriter(out, list(self.history[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(self.history)
        write_text(self.job.folder / HISTORY, out.getvalue())

    def finish(self) -> None:
        """Write the best weights; features that should have stayed frozen are compared with where they began."""
        if not self.fabric.is_global_zero:
            return
        best = {name: value.cpu() for name, value in self.best["model"].items()}
        if self.recipe.freeze:
            start = torch.load(self.job.folder / START, weights_only=True)
            moved = [k for k in start if k.startswith("encoder.") and not torch.equal(start[k], best[k])]
            if moved:
                raise CovidctError(f"frozen features moved ({moved[0]}): this result would be false; please report it")
        facts: dict[str, Any] = {
            "model": public_name(self.job.model),
            "code": code_digest(self.job.model),
            "seen": list(self.job.seen),
        }
        facts |= {"size": self.recipe.size, "view": self.recipe.view, "epoch": self.best["epoch"]}
        with atomic_path(self.job.folder / BEST) as part:
            torch.save(facts | {"val_auc": self.best["val_auc"], "state": best, "recipe": asdict(self.recipe)}, part)


class _Average:
    """An exponential average of a network's weights and statistics, in ``network``; its tensors are listed once."""

    def __init__(self, follows: Classifier) -> None:
        self.network = copy.deepcopy(follows)
        pairs = list(zip(self.network.state_dict().values(), follows.state_dict().values(), strict=True))
        self.blended = [pair for pair in pairs if pair[0].is_floating_point()]
        self.copied = [pair for pair in pairs if not pair[0].is_floating_point()]

    @torch.no_grad()
    def follow(self, decay: float) -> None:
        """Move towards the followed network; counters are copied."""
        if self.blended:
            torch._foreach_lerp_([kept for kept, _ in self.blended], [new for _, new in self.blended], 1 - decay)
        if self.copied:
            torch._foreach_copy_([kept for kept, _ in self.copied], [new for _, new in self.copied])


@contextmanager
def memory_errors(batch: int, size: int, folder: Path) -> Iterator[None]:
    """Turn torch's out-of-memory errors into one line that says what to lower."""
    try:
        yield
    except (torch.OutOfMemoryError, MemoryError, RuntimeError) as error:
        if isinstance(error, RuntimeError) and "memory" not in str(error):
            raise
        raise CovidctError(
            f"out of memory with batch={batch} at size={size}: lower one with --set; finished epochs are in {folder}"
        ) from error


def fit(fabric: "Fabric", job: Job, compiling: str = "off") -> None:
    """Train ``job`` to its end, or go on with it; leaves last.pt, best.pt and history.csv in its folder."""
    tune_process()
    if fabric.device.type == "cuda":
        torch.use_deterministic_algorithms(True, warn_only=True)
    with memory_errors(job.recipe.batch, job.recipe.size, job.folder):
        run = Training(fabric, job, compiling)
        if fabric.is_global_zero:
            facts = {"processes": str(fabric.world_size), "compiled": "yes" if run.compiled else "no"}
            keep(job.folder, environment(fabric.device) | {"precision": job.recipe.precision} | facts)
        run.resume()
        epochs = range(len(run.history), job.recipe.epochs)
        teller = Teller(job.folder, job.recipe.epochs, len(run.history), job.log) if fabric.is_global_zero else None
        for number in progress(epochs, job.folder.name):
            run.epoch(number)
            if teller:
                teller.epoch(run.history[-1])
        run.finish()
