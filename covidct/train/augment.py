"""Random crops, flips, grey values, blur and small turns for a whole batch at once, on whatever device it lies.

Chance and effect are apart: ``draw`` makes the numbers for a batch from one generator, ``apply`` uses them. So two
processes that share a batch see the very pictures that one process would see, and a resumed run repeats itself.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F


@dataclass(frozen=True)
class Augment:
    """How much of each change; the defaults are the paper's for labelled training (section IV-B).

    ``crop`` is the smallest area kept, ``ratio`` the widest aspect of the cut, ``brightness`` and ``contrast`` the
    largest relative change, ``turn`` the largest rotation in degrees, ``blur`` the chance of a Gaussian blur.
    """

    crop: float = 0.5
    ratio: float = 4 / 3
    flip: float = 0.5
    brightness: float = 0.2
    contrast: float = 0.2
    turn: float = 0.0
    blur: float = 0.0
    blur_sigma: float = 2.0


@dataclass(frozen=True)
class Draw:
    """The numbers of one batch, one row a picture."""

    theta: Tensor
    """(n, 2, 3), output to input coordinates as in ``torch.nn.functional.affine_grid``."""
    brightness: Tensor
    contrast: Tensor
    sigma: Tensor
    """Standard deviation of the blur in output pixels; 0 where the picture stays sharp."""

    def rows(self, index: slice) -> "Draw":
        """The part of a batch that one of several processes works on."""
        return Draw(self.theta[index], self.brightness[index], self.contrast[index], self.sigma[index])


def _uniform(low: float, high: float, shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    return low + (high - low) * torch.rand(shape, generator=generator)


def _crops(n: int, augment: Augment, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Heights and widths of the cuts as shares of the picture: the first of ten tries that fits, else all of it."""
    area = _uniform(augment.crop, 1.0, (n, 10), generator)
    spread = math.log(augment.ratio)
    ratio = torch.exp(_uniform(-spread, spread, (n, 10), generator))
    height, width = torch.sqrt(area / ratio), torch.sqrt(area * ratio)
    fits = (height <= 1) & (width <= 1)
    first = fits.float().argmax(1, keepdim=True)
    none = ~fits.any(1)
    height, width = height.gather(1, first)[:, 0], width.gather(1, first)[:, 0]
    return height.masked_fill(none, 1.0), width.masked_fill(none, 1.0)


def draw(n: int, augment: Augment, generator: torch.Generator) -> Draw:
    """Random numbers for ``n`` pictures; always the same amount, so that one option does not shift the others."""
    height, width = _crops(n, augment, generator)
    x = _uniform(-1, 1, (n,), generator) * (1 - width)
    y = _uniform(-1, 1, (n,), generator) * (1 - height)
    mirrored = torch.where(torch.rand(n, generator=generator) < augment.flip, -1.0, 1.0)
    angle = torch.deg2rad(_uniform(-augment.turn, augment.turn, (n,), generator))
    brightness = _uniform(max(0.0, 1 - augment.brightness), 1 + augment.brightness, (n,), generator)
    contrast = _uniform(max(0.0, 1 - augment.contrast), 1 + augment.contrast, (n,), generator)
    sigma = _uniform(0.1, augment.blur_sigma, (n,), generator)
    sigma = torch.where(torch.rand(n, generator=generator) < augment.blur, sigma, 0.0)
    cos, sin = torch.cos(angle), torch.sin(angle)
    theta = torch.stack(
        [
            torch.stack([mirrored * width * cos, -width * sin, x], 1),
            torch.stack([mirrored * height * sin, height * cos, y], 1),
        ],
        1,
    )
    return Draw(theta, brightness, contrast, sigma)


def apply(pictures: Tensor, numbers: Draw, size: int) -> Tensor:
    """Pictures (n, channels, h, w) in 0 to 1 to changed ones (n, channels, size, size), still in 0 to 1."""
    x = F.grid_sample(
        pictures, _grid(numbers.theta.to(pictures), size), mode="bilinear", padding_mode="border", align_corners=False
    )
    x = (x * numbers.brightness.to(x).view(-1, 1, 1, 1)).clamp_(0, 1)
    mean = x.mean((1, 2, 3), keepdim=True)
    x = ((x - mean) * numbers.contrast.to(x).view(-1, 1, 1, 1) + mean).clamp_(0, 1)
    return _blur(x, numbers.sigma.to(x)) if bool((numbers.sigma > 0).any()) else x


def _grid(theta: Tensor, size: int) -> Tensor:
    """What ``torch.nn.functional.affine_grid`` gives, (n, size, size, 2), as a sum of rows and columns.

    That one multiplies matrices with two columns: two thirds of the time of all changes together on a CPU.
    """
    line = (2 * torch.arange(size, device=theta.device, dtype=theta.dtype) + 1) / size - 1
    across, down = theta[:, :, 0, None] * line, theta[:, :, 1, None] * line + theta[:, :, 2, None]
    return down.transpose(1, 2)[:, :, None] + across.transpose(1, 2)[:, None]


def _blur(pictures: Tensor, sigma: Tensor) -> Tensor:
    """Each picture with its own Gaussian, by two passes of a grouped convolution."""
    n, channels, height, width = pictures.shape
    radius = max(1, min(math.ceil(3 * float(sigma.max())), min(height, width) // 2 - 1))
    steps = torch.arange(-radius, radius + 1, device=pictures.device, dtype=pictures.dtype)
    kernel = torch.exp(-0.5 * (steps / sigma.clamp(min=1e-3).view(-1, 1)) ** 2)
    kernel = (kernel / kernel.sum(1, keepdim=True)).repeat_interleave(channels, 0)
    x = pictures.reshape(1, n * channels, height, width)
    x = F.conv2d(F.pad(x, (0, 0, radius, radius), mode="replicate"), kernel[:, None, :, None], groups=n * channels)
    x = F.conv2d(F.pad(x, (radius, radius, 0, 0), mode="replicate"), kernel[:, None, None, :], groups=n * channels)
    return x.reshape(n, channels, height, width)
