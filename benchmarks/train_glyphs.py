"""Fit the network that reads panel letters one by one: python benchmarks/train_glyphs.py --slices DIR --fonts DIR…

Characters of every face in the font folders are printed over LUNA16 slices (CC BY 4.0) and paper, in all sizes from
seven pixels, in discs and boxes, inverted, scaled, blurred and JPEG-compressed; what the program itself then finds as
marks is what the network learns. Leaves ``glyphs.npz`` and its manifest ``glyphs.json``. Uses a GPU where there is one:
three minutes with sixteen cores and a GPU; with two cores and ``--canvases 25000 --epochs 8`` half an hour.
"""

import argparse
import hashlib
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import cache, partial
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from torch import nn

from covidct.imaging.panels.glyphs import CHARACTERS, LETTERS, SIDE, enlarged, marks

Picture = NDArray[np.uint8]
Box = tuple[float, float, float, float]
NOTHING = len(CHARACTERS)
WORDS = (
    "Day", "Level", "CT", "Case", "mm", "kV", "mA", "Week", "Month", "Before", "After", "Axial", "Lung", "HU", "cm",
    "Input", "Mask", "Output", "Conv", "GT", "COVID", "Patient", "Slice", "L", "R", "A", "P", "im", "Se",
)  # fmt: skip
PAPER = ((255, 255, 255), (0, 0, 0), (128, 128, 128), (230, 230, 250), (0, 70, 140), (200, 230, 200))
COLOURS = ((255, 255, 0), (255, 0, 0), (0, 255, 0), (0, 255, 255), (255, 165, 0), (30, 60, 220), (200, 0, 120))


