"""What a benchmark is asked for, as one typed value: the command line and a library call fill in the same."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class BenchOptions:
    """Defaults are those of ``covidct bench``. None is "not given": method, protocol or table decide.

    ``method`` and, for the protocol ``robust``, ``model`` may name several, with commas. ``settings`` are words
    ``NAME=VALUE``; ``manifest`` is a release's folder, archive, URL or name.
    """

    model: str | None = None
    method: str | None = None
    init: str | None = None
    weights: Path | None = None
    protocol: str = "paper"
    settings: tuple[str, ...] = ()
    epochs: int | None = None
    size: int | None = None
    freeze: bool = False
    manifest: str | None = None
    images: Path | None = None
    luna: Path | None = None
    ssl_images: str = "train"
    lnm: Path | None = None
    seeds: str = "0"
    trials: int = 0
    folds: int | None = None
    repeats: int = 1
    fractions: str | None = None
    table: int | None = None
    devices: int = 1
    accelerator: str = "auto"
    compile: bool | None = None
    keep_checkpoints: bool = False
    log: str = "csv"
    config: Path | None = None
    mean: str | None = None
    std: str | None = None
    out: Path | None = None
    cache: Path | None = None
    packed: Path | None = None
    baselines: bool = True
    report: bool = True
