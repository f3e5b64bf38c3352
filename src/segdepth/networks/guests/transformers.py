"""Networks of the package transformers: ``hf:segformer``, ``hf:folder``, ``hf:owner/name``."""

from collections.abc import Collection, Mapping
from typing import Any

from torch import nn

from segdepth.core.errors import CheckpointError, ConfigError

from ..card import GuestFacts
from ..outputs import OUTPUTS
from .guest import Guest, Wanted
from .library import imported
from .transformers_config import (
    configured,
    is_whole,
    model_type_of,
    names_of_classes,
    stored,
    without_auxiliary,
    words_of,
)
from .transformers_facts import bias_towards, encoder_in, meaning_of, normalisation_in, sizes_of
from .transformers_source import Source, find_source, quiet
from .transformers_weights import Loaded, load_weights

__all__ = ["describe", "guest", "kind_of", "names"]

#: The library's tables of classes, by what these answer.
_SEMANTIC = "MODEL_FOR_SEMANTIC_SEGMENTATION_MAPPING_NAMES"
_DEPTH = "MODEL_FOR_DEPTH_ESTIMATION_MAPPING_NAMES"
_QUERIES = "MODEL_FOR_UNIVERSAL_SEGMENTATION_MAPPING_NAMES"

#: Which of them are looked through, by the kind of what shall be answered. One that segments answers any number of channels.
_TABLES: Mapping[str, tuple[str, ...]] = {"labels": (_SEMANTIC, _QUERIES), "depth": (_DEPTH, _SEMANTIC)}
_ANY = (_SEMANTIC,)

#: Whose answers are of one kind: who segments may be asked for depth, but does not say so.
_KINDS: Mapping[str, tuple[str, ...]] = {"labels": (_SEMANTIC, _QUERIES), "depth": (_DEPTH,)}

#: Of those that ask queries, the ones whose class maps :mod:`segdepth.layers.answer_parts` makes.
_WITH_CLASS_MAPS = frozenset({"mask2former", "maskformer", "eomt", "eomt_dinov3"})

#: What their user has to read.
_OF_QUERIES = (
    "its map is, for each class, the sum over its queries of probability times mask, as the library's post-processing has it; "
    "losses here are taken of that map, and not of matched queries"
)


def guest(wanted: Wanted, allow: Collection[str]) -> Guest:
    """A network of the library. Code that comes with a configuration is never run.

    A card's options are its whole configuration; with them neither folder nor hub is asked for anything.

    Raises:
        InputError: if the library is not installed.
        ConfigError: if there is no such network, or it does not take the options.
        CheckpointError: if it cannot be had without a download, needs code of its own, or its weights do not fit.
    """
    del allow
    imported("transformers", "hf")
    with quiet():
        if is_whole(wanted.options):
            return _rebuilt(wanted)
        return _made(find_source(wanted.name, download=wanted.pretrained is True), wanted)


def describe(module: nn.Module) -> tuple[str, Guest] | None:
    """The address and the description of a module of the library; None of any other, and of what it does not build by itself."""
    name = type(module).__name__
    if not type(module).__module__.startswith("transformers.models.") or name not in _classes():
        return None
    config: Any = module.config
    return f"hf:{config.model_type}", Guest(module, None, stored(config, name), facts=_facts(module, config))


def names() -> list[str]:
    """The model types of the library that answer maps; folders and repositories of the hub are named as well.

    Raises:
        InputError: if it is not installed.
    """
    return sorted({name for table in (_SEMANTIC, _DEPTH, _QUERIES) for name in _table(table)})


def kind_of(name: str) -> str | None:
    """The kind of truth that a network answers: of the class that its configuration names, else the only one of its model type.

    Raises:
        InputError: if the library is not installed.
    """
    imported("transformers", "hf")
    try:
        source = find_source(name, download=False)
    except (CheckpointError, ConfigError):  # whoever asks for the network itself is told why
        return None
    made_for = source.settings.get("architectures")
    names = {name for name in made_for if isinstance(name, str)} if isinstance(made_for, list) else set()
    by_class = [kind for kind, tables in _KINDS.items() if any(names & {*_table(one).values()} for one in tables)]
    by_type = [kind for kind, tables in _KINDS.items() if any(source.model_type in _table(one) for one in tables)]
    found = by_class or by_type
    return found[0] if len(found) == 1 else None


