"""Augmentation: what comes out, that chance can be repeated, and that several processes share one batch."""

import math

import pytest
import torch

from covidct.train.augment import Augment, Draw, apply, draw

STILL = Augment(crop=1.0, ratio=1.0, flip=0.0, brightness=0.0, contrast=0.0)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_nothing_asked_nothing_changed() -> None:
    x = torch.rand(3, 1, 20, 20)
    assert torch.allclose(apply(x, draw(3, STILL, generator()), 20), x, atol=1e-5)


def test_flip_is_a_mirror() -> None:
    x = torch.rand(2, 1, 16, 16)
    mirrored = apply(x, draw(2, Augment(1.0, 1.0, 1.0, 0.0, 0.0), generator()), 16)
    assert torch.allclose(mirrored, x.flip(3), atol=1e-5)


def test_half_a_turn_is_two_mirrors() -> None:
    x = torch.rand(1, 1, 16, 16)
    numbers = draw(1, STILL, generator())
    turned = Draw(torch.tensor([[[-1.0, 0, 0], [0, -1.0, 0]]]), numbers.brightness, numbers.contrast, numbers.sigma)
    assert torch.allclose(apply(x, turned, 16), x.flip(2, 3), atol=1e-5)


def test_crops_lie_inside_and_keep_the_area_asked_for() -> None:
    theta = draw(2000, Augment(crop=0.2), generator()).theta
    width, height = theta[:, 0, 0].abs(), theta[:, 1, 1].abs()
    assert ((width * height) >= 0.2 - 1e-6).all()
    assert (width + theta[:, 0, 2].abs() <= 1 + 1e-5).all()
    assert (height + theta[:, 1, 2].abs() <= 1 + 1e-5).all()
    ratio = width / height
    assert ratio.min() >= 3 / 4 - 1e-5
    assert ratio.max() <= 4 / 3 + 1e-5
    assert 0.45 < (theta[:, 0, 0] < 0).float().mean() < 0.55


def test_brightness_and_contrast_as_torchvision_does_them() -> None:
    functional = pytest.importorskip("torchvision.transforms.v2.functional")
    x = torch.rand(1, 1, 12, 12)
    numbers = Draw(torch.eye(2, 3)[None], torch.tensor([1.2]), torch.tensor([0.7]), torch.zeros(1))
    expected = functional.adjust_contrast(functional.adjust_brightness(x, 1.2), 0.7)
    assert torch.allclose(apply(x, numbers, 12), expected, atol=1e-5)


def test_blur_is_a_gaussian_for_each_picture_alone() -> None:
    functional = pytest.importorskip("torchvision.transforms.v2.functional")
    x = torch.zeros(2, 1, 41, 41)
    x[:, :, 20, 20] = 1
    numbers = Draw(torch.eye(2, 3).repeat(2, 1, 1), torch.ones(2), torch.ones(2), torch.tensor([0.0, 2.0]))
    sharp, soft = apply(x, numbers, 41)
    assert sharp[0, 20, 20] == pytest.approx(1, abs=1e-4)
    expected = functional.gaussian_blur(x[1:], [13, 13], [2.0, 2.0])[0]
    assert torch.allclose(soft, expected, atol=1e-4)
    assert math.isclose(soft.sum().item(), 1, rel_tol=1e-3)


def test_same_seed_same_pictures_and_parts_add_up() -> None:
    x = torch.rand(5, 1, 16, 16)
    augment = Augment(turn=10, blur=0.5)
    whole = apply(x, draw(5, augment, generator(3)), 12)
    numbers = draw(5, augment, generator(3))
    parts = [apply(x[rank::2], numbers.rows(slice(rank, None, 2)), 12) for rank in range(2)]
    assert torch.allclose(parts[0], whole[0::2], atol=1e-6)
    assert torch.allclose(parts[1], whole[1::2], atol=1e-6)
