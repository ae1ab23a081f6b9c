"""Every number of a training run in one place: the paper's settings to the letter, and ours chosen on validation."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from covidct.errors import UsageError
from covidct.train.augment import Augment
from covidct.train.limits import check, settings

WORDS = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}


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
    """``restarts``: cosine from ``lr`` to 0, again every ``period`` epochs; ``cosine``: once over all; ``constant``."""
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
    view: str = "whole"
    """``whole``; ``masked``: burnt-in marks painted over; ``lungs``: cut to the box round the lungs."""
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
    lr=1.5e-3,
    weight_decay=0.02,
    schedule="cosine",
    warmup=1.0,
    label_smoothing=0.1,
    average=0.98,
    precision="auto",
    augment=Augment(crop=0.5, brightness=0.3, contrast=0.3, turn=10.0),
)

ROBUST = dataclasses.replace(TUNED, protocol="robust", size=224, epochs=30, batch=32, lr=2e-3)

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
    held: float = 0.0
    """Share of the subjects of slices that nothing is learned from: a nearest-neighbour probe is told of them."""
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


PROTOCOLS: Mapping[str, Recipe] = {"paper": Recipe(), "tuned": TUNED, "robust": ROBUST}


def protocol(name: str) -> Recipe:
    """The starting recipe of a protocol."""
    if name not in PROTOCOLS:
        raise UsageError(f"--protocol {name}: use one of {', '.join(PROTOCOLS)}")
    return PROTOCOLS[name]


def moco_recipes(name: str, sets: tuple[str, ...], values: Mapping[str, Any]) -> dict[str, MocoRecipe]:
    """One recipe for each pretraining set; ``moco.NAME`` changes all of them, ``luna.NAME`` or ``target.NAME`` one."""
    found = {}
    for one in sets:
        base = MocoRecipe() if name == "paper" else dataclasses.replace(TUNED_MOCO, epochs=TUNED_EPOCHS[one])
        base = dataclasses.replace(base, held=0.1) if name == "robust" and one == "luna" else base
        mine: dict[str, Any] = {}
        for prefix in ("moco.", f"{one}."):
            mine |= {key.removeprefix(prefix): value for key, value in values.items() if key.startswith(prefix)}
        found[one] = changed(base, mine)
    return found


def changed(recipe: Any, values: Mapping[str, Any]) -> Any:
    """``recipe`` with ``values``; ``augment.NAME`` reaches into the augmentation; an unknown name is a UsageError."""
    known = settings(recipe)
    for name in values:
        if name not in known or name == "protocol":
            raise UsageError(f"--set {name}: no such setting; there are {', '.join(sorted(set(known) - {'protocol'}))}")
    typed = {name: _typed(name, value, known[name]) for name, value in values.items()}
    inner = {name.partition(".")[2]: value for name, value in typed.items() if "." in name}
    outer = {name: value for name, value in typed.items() if "." not in name}
    return check(dataclasses.replace(recipe, **outer, augment=dataclasses.replace(recipe.augment, **inner)))


def _typed(name: str, value: Any, current: Any) -> Any:
    """Text from a command line brought to the type of the setting it replaces."""
    if not isinstance(value, str) or isinstance(current, str):
        return value
    if isinstance(current, bool):
        if value.lower() not in WORDS:
            raise UsageError(f"--set {name}={value}: write true or false")
        return WORDS[value.lower()]
    try:
        return type(current)(value)
    except ValueError as error:
        kind = "whole number" if isinstance(current, int) else "number"
        raise UsageError(f"--set {name}={value}: not a {kind}") from error
