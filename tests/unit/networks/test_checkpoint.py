"""Checkpoints: whole, of ours, and never executed; the ancestor's names."""

import argparse
import datetime
import os
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import nn

import segdepth
from segdepth.core.errors import CheckpointError, ConfigError, InputError
from segdepth.networks import (
    Card,
    Network,
    build_network,
    find_weights,
    load_network,
    load_reference_state,
    read_card,
    read_state,
    rename_ancestor_state,
    save_network,
)


def make(arch: str = "dispnet", **options: object) -> Network:
    card = Card(
        arch=arch,
        options={"width": 0.125} | options,
        output="logits",
        out_channels=5,
        preprocessing="imagenet",
        task="seg",
        input_size=(64, 96),
        scores={"mIoU": 0.5},
    )
    return build_network(card)


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    path = tmp_path / "run" / "best.safetensors"
    save_network(make(), path)
    return path


def test_card_and_weights_come_back(saved: Path) -> None:
    net = load_network(saved)
    assert net.card == read_card(saved)
    assert net.card.input_size == (64, 96)
    assert net.card.scores == {"mIoU": 0.5}
    assert not list(saved.parent.glob(".*"))  # nothing half-written is left


def test_channels_last_weights_are_saved_as_they_are_meant(tmp_path: Path) -> None:
    net = make().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    save_network(net, tmp_path / "net.safetensors")
    for name, tensor in load_network(tmp_path / "net.safetensors").state_dict().items():
        torch.testing.assert_close(tensor, net.state_dict()[name], rtol=0, atol=0)


def test_weights_are_found_in_files_folders_and_runs(saved: Path) -> None:
    runs = saved.parent.parent
    for where in (saved, saved.with_suffix(""), saved.parent, runs):
        assert find_weights(where) == saved
    newer = runs / "sun" / "best.safetensors"
    save_network(make(), newer)
    assert find_weights(runs) == newer
    with pytest.raises(CheckpointError, match="no checkpoint"):
        find_weights(runs / "nowhere")
    (runs / "empty").mkdir()
    with pytest.raises(CheckpointError, match="holds no checkpoint"):
        find_weights(runs / "empty")


@pytest.mark.parametrize("share", [0.0, 0.001, 0.5, 0.99])
def test_truncated_file_is_refused(saved: Path, share: float) -> None:
    content = saved.read_bytes()
    saved.write_bytes(content[: int(share * len(content))])
    with pytest.raises(CheckpointError, match="truncated"):
        load_network(saved)


def test_foreign_file_is_refused(tmp_path: Path) -> None:
    save_file({"weight": torch.zeros(3)}, tmp_path / "foreign.safetensors")
    with pytest.raises(CheckpointError, match="no segdepth card"):
        load_network(tmp_path / "foreign.safetensors")


def test_card_of_another_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "future.safetensors"
    card = make().card.model_dump_json().replace('"format":2', '"format":9')
    save_file({"weight": torch.zeros(3)}, path, metadata={"segdepth": card})
    with pytest.raises(CheckpointError, match="this version cannot read: format"):
        load_network(path)


def test_weights_that_do_not_fit_the_card_are_refused(tmp_path: Path) -> None:
    net = make()
    net.card = net.card.model_copy(update={"out_channels": 7})
    save_network(net, tmp_path / "net.safetensors")
    with pytest.raises(CheckpointError, match="do not fit the card"):
        load_network(tmp_path / "net.safetensors")


@pytest.mark.parametrize("dtype", [torch.int32, torch.complex64])
def test_numbers_of_another_kind_are_not_taken_for_weights(tmp_path: Path, dtype: torch.dtype) -> None:
    path = tmp_path / "net.safetensors"
    net = make()
    save_network(net, path)
    name = next(iter(net.state_dict()))
    with safe_open(path, framework="pt") as file:
        state, card = {key: file.get_tensor(key) for key in file.keys()}, file.metadata()  # noqa: SIM118
    save_file(state | {name: state[name].to(dtype)}, path, metadata=card)
    with pytest.raises(
        CheckpointError, match=f"do not fit the card: {name} is {dtype}, where the network has torch.float32"
    ):
        load_network(path)


class Harmful:
    """What a pickle may do to whoever loads it."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, ("harm",)


def test_pickle_with_code_is_refused_and_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save({"state_dict": Harmful()}, tmp_path / "harmful.pkl")
    with pytest.raises(CheckpointError, match="cannot be read safely"):
        read_state(tmp_path / "harmful.pkl")
    assert not (tmp_path / "harm").exists()


def cut(share: float, **format: Any) -> Callable[[Path], None]:
    """Writes the first part of a file of torch's."""

    def write(path: Path) -> None:
        torch.save({"weight": torch.zeros(500)}, path, **format)
        content = path.read_bytes()
        path.write_bytes(content[: int(share * len(content))])

    return write


def pickled(content: object, protocol: int) -> Callable[[Path], None]:
    return lambda path: path.write_bytes(pickle.dumps(content, protocol)) and None


def saved_by_torch(content: object, **format: Any) -> Callable[[Path], None]:
    return lambda path: torch.save(content, path, **format)


WEIGHTS = {"weight": torch.zeros(3)}


