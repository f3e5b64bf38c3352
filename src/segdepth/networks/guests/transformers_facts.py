"""What is known of networks of transformers: sizes, encoder, what numbers mean, preprocessing."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

import torch
from torch import nn

from segdepth.core.errors import ConfigError

from ..preprocessing import PREPROCESSINGS, Normalisation
from ..sizes import SizeRule
from .library import imported
from .transformers_source import Source

__all__ = ["Meaning", "bias_towards", "encoder_in", "meaning_of", "normalisation_in", "sizes_of"]


@dataclass(frozen=True)
class Meaning:
    """What a network's numbers mean, as names of :data:`~segdepth.networks.outputs.OUTPUTS`; None: what is wanted of it.

    Attributes:
        learned: with weights of somebody else.
        by_chance: with a head from chance, which will mean what it is taught.
        remark: a sentence about the former.
    """

    learned: str | None = None
    by_chance: str | None = None
    remark: str = ""


_WANTED = Meaning()
_METRES = Meaning("metres", "metres")
_RELATIVE = Meaning(
    "relative_inverse_depth", "inverse_metres",
    "its answers are taken for inverse depth up to scale and shift, as most networks of this type answer",
)  # fmt: skip


def _by_type(config: Any) -> Meaning:
    return _METRES if config.depth_estimation_type == "metric" else _RELATIVE


#: By the class. CHMv2 scales its metres outside of the network, and Prompt Depth Anything wants a depth map to answer metres.
_MEANINGS: Mapping[str, Callable[[Any], Meaning]] = {
    "GLPNForDepthEstimation": lambda _: _METRES,
    "ZoeDepthForDepthEstimation": lambda _: _METRES,
    "Tipsv2DptForDepthEstimation": lambda _: _METRES,
    "DepthAnythingForDepthEstimation": _by_type,
    "DPTForDepthEstimation": lambda _: _RELATIVE,
    "DepthProForDepthEstimation": lambda _: _RELATIVE,
}


def meaning_of(name: str, config: Any, arch: str) -> Meaning:
    """What the numbers of a class of the library mean.

    Raises:
        ConfigError: if it answers depth of an unknown kind.
    """
    if not name.endswith("DepthEstimation"):
        return _WANTED
    if name not in _MEANINGS:
        raise ConfigError(
            f"{arch}: what the numbers of {name} mean is not known here; build it yourself, and say what in "
            "segdepth.wrap(..., answers=)"
        )
    return _MEANINGS[name](config)


def bias_towards(module: nn.Module, start: float) -> None:
    """Let a head from chance that ends in a ReLU begin above zero: below, it would never learn."""
    layers = [layer for layer in module.modules() if isinstance(layer, nn.Conv2d) and layer.out_channels == 1]
    head = layers[-1].bias if layers else None
    if head is not None and _ends_in_relu(module):
        nn.init.constant_(head, start)


def _ends_in_relu(module: nn.Module) -> bool:
    *_, last = (part for part in module.get_submodule("head").modules() if not list(part.children()))
    return isinstance(last, nn.ReLU)


def encoder_in(module: nn.Module) -> str | None:
    """The path of the part that is learned elsewhere; None if it has none by a known name."""
    for path in ("model.pixel_level_module.encoder", str(getattr(module, "base_model_prefix", "")), "backbone"):
        try:
            found = module.get_submodule(path)
        except AttributeError:
            continue
        if found is not module and next(found.parameters(), None) is not None:
            return path
    return None


def _image_size(config: Any) -> SizeRule:
    size = config.image_size
    return SizeRule(fixed=(size, size) if isinstance(size, int) else tuple(size))


def _dpt(config: Any) -> SizeRule:
    """Its own transformer takes squares only; one in a backbone takes all."""
    return _image_size(config) if config.backbone_config is None or config.is_hybrid else _patches(config)


def _depth_pro(config: Any) -> SizeRule:
    side = round(config.patch_size / min(config.scaled_images_ratios))
    return SizeRule(fixed=(side, side))


def _strides(config: Any) -> SizeRule:
    return SizeRule(multiple=prod(config.strides))


def _any(config: Any) -> SizeRule:
    del config
    return SizeRule()


def _patches(config: Any) -> SizeRule:
    """Multiples of the patches that pictures are cut into: what is left over would be dropped, and the map be shifted."""
    holders = (getattr(config, "backbone_config", None), config)
    found = (getattr(holder, "patch_size", None) for holder in holders)
    size = next((size for size in found if size), 1)
    return SizeRule(multiple=max(size) if isinstance(size, (list, tuple)) else size)


#: By model type; others take multiples of their patches.
_SIZES: Mapping[str, Callable[[Any], SizeRule]] = {
    "dpt": _dpt,
    "depth_pro": _depth_pro,
    "data2vec-vision": _image_size,
    "eomt": _image_size,
    "glpn": _strides,
    "mobilevit": _any,  # its patches are those of attention, inside
    "mobilevitv2": _any,
}


def sizes_of(config: Any) -> SizeRule:
    """Which sizes a network of this configuration takes."""
    return _SIZES.get(config.model_type, _patches)(config)


def normalisation_in(source: Source) -> Normalisation:
    """The range that a source's image processor makes: of its file, else the library's for the model type, else ImageNet's."""
    given = source.processing or {}
    usual = _usual(str(given.get("image_processor_type", "")), source.model_type)
    if not given and not usual:
        return PREPROCESSINGS["imagenet"]
    found = {**usual, **{key: value for key, value in given.items() if key in _READ}}
    normal = found.get("do_normalize", True) and found.get("image_mean") and found.get("image_std")
    return Normalisation(
        mean=_three(found["image_mean"]) if normal else (0.0, 0.0, 0.0),
        std=_three(found["image_std"]) if normal else (1.0, 1.0, 1.0),
        order="BGR" if found.get("do_flip_channel_order") else "RGB",
        scale=1 / found.get("rescale_factor", 1 / 255) if found.get("do_rescale", True) else 1.0,
    )


#: Settings of image processors that say what numbers a network is given.
_READ = ("do_normalize", "image_mean", "image_std", "do_rescale", "rescale_factor", "do_flip_channel_order")


def _usual(processor: str, model_type: str) -> dict[str, Any]:
    """What the library's image processor does unless told otherwise; nothing where it has none that runs without torchvision."""
    table = imported("transformers.models.auto.image_processing_auto", "hf").IMAGE_PROCESSOR_MAPPING_NAMES
    own = f"{processor.removesuffix('Fast').removesuffix('Pil')}Pil" if processor else ""
    for name in (own, (table.get(model_type) or {}).get("pil") or ""):
        found = getattr(imported("transformers", "hf"), name, None) if name else None
        if found is not None:
            return {key: getattr(found, key) for key in _READ if hasattr(found, key)}
    return {}


def _three(values: Any) -> tuple[float, float, float]:
    one, two, three = torch.as_tensor(values, dtype=torch.float64).expand(3).tolist()
    return one, two, three
