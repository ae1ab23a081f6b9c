"""``torch.compile``: the same numbers as without, and one line where it cannot be done."""

import logging
from pathlib import Path

import numpy as np
import pytest
import torch
from lightning_fabric import Fabric

from covidct.train.compiling import compiles, wanted
from covidct.train.devices import Devices
from covidct.train.environment import kept
from covidct.train.loop import LAST, START, Job, Pictures, fit
from covidct.train.networks import build
from covidct.train.recipe import Recipe

TINY = """
from torch import nn

CHANNELS = 1


def tiny(classes):
    return nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, classes))
"""


@pytest.fixture
def model(tmp_path: Path) -> str:
    (tmp_path / "tiny_network.py").write_text(TINY)
    return f"{tmp_path / 'tiny_network.py'}:tiny"


def test_only_cuda_is_compiled_without_being_asked() -> None:
    cpu, cuda = torch.device("cpu"), torch.device("cuda")
    assert [wanted(choice, cpu) for choice in ("auto", "on", "off")] == [False, True, False]
    assert [wanted(choice, cuda) for choice in ("auto", "on", "off")] == [True, True, False]


def test_a_compiled_run_is_the_same_run(model: str, tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (16, 18, 18), dtype=np.uint8)
    pictures = Pictures(pixels, np.arange(16) % 2 * 1.0)
    start = build(model, size=16).state_dict()
    history = {}
    for how in ("off", "on"):
        folder = tmp_path / how
        folder.mkdir()
        torch.save(start, folder / START)
        job = Job(model, Recipe(size=16, epochs=2, batch=8, lr=1e-2), 0, pictures, pictures, folder)
        fit(Fabric(accelerator="cpu", devices=1), job, how)
        history[how] = torch.load(folder / LAST, weights_only=True)
        assert kept(folder)["compiled"] == {"off": "no", "on": "yes"}[how]
    for name, value in history["off"]["model"].items():
        assert torch.allclose(value, history["on"]["model"][name], atol=1e-5), name


def test_without_a_compiler_there_is_one_line(model: str, caplog: pytest.LogCaptureFixture) -> None:
    from torch._inductor import config

    network = build(model, size=16)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    torch.compiler.reset()
    with (
        config.patch({"cpp.cxx": ("/no/such/compiler",), "force_disable_caches": True}),
        caplog.at_level(logging.WARNING),
    ):
        assert not compiles(network, lambda one: one(torch.rand(3, 1, 15, 15)).mean())
    said = [record.getMessage() for record in caplog.records if record.name.startswith("covidct")]
    assert len(said) == 1
    assert "training without it" in said[0]
    assert "\n" not in said[0]
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


def test_precision_follows_the_device() -> None:
    assert [Devices("cpu").precision(asked) for asked in ("auto", "32", "bf16")] == ["32", "32", "bf16"]