@pytest.mark.parametrize(
    ("write", "why"),
    [
        *(
            (pickled({"model_state": Harmful()}, p), r"run code of its own choice, posix\.mkdir; .*state_dict")
            for p in range(6)
        ),
        (saved_by_torch({"a": Harmful()}, pickle_protocol=4), r"run code of its own choice, posix\.mkdir"),
        (saved_by_torch(WEIGHTS, pickle_protocol=4), r"pickle protocol 4"),
        (
            saved_by_torch({"model_state": WEIGHTS, "args": argparse.Namespace(lr=1)}),
            r"of the class argparse\.Namespace",
        ),
        (saved_by_torch({"model_state": WEIGHTS, "when": datetime.datetime.now()}), r"of the class datetime\.datetime"),
        (saved_by_torch(torch.nn.Linear(1, 1)), r"of the class torch\.nn\.modules\.linear\.Linear"),
        (pickled(WEIGHTS, 4), "a plain pickle"),
        (cut(0.2), "truncated"),
        (cut(0.99), "truncated"),
        (cut(0.005, _use_new_zipfile_serialization=False), "truncated"),
        (cut(0.9, _use_new_zipfile_serialization=False), "truncated or damaged"),
        (lambda path: path.write_text("101") and None, "neither a file of torch.save nor safetensors"),
        (lambda path: zipfile.ZipFile(path, "w").writestr("a", "b"), "a zip archive, but not one of torch.save"),
    ],
)
def test_what_cannot_be_read_is_named_in_one_sentence(
    write: Callable[[Path], None], why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write(Path("some.pth"))
    with pytest.raises(CheckpointError, match=f"^'some.pth' cannot be read safely: .*{why}") as caught:
        read_state(Path("some.pth"))
    assert "\n" not in str(caught.value)
    assert "weights_only" not in str(caught.value)
    assert not Path("harm").exists()


def test_files_of_others_are_sent_to_convert(tmp_path: Path) -> None:
    for name in ("net.pth", "net.pkl", "net.pt", "net.safetensors"):
        torch.save(WEIGHTS, tmp_path / name)
        with pytest.raises(CheckpointError, match="torch file, but no checkpoint of ours; `segdepth convert`"):
            load_network(tmp_path / name)


def test_a_device_that_is_not_there_is_refused(saved: Path) -> None:
    with pytest.raises(InputError, match="'nonsense' is no device; there are 'cpu'"):
        load_network(saved, device="nonsense")
    with pytest.raises(InputError, match="'cuda:77' cannot be used here"):
        load_network(saved, device="cuda:77")


@pytest.mark.parametrize(
    ("arch", "option", "message"),
    [
        ("fcrn", {"dropout": 2.0}, "dropout of fcrn should be less than 1; 2.0 is given"),
        ("fcn8s", {"dropout": -0.5}, "dropout of fcn8s should be greater than or equal to 0; -0.5 is given"),
        ("fcrn", {"width": "a"}, "width of fcrn should be a valid number; 'a' is given"),
        ("segnet", {"legacy": "yes"}, "legacy of segnet should be a valid boolean; 'yes' is given"),
        ("frrn", {"model_type": "C"}, "model_type of frrn should be 'A' or 'B'; 'C' is given"),
    ],
)
def test_an_option_out_of_range_is_refused(arch: str, option: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=f"^the option {message}$"):
        make(arch, **option)


@pytest.mark.parametrize("key", [None, "state_dict", "model_state", "model", "net", "network", "weights"])
@pytest.mark.parametrize("old_format", [False, True])
def test_state_dicts_of_torch_are_read(tmp_path: Path, key: str | None, old_format: bool) -> None:
    state = {"weight": torch.arange(3.0)}
    path = tmp_path / "state.pkl"
    torch.save({key: state, "epoch": 7} if key else state, path, _use_new_zipfile_serialization=not old_format)
    torch.testing.assert_close(dict(read_state(path)), state)


def test_what_is_no_state_dict_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "any.pkl"
    for content in ({"epoch": 7}, [torch.zeros(2)], {"model": {"lr": 0.1}}, {"model": "fcn", "weights": [0.5]}, {}):
        torch.save(content, path)
        with pytest.raises(CheckpointError, match="no state dict"):
            read_state(path)
    path.write_bytes(b"no pickle")
    with pytest.raises(CheckpointError, match="cannot be read"):
        read_state(path)
    with pytest.raises(CheckpointError, match="no weights file"):
        read_state(tmp_path / "missing.pkl")


def test_the_ancestor_s_names_with_and_without_module() -> None:
    state = {"conv1.0.weight": torch.zeros(1), "upconv7.0.bias": torch.ones(1), "predict_disp4.0.bias": torch.ones(2)}
    want = {"down.0.0.weight", "up.6.bias", "heads.3.bias"}
    assert rename_ancestor_state("dispnet", state).keys() == want
    assert rename_ancestor_state("dispnet", {f"module.{k}": v for k, v in state.items()}).keys() == want


def test_foreign_names_are_refused() -> None:
    with pytest.raises(CheckpointError, match=r"'layer1\.0\.conv1\.weight' belongs to no dispnet"):
        rename_ancestor_state("dispnet", {"layer1.0.conv1.weight": torch.zeros(1)})
    with pytest.raises(CheckpointError, match="no table of the ancestor's tensor names for 'unet'"):
        rename_ancestor_state("unet", {})


def test_the_ancestor_s_weights_fit_only_legacy_networks_of_their_sizes() -> None:
    with pytest.raises(CheckpointError, match="legacy=True"):
        load_reference_state(make(), {})
    with pytest.raises(CheckpointError, match="do not fit this dispnet"):
        load_reference_state(make(legacy=True), {"conv1.0.weight": torch.zeros(32, 3, 7, 7)})


class Remembering(nn.Module):
    """Has state of its own that is no tensor."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x

    def get_extra_state(self) -> dict[str, int]:
        return {"seen": 3}


def test_state_that_is_no_tensor_is_told(tmp_path: Path) -> None:
    net = segdepth.wrap(Remembering(), classes=3)
    with pytest.raises(
        CheckpointError, match=r"Remembering cannot be saved: of its state guest\._extra_state are no tensors"
    ):
        save_network(net, tmp_path / "net.safetensors")
    assert not list(tmp_path.iterdir())
