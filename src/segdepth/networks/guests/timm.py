"""Networks on an encoder of timm: ``timm:convnext_tiny``, its levels and a plain head."""

from collections.abc import Collection
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from segdepth.core.errors import CheckpointError, ConfigError

from ..card import GuestFacts
from ..preprocessing import PREPROCESSINGS
from .guest import Guest, Wanted
from .library import check_options, imported, known_name, normalisation_from, sizes_of, with_their_weights
from .weights import fill

__all__ = ["SAID_ELSEWHERE", "Pyramid", "guest", "names"]

#: What an encoder of timm is not told by its options.
SAID_ELSEWHERE = {
    "pretrained": "model.pretrained says which weights",
    "checkpoint_path": "model.pretrained takes a path",
    "in_chans": "pictures have three",
    "num_classes": "the task and its data say how many",
    "features_only": "it is so always",
    "output_fmt": "its maps are brought to one layout",
}

#: Channels that each level is brought to.
_HEAD_CHANNELS = 64


class Pyramid(nn.Module):
    """An encoder's levels, each brought to the same channels and to the finest one's size, summed; and a head on the sum.

    Args:
        encoder: of timm, made with ``features_only``.
        channels: of the answer.
        head_channels: that each level is brought to.
    """

    def __init__(self, encoder: nn.Module, channels: int, head_channels: int) -> None:
        super().__init__()
        self.encoder = encoder
        info: Any = encoder.feature_info
        self.levels = nn.ModuleList(nn.Conv2d(width, head_channels, 1) for width in info.channels())
        self.head = nn.Sequential(
            nn.Conv2d(head_channels, head_channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(head_channels),
            nn.ReLU(),
            nn.Conv2d(head_channels, channels, 1),
        )
        reductions = list(info.reduction())
        self._finest = reductions.index(min(reductions))
        self._channels_last = str(getattr(encoder, "output_fmt", "NCHW")).endswith("NHWC")

    def forward(self, x: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b c _h _w"]:
        """The map at the finest level's size."""
        maps = self.encoder(x)
        if self._channels_last:
            maps = [found.permute(0, 3, 1, 2) for found in maps]
        size = list(maps[self._finest].shape[-2:])
        narrow = [level(found) for level, found in zip(self.levels, maps, strict=True)]
        alike = [
            found if k == self._finest else F.interpolate(found, size, mode="bilinear", align_corners=False)
            for k, found in enumerate(narrow)
        ]
        answer: Tensor = self.head(torch.stack(alike).sum(0) if len(alike) > 1 else alike[0])
        return answer


def guest(wanted: Wanted, allow: Collection[str]) -> Guest:  # noqa: ARG001  it runs no code of a card's
    """A network on an encoder of timm.

    Raises:
        InputError: if timm is not installed.
        ConfigError: if it has no such encoder, or the encoder does not take the options or has no levels.
        CheckpointError: if weights cannot be had, or do not fit.
    """
    timm = imported("timm", "timm")
    plain, dot, tag = wanted.name.partition(".")
    name = known_name(plain, timm.list_models(), "network of timm") + dot + tag
    arch, options = f"timm:{name}", dict(wanted.options)
    if wanted.channels is None:
        raise ConfigError(
            f"{arch} is an encoder, and its head is made here: it needs its number of classes: num_classes"
        )
    check_options(arch, options, SAID_ELSEWHERE)
    head_channels = options.pop("head_channels", _HEAD_CHANNELS)
    if isinstance(head_channels, bool) or not isinstance(head_channels, int) or head_channels < 1:
        raise ConfigError(
            f"the option head_channels of {arch} must be a whole number from 1; {head_channels!r} is given"
        )
    encoder, weights, remarks = _encoder(
        timm, partial(timm.create_model, name, features_only=True, **options), wanted, arch
    )
    facts = timm.models.get_pretrained_cfg(name)
    described = {} if facts is None else facts.to_dict()
    module = Pyramid(encoder, wanted.channels, head_channels)
    stride = max(encoder.feature_info.reduction())
    return Guest(
        module,
        wanted.channels,
        wanted.options,
        preprocessing=normalisation_from(described) if described else PREPROCESSINGS["imagenet"],
        facts=wanted.facts
        or GuestFacts(
            encoder="encoder", size=sizes_of(module, stride, _whole(options, described), arch), weights=weights
        ),
        remarks=remarks,
    )


def _encoder(timm: Any, make: Any, wanted: Wanted, arch: str) -> tuple[Any, str | None, tuple[str, ...]]:
    """The encoder, where its weights are from, and what has to be said of them."""
    if wanted.pretrained is True:
        if not timm.models.is_model_pretrained(arch.removeprefix("timm:")):  # timm would go on from chance
            raise CheckpointError(
                f"model.pretrained: timm has no weights of {arch.removeprefix('timm:')!r}; do without"
            )
        return with_their_weights(partial(make, pretrained=True), arch), "timm's", ()
    encoder = make(pretrained=False)
    if wanted.pretrained is False:
        return encoder, None, ()
    filled = fill(encoder, wanted.pretrained, encoder=None, arch=arch)
    return encoder, filled.source, filled.remarks


def _whole(options: dict[str, Any], described: dict[str, Any]) -> tuple[int, int] | None:
    """The one size that positions or windows may be made for."""
    size = options.get("img_size") or described.get("input_size", ())[1:]
    if isinstance(size, int):
        return size, size
    return (int(size[0]), int(size[1])) if size else None


def names() -> list[str]:
    """Its encoders, whether or not they have levels.

    Raises:
        InputError: if it is not installed.
    """
    found: list[str] = imported("timm", "timm").list_models()
    return found
