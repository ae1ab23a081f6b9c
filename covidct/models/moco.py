"""Momentum contrast, version 2 (He et al. 2020, Chen et al. 2020): a query network, its slow average, a queue of keys.

Two views of one picture must look alike to the two networks, and unlike the keys of earlier pictures. Written anew
after the papers; unlike the published script it runs on one device, keeps its queue in checkpoints, and compares with
that part of the queue only that holds keys.
"""

import copy

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from covidct.models.classifier import Classifier


class Projector(nn.Module):
    """Encoder and two-layer head: pictures (n, 1, h, w) to unit vectors (n, ``width``)."""

    def __init__(self, classifier: Classifier, hidden: int, width: int) -> None:
        super().__init__()
        self.classifier = classifier
        self.classifier.head.requires_grad_(False)
        self.head = nn.Sequential(nn.Linear(classifier.width, hidden), nn.ReLU(inplace=True), nn.Linear(hidden, width))

    def forward(self, x: Tensor) -> Tensor:
        return F.normalize(self.head(self.classifier.features(x)).float(), dim=1)


class MoCo(nn.Module):
    """``queue`` holds up to ``size`` keys, ``filled`` of them so far; ``groups`` parts a batch for batch norm.

    Batch norm lets a network tell a key by the statistics of its batch. The paper's four GPUs saw keys in shuffled
    groups; on one device queries go through in ``groups`` parts, and keys in as many parts of a shuffled batch.
    """

    queue: Tensor
    place: Tensor
    filled: Tensor

    def __init__(
        self,
        classifier: Classifier,
        size: int = 512,
        momentum: float = 0.999,
        temperature: float = 0.2,
        hidden: int = 2048,
        width: int = 128,
        groups: int = 4,
    ) -> None:
        super().__init__()
        self.query = Projector(classifier, hidden, width)
        self.key = copy.deepcopy(self.query).requires_grad_(False)
        self.momentum, self.temperature, self.groups = momentum, temperature, groups
        self.register_buffer("queue", torch.zeros(size, width))
        self.register_buffer("place", torch.zeros((), dtype=torch.long))
        self.register_buffer("filled", torch.zeros((), dtype=torch.long))

    def forward(self, first: Tensor, second: Tensor, order: Tensor) -> tuple[Tensor, Tensor]:
        """Loss of a batch and its keys (n, width); ``order`` (n,) is the shuffle of the keys.

        The caller steps the optimiser, then calls :meth:`update` with the keys.
        """
        query = torch.cat([self.query(part) for part in first.chunk(self.groups)])
        with torch.no_grad():
            shuffled = torch.cat([self.key(part) for part in second[order].chunk(self.groups)])
            keys = torch.empty_like(shuffled)
            keys[order] = shuffled
        return contrast(query, keys, self.queue[: int(self.filled)], self.temperature), keys

    @torch.no_grad()
    def update(self, keys: Tensor) -> None:
        """Move the key network towards the query network, and put ``keys`` over the oldest of the queue."""
        for slow, fast in zip(self.key.parameters(), self.query.parameters(), strict=True):
            slow.mul_(self.momentum).add_(fast, alpha=1 - self.momentum)
        size = len(self.queue)
        rows = (int(self.place) + torch.arange(len(keys), device=keys.device)) % size
        self.queue[rows] = keys
        self.place.fill_((int(self.place) + len(keys)) % size)
        self.filled.fill_(min(size, int(self.filled) + len(keys)))


def contrast(query: Tensor, keys: Tensor, queue: Tensor, temperature: float) -> Tensor:
    """Mean cross-entropy of finding each query's own key among it and the queue (Algorithm 1 of the paper).

    ``query`` and ``keys`` (n, d), ``queue`` (k, d), unit rows. All similarities are divided by ``temperature``.
    """
    own = (query * keys).sum(1, keepdim=True)
    scores = torch.cat([own, query @ queue.T], 1) / temperature
    return F.cross_entropy(scores, torch.zeros(len(query), dtype=torch.long, device=query.device))
