"""The ancestor's tensor names become ours, each once; parts of one tensor are put together in order."""

import pytest
import torch

from segdepth.core.errors import CheckpointError
from segdepth.networks.old_names import load_reference_state, new_name, rename_ancestor_state
from segdepth.tasks import create_network


@pytest.mark.parametrize(
    ("arch", "old", "new"),
    [
        ("segnet", "down3.conv2.cbr_unit.1.running_var", ("encoder.2.4.running_var", 0)),
        ("segnet", "up5.conv3.cbr_unit.0.weight", ("decoder.0.6.weight", 0)),
        ("segnet", "up1.conv2.cbr_unit.0.bias", ("head.0.bias", 0)),
        ("fcrn", "up3.conv2_4.weight", ("decoder.2.convs.3.weight", 1)),
        ("fcrn", "up1.bn1_1.weight", ("decoder.0.bn1.weight", 0)),
        ("fcrn", "layer4.2.bn3.num_batches_tracked", ("encoder.layer4.2.bn3.num_batches_tracked", 0)),
        ("fcn8s", "conv_block5.4.weight", ("encoder.4.4.weight", 0)),
        ("fcn8s", "classifier.3.weight", ("fc7.weight", 0)),
        ("fcn8s", "classifier.2.weight", ("fc7.weight", 0)),
        ("frrn", "encoding_frru_96_3_4_2.conv1.cbr_unit.1.weight", ("down.1.2.bn1.weight", 0)),
        ("deeplab", "Scale.layer5.conv2d_list.3.bias", ("head.3.bias", 0)),
        ("deeplab", "Scale.layer3.5.conv2.weight", ("encoder.layer3.5.conv2.weight", 0)),
        ("dispnet", "upconv7.0.weight", ("up.6.weight", 0)),
    ],
)
def test_names(arch: str, old: str, new: tuple[str, int]) -> None:
    assert new_name(arch, old) == new_name(arch, f"module.{old}") == new


def test_parts_are_put_together_in_order_and_counters_are_one() -> None:
    state = {
        "module.up1.conv2_1.weight": torch.full((1, 2, 3, 3), 2.0),
        "module.up1.conv1_1.weight": torch.full((1, 2, 3, 3), 1.0),
        "module.up1.bn1_2.num_batches_tracked": torch.tensor(7),
        "module.up1.bn1_1.num_batches_tracked": torch.tensor(7),
    }
    found = rename_ancestor_state("fcrn", state)
    assert found.keys() == {"decoder.0.convs.0.weight", "decoder.0.bn1.num_batches_tracked"}
    assert found["decoder.0.convs.0.weight"][:, 0, 0, 0].tolist() == [1, 2]
    assert found["decoder.0.bn1.num_batches_tracked"].shape == ()


def test_what_is_not_known_is_named() -> None:
    with pytest.raises(CheckpointError, match=r"'conv9\.weight' belongs to no fcrn"):
        rename_ancestor_state("fcrn", {"conv9.weight": torch.zeros(1)})
    with pytest.raises(CheckpointError, match="no table of the ancestor's tensor names for 'vgg'"):
        rename_ancestor_state("vgg", {})


def test_weights_fit_only_what_is_legacy_and_whole() -> None:
    net = create_network("dispnet", "depth", width=0.125)
    with pytest.raises(CheckpointError, match="made with legacy=True"):
        load_reference_state(net, {})
    legacy = create_network("dispnet", "depth", width=0.125, legacy=True)
    with pytest.raises(CheckpointError, match="do not fit this dispnet: "):
        load_reference_state(legacy, {"conv1.0.weight": torch.zeros(1)})
