"""Options of ``covidct bench`` as a request, and what it asks for: the release, its images, their pixels."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from math import isfinite
from pathlib import Path
from typing import Any

import platformdirs

from covidct.bench.options import BenchOptions
from covidct.errors import UsageError
from covidct.release.read import Release, default_release, locate_images, read_release
from covidct.release.read.facts import another_picture, array_hash, picture_hash
from covidct.release.read.locate import images_root
from covidct.release.read.materialized import read_listing
from covidct.scaling import scaled
from covidct.train.data import BenchData, bench_data, check_parts
from covidct.train.devices import Devices
from covidct.train.methods import INITS, Method, method
from covidct.train.pixels import PixelStore, open_store, pack
from covidct.train.recipe import MocoRecipe, Recipe, changed, moco_recipes, protocol, stored_side

SSL_PREFIXES = ("moco.", "luna.", "target.")
DEFAULT_MODEL = "crnet"
LEAST_SIDE = 32
"""Pixels that every network of the registry can take."""


@dataclass(frozen=True)
class Request:
    """What was asked for, checked and complete."""

    model: str
    method_name: str
    init: str
    recipe: Recipe
    ssl: Mapping[str, MocoRecipe]
    seeds: tuple[int, ...]
    options: BenchOptions
    fraction: float = 1.0
    normalise: tuple[tuple[float, ...], tuple[float, ...]] | None = None
    """Mean and deviation, in 0 to 1, that a file of weights was made with; None: those of the network's ImageNet."""

    @property
    def method(self) -> Method:
        return method(self.method_name)

    @property
    def cache(self) -> Path:
        return cache_folder(self.options)

    @property
    def where(self) -> Devices:
        return devices(self.options)

    @property
    def out(self) -> Path:
        name = "-".join([Path(self.model.partition(":")[0]).stem, self.method_name, self.recipe.protocol])
        return self.options.out or Path("runs") / name


COMPILE = {None: "auto", True: "on", False: "off"}


def devices(options: BenchOptions) -> Devices:
    """Where training runs."""
    return Devices(options.accelerator, options.devices, COMPILE[options.compile])


def cache_folder(options: BenchOptions) -> Path:
    """``--cache``, ``COVIDCT_CACHE``, or the user's cache."""
    given = options.cache or os.environ.get("COVIDCT_CACHE")
    return Path(given) if given else Path(platformdirs.user_cache_dir("covidct")) / "bench"


def request(options: BenchOptions, fraction: float = 1.0) -> Request:
    """Options of the command line as a Request; a UsageError names what is wrong."""
    starts = options.weights or options.init not in (None, "random")
    name = options.method or ("transfer" if starts else "scratch")
    chosen = method(name)
    init = f"file:{options.weights.name}" if options.weights else options.init or chosen.init
    if not options.weights and init not in INITS:
        raise UsageError(f"--init {init}: use one of {', '.join(INITS)}, or --weights FILE")
    values: dict[str, Any] = {"rotation": chosen.rotation, "freeze": options.freeze}
    sizes = {"epochs": options.epochs, "size": options.size}
    values |= {key: value for key, value in sizes.items() if value is not None}
    given = pairs(options.settings)
    ssl = {key: value for key, value in given.items() if key.startswith(SSL_PREFIXES)}
    recipe = changed(protocol(options.protocol), values | {k: v for k, v in given.items() if k not in ssl})
    stages = moco_recipes(options.protocol, chosen.ssl, ssl)
    recipe, *others = (settled(one, options) for one in (recipe, *stages.values()))
    ssl_recipes = dict(zip(stages, others, strict=True))
    model = options.model or DEFAULT_MODEL
    seen = normalisation(options)
    return Request(model, name, init, recipe, ssl_recipes, seeds(options.seeds), options, fraction, seen)


def normalisation(options: BenchOptions) -> tuple[tuple[float, ...], tuple[float, ...]] | None:
    """``--mean`` and ``--std`` as one or three numbers each; they belong to a file of weights."""
    if options.mean is None and options.std is None:
        return None
    if options.mean is None or options.std is None or not options.weights:
        raise UsageError("--mean, --std and --weights belong together: give all three, or leave the first two out")
    try:
        mean, std = (tuple(float(word) for word in text.split(",")) for text in (options.mean, options.std))
    except ValueError as error:
        raise UsageError(f"--mean {options.mean} --std {options.std}: write 1 or 3 numbers with commas") from error
    if not {len(mean), len(std)} <= {1, 3} or min(std) <= 0 or not all(map(isfinite, mean + std)):
        raise UsageError(f"--mean {options.mean} --std {options.std}: 1 or 3 numbers each, std above 0")
    return mean, std


def settled(recipe: Any, options: BenchOptions) -> Any:
    """``recipe`` with the precision of this machine and ``COVIDCT_SCALE``: config.toml keeps what was computed with."""
    precision = devices(options).precision(recipe.precision)
    return replace(recipe, precision=precision, epochs=scaled(recipe.epochs), size=scaled(recipe.size, LEAST_SIDE))


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


def the_release(options: BenchOptions) -> Release:
    """``--manifest``, or covid-ct/1.0.0."""
    return read_release(options.manifest or default_release())


def images(options: BenchOptions) -> tuple[Release, dict[str, Path]]:
    """The release that was asked for and where each of its images lies."""
    release = the_release(options)
    return release, locate_images(release, options.images)


def load(wanted: Request) -> BenchData:
    """The release and its decoded pictures: from ``--packed``, or decoded into the cache."""
    release = the_release(wanted.options)
    check_parts(release)  # before any picture is looked for
    return bench_data(release, store_for(wanted.options, wanted.recipe.size, wanted.recipe.view))


def store_for(options: BenchOptions, size: int, view: str = "whole") -> PixelStore:
    """The decoded pictures that a network of input ``size`` learns from and looks at."""
    if options.packed and view != "whole":
        raise UsageError(f"--set view={view}: packed pictures are whole ones; give --images instead of --packed")
    release = the_release(options)
    if options.packed:
        store = open_store(options.packed)
        _check_shown(release, store.sums, lambda image: array_hash(store.rows([image])[0]), {})
        return store
    return decoded(release, options.images, size, cache_folder(options), view)


def decoded(release: Release, images: Path | None, size: int, cache: Path, view: str = "whole") -> PixelStore:
    """The pictures of ``release`` for a network of input ``size``, decoded into ``cache``.

    A UsageError where one shows something else than the picture that the release names.
    """
    paths = locate_images(release, images)
    store = pack(paths, stored_side(size), cache / "pixels", view)
    listing = read_listing(images_root(release, images))
    _check_shown(release, store.sums, lambda image: picture_hash(paths[image]), listing)
    return store


def _check_shown(
    release: Release,
    sums: Mapping[str, str],
    seen: Callable[[str], str],
    listing: Mapping[str, Mapping[str, str]],
) -> None:
    """Other bytes than the release's may be a form of its picture (masked, resized), told by the perceptual hash."""
    strange = []
    for image, digest, phash in release.images[["image_id", "sha256", "phash"]].itertuples(index=False, name=None):
        made = listing.get(image, {})
        own = {digest, made.get("sha256") if made.get("source_sha256") == digest else digest}
        if image in sums and sums[image] not in own and another_picture(seen(image), phash):
            strange.append(image)
    if strange:
        raise UsageError(
            f"{strange[0]}: its picture shows something else than the one that {release.title} names ({len(strange)} "
            f"such): give the right pictures; 'covidct manifest validate {release.title} --images DIR' lists all"
        )
