"""Train the small network that finds burnt-in marks, on phantoms with drawn marks only: nothing of anyone's pictures.

    python benchmarks/train_marks.py --out covidct/imaging/overlays.npz [--patches 6000] [--steps 3000]

Marks are drawn the way that figures carry them (letters, words, arrows, circles, boxes, bars, asterisks, coloured
veils); around them stands what a CT slice has that looks like a mark: ribs, table lines, gas, contrast, metal, wires.
The weights in use: 700 steps on 6,000 patches of an earlier mix without leaves, then 1,000 steps on this one.
Takes about 40 minutes on one core. Needs the extra `train`; the network itself is read with numpy alone.
"""

import argparse
import io
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor, nn

from covidct.imaging.overlays_net import CLASSES, WIDTHS, features_of
from covidct.imaging.phantoms import phantom

SIDE = 128
Grey = NDArray[np.uint8]
Generator = np.random.Generator
WORDS = [
    "A",
    "B",
    "C",
    "D",
    "E",
    "F",
    "G",
    "H",
    "R",
    "L",
    "P",
    "a",
    "b",
    "c",
    "d",
    "1",
    "2",
    "3",
    "4",
    "10",
    "1A",
    "2b",
    "3c",
    "(a)",
    "(b)",
    "(C)",
    "*",
    "**",
    "+",
    "I:",
    "II",
    "Day",
    "3",
    "Day",
    "12",
    "day",
    "7",
    "Feb",
    "10",
    "2020-01-30",
    "12/02/2020",
    "12:45:10",
    "Se:",
    "3",
    "Im:",
    "12/60",
    "120",
    "kV",
    "250",
    "mAs",
    "W",
    "1200",
    "WL:-500",
    "WW:1600",
    "W:350",
    "L:40",
    "5",
    "cm",
    "10",
    "mm",
    "FOV",
    "350",
    "1.25mm",
    "HOSPITAL",
    "M",
    "45Y",
    "ID",
    "002143",
    "NAME",
    "X",
    "LUNG",
    "512x512",
    "R",
    "L",
    "A",
    "P",
    "H",
    "F",
    "Axial",
    "2.5",
    "Zoom:120%",
    "x7",
    "No.",
    "4",
    "Pre",
    "Post",
]
LETTERS = list("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:/.-abcdefghkmnrstuxyz")
Pictures = tuple[NDArray[np.uint8], NDArray[np.uint8]]
PURE = [(255, 255, 255), (0, 0, 0), (255, 255, 0), (255, 0, 0), (0, 255, 255), (0, 255, 0), (0, 0, 255), (255, 0, 255)]


def pick(rng: Generator, *choices: float) -> float:
    return float(rng.choice(choices))


def colour(rng: Generator) -> tuple[int, int, int]:
    draw = rng.random()
    if draw < 0.34:
        level = 255 if rng.random() < 0.8 else int(rng.integers(225, 256))
        return level, level, level
    if draw < 0.62:
        level = 0 if rng.random() < 0.8 else int(rng.integers(0, 30))
        return level, level, level
    if draw < 0.85:
        return PURE[int(rng.integers(2, len(PURE)))]
    hue = np.array([[[rng.integers(0, 180), rng.integers(150, 256), rng.integers(150, 256)]]], np.uint8)
    r, g, b = cv2.cvtColor(hue, cv2.COLOR_HSV2RGB)[0, 0]
    return int(r), int(g), int(b)


# What a slice holds that is no mark ----------------------------------------------------------------------------------


def curve(rng: Generator, n: int) -> NDArray[np.int32]:
    """A long smooth line across the picture, in 1/16 pixels: a table, a sheet, a wire."""
    t = np.linspace(-0.1, 1.1, 40)
    bend, tilt, height = rng.uniform(-0.5, 0.5), rng.uniform(-0.4, 0.4), rng.uniform(0, 1)
    y = height + tilt * (t - 0.5) + bend * (t - 0.5) ** 2
    points = np.stack([t, y] if rng.random() < 0.75 else [y, t], axis=1)
    return (points * n * 16).astype(np.int32)


