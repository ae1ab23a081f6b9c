"""Train the small network that finds burnt-in marks, on phantoms and (with --slices) real slices with drawn marks.

    python benchmarks/train_marks.py --out net.onnx [--slices DIR --half 0] [--workers N]

Real slices are those whose series fall into one half (``--half``), so that the other half can be measured on
(benchmarks/mask.py --half 1). What is stored is weights; no picture can be had back from them.
Needs the extras `train` and `onnx`; the network itself is run by OpenCV alone.
"""

import argparse
from concurrent.futures import ProcessPoolExecutor
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import onnx
import torch
from marks_backgrounds import Generator, Grey, base, real, slices_of, tinted
from marks_draw import Drawn, draw, spoil
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

from covidct.imaging.overlays.net import CLASSES, WIDTHS, features_of, sized

SIDE = 128
LEAST = 90
"""Pixels that the shorter side of a drawn picture has at least."""
CLEAN = 0.8
"""Share of the patches without a mark that is taken."""
PART = 500
"""Patches that one process draws at a time, from a seed of their own."""
Patches = tuple[NDArray[np.uint8], NDArray[np.uint8]]
Weights = dict[str, NDArray[np.float32]]


def background(rng: Generator, slices: list[Path], share: float) -> Grey:
    if slices and rng.random() < share:
        return real(rng, slices[int(rng.integers(len(slices)))])
    return base(rng)


def patches(rng: Generator, count: int, slices: list[Path], share: float) -> Patches:
    """``count`` parts of drawn pictures (count x 2 x SIDE x SIDE) and their classes; ``share`` of them real slices."""
    inputs = np.zeros((count, 2, SIDE, SIDE), np.uint8)
    targets = np.zeros((count, SIDE, SIDE), np.uint8)
    filled = 0
    while filled < count:
        plain = background(rng, slices, share)
        drawn = draw(rng, tinted(rng, plain) if rng.random() < 0.06 else plain)
        picture, owner = spoil(rng, drawn.picture, drawn.owner, LEAST)
        planes, classes = sized(features_of(picture)).transpose(2, 0, 1), Drawn(picture, owner, drawn.marks).classes
        classes = np.asarray(cv2.resize(classes, planes.shape[:0:-1], interpolation=cv2.INTER_NEAREST))
        for _ in range(4 if min(classes.shape) >= SIDE else 0):
            y, x = (int(rng.integers(0, size - SIDE + 1)) for size in classes.shape)
            part = classes[y : y + SIDE, x : x + SIDE]
            if filled < count and (part.any() or rng.random() < CLEAN):
                inputs[filled], targets[filled] = planes[:, y : y + SIDE, x : x + SIDE], part
                filled += 1
    return inputs, targets


# The network ---------------------------------------------------------------------------------------------------------


def block(inputs: int, outputs: int) -> nn.Sequential:
    layers = [nn.Conv2d(inputs, outputs, 3, padding=1), nn.ReLU(), nn.Conv2d(outputs, outputs, 3, padding=1), nn.ReLU()]
    return nn.Sequential(*layers)


class Net(nn.Module):
    """U-Net of four levels; read again by covidct.imaging.overlays.net."""

    def __init__(self) -> None:
        super().__init__()
        sizes = (2, *WIDTHS)
        self.down = nn.ModuleList(block(a, b) for a, b in pairwise(sizes))
        self.up = nn.ModuleList(block(a + b, a) for a, b in pairwise(WIDTHS))
        self.out = nn.Conv2d(WIDTHS[0], len(CLASSES), 1)

    def forward(self, x: Tensor) -> Tensor:
        kept = []
        for level, part in enumerate(self.down):
            x = part(nn.functional.max_pool2d(x, 2) if level else x)
            kept.append(x)
        for level in reversed(range(len(self.up))):
            x = self.up[level](torch.cat([kept[level], nn.functional.interpolate(x, scale_factor=2)], 1))
        out: Tensor = self.out(x)
        return out


