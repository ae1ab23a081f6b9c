"""The paper's seven tables: its rows, its figures, and how each row is run here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from covidct.errors import UsageError
from covidct.train.methods import METHODS


@dataclass(frozen=True)
class Paper:
    """Accuracy, F1 and AUC as printed; empty fields are not in the paper's table."""

    accuracy: float | None = None
    f1: float | None = None
    auc: float | None = None


@dataclass(frozen=True)
class Row:
    """One line: its title in the paper, the run that repeats it, and the paper's figures."""

    title: str
    model: str
    method: str
    paper: Paper
    init: str = ""
    """Empty: the method's own."""
    freeze: bool = False
    note: str = ""

    @property
    def kind(self) -> str:
        """What is done, whatever the network; a start that is the method's own is not said."""
        init = "" if self.init == METHODS[self.method].init else self.init
        return "-".join(part.replace("+", "-") for part in (self.method, init, "frozen" if self.freeze else "") if part)

    @property
    def slug(self) -> str:
        """The run's folder: the same for the same run in another table."""
        return f"{self.model.rpartition('/')[2].replace('.py:', '-')}-{self.kind}"


COUNTS: Mapping[tuple[str, str], tuple[int, int, int]] = {
    ("patients", "covid"): (130, 32, 54),
    ("patients", "non-covid"): (105, 24, 42),
    ("images", "covid"): (191, 60, 98),
    ("images", "non-covid"): (234, 58, 105),
}
"""Table I: (what, class) to train, val, test."""

PARAMETERS = {
    "vgg16": 138_357_544,
    "resnet18": 11_689_512,
    "resnet50": 25_557_032,
    "densenet121": 7_978_856,
    "densenet169": 14_149_480,
    "efficientnet_b0": 5_288_548,
    "efficientnet_b1": 7_794_184,
    "crnet": 546_882,
}
"""Table II."""

_TABLE_3 = {
    "vgg16": ((0.66, 0.58, 0.74), (0.76, 0.76, 0.82)),
    "resnet18": ((0.67, 0.66, 0.76), (0.74, 0.73, 0.82)),
    "resnet50": ((0.69, 0.72, 0.76), (0.80, 0.81, 0.88)),
    "densenet121": ((0.76, 0.77, 0.82), (0.79, 0.79, 0.88)),
    "densenet169": ((0.80, 0.79, 0.86), (0.83, 0.81, 0.87)),
    "efficientnet_b0": ((0.72, 0.71, 0.76), (0.77, 0.78, 0.89)),
    "efficientnet_b1": ((0.70, 0.62, 0.77), (0.79, 0.79, 0.84)),
    "crnet": ((0.72, 0.76, 0.77), (0.73, 0.76, 0.79)),
}
_ABLATION = {
    "resnet50": {
        "method1": (0.69, 0.63, 0.66),
        "method2": (0.83, 0.83, 0.91),
        "method3": (0.75, 0.78, 0.85),
        "method4": (0.81, 0.81, 0.88),
        "self-trans": (0.84, 0.83, 0.91),
    },
    "densenet169": {
        "method1": (0.70, 0.63, 0.77),
        "method2": (0.86, 0.85, 0.91),
        "method3": (0.74, 0.76, 0.86),
        "method4": (0.83, 0.82, 0.88),
        "self-trans": (0.86, 0.85, 0.94),
    },
}
_FROZEN_NOTE = "the paper's unfrozen figures are those of Method 2 in Table VI, not of Self-Trans"


def _table_3() -> list[Row]:
    rows = []
    for model, (random, transferred) in _TABLE_3.items():
        rows.append(Row(f"{model} Rand.", model, "scratch", Paper(*random)))
        rows.append(Row(f"{model} Trans.", model, "transfer", Paper(*transferred)))
    return rows


