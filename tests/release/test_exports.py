"""Each export is read by the library it is for; names of releases; licences as SPDX; a Zenodo deposit; --json."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from covidct.cli import run
from covidct.release.make.croissant import croissant
from covidct.release.make.pack import zenodo
from covidct.release.make.write import Draft, columns_of, write_release
from covidct.release.read import read_release
from covidct.release.read.licences import licence_address, spdx

MakeDraft = Callable[..., Draft]


@pytest.fixture
def marked(make_draft: MakeDraft, tmp_path: Path) -> Path:
    """A release of sixteen pictures with a text box each."""
    draft = make_draft(16)
    draft.images["artifacts"] = "identifying=no text=1 boxes=text:4,4,20,12"
    return write_release(draft, tmp_path / "manifests")


@pytest.fixture
def readers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Libraries that take our exports lie in a folder of their own (tests/readers.txt)."""
    monkeypatch.syspath_prepend(str(Path(sys.prefix) / "readers"))


@pytest.fixture
def export(marked: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., Path]:
    """Export ``marked`` in a format; the folder."""

    def do(kind: str, *more: str) -> Path:
        out = tmp_path / kind
        call = ["manifest", "export", str(marked), "--format", kind, "--images", str(tmp_path / "pictures")]
        assert run([*call, "--out", str(out), "--json", *more]) == 0
        assert json.loads(capsys.readouterr().out)["pictures"] == 16
        return out

    return do


def test_coco_has_labels_and_marks_as_categories_and_boxes_follow_the_size(export: Callable[..., Path]) -> None:
    document = json.loads((export("coco", "--size", "96") / "annotations.json").read_text())
    assert [(c["supercategory"], c["name"]) for c in document["categories"]] == [
        ("label", "non-covid"),
        ("label", "covid"),
        ("mark", "text"),
    ]
    assert {(image["width"], image["height"]) for image in document["images"]} == {(96, 96)}
    first = [box for box in document["annotations"] if box["image_id"] == 1]
    assert first[0]["bbox"] == [0, 0, 96, 96]
    assert first[1]["bbox"] == [9.6, 8.73, 38.4, 17.45]  # 4,4 to 20,12 of 40 x 44 pixels
    assert document["licenses"] == [
        {"id": 1, "name": "CC-BY-4.0", "url": "https://creativecommons.org/licenses/by/4.0/"}
    ]


@pytest.mark.usefixtures("readers")
def test_pycocotools_reads_coco(export: Callable[..., Path]) -> None:
    coco = pytest.importorskip("pycocotools.coco")
    found = coco.COCO(str(export("coco") / "annotations.json"))
    covid = found.getCatIds(catNms=["covid"])
    assert len(found.getImgIds(catIds=covid)) == 8
    assert len(found.getAnnIds(catIds=found.getCatIds(supNms=["mark"]))) == 16


@pytest.mark.usefixtures("readers")
def test_datasets_reads_the_imagefolder_with_our_classes(export: Callable[..., Path], tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    folder = export("imagefolder", "--size", "64")
    loaded = datasets.load_dataset(str(folder), cache_dir=str(tmp_path / "hf"))
    assert {split: len(rows) for split, rows in loaded.items()} == {"train": 8, "validation": 4, "test": 4}
    assert loaded["train"].features["target"].names == ["non-covid", "covid"]
    labels = dict(zip(read_release(tmp_path / "manifests/toy/1.0.0").images["image_id"], [1, 1, 0, 0] * 4, strict=True))
    assert [row["target"] for row in loaded["test"]] == [labels[row["image_id"]] for row in loaded["test"]]
    assert loaded["train"][0]["image"].size == (64, 64)


def test_the_npz_is_one_that_medmnist_users_know(export: Callable[..., Path]) -> None:
    with np.load(export("npz", "--size", "28") / "toy-1.0.0.npz", allow_pickle=False) as arrays:
        assert arrays["train_images"].shape == (8, 28, 28)
        assert arrays["train_labels"].shape == (8, 1)
        assert set(np.unique(arrays["test_labels"])) == {0, 1}


@pytest.mark.usefixtures("readers")
def test_label_studio_takes_config_and_tasks(export: Callable[..., Path]) -> None:
    interface = pytest.importorskip("label_studio_sdk.label_interface")
    folder = export("label-studio")
    view = interface.LabelInterface((folder / "config.xml").read_text())
    tasks = json.loads((folder / "tasks.json").read_text())
    assert view.get_control("label").labels == ["covid", "non-covid"]
    assert all(view.validate_prediction(task["predictions"][0]) for task in tasks)


@pytest.mark.parametrize(
    ("text", "name", "address"),
    [
        ("cc-by-4.0", "CC-BY-4.0", "https://spdx.org/licenses/CC-BY-4.0.html"),
        ("CC BY-NC-ND 4.0", "CC-BY-NC-ND-4.0", "https://spdx.org/licenses/CC-BY-NC-ND-4.0.html"),
        ("cc0", "CC0-1.0", "https://spdx.org/licenses/CC0-1.0.html"),
        ("cc-by", "LicenseRef-CC-BY", "https://creativecommons.org/licenses/by/"),
        ("All rights reserved", "LicenseRef-all-rights-reserved", "LicenseRef-all-rights-reserved"),
        ("", "NOASSERTION", "NOASSERTION"),
    ],
)
def test_licences_by_their_spdx_names(text: str, name: str, address: str) -> None:
    assert spdx(text)[0] == name
    assert licence_address(text) == address


def test_croissant_names_licences_by_address(toy_release: Path) -> None:
    release = read_release(toy_release)
    frames = {"images.csv": release.images, "papers.csv": release.papers}
    frames |= {"patients.csv": release.patients, "withdrawn.csv": release.withdrawn}
    columns = {name: columns_of(name, frame) for name, frame in frames.items()}
    digests = dict.fromkeys(columns, "0" * 64)
    document = croissant(release.meta, digests, ["cc-by-4.0"], columns)
    assert document["license"] == ["https://spdx.org/licenses/CC-BY-4.0.html"]


def test_pack_writes_what_zenodo_asks_for(
    toy_release: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "toy.zip"
    assert run(["manifest", "pack", str(toy_release), "--out", str(out), "--zenodo", "--json"]) == 0
    done = json.loads(capsys.readouterr().out)
    metadata = json.loads(Path(done["zenodo"]).read_text())["metadata"]
    assert (metadata["upload_type"], metadata["version"], metadata["license"]) == ("dataset", "1.0.0", "cc-by-4.0")
    assert metadata["publication_date"] == "2026-01-01"
    release = read_release(toy_release)
    release.images.loc[0, "licence"] = "cc0"
    assert "license" not in zenodo(release)
