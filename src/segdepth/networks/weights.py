"""ImageNet weights in torchvision's naming -> our backbones. From a local file, or downloaded when asked for; never silently."""

import logging
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from segdepth.core.errors import CheckpointError
from segdepth.layers.vgg import vgg16_convolution_indices

from .checkpoint import read_state
from .network import Network

__all__ = ["URLS", "load_backbone"]

log = logging.getLogger(__name__)

#: torchvision's published files (ImageNet-1K, version 1), fetched only by ``pretrained: true``.
URLS = {
    "vgg16": "https://download.pytorch.org/models/vgg16-397923af.pth",
    "vgg16_bn": "https://download.pytorch.org/models/vgg16_bn-6c64b313.pth",
    "resnet50": "https://download.pytorch.org/models/resnet50-0676ba61.pth",
    "resnet101": "https://download.pytorch.org/models/resnet101-63fe2227.pth",
}


def load_backbone(net: Network, source: bool | str | Path) -> None:
    """Fill a network's backbone with ImageNet weights.

    Args:
        net: any network; one whose ``backbone`` is None is refused.
        source: True to download the file that the network's ``backbone`` names, or the path of a local file in
            torchvision's VGG-16, VGG-16-BN, ResNet-50 or ResNet-101 naming. False does nothing.

    Raises:
        CheckpointError: if the file is missing or broken, the download fails, or the weights do not fit.
    """
    if source is False:
        return
    arch = net.card.arch
    if net.backbone is None:
        raise CheckpointError(f"model.pretrained: there are no ImageNet weights for {arch}; set it to false")
    if source is True:
        state = _download(net.backbone)
    else:
        state = read_state(Path(source))
    loader = _load_resnet if net.backbone.startswith("resnet") else _load_vgg
    used = loader(net, state)
    unused = sorted(set(state) - used)
    log.info(
        "backbone: %d of %d ImageNet tensors used; left out: %s",
        len(used),
        len(state),
        ", ".join(unused) or "none",
    )


def _download(backbone: str) -> Mapping[str, Tensor]:
    url = URLS[backbone]
    log.info("downloading %s", url)
    try:
        state: Mapping[str, Tensor] = torch.hub.load_state_dict_from_url(
            url, map_location="cpu", weights_only=True
        )
    except OSError as error:
        raise CheckpointError(
            f"model.pretrained: cannot download {url} ({error}); give the path of a local copy instead of true"
        ) from None
    return state


def _load_resnet(net: Network, state: Mapping[str, Tensor]) -> set[str]:
    """Copy by equal names, all but the classifier."""
    return _copy(net, net.encoder, {name: name for name in state if not name.startswith("fc.")}, state)  # type: ignore[arg-type]


def _load_vgg(net: Network, state: Mapping[str, Tensor]) -> set[str]:
    """Copy convolutions and, where both sides have it, batch norm, stage by stage."""
    batch_norm = "features.1.running_mean" in state
    stages: nn.ModuleList = net.encoder  # type: ignore[assignment]
    names = {}
    for stage, (layers, indices) in enumerate(
        zip(stages, vgg16_convolution_indices(batch_norm=batch_norm), strict=True)
    ):
        convolutions = [k for k, layer in enumerate(layers) if isinstance(layer, nn.Conv2d)]  # type: ignore[arg-type]
        for ours, theirs in zip(convolutions, indices, strict=True):
            names.update(
                {f"features.{theirs}.{leaf}": f"{stage}.{ours}.{leaf}" for leaf in ("weight", "bias")}
            )
            if batch_norm and isinstance(layers[ours + 1], nn.BatchNorm2d):  # type: ignore[index]
                for leaf in ("weight", "bias", "running_mean", "running_var", "num_batches_tracked"):
                    names[f"features.{theirs + 1}.{leaf}"] = f"{stage}.{ours + 1}.{leaf}"
    # files written before torch 0.4.1 have no num_batches_tracked
    names = {
        theirs: ours
        for theirs, ours in names.items()
        if not theirs.endswith("num_batches_tracked") or theirs in state
    }
    return _copy(net, stages, names, state)


def _copy(net: Network, module: nn.Module, names: Mapping[str, str], state: Mapping[str, Tensor]) -> set[str]:
    own = module.state_dict()
    for theirs, ours in names.items():
        if theirs not in state:
            raise CheckpointError(
                f"model.pretrained: the file has no tensor {theirs!r}; {net.card.arch} needs {net.backbone} weights"
            )
        if ours not in own or own[ours].shape != state[theirs].shape:
            raise CheckpointError(
                f"model.pretrained: tensor {theirs!r} {list(state[theirs].shape)} does not fit this {net.card.arch}"
                + (f", which has {list(own[ours].shape)} there" if ours in own else "")
                + f"; it needs {net.backbone} weights and width 1"
            )
        own[ours].copy_(state[theirs])  # a copy: the file's tensors stay their own
    return set(names)
