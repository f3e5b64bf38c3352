"""Configurations of transformers: from settings and options, and to what a card keeps."""

from collections.abc import Mapping
from typing import Any

from segdepth.core.errors import CheckpointError, ConfigError

from .library import check_options, imported
from .transformers_source import refuse_code

__all__ = ["configured", "is_whole", "model_type_of", "names_of_classes", "stored", "without_auxiliary", "words_of"]

#: What a card's options must hold to be a whole configuration.
_WHOLE = ("model_type", "architectures")

#: Settings that say nothing of what a network computes in float32, that channels stand for, or that let the library fetch code.
_NOISE = frozenset(
    {
        "transformers_version", "dtype", "torch_dtype", "id2label", "label2id", "num_labels", "attn_implementation",
        "experts_implementation", "architectures", "use_pretrained_backbone", "return_dict", "output_attentions",
        "output_hidden_states", "problem_type", "stage_names", "name_or_path",
    }
)  # fmt: skip

#: Where configurations name a network of timm.
_NAMES_OF_TIMM = ("backbone", "architecture")

#: Options that are said elsewhere.
_ELSEWHERE = {
    **dict.fromkeys(("num_labels", "id2label", "label2id"), "classes follow from the data, or from num_classes"),
    **dict.fromkeys(("trust_remote_code", "auto_map"), "code that comes with a network is never run"),
}


def is_whole(options: Mapping[str, Any]) -> bool:
    """Whether options are a whole configuration, as a card keeps it."""
    return all(name in options for name in _WHOLE)


def model_type_of(options: Mapping[str, Any]) -> str:
    """The kind of network of a whole configuration.

    Raises:
        CheckpointError: if the installed version knows none of that name.
    """
    found = options["model_type"]
    types = imported("transformers.models.auto.configuration_auto", "hf").CONFIG_MAPPING_NAMES
    if found not in types:
        raise CheckpointError(f"this version of transformers knows no model type {found!r}")
    return str(found)


def configured(model_type: str, settings: Mapping[str, Any], options: Mapping[str, Any], channels: int | None) -> Any:
    """The library's configuration object.

    Args:
        model_type: the library's name.
        settings: of a file or card; what they do not say is the library's default.
        options: that go before them; of a part that is a configuration itself (``backbone_config``), single settings.
        channels: of the map that is answered; None: two, as the library has it.

    Raises:
        ConfigError: if there is no such option, or the library refuses a value.
        CheckpointError: if it is quantised, names code, or a backbone that only the hub knows.
    """
    arch = f"hf:{model_type}"
    refuse_code(settings, arch)
    if settings.get("quantization_config"):
        raise CheckpointError(f"{arch}: its weights are quantised; give those in floating point")
    kind = imported("transformers.models.auto.configuration_auto", "hf").CONFIG_MAPPING[model_type]
    clean = _clean(settings)
    clean.pop("model_type", None)
    named = clean.get("backbone")
    if isinstance(named, str) and not clean.get("backbone_config"):
        raise CheckpointError(
            f"{arch}: its backbone is only named ({named}), and would be asked of the hub; describe it with backbone_config"
        )
    if options:
        clean |= _merged(arch, _object(kind, clean, arch), options)
    _refuse_sources(clean, arch)
    if channels is not None:
        clean["num_labels"] = channels
    return _object(kind, clean, arch)


def _refuse_sources(settings: Mapping[str, Any], arch: str) -> None:
    """Refuse a part of timm's whose name says where timm shall have it from (``hf-hub:owner/name``), at any depth.

    Raises:
        CheckpointError: if there is one.
    """
    for key, value in settings.items():
        if isinstance(value, Mapping):
            _refuse_sources(value, arch)
        elif key in _NAMES_OF_TIMM and isinstance(value, str) and ":" in value:
            raise CheckpointError(
                f"{arch}: its {key} {value!r} would be asked of the hub or of a folder, where only timm's own names are known"
            )


def without_auxiliary(model_type: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """Options that leave out a second head, whose answer only the library's own loss asks for, unless it is wanted."""
    kind = imported("transformers.models.auto.configuration_auto", "hf").CONFIG_MAPPING[model_type]
    return {**({"use_auxiliary_head": False} if "use_auxiliary_head" in kind.__dataclass_fields__ else {}), **options}


def _object(kind: Any, settings: Mapping[str, Any], arch: str) -> Any:
    try:
        return kind(**settings)
    except Exception as error:  # the library's checks are of many kinds
        raise ConfigError(f"{arch}: the configuration is refused: {words_of(error)}") from None


def _merged(arch: str, config: Any, options: Mapping[str, Any]) -> dict[str, Any]:
    """Options, those of inner configurations filled up with what these have."""
    known = {*_kept(config), *(config.attribute_map or {}), *config.sub_configs} - {"model_type"}
    check_options(arch, options, _ELSEWHERE, known)
    return {key: _inner(f"{arch}: {key}", getattr(config, key, None), value) for key, value in options.items()}


def _inner(arch: str, config: Any, value: Any) -> Any:
    if not isinstance(value, Mapping) or not hasattr(config, "to_dict"):
        return value
    given = dict(value)
    model_type = given.pop("model_type", config.model_type)
    if model_type != config.model_type:
        return {**given, "model_type": model_type}
    own = _clean(config.to_dict())
    if "out_indices" in given or "out_features" in given:  # two ways to say one thing
        own = {key: kept for key, kept in own.items() if key not in ("out_indices", "out_features")}
    elif "out_indices" in own:
        own.pop("out_features", None)
    return {**own, **_merged(arch, config, given), "model_type": model_type}


def _clean(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings without noise, at any depth."""
    return {
        key: _clean(value) if isinstance(value, Mapping) else value
        for key, value in settings.items()
        if key not in _NOISE and not key.startswith("_")
    }


def stored(config: Any, name: str) -> dict[str, Any]:
    """What a card keeps: all settings but noise, and the name of the class."""
    return {**_kept(config), "model_type": config.model_type, "architectures": [name]}


def _kept(config: Any) -> dict[str, Any]:
    """All settings but noise, and but those of every configuration that have their usual values."""
    usual = imported("transformers", "hf").PreTrainedConfig().to_dict()
    return {key: value for key, value in _clean(config.to_dict()).items() if key not in usual or usual[key] != value}


def names_of_classes(settings: Mapping[str, Any]) -> list[str]:
    """The classes that a configuration speaks of; two without names where it says nothing, as the library has it."""
    named = settings.get("id2label")
    if isinstance(named, Mapping) and named:
        return [str(named[key]) for key in sorted(named, key=int)]
    count = settings.get("num_labels", 2)
    return [f"LABEL_{place}" for place in range(count if isinstance(count, int) and count > 0 else 2)]


def words_of(error: BaseException) -> str:
    """Another library's error in one line, of any length."""
    return " ".join(str(error).split()) or type(error).__name__
