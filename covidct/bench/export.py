"""``covidct bench export``: the trained networks of a run in a format that other programs run."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from covidct.errors import CovidctError, UsageError
from covidct.extras import needed
from covidct.files import atomic_path
from covidct.models import Classifier
from covidct.train.evaluate import run_config
from covidct.train.experiment import load_best
from covidct.train.loop import derive_seed

FORMATS = ("onnx",)
TOLERANCE = 1e-4
"""Largest difference of a probability between the exported network and torch: float32 sums in another order."""
CHECKED = 5
"""Made-up pictures on which both are compared, in a batch of another size than the one that was exported."""


class Probability(nn.Module):
    """Grey pictures (n, 1, side, side) in 0 to 1 to the probability of COVID (n,): normalisation and softmax inside."""

    def __init__(self, network: Classifier) -> None:
        super().__init__()
        self.network = network

    def forward(self, picture: Tensor) -> Tensor:
        return self.network(picture).softmax(1)[:, 1]  # type: ignore[no-any-return]


def export_run(
    run: Path | str, out: Path | None = None, form: str = "onnx", model: str | None = None
) -> list[dict[str, Any]]:
    """Every seed of a run as ``seed-N.onnx`` in ``out`` (default: the run's folder): file, seed, size, difference.

    A file stays only if onnxruntime and torch agree on made-up pictures within :data:`TOLERANCE`. ``model`` is
    ``FILE.py:factory``, for a run whose network is code of one's own.
    """
    if form not in FORMATS:
        raise UsageError(f"--format {form}: use {', '.join(FORMATS)}")
    run = Path(run)
    found = []
    for seed in run_config(run)["run"]["seeds"]:
        network, saved = load_best(run / f"seed-{seed}", model)
        path = (out or run) / f"seed-{seed}.onnx"
        difference = _onnx(Probability(network).eval(), int(saved["size"]), path)
        found.append({"file": str(path), "seed": seed, "size": int(saved["size"]), "difference": difference})
    if not found:
        raise UsageError(
            f"{run}: a run of --protocol robust keeps predictions, not weights: there is nothing to export"
        )
    return found


def _onnx(network: nn.Module, size: int, path: Path) -> float:
    """Write ``path``; the largest difference to torch."""
    for module in ("onnx", "onnxscript"):
        needed(module, "onnx", "export")
    onnxruntime = needed("onnxruntime", "onnx", "export")
    with atomic_path(path) as part:
        batch = torch.export.Dim("n", min=1)
        example = torch.rand(2, 1, size, size, generator=_numbers(size))
        program = torch.onnx.export(
            network,
            (example,),
            dynamo=True,
            input_names=["picture"],
            output_names=["probability"],
            dynamic_shapes={"picture": {0: batch}},
            verbose=False,
            optimize=False,
        )
        assert program is not None  # it is where dynamo=True
        program.save(str(part), external_data=False)
        pictures = torch.rand(CHECKED, 1, size, size, generator=_numbers(size + 1))
        session = onnxruntime.InferenceSession(str(part), providers=["CPUExecutionProvider"])
        with torch.inference_mode():
            there = network(pictures).numpy()
        difference = float(np.abs(session.run(None, {"picture": pictures.numpy()})[0] - there).max())
        if not difference <= TOLERANCE:
            raise CovidctError(f"{path}: onnxruntime and torch differ by {difference:.2g}; not written")
    return difference


def _numbers(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(derive_seed("export", seed))