def blob(rng: Generator, n: int, radius: float) -> NDArray[np.int32]:
    angles = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    wobble = 1 + sum(rng.normal(0, 0.18) * np.cos(k * angles + rng.uniform(0, 6)) for k in range(1, 5))
    flat = rng.uniform(0.4, 1)
    points = np.stack([np.cos(angles) * wobble, flat * np.sin(angles) * wobble], 1) * radius * n + rng.uniform(0, n, 2)
    return (points * 16).astype(np.int32)


def clutter(rng: Generator, image: NDArray[np.float32]) -> None:
    """Table lines, wires, gas, contrast, calcifications, metal, each with the soft edge of a scan."""
    n = image.shape[0]
    layer = image.copy()
    for _ in range(rng.integers(0, 3)):
        bright = float(rng.choice([rng.uniform(100, 260), 255]))
        cv2.polylines(layer, [curve(rng, n)], False, bright, int(rng.integers(1, 5)), cv2.LINE_AA, 4)
    for _ in range(rng.integers(0, 7)):
        level = float(rng.choice([0, rng.uniform(0, 40), rng.uniform(200, 255), 255]))
        cv2.fillPoly(layer, [blob(rng, n, rng.uniform(0.004, 0.06))], level, cv2.LINE_AA, 4)
    for _ in range(rng.integers(0, 3)):
        x, y = rng.uniform(0, n, 2)
        axes, level = (int(rng.uniform(2, 9)), int(rng.uniform(2, 9))), float(rng.uniform(150, 255))
        cv2.ellipse(layer, (int(x), int(y)), axes, rng.uniform(0, 180), 0, 360, level, 1, cv2.LINE_AA)
    image[:] = cv2.GaussianBlur(layer, (0, 0), rng.uniform(0.45, 0.9))
    if rng.random() < 0.12:
        x, y = rng.uniform(0.2 * n, 0.8 * n, 2)
        yy, xx = np.mgrid[:n, :n].astype(np.float32)
        angle, far = np.arctan2(yy - y, xx - x), np.hypot(yy - y, xx - x) / n
        streaks = np.sin(angle * rng.integers(3, 9) + rng.uniform(0, 6)) * np.exp(-far * 8) * rng.uniform(60, 250)
        image += streaks.astype(np.float32) + 255 * (far < rng.uniform(0.005, 0.03))


