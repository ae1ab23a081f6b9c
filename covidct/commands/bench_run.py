"""The work behind ``covidct bench``: options to a plan, a plan to a run folder, a run folder to lines on the screen."""

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
from covidct.train.methods import INITS, Method, method
from covidct.train.pixels import folder_pictures, pack
from covidct.train.pretrain import Stage, pretrained
from covidct.train.recipe import MocoRecipe, Recipe, changed, moco_recipes, protocol
from covidct.train.weights import Start, file_start, imagenet_start, random_start

SSL_PREFIXES = ("moco.", "luna.", "target.")


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

    @property
    def method(self) -> Method:
        return method(self.method_name)

    @property
    def cache(self) -> Path:
        given = self.options["cache"] or os.environ.get("COVIDCT_CACHE")
        return Path(given) if given else Path(platformdirs.user_cache_dir("covidct")) / "bench"

    @property
    def out(self) -> Path:
        name = "-".join([Path(self.model.partition(":")[0]).stem, self.method_name, self.recipe.protocol])
        return self.options["out"] or Path("runs") / name


def request(options: Mapping[str, Any]) -> Request:
    """Options of the command line as a Request; a UsageError names what is wrong."""
    name = options["method"] or (
        "transfer" if options["weights"] or options["init"] not in (None, "random") else "scratch"
    )
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
    return Request(options["model"], name, init, recipe, stages, seeds(options["seeds"]), options)


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


def images(request: Request) -> tuple[Release, dict[str, Path]]:
    """The release that was asked for and where each of its images lies."""
    release = read_release(request.options["manifest"] or default_release())
    return release, locate_images(release, request.options["images"])


def load(request: Request) -> BenchData:
    """The release and its decoded pictures."""
    release, paths = images(request)
    return bench_data(release, pack(paths, request.recipe.stored, request.cache / "pixels"))


def start(request: Request, seed: int, data: BenchData) -> Start:
    """The weights that fine-tuning begins with: those of ``init``, then learned on without labels where asked."""
    begun = base(request, seed, data)
    for name, recipe in request.ssl.items():
        own = recipe.seed if recipe.seed >= 0 else seed
        begun = pretrained(request.model, begun, [stage(request, name, data)], own, request.cache, devices(request))
    if begun.note:
        click.echo(f"start of seed {seed}: {begun.note}", err=True)
    return begun


def stage(request: Request, name: str, data: BenchData) -> Stage:
    """The unlabelled pictures of one pretraining stage: LUNA16 slices, or this release's training images."""
    recipe = request.ssl[name]
    folder = request.cache / "pixels"
    if name == "luna":
        store = pack(folder_pictures(luna_folder(request)), recipe.stored, folder)
        return Stage(name, recipe, store.rows(store.ids), store.digest)
    store = pack(images(request)[1], recipe.stored, folder)
    splits = PARTS if request.options["ssl_images"] == "all" else ("train",)
    ids = [image for split in splits for image in data.parts[split].ids]
    digest = hashlib.sha256("\n".join([store.digest, *ids]).encode()).hexdigest()
    return Stage(name, recipe, store.rows(ids), digest)


def luna_folder(request: Request) -> Path:
    """``--luna`` or ``COVIDCT_LUNA``; else a UsageError with the command that makes one."""
    given = request.options["luna"] or os.environ.get("COVIDCT_LUNA")
    if not given:
        raise UsageError(
            f"--method {request.method_name} learns from LUNA16 slices: give --luna DIR "
            "(made by 'covidct data import luna16 PATH')"
        )
    return Path(given)


def devices(request: Request) -> Devices:
    return Devices(request.options["accelerator"], request.options["devices"])


def base(request: Request, seed: int, data: BenchData) -> Start:
    """Random, ImageNet or file weights."""
    size, pixels = request.recipe.size, data.pictures("train").pixels
    if request.options["weights"]:
        return file_start(request.model, size, seed, request.options["weights"], pixels)
    if request.init == "random":
        return random_start(request.model, size, seed, pixels)
    return imagenet_start(request.model, size, seed)


def main(as_json: bool, **options: Any) -> int:
    """One run of ``covidct bench``; prints the scores with their intervals."""
    asked = request(options)
    data = load(asked)
    extra = {"pretraining": {name: asdict(recipe) for name, recipe in asked.ssl.items()}} if asked.ssl else {}
    plan = Plan(asked.model, asked.method_name, asked.init, asked.recipe, asked.seeds, extra=extra)
    found = run(plan, data, lambda seed, part: start(asked, seed, part), asked.out, devices(asked))
    if as_json:
        print_json(found)
    else:
        show(found, asked.out)
    return 0


def show(found: Mapping[str, Any], out: Path) -> None:
    """The summary as lines for a person."""
    click.echo(
        f"{found['model']} {found['method']} ({found['protocol']}) on {found['release']}, {found['images']} test images"
    )
    for name, score in found["metrics"].items():
        interval = f"  [{score['low']:.3f}, {score['high']:.3f}]" if "low" in score else ""
        click.echo(f"  {name:<12}{score['mean']:.3f} ± {score['sd']:.3f}{interval}")
    click.echo(f"files: {out}")
