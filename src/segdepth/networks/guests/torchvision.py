"""Segmentation networks of torchvision: ``torchvision:deeplabv3_resnet50``."""

import inspect
from collections.abc import Collection
from typing import Any

from torch import nn

from ..card import GuestFacts
from ..preprocessing import PREPROCESSINGS
from .guest import Guest, Wanted
from .library import check_options, imported, known_name, sizes_of, with_their_weights
from .weights import Filled, fill

__all__ = ["guest", "names"]

_SAID_ELSEWHERE = {
    "weights": "model.pretrained says which weights",
    "weights_backbone": "model.pretrained says which weights",
    "num_classes": "the task and its data say how many",
    "progress": "nothing is drawn",
}

_STRIDE = 32


def guest(wanted: Wanted, allow: Collection[str]) -> Guest:  # noqa: ARG001  it runs no code of a card's
    """A segmentation network of torchvision. Its auxiliary head is made only with ``aux_loss: true``.

    Raises:
        InputError: if torchvision is not installed.
        ConfigError: if it has no such network, or the network does not take the options.
        CheckpointError: if weights cannot be had, or do not fit.
    """
    models = imported("torchvision.models", "torchvision")
    name = known_name(wanted.name, names(), "segmentation network of torchvision")
    arch, make = f"torchvision:{name}", models.get_model_builder(name)
    parameters = inspect.signature(make).parameters.values()
    known = {parameter.name for parameter in parameters if parameter.kind is not parameter.VAR_KEYWORD}
    check_options(arch, wanted.options, _SAID_ELSEWHERE, known)
    published = models.get_model_weights(name).DEFAULT
    categories = tuple(published.meta["categories"])
    channels = wanted.channels or len(categories)
    module: nn.Module = make(weights=None, weights_backbone=None, num_classes=channels, **wanted.options)
    filled = _filled(module, wanted, published, arch)
    return Guest(
        module,
        channels,
        wanted.options,
        preprocessing=PREPROCESSINGS["imagenet"],
        facts=wanted.facts
        or GuestFacts(
            part="out", encoder="backbone", size=sizes_of(module, _STRIDE, None, arch), weights=filled and filled.source
        ),
        classes=categories if wanted.channels is None else None,
        remarks=filled.remarks if filled else (),
    )


def names() -> list[str]:
    """Its segmentation networks.

    Raises:
        InputError: if it is not installed.
    """
    models = imported("torchvision.models", "torchvision")
    found: list[str] = models.list_models(module=models.segmentation)
    return found


def _filled(module: nn.Module, wanted: Wanted, published: Any, arch: str) -> Filled | None:
    if wanted.pretrained is False:
        return None
    if wanted.pretrained is not True:
        return fill(module, wanted.pretrained, encoder="backbone", arch=arch)
    state = with_their_weights(lambda: published.get_state_dict(progress=False, check_hash=True), arch)
    return fill(module, state, encoder="backbone", arch=arch, called=f"torchvision's {published.name}")
