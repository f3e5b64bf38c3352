"""Frozen parts stay as they are to the last bit, parts learn at their own rates, and resuming stays exact."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from segdepth.config import Config, LrFactors
from segdepth.core.errors import ConfigError
from segdepth.networks import Network, load_network
from segdepth.tasks import create_network
from segdepth.training import find_checkpoint, train
from segdepth.training.parameters import (
    freeze,
    leave_idle,
    parameter_groups,
    training_mode,
    warn_of_untrained_statistics,
)

from .tiny import small

pytestmark = pytest.mark.usefixtures("frames_drawn_once")


def tiny(**training: Any) -> Config:
    return small("segnet", "depth", **{"train_iters": 4, "val_interval": 2} | training)


def run(folder: Path, **training: Any) -> dict[str, Tensor]:
    """All tensors after a run."""
    result = train(tiny(**training), name="run", root=folder, accelerator="cpu")
    return dict(torch.load(find_checkpoint(result.folder), weights_only=True)["model_state"])


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint to start from: the same network for every test."""
    folder = tmp_path_factory.mktemp("start")
    return train(tiny(train_iters=1, val_interval=1), name="start", root=folder, accelerator="cpu").folder


def changed(before: dict[str, Tensor], after: dict[str, Tensor]) -> set[str]:
    return {name for name, value in before.items() if not torch.equal(value, after[name])}


def test_a_frozen_backbone_does_not_change_at_all(start: Path, tmp_path: Path) -> None:
    before = load_network(start).state_dict()
    moved = changed(before, run(tmp_path, init_from=str(start), freeze_backbone=True))
    assert moved == {name for name in before if not name.startswith("encoder.")}


def test_frozen_batch_norm_keeps_scales_and_statistics(start: Path, tmp_path: Path) -> None:
    before = load_network(start).state_dict()
    moved = changed(before, run(tmp_path, init_from=str(start), freeze_batch_norm=True))
    convolutions = {
        f"{name}.{leaf}" for name, module in load_network(start).named_modules() if isinstance(module, nn.Conv2d)
        for leaf in ("weight", "bias")
    }  # fmt: skip
    assert moved == convolutions


def test_parts_learn_at_their_own_rates(start: Path, tmp_path: Path) -> None:
    before = load_network(start).state_dict()
    sgd = {"init_from": str(start), "train_iters": 1, "optimizer": {"name": "sgd", "lr": 0.5}}
    plain = run(tmp_path, **sgd)
    scaled = run(tmp_path, **sgd, lr_factors={"backbone": 0.125, "head": 2.0})
    for name, factor in (("encoder.0.0.weight", 0.125), ("encoder.4.7.bias", 0.125), ("head.weight", 2.0)):
        torch.testing.assert_close(
            scaled[name] - before[name], factor * (plain[name] - before[name]), rtol=0.01, atol=1e-7
        )


def test_a_stopped_run_goes_on_exactly_with_all_of_it(tmp_path: Path) -> None:
    controls = {
        "freeze_batch_norm": True,
        "lr_factors": {"backbone": 0.1},
        "lr_schedule": {"name": "poly_lr", "max_iter": 4},
    }
    whole = run(tmp_path / "whole", **controls)
    half = train(tiny(train_iters=2, **controls), name="half", root=tmp_path, accelerator="cpu")
    resumed = run(tmp_path, resume=str(half.folder), **controls)
    assert not changed(whole, resumed)


@pytest.fixture
def net() -> Network:
    return create_network("fcrn", "seg", width=0.125)


def test_frozen_parameters_do_not_go_to_the_optimizer(net: Network) -> None:
    frozen = freeze(net, backbone=True, batch_norm=True)
    (group,) = parameter_groups(net, LrFactors())
    assert {id(p) for p in group["params"]} == {
        id(p)
        for name, module in net.named_modules()
        if isinstance(module, nn.Conv2d) and not name.startswith("encoder.")
        for p in module.parameters()
    }
    training_mode(net, frozen)
    modes = {name: module.training for name, module in net.named_modules()}
    assert modes["dropout"]
    assert modes["head"]
    assert not any(training for name, training in modes.items() if name.startswith("encoder") or "bn" in name)


