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
from covidct.train.weights import Start, file_start, imagenet_start, random_start

LOG = logging.getLogger(__name__)


def start(asked: Request, seed: int, data: BenchData) -> Start:
    """The weights that fine-tuning begins with: those of ``init``, then learned on without labels where asked."""
    begun = base(asked, seed, data)
    for name, recipe in asked.ssl.items():
        own = recipe.seed if recipe.seed >= 0 else seed
        begun = pretrained(asked.model, begun, [stage(asked, name, data)], own, asked.cache, asked.where)
    if begun.note:
        LOG.warning("start of seed %d: %s", seed, begun.note)
    return begun


def base(asked: Request, seed: int, data: BenchData) -> Start:
    """Random, ImageNet, LNM or file weights."""
    size, pixels = asked.recipe.size, data.pictures("train").pixels
    if asked.options.weights:
        begun = file_start(asked.model, size, seed, asked.options.weights, pixels)
        if asked.normalise:
            begun.network.normalise(*asked.normalise)
        return begun
    first = random_start(asked.model, size, seed, pixels) if asked.init in ("random", "lnm") else None
    first = first or imagenet_start(asked.model, size, seed)
    if asked.init.endswith("lnm"):
        return lnm_start(asked.model, first, asked.recipe, seed, asked.options.lnm, asked.cache, asked.where)
    return first


def stage(asked: Request, name: str, data: BenchData) -> Stage:
    """The unlabelled pictures of one pretraining stage: LUNA16 slices, or this release's training images."""
    recipe = asked.ssl[name]
    if name == "luna":
        return slices_stage(pack(folder_pictures(luna_folder(asked)), recipe.stored, asked.cache / "pixels"), recipe)
    store = data.store
    if not asked.options.packed:
        store = pack(images(asked.options)[1], recipe.stored, asked.cache / "pixels")
    every = asked.options.ssl_images == "all"
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


def luna_folder(asked: Request) -> Path:
    """``--luna`` or ``COVIDCT_LUNA``; else a UsageError with the command that makes one."""
    given = asked.options.luna or os.environ.get("COVIDCT_LUNA")
    if not given:
        raise UsageError(
            f"--method {asked.method_name} learns from LUNA16 slices: give --luna DIR "
            "(made by 'covidct data import luna16 PATH --out DIR')"
        )
    return Path(given)


def digest_of(path: Path) -> str:
    """The sha256 of a file of weights; a UsageError where there is none."""
    if not path.is_file():
        raise UsageError(f"{path}: no such file of weights")
    return sha256_file(path)


def execute(asked: Request) -> dict[str, Any]:
    """Train every seed and write the run's files; returns the summary."""
    check_log(asked.options.log)
    data = load(asked)
    extra: dict[str, Any] = {"pretraining": {n: asdict(r) for n, r in asked.ssl.items()}} if asked.ssl else {}
    if asked.options.weights:
        extra["weights"] = {"sha256": digest_of(asked.options.weights)}
        if asked.normalise:
            extra["weights"] |= dict(zip(("mean", "std"), asked.normalise, strict=True))
    plan = Plan(
        asked.model,
        asked.method_name,
        asked.init,
        asked.recipe,
        asked.seeds,
        asked.fraction,
        extra,
        asked.options.keep_checkpoints,
        asked.options.log,
    )

    def starter(seed: int, part: BenchData) -> Start:
        return start(asked, seed, part)

    if asked.options.trials:
        plan = best_recipe(plan, data, starter, asked.out, asked.where, asked.options.trials)
    return run(plan, data, starter, asked.out, asked.where)


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
    asked = request(options)
    refuse_unused([asked])
    found = execute(asked)
    beside = audited(options) if options.baselines else Audited([], [], {})
    if options.report:
        write_report(asked.out, options, beside)
    return Trained(found, beside.shortcuts, asked.out)


def refuse_unused(asked: Sequence[Request]) -> None:
    """A UsageError for pictures or settings that were given and that none of these runs ever looks at."""
    options, ssl = asked[0].options, {name for one in asked for name in one.ssl}
    stages = {*ssl, *({"moco"} if ssl else ())}
    unused = {
        "--luna": options.luna and "luna" not in ssl,
        "--lnm": options.lnm and not any(one.init.endswith("lnm") for one in asked),
        "--ssl-images all": options.ssl_images == "all" and "target" not in ssl,
    }
    for name in pairs(options.settings):
        unused[f"--set {name}"] = name.startswith(SSL_PREFIXES) and name.partition(".")[0] not in stages
    for option, given in unused.items():
        if given:
            names = ", ".join(dict.fromkeys(one.method_name for one in asked))
            raise UsageError(f"{option} is not used by method {names}: leave it out")