def _classes() -> set[str]:
    return {name for table in (_SEMANTIC, _DEPTH, _QUERIES) for name in _table(table).values()}


def _table(name: str) -> dict[str, str]:
    """Model type -> name of the class, of those whose answers are understood here."""
    found: Mapping[str, str] = getattr(imported("transformers.models.auto.modeling_auto", "hf"), name)
    return {key: found[key] for key in found if name != _QUERIES or key in _WITH_CLASS_MAPS}


def _class_for(model_type: str, output: str) -> str:
    """The name of the library's class that answers so.

    Raises:
        ConfigError: if it has none.
    """
    kind = OUTPUTS[output].answers.name
    tables = [_table(name) for name in _TABLES.get(kind, _ANY)]
    for table in tables:
        if model_type in table:
            return table[model_type]
    there = sorted({known for table in tables for known in table})
    raise ConfigError(
        f"hf: networks of the model type {model_type!r} do not answer {kind} (those that do: {', '.join(there)})"
    )


def _rebuilt(wanted: Wanted) -> Guest:
    """What a card describes.

    Raises:
        CheckpointError: if its configuration is none of a network that answers maps.
    """
    name = str(next(iter(wanted.options["architectures"]), None))
    if name not in _classes():
        raise CheckpointError(f"hf:{wanted.name}: {name!r} is no class of transformers that answers maps")
    config = configured(model_type_of(wanted.options), wanted.options, {}, wanted.channels)
    module = _instance(name, config, f"hf:{wanted.name}")
    return Guest(module, wanted.channels, dict(wanted.options), facts=_facts(module, config))


def _instance(name: str, config: Any, arch: str) -> nn.Module:
    try:
        module: nn.Module = getattr(imported("transformers", "hf"), name)(config)
    except Exception as error:  # whatever the library makes of settings that are no network's
        raise ConfigError(f"{arch} cannot be built from this configuration: {words_of(error)}") from None
    return module.float()


def _made(source: Source, wanted: Wanted) -> Guest:
    arch = f"hf:{wanted.name}"
    name = _class_for(source.model_type, wanted.output)
    given = names_of_classes(source.settings)
    channels = wanted.channels or len(given)
    options = without_auxiliary(source.model_type, wanted.options)
    config = configured(source.model_type, source.settings, options, channels)
    module = _instance(name, config, arch)
    meaning = meaning_of(name, config, arch)
    loaded = Loaded()
    if wanted.pretrained is not False:
        module, loaded = load_weights(module, source, wanted.pretrained, encoder_in(module), arch)
    remarks = [*source.remarks, *loaded.remarks]
    output = meaning.learned if loaded.with_head else meaning.by_chance
    if output is not None and not loaded.with_head:
        bias_towards(module, OUTPUTS[output].start)
    if name not in _table(_SEMANTIC).values() and name not in _table(_DEPTH).values():
        remarks.append(_OF_QUERIES)
    facts = _facts(module, config).model_copy(update={"weights": loaded.source})
    names = tuple(given) if loaded.with_head and len(given) == channels and not _by_number(given) else None
    assumed = meaning.remark if loaded.with_head else ""
    return Guest(
        module, channels, stored(config, name), output, normalisation_in(source), facts, names, tuple(remarks), assumed
    )


def _by_number(names: list[str]) -> bool:
    """Whether they are the library's own for classes without names."""
    return all(name == f"LABEL_{place}" for place, name in enumerate(names))


def _facts(module: nn.Module, config: Any) -> GuestFacts:
    return GuestFacts(encoder=encoder_in(module), size=sizes_of(config))
