"""Every number of a training run in one place: the paper's settings to the letter, and ours chosen on validation."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from covidct.errors import UsageError
from covidct.train.augment import Augment

PROTOCOLS = ("paper", "tuned")


def stored_side(size: int) -> int:
    """Side of the stored pictures for a network's input ``size``: an eighth more, so that crops lose little."""
    return size * 8 // 7


@dataclass(frozen=True)
class Recipe:
    """Supervised training. Learning rates are per step for ``batch`` pictures; ``warmup`` and ``period`` in epochs."""

    protocol: str = "paper"
    size: int = 224
    """Side of the network's input in pixels; pictures are stored an eighth larger so that crops lose little."""
    epochs: int = 50
    batch: int = 16
    optimiser: str = "adam"
    lr: float = 1e-4
    weight_decay: float = 0.0
    schedule: str = "restarts"
    """``restarts``: cosine from ``lr`` to 0, again every ``period`` epochs; ``cosine``: once over all epochs."""
    period: int = 10
    warmup: float = 0.0
    label_smoothing: float = 0.0
    average: float = 0.0
    """Decay of an exponential average of the weights, which is then what is scored; 0 for none."""
    freeze: bool = False
    """Train the last layer only; the features stay as they are, their batch statistics too."""
    rotation: bool = False
    """Predict quarter turns jointly with the class (Method 4)."""
    precision: str = "32"
    """``32``; ``bf16``: bfloat16 autocast of convolutions and products, weights and sums in float32; or ``auto``."""
    augment: Augment = field(default_factory=Augment)

    @property
    def stored(self) -> int:
        """Side of the stored pictures."""
        return stored_side(self.size)


TUNED = Recipe(
    protocol="tuned",
    size=160,
    epochs=20,
    optimiser="adamw",
    lr=5e-4,
    weight_decay=0.02,
    schedule="cosine",
    warmup=1.0,
    label_smoothing=0.1,
    average=0.98,
    precision="auto",
    augment=Augment(crop=0.5, brightness=0.3, contrast=0.3, turn=10.0),
)

TRIALS: tuple[Mapping[str, Any], ...] = (
    {"lr": 5e-4},
    {"lr": 1.5e-3},
    {"lr": 2e-4, "average": 0.95},
    {"lr": 5e-4, "augment.crop": 0.3, "augment.blur": 0.3},
    {"lr": 1e-3, "label_smoothing": 0.0, "weight_decay": 0.1},
    {"lr": 5e-4, "augment.turn": 0.0, "augment.brightness": 0.2, "augment.contrast": 0.2},
)
"""What ``--trials N`` tries in this order, each against validation images only."""


@dataclass(frozen=True)
class MocoRecipe:
    """Momentum contrast v2 (He et al. 2020, Chen et al. 2020) with the paper's numbers of section IV-E."""

    size: int = 224
    epochs: int = 200
    batch: int = 128
    lr: float = 0.015
    weight_decay: float = 1e-4
    momentum: float = 0.9
    queue: int = 512
    key_momentum: float = 0.999
    temperature: float = 0.2
    """MoCo v2's. Equation (1) prints it for the positive pair only, Algorithm 1 divides all scores by it, as here."""
    hidden: int = 2048
    width: int = 128
    """Length of the compared vectors."""
    groups: int = 4
    """Batch-norm groups with shuffled keys: one device's stand-in for the four of the paper."""
    seed: int = -1
    """Seed of the pretraining; -1: each run's own. With a fixed one all runs share one pretraining."""
    precision: str = "32"
    augment: Augment = field(
        default_factory=lambda: Augment(crop=0.2, flip=0.5, brightness=0.4, contrast=0.4, blur=0.5, blur_sigma=2.0)
    )

    @property
    def stored(self) -> int:
        """Side of the stored pictures."""
        return stored_side(self.size)


TUNED_MOCO = MocoRecipe(
    size=160, epochs=60, batch=64, queue=256, key_momentum=0.99, lr=0.03, groups=2, seed=0, precision="auto"
)
TUNED_EPOCHS = {"luna": 30, "target": 60}


def protocol(name: str) -> Recipe:
    """The starting recipe of a protocol."""
    if name not in PROTOCOLS:
        raise UsageError(f"--protocol {name}: use one of {', '.join(PROTOCOLS)}")
    return Recipe() if name == "paper" else TUNED


def moco_recipes(name: str, sets: tuple[str, ...], values: Mapping[str, Any]) -> dict[str, MocoRecipe]:
    """One recipe for each pretraining set; ``moco.NAME`` changes all of them, ``luna.NAME`` or ``target.NAME`` one."""
    found = {}
    for one in sets:
        base = MocoRecipe() if name == "paper" else dataclasses.replace(TUNED_MOCO, epochs=TUNED_EPOCHS[one])
        mine: dict[str, Any] = {}
        for prefix in ("moco.", f"{one}."):
            mine |= {key.removeprefix(prefix): value for key, value in values.items() if key.startswith(prefix)}
        found[one] = changed(base, mine)
    return found


def changed(recipe: Any, values: Mapping[str, Any]) -> Any:
    """``recipe`` with ``values``; ``augment.NAME`` reaches into the augmentation; an unknown name is a UsageError."""
    outer = {key: value for key, value in values.items() if "." not in key}
    inner = {key.partition(".")[2]: value for key, value in values.items() if "." in key}
    try:
        if inner:
            outer["augment"] = dataclasses.replace(recipe.augment, **_typed(recipe.augment, inner))
        return check(dataclasses.replace(recipe, **_typed(recipe, outer)))
    except TypeError as error:
        raise UsageError(f"setting {error}: no such setting") from error


def _typed(owner: Any, values: Mapping[str, Any]) -> dict[str, Any]:
    """Text from a command line brought to the type of the setting it replaces."""
    typed = {}
    for name, value in values.items():
        current = getattr(owner, name, None)
        if isinstance(value, str) and isinstance(current, bool):
            value = value.lower() in ("1", "true", "yes")
        elif isinstance(value, str) and isinstance(current, int | float):
            value = _number(name, value, type(current))
        typed[name] = value
    return typed


def _number(name: str, text: str, kind: type[int] | type[float]) -> int | float:
    try:
        return kind(text)
    except ValueError as error:
        raise UsageError(f"--set {name}={text}: not a number of the kind {kind.__name__}") from error


def check(recipe: Any) -> Any:
    """``recipe`` if its numbers make sense, else a UsageError that names the first that does not."""
    for name in ("size", "epochs", "batch"):
        if getattr(recipe, name) < 1:
            raise UsageError(f"{name} must be at least 1, got {getattr(recipe, name)}")
    if recipe.precision not in ("auto", "32", "bf16"):
        raise UsageError(f"precision {recipe.precision}: use auto, 32 or bf16")
    if not recipe.lr > 0:
        raise UsageError(f"lr must be above 0, got {recipe.lr}")
    if not 0 < recipe.augment.crop <= 1:
        raise UsageError(f"augment.crop is a share of the area above 0 and up to 1, got {recipe.augment.crop}")
    return recipe
