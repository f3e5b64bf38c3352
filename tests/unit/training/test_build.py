"""Networks, losses and optimizers are what is configured; what does not fit the data or the run is refused, or warned of."""

from pathlib import Path

import pytest
import torch
from torch import nn

from segdepth import wrap
from segdepth.config import Config
from segdepth.config.schema import ModelSection
from segdepth.config.splits import open_split
from segdepth.core.errors import ConfigError, InputError
from segdepth.networks import Normalisation, load_network, save_network
from segdepth.training import build_network_for, build_optimizer, train
from segdepth.training.parameters import freeze

from .tiny import tiny, tiny_network

pytestmark = pytest.mark.usefixtures("frames_drawn_once")


def test_a_run_can_start_from_another_tasks_weights(tmp_path: Path) -> None:
    seg = train(tiny("seg", train_iters=1, val_interval=1), name="seg", root=tmp_path, accelerator="cpu")
    start = load_network(seg.folder).state_dict()
    depth = train(
        tiny(train_iters=1, init_from=str(seg.folder), optimizer={"name": "sgd", "lr": 1e-30}),
        name="depth", root=tmp_path, accelerator="cpu",
    )  # fmt: skip
    ours = load_network(depth.folder).state_dict()
    assert torch.equal(ours["encoder.conv1.weight"], start["encoder.conv1.weight"])
    assert ours["head.weight"].shape != start["head.weight"].shape


def with_width(config: Config, width: float) -> Config:
    return config.model_copy(update={"model": ModelSection(arch="fcrn", width=width)})


