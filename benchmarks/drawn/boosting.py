"""A fitted scikit-learn model as the forest that covidct reads."""

from typing import Any

import numpy as np

from covidct.imaging.forest import LEAF, Forest


def from_boosting(model: Any, classes: tuple[str, ...], names: tuple[str, ...]) -> Forest:
    """A Forest from a fitted scikit-learn HistGradientBoostingClassifier without missing or categorical values."""
    trees, owner = [], []
    binary = len(classes) == 2
    for stage in model._predictors:
        for index, predictor in enumerate(stage):
            trees.append(predictor.nodes)
            owner.append(1 if binary else index)
    most = max(len(nodes) for nodes in trees)
    shape = (len(trees), most)
    feature, left = np.full(shape, LEAF, np.int16), np.zeros(shape, np.int16)
    right, threshold, value = np.zeros(shape, np.int16), np.zeros(shape), np.zeros(shape, np.float32)
    for row, nodes in enumerate(trees):
        inner = ~nodes["is_leaf"].astype(bool)
        count = len(nodes)
        feature[row, :count] = np.where(inner, nodes["feature_idx"], LEAF)
        threshold[row, :count] = np.where(inner, nodes["num_threshold"], 0)
        left[row, :count], right[row, :count] = nodes["left"] * inner, nodes["right"] * inner
        value[row, :count] = np.where(inner, 0, nodes["value"])
    base = np.ravel(model._baseline_prediction).astype(np.float32)
    start = np.array([0.0, base[0]], np.float32) if binary else base
    return Forest(classes, names, feature, threshold, left, right, value, np.array(owner, np.int16), start)
