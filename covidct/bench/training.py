"""The work behind ``covidct bench``: a request to start weights, to a run folder, a run to lines on a screen."""

import hashlib
import logging
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from covidct.bench.beside import Audited, audited
from covidct.bench.inputs import SSL_PREFIXES, Request, images, load, pairs, request
from covidct.bench.options import BenchOptions
from covidct.bench.reporting import write_report
from covidct.errors import UsageError
from covidct.files import sha256_file
from covidct.train.data import PARTS, BenchData
from covidct.train.experiment import Plan, run
from covidct.train.lnm import lnm_start
from covidct.train.pixels import PixelStore, folder_pictures, pack
from covidct.train.pretrain import Stage, pretrained
from covidct.train.recipe import MocoRecipe
from covidct.train.seen import folder_marks
from covidct.train.telling import check_log
from covidct.train.trials import best_recipe
from covidct.train.weights import Weights, file_start, imagenet_start, random_start

LOG = logging.getLogger(__name__)


def start(wanted: Request, seed: int, data: BenchData) -> Weights:
    """The weights that fine-tuning begins with: those of ``init``, then learned on without labels where asked."""
    begun = base(wanted, seed, data)
    for name, recipe in wanted.ssl.items():
        own = recipe.seed if recipe.seed >= 0 else seed
        begun = pretrained(wanted.model, begun, [stage(wanted, name, data)], own, wanted.cache, wanted.where)
    if begun.note:
        LOG.warning("start of seed %d: %s", seed, begun.note)
    return begun


def base(wanted: Request, seed: int, data: BenchData) -> Weights:
    """Random, ImageNet, LNM or file weights."""
    size, pixels = wanted.recipe.size, data.pictures("train").pixels
    if wanted.options.weights:
        begun = file_start(wanted.model, size, seed, wanted.options.weights, pixels)
        if wanted.normalise:
            begun.network.normalise(*wanted.normalise)
        return begun
    first = random_start(wanted.model, size, seed, pixels) if wanted.init in ("random", "lnm") else None
    first = first or imagenet_start(wanted.model, size, seed)
    if wanted.init.endswith("lnm"):
        return lnm_start(wanted.model, first, wanted.recipe, seed, wanted.options.lnm, wanted.cache, wanted.where)
    return first


def stage(wanted: Request, name: str, data: BenchData) -> Stage:
    """The unlabelled pictures of one pretraining stage: LUNA16 slices, or this release's training images."""
    recipe = wanted.ssl[name]
    if name == "luna":
        return slices_stage(pack(folder_pictures(luna_folder(wanted)), recipe.stored, wanted.cache / "pixels"), recipe)
    store = data.store
    if not wanted.options.packed:
        store = pack(images(wanted.options)[1], recipe.stored, wanted.cache / "pixels")
    every = wanted.options.ssl_images == "all"
    splits = PARTS if every else ("train",)
    ids = [image for split in splits for image in data.parts[split].ids]
    digest = hashlib.sha256("\n".join([store.digest, *ids]).encode()).hexdigest()
    found = Stage(name, recipe, store.rows(ids), digest, seen=data.seen(*splits))
    val = data.parts["val"]
    return found if every else replace(found, held=store.rows(val.ids), held_names=tuple(map(str, val.truth)))


def slices_stage(store: PixelStore, recipe: MocoRecipe) -> Stage:
    """LUNA16 slices, named ``SUBJECT.mhd_z``; every 1/``held``-th subject is kept for the probe."""
    subjects = np.array([name.partition(".mhd")[0] for name in store.ids])
    kinds, place = np.unique(subjects, return_inverse=True)
    out = np.diff(np.floor(np.arange(len(kinds) + 1) * recipe.held)).astype(bool)[place]
    learned = store.rows([one for one, held in zip(store.ids, out, strict=True) if not held])
    sums = {one: store.sums[one] for one, held in zip(store.ids, out, strict=True) if not held and one in store.sums}
    found = Stage("luna", recipe, learned, store.digest, seen=folder_marks(sums, learned))
    return replace(found, held=np.asarray(store.pixels[out]), held_names=tuple(subjects[out])) if out.any() else found