def test_every_parameter_is_in_one_group(net: Network) -> None:
    backbone, head = parameter_groups(net, LrFactors(backbone=0.1))
    ids = [id(p) for group in (backbone, head) for p in group["params"]]
    assert sorted(ids) == sorted(id(p) for p in net.parameters())
    (both,) = parameter_groups(net, LrFactors(backbone=2.0, head=2.0))
    assert len(both["params"]) == len(ids)


def test_what_legacy_deeplab_freezes_is_left_out() -> None:
    net = create_network("deeplab", "seg", width=0.125, legacy=True)
    (group,) = parameter_groups(net, LrFactors())
    assert all(p.requires_grad for p in group["params"])
    assert len(group["params"]) < len(list(net.parameters()))


@pytest.mark.parametrize(
    ("arch", "training", "message"),
    [
        ("dispnet", {"freeze_backbone": True}, r"training\.freeze_backbone: dispnet has no backbone"),
        ("frrn", {"lr_factors": {"backbone": 0.1}}, r"training\.lr_factors\.backbone: frrn has no backbone"),
        ("segnet", {"freeze_backbone": True, "lr_factors": {"backbone": 0.1}}, "leave out one of the two"),
    ],
)
def test_contradictions_are_refused_before_anything_is_made(
    arch: str, training: dict[str, Any], message: str, tmp_path: Path
) -> None:
    config = tiny(**training)
    config = config.model_copy(update={"model": config.model.model_copy(update={"arch": arch})})
    with pytest.raises(ConfigError, match=message):
        train(config, name="x", root=tmp_path, accelerator="cpu")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("factors", [{"backbone": 0}, {"head": -1}, {"neck": 1}, {"head": True}])
def test_impossible_factors_are_refused(factors: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=r"training\.lr_factors"):
        tiny(lr_factors=factors)


@pytest.mark.parametrize(
    ("model", "training", "warned"),
    [({}, {}, True), ({"pretrained": "vgg.pth"}, {}, False), ({}, {"init_from": "runs/x"}, False)],
)
def test_untrained_statistics_are_not_frozen_in_silence(
    model: dict[str, Any], training: dict[str, Any], warned: bool, caplog: pytest.LogCaptureFixture
) -> None:
    config = tiny(freeze_batch_norm=True, **training)
    warn_of_untrained_statistics(config.model_copy(update={"model": config.model.model_copy(update=model)}))
    assert (
        "training.freeze_batch_norm keeps running statistics that nothing was learned with" in caplog.text
    ) == warned


def test_a_run_from_chance_warns_of_frozen_statistics(tmp_path: Path) -> None:
    config = tiny(freeze_batch_norm=True, train_iters=1, val_interval=1)
    folder = train(config, name="run", root=tmp_path, accelerator="cpu").folder
    assert "no weights are loaded" in (folder / "train.log").read_text()


@pytest.fixture
def alone(tmp_path: Path) -> Iterator[None]:
    """A group of one process."""
    dist.init_process_group("gloo", init_method=f"file://{tmp_path / 'group'}", rank=0, world_size=1)
    yield
    dist.destroy_process_group()


def two_updates(net: Network, optimizer: torch.optim.Optimizer | None = None) -> None:
    module = DistributedDataParallel(net)
    for _ in range(2):
        module(torch.rand(2, 3, 32, 32)).sum().backward()
        if optimizer is not None:
            optimizer.step()


@pytest.mark.usefixtures("alone")
def test_what_has_no_part_in_the_answer_does_not_learn_nor_decay_and_no_process_waits_for_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO")
    with pytest.raises(RuntimeError, match="Expected to have finished reduction"):
        two_updates(create_network("python:strangers:Supervised"))
    net = create_network("python:strangers:Supervised")
    leave_idle(net, (32, 32))
    before = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    two_updates(net, torch.optim.AdamW(parameter_groups(net, LrFactors()), 0.1, weight_decay=0.5))
    still = before.keys() - changed(before, net.state_dict())
    assert still == {"guest.side.weight", "guest.side.bias", "guest.unread.weight", "guest.unread.bias"}
    assert "do not learn (in side, unread)" in caplog.text


def test_a_network_of_which_nothing_learns_is_refused() -> None:
    net = create_network("python:strangers:Unlearnable")
    leave_idle(net, (32, 32))
    with pytest.raises(ConfigError, match="nothing of python:strangers:Unlearnable learns"):
        parameter_groups(net, LrFactors())
