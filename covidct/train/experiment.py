"""A row of a table: one model, method and start over several seeds; finished seeds and epochs are never done twice."""

import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch

from covidct.errors import CovidctError, UsageError
from covidct.files import atomic_path, read_document, write_bytes, write_text
from covidct.models import count_parameters
from covidct.scores import best_threshold
from covidct.train import results
from covidct.train.checkpoints import read_tensors, why
from covidct.train.data import BenchData, fraction_of
from covidct.train.devices import Devices, launch
from covidct.train.loop import BEST, LAST, START, Job, fit, probabilities, scaled
from covidct.train.networks import build_saved, code_digest, code_file, fitting, public_name
from covidct.train.recipe import Recipe
from covidct.train.seen import write_seen
from covidct.train.weights import Weights

NETWORK = "network.py"
"""The code of a network of one's own, as it was when the run was trained."""
START_NOTE = "start.json"
"""Where a seed's start weights come from: source, sha256 of the file, stages without labels."""

Starter = Callable[[int, BenchData], Weights]
"""(seed, data) to the network that training begins with."""


@dataclass(frozen=True)
class Plan:
    """What is run and how it is named in the tables."""

    model: str
    method: str
    init: str
    recipe: Recipe
    seeds: tuple[int, ...]
    fraction: float = 1.0
    extra: Mapping[str, Any] = field(default_factory=dict)
    """Further settings that shaped the start weights; they go into config.toml."""
    keep_checkpoints: bool = False
    """Keep start weights and last checkpoint of finished seeds: three to five times the size of the best weights."""
    log: str = "csv"

    def facts(self, data: BenchData) -> dict[str, Any]:
        """The first columns of results.csv."""
        return {
            "release": data.title,
            "split": "test",
            "model": public_name(self.model),
            "method": self.method,
            "init": self.init,
            "protocol": self.recipe.protocol,
            "fraction": self.fraction,
        }


def run(plan: Plan, data: BenchData, starter: Starter, out: Path, where: Devices) -> dict[str, Any]:
    """Train every seed of ``plan``, then write the contract's files into ``out``; returns the summary."""
    claim(_config(plan, data), out)
    code = code_file(plan.model)
    if code is not None:
        write_bytes(out / NETWORK, code.read_bytes())
    found = [_seed(plan, data, starter, seed, out, where) for seed in plan.seeds]
    write_seen(out, frozenset().union(*(seen_by(out / f"seed-{seed}", plan.model) for seed in plan.seeds)))
    write_text(out / results.CONFIG, results.toml({**_config(plan, data), "start": start_of(out, plan.seeds[0])}))
    return _write(plan, data, found, out)


def _config(plan: Plan, data: BenchData) -> dict[str, Any]:
    facts = plan.facts(data)
    counts = {split: len(part.ids) for split, part in data.parts.items()}
    return {
        "run": {
            **facts,
            **({"code": code_digest(plan.model)} if ":" in plan.model else {}),
            "seeds": list(plan.seeds),
            "parameters": count_parameters(fitting(plan.model, plan.recipe.size)),
        },
        "recipe": asdict(plan.recipe),
        "data": {"pixels": data.store.digest, **counts},
        **plan.extra,
    }


def start_of(out: Path, seed: int) -> dict[str, Any]:
    """Where the start weights of ``seed`` came from, and how inputs are normalised; empty where nothing was kept."""
    path = out / f"seed-{seed}" / START_NOTE
    facts = read_document(path) if path.is_file() else {}
    return {name: value for name, value in facts.items() if value and name != "seen"}


def claim(config: Mapping[str, Any], out: Path) -> None:
    """Write config.toml, or check that the one which is there asks for the same; more seeds may be added."""
    path = out / results.CONFIG
    if path.is_file():
        old = read_document(path, tomllib.loads, "; give another --out")
        differing = _difference(old, tomllib.loads(results.toml(config)))
        if differing:
            raise UsageError(f"{out}: holds another run ({differing} differs); give another --out, or remove it")
    write_text(path, results.toml(config))


