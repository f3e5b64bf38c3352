"""Weights of a file into somebody else's module: by name, without prefixes, in order; what does not fit."""

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from segdepth.core.errors import CheckpointError
from segdepth.networks.guests.weights import fill


class Net(nn.Module):
    """An encoder and a head."""

    def __init__(self, classes: int = 3, width: int = 4) -> None:
        super().__init__()
        self.encoder = nn.Sequential(nn.Conv2d(3, width, 3), nn.BatchNorm2d(width))
        self.head = nn.Conv2d(width, classes, 1)


def state_of(module: nn.Module, prefix: str = "") -> dict[str, Tensor]:
    return {prefix + name: torch.rand_like(tensor.float()) for name, tensor in module.state_dict().items()}


def filled(net: Net, state: dict[str, Tensor]) -> str:
    return " ".join(fill(net, state, encoder="encoder", arch="x:Net", called="file").remarks)


@pytest.mark.parametrize("prefix", ["", "encoder.", "module.encoder.", "guest.encoder."])
def test_an_encoder_s_weights_are_found_whatever_stands_before_their_names(prefix: str) -> None:
    net, state = Net(), state_of(Net().encoder, prefix)
    head = net.head.weight.clone()
    assert (
        filled(net, state | {"fc.weight": torch.rand(5)})
        == "6 tensors of file were taken by name; no place for fc.weight"
    )
    for name, tensor in state.items():
        found = net.encoder.state_dict()[name.removeprefix(prefix)]
        assert torch.equal(found, tensor.to(found.dtype))
    assert torch.equal(net.head.weight, head)


def test_a_whole_network_with_other_classes_gets_a_new_head() -> None:
    net, state = Net(classes=2), state_of(Net(classes=5), "module.")
    assert filled(net, state).endswith("no place for module.head.weight, module.head.bias")
    assert torch.equal(net.encoder[0].weight, state["module.encoder.0.weight"])
    net = Net(classes=5)
    assert filled(net, state) == "8 tensors of file were taken by name"
    assert torch.equal(net.head.weight, state["module.head.weight"])


def test_a_head_that_fits_in_part_is_told() -> None:
    state = state_of(Net(classes=3))
    state["head.weight"] = torch.rand(3, 9, 1, 1)
    assert filled(Net(), state).endswith("no place for head.weight; made anew: head.weight")


def test_other_names_in_the_same_order() -> None:
    names = ["_stem.weight", "_stem.bias", "_bn.weight", "_bn.bias", "_bn.running_mean", "_bn.running_var"]
    net, own = Net(), [t for n, t in state_of(Net().encoder).items() if "tracked" not in n]
    state = dict(zip(names, own, strict=True)) | {
        "_bn.num_batches_tracked": torch.tensor(3),
        "_fc.weight": torch.rand(7, 4),
    }
    assert filled(net, state) == "6 tensors of file were taken in their order; no place for _fc.weight"
    assert torch.equal(net.encoder[1].running_var, state["_bn.running_var"])


def test_what_does_not_fit_is_one_sentence_and_changes_nothing() -> None:
    net = Net()
    before = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    swapped = dict(zip(["a.bias", "a.weight", "b.weight", "b.bias", "b.running_mean", "b.running_var"],
                       state_of(net.encoder).values(), strict=False))  # fmt: skip
    for state, words in [
        (state_of(Net(width=8)), r"6 of its 6 tensors .* 0.weight \[4, 3, 3, 3\] \(\[8, 3, 3, 3\] there\)"),
        (
            {"0.weight": torch.rand(4, 3, 3, 3)},
            r"^model.pretrained: file does not fit the encoder of x:Net: 5 of its 6",
        ),
        (swapped, r"0.weight .*\(not there\).*; the file begins with a.bias \[4, 3, 3, 3\]"),
    ]:
        with pytest.raises(CheckpointError, match=words):
            filled(net, state)
    assert all(torch.equal(tensor, before[name]) for name, tensor in net.state_dict().items())


def test_files_and_packages(tmp_path: Path) -> None:
    net = Net()
    torch.save(state_of(net.encoder), tmp_path / "encoder.pth")
    assert fill(net, tmp_path / "encoder.pth", encoder="encoder", arch="x:Net").source == "encoder.pth"
    with pytest.raises(CheckpointError, match=r"model\.pretrained: there is no weights file 'nothing'"):
        fill(net, "nothing", encoder="encoder", arch="x:Net")
