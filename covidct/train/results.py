"""The files a run leaves: results.csv, summary.json, predictions.csv, config.toml."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from covidct import tables
from covidct.errors import CovidctError, UsageError
from covidct.files import read_document, write_text
from covidct.intervals import OPERATING_POINTS, bootstrap, delong
from covidct.records import CLASSES
from covidct.scores import METRICS, Array, score
from covidct.train.data import Part

RESULTS, SUMMARY, PREDICTIONS, CONFIG = "results.csv", "summary.json", "predictions.csv", "config.toml"
AGAIN = "; run 'covidct bench' again"
_BARE = re.compile(r"[A-Za-z0-9_-]+")
"""Keys that TOML takes without quotes; a dot would part a network's name in two."""
_NEEDED = ("image_id", "seed", "split", "label", "probability")
SEED_INTERVAL = ("accuracy", "precision", "recall", "f1", "auc", "specificity", "brier")


@dataclass(frozen=True)
class SeedResult:
    """What one seed gave: the epoch chosen on validation, and probabilities in the order of the split's images."""

    seed: int
    epoch: int
    val_auc: float
    val: Array
    test: Array


def row(facts: Mapping[str, Any], result: SeedResult, cut: float, test: Part) -> dict[str, Any]:
    """One line of results.csv: scores on test at 0.5, and at ``cut``, the threshold that was best on validation."""
    chosen = asdict(score(test.truth, result.test, cut))
    beside = {f"{name}_at_val": chosen[name] for name in ("accuracy", "precision", "recall", "f1", "specificity")}
    return {
        **facts,
        "seed": result.seed,
        "epoch": result.epoch,
        "val_auc": result.val_auc,
        **asdict(score(test.truth, result.test)),
        "threshold_at_val": cut,
        **beside,
    }


def summary(
    facts: Mapping[str, Any], results: Sequence[SeedResult], cuts: Sequence[float], test: Part
) -> dict[str, Any]:
    """Mean, deviation over seeds and 95 % interval of each score, and the same by source where both classes occur.

    ``cuts`` are the seeds' thresholds from validation.
    """
    runs = [r.test for r in results]
    tables = [asdict(score(test.truth, run)) for run in runs]
    metrics = {name: _spread([table[name] for table in tables]) for name in METRICS}
    for name in SEED_INTERVAL:
        metrics[name] |= _interval(test, runs, name, None)
    at_val = {name: _interval(test, runs, name, cuts) for name in ("accuracy", "f1", "recall", "specificity")}
    return {
        **facts,
        "seeds": [r.seed for r in results],
        "images": len(test.ids),
        "groups": len(set(test.groups)),
        "classes": list(test.classes),
        "metrics": metrics,
        "at_validation_threshold": {"thresholds": list(cuts), **at_val},
        "operating_points": {name: _interval(test, runs, name, None) for name in OPERATING_POINTS},
        "by_patient": by_patient(runs, test),
        "delong_auc": [_rounded(asdict(delong(test.truth, run))) for run in runs],
        "by_source": by_source(runs, test),
        "notes": [
            "intervals: 95 %, bootstrap over groups (group_id), mean over seeds within each resample",
            "delong_auc takes images as independent and ignores clusters: too narrow here",
            f"epoch and threshold_at_val were chosen on validation; {test.classes[1]} is the positive class",
        ],
    }


def by_patient(runs: Sequence[Array], test: Part) -> dict[str, Any]:
    """AUC of whole groups: a group scores the mean probability of its images. Groups of both classes are left out.

    Where what is left is of one class, or nothing, there is no AUC: its value is None.
    """
    names, place = np.unique(np.asarray(test.groups, dtype=str), return_inverse=True)
    sizes = np.bincount(place)
    share = np.bincount(place, test.truth) / sizes
    pure = (share == 0) | (share == 1)
    interval: dict[str, Any] = dict.fromkeys(("value", "low", "high"))
    if len(set(share[pure])) == 2:
        means = [(np.bincount(place, run) / sizes)[pure] for run in runs]
        found = bootstrap(share[pure], means, list(names[pure]), "auc")
        interval = _rounded({"value": found.value, "low": found.low, "high": found.high})
    return {"groups": int(pure.sum()), "of_both_classes": int((~pure).sum()), "auc": interval}


def _spread(values: Sequence[float]) -> dict[str, Any]:
    """Mean and deviation over seeds; one seed has no deviation, which is None and not 0."""
    deviation = round(float(np.std(values, ddof=1)), 6) if len(values) > 1 else None
    return {"mean": round(float(np.mean(values)), 6), "sd": deviation}


def _interval(part: Part, runs: Sequence[Array], metric: str, cuts: Sequence[float] | None) -> dict[str, float]:
    found = bootstrap(part.truth, runs, part.groups, metric, cuts)
    return _rounded({"value": found.value, "low": found.low, "high": found.high})


def _rounded(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: round(value, 6) if isinstance(value, float) else value for key, value in values.items()}


def by_source(runs: Sequence[Array], test: Part) -> dict[str, dict[str, Any]]:
    """Per source: images, accuracy, AUC; a source of one class is set against the other class of all sources."""
    table: dict[str, dict[str, Any]] = {}
    for source in sorted(set(test.sources)):
        inside = np.array([s == source for s in test.sources])
        kinds = set(test.truth[inside])
        # a source of one class alone has no AUC of its own: it is set against the other class of all sources
        compared = inside | (test.truth != next(iter(kinds))) if len(kinds) == 1 else inside
        scores = [score(test.truth[compared], run[compared]) for run in runs]
        hits = [float(np.mean((run[inside] >= 0.5) == (test.truth[inside] > 0.5))) for run in runs]
        table[source] = {
            "images": int(inside.sum()),
            "covid": int(test.truth[inside].sum()),
            "accuracy": round(float(np.mean(hits)), 6),
            "auc": round(float(np.mean([s.auc for s in scores])), 6),
            "auc_against": "same source" if len(kinds) == 2 else "other class, all sources",
        }
    return table


