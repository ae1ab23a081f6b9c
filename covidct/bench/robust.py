"""``covidct bench --protocol robust``: grouped cross-validation, and the fold ensemble that it chooses."""

from collections.abc import Mapping
from dataclasses import asdict, replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from covidct.bench import inputs, training
from covidct.bench.beside import Audited, audited
from covidct.bench.inputs import Request
from covidct.bench.options import BenchOptions
from covidct.bench.training import Trained
from covidct.errors import UsageError
from covidct.progress import progress
from covidct.train.data import BenchData, Part, joined
from covidct.train.ensembles import predictions_of, write_results
from covidct.train.experiment import claim
from covidct.train.folds import Folds, ensemble, grouped_folds, nested_score, ranked
from covidct.train.loop import Job
from covidct.train.networks import code_digest, public_name
from covidct.train.recipe import TRIALS, changed
from covidct.train.robust import Member, fit_member, gather
from covidct.train.seen import Marks, write_seen
from covidct.train.telling import Clock, tell

MOST = 4
"""Candidates in an ensemble at most."""


def robust_run(options: BenchOptions) -> Trained:
    """Train every candidate on every fold, choose by out-of-fold AUC, score test once with the chosen members."""
    wanted = candidates(options)
    training.refuse_unused(list(wanted.values()))
    out: Path = options.out or Path("runs") / "robust"
    found, rows = execute(wanted, options.folds or 5, options.repeats, out)
    beside = audited(options) if options.baselines else Audited([], [], {})
    return Trained({**found, "candidates": rows}, beside.shortcuts, out)


def candidates(options: BenchOptions) -> dict[str, Request]:
    """Every network of ``--model`` by every method of ``--method``, with each of the first ``--trials`` recipes."""
    found = {}
    for model in (options.model or inputs.DEFAULT_MODEL).split(","):
        for method in (options.method or "transfer").split(","):
            base = inputs.request(replace(options, model=model, method=method, seeds="0"))
            name = f"{Path(model.partition(':')[0]).stem}-{method}"
            for number, changes in enumerate(TRIALS[: options.trials] or ({},)):
                recipe = changed(base.recipe, changes)
                found[f"{name}-{number}" if options.trials else name] = replace(base, recipe=recipe)
    return found


def execute(
    wanted: Mapping[str, Request], count: int, repeats: int, out: Path
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The summary of the ensemble, and every candidate's score over the folds, best first; finished members stay."""
    data = {name: inputs.load(one) for name, one in wanted.items()}
    first = next(iter(data.values()))
    pool = joined([first.parts["train"], first.parts["val"]])
    if count > len(set(pool.groups)):
        raise UsageError(f"--folds {count}: training and validation images have {len(set(pool.groups))} groups only")
    folds = [grouped_folds(pool.truth, pool.groups, count, repeat) for repeat in range(repeats)]
    claim(_config(wanted, first, count, repeats), out)
    seen = first.seen("train", "val")
    order = list(product(range(repeats), wanted, range(count)))
    clock = Clock(len(order))
    for number, (repeat, name, fold) in enumerate(progress(order, "folds")):
        seen |= _member(wanted[name], data[name], pool, folds[repeat], Member(name, repeat, fold), out)
        left = f"{number + 1} of {len(order)} members, {clock.tick()}"
        tell("folds", f"{name}, repeat {repeat}, fold {fold}: {left}")
    write_seen(out, seen)
    tried = [one for one in (gather(out, name, folds) for name in wanted) if one is not None]
    chosen, nested = ensemble(tried, pool.truth, folds, MOST), nested_score(tried, pool.truth, folds)
    rows = [{"candidate": c.name, "epoch": c.epoch, "auc": c.auc} for c in ranked(tried, pool.truth, folds)]
    members = predictions_of(out, chosen, folds, repeats)
    return write_results(out, _facts(wanted, first), pool, first.parts["test"], chosen, nested, members), rows


def _facts(wanted: Mapping[str, Request], data: BenchData) -> dict[str, Any]:
    """The first columns of results.csv; several networks or methods are joined by ``+``."""

    def all_of(name: str) -> str:
        return "+".join(dict.fromkeys(str(getattr(one, name)) for one in wanted.values()))

    models = "+".join(dict.fromkeys(public_name(one.model) for one in wanted.values()))
    facts = {"release": data.title, "split": "test", "model": models, "method": all_of("method_name")}
    return facts | {"init": all_of("init"), "protocol": "robust", "fraction": 1.0}


def _config(wanted: Mapping[str, Request], data: BenchData, folds: int, repeats: int) -> dict[str, Any]:
    run = {**_facts(wanted, data), "folds": folds, "repeats": repeats, "seeds": []}
    code = "+".join(dict.fromkeys(code_digest(one.model) for one in wanted.values() if ":" in one.model))
    run |= {"code": code} if code else {}
    trials = next(iter(wanted.values())).options.trials
    run |= {"trials": trials} if trials else {}
    counts = {split: len(part.ids) for split, part in data.parts.items()}
    recipes = {name: {"recipe": asdict(one.recipe), "pretraining": _stages(one)} for name, one in wanted.items()}
    return {"run": run, "data": {"pixels": data.store.digest, **counts}, "candidate": recipes}


def _stages(one: Request) -> dict[str, Any]:
    return {name: asdict(recipe) for name, recipe in one.ssl.items()}


def _member(wanted: Request, data: BenchData, pool: Part, fold: Folds, member: Member, out: Path) -> Marks:
    """Train one member unless it is there; the marks of what its start weights were learned from."""
    target = member.file(out)
    if target.is_file():
        return frozenset()
    inside = fold == member.fold
    train, held = (pool.take([int(row) for row in np.flatnonzero(side)]) for side in (~inside, inside))
    part = replace(data, parts={"train": train, "val": held, "test": data.parts["test"]})
    seed = 1000 * member.repeat + member.fold
    start = training.start(wanted, seed, part)
    folder = target.parent / f"work-{target.stem}"
    job = Job(wanted.model, wanted.recipe, seed, part.pictures("train"), part.pictures("val"), folder)
    fit_member(job, part.pictures("test").pixels, start.network, target, wanted.where)
    folder.rmdir()
    return start.seen
