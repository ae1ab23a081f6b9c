"""Quarter turns as a second task (Gidaris et al. 2018), jointly with the classes: the paper's Method 4."""

import torch
from torch import Tensor, nn

from covidct.models.classifier import Classifier


class WithRotation(nn.Module):
    """A classifier and a four-way head on the same features; the second head is left behind after training."""

    def __init__(self, classifier: Classifier) -> None:
        super().__init__()
        self.classifier = classifier
        self.turns = nn.Linear(classifier.width, 4)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Class scores (n, classes) and scores of the four turns (n, 4)."""
        features = self.classifier.features(x)
        return self.classifier.head(features), self.turns(features)


def rotate(pictures: Tensor, quarters: Tensor) -> Tensor:
    """Each square picture (n, c, s, s) turned by its number of quarters, 0 to 3, counter-clockwise."""
    out = pictures.clone()
    for count in range(1, 4):
        chosen = quarters == count
        if bool(chosen.any()):
            out[chosen] = torch.rot90(pictures[chosen], count, (2, 3))
    return out
