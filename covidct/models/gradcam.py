"""Grad-CAM (Selvaraju et al. 2017): where in the last feature map a class score comes from."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from covidct.models.classifier import Classifier


class NoMapError(ValueError):
    """A network whose last layer with places is no map (n, channels, h, w) of the picture's shape."""


def last_map(network: nn.Module, x: Tensor) -> nn.Module:
    """The last submodule whose output for ``x`` (n, c, h, w) keeps places apart, if that is a map of its shape.

    Tokens (n, places, channels) and maps with their channels last are no such maps: a NoMapError.
    """
    seen: list[tuple[nn.Module, torch.Size]] = []

    def note(layer: nn.Module, _inputs: tuple[Tensor, ...], output: object) -> None:
        if isinstance(output, Tensor) and output.ndim > 2 and output.shape[1:].numel() > max(output.shape[1:]):
            seen.append((layer, output.shape))

    handles = [layer.register_forward_hook(note) for layer in network.modules() if not list(layer.children())]
    try:
        with torch.no_grad():
            network(x)
    finally:
        for handle in handles:
            handle.remove()
    if not seen or not _like(seen[-1][1], x.shape):
        raise NoMapError("the last layer of this network that keeps places apart gives no map of the picture's shape")
    return seen[-1][0]


def _like(shape: torch.Size, picture: torch.Size) -> bool:
    """Whether ``shape`` is (n, channels, h, w) with the picture's ratio of sides, to within a pixel."""
    if len(shape) != 4 or min(shape[2:]) < 2:
        return False
    (high, wide), (height, width) = shape[2:], picture[2:]
    return abs(high * width - wide * height) <= max(height, width)


def grad_cam(network: Classifier, x: Tensor, target: int = 1) -> Tensor:
    """Maps (n, h, w) in 0 to 1 of what speaks for class ``target`` in pictures ``x`` (n, 1, h, w), 0 to 1.

    A map is the layer's activation, weighted by the mean gradient of the class score, cut at zero, scaled to its own
    maximum; all zero where nothing speaks for the class. The network is put in evaluation mode and stays there.
    """
    network.eval()
    layer = last_map(network.encoder, ((x[:1] - network.mean) / network.std).expand(-1, network.channels, -1, -1))
    kept: list[Tensor] = []
    handle = layer.register_forward_hook(lambda _layer, _inputs, output: kept.append(output))
    try:
        with torch.enable_grad():
            score = network(x.requires_grad_(True))[:, target].sum()
            activation = kept[-1]
            (gradient,) = torch.autograd.grad(score, activation)
    finally:
        handle.remove()
    weights = gradient.mean((2, 3), keepdim=True)
    maps = F.relu((weights * activation).sum(1, keepdim=True)).detach()
    maps = F.interpolate(maps, size=x.shape[2:], mode="bilinear", align_corners=False)[:, 0]
    return maps / maps.amax((1, 2), keepdim=True).clamp(min=1e-12)