def canvas(rng: np.random.Generator, slices: Sequence[Picture]) -> Picture:
    """A piece of a figure without letters: slice, paper, or the edge between the two."""
    side = int(rng.integers(90, 170))
    paper = np.full((side, side, 3), PAPER[int(rng.choice(len(PAPER), p=(0.55, 0.2, 0.1, 0.05, 0.05, 0.05)))], np.uint8)
    if (draw := rng.random()) < 0.3:
        return paper
    source = slices[int(rng.integers(len(slices)))]
    scale = float(rng.uniform(0.5, 2.5))
    grown = cv2.resize(source, None, fx=scale, fy=scale, interpolation=cv2.INTER_LINEAR)
    x, y = (int(rng.integers(0, max(1, n - side // 2))) for n in (grown.shape[1], grown.shape[0]))
    part = _toned(rng, grown[y : y + side, x : x + side])
    at = (0, 0) if draw < 0.75 else (int(rng.integers(0, side // 2)), int(rng.integers(0, side // 2)))
    spot = paper[at[1] :, at[0] :]
    h, w = min(spot.shape[0], part.shape[0]), min(spot.shape[1], part.shape[1])
    spot[:h, :w] = part[:h, :w, None]
    return paper


def _toned(rng: np.random.Generator, part: Picture) -> Picture:
    """Another window: darker, paler up to white tissue, or inverted."""
    tone = 255 * (part / 255.0) ** float(np.exp(rng.uniform(-1.1, 0.8)))
    if rng.random() < 0.2:
        tone[tone > rng.uniform(140, 230)] = 255
    return np.asarray(255 - tone if rng.random() < 0.1 else tone, np.uint8)


def text_of(rng: np.random.Generator) -> str:
    """A letter as panels carry it, or a number or word as slices and charts do."""
    letter = _any(rng, LETTERS[: int(rng.choice((8, 14, 26)))])
    letter = letter.lower() if rng.random() < 0.5 else letter
    draw = rng.random()
    if draw < 0.56:
        return letter
    if draw < 0.74:
        return _any(rng, ("({})", "{})", "{}.", "({}", "{}:")).format(letter)
    if draw < 0.8:
        return f"{letter}{int(rng.integers(1, 10))}"
    if draw < 0.9:
        return "".join(_any(rng, "0123456789") for _ in range(int(rng.integers(1, 5))))
    return _any(rng, WORDS)


def _any(rng: np.random.Generator, among: Sequence[str] | str) -> str:
    return among[int(rng.integers(len(among)))]


def printed(rng: np.random.Generator, image: Picture, fonts: Sequence[Path]) -> tuple[Picture, list[tuple[str, Box]]]:
    """``image`` with a text somewhere, and the box of each of its characters."""
    height = float(np.exp(rng.uniform(np.log(7.5), np.log(42))))
    font = ImageFont.truetype(str(fonts[int(rng.integers(len(fonts)))]), max(7, round(height * 1.38)))
    text = text_of(rng)
    wide, tall = font.getlength(text), height * 1.3
    x = float(rng.uniform(2, max(3, image.shape[1] - wide - 4)))
    y = float(rng.uniform(2, max(3, image.shape[0] - tall - 4)))
    picture = Image.fromarray(image)
    pen = ImageDraw.Draw(picture)
    ink, edge = _inks(rng, image, (x, y, x + wide, y + tall), pen)
    stroke = int(rng.integers(1, 3)) if edge and height > 12 else 0
    bold = 0 if stroke or rng.random() < 0.85 else 1
    boxes = []
    for char in text:
        left, top, right, bottom = pen.textbbox((x, y), char, font=font, stroke_width=bold)
        pen.text((x, y), char, font=font, fill=ink, stroke_width=stroke or bold, stroke_fill=edge if stroke else ink)
        boxes.append((char, (left, top, right, bottom)))
        x += font.getlength(char)
    return np.asarray(picture), boxes


def _inks(
    rng: np.random.Generator, image: Picture, box: Box, pen: ImageDraw.ImageDraw
) -> tuple[tuple[int, int, int], tuple[int, int, int] | None]:
    """The text's colour, against what lies below or a disc or box drawn there, and that of its edge."""
    x0, y0, x1, y1 = (int(v) for v in box)
    level = float(image[max(0, y0) : y1 + 1, max(0, x0) : x1 + 1].mean())
    white, black = (255, 255, 255), (0, 0, 0)
    if rng.random() < 0.15:
        light = bool(rng.random() < 0.5)
        room = int(rng.integers(2, 7))
        shape = pen.ellipse if rng.random() < 0.4 else pen.rectangle
        shape((x0 - room, y0 - room, max(x0, x1) + room, y1 + room), fill=white if light else black)
        level = 255.0 if light else 0.0
    ink, other = (white, black) if level < rng.uniform(110, 200) else (black, white)
    if rng.random() < 0.15:
        colour = COLOURS[int(rng.integers(len(COLOURS)))]
        bright = max(colour) if level < 127 else 255 - min(colour)
        ink = colour if abs((bright if level < 127 else 255 - bright) - level) > 90 else ink
    return ink, other if rng.random() < 0.12 else None


def worn(rng: np.random.Generator, image: Picture) -> tuple[Picture, float]:
    """Scaled, blurred, compressed, inverted, as it happens; and the scale."""
    scale = 1.0
    if rng.random() < 0.45:
        scale = float(rng.choice((0.5, 0.7, 0.8, 1.3, 2.0)))
        how = cv2.INTER_AREA if scale < 1 and rng.random() < 0.6 else cv2.INTER_LINEAR
        image = np.asarray(cv2.resize(image, None, fx=scale, fy=scale, interpolation=how), np.uint8)
    if rng.random() < 0.2:
        image = np.asarray(cv2.GaussianBlur(image, (0, 0), float(rng.uniform(0.4, 0.9))), np.uint8)
    if rng.random() < 0.12:
        image = np.asarray(255 - image, np.uint8)
    if rng.random() < 0.6:
        _, data = cv2.imencode(".jpg", image[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(25, 96))])
        image = np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR))[:, :, ::-1].copy()
    return image, scale


def examples(rng: np.random.Generator, slices: Sequence[Picture], fonts: Sequence[Path]) -> list[tuple[int, Picture]]:
    """Class and patch (as bytes) of the marks of one canvas: all that are characters, and a few that are none."""
    image, boxes = canvas(rng, slices), []
    for _ in range(int(rng.integers(0, 4))):
        image, more = printed(rng, image, fonts)
        boxes += more
    image, scale = worn(rng, image)
    times = int(rng.integers(1, 3))
    found = marks(enlarged(image, times))
    truth = [(char, tuple(v * scale * times for v in box)) for char, box in boxes]
    named = [_class(tuple(map(float, box)), truth) for box in found.boxes]
    none = [i for i, name in enumerate(named) if name == NOTHING]
    kept = [i for i, name in enumerate(named) if 0 <= name < NOTHING] + list(rng.permutation(none)[:3])
    packed = np.asarray(np.clip(found.patches * 128 + 64, 0, 255), np.uint8)
    return [(named[i], packed[i]) for i in kept]


def _class(box: Box, truth: Sequence[tuple[str, Box]]) -> int:
    """The character that ``box`` is, ``NOTHING``, or -1 where that cannot be said."""
    best, name = 0.0, ""
    for char, other in truth:
        w, h = min(box[2], other[2]) - max(box[0], other[0]), min(box[3], other[3]) - max(box[1], other[1])
        if w > 0 and h > 0:
            union = _area(box) + _area(other) - w * h
            if w * h / union > best:
                best, name = w * h / union, char
    if best >= 0.6:
        return CHARACTERS.find(name) if name in CHARACTERS else NOTHING
    return NOTHING if best < 0.4 else -1


def _area(box: Box) -> float:
    return (box[2] - box[0]) * (box[3] - box[1])


@cache
def slices_in(folder: Path) -> list[Picture]:
    """Every other of the first 800 slices: the rest stays unseen."""
    return [np.asarray(Image.open(p).convert("L")) for p in sorted(folder.iterdir())[:800:2]]


def _batch(start: int, seed: int, folder: Path, fonts: Sequence[Path]) -> list[tuple[int, Picture]]:
    cv2.setNumThreads(1)
    slices = slices_in(folder)
    rngs = (np.random.default_rng((seed, index)) for index in range(start, start + 250))
    return [pair for rng in rngs for pair in examples(rng, slices, fonts)]


def collect(count: int, seed: int, folder: Path, fonts: Sequence[Path], workers: int) -> tuple[Picture, Picture]:
    """Patches (n, SIDE, SIDE, 2) and classes (n,) of ``count`` canvases."""
    with ProcessPoolExecutor(workers) as pool:
        parts = pool.map(partial(_batch, seed=seed, folder=folder, fonts=fonts), range(0, count, 250))
        pairs = [pair for part in parts for pair in part]
    return np.stack([patch for _, patch in pairs]), np.asarray([name for name, _ in pairs], np.uint8)


def network() -> nn.Sequential:
    """Three convolutions, each halved, and two full layers: what ``glyphs.read`` runs in numpy."""
    blocks: list[nn.Module] = []
    for before, after in ((2, 16), (16, 28), (28, 40)):
        blocks += [nn.Conv2d(before, after, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
    flat = 40 * (SIDE // 8) ** 2
    return nn.Sequential(*blocks, nn.Flatten(), nn.Linear(flat, 96), nn.ReLU(), nn.Linear(96, NOTHING + 1))


def tensor(patches: Picture) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(patches.transpose(0, 3, 1, 2))).float().sub(64).div(128)


def fit(patches: Picture, classes: Picture, epochs: int) -> nn.Sequential:
    torch.manual_seed(0)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    model, size = network().to(device), 512
    steps = epochs * (len(classes) // size)
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 4e-3, total_steps=steps)
    answers = torch.from_numpy(classes.astype(np.int64))
    for _ in range(epochs):
        total = 0.0
        for rows in torch.randperm(len(classes))[: len(classes) // size * size].split(size):
            seen = model(tensor(patches[rows.numpy()]).to(device))
            loss = nn.functional.cross_entropy(seen, answers[rows].to(device), label_smoothing=0.02)
            optimizer.zero_grad(), loss.backward(), optimizer.step(), schedule.step()
            total += float(loss.detach())
        print(f"loss {total / (len(classes) // size):.3f}", file=sys.stderr, flush=True)
    return model.cpu().eval()


def scores(model: nn.Sequential, patches: Picture, classes: Picture) -> dict[str, float]:
    """Share of letters read rightly (either case), of non-letters called a letter, on canvases not trained on."""
    with torch.no_grad():
        chances = torch.softmax(model(tensor(patches)), 1).numpy()
    letters = np.stack([chances[:, i] + chances[:, i + 26] for i in range(26)], 1)
    true = np.where(classes < 52, classes.astype(np.intp) % 26, -1)
    called, sure = letters.argmax(1), letters.max(1)
    known = true >= 0
    out = {"letters": float((called == true)[known].mean()), "letters_count": int(known.sum())}
    for least in (0.5, 0.9):
        out[f"read_at_{least}"] = float(((called == true) & (sure >= least))[known].mean())
        out[f"misread_at_{least}"] = float(((called != true) & (sure >= least))[known].mean())
        out[f"none_called_letter_at_{least}"] = float((sure >= least)[classes == NOTHING].mean())
    return {name: round(value, 4) for name, value in out.items()}


def _head() -> str:
    return subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=True).stdout.strip()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--slices", type=Path, required=True)
    parser.add_argument("--fonts", type=Path, nargs="+", required=True)
    parser.add_argument("--canvases", type=int, default=120000)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--commit", default="", help="what the manifest names where there is no git")
    parser.add_argument("--out", type=Path, default=Path("covidct/imaging/panels"))
    args = parser.parse_args()
    fonts = sorted(p for folder in args.fonts for p in folder.iterdir() if p.suffix in (".ttf", ".otf"))
    started = time.time()
    patches, classes = collect(args.canvases, args.seed, args.slices, fonts, args.workers)
    print(f"{len(classes)} marks in {time.time() - started:.0f} s", file=sys.stderr, flush=True)
    model = fit(patches, classes, args.epochs)
    held = collect(3000, args.seed + 1, args.slices, fonts, args.workers)
    with (args.out / "glyphs.npz").open("wb") as handle:
        np.savez_compressed(handle, **{n: v.numpy().astype(np.float16) for n, v in model.state_dict().items()})
    manifest = {
        "file": "glyphs.npz",
        "sha256": hashlib.sha256((args.out / "glyphs.npz").read_bytes()).hexdigest(),
        "command": "python benchmarks/train_glyphs.py "
        f"--canvases {args.canvases} --epochs {args.epochs} --seed {args.seed}",
        "commit": args.commit or _head(),
        "data": f"400 LUNA16 slices (CC BY 4.0), {len(fonts)} font files",
        "fonts": sorted({p.stem for p in fonts}),
        "marks": len(classes),
        "scores": scores(model, *held),
    }
    (args.out / "glyphs.json").write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(manifest["scores"]))


if __name__ == "__main__":
    main()
