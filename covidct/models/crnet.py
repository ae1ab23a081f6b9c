"""CRNet, the paper's light network: 546,882 parameters with one input channel, 224 x 224 pixels and two outputs.

Paper, section III-B and Fig. 3: (conv32-bn-relu), maxpool, (conv64-relu), maxpool, (conv128-relu), maxpool, avgpool,
classification layer; 7 x 7 convolutions of stride 1, 3 x 3 maximum pools of stride 2, a 2 x 2 average of stride 2.
Padding 3 is inferred: it is the natural geometry among those that give the printed parameter count.
"""

import torch
from torch import Tensor, nn


class CRNet(nn.Module):
    """Grey pictures (n, channels, size, size) to scores (n, classes); ``size`` makes the classifier's width."""

    def __init__(self, classes: int = 2, channels: int = 1, size: int = 224) -> None:
        super().__init__()
        self.features = nn.Sequential(
            *(nn.Conv2d(channels, 32, 7, padding=3), nn.BatchNorm2d(32), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2)),
            *(nn.Conv2d(32, 64, 7, padding=3), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2)),
            *(nn.Conv2d(64, 128, 7, padding=3), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2)),
            nn.AvgPool2d(2, 2),
        )
        side = final_side(size)
        if side < 1:
            raise ValueError(f"CRNet needs pictures of at least 31 pixels a side, got {size}")
        self.classifier = nn.Linear(128 * side * side, classes)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.classifier(torch.flatten(self.features(x), 1))
        return out


def final_side(size: int) -> int:
    """Side of the last feature map: three pools of (3, stride 2), then one of (2, stride 2)."""
    for _ in range(3):
        size = (size - 3) // 2 + 1
    return size // 2