def luna_folder(wanted: Request) -> Path:
    """``--luna`` or ``COVIDCT_LUNA``; else a UsageError with the command that makes one."""
    given = wanted.options.luna or os.environ.get("COVIDCT_LUNA")
    if not given:
        raise UsageError(
            f"--method {wanted.method_name} learns from LUNA16 slices: give --luna DIR "
            "(made by 'covidct data import luna16 PATH --out DIR')"
        )
    return Path(given)


def digest_of(path: Path) -> str:
    """The sha256 of a file of weights; a UsageError where there is none."""
    if not path.is_file():
        raise UsageError(f"{path}: no such file of weights")
    return sha256_file(path)


def execute(wanted: Request) -> dict[str, Any]:
    """Train every seed and write the run's files; returns the summary."""
    check_log(wanted.options.log)
    data = load(wanted)
    extra: dict[str, Any] = {"pretraining": {n: asdict(r) for n, r in wanted.ssl.items()}} if wanted.ssl else {}
    if wanted.options.weights:
        extra["weights"] = {"sha256": digest_of(wanted.options.weights)}
        if wanted.normalise:
            extra["weights"] |= dict(zip(("mean", "std"), wanted.normalise, strict=True))
    plan = Plan(
        wanted.model,
        wanted.method_name,
        wanted.init,
        wanted.recipe,
        wanted.seeds,
        wanted.fraction,
        extra,
        wanted.options.keep_checkpoints,
        wanted.options.log,
    )

    def starter(seed: int, part: BenchData) -> Weights:
        return start(wanted, seed, part)

    if wanted.options.trials:
        plan = best_recipe(plan, data, starter, wanted.out, wanted.where, wanted.options.trials)
    return run(plan, data, starter, wanted.out, wanted.where)


@dataclass(frozen=True)
class Trained:
    """A finished run: its summary, the shortcut classifiers' rows beside it, and its folder."""

    summary: dict[str, Any]
    shortcuts: list[dict[str, Any]]
    out: Path


def train_model(options: BenchOptions) -> Trained:
    """Train one network by one method over the seeds, score it, and leave the run's files in its folder.

    A folder that holds the same run goes on where that stopped. Raises UsageError for what cannot be done as asked.

    >>> from covidct import BenchOptions, train_model
    >>> found = train_model(BenchOptions(model="crnet", manifest="release", size=32, epochs=1))
    >>> print(found.summary["metrics"]["auc"], found.out)
    """
    wanted = request(options)
    refuse_unused([wanted])
    found = execute(wanted)
    beside = audited(options) if options.baselines else Audited([], [], {})
    if options.report:
        write_report(wanted.out, options, beside)
    return Trained(found, beside.shortcuts, wanted.out)


def refuse_unused(wanted: Sequence[Request]) -> None:
    """A UsageError for pictures or settings that were given and that none of these runs ever looks at."""
    options, ssl = wanted[0].options, {name for one in wanted for name in one.ssl}
    stages = {*ssl, *({"moco"} if ssl else ())}
    unused = {
        "--luna": options.luna and "luna" not in ssl,
        "--lnm": options.lnm and not any(one.init.endswith("lnm") for one in wanted),
        "--ssl-images all": options.ssl_images == "all" and "target" not in ssl,
    }
    for name in pairs(options.settings):
        unused[f"--set {name}"] = name.startswith(SSL_PREFIXES) and name.partition(".")[0] not in stages
    for option, given in unused.items():
        if given:
            names = ", ".join(dict.fromkeys(one.method_name for one in wanted))
            raise UsageError(f"{option} is not used by method {names}: leave it out")
