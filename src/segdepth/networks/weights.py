"""ImageNet weights in torchvision's naming -> our backbones. From a local file, or downloaded when asked for; never silently."""

import logging
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from segdepth.core.errors import CheckpointError
from segdepth.layers.vgg import vgg16_convolution_indices

from .network import Network
from .state_files import find_weights_file, read_state

__all__ = ["URLS", "load_backbone", "load_backbone_state"]

log = logging.getLogger(__name__)

#: torchvision's published files (ImageNet-1K, version 1), fetched only by ``pretrained: true``.
URLS = {
    "vgg16": "https://download.pytorch.org/models/vgg16-397923af.pth",
    "vgg16_bn": "https://download.pytorch.org/models/vgg16_bn-6c64b313.pth",
    "resnet50": "https://download.pytorch.org/models/resnet50-0676ba61.pth",
    "resnet101": "https://download.pytorch.org/models/resnet101-63fe2227.pth",
}

_NORM_LEAVES = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")


def load_backbone(net: Network, source: bool | str | Path) -> None:
    """Fill a network's backbone with ImageNet weights.

    Args:
        net: any network; one whose ``backbone`` is None is refused.
        source: True to download the file that the network's ``backbone`` names; the path of a local file, or the name of an
            installed package that ships one, in torchvision's VGG-16, VGG-16-BN, ResNet-50 or ResNet-101 naming. False does
            nothing.

    Raises:
        CheckpointError: if the file is missing or broken, the download fails, or the weights do not fit.
    """
    if source is False:
        return
    try:
        _require_backbone(net)
        state = _download(str(net.backbone)) if source is True else read_state(find_weights_file(source))
        state = {name.removeprefix("module."): tensor for name, tensor in state.items()}
        used = load_backbone_state(net, state)
    except CheckpointError as error:
        raise CheckpointError(f"model.pretrained: {error}") from None
    unused = sorted(set(state) - used.keys())
    log.info(
        "backbone: %d of %d ImageNet tensors used; left out: %s",
        len(used),
        len(state),
        ", ".join(unused) or "none",
    )


def load_backbone_state(net: Network, state: Mapping[str, Tensor]) -> dict[str, str]:
    """Fill a network's backbone from tensors in torchvision's naming, with or without ``module.`` prefixes.

    Returns:
        The name in the file -> ours, of every tensor that was copied.

    Raises:
        CheckpointError: if the network takes no ImageNet weights, or these do not fit.
    """
    _require_backbone(net)
    given = {name.removeprefix("module."): name for name in state}
    loader = _load_resnet if str(net.backbone).startswith("resnet") else _load_vgg
    used = loader(net, {name: state[theirs] for name, theirs in given.items()})
    return {given[name]: ours for name, ours in used.items()}


def _require_backbone(net: Network) -> None:
    if net.backbone is None:
        raise CheckpointError(f"there are no ImageNet weights for {net.card.arch}; do without")


def _download(backbone: str) -> Mapping[str, Tensor]:
    url = URLS[backbone]
    log.info("downloading %s", url)
    try:
        state: Mapping[str, Tensor] = torch.hub.load_state_dict_from_url(url, map_location="cpu", weights_only=True)
    except OSError as error:
        raise CheckpointError(
            f"cannot download {url} ({error}); give the path of a local copy instead of true"
        ) from None
    return state


def _load_resnet(net: Network, state: Mapping[str, Tensor]) -> dict[str, str]:
    """Copy by equal names, all but the classifier; a ResNet of another depth has more names, or fewer."""
    encoder: nn.Module = net.encoder  # type: ignore[assignment]
    names = {*encoder.state_dict(), *(name for name in state if not name.startswith("fc."))}
    return _copy(net, encoder, _without_counters({name: name for name in sorted(names)}, state), state)


def _load_vgg(net: Network, state: Mapping[str, Tensor]) -> dict[str, str]:
    """Copy the convolutions and, where the network has layers of their sizes, fc6 and fc7."""
    return _load_vgg_stages(net, state) | _load_vgg_classifier(net, state)


def _load_vgg_stages(net: Network, state: Mapping[str, Tensor]) -> dict[str, str]:
    """Copy convolutions and, where the file has it, batch norm, stage by stage."""
    batch_norm = "features.1.running_mean" in state
    stages: nn.ModuleList = net.encoder  # type: ignore[assignment]
    names = {}
    for stage, indices in enumerate(vgg16_convolution_indices(batch_norm=batch_norm)):
        layers = list(stages[stage].children())
        convolutions = [k for k, layer in enumerate(layers) if isinstance(layer, nn.Conv2d)]
        for ours, theirs in zip(convolutions, indices, strict=True):
            names.update({f"features.{theirs}.{leaf}": f"{stage}.{ours}.{leaf}" for leaf in ("weight", "bias")})
            if batch_norm:  # a network without batch norm finds no place for these and says so
                names.update({f"features.{theirs + 1}.{leaf}": f"{stage}.{ours + 1}.{leaf}" for leaf in _NORM_LEAVES})
    return _copy(net, stages, _without_counters(names, state), state)


def _load_vgg_classifier(net: Network, state: Mapping[str, Tensor]) -> dict[str, str]:
    """Copy fully connected layers into the convolutions that compute the same (Long et al. 2015, section 3.1)."""
    own = net.state_dict()
    names = {
        f"classifier.{index}.{leaf}": f"{layer}.{leaf}"
        for index, layer in ((0, "fc6"), (3, "fc7"))
        for leaf in ("weight", "bias")
    }
    fitting = {
        theirs: ours
        for theirs, ours in names.items()
        if ours in own and theirs in state and own[ours].numel() == state[theirs].numel()
    }
    reshaped = {theirs: state[theirs].view_as(own[ours]) for theirs, ours in fitting.items()}
    return _copy(net, net, fitting, reshaped)


def _without_counters(names: Mapping[str, str], state: Mapping[str, Tensor]) -> dict[str, str]:
    """Files written before torch 0.4.1 have no ``num_batches_tracked``, and nothing needs it."""
    return {theirs: ours for theirs, ours in names.items() if theirs in state or not theirs.endswith("_tracked")}


def _copy(net: Network, module: nn.Module, names: Mapping[str, str], state: Mapping[str, Tensor]) -> dict[str, str]:
    own = module.state_dict()
    for theirs, ours in names.items():
        if theirs not in state:
            raise CheckpointError(f"the file has no tensor {theirs!r}; {net.card.arch} needs {net.backbone} weights")
        if ours not in own or own[ours].shape != state[theirs].shape:
            raise CheckpointError(
                f"the tensor {theirs!r} {list(state[theirs].shape)} does not fit this {net.card.arch}"
                + (f", which has {list(own[ours].shape)} there" if ours in own else "")
                + f"; it needs {net.backbone} weights and width 1"
            )
    for theirs, ours in names.items():
        own[ours].copy_(state[theirs])  # a copy: the file's tensors stay their own
    prefix = "" if module is net else "encoder."
    return {theirs: prefix + ours for theirs, ours in names.items()}
