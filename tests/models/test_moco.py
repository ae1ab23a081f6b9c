"""Momentum contrast against slow, plain versions: loss, queue, momentum; rotation."""

import math

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from covidct.models import Classifier
from covidct.models.moco import MoCo, contrast
from covidct.models.rotation import WithRotation, rotate


def tiny() -> Classifier:
    torch.manual_seed(0)
    layers = (nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 2))
    return Classifier(nn.Sequential(*layers), 1, 2)


def unit(rows: int, seed: int) -> Tensor:
    return F.normalize(torch.randn(rows, 6, generator=torch.Generator().manual_seed(seed)), dim=1)


def plain_loss(query: Tensor, keys: Tensor, queue: Tensor, temperature: float) -> float:
    """Algorithm 1, one query at a time, in Python numbers."""
    total = 0.0
    for q, k in zip(query.tolist(), keys.tolist(), strict=True):
        own = math.exp(sum(a * b for a, b in zip(q, k, strict=True)) / temperature)
        others = [math.exp(sum(a * b for a, b in zip(q, o, strict=True)) / temperature) for o in queue.tolist()]
        total += -math.log(own / (own + sum(others)))
    return total / len(query)


@pytest.mark.parametrize("temperature", [0.07, 0.2, 1.0])
def test_loss_is_that_of_algorithm_1(temperature: float) -> None:
    query, keys, queue = unit(5, 1), unit(5, 2), unit(9, 3)
    assert contrast(query, keys, queue, temperature).item() == pytest.approx(
        plain_loss(query, keys, queue, temperature), rel=1e-5
    )


def test_an_empty_queue_gives_no_loss() -> None:
    assert contrast(unit(4, 1), unit(4, 2), torch.zeros(0, 6), 0.2).item() == 0


def test_queue_is_first_in_first_out_and_wraps() -> None:
    moco = MoCo(tiny(), size=7, width=6, hidden=8, groups=1)
    plain: list[list[float]] = []
    for step in range(5):
        keys = unit(3, 10 + step)
        moco.update(keys)
        plain = (plain + keys.tolist())[-7:]
        held = moco.queue[: int(moco.filled)].tolist()
        assert sorted(held) == sorted(plain), f"step {step}"
    assert (int(moco.filled), int(moco.place)) == (7, 15 % 7)


def test_key_network_follows_slowly() -> None:
    moco = MoCo(tiny(), size=8, width=6, hidden=8, momentum=0.9, groups=1)
    before = [p.clone() for p in moco.key.parameters()]
    with torch.no_grad():
        for p in moco.query.parameters():
            p.add_(1.0)
    moco.update(unit(2, 1))
    for old, new, fast in zip(before, moco.key.parameters(), moco.query.parameters(), strict=True):
        assert torch.allclose(new, 0.9 * old + 0.1 * fast)
        assert not new.requires_grad


def test_shuffled_keys_come_back_in_order() -> None:
    """Without batch statistics the shuffle changes nothing: each key belongs to its picture."""
    moco = MoCo(tiny(), size=8, width=6, hidden=8, groups=2).eval()
    x, y = torch.rand(6, 1, 8, 8), torch.rand(6, 1, 8, 8)
    _, keys = moco(x, y, torch.tensor([3, 1, 5, 0, 2, 4]))
    assert torch.allclose(keys, moco.key(y), atol=1e-6)


def test_batch_groups_see_their_own_statistics() -> None:
    moco = MoCo(tiny(), size=8, width=6, hidden=8, groups=2).train()
    x = torch.rand(6, 1, 8, 8)
    _, straight = moco(x, x, torch.arange(6))
    _, shuffled = moco(x, x, torch.tensor([0, 3, 1, 4, 2, 5]))
    assert not torch.allclose(straight, shuffled)


def test_only_the_query_network_learns() -> None:
    moco = MoCo(tiny(), size=8, width=6, hidden=8, groups=1)
    moco.update(unit(8, 4))
    loss, _ = moco(torch.rand(4, 1, 8, 8), torch.rand(4, 1, 8, 8), torch.arange(4))
    loss.backward()
    assert all(p.grad is None for p in moco.key.parameters())
    learned = [name for name, p in moco.query.named_parameters() if p.grad is not None]
    assert "classifier.encoder.0.weight" in learned
    assert not any(name.startswith("classifier.head") for name in learned)


def test_queue_is_part_of_a_checkpoint() -> None:
    moco, other = (MoCo(tiny(), size=8, width=6, hidden=8) for _ in range(2))
    moco.update(unit(5, 1))
    other.load_state_dict(moco.state_dict())
    assert torch.equal(other.queue, moco.queue)
    assert int(other.filled) == 5


def test_turns_are_quarter_turns() -> None:
    pictures = torch.arange(8.0).view(2, 1, 2, 2)
    assert torch.equal(rotate(pictures, torch.tensor([0, 3]))[0], pictures[0])
    assert torch.equal(rotate(pictures, torch.tensor([0, 3]))[1], torch.rot90(pictures[1], 3, (1, 2)))


def test_rotation_shares_the_features() -> None:
    both = WithRotation(tiny())
    classes, turns = both(torch.rand(3, 1, 8, 8))
    assert (classes.shape, turns.shape) == ((3, 2), (3, 4))
    turns.sum().backward()
    assert both.classifier.encoder.get_submodule("0").weight.grad is not None
