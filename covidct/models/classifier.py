"""A network seen as features and a last linear layer, so that heads can be swapped, frozen or pretrained against."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn


class Classifier(nn.Module):
    """Grey pictures (n, 1, h, w) to scores (n, classes), through ``encoder`` (to n x ``width``) and ``head``.

    ``channels`` is what the network's first layer takes: 1, or 3 for which the grey picture is repeated.
    ``mean`` and ``std`` normalise inputs in 0 to 1; both travel with the weights.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, network: nn.Module, channels: int, classes: int) -> None:
        super().__init__()
        name, layer = last_linear(network, classes)
        replace(network, name, nn.Identity())
        self.encoder = network
        self.head = nn.Linear(layer.in_features, classes, bias=layer.bias is not None)
        self.head.load_state_dict(layer.state_dict())
        self.channels = channels
        self.head_name = name
        self.width = layer.in_features
        self.register_buffer("mean", torch.full((1, channels, 1, 1), 0.5))
        self.register_buffer("std", torch.full((1, channels, 1, 1), 0.5))

    def normalise(self, mean: tuple[float, ...], std: tuple[float, ...]) -> None:
        """Set what is subtracted from and divides the inputs: one value a channel, or one for all."""
        self.mean.copy_(torch.tensor(mean).view(1, -1, 1, 1).expand_as(self.mean))
        self.std.copy_(torch.tensor(std).view(1, -1, 1, 1).expand_as(self.std))

    def adopt(self, state: Mapping[str, Tensor]) -> list[str]:
        """Take over weights named as in the bare network or as in a Classifier; returns the names that were left out.

        A head of another shape stays as it is; an encoder that does not fit is a ValueError.
        """
        own = self.state_dict()
        known = {self._own_name(name): value for name, value in state.items()}
        left = [n for n, v in known.items() if n.startswith("head.") and (n not in own or own[n].shape != v.shape)]
        fitting = {name: value for name, value in known.items() if name not in left}
        wrong = [n for n, v in fitting.items() if n not in own or own[n].shape != v.shape]
        gone = [
            n for n in own if n.startswith("encoder.") and n not in fitting and not n.endswith("num_batches_tracked")
        ]
        if wrong or gone:
            raise ValueError(f"{len(wrong)} unknown and {len(gone)} missing layers, first {(wrong + gone)[0]!r}")
        self.load_state_dict(own | fitting)
        return left

    def _own_name(self, name: str) -> str:
        if name.startswith(("encoder.", "head.")) or name in ("mean", "std"):
            return name
        head = f"{self.head_name}."
        return f"head.{name.removeprefix(head)}" if name.startswith(head) else f"encoder.{name}"

    def features(self, x: Tensor) -> Tensor:
        """What the head sees: (n, width)."""
        x = ((x - self.mean) / self.std).contiguous(memory_format=torch.channels_last)
        out: Tensor = self.encoder(x)
        return torch.flatten(out, 1)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.head(self.features(x))
        return out


def last_linear(network: nn.Module, classes: int) -> tuple[str, nn.Linear]:
    """Name and layer of the classifier: the last linear layer, which must have ``classes`` outputs."""
    linear = [(name, layer) for name, layer in network.named_modules() if isinstance(layer, nn.Linear)]
    if not linear or linear[-1][1].out_features != classes:
        raise ValueError(
            f"{type(network).__name__} does not end in a torch.nn.Linear with {classes} outputs; "
            "end it in nn.Linear(features, classes), so that its head can be found"
        )
    return linear[-1]


def replace(network: nn.Module, name: str, layer: nn.Module) -> None:
    """Put ``layer`` where the submodule ``name`` is."""
    parent, _, attribute = name.rpartition(".")
    setattr(network.get_submodule(parent), attribute, layer)


def kaiming(network: nn.Module) -> None:
    """Kaiming-normal weights (He et al. 2015) for convolutions and linear layers, zero biases, plain norms."""
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
        elif isinstance(layer, nn.BatchNorm2d) and layer.affine:
            nn.init.ones_(layer.weight)
            nn.init.zeros_(layer.bias)
