"""The work behind ``covidct bench``: options to a request, a request to a run folder, a run to lines on a screen."""

import hashlib
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import click
import platformdirs

from covidct.commands.options import print_json
from covidct.errors import UsageError
from covidct.release.read import Release, default_release, locate_images, read_release
from covidct.train.data import PARTS, BenchData, bench_data
from covidct.train.devices import Devices
from covidct.train.experiment import Plan, run
from covidct.train.intervals import interval_text
from covidct.train.lnm import lnm_start
from covidct.train.methods import INITS, Method, method
from covidct.train.pixels import folder_pictures, open_store, pack
from covidct.train.pretrain import Stage, pretrained
from covidct.train.recipe import MocoRecipe, Recipe, changed, moco_recipes, protocol
from covidct.train.trials import best_recipe
from covidct.train.weights import Start, file_start, imagenet_start, random_start

SSL_PREFIXES = ("moco.", "luna.", "target.")
DEFAULT_MODEL = "crnet"


@dataclass(frozen=True)
class Request:
    """What was asked for, checked and complete."""

    model: str
    method_name: str
    init: str
    recipe: Recipe
    ssl: Mapping[str, MocoRecipe]
    seeds: tuple[int, ...]
    options: Mapping[str, Any]
    fraction: float = 1.0

    @property
    def method(self) -> Method:
        return method(self.method_name)

    @property
    def cache(self) -> Path:
        return cache_folder(self.options)

    @property
    def where(self) -> Devices:
        return Devices(self.options["accelerator"], self.options["devices"])

    @property
    def out(self) -> Path:
        name = "-".join([Path(self.model.partition(":")[0]).stem, self.method_name, self.recipe.protocol])
        return self.options["out"] or Path("runs") / name


def cache_folder(options: Mapping[str, Any]) -> Path:
    """``--cache``, ``COVIDCT_CACHE``, or the user's cache."""
    given = options["cache"] or os.environ.get("COVIDCT_CACHE")
    return Path(given) if given else Path(platformdirs.user_cache_dir("covidct")) / "bench"


def request(options: Mapping[str, Any], fraction: float = 1.0) -> Request:
    """Options of the command line as a Request; a UsageError names what is wrong."""
    starts = options["weights"] or options["init"] not in (None, "random")
    name = options["method"] or ("transfer" if starts else "scratch")
    chosen = method(name)
    init = f"file:{options['weights'].name}" if options["weights"] else options["init"] or chosen.init
    if not options["weights"] and init not in INITS:
        raise UsageError(f"--init {init}: use one of {', '.join(INITS)}, or --weights FILE")
    values: dict[str, Any] = {"rotation": chosen.rotation, "freeze": options["freeze"]}
    values |= {key: options[key] for key in ("epochs", "size") if options[key] is not None}
    given = pairs(options["settings"])
    ssl = {key: value for key, value in given.items() if key.startswith(SSL_PREFIXES)}
    recipe = changed(protocol(options["protocol"]), values | {k: v for k, v in given.items() if k not in ssl})
    stages = moco_recipes(options["protocol"], chosen.ssl, ssl)
    model = options["model"] or DEFAULT_MODEL
    return Request(model, name, init, recipe, stages, seeds(options["seeds"]), options, fraction)


def pairs(settings: tuple[str, ...]) -> dict[str, str]:
    """``NAME=VALUE`` words as a mapping."""
    found = {}
    for word in settings:
        name, equals, value = word.partition("=")
        if not equals:
            raise UsageError(f"--set {word}: write NAME=VALUE")
        found[name] = value
    return found


def seeds(text: str) -> tuple[int, ...]:
    """``0,1,2`` as numbers, each once."""
    try:
        numbers = tuple(int(word) for word in text.split(","))
    except ValueError as error:
        raise UsageError(f"--seeds {text}: write whole numbers with commas, e.g. 0,1,2") from error
    if len(set(numbers)) != len(numbers):
        raise UsageError(f"--seeds {text}: a seed is there twice")
    return numbers


def the_release(options: Mapping[str, Any]) -> Release:
    """``--manifest``, or covid-ct/1.0.0."""
    return read_release(options["manifest"] or default_release())


def images(options: Mapping[str, Any]) -> tuple[Release, dict[str, Path]]:
    """The release that was asked for and where each of its images lies."""
    release = the_release(options)
    return release, locate_images(release, options["images"])


def load(asked: Request) -> BenchData:
    """The release and its decoded pictures: from ``--packed``, or decoded into the cache."""
    if asked.options["packed"]:
        return bench_data(the_release(asked.options), open_store(asked.options["packed"]))
    release, paths = images(asked.options)
    return bench_data(release, pack(paths, asked.recipe.stored, asked.cache / "pixels"))


