"""Choosing a recipe on validation images: a fixed list is tried, the same number for every method that is compared."""

from dataclasses import replace
from pathlib import Path

import torch

from covidct.errors import UsageError
from covidct.files import atomic_path
from covidct.train import results
from covidct.train.data import BenchData, fraction_of
from covidct.train.devices import Devices, launch
from covidct.train.experiment import Plan, Starter
from covidct.train.loop import BEST, START, Job, fit
from covidct.train.recipe import TRIALS, changed

TRIALS_FILE = "trials.csv"


def best_recipe(plan: Plan, data: BenchData, starter: Starter, out: Path, where: Devices, count: int) -> Plan:
    """``plan`` with the recipe of the first ``count`` trials whose validation AUC is highest; test is never looked at.

    Each trial is the first seed's run; all of them are written to trials.csv.
    """
    if count > len(TRIALS):
        raise UsageError(f"--trials {count}: there are {len(TRIALS)} recipes to try")
    seed = plan.seeds[0]
    part = fraction_of(data, plan.fraction, seed)
    lines = []
    for number in range(count):
        recipe = changed(plan.recipe, TRIALS[number])
        folder = out / f"trial-{number}"
        if not (folder / BEST).is_file():
            if not (folder / START).is_file():
                with atomic_path(folder / START) as half:
                    torch.save(starter(seed, part).network.state_dict(), half)
            job = Job(plan.model, recipe, seed, part.pictures("train"), part.pictures("val"), folder)
            launch(fit, job, where, recipe.precision)
        saved = torch.load(folder / BEST, weights_only=True)
        settings = " ".join(f"{name}={value}" for name, value in TRIALS[number].items())
        lines.append({"trial": number, "settings": settings, "epoch": saved["epoch"], "val_auc": saved["val_auc"]})
    results.write_csv(out / TRIALS_FILE, lines)
    chosen = max(range(count), key=lambda number: lines[number]["val_auc"])
    extra = {**plan.extra, "trials": {"tried": count, "chosen": chosen}}
    return replace(plan, recipe=changed(plan.recipe, TRIALS[chosen]), extra=extra)
