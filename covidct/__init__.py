"""covidct: from preprint PDF to audited medical image data set to benchmark.

Importing this package loads neither torch nor PyMuPDF: the names below are imported when they are first used.

| name | what |
|---|---|
| `open_workspace` | the workspace in a folder |
| `harvest_papers` | PDFs and packages on disk into a workspace |
| `curate_workspace` | every step of curation that is due |
| `STEPS` | the steps of curation, in order |
| `build_release` | a release from a workspace |
| `load_release`, `Release` | a release by folder, archive, URL or name |
| `CovidCT` | a release's pictures as a dataset |
| `audit_release` | leaks, contradictions, shortcuts |
| `BenchOptions`, `train_model`, `evaluate_run`, `predict_images` | benchmarks (extra `train`) |
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from covidct.bench.evaluation import evaluate_run as evaluate_run
    from covidct.bench.options import BenchOptions as BenchOptions
    from covidct.bench.prediction import predict_images as predict_images
    from covidct.bench.training import train_model as train_model
    from covidct.curate.steps import STEPS as STEPS
    from covidct.datasets import CovidCT as CovidCT
    from covidct.library import audit_release as audit_release
    from covidct.library import curate_workspace as curate_workspace
    from covidct.library import harvest_papers as harvest_papers
    from covidct.library import load_release as load_release
    from covidct.library import open_workspace as open_workspace
    from covidct.release.make.build import build_release as build_release
    from covidct.release.read import Release as Release

__version__ = "0.1.0"

_HOME = {
    "open_workspace": "library",
    "harvest_papers": "library",
    "curate_workspace": "library",
    "STEPS": "curate.steps",
    "build_release": "release.make.build",
    "load_release": "library",
    "Release": "release.read",
    "CovidCT": "datasets",
    "audit_release": "library",
    "BenchOptions": "bench.options",
    "train_model": "bench.training",
    "evaluate_run": "bench.evaluation",
    "predict_images": "bench.prediction",
}
"""Public name: the module below ``covidct`` that has it."""

__all__ = ["__version__", *_HOME]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'covidct' has no attribute {name!r}")
    return getattr(import_module(f"covidct.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