def predictions(seed: int, split: str, part: Part, found: Array) -> list[dict[str, Any]]:
    """Lines of predictions.csv for one seed and split; probability is that of the positive class."""
    return [
        {
            "image_id": image,
            "seed": seed,
            "split": split,
            "label": part.classes[int(truth)],
            "probability": f"{value:.6f}",
            "source": source,
            "group_id": group,
        }
        for image, truth, value, source, group in zip(
            part.ids, part.truth, found, part.sources, part.groups, strict=True
        )
    ]


def write_run(
    out: Path, lines: Sequence[Mapping[str, Any]], said: Sequence[Mapping[str, Any]], summary: dict[str, Any]
) -> dict[str, Any]:
    """results.csv of ``lines``, predictions.csv of ``said``, summary.json; the summary."""
    write_csv(out / RESULTS, lines)
    write_csv(out / PREDICTIONS, said)
    write_json(out / SUMMARY, summary)
    return summary


def write_csv(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """``rows`` as CSV; floats with six decimals."""
    lines = ({k: f"{v:.6f}" if isinstance(v, float) else v for k, v in row.items()} for row in rows)
    tables.write_csv(path, list(rows[0]), lines)


def write_json(path: Path, value: Any) -> None:
    """``value`` as JSON; NaN becomes null."""
    write_text(path, json.dumps(_plain(value), indent=1, allow_nan=False) + "\n")


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return None if isinstance(value, float) and value != value else value


@dataclass(frozen=True)
class Predictions:
    """One split of a run's predictions.csv: ``runs`` maps seeds to probabilities in the order of ``ids``."""

    ids: tuple[str, ...]
    truth: Array
    runs: dict[int, Array]
    groups: tuple[str, ...] = ()
    """Of each image; its own id where the file is of an earlier version and has none."""


def read_predictions(folder: Path, split: str) -> Predictions:
    """The predictions of a finished run on one split; every seed must have every image."""
    path = folder / PREDICTIONS
    if not path.is_file():
        raise UsageError(f"{folder}: no {PREDICTIONS}; this is no finished run of 'covidct bench'")
    columns, rows = tables.read_csv(path)
    if set(_NEEDED) - set(columns):
        raise CovidctError(f"{path}: lacks a column of {', '.join(_NEEDED)}")
    names = classes_of(folder)
    by_seed: dict[int, dict[str, float]] = {}
    truth: dict[str, float] = {}
    lines = []
    for number, line in enumerate(rows, 2):
        if line["split"] == split:
            problem = _add(line, names, by_seed, truth)
            if problem:
                raise CovidctError(f"{path}: row {number}: {problem}")
            lines.append(line)
    if not lines or any(set(found) != set(truth) for found in by_seed.values()):
        raise CovidctError(f"{path}: the {split} images are not the same for every seed; run 'covidct bench' again")
    ids = tuple(truth)
    runs = {seed: np.array([found[image] for image in ids]) for seed, found in by_seed.items()}
    group = {line["image_id"]: line.get("group_id") or line["image_id"] for line in lines}
    return Predictions(ids, np.array([truth[image] for image in ids]), runs, tuple(group[image] for image in ids))


def _add(
    line: Mapping[str, str], names: Sequence[str], by_seed: dict[int, dict[str, float]], truth: dict[str, float]
) -> str:
    """Take a line of predictions.csv into ``by_seed`` and ``truth``; what is wrong with it, or empty."""
    image, label, said = line["image_id"], line["label"], line["probability"]
    try:
        scores, probability = by_seed.setdefault(int(line["seed"]), {}), float(said)
    except ValueError:
        return f"seed={line['seed'][:40]!r} or probability={said[:40]!r} is no number"
    if not 0 <= probability <= 1:
        return f"probability={said[:40]!r} is not between 0 and 1"
    if label not in names:
        return f"label={label[:40]!r} is none of {', '.join(names)}"
    if image in scores or truth.setdefault(image, float(label == names[1])) != float(label == names[1]):
        return f"image_id={image[:80]!r} stands in another row of this seed, or under the other label"
    scores[image] = probability
    return ""


def classes_of(folder: Path) -> tuple[str, str]:
    """The names of the negative and the positive class that a run's summary gives; COVID-CT's where it gives none."""
    path = folder / SUMMARY
    summary = read_document(path, advice=AGAIN) if path.is_file() else {}
    names = summary.get("classes", CLASSES) if isinstance(summary, dict) else ()
    if not isinstance(names, list | tuple) or len(set(map(str, names))) != len(names) or len(names) != 2:
        raise CovidctError(f"{path}: does not name two classes{AGAIN}")
    return str(names[0]), str(names[1])


def toml(values: Mapping[str, Any]) -> str:
    """Nested plain values as TOML: what ``tomllib`` reads back."""
    lines: list[str] = []
    _toml(values, "", lines)
    return "\n".join(lines).lstrip("\n") + "\n"


def _toml(values: Mapping[str, Any], prefix: str, lines: list[str]) -> None:
    for key, value in values.items():
        if not isinstance(value, Mapping) and value is not None:
            lines.append(f"{key} = {_toml_value(value)}")
    for key, value in values.items():
        if isinstance(value, Mapping):
            name = prefix + (key if _BARE.fullmatch(key) else json.dumps(key))
            lines += ["", f"[{name}]"]
            _toml(value, f"{name}.", lines)


def _toml_value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_toml_value(item) for item in value) + "]"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value)