def start(asked: Request, seed: int, data: BenchData) -> Start:
    """The weights that fine-tuning begins with: those of ``init``, then learned on without labels where asked."""
    begun = base(asked, seed, data)
    for name, recipe in asked.ssl.items():
        own = recipe.seed if recipe.seed >= 0 else seed
        begun = pretrained(asked.model, begun, [stage(asked, name, data)], own, asked.cache, asked.where)
    if begun.note:
        click.echo(f"start of seed {seed}: {begun.note}", err=True)
    return begun


def base(asked: Request, seed: int, data: BenchData) -> Start:
    """Random, ImageNet, LNM or file weights."""
    size, pixels = asked.recipe.size, data.pictures("train").pixels
    if asked.options["weights"]:
        return file_start(asked.model, size, seed, asked.options["weights"], pixels)
    first = random_start(asked.model, size, seed, pixels) if asked.init in ("random", "lnm") else None
    first = first or imagenet_start(asked.model, size, seed)
    if asked.init.endswith("lnm"):
        return lnm_start(asked.model, first, asked.recipe, seed, asked.options["lnm"], asked.cache, asked.where)
    return first


def stage(asked: Request, name: str, data: BenchData) -> Stage:
    """The unlabelled pictures of one pretraining stage: LUNA16 slices, or this release's training images."""
    recipe = asked.ssl[name]
    folder = asked.cache / "pixels"
    if name == "luna":
        store = pack(folder_pictures(luna_folder(asked)), recipe.stored, folder)
        return Stage(name, recipe, store.rows(store.ids), store.digest)
    store = data.store if asked.options["packed"] else pack(images(asked.options)[1], recipe.stored, folder)
    splits = PARTS if asked.options["ssl_images"] == "all" else ("train",)
    ids = [image for split in splits for image in data.parts[split].ids]
    digest = hashlib.sha256("\n".join([store.digest, *ids]).encode()).hexdigest()
    return Stage(name, recipe, store.rows(ids), digest)


def luna_folder(asked: Request) -> Path:
    """``--luna`` or ``COVIDCT_LUNA``; else a UsageError with the command that makes one."""
    given = asked.options["luna"] or os.environ.get("COVIDCT_LUNA")
    if not given:
        raise UsageError(
            f"--method {asked.method_name} learns from LUNA16 slices: give --luna DIR "
            "(made by 'covidct data import luna16 PATH --out DIR')"
        )
    return Path(given)


def execute(asked: Request) -> dict[str, Any]:
    """Train every seed and write the run's files; returns the summary."""
    data = load(asked)
    extra: dict[str, Any] = {"pretraining": {n: asdict(r) for n, r in asked.ssl.items()}} if asked.ssl else {}
    plan = Plan(asked.model, asked.method_name, asked.init, asked.recipe, asked.seeds, asked.fraction, extra)

    def starter(seed: int, part: BenchData) -> Start:
        return start(asked, seed, part)

    if asked.options["trials"]:
        plan = best_recipe(plan, data, starter, asked.out, asked.where, asked.options["trials"])
    return run(plan, data, starter, asked.out, asked.where)


def main(options: Mapping[str, Any], as_json: bool) -> int:
    """One run of ``covidct bench``: scores with intervals, the shortcut baselines beside them, a report."""
    from covidct.commands.bench_baselines import baselines
    from covidct.commands.bench_report import write_report

    asked = request(options)
    found = execute(asked)
    beside = baselines(options) if options["baselines"] else []
    if options["report"]:
        write_report(asked.out, options, beside)
    if as_json:
        print_json({**found, "shortcuts": beside})
    else:
        show(found, beside, asked.out)
    return 0


def show(found: Mapping[str, Any], shortcuts: list[dict[str, Any]], out: Path) -> None:
    """The summary as lines for a person."""
    title = f"{found['model']} {found['method']} ({found['protocol']}) on {found['release']}"
    click.echo(f"{title}, {found['images']} test images")
    for name, score in found["metrics"].items():
        click.echo(f"  {name:<12}{score['mean']:.3f} ± {score['sd']:.3f}  {interval_text(score)}".rstrip())
    for one in shortcuts:
        scores = f"accuracy {one['accuracy']:.3f}, AUC {one['auc']:.3f} [{interval_text(one)}]"
        click.echo(f"  shortcut, no anatomy: {one['name']}: {scores}")
    click.echo(f"files: {out}")
