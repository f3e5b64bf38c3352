"""Others' checkpoints become networks of ours: recognised by their tensors alone, complete, with the ancestor's numbers."""

import json
import os
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from segdepth.core.errors import CheckpointError, ConfigError
from segdepth.layers.resnet import RESNET50, RESNET101, ResNet
from segdepth.layers.vgg import VGG16_STAGES, vgg16_convolution_indices
from segdepth.networks import PREPROCESSINGS, load_network, recognise_backbone, save_network
from segdepth.tasks import convert_checkpoint, convert_state, create_network

OURS = {"fcn": "fcn8s", "frrnA": "frrn", "frrnB": "frrn"}
RUNS = [
    (arch, task)
    for arch in ("fcn", "segnet", "frrnA", "frrnB", "deeplab", "dispnet", "fcrn")
    for task in ("seg", "depth")
]


def listing(folder: Path, arch: str, task: str) -> list[tuple[str, list[int]]]:
    entries: list[tuple[str, list[int]]] = json.loads((folder / f"{arch}_{task}.json").read_text())["state_dict"]
    return entries


def hollow(names: list[tuple[str, list[int]]]) -> dict[str, Tensor]:
    """Tensors of the listed shapes that hold one number each in memory and in files."""
    return {
        name: torch.zeros((), dtype=torch.int64 if name.endswith("tracked") else torch.float32).expand(shape)
        for name, shape in names
    }


@pytest.fixture
def dispnet(conformance: Path) -> dict[str, Tensor]:
    return hollow(listing(conformance, "dispnet", "depth"))


@pytest.mark.data
@pytest.mark.usefixtures("without_first_weights")
@pytest.mark.parametrize(
    ("arch", "task"), [r if r[0] != "fcn" else pytest.param(*r, marks=pytest.mark.slow) for r in RUNS]
)
def test_a_converted_network_gives_the_ancestors_numbers(
    arch: str, task: str, conformance: Path, conformance_weights: ModuleType
) -> None:
    meta = json.loads((conformance / f"{arch}_{task}.json").read_text())
    state = conformance_weights.fill_state(meta["state_dict"])
    net = convert_state({name: torch.from_numpy(value) for name, value in state.items()}).net.double()
    case = min(meta["cases"], key=lambda case: case["height"] * case["width"])
    image = torch.from_numpy(conformance_weights.base_image(case["seed"], case["height"], case["width"]))
    x = net.preprocessing(image.permute(2, 0, 1)[None]).double()
    with torch.no_grad():
        y = net.disparity(x) if (arch, task) == ("dispnet", "depth") else net(x)
    with np.load(conformance / f"{arch}_{task}.npz") as gold:
        step, want = case["stored_stride"], gold[f"{case['name']}_output"]
    # the preprocessing's own float32 arithmetic is in it: a little more than for the network alone
    np.testing.assert_allclose(y[:, :, ::step, ::step].numpy(), want, rtol=0, atol=2e-6 * np.abs(want).max())


@pytest.mark.data
@pytest.mark.usefixtures("without_first_weights")
@pytest.mark.parametrize(("arch", "task", "prefix"), [(arch, task, "module." * (task == "seg")) for arch, task in RUNS])
def test_network_task_and_classes_are_recognised(arch: str, task: str, prefix: str, conformance: Path) -> None:
    state = {prefix + name: tensor for name, tensor in hollow(listing(conformance, arch, task)).items()}
    conversion = convert_state(state | {"loss.weight": torch.zeros(19)})
    card = conversion.net.card
    assert (card.arch, card.task, card.out_channels) == (OURS.get(arch, arch), task, 19 if task == "seg" else 1)
    assert card.preprocessing == PREPROCESSINGS[f"reference_{task}"]
    assert card.options.get("model_type") == (arch[4:] or None if arch.startswith("frrn") else None)
    assert conversion.used.keys() == state.keys()
    assert set(conversion.used.values()) == set(conversion.net.state_dict())
    assert conversion.unused == ("loss.weight",)
    assert conversion.untouched == ()
    assert (card.classes is not None) == (task == "seg")


@pytest.mark.data
def test_another_number_of_classes_is_read_off_the_shapes(conformance: Path) -> None:
    resized = {
        name: [11 if n == 19 else {35: 27, 83: 75, 147: 139}.get(n, n) for n in shape]
        for name, shape in listing(conformance, "dispnet", "seg")
    }
    net = convert_state(hollow(list(resized.items()))).net
    assert net.card.out_channels == 11
    assert net.card.classes is None


@pytest.mark.data
@pytest.mark.parametrize("zipped", [True, False])
def test_files_of_the_ancestor_and_of_old_torch_are_read(
    zipped: bool, dispnet: dict[str, Tensor], tmp_path: Path
) -> None:
    path = tmp_path / "dispnet_kitti_best_model.pkl"
    content = {
        "epoch": 7,
        "model_state": dispnet,
        "optimizer_state": {"state": {}, "param_groups": [{"lr": 1e-4, "betas": (0.9, 0.999)}]},
        "scheduler_state": {"base_lrs": [1e-4], "last_epoch": 6},
        "best_rel": np.float64(0.134),
    }
    torch.save(content, path, _use_new_zipfile_serialization=zipped)
    conversion = convert_checkpoint(path, arch="dispnet", task="depth", input_size=(256, 832))
    assert conversion.net.card.input_size == (256, 832)
    assert conversion.net.card.provenance is not None
    save_network(conversion.net, tmp_path / "ours.safetensors")
    assert load_network(tmp_path / "ours.safetensors").card == conversion.net.card


@pytest.mark.data
def test_files_without_batch_counters_are_complete(conformance: Path) -> None:
    state = hollow([(n, s) for n, s in listing(conformance, "segnet", "seg") if not n.endswith("tracked")])
    conversion = convert_state(state)
    assert conversion.used.keys() == state.keys()
    assert int(conversion.net.state_dict()["encoder.0.1.num_batches_tracked"]) == 0