def _table_4() -> list[Row]:
    return [
        Row("Random Initialization", "densenet169", "scratch", Paper(0.80, 0.79, 0.86)),
        Row("Pretrain on ImageNet", "densenet169", "transfer", Paper(0.83, 0.81, 0.87), "imagenet"),
        Row("Pretrain on LNM", "densenet169", "transfer", Paper(0.80, 0.82, 0.87), "lnm"),
        Row(
            "Pretrain first on ImageNet, then on LNM",
            "densenet169",
            "transfer",
            Paper(0.81, 0.82, 0.89),
            "imagenet+lnm",
        ),
    ]


def _table_5() -> list[Row]:
    rows = []
    for model, plain in (("resnet50", (0.80, 0.81, 0.88)), ("densenet169", (0.83, 0.81, 0.87))):
        rows.append(Row(f"{model} (Trans)", model, "transfer", Paper(*plain)))
        rows.append(Row(f"{model} (Self-Trans)", model, "self-trans", Paper(*_ABLATION[model]["self-trans"])))
    return rows


def _table_6() -> list[Row]:
    return [
        Row(f"{model} ({name})", model, name, Paper(*figures))
        for model, methods in _ABLATION.items()
        for name, figures in methods.items()
    ]


def _table_7() -> list[Row]:
    rows = []
    for model, frozen, free in (
        ("resnet50", (0.70, 0.63, 0.77), (0.83, 0.83, 0.91)),
        ("densenet169", (0.79, 0.77, 0.83), (0.86, 0.85, 0.91)),
    ):
        rows.append(Row(f"{model} (Frozen)", model, "method2", Paper(*frozen), freeze=True, note=_FROZEN_NOTE))
        rows.append(Row(f"{model} (Unfrozen)", model, "method2", Paper(*free), note=_FROZEN_NOTE))
    return rows


def rows(table: int, model: str | None = None) -> list[Row]:
    """The rows of Table III to VII; with ``model``, that network's own rows.

    A network that the table lacks is run by every method of the table, beside the paper's figures for DenseNet-169.
    """
    made = {3: _table_3, 4: _table_4, 5: _table_5, 6: _table_6, 7: _table_7}.get(table)
    if made is None:
        raise UsageError(f"--table {table}: Tables III to VII have runs; I and II are counts")
    listed = made()
    if model is None:
        return listed
    own = [row for row in listed if row.model == model]
    return own or [_replaced(row, model) for row in listed if row.model == "densenet169"]


PAIRS = (
    ("scratch", "transfer"),
    ("transfer", "self-trans"),
    ("method2", "self-trans"),
    ("method3", "self-trans"),
    ("transfer", "transfer-imagenet-lnm"),
    ("method2-frozen", "method2"),
)
"""What the paper's text compares: first and second :attr:`Row.kind`, on one network."""


def compared(listed: Sequence[Row]) -> list[tuple[Row, Row]]:
    """The pairs of ``listed`` that the paper compares."""
    by_slug = {(row.model, row.kind): row for row in listed}
    return [
        (by_slug[model, first], by_slug[model, second])
        for model in dict.fromkeys(row.model for row in listed)
        for first, second in PAIRS
        if (model, first) in by_slug and (model, second) in by_slug
    ]


def like(config: Mapping[str, Any]) -> dict[str, float | None]:
    """The paper's figures for the run of ``config``: same network, method, start and frozen features; or none."""
    run = config["run"]
    for number in range(3, 8):
        for row in rows(number):
            same = (row.model, row.method, row.init or METHODS[row.method].init, row.freeze)
            if same == (run["model"], run["method"], run["init"], config["recipe"]["freeze"]):
                return dict(vars(row.paper))
    return {}


def _replaced(row: Row, model: str) -> Row:
    note = "; ".join(part for part in ("paper: DenseNet-169", row.note) if part)
    return Row(
        f"{model} {row.title.removeprefix('densenet169 ')}", model, row.method, row.paper, row.init, row.freeze, note
    )
