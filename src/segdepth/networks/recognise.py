"""Whose weights are these? Answered from the names and shapes of the tensors alone."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from segdepth.core.errors import CheckpointError
from segdepth.layers.resnet import RESNET50, RESNET101, ResNet
from segdepth.layers.vgg import vgg16_convolution_indices

from .build import ALIASES, build_network
from .card import Card
from .old_names import RENAMES, new_name

__all__ = ["AncestorNetwork", "recognise_ancestor", "recognise_backbone", "resembled_backbone"]

Shape = tuple[int, ...]

_COUNTER = "num_batches_tracked"  # of batch norm; files written before torch 0.4.1 lack it, and nothing needs it

_RESNET_NAME = re.compile(r"(conv1|bn1|layer[1-4]\.\d+\.(conv|bn)[1-3]|layer[1-4]\.\d+\.downsample\.[01]|fc)\.\w+")
_OTHER_RESNETS = {
    18: ((2, 2, 2, 2), "blocks of two convolutions"),
    34: ((3, 4, 6, 3), "blocks of two convolutions"),
    152: ((3, 8, 36, 3), "bottlenecks"),
}
_OTHER_VGGS = (8, 10, 16)  # convolutions of VGG-11, -13 and -19


@dataclass(frozen=True)
class AncestorNetwork:
    """One of the ancestor's networks, as found in a file.

    Attributes:
        arch: our name of it.
        options: of our network that computes the same.
        output: what it answers.
        out_channels: classes, or 1.
        names: our name of every tensor of theirs that has a place in ours.
    """

    arch: str
    options: dict[str, Any]
    output: str
    out_channels: int
    names: dict[str, str] = field(repr=False)


def recognise_ancestor(state: Mapping[str, Tensor]) -> AncestorNetwork | None:
    """The ancestor's network that a state dict belongs to; None if too few names are the ancestor's.

    Args:
        state: names with or without ``module.`` prefixes.

    Raises:
        CheckpointError: if the names are those of one network but a tensor is missing or has an impossible shape.
    """
    arch = max(RENAMES, key=lambda candidate: sum(new_name(candidate, name) is not None for name in state))
    shapes, names = _renamed_shapes(arch, state)
    if 2 * len(names) < len(state) or recognise_backbone(state) is not None or resembled_backbone(state) is not None:
        return None
    misfits, card, wanted = min((_fit(card, shapes) for card in _candidates(arch, shapes)), key=lambda fit: len(fit[0]))
    if misfits:
        others = f" ({len(misfits) - 1} more do not fit or are missing)" if len(misfits) > 1 else ""
        said = _misfit(misfits[0], wanted[misfits[0]], shapes, names)
        raise CheckpointError(f"these are tensors of the ancestor's {arch}, but {said}{others}")
    placed = {theirs: ours for theirs, ours in names.items() if ours in wanted}
    return AncestorNetwork(arch, dict(card.options), card.output, card.out_channels, placed)


def _renamed_shapes(arch: str, state: Mapping[str, Tensor]) -> tuple[dict[str, Shape], dict[str, str]]:
    """Shapes under our names, parts of one tensor taken together; and our name for each of theirs."""
    shapes: dict[str, Shape] = {}
    names = {}
    for theirs, tensor in state.items():
        new = new_name(arch, theirs)
        if new is None:
            continue
        ours = names[theirs] = new[0]
        before, shape = shapes.get(ours), tuple(tensor.shape)
        # parts lie one after the other along the first axis; a counter, which has none, is the same in both
        shapes[ours] = (before[0] + shape[0], *shape[1:]) if before and shape else shape
    return shapes, names


def _candidates(arch: str, shapes: Mapping[str, Shape]) -> Iterator[Card]:
    """A card for each variant and output of an architecture, with the number of channels that the shapes say."""
    variants = [options for name, options in ALIASES.values() if name == arch and options]
    for options in variants or [{}]:
        common: dict[str, Any] = {
            "arch": arch,
            "options": options | {"legacy": True},
            "preprocessing": "imagenet",
            "task": "",
        }
        yield Card(**common, output="depth", out_channels=1)
        two, three = (Card(**common, output="logits", out_channels=n) for n in (2, 3))
        channels = _out_channels(two, three, shapes)
        if channels is not None and channels > 1:
            yield Card(**common, output="logits", out_channels=channels)


def _fit(card: Card, shapes: Mapping[str, Shape]) -> tuple[list[str], Card, dict[str, Shape]]:
    """The names of a card's network that are missing or have another shape; the card; the shapes that it wants."""
    wanted = _shapes_of(card)
    misfits = [name for name, shape in wanted.items() if shapes.get(name) != shape and not name.endswith(_COUNTER)]
    return misfits, card, wanted