def _difference(old: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    """The first setting that two configs do not share, seeds left aside; empty where there is none.

    ``start`` is what a run found and not what it was asked for: it is there only once the run is finished.
    """
    for section in sorted({*old, *new} - {"start"}):
        one, two = dict(old.get(section, {})), dict(new.get(section, {}))
        for key in sorted({*one, *two} - {"seeds", "repeats"}):
            if one.get(key) != two.get(key):
                return f"{section}.{key}"
    return ""


def _seed(plan: Plan, data: BenchData, starter: Starter, seed: int, out: Path, where: Devices) -> results.SeedResult:
    folder = out / f"seed-{seed}"
    data = fraction_of(data, plan.fraction, seed)
    train(plan, data, starter, seed, folder, where)
    return score_seed(folder, seed, data, plan.model)


def train(plan: Plan, data: BenchData, starter: Starter, seed: int, folder: Path, where: Devices) -> None:
    """Train one seed in ``folder`` to its end; start weights, epochs and ends that are there are not made again.

    Where the best weights are complete, start weights and the last checkpoint go unless they are to be kept.
    """
    if not (folder / BEST).is_file():
        _train(plan, data, starter, seed, folder, where)
    if not plan.keep_checkpoints:
        for name in (START, LAST):
            (folder / name).unlink(missing_ok=True)


def _train(plan: Plan, data: BenchData, starter: Starter, seed: int, folder: Path, where: Devices) -> None:
    if not (folder / START).is_file():
        start = starter(seed, data)
        seen = sorted(start.seen | data.seen("train", "val"))
        results.write_json(folder / START_NOTE, {**start.facts(), "seen": seen})
        with atomic_path(folder / START) as part:
            torch.save(start.network.state_dict(), part)
    seen = read_document(folder / START_NOTE).get("seen", [])
    job = Job(plan.model, plan.recipe, seed, data.pictures("train"), data.pictures("val"), folder, seen, plan.log)
    launch(fit, job, where, plan.recipe.precision)


def seen_by(folder: Path, own: str) -> frozenset[str]:
    """The marks that a finished seed's weights carry."""
    return frozenset(load_best(folder, own)[1].get("seen", ()))


def score_seed(folder: Path, seed: int, data: BenchData, own: str | None = None) -> results.SeedResult:
    """Probabilities of a finished seed on validation and test, from its best weights."""
    network, saved = load_best(folder, own)
    val, test = (
        probabilities(network, scaled(torch.from_numpy(data.pictures(split).pixels), saved["size"]))
        for split in ("val", "test")
    )
    return results.SeedResult(seed, saved["epoch"], saved["val_auc"], val, test)


def load_best(folder: Path, own: str | None = None) -> tuple[Any, dict[str, Any]]:
    """The trained network in a seed's folder, and the facts saved with it (model, code, size, epoch, val_auc, seen).

    ``own`` is ``FILE.py:factory`` as the caller names it, for runs whose network is no one of the registry.
    """
    path = folder / BEST
    if not path.is_file():
        raise UsageError(f"{path}: not there; train this run first ('covidct bench'), or copy its weights here")
    saved = read_tensors(path, "train this run again, or copy its weights here")
    try:
        network = build_saved(saved, folder, own)
        network.load_state_dict(saved["state"])
    except (RuntimeError, KeyError, ValueError, TypeError) as error:
        raise CovidctError(f"{path}: not the weights of this model ({why(error)})") from error
    return network.eval(), saved


def _write(plan: Plan, data: BenchData, found: Sequence[results.SeedResult], out: Path) -> dict[str, Any]:
    val, test = data.parts["val"], data.parts["test"]
    facts = plan.facts(data)
    cuts = [best_threshold(val.truth, one.val) for one in found]
    lines = [results.row(facts, one, cut, test) for one, cut in zip(found, cuts, strict=True)]
    every_line = [
        line
        for one in found
        for split, part, values in (("val", val, one.val), ("test", test, one.test))
        for line in results.predictions(one.seed, split, part, values)
    ]
    return results.write_run(out, lines, every_line, results.summary(facts, found, cuts, test))
