"""Read, override and check a configuration; say each mistake in one line."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from segdepth.core.errors import ConfigError
from segdepth.core.tables import did_you_mean
from segdepth.core.words import counted, of_pydantic
from segdepth.core.yaml_text import parse_yaml, read_yaml
from segdepth.metrics import pick_metrics
from segdepth.tasks import TASKS

from .options import options_model
from .recipes import located
from .schema import Config, LossSection, ScheduleSection
from .variants import VARIANT_SECTIONS, augmentation_model

__all__ = ["RECORDED", "apply_overrides", "check_config", "config_to_dict", "load_config", "read_values"]


def load_config(path: Path, overrides: Iterable[str] = ()) -> Config:
    """The checked configuration of a YAML file.

    Args:
        path: the file, or the name of a recipe that comes with segdepth.
        overrides: ``training.optimizer.lr=3e-4`` and the like; the value is YAML.

    Raises:
        ConfigError: if the file cannot be read, or any value in it or in the overrides is unknown, of the wrong type or out
            of range. One line per mistake: file, key, what was given, what is allowed.
    """
    return check_config(apply_overrides(read_values(path), overrides), where=str(path))


def read_values(path: Path) -> dict[str, Any]:
    """The sections of a YAML file, or of a recipe, as they are, unchecked.

    Raises:
        ConfigError: if the file cannot be read, or holds no sections.
    """
    return read_yaml(located(path), f"a configuration, with the keys {', '.join(Config.model_fields)}")


def apply_overrides(values: Mapping[str, Any], overrides: Iterable[str]) -> dict[str, Any]:
    """A copy of nested mappings with ``a.b.c=value`` set, the value read as YAML.

    Raises:
        ConfigError: if an override has no ``=`` or goes through something that is no section.

    Example:
        >>> apply_overrides({"training": {"batch_size": 2}}, ["training.optimizer.lr=3e-4"])
        {'training': {'batch_size': 2, 'optimizer': {'lr': 0.0003}}}
    """
    result: dict[str, Any] = _copy(values)
    for override in overrides:
        key, equals, text = override.partition("=")
        if not equals or not key:
            raise ConfigError(f"the override {override!r} must look like training.optimizer.lr=3e-4")
        *sections, leaf = key.split(".")
        place = result
        for depth, section in enumerate(sections, start=1):
            if place.get(section) is None:
                place[section] = {}
            place = place[section]
            if not isinstance(place, dict):
                raise ConfigError(f"the override {override!r}: {'.'.join(sections[:depth])} is a value, not a section")
        try:
            place[leaf] = parse_yaml(text, where=f"the override {override!r}")
        except ConfigError:
            place[leaf] = text  # a glob such as {split}/*.png is no YAML, but a plain word on a command line
    return result


def _copy(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _copy(item) for key, item in value.items()}
    return [_copy(item) for item in value] if isinstance(value, list) else value


#: Lines that are shown of what is wrong.
_MOST_MISTAKES = 20

#: Of a configuration whose network is there: what need not be known in this process, because it only says how that came to be.
RECORDED = frozenset({"model", "training.loss", "training.metrics"})


def check_config(values: Mapping[str, Any], where: str = "configuration", *, unchecked: Collection[str] = ()) -> Config:
    """A checked configuration from nested mappings.

    Args:
        values: as a file has them.
        where: they stand, for messages.
        unchecked: sections, of those in :data:`RECORDED`, whose names and options are taken as they are.

    Raises:
        ConfigError: one line per mistake.
    """
    mistakes: list[str] = []
    config: Config | None = None
    try:
        config = Config.model_validate(values)
    except ValidationError as error:
        mistakes += [_sentence(where, detail, (), Config, values) for detail in error.errors()]
    if config is None:
        raise _all_of(mistakes)
    return _check_variants(_with_default_variants(config), values, where, unchecked)


def _all_of(mistakes: Sequence[str]) -> ConfigError:
    """One line per mistake; of very many, the first."""
    more = len(mistakes) - _MOST_MISTAKES
    return ConfigError(
        "\n".join([*mistakes[:_MOST_MISTAKES], *([f"and {counted(more, 'more mistake')}"] if more > 0 else ())])
    )


def _with_default_variants(config: Config) -> Config:
    """The configuration with the loss and the schedule named that are in force when the file names none."""
    training = config.training
    loss = training.loss or LossSection(name=TASKS[config.task].default_loss)
    schedule = training.lr_schedule or ScheduleSection()
    filled = training.model_copy(update={"loss": loss, "lr_schedule": schedule})
    return config.model_copy(update={"training": filled})


def _check_variants(config: Config, values: Mapping[str, Any], where: str, unchecked: Collection[str]) -> Config:
    """Check every variant's name and options; return the configuration with the options' types and defaults filled in."""
    mistakes: list[str] = [] if "training.metrics" in unchecked else _check_metrics(config, where)
    dump = config.model_dump()
    for spec in VARIANT_SECTIONS:
        section = _get(config, spec.path)
        if section is None or ".".join(spec.path) in unchecked:
            continue
        try:
            variant = spec.find(config, section)
        except ConfigError as error:
            mistakes.append(f"{where}: {'.'.join((*spec.path, spec.key))}: {error}")
            continue
        model = options_model(getattr(section, spec.key), variant.options, variant.preset, open_=variant.open)
        try:
            checked = model.model_validate(section.options)
        except ValidationError as error:
            own = type(section).model_fields
            mistakes += [_sentence(where, d, spec.path, model, values, extra_names=own) for d in error.errors()]
            continue
        _get(dump, spec.path).update(checked.model_dump())
    mistakes += _check_augmentations(config, dump, where)
    mistakes += _check_answers(config, where)
    if mistakes:
        raise _all_of(mistakes)
    return Config.model_validate(dump)


def _check_metrics(config: Config, where: str) -> list[str]:
    try:
        pick_metrics(config.training.metrics, TASKS[config.task].target)
    except ConfigError as error:
        return [f"{where}: training.metrics: {error}"]
    return []


def _check_augmentations(config: Config, dump: dict[str, Any], where: str) -> list[str]:
    given = config.training.augmentations or {}
    path = ("training", "augmentations")
    model = augmentation_model()
    try:
        checked = model.model_validate(given)
    except ValidationError as error:
        return [_sentence(where, d, path, model, {"training": {"augmentations": given}}) for d in error.errors()]
    if given:  # in the order of the file, without those that null switches off
        values = {name: getattr(checked, name) for name in given}
        dump["training"]["augmentations"] = {name: value for name, value in values.items() if value is not None}
    return []


def _check_answers(config: Config, where: str) -> list[str]:
    try:
        TASKS[config.task].output_named(config.model.answers)
    except ConfigError as error:
        return [f"{where}: model.answers: {error}"]
    return []


def _get(root: Any, path: Iterable[str]) -> Any:
    for key in path:
        root = root[key] if isinstance(root, Mapping) else getattr(root, key)
        if root is None:
            return None
    return root


def _sentence(
    where: str,
    detail: Any,
    prefix: tuple[str, ...],
    model: type[BaseModel],
    values: Any,
    extra_names: Iterable[str] = (),
) -> str:
    """One mistake in one line: file, key, what was given, what is allowed."""
    location = _keys(detail["loc"], _given(values, prefix))
    key = ".".join(map(str, (*prefix, *location)))
    mistake = detail["type"]
    if mistake == "extra_forbidden":
        return f"{where}: {key}: unknown key {did_you_mean(str(location[-1]), [*_names_at(model, location[:-1]), *extra_names])}"
    if mistake == "missing":
        return f"{where}: {key}: is missing and has no default"
    message = "Should be a path" if mistake == "path_type" else detail["msg"]
    given = _given(values, (*prefix, *location))
    return f"{where}: {key}: {of_pydantic(message)}, but {'nothing' if given is None else repr(given)} is given"


def _keys(location: Iterable[Any], values: Any) -> list[Any]:
    """The keys of the file in Pydantic's location, which names the tried members of a union, too."""
    keys = []
    for part in location:
        within = isinstance(values, Mapping) and part in values
        if within or not _is_type_tag(part):
            keys.append(part)
            values = values[part] if within else None
    return keys


def _is_type_tag(part: Any) -> bool:
    return isinstance(part, str) and (part in {"bool", "path", "int", "float", "str"} or "[" in part)


def _names_at(model: type[BaseModel], location: Iterable[Any]) -> list[str]:
    """The keys that the section at ``location`` knows."""
    for part in location:
        annotation = model.model_fields[part].annotation
        model = next(found for found in _types_in(annotation) if issubclass(found, BaseModel))
    return list(model.model_fields)


def _types_in(annotation: Any) -> Iterator[type]:
    """The classes that an annotation is made of: of a union, of ``Annotated``."""
    if isinstance(annotation, type):
        yield annotation
    for part in get_args(annotation):
        yield from _types_in(part)


def _given(values: Any, location: Iterable[Any]) -> Any:
    for part in location:
        try:
            values = values[part]
        except (KeyError, IndexError, TypeError):
            break
    return values


def config_to_dict(config: Config) -> dict[str, Any]:
    """Plain values (paths as text), ready for YAML or JSON, that give the same configuration when checked again."""
    dumped: dict[str, Any] = config.model_dump(mode="json")
    return dumped
