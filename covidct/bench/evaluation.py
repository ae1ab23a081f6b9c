"""``bench evaluate``, ``bench compare`` and ``bench pretrain``."""

from pathlib import Path
from typing import Any

import torch

from covidct.bench import inputs
from covidct.bench.options import BenchOptions
from covidct.errors import UsageError
from covidct.files import atomic_path
from covidct.intervals import Paired
from covidct.release.read import default_release, read_release
from covidct.train import evaluate as evaluation
from covidct.train.data import PARTS, bench_data, joined
from covidct.train.devices import Devices
from covidct.train.pixels import folder_pictures, pack
from covidct.train.pretrain import Stage, pretrained
from covidct.train.recipe import MocoRecipe, changed
from covidct.train.seen import folder_marks
from covidct.train.weights import file_start, random_start


def evaluate_run(
    run: Path | str,
    manifest: str,
    images: Path | None = None,
    split: str = "all",
    out: Path | None = None,
    model: str | None = None,
) -> dict[str, Any]:
    """Score a finished run on another release; the summary, also left in ``out`` (default: inside the run).

    Images that the run has learned from are left out (``left_out`` counts them by reason). ``model`` is
    ``FILE.py:factory``, for a run whose network is code of one's own. Raises UsageError where nothing is left to score.

    >>> from covidct import evaluate_run
    >>> found = evaluate_run("runs/crnet-scratch-paper", "release", split="test")
    >>> print(found["metrics"]["auc"], found["left_out"])
    """
    run = Path(run)
    recipe = evaluation.run_config(run).get("recipe")
    if recipe is None:
        raise UsageError(
            f"{run}: a run of --protocol robust keeps predictions, not weights: it cannot score other images"
        )
    release = read_release(manifest)
    cache = inputs.cache_folder(BenchOptions())
    store = inputs.decoded(release, images, recipe["size"], cache, recipe.get("view", "whole"))
    data = bench_data(release, store, needed=("test",) if split == "test" else ())
    part = data.parts["test"] if split == "test" else joined([data.parts[split] for split in PARTS])
    if not part.ids or part.truth.min() == part.truth.max():
        raise UsageError(f"{release.title}: scores need images of both classes")
    target = out or run / f"evaluate-{release.name}-{release.version}"
    return evaluation.evaluate(run, data, part, split, target, model)


def compare(first: Path, second: Path, metric: str, manifest: str | None = None) -> tuple[Paired, str]:
    """The paired difference of two runs, and the release whose groups were drawn."""
    release = read_release(manifest or default_release())
    groups = dict(zip(release.images["image_id"], release.images["group_id"], strict=True))
    return evaluation.compare(first, second, metric, groups), release.title


def pretrain(images: Path, out: Path, model: str, weights: Path | None, settings: tuple[str, ...], seed: int) -> str:
    """Momentum contrast on a folder of pictures; leaves a file of weights for ``--weights``; a line about it."""
    where = Devices()
    recipe: MocoRecipe = inputs.settled(changed(MocoRecipe(), inputs.pairs(settings)), BenchOptions())
    cache = inputs.cache_folder(BenchOptions())
    store = pack(folder_pictures(images), recipe.stored, cache / "pixels")
    if len(store.ids) < 2 * recipe.groups:
        raise UsageError(f"{images}: {len(store.ids)} pictures are too few to contrast; give more, or --set groups=1")
    pixels = store.rows(store.ids)
    begun = (
        file_start(model, recipe.size, seed, weights, pixels)
        if weights
        else random_start(model, recipe.size, seed, pixels)
    )
    stage = Stage("folder", recipe, pixels, store.digest, seen=folder_marks(store.sums, pixels))
    done = pretrained(model, begun, [stage], seed, cache, where)
    with atomic_path(out) as part:
        torch.save({"state": done.network.state_dict(), "note": done.note, "seen": sorted(done.seen)}, part)
    return f"{out}: {model} after {recipe.epochs} epochs on {len(store.ids)} pictures. {done.note}"
