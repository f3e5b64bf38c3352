"""Names that somebody else's code gave."""

from pathlib import Path

import pytest
import torch

import segdepth
from segdepth.config import check_config
from segdepth.core.errors import CheckpointError, ConfigError
from segdepth.networks import save_network
from segdepth.networks.guests import registry
from strangers import Dictionary


@pytest.fixture(autouse=True)
def _no_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_REGISTERED", {})


def test_a_registered_name_is_a_network_everywhere(tmp_path: Path) -> None:
    segdepth.register("dictionary", Dictionary)
    net = segdepth.create_network("dictionary", num_classes=4, width=2)
    save_network(net, tmp_path / "net.safetensors")
    x = torch.rand(1, 3, 32, 32)
    torch.testing.assert_close(segdepth.load(tmp_path / "net.safetensors")(x), net.eval()(x))
    values = {"model": {"arch": "dictionary", "width": 2}, "task": "seg", "data": {"dataset": "synthetic"}}
    assert check_config(values).model.options == {"width": 2}


def test_a_name_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no network named 'dictionary'"):
        segdepth.create_network("dictionary")
    save_network(segdepth.wrap(Dictionary(), classes=3), tmp_path / "net.safetensors")
    with pytest.raises(
        CheckpointError, match=r"no network is called 'Dictionary' here.*segdepth.register\('Dictionary', build\)"
    ):
        segdepth.load(tmp_path / "net.safetensors")


def test_an_installed_package_s_names_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    info = tmp_path / "some_nets-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: some-nets\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[segdepth.networks]\nstrange = strangers:Dictionary\nlost = no_such:thing\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    assert segdepth.create_network("strange", num_classes=2).card.arch == "strange"
    with pytest.raises(ConfigError, match="'no_such:thing' of an installed package, which cannot be imported"):
        segdepth.create_network("lost")


@pytest.mark.parametrize("name", ["", "a:b"])
def test_what_cannot_be_a_name(name: str) -> None:
    with pytest.raises(ConfigError, match="cannot be called"):
        segdepth.register(name, Dictionary)
