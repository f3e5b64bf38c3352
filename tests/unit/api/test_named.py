"""What a caller names."""

from pathlib import Path

import pytest
import torch

from segdepth.api.named import input_size, network_of, recorded_config, require_no_more
from segdepth.config import check_config
from segdepth.core.errors import CheckpointError, ConfigError, InputError
from segdepth.data import open_dataset
from segdepth.networks import device_of, save_network

from .around import config, mine


def test_a_network_is_itself_and_a_path_is_loaded(tmp_path: Path) -> None:
    net = mine()
    assert network_of(net, "auto", ()) is net
    from segdepth import create_network

    save_network(create_network("segnet", "depth", width=0.125), tmp_path / "net.safetensors")
    assert network_of(str(tmp_path / "net"), "cpu", ()).card.arch == "segnet"
    with pytest.raises(CheckpointError, match="no checkpoint"):
        network_of(tmp_path / "other", "cpu", ())


def test_devices_are_tried() -> None:
    assert device_of("cpu") == torch.device("cpu")
    device_of("auto")
    with pytest.raises(InputError, match="'toaster' is no device"):
        device_of("toaster")


def test_a_size_is_said_or_known() -> None:
    net = mine()
    with pytest.raises(ConfigError, match="give size="):
        input_size(net, None, None)
    assert input_size(net, None, check_config(config())) == (32, 96)
    assert input_size(mine(size=(48, 64)), None, None) == (48, 64)
    net.card = net.card.model_copy(update={"input_size": (64, 128)})
    assert input_size(net, None, None) == (64, 128)
    assert input_size(net, (32, 32), None) == (32, 32)


def test_a_record_names_what_this_process_need_not_know() -> None:
    net = mine()
    assert recorded_config(net) is None
    values = config(loss={"name": "theirs", "strength": 3}, metrics=["theirs"])
    values["model"] = {"arch": "Theirs", "depth": 3}
    net.card = net.card.model_copy(update={"config": values})
    recorded = recorded_config(net)
    assert recorded is not None
    assert (recorded.model.arch, recorded.model.options, recorded.training.metrics) == (
        "Theirs",
        {"depth": 3},
        ["theirs"],
    )
    with pytest.raises(ConfigError, match=r"training.loss.name: no loss named 'theirs'"):
        check_config(values)
    values["data"] = {"dataset": "theirs"}
    with pytest.raises(ConfigError, match=r"the card of Mine: data.dataset: no data set named 'theirs'"):
        recorded_config(net)


def test_an_open_data_set_is_not_described_again() -> None:
    dataset = open_dataset("synthetic", path=None, split="val", target="depth", num_images=1)
    require_no_more(dataset, path=None, split=None)
    with pytest.raises(ConfigError, match="num_images= is for a data set that is named"):
        require_no_more(dataset, path=None, num_images=2)
