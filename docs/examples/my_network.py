"""A network of one's own for ``covidct bench --model my_network.py:build``: 20 lines are enough."""

from torch import nn

CHANNELS = 1  # leave this out for a network that takes three: the grey picture is then repeated


def block(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, padding=1),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(2),
    )


def build(classes: int) -> nn.Module:
    """The factory: gets the number of classes, returns a network that ends in ``nn.Linear(features, classes)``."""
    body = [block(1, 16), block(16, 32), block(32, 64)]
    return nn.Sequential(*body, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, classes))