def leaves(rng: Generator, image: NDArray[np.float32], count: int) -> None:
    """Blobs and bands of a few grey levels over one another, small ones most often: the edges of any anatomy."""
    n = image.shape[0]
    levels = np.r_[0.0, 255.0, rng.uniform(0, 255, 5)]
    for _ in range(count):
        level = float(rng.choice(levels) + rng.normal(0, 5))
        radius = 0.004 * (0.25 / 0.004) ** (rng.random() ** 1.7)
        if rng.random() < 0.1:
            thick = int(rng.integers(1, max(2, n // 30)))
            cv2.polylines(image, [curve(rng, n)], False, level, thick, cv2.LINE_AA, 4)
        else:
            cv2.fillPoly(image, [blob(rng, n, radius)], level, cv2.LINE_AA, 4)


def vessels(rng: Generator, image: NDArray[np.float32]) -> None:
    """Round and oval bright spots with soft edges where it is dark: vessels cut across."""
    n = image.shape[0]
    layer, dark = np.zeros_like(image), cv2.GaussianBlur(image, (0, 0), 3) < 90
    for _ in range(int(rng.integers(10, 120))):
        centre = (rng.uniform(0, n, 2) * 16).astype(int)
        axes = (rng.uniform(0.4, 4, 2) * 16).astype(int)
        level = float(rng.uniform(90, 250))
        cv2.ellipse(layer, centre.tolist(), axes.tolist(), rng.uniform(0, 180), 0, 360, level, -1, cv2.LINE_AA, 4)
    layer = cv2.GaussianBlur(layer, (0, 0), rng.uniform(0.4, 0.9))
    image[dark] = np.maximum(image, layer)[dark]


def tables(rng: Generator, image: NDArray[np.float32]) -> None:
    """Broad bright bands below the body, on black."""
    n = image.shape[0]
    for _ in range(int(rng.integers(1, 4))):
        middle, half, y = rng.uniform(0.3, 0.7) * n, rng.uniform(0.15, 0.6) * n, rng.uniform(0.75, 1.0) * n
        x = np.linspace(middle - half, middle + half, 30)
        line = y - rng.uniform(-0.05, 0.25) * n * ((x - middle) / half) ** 2
        points = (np.stack([x, line], 1) * 16).astype(np.int32)
        cv2.polylines(image, [points], False, float(rng.uniform(140, 255)), int(rng.integers(1, 9)), cv2.LINE_AA, 4)


def start(rng: Generator) -> NDArray[np.float32]:
    size = int(rng.integers(200, 420))
    if rng.random() < 0.35:
        image = np.full((size, size), float(rng.choice([0, 0, 30, 200])), np.float32)
        leaves(rng, image, int(rng.integers(30, 250)))
        return image
    window = "lung" if rng.random() < 0.8 else "mediastinal"
    image = phantom(rng, size=size, lesion=bool(rng.random() < 0.4), window=window).astype(np.float32)
    if rng.random() < 0.5:
        low = rng.uniform(20, 70)
        image = np.clip((image - low) * 255 / (255 - low), 0, 255)
    if rng.random() < 0.25:
        leaves(rng, image, int(rng.integers(1, 30)))
    return image


def base(rng: Generator) -> Grey:
    """A slice without marks: a phantom, made rougher than phantoms are, or no more than leaves."""
    image = start(rng)
    size = image.shape[0]
    if rng.random() < 0.5:
        tables(rng, image)
    if rng.random() < 0.6:
        vessels(rng, image)
    if rng.random() < 0.6:  # less than saturated: the wide windows of many published slices
        image = image * rng.uniform(0.6, 0.95) + rng.uniform(-15, 20)
    clouds = cv2.resize(rng.normal(0, 1, (24, 24)).astype(np.float32), (size, size), interpolation=cv2.INTER_CUBIC)
    image *= 1 + 0.06 * clouds
    coarse = cv2.GaussianBlur(rng.normal(0, 1, image.shape).astype(np.float32), (0, 0), rng.uniform(0.5, 1.6))
    image += (image > 30) * coarse * rng.uniform(2, 30) + (image > 210) * coarse * rng.uniform(0, 60)
    clutter(rng, image)
    image = np.clip(image * rng.uniform(0.9, 1.15) + rng.uniform(-8, 5), 0, 255)
    return jpeg(rng, image.astype(np.uint8), 70, 96) if rng.random() < 0.7 else image.astype(np.uint8)


def jpeg(rng: Generator, image: Grey, low: int, high: int) -> Grey:
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", quality=int(rng.integers(low, high)))
    return np.asarray(Image.open(buffer).convert("L" if image.ndim == 2 else "RGB"))


# Marks ---------------------------------------------------------------------------------------------------------------


def font(rng: Generator, size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    import matplotlib

    folder = Path(matplotlib.get_data_path()) / "fonts/ttf"
    names = ("DejaVuSans.ttf", "DejaVuSans-Bold.ttf", "DejaVuSerif.ttf", "DejaVuSerif-Bold.ttf", "DejaVuSansMono.ttf")
    if rng.random() < 0.5:
        return ImageFont.load_default(size)
    return ImageFont.truetype(str(folder / str(rng.choice(names))), size)


def text(pen: ImageDraw.ImageDraw, n: int, rng: Generator) -> str:
    words = " ".join(rng.choice(WORDS, int(pick(rng, 1, 1, 1, 2, 3))))
    if rng.random() < 0.25:
        words = "".join(rng.choice(LETTERS, rng.integers(1, 9)))
    ink = colour(rng)
    edge = (0, 0, 0) if sum(ink) > 300 else (255, 255, 255)
    width = int(pick(rng, 0, 0, 0, 1))
    size = int(rng.uniform(0.03, 0.12) * n)
    at = tuple(rng.uniform(0.0, 0.92, 2) * n)
    pen.text(at, words, fill=ink, font=font(rng, max(8, size)), stroke_width=width, stroke_fill=edge)
    return "text"


def arrow(pen: ImageDraw.ImageDraw, n: int, rng: Generator) -> str:
    angle, length = rng.uniform(0, 2 * np.pi), rng.uniform(0.04, 0.16) * n
    along, across = np.array([np.cos(angle), np.sin(angle)]), np.array([-np.sin(angle), np.cos(angle)])
    tip, head, wide = rng.uniform(0.03, 0.97, 2) * n, rng.uniform(0.25, 0.6), rng.uniform(0.15, 0.4)
    neck, ink = tip - head * length * along, colour(rng)
    edge = [None, None, (0, 0, 0), (255, 255, 255)][int(rng.integers(4))]
    width = max(1, int(rng.uniform(0.004, 0.012) * n))
    shaft = rng.random() < 0.6
    if shaft:
        pen.line([*(tip - length * along), *neck], fill=ink, width=width)
    left, right = neck + wide * length * across, neck - wide * length * across
    if rng.random() < 0.2 and shaft:  # an open head
        pen.line([*left, *tip, *right], fill=ink, width=width)
        return "arrow"
    middle = [tuple(neck + rng.uniform(0.1, 0.3) * length * along)] if rng.random() < 0.25 else []
    pen.polygon([tuple(tip), tuple(left), *middle, tuple(right)], fill=ink, outline=edge)
    return "arrow"


def ring(pen: ImageDraw.ImageDraw, n: int, rng: Generator) -> str:
    r = rng.uniform(0.025, 0.14, 2) * n if rng.random() < 0.4 else np.full(2, rng.uniform(0.03, 0.13) * n)
    x, y = rng.uniform(0, 1, 2) * n
    shape = pen.ellipse if rng.random() < 0.5 else pen.rectangle
    width = max(1, int(rng.uniform(0.004, 0.012) * n))
    shape([x - r[0], y - r[1], x + r[0], y + r[1]], outline=colour(rng), width=width)
    return "marker"


def bar(pen: ImageDraw.ImageDraw, n: int, rng: Generator) -> str:
    (x, y), ink, thick = rng.uniform(0, 0.95, 2) * n, colour(rng), max(1.0, rng.uniform(0.004, 0.015) * n)
    long = rng.uniform(0.05, 0.3) * n
    upright = rng.random() < 0.3
    pen.rectangle([x, y, x + thick, y + long] if upright else [x, y, x + long, y + thick], fill=ink)
    if rng.random() < 0.25:
        for step in np.linspace(0, long, int(rng.integers(2, 11))):
            at = [x, y + step, x + 3 * thick, y + step] if upright else [x + step, y - 2 * thick, x + step, y]
            pen.line(at, fill=ink, width=max(1, int(thick / 2)))
    return "marker"


def star(pen: ImageDraw.ImageDraw, n: int, rng: Generator) -> str:
    centre, r, ink = rng.uniform(0.02, 0.98, 2) * n, rng.uniform(0.01, 0.03) * n, colour(rng)
    arms, turn = int(rng.integers(2, 5)), rng.uniform(0, np.pi)
    for angle in turn + np.arange(arms) * np.pi / arms:
        step = r * np.array([np.cos(angle), np.sin(angle)])
        pen.line([*(centre - step), *(centre + step)], fill=ink, width=max(1, int(0.006 * n)))
    return "marker"


def stroke(pen: ImageDraw.ImageDraw, n: int, rng: Generator) -> str:
    """A straight measuring line, sometimes dashed."""
    start, ink, width = rng.uniform(0, 1, 2) * n, colour(rng), max(1, int(rng.uniform(0.003, 0.01) * n))
    angle, length = rng.uniform(0, 2 * np.pi), rng.uniform(0.05, 0.3) * n
    step = length * np.array([np.cos(angle), np.sin(angle)])
    pieces = np.linspace(0, 1, 12).reshape(-1, 2) if rng.random() < 0.4 else np.array([[0.0, 1.0]])
    for low, high in pieces:
        pen.line([*(start + low * step), *(start + high * step)], fill=ink, width=width)
    return "marker"


Pen = Callable[[ImageDraw.ImageDraw, int, Generator], str]
MARKS: tuple[Pen, ...] = (text, text, text, arrow, arrow, arrow, ring, ring, bar, star, stroke)


def marked(rng: Generator) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """A slice with 0 to 7 marks (n x n x 3), and the class of each pixel (n x n)."""
    plain = base(rng)
    n = plain.shape[0]
    clean = np.repeat(plain[:, :, None], 3, axis=2)
    picture, classes = clean.copy(), np.zeros((n, n), np.uint8)
    for _ in range(int(rng.integers(0, 6))):
        before, canvas = picture, Image.fromarray(picture)
        if rng.random() < 0.5:
            kind = rng.choice(np.array(MARKS))(ImageDraw.Draw(canvas), n, rng)
            picture = np.asarray(canvas)
        else:  # drawn large and shrunk: smooth edges, as vector marks have when a page is rendered
            big = canvas.resize((2 * n, 2 * n), Image.Resampling.BILINEAR)
            plain_big = np.asarray(big, np.int16)
            kind = rng.choice(np.array(MARKS))(ImageDraw.Draw(big), 2 * n, rng)
            change = (np.asarray(big, np.int16) - plain_big).astype(np.float32)
            change = cv2.resize(change, (n, n), interpolation=cv2.INTER_AREA)
            picture = np.clip(picture + change, 0, 255).astype(np.uint8)
        touched = np.abs(picture.astype(int) - before).max(2) > 0
        classes[touched] = CLASSES.index(kind)
    classes[np.abs(picture.astype(int) - clean).max(2) <= 24] = 0
    return spoil(rng, picture, classes)


def spoil(rng: Generator, picture: NDArray[np.uint8], classes: NDArray[np.uint8]) -> Pictures:
    """Half goes through JPEG, some through a change of size first."""
    if rng.random() < 0.2:
        size = (np.array(picture.shape[1::-1]) * rng.uniform(0.7, 1.8)).astype(int)
        size = np.maximum(size, SIDE + 8)
        how = cv2.INTER_AREA if size[0] < picture.shape[1] else cv2.INTER_LINEAR
        picture = np.asarray(cv2.resize(picture, size, interpolation=how))
        classes = np.asarray(cv2.resize(classes, size, interpolation=cv2.INTER_NEAREST))
    if rng.random() < 0.55:
        picture = jpeg(rng, picture, 55, 95)
    return picture, classes


def patches(rng: Generator, count: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    inputs = np.zeros((count, 2, SIDE, SIDE), np.uint8)
    targets = np.zeros((count, SIDE, SIDE), np.uint8)
    filled = 0
    while filled < count:
        picture, classes = marked(rng)
        planes = features_of(picture).transpose(2, 0, 1)
        for _ in range(5):
            y, x = (int(rng.integers(0, size - SIDE + 1)) for size in classes.shape)
            part = classes[y : y + SIDE, x : x + SIDE]
            if filled < count and (part.any() or rng.random() < 0.55):
                inputs[filled], targets[filled] = planes[:, y : y + SIDE, x : x + SIDE], part
                filled += 1
    return inputs, targets


# The network ---------------------------------------------------------------------------------------------------------


def block(inputs: int, outputs: int) -> nn.Sequential:
    layers = [nn.Conv2d(inputs, outputs, 3, padding=1), nn.ReLU(), nn.Conv2d(outputs, outputs, 3, padding=1), nn.ReLU()]
    return nn.Sequential(*layers)


class Net(nn.Module):
    """U-Net of four levels; read again by covidct.imaging.overlays_net."""

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


def loss_of(logits: Tensor, target: Tensor) -> Tensor:
    """Cross entropy (the rim of a mark counts less: it may be masked or not) and soft Dice of any mark."""
    truth = (target > 0).float()[:, None]
    grown = nn.functional.max_pool2d(truth, 7, 1, 3)
    weight = torch.where(truth > 0, 3.0, torch.where(grown > 0, 0.3, 1.0))[:, 0]
    entropy = nn.functional.cross_entropy(logits, target, reduction="none")
    mark = 1 - logits.softmax(1)[:, :1]
    counted = (truth > 0) | (grown == 0)
    overlap = (mark * truth).sum((1, 2, 3))
    dice = 1 - (2 * overlap + 20) / ((mark * counted).sum((1, 2, 3)) + truth.sum((1, 2, 3)) + 20)
    return (entropy * weight).mean() + 0.5 * dice.mean()


def augmented(rng: Generator, inputs: NDArray[np.uint8], targets: NDArray[np.uint8]) -> tuple[Tensor, Tensor]:
    turn, mirror = int(rng.integers(4)), rng.random() < 0.5
    x, y = np.rot90(inputs, turn, (2, 3)), np.rot90(targets, turn, (1, 2))
    if mirror:
        x, y = x[..., ::-1], y[..., ::-1]
    return torch.from_numpy(x.astype(np.float32) / 255), torch.from_numpy(y.astype(np.int64))


def train(inputs: NDArray[np.uint8], targets: NDArray[np.uint8], steps: int, out: Path, start: Path | None) -> None:
    torch.manual_seed(0)
    rng, net = np.random.default_rng(1), Net().to(memory_format=torch.channels_last)
    if start:
        net.load_state_dict({name: torch.from_numpy(value) for name, value in np.load(start).items()})
    optimiser = torch.optim.AdamW(net.parameters(), 2e-3, weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 3e-3, total_steps=steps, pct_start=0.1)
    mean = 0.0
    for step in range(1, steps + 1):
        rows = rng.integers(0, len(inputs), 16)
        x, y = augmented(rng, inputs[rows], targets[rows])
        with torch.autocast("cpu", dtype=torch.bfloat16):
            logits = net(x.to(memory_format=torch.channels_last))
        loss = loss_of(logits.float(), y)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        mean = loss.item() if step == 1 else 0.98 * mean + 0.02 * loss.item()
        if step % 50 == 0:
            print(f"step {step}: loss {mean:.4f}", flush=True)
            save(net, out)


def save(net: nn.Module, out: Path) -> None:
    values = {name: value.detach().float().numpy() for name, value in net.state_dict().items()}
    with out.open("wb") as handle:
        np.savez_compressed(handle, **values)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--patches", type=int, default=6000)
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--start", type=Path, help="weights to go on from")
    parser.add_argument("--cache", type=Path, help="keep the drawn patches here")
    args = parser.parse_args()
    torch.set_num_threads(1)
    if args.cache and args.cache.exists():
        kept = np.load(args.cache)
        inputs, targets = kept["inputs"], kept["targets"]
    else:
        inputs, targets = patches(np.random.default_rng(args.seed), args.patches)
        if args.cache:
            np.savez(args.cache, inputs=inputs, targets=targets)
    train(inputs, targets, args.steps, args.out, args.start)


if __name__ == "__main__":
    main()
