"""Lung Nodule Malignancy patches as a supervised start: Table IV of the paper."""

import hashlib
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import torch

from covidct.errors import UsageError
from covidct.files import atomic_path
from covidct.train.checkpoints import read_tensors
from covidct.train.devices import Devices, launch
from covidct.train.loop import BEST, START, Job, Pictures, fit
from covidct.train.pixels import folder_pictures, pack
from covidct.train.recipe import Recipe
from covidct.train.weights import Weights

KINDS = ("benign", "malignant")


def read_patches(folder: Path, side: int, cache: Path) -> tuple[Pictures, str]:
    """Patches of ``covidct data import lnm`` (benign/ and malignant/) at ``side`` pixels, and their digest.

    The import has put them through the lung window. The published script instead turned float HU into pictures as they
    were, which makes everything below 0 HU black: the whole lung.
    """
    if not all((folder / kind).is_dir() for kind in KINDS):
        raise UsageError(
            f"{folder}: no benign/ and malignant/ here; make them with 'covidct data import lnm PATH --out DIR'"
        )
    found = {name: path for name, path in folder_pictures(folder).items() if name.partition("/")[0] in KINDS}
    store = pack(found, side, cache / "pixels")
    truth = np.array([float(name.startswith("malignant/")) for name in store.ids])
    if truth.min() == truth.max():
        raise UsageError(f"{folder}: patches of one class only; import LNM again")
    return Pictures(store.rows(store.ids), truth), store.digest


def parts(patches: Pictures, seed: int) -> tuple[Pictures, Pictures]:
    """Three quarters to learn from, one to choose the epoch on, by class. The set has no patient ids: patients leak."""
    rng = np.random.default_rng(seed)
    held = np.zeros(len(patches.truth), dtype=bool)
    for label in (0.0, 1.0):
        rows = np.flatnonzero(patches.truth == label)
        held[rng.permutation(rows)[: max(1, len(rows) // 4)]] = True
    return Pictures(patches.pixels[~held], patches.truth[~held]), Pictures(patches.pixels[held], patches.truth[held])


def lnm_start(
    model: str, first: Weights, recipe: Recipe, seed: int, folder: Path | None, cache: Path, where: Devices
) -> Weights:
    """``first`` after training on LNM; its head is made anew for COVID. Done once for a model, start and seed."""
    if folder is None:
        raise UsageError("--init lnm needs --lnm DIR, made by 'covidct data import lnm PATH --out DIR'")
    ours = replace(recipe, rotation=False, freeze=False)
    patches, digest = read_patches(folder, ours.stored, cache)
    key = hashlib.sha256(repr([model, first.source, digest, asdict(ours), seed]).encode()).hexdigest()
    kept = cache / f"lnm-{Path(model.partition(':')[0]).stem}-{key[:16]}"
    if not (kept / BEST).is_file():
        with atomic_path(kept / START) as half:
            torch.save(first.network.state_dict(), half)
        train, val = parts(patches, seed)
        launch(fit, Job(model, ours, seed, train, val, kept), where, ours.precision)
    state = read_tensors(kept / BEST, f"remove {kept} to train on LNM anew")["state"]
    fresh = {name: value for name, value in first.network.state_dict().items() if name.startswith("head.")}
    first.network.load_state_dict(state | fresh)
    name = "lnm" if first.source == "random" else f"{first.source}+lnm"
    return Weights(
        first.network, name, first.sha256, "; ".join(part for part in (first.note, "LNM") if part), first.seen
    )
