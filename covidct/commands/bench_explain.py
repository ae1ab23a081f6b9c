"""``covidct predict``: a trained run on new pictures, with a Grad-CAM overlay."""

from pathlib import Path
from typing import Any

import click
import numpy as np
import torch

from covidct.commands.options import print_json
from covidct.errors import CovidctError, ExitCode
from covidct.files import write_bytes
from covidct.models import Classifier
from covidct.models.gradcam import NoMapError
from covidct.pictures import PictureError, png_bytes
from covidct.train.evaluate import run_config
from covidct.train.experiment import load_best
from covidct.train.explain import DISCLAIMER, maps, overlay, places
from covidct.train.loop import probabilities, scaled
from covidct.train.pixels import square
from covidct.train.recipe import stored_side

Networks = list[tuple[Classifier, dict[str, Any]]]


def predict(images: tuple[Path, ...], run: Path, out: Path | None, as_json: bool, own: str | None = None) -> int:
    """Probability of COVID for each picture, mean over the run's seeds; exit code 3 where some cannot be read."""
    networks: Networks = [load_best(run / f"seed-{seed}", own) for seed in run_config(run)["run"]["seeds"]]
    found = [_one(path, networks, out, number) for number, path in enumerate(images)]
    failed = [one for one in found if "error" in one]
    if as_json:
        print_json({"disclaimer": DISCLAIMER, "images": found})
    else:
        click.echo(DISCLAIMER)
        for one in found:
            click.echo(f"{one['file']}: {one.get('error') or _line(one)}", err="error" in one)
    if failed:
        return ExitCode.INCOMPLETE if len(failed) < len(found) else ExitCode.FAILED
    return ExitCode.COMPLETE


def _line(one: dict[str, Any]) -> str:
    seen = f", {one['inside_lungs']:.0%} of the map inside the lungs" if one["inside_lungs"] is not None else ""
    return f"probability of covid {one['probability']:.3f} (seeds {one['lowest']:.3f} to {one['highest']:.3f}){seen}"


def _one(
    path: Path, networks: list[tuple[Classifier, dict[str, Any]]], out: Path | None, number: int
) -> dict[str, Any]:
    size, view = int(networks[0][1]["size"]), str(networks[0][1].get("view", "whole"))
    try:
        stored = square(path, stored_side(size), view).copy()
    except PictureError as error:
        return {"file": str(path), "error": str(error)}
    inputs = scaled(torch.from_numpy(stored[None]), size)
    said = [float(probabilities(network, inputs)[0]) for network, _ in networks]
    try:
        heat = np.mean([maps(network, stored[None], size)[0] for network, _ in networks], axis=0)
    except NoMapError:
        heat = np.zeros((size, size), np.float32)
    where = places(heat, stored)
    result: dict[str, Any] = {
        "file": str(path),
        "probability": round(float(np.mean(said)), 6),
        "lowest": round(min(said), 6),
        "highest": round(max(said), 6),
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
