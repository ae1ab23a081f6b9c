"""Grad-CAM (Selvaraju et al. 2017): where in the last feature map a class score comes from."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from covidct.models.classifier import Classifier


class NoMapError(ValueError):
    """A network without any layer that keeps places apart."""


def last_map(network: nn.Module, x: Tensor) -> nn.Module:
    """The last submodule whose output for ``x`` is a map (n, channels, h, w) with more than one place."""
    seen: list[nn.Module] = []

    def note(layer: nn.Module, _inputs: tuple[Tensor, ...], output: object) -> None:
        if isinstance(output, Tensor) and output.ndim == 4 and min(output.shape[2:]) > 1:
            seen.append(layer)

    handles = [layer.register_forward_hook(note) for layer in network.modules() if not list(layer.children())]
    try:
        with torch.no_grad():
            network(x)
    finally:
        for handle in handles:
            handle.remove()
    if not seen:
        raise NoMapError("no layer of this network gives a map: Grad-CAM has nothing to show")
    return seen[-1]


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
