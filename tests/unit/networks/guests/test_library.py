"""Libraries that are not there, names and options that they do not have, sizes that their networks take."""

from importlib.util import find_spec
from types import ModuleType

import pytest
import torch
from torch import Tensor, nn

from segdepth import create_network
from segdepth.core.errors import CheckpointError, ConfigError, InputError
from segdepth.networks.guests import library
from segdepth.networks.guests.library import (
    check_options,
    imported,
    known_name,
    normalisation_from,
    sizes_of,
    with_their_weights,
)
from strangers import Strict

PACKAGES = {"smp": "segmentation_models_pytorch", "timm": "timm", "torchvision": "torchvision"}


@pytest.mark.parametrize("address", ["smp:Unet", "timm:resnet18", "torchvision:deeplabv3_resnet50"])
def test_a_library_that_is_not_installed_is_told_with_the_command(address: str) -> None:
    extra = address.partition(":")[0]
    if find_spec(PACKAGES[extra]):
        pytest.skip(f"{PACKAGES[extra]} is installed")
    with pytest.raises(InputError, match=rf"'{PACKAGES[extra]}' .*: pip install 'segdepth\[{extra}\]'$"):
        create_network(address)


def raises(error: Exception) -> object:
    def import_module(name: str) -> ModuleType:
        raise error

    return import_module


def test_what_a_library_stands_on_may_be_missing_or_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    lost = ModuleNotFoundError("No module named 'torchvision'", name="torchvision")
    monkeypatch.setattr(library, "import_module", raises(lost))
    with pytest.raises(InputError, match=r"'torchvision', which timm needs, .* pip install 'segdepth\[timm\]'"):
        imported("timm", "timm")
    monkeypatch.setattr(library, "import_module", raises(RuntimeError("operator torchvision::nms does not exist")))
    with pytest.raises(InputError, match=r"cannot be imported \(operator torchvision::nms does not exist\)"):
        imported("torchvision.models", "torchvision")


def test_names() -> None:
    many = [f"net{k}" for k in range(100)]
    assert known_name("NET7", many, "network") == "net7"
    with pytest.raises(ConfigError, match=r"no network named 'nett7' \(there are 100\); did you mean 'net7'"):
        known_name("nett7", many, "network")
    with pytest.raises(ConfigError, match=r"\(there are: Unet\)"):
        known_name("x", ["Unet"], "network")


def test_options() -> None:
    check_options("smp:Unet", ["depth"], {"classes": "no"}, ["depth", "classes"])
    with pytest.raises(ConfigError, match="takes no option 'classes': the data say"):
        check_options("smp:Unet", ["classes"], {"classes": "the data say"})
    with pytest.raises(ConfigError, match=r"no option 'depht' \(there are: depth\); did you mean 'depth'"):
        check_options("smp:Unet", ["depht"], {"classes": "no"}, ["depth", "classes"])


def test_weights_that_cannot_be_fetched() -> None:
    def make() -> nn.Module:
        raise OSError("no hub")

    with pytest.raises(CheckpointError, match=r"library \(OSError: no hub\); give the path"):
        with_their_weights(make, "timm:x")


def test_the_library_s_words_for_an_input_range() -> None:
    facts = {"mean": (0.5,) * 3, "std": (0.2,) * 3}
    assert (normalisation_from(facts).scale, normalisation_from(facts).order) == (255, "RGB")
    bytes_ = normalisation_from(facts | {"input_range": [0, 255], "input_space": "BGR"})
    assert (bytes_.scale, bytes_.order) == (1, "BGR")


class OneSize(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        assert x.shape[-2:] == (64, 96), "64x96 only"
        return x


def test_sizes_are_found_by_asking() -> None:
    assert sizes_of(nn.Identity(), 32, None, "a").multiple == 1
    assert sizes_of(Strict(3), 8, None, "a").multiple == 16
    assert sizes_of(OneSize(), 8, (64, 96), "a").fixed == (64, 96)
    with pytest.raises(ConfigError, match="a answers no picture of any size that was tried: 64x96 only"):
        sizes_of(OneSize(), 8, None, "a")
    with torch.device("meta"):
        assert sizes_of(nn.Conv2d(3, 4, 3), 32, None, "a").multiple == 1
