"""Choosing a recipe on validation images: a fixed list is tried, the same number for every method that is compared."""

from dataclasses import replace
from pathlib import Path

from covidct.errors import UsageError
from covidct.train import results
from covidct.train.checkpoints import read_tensors
from covidct.train.data import BenchData, fraction_of
from covidct.train.devices import Devices
from covidct.train.experiment import Plan, Starter, train
from covidct.train.loop import BEST
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
        train(replace(plan, recipe=recipe), part, starter, seed, folder, where)
        saved = read_tensors(folder / BEST, "remove it to train this trial again")
        settings = " ".join(f"{name}={value}" for name, value in TRIALS[number].items())
        lines.append({"trial": number, "settings": settings, "epoch": saved["epoch"], "val_auc": saved["val_auc"]})
    results.write_csv(out / TRIALS_FILE, lines)
    chosen = max(range(count), key=lambda number: lines[number]["val_auc"])
    extra = {**plan.extra, "trials": {"tried": count, "chosen": chosen}}
    return replace(plan, recipe=changed(plan.recipe, TRIALS[chosen]), extra=extra)
