"""``covidct bench --config FILE``: the options that a run's config.toml stands for, so that it can be made again."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from covidct.bench import inputs
from covidct.bench.options import BenchOptions
from covidct.bench.training import digest_of
from covidct.errors import UsageError
from covidct.train.evaluate import read_config
from covidct.train.networks import code_digest, public_name

NOT_SETTINGS = {"protocol", "rotation", "freeze"}
"""Parts of a recipe that the protocol, the method and ``--freeze`` say."""


def repeated(options: BenchOptions) -> BenchOptions:
    """``options`` with what ``options.config`` says of model, method, recipe and seeds.

    Pictures, folders and devices stay as given. A UsageError where the release, the code of a network of one's own or
    the file of weights is not the one that the run was made with, or where the file is no config of a run.
    """
    if options.config is None:
        return options
    config = read_config(options.config)
    try:
        return _filled(options, config, options.config)
    except (KeyError, TypeError, AttributeError) as error:
        raise UsageError(
            f"{options.config}: not the config.toml of a run ({error} is missing or of another kind)"
        ) from error


def _filled(options: BenchOptions, config: Mapping[str, Any], path: Path) -> BenchOptions:
    run = config["run"]
    _same_inputs(options, config, path)
    robust = run["protocol"] == "robust" and "candidate" in config
    first = next(iter(config["candidate"].values())) if robust else config
    weights = config.get("weights", {})
    shared = {
        "model": options.model or run["model"].replace("+", ","),
        "method": run["method"].replace("+", ",") if robust else run["method"],
        "init": None if run["init"].startswith("file:") or robust else run["init"],
        "protocol": run["protocol"],
        "settings": tuple(_settings(first)),
        "freeze": bool(first["recipe"]["freeze"]),
        "mean": _numbers(weights.get("mean")),
        "std": _numbers(weights.get("std")),
    }
    if robust:
        return replace(options, **shared, folds=run["folds"], repeats=run["repeats"], trials=run.get("trials", 0))
    if run["fraction"] != 1:
        raise UsageError(f"{path}: one point of a learning curve; repeat the curve with --fractions")
    return replace(options, **shared, seeds=",".join(map(str, run["seeds"])))


def _settings(config: Mapping[str, Any]) -> Iterator[str]:
    """The recipes of ``config`` as words ``NAME=VALUE`` of ``--set``."""
    yield from (word for word in _flat(config["recipe"], "") if word.partition("=")[0] not in NOT_SETTINGS)
    for stage, recipe in config.get("pretraining", {}).items():
        yield from _flat(recipe, f"{stage}.")


def _flat(recipe: Mapping[str, Any], prefix: str) -> Iterator[str]:
    for name, value in recipe.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}={value}"


def _numbers(values: Any) -> str | None:
    return ",".join(map(str, values)) if values else None


def _same_inputs(options: BenchOptions, config: Mapping[str, Any], path: Path) -> None:
    """A UsageError where what the run was made with has to be named, or another was given."""
    run, sha = config["run"], config.get("weights", {}).get("sha256", "")
    title = inputs.the_release(options).title
    if title != run["release"]:
        raise UsageError(f"{path}: made on {run['release']}, not {title}; give that release with --manifest")
    if ":" in run["model"] or run.get("code"):
        _same_code(options, run, path)
    elif options.model:
        raise UsageError(f"--model {options.model}: {path} says which network; leave it out")
    if bool(sha) != bool(options.weights) or (options.weights and digest_of(options.weights) != sha):
        wanted = f"--weights with the file whose sha256 is {sha}" if sha else "no --weights"
        raise UsageError(f"{path}: this run takes {wanted}")


def _same_code(options: BenchOptions, run: Mapping[str, Any], path: Path) -> None:
    """A UsageError where the caller did not name the code of the run's networks: a file that came along starts none."""
    named = (options.model or "").split(",")
    digests = "+".join(code_digest(name) for name in named if ":" in name)
    if "+".join(map(public_name, named)) != run["model"] or digests != run.get("code"):
        raise UsageError(
            f"{path}: made with code of its own ({run['model']}); name the same file with --model FILE.py:factory"
        )