@pytest.mark.data
def test_what_is_incomplete_or_of_another_shape_is_refused(dispnet: dict[str, Tensor]) -> None:
    with pytest.raises(
        CheckpointError,
        match=r"dispnet, but one of shape \[32, 3, 7, 7\] is missing, 'down\.0\.0\.weight' by its name here",
    ):
        convert_state({name: tensor for name, tensor in dispnet.items() if name != "conv1.0.weight"})
    with pytest.raises(
        CheckpointError, match=r"'conv1\.0\.weight' is \[32, 4, 7, 7\], where \[32, 3, 7, 7\] is needed"
    ):
        convert_state(dispnet | {"conv1.0.weight": torch.zeros(32, 4, 7, 7)})


@pytest.mark.data
@pytest.mark.parametrize(
    ("said", "message"),
    [({"arch": "segnet"}, "arch is said to be 'segnet'"), ({"task": "seg"}, "task is said to be 'seg'"),
     ({"model_type": "B"}, "model_type is said to be 'B', but these are tensors of the ancestor's dispnet for depth")],
)  # fmt: skip
def test_what_the_user_says_is_checked(said: dict[str, str], message: str, dispnet: dict[str, Tensor]) -> None:
    with pytest.raises(CheckpointError, match=message):
        convert_state(dispnet, **said)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="no network named 'dispnut'"):
        convert_state(dispnet, arch="dispnut")


def test_what_is_nobodys_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"neither those of .* ancestor nor .*'conv\.weight'"):
        convert_state({"conv.weight": torch.zeros(3, 3)})
    torch.save({"model_state": {"conv.weight": torch.zeros(3)}}, tmp_path / "some.pkl")
    with pytest.raises(CheckpointError, match=r"some\.pkl.*neither"):
        convert_checkpoint(tmp_path / "some.pkl")


class Harmful:
    """What a pickle may do to whoever loads it."""

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.mkdir, ("harm",)


@pytest.mark.parametrize("zipped", [True, False])
def test_a_pickle_that_would_run_code_is_refused_by_name(
    zipped: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save({"model_state": {}, "extra": Harmful()}, "harmful.pkl", _use_new_zipfile_serialization=zipped)
    with pytest.raises(CheckpointError, match=r"harmful\.pkl.*run code of its own choice, posix\.mkdir") as caught:
        convert_checkpoint(Path("harmful.pkl"))
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "harm").exists()


def vgg(batch_norm: bool) -> dict[str, Tensor]:
    channels = [c for c, count in VGG16_STAGES for _ in range(count)]
    indices = [i for stage in vgg16_convolution_indices(batch_norm=batch_norm) for i in stage]
    state = {}
    for inputs, outputs, index in zip([3, *channels], channels, indices, strict=False):
        state[f"features.{index}.weight"] = torch.ones(()).expand(outputs, inputs, 3, 3)
        state[f"features.{index}.bias"] = torch.ones(outputs)
        if batch_norm:
            state |= {
                f"features.{index + 1}.{leaf}": torch.ones(outputs)
                for leaf in ("weight", "bias", "running_mean", "running_var")
            }
    return state


def resnet(blocks: tuple[int, int, int, int]) -> dict[str, Tensor]:
    with torch.device("meta"):
        shapes = {name: tensor.shape for name, tensor in ResNet(blocks).state_dict().items()}
    return {n: torch.ones(()).expand(s) for n, s in shapes.items() if not n.endswith("tracked")} | {
        "fc.bias": torch.ones(1000)
    }


@pytest.mark.parametrize(
    ("backbone", "state", "arch"),
    [
        ("vgg16", vgg(False), "fcn8s"),
        ("vgg16_bn", vgg(True), "segnet"),
        ("resnet50", resnet(RESNET50), "fcrn"),
        ("resnet101", resnet(RESNET101), "deeplab"),
    ],
)
def test_torchvisions_backbones_fill_the_network_that_is_built_on_them(
    backbone: str, state: dict[str, Tensor], arch: str
) -> None:
    state = {f"module.{name}": tensor for name, tensor in state.items()}
    assert recognise_backbone(state) == backbone
    with pytest.raises(CheckpointError, match=f"{backbone} weights, which have no task.*{arch}"):
        convert_state(state)
    if arch == "fcn8s":
        return  # half a gigabyte, for the same lines of code
    conversion = convert_state(state, task="depth")
    assert conversion.net.card == create_network(arch, "depth").card
    assert set(conversion.unused) == {name for name in state if name.startswith("module.fc.")}
    own = conversion.net.state_dict()
    assert all((own[ours] == state[theirs]).all() for theirs, ours in conversion.used.items())
    assert set(conversion.used.values()) | set(conversion.untouched) == set(own)
    assert all(name.startswith("encoder.") for name in conversion.used.values())


@pytest.mark.parametrize(
    ("state", "looks"),
    [
        (
            {f"module.{name}": tensor for name, tensor in resnet((3, 8, 36, 3)).items()},
            "ResNet-152, which",
        ),
        (resnet((1, 2, 3, 4)), r"ResNet of 1 \+ 2 \+ 3 \+ 4 bottlenecks, which"),
        ({f"features.{k}.weight": torch.zeros(1, 1, 1, 1) for k in range(16)}, "VGG-19"),
    ],
)
def test_classifiers_that_nothing_is_built_on_are_called_by_their_names(state: dict[str, Tensor], looks: str) -> None:
    with pytest.raises(CheckpointError, match=rf"look like torchvision's {looks}.*only .*ResNet-50 and ResNet-101"):
        convert_state(state, task="seg")