class Graph:
    """The network as ONNX: 1 x 2 x height x width in 0 ... 1 (multiples of 8) to probabilities of CLASSES."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []

    def add(self, kind: str, inputs: list[str], name: str, **settings: object) -> str:
        self.nodes.append(helper.make_node(kind, inputs, [name], name=name, **settings))
        return name

    def convolved(self, at: str, name: str, side: int = 3) -> str:
        shape = {"kernel_shape": [side, side], "pads": [side // 2] * 4}
        return self.add("Conv", [at, f"{name}.weight", f"{name}.bias"], name, **shape)

    def block(self, at: str, name: str) -> str:
        for layer in (f"{name}.0", f"{name}.2"):
            at = self.add("Relu", [self.convolved(at, layer)], f"{layer}.relu")
        return at

    def model(self, weights: Weights) -> onnx.ModelProto:
        at, kept = "picture", list[str]()
        for level in range(len(WIDTHS)):
            at = self.add("MaxPool", [at], f"halved.{level}", kernel_shape=[2, 2], strides=[2, 2]) if level else at
            kept.append(at := self.block(at, f"down.{level}"))
        for level in reversed(range(len(WIDTHS) - 1)):
            nearest = {"mode": "nearest", "nearest_mode": "floor", "coordinate_transformation_mode": "asymmetric"}
            at = self.add("Resize", [at, "", "double"], f"doubled.{level}", **nearest)
            at = self.block(self.add("Concat", [kept[level], at], f"joined.{level}", axis=1), f"up.{level}")
        self.add("Softmax", [self.convolved(at, "out", 1)], "likely", axis=1)
        values = {**weights, "double": np.array([1, 1, 2, 2], np.float32)}
        tensors = [numpy_helper.from_array(np.asarray(value, np.float32), name) for name, value in values.items()]
        ends = [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, channels, "height", "width"])
            for name, channels in (("picture", 2), ("likely", len(CLASSES)))
        ]
        drawn = helper.make_graph(self.nodes, "marks", ends[:1], ends[1:], tensors)
        model = helper.make_model(drawn, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
        onnx.checker.check_model(model, full_check=True)
        return model


def save(weights: Weights, out: Path) -> None:
    """Write the network with ``weights`` to ``out``."""
    onnx.save(Graph().model(weights), out)


def weights_of(path: Path) -> Weights:
    """The weights of a network that :func:`save` wrote."""
    tensors = onnx.load(path).graph.initializer
    return {one.name: numpy_helper.to_array(one) for one in tensors if one.name != "double"}


def loss_of(logits: Tensor, target: Tensor) -> Tensor:
    """Per patch: cross entropy (the rim of a mark counts less: it may be masked or not) and soft Dice of any mark."""
    truth = (target > 0).float()[:, None]
    grown = nn.functional.max_pool2d(truth, 7, 1, 3)
    weight = torch.where(truth > 0, 3.0, torch.where(grown > 0, 0.3, 1.0))[:, 0]
    entropy = nn.functional.cross_entropy(logits, target, reduction="none")
    mark = 1 - logits.softmax(1)[:, :1]
    counted = (truth > 0) | (grown == 0)
    overlap = (mark * truth).sum((1, 2, 3))
    dice = 1 - (2 * overlap + 20) / ((mark * counted).sum((1, 2, 3)) + truth.sum((1, 2, 3)) + 20)
    return (entropy * weight).mean((1, 2)) + 0.5 * dice


def augmented(rng: Generator, inputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    turn, mirror = int(rng.integers(4)), rng.random() < 0.5
    x, y = torch.rot90(inputs, turn, (2, 3)), torch.rot90(targets, turn, (1, 2))
    if mirror:
        x, y = x.flip(-1), y.flip(-1)
    return x.float() / 255, y.long()


def chosen(rng: Generator, losses: NDArray[np.float64], count: int) -> NDArray[np.int64]:
    """``count`` rows: half at random, half the hardest of twice as many (unseen ones have an infinite loss)."""
    half = count // 2
    candidates = rng.integers(0, len(losses), 2 * (count - half))
    hardest = candidates[np.argsort(-losses[candidates], kind="stable")[: count - half]]
    return np.r_[rng.integers(0, len(losses), half), hardest]


class Mean:
    """The running mean of the weights: what is stored, since it swings less than the weights of any one step."""

    def __init__(self, net: nn.Module) -> None:
        self.values = {name: value.detach().clone() for name, value in net.state_dict().items()}
        self.steps = 0

    def add(self, net: nn.Module) -> None:
        self.steps += 1
        share = max(0.002, 1 / (self.steps + 1))
        for name, value in net.state_dict().items():
            self.values[name].lerp_(value.detach(), share)

    def save(self, out: Path) -> None:
        save({name: value.float().cpu().numpy() for name, value in self.values.items()}, out)


def train(data: Patches, steps: int, rate: float, batch: int, out: Path, first: Path | None) -> None:
    """Fit the network on ``data``, on a graphics card where there is one; the mean of its weights goes to ``out``.

    ``first``: weights to start from, instead of random ones."""
    torch.manual_seed(0)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    rng, net = np.random.default_rng(1), Net().to(device, memory_format=torch.channels_last)
    if first is not None:
        net.load_state_dict({name: torch.from_numpy(value.copy()) for name, value in weights_of(first).items()})
    inputs, targets = (torch.from_numpy(part).to(device) for part in data)
    optimiser = torch.optim.AdamW(net.parameters(), rate, weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, rate, total_steps=steps, pct_start=0.05)
    mean, seen, losses = Mean(net), 0.0, np.full(len(data[0]), np.inf)
    for step in range(1, steps + 1):
        rows = chosen(rng, losses, batch)
        x, y = augmented(rng, inputs[rows], targets[rows])
        with torch.autocast(device, dtype=torch.bfloat16, enabled=device == "cuda"):
            logits = net(x.to(memory_format=torch.channels_last))
        each = loss_of(logits.float(), y)
        optimiser.zero_grad()
        each.mean().backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        mean.add(net)
        losses[rows] = each.detach().cpu().numpy()
        seen = each.mean().item() if step == 1 else 0.99 * seen + 0.01 * each.mean().item()
        if step % 250 == 0:
            print(f"step {step}: loss {seen:.4f}", flush=True)
            mean.save(out)
    mean.save(out)


def blend(first: Path, trained: Path, kept: float) -> None:
    """Store in ``trained`` the mean of both weights: a short training forgets less of what it did not see."""
    old, new = weights_of(first), weights_of(trained)
    save({name: kept * old[name] + (1 - kept) * new[name] for name in old}, trained)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--slices", type=Path, help="folder of slices without marks, SERIES_NUMBER.jpg")
    parser.add_argument("--half", type=int, choices=(0, 1), default=0, help="the half of the series to train on")
    parser.add_argument("--share", type=float, default=0.7, help="share of real slices among the backgrounds")
    parser.add_argument("--patches", type=int, default=40000)
    parser.add_argument("--steps", type=int, default=16000)
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--first", type=Path, help="weights to start from, such as those that ship")
    parser.add_argument("--kept", type=float, default=0.0, help="share of the kept weights in what is stored")
    parser.add_argument("--kept-of", type=Path, help="the weights that are kept in part (default: the first)")
    parser.add_argument("--workers", type=int, default=2, help="processes that draw")
    args = parser.parse_args()
    torch.set_num_threads(1)
    slices = slices_of(args.slices, args.half) if args.slices else []
    parts = max(1, args.patches // PART)
    jobs = [(args.seed, part, PART, slices, args.share) for part in range(parts)]
    with ProcessPoolExecutor(args.workers) as pool:
        drawn = list(pool.map(_part, jobs))
    data = np.concatenate([one[0] for one in drawn]), np.concatenate([one[1] for one in drawn])
    print(f"{len(data[0])} patches drawn", flush=True)
    train(data, args.steps, args.rate, args.batch, args.out, args.first)
    if args.kept:
        blend(args.kept_of or args.first, args.out, args.kept)


def _part(job: tuple[int, int, int, list[Path], float]) -> Patches:
    seed, part, count, slices, share = job
    return patches(np.random.default_rng((seed, part)), count, slices, share)


if __name__ == "__main__":
    main()
