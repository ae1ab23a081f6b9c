"""``bench evaluate``, ``bench compare`` and ``bench pretrain``."""

from dataclasses import asdict, replace
from pathlib import Path

import click
import torch

from covidct.commands import bench_inputs, bench_run
from covidct.commands.options import print_json
from covidct.errors import UsageError
from covidct.files import atomic_path
from covidct.release.read import default_release, locate_images, read_release
from covidct.train import evaluate as evaluation
from covidct.train.data import PARTS, bench_data, joined
from covidct.train.devices import Devices
from covidct.train.pixels import folder_pictures, pack
from covidct.train.pretrain import Stage, pretrained
from covidct.train.recipe import MocoRecipe, changed, stored_side
from covidct.train.seen import folder_marks
from covidct.train.weights import file_start, random_start


def main(
    run: Path, manifest: str, images: Path | None, split: str, out: Path | None, as_json: bool, own: str | None = None
) -> int:
    """Score ``run`` on another release."""
    recipe = evaluation.run_config(run).get("recipe")
    if recipe is None:
        raise UsageError(
            f"{run}: a run of --protocol robust keeps predictions, not weights: it cannot score other images"
        )
    release = read_release(manifest)
    cache = bench_inputs.cache_folder({"cache": None})
    store = pack(
        locate_images(release, images), stored_side(recipe["size"]), cache / "pixels", recipe.get("view", "whole")
    )
    data = bench_data(release, store, needed=("test",) if split == "test" else ())
    part = data.parts["test"] if split == "test" else joined([data.parts[split] for split in PARTS])
    if not part.ids or part.truth.min() == part.truth.max():
        raise UsageError(f"{release.title}: scores need images of both classes")
    target = out or run / f"evaluate-{release.name}-{release.version}"
    found = evaluation.evaluate(run, data, part, split, target, own)
    if as_json:
        print_json(found)
    else:
        if found["left_out"]:
            why = ", ".join(f"{count} by {reason}" for reason, count in found["left_out"].items())
            count = sum(found["left_out"].values())
            click.echo(f"{count} images left out, since this run has learned from them ({why})")
        bench_run.show(found, [], target)
        for source, one in found["by_source"].items():
            click.echo(f"  {source}: {one['images']} images, accuracy {one['accuracy']:.3f}, AUC {one['auc']:.3f}")
    return 0


def compare(first: Path, second: Path, metric: str, manifest: str | None, as_json: bool) -> int:
    """Print the paired difference of two runs."""
    release = read_release(manifest or default_release())
    groups = dict(zip(release.images["image_id"], release.images["group_id"], strict=True))
    found = evaluation.compare(first, second, metric, groups)
    if as_json:
        print_json({"metric": metric, "first": str(first), "second": str(second), **asdict(found)})
    else:
        words = f"{found.value:+.3f}, 95 % [{found.low:+.3f}, {found.high:+.3f}], p {found.p:.3f}"
        click.echo(f"{metric} of {second.name} minus {first.name}: {words} (groups of {release.title} resampled)")
    return 0


def pretrain(images: Path, out: Path, model: str, weights: Path | None, settings: tuple[str, ...], seed: int) -> int:
    """Momentum contrast on a folder of pictures; leaves a file of weights for ``--weights``."""
    where = Devices()
    recipe: MocoRecipe = changed(MocoRecipe(), bench_inputs.pairs(settings))
    recipe = replace(recipe, precision=where.precision(recipe.precision))
    cache = bench_inputs.cache_folder({"cache": None})
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
    click.echo(f"{out}: {model} after {recipe.epochs} epochs on {len(store.ids)} pictures. {done.note}")
    return 0
