"""Names that somebody else's code gave, to networks and to all else that a configuration can name."""

from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
import torch

import segdepth
from registered import forget
from segdepth.cli import main
from segdepth.cli.app import COMMANDS
from segdepth.config import check_config
from segdepth.core import tables
from segdepth.core.errors import CheckpointError, ConfigError
from segdepth.networks import save_network
from segdepth.networks.guests import REGISTERED
from strangers import Dictionary


@pytest.fixture(autouse=True)
def _no_names(monkeypatch: pytest.MonkeyPatch) -> None:
    forget(monkeypatch)


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
    segdepth.register("dictionary", Dictionary)
    with pytest.raises(ConfigError, match=r"no network named 'dictionery'.*did you mean 'dictionary'\?"):
        segdepth.create_network("dictionery")
    save_network(segdepth.wrap(Dictionary(), classes=3), tmp_path / "net.safetensors")
    with pytest.raises(
        CheckpointError, match=r"no network is called 'Dictionary' here.*segdepth.register\('Dictionary', build\)"
    ):
        segdepth.load(tmp_path / "net.safetensors")


def install(folder: Path, package: str, groups: str) -> None:
    """What an installed package leaves behind for whoever looks for entry points."""
    info = folder / f"{package.replace('-', '_')}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(groups)


def test_an_installed_package_s_names_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path, "some-nets", "[segdepth.networks]\nstrange = strangers:Dictionary\nlost = no_such:thing\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert segdepth.create_network("strange", num_classes=2).card.arch == "strange"
    with pytest.raises(
        ConfigError, match="'lost' is 'no_such:thing' of the package some-nets, which cannot be imported"
    ):
        segdepth.create_network("lost")
    with pytest.raises(ConfigError, match=r"no network named 'strang' .*did you mean 'strange'\?"):
        segdepth.create_network("strang")


CONFIG: MappingProxyType[str, Any] = MappingProxyType(
    {"model": {"arch": "segnet"}, "task": "depth", "data": {"dataset": "synthetic"}}
)


def test_data_sets_losses_and_metrics_come_the_same_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bag_of_tricks.py").write_text(
        "from segdepth.data.synthetic import Synthetic\n"
        "from segdepth.metrics import mean_over_pictures\n"
        "class Noons(Synthetic): pass\n"
        "def squared(prediction, target, *, weight: float = 1.0):\n"
        "    return weight * (prediction - target[:, None]).square().mean()\n"
        "DATA = {'depth': Noons}\n"
        "LOSS = {'depth': squared}\n"
        "METRIC = {'depth': mean_over_pictures(lambda answer, truth: 0.0, 'nought')}\n"
    )
    tricks = (
        "[segdepth.datasets]\nnoons = bag_of_tricks:DATA\n[segdepth.losses]\nsquared = bag_of_tricks:LOSS\n"
        "[segdepth.metrics]\nnought = bag_of_tricks:METRIC\nlost = bag_of_tricks:NOTHING\n"
    )
    install(tmp_path, "tricks", tricks)
    monkeypatch.syspath_prepend(str(tmp_path))
    said = {"loss": {"name": "squared", "weight": 2}, "metrics": ["nought"]}
    config = check_config({**CONFIG, "data": {"dataset": "noons", "num_images": 3}, "training": said})
    assert config.training.loss is not None
    assert config.training.loss.options == {"weight": 2.0}
    assert config.data.options["num_images"] == 3
    with pytest.raises(ConfigError, match=r"no loss named 'squard' \(there are: .*\); did you mean 'squared'\?"):
        check_config({**CONFIG, "training": {"loss": {"name": "squard"}}})
    with pytest.raises(ConfigError, match=r"training.loss.weights: unknown key \(there are: name, weight\)"):
        check_config({**CONFIG, "training": {"loss": {"name": "squared", "weights": 2}}})
    with pytest.raises(
        ConfigError, match=r"training.metrics: the metric 'lost' is 'bag_of_tricks:NOTHING' of the package tricks"
    ):
        check_config({**CONFIG, "training": {"metrics": ["lost"]}})


def test_two_packages_of_one_name_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path, "one", "[segdepth.networks]\nstrange = strangers:Dictionary\n")
    install(tmp_path, "other", "[segdepth.networks]\nstrange = strangers:Strict\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ConfigError, match="the package one and the package other both give a network 'strange'"):
        segdepth.create_network("strange", num_classes=2)


@pytest.mark.parametrize("name", ["", "a:b"])
def test_what_cannot_be_a_name(name: str) -> None:
    with pytest.raises(ConfigError, match="cannot be called"):
        segdepth.register(name, Dictionary)


@pytest.mark.parametrize("name", ["segnet", "frrnA"])
def test_ours_are_not_replaced(name: str) -> None:
    with pytest.raises(ConfigError, match=f"'{name}' is a network of segdepth's own"):
        segdepth.register(name, Dictionary)


def test_what_makes_nothing_is_refused() -> None:
    with pytest.raises(ConfigError, match="the network 'x': it is a int; give a function or class"):
        REGISTERED.register("x", 3)


@pytest.mark.parametrize("command", ["", *sorted(COMMANDS)])
def test_help_asks_no_package(
    command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def told(**_: object) -> None:
        raise AssertionError("entry points are read")

    monkeypatch.setattr(tables, "entry_points", told)
    main([*command.split(), "--help"])
    assert "Usage" in capsys.readouterr().out


def test_ours_are_picked_without_asking_a_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "entry_points", None)
    assert check_config({**CONFIG, "training": {"loss": {"name": "l1_loss"}}}).data.dataset == "synthetic"
