"""``covidct predict``: a trained run on new pictures, with a Grad-CAM overlay."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from covidct.errors import CovidctError
from covidct.files import write_bytes
from covidct.imaging.triage import triage
from covidct.models import Classifier
from covidct.models.gradcam import NoMapError
from covidct.pictures import PictureError, open_picture, png_bytes
from covidct.train.evaluate import run_config
from covidct.train.experiment import load_best
from covidct.train.explain import maps, overlay, places
from covidct.train.loop import probabilities, scaled
from covidct.train.pixels import square
from covidct.train.recipe import stored_side
from covidct.train.results import classes_of

Networks = list[tuple[Classifier, dict[str, Any]]]


def predict_images(
    images: Sequence[Path | str], run: Path | str, out: Path | None = None, model: str | None = None
) -> list[dict[str, Any]]:
    """Probability of the positive class for each picture, mean over the run's seeds; not for clinical use.

    A picture that cannot be read has ``error`` and no probability. ``of`` names the class, ``kind`` is what triage
    takes the picture for: a probability means something for pictures like those that the run was trained on only.
    With ``out``, Grad-CAM overlays go there. ``model`` is ``FILE.py:factory``, for a run whose network is own code.
    Raises UsageError where there is no such run.

    >>> from covidct import predict_images
    >>> for found in predict_images(["slice.png"], "runs/crnet-scratch-paper"):
    ...     print(found["file"], found.get("probability", found.get("error")))
    """
    run = Path(run)
    networks: Networks = [load_best(run / f"seed-{seed}", model) for seed in run_config(run)["run"]["seeds"]]
    positive = classes_of(run)[1]
    found = [_one(Path(path), networks, out, number) for number, path in enumerate(images)]
    return [one if "error" in one else {**one, "of": positive} for one in found]


def _one(
    path: Path, networks: list[tuple[Classifier, dict[str, Any]]], out: Path | None, number: int
) -> dict[str, Any]:
    size, view = int(networks[0][1]["size"]), str(networks[0][1].get("view", "whole"))
    try:
        stored = square(path, stored_side(size), view).copy()
        kind = triage(open_picture(path))
    except PictureError as error:
        return {"file": str(path), "error": str(error)}
    inputs = scaled(torch.from_numpy(stored[None]), size)
    values = [float(probabilities(network, inputs)[0]) for network, _ in networks]
    try:
        heat = np.mean([maps(network, stored[None], size)[0] for network, _ in networks], axis=0)
    except NoMapError:
        heat = np.zeros((size, size), np.float32)
    where = places(heat, stored)
    result: dict[str, Any] = {
        "file": str(path),
        "kind": kind.kind,
        "kind_score": round(kind.score, 4),
        "probability": round(float(np.mean(values)), 6),
        "lowest": round(min(values), 6),
        "highest": round(max(values), 6),
        "inside_lungs": round(where.lung, 4) if where.lung == where.lung else None,
        "on_border": round(where.border, 4) if where.border == where.border else None,
    }
    if out is not None:
        result["overlay"] = str(_save(out / f"{number:03d}-{path.stem}.png", inputs[0, 0].numpy(), heat))
    return result


def _save(target: Path, picture: Any, heat: Any) -> Path:
    try:
        write_bytes(target, png_bytes(overlay(picture, heat)))
    except OSError as error:
        raise CovidctError(f"{target}: cannot be written ({error.strerror})") from error
    return target
