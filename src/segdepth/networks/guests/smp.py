"""Networks of segmentation_models_pytorch: ``smp:Unet``, with its options."""

import inspect
from collections.abc import Collection
from functools import partial
from typing import Any

from torch import nn

from ..card import GuestFacts
from ..preprocessing import PREPROCESSINGS, Normalisation
from .guest import Guest, Wanted
from .library import check_options, imported, known_name, normalisation_from, sizes_of, with_their_weights
from .timm import SAID_ELSEWHERE as SAID_ELSEWHERE_OF_TIMM
from .weights import fill

__all__ = ["guest", "names"]

_SAID_ELSEWHERE = {
    "encoder_weights": "model.pretrained says which weights",
    "in_channels": "pictures have three",
    "classes": "the task and its data say how many",
    "activation": "losses and scores take the last map as it is",
    "aux_params": "its head for whole pictures would learn nothing",
}

#: Encoders of timm stand behind this.
_TIMM = "tu-"


def guest(wanted: Wanted, allow: Collection[str]) -> Guest:  # noqa: ARG001  it runs no code of a card's
    """A network of segmentation_models_pytorch.

    Raises:
        InputError: if it is not installed.
        ConfigError: if it has no such network, or the network does not take the options.
        CheckpointError: if weights cannot be had, or do not fit.
    """
    smp = imported("segmentation_models_pytorch", "smp")
    makers = _makers(smp)
    name = known_name(wanted.name, makers, "network of smp")
    arch, parameters = f"smp:{name}", inspect.signature(makers[name]).parameters
    encoder = str(wanted.options.get("encoder_name", parameters["encoder_name"].default))
    of_timm = encoder.startswith(_TIMM)
    known = {key for key, parameter in parameters.items() if parameter.kind is not parameter.VAR_KEYWORD}
    elsewhere = _SAID_ELSEWHERE | (SAID_ELSEWHERE_OF_TIMM if of_timm else {})
    check_options(arch, wanted.options, elsewhere, None if of_timm else known)  # others go to an encoder of timm
    _check_encoder(smp, encoder)
    sized = {} if wanted.channels is None else {"classes": wanted.channels}
    make = partial(makers[name], **wanted.options, **sized)
    module, weights, remarks = _made(make, wanted, arch, encoder)
    return Guest(
        module,
        wanted.channels,
        wanted.options,
        preprocessing=_normalisation(smp, encoder, fetch=wanted.pretrained is True),
        facts=wanted.facts
        or GuestFacts(
            encoder="encoder",
            size=sizes_of(module, _stride(module), _whole(module), arch),
            weights=weights,
            variant=encoder,
        ),
        remarks=remarks,
    )


def names() -> list[str]:
    """Its networks; each takes any of its encoders.

    Raises:
        InputError: if it is not installed.
    """
    return sorted(_makers(imported("segmentation_models_pytorch", "smp")))


def _makers(smp: Any) -> dict[str, Any]:
    return {make.__name__: make for make in smp.MODEL_ARCHITECTURES_MAPPING.values()}


def _check_encoder(smp: Any, encoder: str) -> None:
    if encoder.startswith(_TIMM):
        names = imported("timm", "smp").list_models()
        known_name(encoder.removeprefix(_TIMM).partition(".")[0], names, f"encoder of timm (behind {_TIMM!r})")
    else:
        known_name(encoder, smp.encoders.get_encoder_names(), "encoder of smp")


def _made(make: Any, wanted: Wanted, arch: str, encoder: str) -> tuple[nn.Module, str | None, tuple[str, ...]]:
    """The module, where its weights are from, and what has to be said of them."""
    if wanted.pretrained is True:
        theirs = True if encoder.startswith(_TIMM) else "imagenet"
        return with_their_weights(partial(make, encoder_weights=theirs), arch), f"smp's of {encoder}", ()
    module: nn.Module = make(encoder_weights=None)
    if wanted.pretrained is False:
        return module, None, ()
    filled = fill(module, wanted.pretrained, encoder="encoder", arch=arch)
    return module, filled.source, filled.remarks


def _stride(module: Any) -> int:
    stride: int = module.encoder.output_stride
    return stride


def _whole(module: Any) -> tuple[int, int] | None:
    """The size that a vision transformer's positions are for."""
    patches = getattr(getattr(module.encoder, "model", None), "patch_embed", None)
    size = getattr(patches, "img_size", None)
    return None if size is None else (int(size[0]), int(size[1]))


def _normalisation(smp: Any, encoder: str, *, fetch: bool) -> Normalisation:
    """What the encoder's published weights want. For smp's own encoders that lies on the hub beside them."""
    if encoder.startswith(_TIMM):
        facts = imported("timm", "smp").models.get_pretrained_cfg(encoder.removeprefix(_TIMM))
        return PREPROCESSINGS["imagenet"] if facts is None else normalisation_from(facts.to_dict())
    if fetch:
        return normalisation_from(smp.encoders.get_preprocessing_params(encoder, "imagenet"))
    return PREPROCESSINGS["imagenet"]
