"""Which settings make sense: every number of a recipe has its range, every word its choices."""

import dataclasses
import math
from collections.abc import Mapping
from typing import Any

from covidct.errors import UsageError

INF = math.inf
TINY = 1e-12
"""The lowest of what must be above 0."""

RANGES: Mapping[str, tuple[float, float]] = {
    "size": (8, 2048),
    "epochs": (1, 100_000),
    "batch": (2, 1_000_000),
    "lr": (TINY, 1e6),
    "weight_decay": (0, 1e3),
    "period": (1, INF),
    "warmup": (0, INF),
    "label_smoothing": (0, 1),
    "average": (0, 1 - 1e-9),
    "momentum": (0, 1 - 1e-9),
    "queue": (1, 10_000_000),
    "key_momentum": (0, 1),
    "temperature": (TINY, INF),
    "hidden": (1, 1_000_000),
    "width": (1, 1_000_000),
    "groups": (1, 1024),
    "seed": (-1, 2**62),
    "held": (0, 0.9),
    "augment.crop": (TINY, 1),
    "augment.ratio": (1, 100),
    "augment.flip": (0, 1),
    "augment.brightness": (0, 1),
    "augment.contrast": (0, 1),
    "augment.turn": (0, 180),
    "augment.blur": (0, 1),
    "augment.blur_sigma": (0.1, 100),
}
CHOICES: Mapping[str, tuple[str, ...]] = {
    "precision": ("auto", "32", "bf16"),
    "optimiser": ("adam", "adamw", "sgd"),
    "schedule": ("restarts", "cosine", "constant"),
    "view": ("whole", "masked", "lungs"),
}


def check(recipe: Any) -> Any:
    """``recipe`` if its settings make sense, else a UsageError that names the first that does not."""
    for name, value in settings(recipe).items():
        if name in CHOICES and value not in CHOICES[name]:
            raise UsageError(f"{name} {value}: use {', '.join(CHOICES[name])}")
        low, high = RANGES.get(name, (-INF, INF))
        if name in RANGES and not low <= value <= high:
            lowest = "above 0" if low == TINY else f"at least {low:g}"
            highest = f" and at most {high:g}" if high < INF else ""
            raise UsageError(f"{name} must be {lowest}{highest}, got {value}")
    groups = getattr(recipe, "groups", 1)
    if recipe.batch < 2 * groups:
        raise UsageError(f"batch={recipe.batch} cannot be parted into groups={groups} of two or more")
    return recipe


def settings(recipe: Any) -> dict[str, Any]:
    """Every setting of a recipe by its name, those of the augmentation with ``augment.`` before it."""
    flat = {field.name: getattr(recipe, field.name) for field in dataclasses.fields(recipe)}
    inner = flat.pop("augment")
    return flat | {f"augment.{field.name}": getattr(inner, field.name) for field in dataclasses.fields(inner)}
