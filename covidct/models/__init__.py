"""Networks: torch in, torch out; nothing of the rest of covidct."""

from covidct.models.classifier import Classifier, kaiming
from covidct.models.registry import MODELS, ModelError, build, count_parameters, entry, paper_parameters

__all__ = ["MODELS", "Classifier", "ModelError", "build", "count_parameters", "entry", "kaiming", "paper_parameters"]
