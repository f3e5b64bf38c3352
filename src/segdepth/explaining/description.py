"""What a network is: where it comes from, what goes in and out, and what the saliency engine makes of it."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from segdepth.networks import Network
from segdepth.saliency import Explainer, Part

__all__ = ["Coverage", "Description", "coverage_of", "describe_network"]


@dataclass(frozen=True)
class Coverage:
    """What the engines make of a network at a size.

    Attributes:
        size: rows and columns.
        native: how many operations they know.
        blocks: what autograd goes back through at once: module, operation, and why; with how many there are of each.
        whole: why nothing was taken apart; empty where something was.
    """

    size: tuple[int, int]
    native: int
    blocks: tuple[tuple[str, int], ...]
    whole: str

    @classmethod
    def of(cls, parts: Sequence[Part], size: tuple[int, int]) -> "Coverage":
        """From what became of a network's parts."""
        blocks = Counter(f"{part.module or 'all of it'}: {part.operation}" for part in parts if part.how == "block")
        whole = "; ".join(part.reason for part in parts if part.how == "whole")
        return cls(size, sum(part.how == "native" for part in parts), tuple(blocks.items()), whole)


@dataclass(frozen=True)
class Description:
    """A network, for people and as plain data.

    Attributes:
        network: its name or address.
        task: that it is for.
        options: of its own.
        weights: where they come from; None: from chance, or unknown.
        parameters: how many numbers it has learned, or will.
        encoder: path of the part that takes weights learned elsewhere; None if it has none.
        encoder_parameters: how many of them are in it.
        preprocessing: from 8-bit RGB to its input.
        sizes: which it takes, in words.
        channels: of its answer.
        meaning: of its answer's numbers.
        classes: their names, where known.
        coverage: by the engines.
    """

    network: str
    task: str
    options: dict[str, Any]
    weights: str | None
    parameters: int
    encoder: str | None
    encoder_parameters: int
    preprocessing: dict[str, Any]
    sizes: str
    channels: int
    meaning: str
    classes: tuple[str, ...]
    coverage: Coverage


def describe_network(net: Network, size: tuple[int, int]) -> Description:
    """Look at a network, and take it apart at a size.

    Args:
        net: in eval mode.
        size: rows and columns.

    Raises:
        InputError: if it cannot answer a picture of that size.
    """
    card, encoder = net.card, getattr(net, "encoder", None)
    guest, kind = card.guest, net.output.answers
    path = guest.encoder if guest else next((name for name, module in net.named_children() if module is encoder), None)
    return Description(
        network=card.arch,
        task=card.task,
        options=dict(card.options),
        weights=guest.weights if guest else None,
        parameters=_count(net),
        encoder=path,
        encoder_parameters=0 if encoder is None else _count(encoder),
        preprocessing=card.preprocessing.model_dump(mode="json"),
        sizes=guest.size.words() if guest else "any",
        channels=card.out_channels,
        meaning=f"{net.output.name}: {'a number for each class' if kind.names_classes else kind.units[0]}",
        classes=card.classes.names if card.classes else (),
        coverage=coverage_of(net, size),
    )


def coverage_of(net: Network, size: tuple[int, int]) -> Coverage:
    """What the engines make of a network; its answer to noise is taken apart, none is explained.

    Raises:
        InputError: if it cannot answer a picture of that size.
    """
    noise = torch.randint(0, 256, (1, 3, *size), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    picture = net.preprocessing(noise.to(net.preprocessing.scale.device))[0]
    return Coverage.of(Explainer(net).at(picture).parts, size)


def _count(module: nn.Module) -> int:
    return sum(weight.numel() for weight in module.parameters())