def _misfit(name: str, wanted: Shape, shapes: Mapping[str, Shape], names: Mapping[str, str]) -> str:
    """What is wrong with a tensor, by the names that the file has for it; with ours only where the file has none."""
    theirs = [repr(old) for old, new in names.items() if new == name]
    if not theirs:
        return f"one of shape {list(wanted)} is missing, {name!r} by its name here"
    together = f"{' and '.join(theirs)} {'is' if len(theirs) == 1 else 'are together'}"
    return f"{together} {list(shapes[name])}, where {list(wanted)} is needed"


def _out_channels(two: Card, three: Card, shapes: Mapping[str, Shape]) -> int | None:
    """How many channels a network has, from the first axis that grows with them; some tensors have other channels beside."""
    longer = _shapes_of(three)
    for name, shape in _shapes_of(two).items():
        found = shapes.get(name, ())
        for at_two, at_three, length in zip(shape, longer[name], found, strict=False):
            if at_two != at_three:
                return 2 + (length - at_two) // (at_three - at_two)
    return None


def _shapes_of(card: Card) -> dict[str, Shape]:
    """Names and shapes of a network's tensors, from a network without memory."""
    with torch.device("meta"):
        net = build_network(card)
    return {name: tuple(tensor.shape) for name, tensor in net.state_dict().items()}


def recognise_backbone(state: Mapping[str, Tensor]) -> str | None:
    """The ImageNet network of torchvision that a state dict belongs to: "vgg16", "vgg16_bn", "resnet50" or "resnet101"."""
    dims = {name.removeprefix("module."): t.dim() for name, t in state.items() if not name.endswith(_COUNTER)}
    convolutions = {name for name, dim in dims.items() if name.startswith("features.") and dim == 4}
    for backbone, batch_norm in (("vgg16", False), ("vgg16_bn", True)):
        indices = vgg16_convolution_indices(batch_norm=batch_norm)
        if convolutions == {f"features.{index}.weight" for stage in indices for index in stage}:
            return backbone
    for backbone, blocks in (("resnet50", RESNET50), ("resnet101", RESNET101)):
        with torch.device("meta"):
            wanted = {name for name in ResNet(blocks).state_dict() if not name.endswith(_COUNTER)}
        if wanted == {name for name in dims if not name.startswith("fc.")}:
            return backbone
    return None


def resembled_backbone(state: Mapping[str, Tensor]) -> str | None:
    """What a classifier of torchvision's is called that no network of ours is built on; None if it does not look like one."""
    names = [name.removeprefix("module.") for name in state]
    if {"conv1.weight", "layer4.0.conv1.weight"} <= set(names) and all(map(_RESNET_NAME.fullmatch, names)):
        blocks = tuple(len({n.split(".")[1] for n in names if n.startswith(f"layer{k}.")}) for k in range(1, 5))
        made_of = "bottlenecks" if "layer1.0.conv3.weight" in names else "blocks of two convolutions"
        depths = [depth for depth, entry in _OTHER_RESNETS.items() if entry == (blocks, made_of)]
        return f"ResNet-{depths[0]}" if depths else f"ResNet of {' + '.join(map(str, blocks))} {made_of}"
    convolutions = sum(tensor.dim() == 4 for tensor in state.values())
    if convolutions in _OTHER_VGGS and all(name.startswith(("features.", "classifier.")) for name in names):
        return f"VGG-{convolutions + 3}"
    return None
