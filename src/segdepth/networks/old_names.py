"""The ancestor's tensor names -> ours, so that its published checkpoints load."""

import re
from collections.abc import Mapping

import torch
from torch import Tensor

from segdepth.core.errors import CheckpointError

from .legacy.network import LegacyNetwork
from .network import Network

__all__ = ["RENAMES", "load_reference_state", "new_name", "rename_ancestor_state"]

#: Per network: (pattern, replacement) for whole names; the first that matches wins. A replacement that ends in ``|0`` or
#: ``|1`` is that part of a tensor of ours that holds two of the ancestor's, one after the other along the first axis.
RENAMES: dict[str, tuple[tuple[str, str], ...]] = {
    "segnet": tuple(
        [
            (rf"down{stage}\.conv{conv}\.cbr_unit\.{layer}\.(\w+)", rf"encoder.{stage - 1}.{3 * conv - 3 + layer}.\1")
            for stage in range(1, 6)
            for conv in range(1, 4)
            for layer in range(2)
        ]
        + [
            (rf"up{stage}\.conv{conv}\.cbr_unit\.{layer}\.(\w+)", rf"decoder.{5 - stage}.{3 * conv - 3 + layer}.\1")
            for stage in range(2, 6)
            for conv in range(1, 4)
            for layer in range(2)
        ]
        + [(rf"up1\.conv1\.cbr_unit\.{layer}\.(\w+)", rf"last.{layer}.\1") for layer in range(2)]
        + [(rf"up1\.conv2\.cbr_unit\.{layer}\.(\w+)", rf"head.{layer}.\1") for layer in range(2)]
    ),
    "fcrn": tuple(
        [
            (r"(conv1|bn1|layer\d.*)\.(\w+)", r"encoder.\1.\2"),
            (r"conv2\.(\w+)", r"bridge.\1"),
            (r"bn2\.(\w+)", r"bridge_bn.\1"),
            (r"conv3\.(\w+)", r"head.\1"),
        ]
        + [
            (rf"up{up}\.conv{part}_{kernel}\.(\w+)", rf"decoder.{up - 1}.convs.{kernel - 1}.\1|{part - 1}")
            for up in range(1, 5)
            for part in (1, 2)
            for kernel in range(1, 5)
        ]
        + [(rf"up{up}\.bn1_{part}\.(\w+)", rf"decoder.{up - 1}.bn1.\1|{part - 1}") for up in range(1, 5) for part in (1, 2)]
        + [(rf"up{up}\.conv3\.(\w+)", rf"decoder.{up - 1}.conv2.\1") for up in range(1, 5)]
        + [(rf"up{up}\.bn2\.(\w+)", rf"decoder.{up - 1}.bn2.\1") for up in range(1, 5)]
    ),
    "fcn8s": tuple(
        [(rf"conv_block{stage}\.(\d)\.(\w+)", rf"encoder.{stage - 1}.\1.\2") for stage in range(1, 6)]
        + [
            (r"classifier\.0\.(\w+)", r"fc6.\1"),
            (r"classifier\.[32]\.(\w+)", r"fc7.\1"),  # 3 in segmentation, which has dropout, 2 in depth
            (r"classifier\.[64]\.(\w+)", r"score.\1"),
            (r"score_pool([34])\.(\w+)", r"score_pool\1.\2"),
            (r"upscore2\.weight", r"up_to_pool4.weight"),
            (r"upscore4\.weight", r"up_to_pool3.weight"),
            (r"upscore8\.weight", r"up_to_image.weight"),
            (r"conv3\.(\w+)", r"head.\1"),
        ]
    ),
    "frrn": tuple(
        [
            (r"conv1\.cbr_unit\.(\d)\.(\w+)", r"stem.\1.\2"),
            (r"split_conv\.weight", r"split.weight"),
            (r"merge_conv\.weight", r"merge.weight"),
            (r"(?:classif_conv|predict)\.(\w+)", r"head.\1"),
        ]
        + [
            (rf"{theirs}\.conv(\d)\.cbr?_unit\.{layer}\.(\w+)", rf"{ours}.{name}\2.\3")
            for theirs, ours in (
                (r"up_residual_units\.(\d)", r"before.\1"),
                (r"down_residual_units\.(\d)", r"after.\1"),
            )
            for layer, name in enumerate(("conv", "bn"))
        ]
        + [
            (rf"{theirs}_frru_\d+_\d+_{2 ** (scale + 1)}_(\d)\.{old}", rf"{ours}.{scale}.\1.{new}")
            for theirs, ours in (("encoding", "down"), ("decoding", "up"))
            for scale in range(5)
            for old, new in (
                (r"conv(\d)\.cbr_unit\.0\.(\w+)", r"conv\2.\3"),
                (r"conv(\d)\.cbr_unit\.1\.(\w+)", r"bn\2.\3"),
                (r"conv_res\.(\w+)", r"residual.\2"),
            )
        ]
    ),
    "deeplab": (
        (r"Scale\.layer5\.conv2d_list\.(\d)\.(\w+)", r"head.\1.\2"),
        (r"Scale\.(.+)", r"encoder.\1"),
    ),
    "dispnet": tuple(
        (rf"{theirs}{level}\.{old}", rf"{ours}.{level - 1}.{new}")
        for theirs, ours, old, new in (
            ("conv", "down", r"(\d)\.(\w+)", r"\1.\2"),
            ("upconv", "up", r"0\.(\w+)", r"\1"),
            ("iconv", "fuse", r"0\.(\w+)", r"\1"),
            ("predict_disp", "heads", r"0\.(\w+)", r"\1"),
        )
        for level in range(1, 8)
    ),
}  # fmt: skip


