"""Weights: the folder's own, another file's, those of another head, of another network."""

import json
import logging
from collections.abc import Collection
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from segdepth import create_network
from segdepth.core.errors import CheckpointError
from segdepth.networks import GuestNetwork, Network

from .tiny_transformers import SMALL, folder_of, hf, segformer


@pytest.fixture
def theirs() -> Any:
    return segformer()


@pytest.fixture
def folder(theirs: Any, tmp_path: Path) -> Path:
    return folder_of(theirs, tmp_path / "net")


def assert_filled(net: Network, theirs: Any, but: Collection[str] = ()) -> None:
    assert isinstance(net, GuestNetwork)
    own, want = net.guest.state_dict(), theirs.state_dict()
    assert own.keys() == want.keys()
    assert all(torch.equal(own[key], want[key]) for key in want if key not in but)


def test_weights_and_what_begins_anew(theirs: Any, folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "segdepth"):
        net = create_network(f"hf:{folder}", num_classes=5, pretrained=True)
    head = ("decode_head.classifier.weight", "decode_head.classifier.bias")
    assert net.out_channels == 5
    assert_filled(net, theirs, but=head)
    assert f"has no fitting weights for {', '.join(head)}, which begins anew" in caplog.text


@pytest.mark.parametrize("form", ["file", "folder", "torch"])
def test_weights_by_path(form: str, theirs: Any, folder: Path, tmp_path: Path) -> None:
    state = load_file(folder / "model.safetensors")
    torch.save(state, tmp_path / "net.pth")
    path = {"file": folder / "model.safetensors", "folder": folder, "torch": tmp_path / "net.pth"}[form]
    net = create_network("hf:segformer", num_classes=3, pretrained=path, **SMALL)
    assert_filled(net, theirs)
    assert net.card.guest is not None
    assert net.card.guest.weights == str(path)


def test_an_encoder_alone(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    bare = hf.SegformerModel(hf.SegformerConfig(**SMALL))
    with caplog.at_level(logging.INFO, "segdepth"):
        net = create_network(f"hf:{folder_of(bare, tmp_path / 'a')}", "depth", pretrained=True)
    own, want = net.encoder.state_dict(), bare.state_dict()  # type: ignore[union-attr]
    assert all(torch.equal(own[key], want[key]) for key in want)
    assert "more, which begins anew" in caplog.text


def test_a_classifier_s_head_has_no_place(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    module = hf.SegformerForImageClassification(hf.SegformerConfig(**SMALL))
    with caplog.at_level(logging.INFO, "segdepth"):
        create_network(f"hf:{folder_of(module, tmp_path / 'a')}", num_classes=4, pretrained=True)
    assert "classifier.bias, classifier.weight has no place here" in caplog.text


def test_weights_in_several_files(theirs: Any, folder: Path) -> None:
    state = load_file(folder / "model.safetensors")
    names = sorted(state)
    halves = {"model-1.safetensors": names[::2], "model-2.safetensors": names[1::2]}
    for file, keys in halves.items():
        save_file({key: state[key] for key in keys}, folder / file)
    (folder / "model.safetensors").unlink()
    places = {key: file for file, keys in halves.items() for key in keys}
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": places}))
    net = create_network(f"hf:{folder}", num_classes=3, pretrained=True)
    assert_filled(net, theirs)


def test_half_precision_becomes_single(tmp_path: Path) -> None:
    folder = folder_of(segformer().half(), tmp_path / "net")
    net = create_network(f"hf:{folder}", num_classes=3, pretrained=True)
    assert {p.dtype for p in net.parameters()} == {torch.float32}


def pickled(folder: Path) -> None:
    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()


def gone(folder: Path) -> None:
    (folder / "model.safetensors").unlink()


def truncated(folder: Path) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:100])


def of_another(folder: Path) -> None:
    save_file({"layer.weight": torch.zeros(3)}, folder / "model.safetensors")


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (pickled, "holds its weights only as pytorch_model.bin, a pickle, and not as model.safetensors"),
        (gone, "holds no model.safetensors"),
        (truncated, "is no safetensors file, or is truncated"),
        (
            of_another,
            "the weights do not fit hf:.*missing or of another shape: segformer.*more; not expected: layer.weight",
        ),
    ],
    ids=lambda value: getattr(value, "__name__", "words"),
)
def test_weights_that_are_none_are_one_sentence(spoil: Any, words: str, folder: Path) -> None:
    spoil(folder)
    with pytest.raises(CheckpointError, match=f"^model.pretrained: .*{words}") as caught:
        create_network(f"hf:{folder}", num_classes=3, pretrained=True)
    assert "\n" not in str(caught.value)


def test_weights_of_another_width(folder: Path) -> None:
    with pytest.raises(CheckpointError, match=r"missing or of another shape: segformer.*\(\[.*\] there, \[.*\] here\)"):
        create_network(f"hf:{folder}", num_classes=3, pretrained=True, hidden_sizes=[8, 8, 8, 8])


def test_a_model_type_has_no_weights() -> None:
    with pytest.raises(CheckpointError, match="hf:segformer is a configuration without weights; give hf:owner/name"):
        create_network("hf:segformer", num_classes=3, pretrained=True, **SMALL)
