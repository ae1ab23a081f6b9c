"""The protocol ``robust``: the table of cross-validation, the ensemble that it chooses, and what that says of test.

Used by ``robust.py`` and ``robust_cpu.py``, whose members look alike. Test predictions are
read once the ensemble stands.
"""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from robust_packed import FOLDS, RELEASES, Shelf


def tried(shelf: Shelf, version: str, candidates: Sequence[Any]) -> list[Any]:
    """Every candidate whose first repeat is complete on ``version``."""
    from covidct.train.robust import gather

    folds = [shelf.folds(version, repeat) for repeat in range(5)]
    found = [gather(shelf.work / version, one.name, folds) for one in candidates]
    return [one for one in found if one is not None]


def score(
    shelf: Shelf,
    results: Path | None,
    candidates: Sequence[Any],
    test: bool = True,
    releases: Sequence[str] = RELEASES,
    name: str = "final",
) -> None:
    """The table of cross-validation; with ``test``, what the chosen ensemble says of the test images."""
    from covidct.train.folds import ensemble, nested_score, ranked

    for version in releases:
        found = tried(shelf, version, candidates)
        if not found:
            continue
        truth = np.array([row["truth"] for row in shelf.rows(version, ("train", "val"))])
        folds = [shelf.folds(version, repeat) for repeat in range(5)]
        print(f"covid-ct/{version}: mean AUC over folds, epoch, repeats")
        repeats = {one.name: len(one.held) for one in found}
        for choice in ranked(found, truth, folds):
            print(f"  {choice.auc:.3f}  {choice.name}  {choice.epoch}  {repeats[choice.name]}")
        chosen = ensemble(found, truth, folds, most=4)
        nested = nested_score(found, truth, folds)
        print(f"  ensemble {chosen.auc:.3f}: {[c.name for c in chosen.choices]}")
        print(f"  a choice that never saw its fold: {nested:.3f}")
        if test:
            _test(
                results, name, shelf, candidates, version, chosen, nested, min(repeats[c.name] for c in chosen.choices)
            )


def _test(
    results: Path | None,
    name: str,
    shelf: Shelf,
    candidates: Sequence[Any],
    version: str,
    chosen: Any,
    nested: float,
    repeats: int,
) -> None:
    """Score the ensemble on test, once; the published files go to ``results``, or into the folder of members."""
    from covidct.files import sha256_file, write_text
    from covidct.train.ensembles import predictions_of, write_results
    from covidct.train.results import CONFIG, toml

    folds = [shelf.folds(version, repeat) for repeat in range(5)]
    facts = {"release": f"covid-ct/{version}", "split": "test", "model": "ensemble", "method": "robust"}
    facts |= {"init": "imagenet", "protocol": "robust", "fraction": 1.0}
    members = predictions_of(shelf.work / version, chosen, folds, repeats)
    pool, test = _part(shelf, version, ("train", "val")), _part(shelf, version, ("test",))
    out = (results or shelf.work) / (f"robust-{name}" if version == "1.0.0" else f"robust-{name}-corrected")
    summary = write_results(out, facts, pool, test, chosen, nested, members)
    run = {**facts, "folds": FOLDS, "repeats": repeats, "seeds": list(range(len(members)))}
    data = {"packed": sha256_file(shelf.packed / "pictures.npz"), "train_and_val": len(pool.ids), "test": len(test.ids)}
    kept = {one.name: asdict(one) for one in candidates if one.name in {c.name for c in chosen.choices}}
    tried_names = {"tried": [one.name for one in candidates if (shelf.work / version / "members" / one.name).is_dir()]}
    config = {"run": run, "candidates": tried_names, "candidate": kept, "data": data}
    write_text(
        out / CONFIG,
        "# Made by benchmarks/robust*.py: a candidate's further settings are in its code.\n" + toml(config),
    )
    at = summary["at_validation_threshold"]
    print(f"  test: {len(members)} members, AUC {summary['metrics']['auc']}")
    print(f"  accuracy at {at['thresholds'][0]:.3f}: {at['accuracy']}; files: {out}")


def _part(shelf: Shelf, version: str, splits: tuple[str, ...]) -> Any:
    from covidct.train.data import Part

    rows = shelf.rows(version, splits)
    truth = np.array([row["truth"] for row in rows])
    ids, groups, sources = (tuple(row[key] for row in rows) for key in ("id", "group", "source"))
    return Part(ids, truth, groups, sources)