def test_a_start_from_a_network_of_another_width_is_warned_of_and_one_from_nothing_is_refused(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    once = {"train_iters": 1, "val_interval": 1}
    seg = train(tiny("seg", **once), name="seg", root=tmp_path, accelerator="cpu")
    wide = with_width(tiny("seg", **once, init_from=str(seg.folder)), 0.25)
    caplog.clear()
    train(wide, name="wide", root=tmp_path, accelerator="cpu")
    (warning,) = (r.getMessage() for r in caplog.records if r.levelname == "WARNING" and "init_from" in r.getMessage())
    assert "only 1 of 344 tensors fit" in warning, "head.bias"
    assert "encoder.conv1.weight (16x3x7x7 here, 8x3x7x7 there)" in warning
    assert warning.count(" here, ") == 3
    assert "and 340 more" in warning
    depth = with_width(tiny("depth", **once, init_from=str(seg.folder)), 0.25)
    with pytest.raises(ConfigError, match=r"^training\.init_from: nothing in '.*' fits fcrn .*and 341 more$"):
        train(depth, name="depth", root=tmp_path, accelerator="cpu")
    assert not (tmp_path / "depth").exists()


def test_a_start_that_leaves_out_a_head_is_no_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    once = {"train_iters": 1, "val_interval": 1}
    seg = train(tiny("seg", **once), name="seg", root=tmp_path, accelerator="cpu")
    with caplog.at_level("INFO", logger="segdepth"):
        train(tiny(**once, init_from=str(seg.folder)), name="x", root=tmp_path, accelerator="cpu")
        train(tiny("seg", **once, init_from=str(seg.folder)), name="y", root=tmp_path, accelerator="cpu")
    first, second = (r for r in caplog.records if "init_from" in r.getMessage())
    assert {first.levelname, second.levelname} == {"INFO"}
    assert "head.weight (" in first.getMessage()
    assert "head.bias (" in first.getMessage()
    assert " more" not in first.getMessage()
    assert "all 344 tensors" in second.getMessage()


def test_a_wrong_number_of_class_weights_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    config = tiny("seg", loss={"name": "cross_entropy", "weight": [1.0, 2.0]})
    with pytest.raises(ConfigError, match=r"training\.loss\.weight has 2 numbers, but synthetic has \d+ classes"):
        train(config, name="x", root=tmp_path / "runs", accelerator="cpu")
    assert not (tmp_path / "runs").exists()


def test_a_schedule_that_does_not_fit_the_run_is_warned_of(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    schedule = {"name": "poly_lr", "max_iter": 1, "warmup_iters": 5}
    run = train(tiny(train_iters=2, lr_schedule=schedule), name="run", root=tmp_path, accelerator="cpu").folder
    assert "the warm-up of 5 updates is not over" in caplog.text
    assert "max_iter is 1, the learning rate is 0 from there" in caplog.text
    with caplog.at_level("INFO"):
        train(tiny(train_iters=1, resume=str(run)), name="run", root=tmp_path, accelerator="cpu")
    assert "nothing is left to do: 2 updates are done" in caplog.text


def test_the_optimizer_has_the_configured_options_and_what_learns() -> None:
    config = tiny(optimizer={"name": "adam", "lr": 0.5, "betas": [0.5, 0.6]}, lr_factors={"backbone": 0.5})
    net = tiny_network()
    freeze(net, backbone=False, batch_norm=True)
    optimizer = build_optimizer(config, net)
    assert isinstance(optimizer, torch.optim.Adam)
    assert [tuple(group["betas"]) for group in optimizer.param_groups] == [(0.5, 0.6)] * 2
    learning = {id(p) for p in net.parameters() if p.requires_grad}
    assert {id(p) for group in optimizer.param_groups for p in group["params"]} == learning


@pytest.mark.parametrize(
    ("precision", "leaves_unscaling"), [("32-true", False), ("bf16-mixed", False), ("16-mixed", True)]
)
def test_gradients_are_unscaled_before_they_are_clipped(precision: str, leaves_unscaling: bool) -> None:
    """A fused optimizer would unscale them itself, in its step."""
    optimizer = build_optimizer(tiny(precision=precision), tiny_network())
    assert optimizer._step_supports_amp_scaling is not leaves_unscaling


def test_a_factor_for_a_frozen_backbone_is_refused() -> None:
    net = tiny_network()
    freeze(net, backbone=True, batch_norm=False)
    with pytest.raises(ConfigError, match="leave out one of the two"):
        build_optimizer(tiny(lr_factors={"backbone": 0.1}), net)


def test_relative_answers_are_not_taught_until_it_is_said_what_they_shall_mean(tmp_path: Path) -> None:
    def with_answers(answers: str) -> Config:
        config = tiny(train_iters=1, val_interval=1)
        return config.model_copy(update={"model": ModelSection(arch="fcrn", width=0.125, answers=answers)})

    with pytest.raises(ConfigError, match=r"fcrn answers relative inverse depth.*model\.answers: .*inverse_metres"):
        train(with_answers("relative_inverse_depth"), name="relative", root=tmp_path, accelerator="cpu")
    assert not (tmp_path / "relative").exists()
    run = train(with_answers("inverse_metres"), name="metric", root=tmp_path, accelerator="cpu")
    assert load_network(run.folder).output.name == "inverse_metres"


def test_a_size_that_the_network_does_not_take_begins_no_run(tmp_path: Path) -> None:
    net = wrap(nn.Conv2d(3, 1, 3, padding=1), task="depth", size=(224, 224))
    with pytest.raises(InputError, match=r"takes 224x224 only: .*data\.img_rows"):
        train(tiny("depth"), name="fixed", root=tmp_path, accelerator="cpu", net=net)
    assert not (tmp_path / "fixed").exists()


def test_a_run_that_goes_on_keeps_what_was_known_of_weights_when_they_were_fetched(tmp_path: Path) -> None:
    config = tiny("seg").model_copy(update={"model": ModelSection(arch="python:strangers:Dictionary")})
    dataset = open_split(config, "train")
    card = build_network_for(config, dataset).card
    assert card.guest is not None
    theirs = Normalisation(mean=(1.0, 2.0, 3.0))
    begun = build_network_for(config, dataset)
    begun.card = card.model_copy(
        update={"preprocessing": theirs, "guest": card.guest.model_copy(update={"weights": "a file"})}
    )
    save_network(begun, tmp_path / "begun.safetensors")
    net = build_network_for(config, dataset, source=tmp_path / "begun.safetensors")
    assert net.preprocessing.normalisation == net.card.preprocessing == theirs
    assert net.card.guest == begun.card.guest


def test_a_run_of_somebody_else_s_network_goes_on_without_what_it_came_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The folder of a first start is gone: the checkpoint's card is enough."""
    where = tmp_path / "made.py"
    where.write_text(
        "from torch import nn\ndef net(num_classes, width):\n    return nn.Conv2d(3, num_classes, width)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    whole, half = ((tiny("seg", train_iters=n, checkpoint_interval=2)) for n in (4, 2))

    def of(config: Config, **options: object) -> Config:
        model = ModelSection(arch="python:made:net", **{"width": 3} | options)  # type: ignore[arg-type]
        return config.model_copy(update={"model": model})

    straight = train(of(whole), name="straight", root=tmp_path, accelerator="cpu")
    first = train(of(half), name="run", root=tmp_path, accelerator="cpu")
    asked: list[object] = []
    monkeypatch.setattr("segdepth.training.build.create_network", lambda *given, **_: asked.append(given))
    resumed = whole.model_copy(update={"training": whole.training.model_copy(update={"resume": first.folder})})
    again = train(of(resumed), name="run", root=tmp_path, accelerator="cpu")
    assert not asked
    one, other = (load_network(run.folder, allow=["python:made:net"]).state_dict() for run in (straight, again))
    assert all(torch.equal(one[key], other[key]) for key in one)