def rename_ancestor_state(arch: str, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The state dict of a network of the ancestor's under our names.

    Args:
        arch: our name of the network.
        state: as the ancestor saved it; ``module.`` prefixes are dropped.

    Raises:
        CheckpointError: if the network has no table of old names, or a name is not in it.
    """
    if arch not in RENAMES:
        raise CheckpointError(f"no table of the ancestor's tensor names for {arch!r} (there are: {', '.join(RENAMES)})")
    parts: dict[str, dict[int, Tensor]] = {}
    for old, tensor in state.items():
        new = new_name(arch, old)
        if new is None:
            raise CheckpointError(
                f"the tensor {old!r} belongs to no {arch} of the ancestor's; is this another network's checkpoint?"
            )
        name, part = new
        parts.setdefault(name, {})[part] = tensor
    return {
        name: torch.cat([piece[k] for k in sorted(piece)]) if piece[0].dim() else piece[0]
        for name, piece in parts.items()
    }


def new_name(arch: str, old: str) -> tuple[str, int] | None:
    """Our name of one of the ancestor's tensors, and which part of ours it is (0 where it is the whole).

    None if no tensor of the ancestor's ``arch`` has that name. A ``module.`` prefix is dropped.

    Example:
        >>> new_name("fcrn", "module.up1.conv2_3.bias"), new_name("fcrn", "nonsense")
        (('decoder.0.convs.2.bias', 1), None)
    """
    for pattern, replacement in RENAMES[arch]:
        match = re.fullmatch(pattern, old.removeprefix("module."))
        if match:
            name, _, part = match.expand(replacement).partition("|")
            return name, int(part or 0)
    return None


def load_reference_state(net: Network, state: Mapping[str, Tensor]) -> None:
    """Load a state dict with the ancestor's tensor names into a network made with ``legacy=True``.

    Args:
        net: made by ``create_network(..., legacy=True)``; keeps its device and dtype.
        state: the ancestor's ``model_state``.

    Raises:
        CheckpointError: if a tensor is unknown, missing or of another shape, or ``net`` is not ``legacy``.
    """
    if not isinstance(net, LegacyNetwork):
        raise CheckpointError("the ancestor's weights fit only a network made with legacy=True; make it so")
    renamed = rename_ancestor_state(net.card.arch, state)
    try:
        net.load_state_dict(renamed)
    except RuntimeError as error:
        raise CheckpointError(
            f"these weights do not fit this {net.card.arch}: {str(error).splitlines()[-1].strip()}"
        ) from None
