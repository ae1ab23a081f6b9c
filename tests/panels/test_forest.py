"""Trees as plain arrays answer as the fitted model does, and a broken file is named."""

import json
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
from drawn.boosting import from_boosting
from sklearn.ensemble import HistGradientBoostingClassifier

from covidct.errors import CovidctError
from covidct.files import sha256_file
from covidct.imaging.forest import load_forest


@pytest.mark.parametrize("classes", [2, 4])
def test_saved_trees_answer_like_the_model(tmp_path: Path, classes: int) -> None:
    rng = np.random.default_rng(0)
    values = rng.normal(size=(400, 6)).astype(np.float32)
    names = np.array([f"k{i}" for i in range(classes)])
    answers = names[np.clip((values[:, 0] + values[:, 1] ** 2).astype(int), 0, classes - 1)]
    model = HistGradientBoostingClassifier(max_iter=12, max_leaf_nodes=6, early_stopping=False).fit(values, answers)
    forest = from_boosting(model, tuple(model.classes_), tuple("abcdef"))
    forest.save(tmp_path / "f.npz")
    loaded = load_forest(tmp_path / "f.npz")
    assert loaded.classes == tuple(model.classes_)
    assert np.allclose(loaded.scores(values), model.predict_proba(values), atol=1e-4)


def test_a_broken_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "f.npz").write_bytes(b"no forest")
    with pytest.raises(CovidctError, match=r"f\.npz"):
        load_forest(tmp_path / "f.npz")


def test_every_file_of_weights_is_the_one_that_a_manifest_names() -> None:
    folder = Path(str(files("covidct.imaging")))
    named: dict[str, str] = {}
    for manifest in folder.rglob("*.json"):
        told = json.loads(manifest.read_text(encoding="utf-8"))
        assert told["command"].startswith("python benchmarks/train_") and told["commit"], manifest
        named |= {f"{manifest.parent / name}": digest for name, digest in told.get("files", {}).items()}
        if "file" in told:
            named[str(manifest.parent / told["file"])] = told["sha256"]
    assert named == {str(path): sha256_file(path) for path in [*folder.rglob("*.npz"), *folder.rglob("*.onnx")]}
