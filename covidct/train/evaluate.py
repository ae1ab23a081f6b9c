"""A trained run on another release: external validation, by source and by group."""

import tomllib
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from covidct.errors import CovidctError, UsageError
from covidct.files import read_document
from covidct.intervals import Paired, paired
from covidct.scores import best_threshold
from covidct.train import results
from covidct.train.data import BenchData, Part
from covidct.train.experiment import load_best
from covidct.train.loop import probabilities, scaled
from covidct.train.seen import known, read_seen


def run_config(folder: Path) -> dict[str, Any]:
    """The resolved settings a run was made with."""
    config = read_config(folder / results.CONFIG)
    run = config.get("run")
    if not isinstance(run, dict) or not all(type(seed) is int for seed in run.get("seeds", [""])):
        raise CovidctError(
            f"{folder / results.CONFIG}: names no run with whole numbers as seeds; run 'covidct bench' again"
        )
    return config


def read_config(path: Path) -> dict[str, Any]:
    """The settings in a run's config.toml."""
    if not path.is_file():
        raise UsageError(f"{path.parent}: no {path.name}; give a run of 'covidct bench'")
    return dict(read_document(path, tomllib.loads))


def unseen(run: Path, data: BenchData, part: Part) -> tuple[Part, dict[str, int]]:
    """``part`` without what ``run`` has learned from, and how many images were left out for each reason.

    A UsageError where what is left does not hold both classes.
    """
    groups = dict(zip(part.ids, part.groups, strict=True))
    reasons = known({image: data.marks[image] for image in part.ids}, groups, read_seen(run))
    left = part.take([row for row, image in enumerate(part.ids) if image not in reasons])
    if not left.ids or left.truth.min() == left.truth.max():
        raise UsageError(
            f"{data.title}: of {len(part.ids)} images {len(reasons)} shaped this run (same file, like pixels, same "
            "group); what is left does not hold both classes, so there is nothing to score"
        )
    return left, dict(Counter(reasons.values()))


def evaluate(run: Path, data: BenchData, part: Part, split: str, out: Path, code: str | None = None) -> dict[str, Any]:
    """Score every seed of ``run`` on ``part``; thresholds come from the run's own validation images.

    Images that the run has learned from are left out and counted. ``code`` names code of one's own.
    """
    part, left_out = unseen(run, data, part)
    facts: dict[str, Any] = {**run_config(run)["run"], "release": data.title, "split": split}
    trained_on = run_config(run)["run"]["release"]
    seeds = facts.pop("seeds")
    facts.pop("parameters", None)
    own = results.read_predictions(run, "val")
    found, cuts = [], []
    for seed in seeds:
        network, saved = load_best(run / f"seed-{seed}", code)
        inputs = scaled(torch.from_numpy(data.store.rows(part.ids)), saved["size"])
        scored = probabilities(network, inputs)
        found.append(results.SeedResult(seed, saved["epoch"], saved["val_auc"], own.runs[seed], scored))
        cuts.append(best_threshold(own.truth, own.runs[seed]))
    summary = results.summary(facts, found, cuts, part) | {"trained_on": trained_on, "left_out": left_out}
    lines = [results.row(facts, one, cut, part) for one, cut in zip(found, cuts, strict=True)]
    written = [line for one in found for line in results.predictions(one.seed, split, part, one.test)]
    results.write_csv(out / "groups.csv", by_group(found, part))
    return results.write_run(out, lines, written, summary)


def by_group(found: list[results.SeedResult], part: Part) -> list[dict[str, Any]]:
    """One line a group: its images, share of COVID, mean probability over seeds, share of images called right."""
    mean = np.mean([one.test for one in found], axis=0)
    right = (mean >= 0.5) == (part.truth > 0.5)
    table = pd.DataFrame(
        {"group_id": part.groups, "covid": part.truth.astype(int), "probability": mean, "right": right}
    )
    rows = table.groupby("group_id").agg(
        images=("covid", "size"), covid=("covid", "sum"), probability=("probability", "mean"), right=("right", "mean")
    )
    return [{str(key): value for key, value in row.items()} for row in rows.reset_index().to_dict("records")]


def compare(first: Path, second: Path, metric: str, groups: Mapping[str, str]) -> Paired:
    """Second run minus first on the test images they share, resampled over ``groups`` (image id to group)."""
    one, two = results.read_predictions(first, "test"), results.read_predictions(second, "test")
    if set(one.ids) != set(two.ids):
        raise UsageError(f"{first} and {second}: their test images differ; compare runs on the same release")
    order = [two.ids.index(image) for image in one.ids]
    if (one.truth != two.truth[order]).any():
        raise UsageError(f"{first} and {second}: their labels differ; compare runs on the same release")
    gone = [image for image in one.ids if image not in groups]
    if gone:
        raise UsageError(f"{gone[0]}: not an image of this release; give the runs' own with --manifest")
    reordered = [run[order] for run in two.runs.values()]
    return paired(one.truth, list(one.runs.values()), reordered, [groups[image] for image in one.ids], metric)
