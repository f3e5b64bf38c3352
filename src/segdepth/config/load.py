"""Read, override and check a configuration; say each mistake in one line."""

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, get_args

import yaml
from pydantic import BaseModel, ValidationError

from segdepth.core.errors import ConfigError
from segdepth.core.tables import did_you_mean
from segdepth.tasks import TASKS

from .options import options_model
from .schema import Config, LossSection, ScheduleSection
from .variants import VARIANT_SECTIONS, augmentation_model

__all__ = ["apply_overrides", "check_config", "config_to_dict", "load_config", "parse_yaml"]


class _Loader(yaml.SafeLoader):
    """YAML 1.1 with two mends: 1e-4 is a number, and a key may stand only once."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[Any] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, str):
                raise yaml.constructor.ConstructorError(None, None, f"the key {key!r} is no word", key_node.start_mark)
            if key in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key!r} stands twice", key_node.start_mark
                )
            seen.add(key)
        return super().construct_mapping(node, deep)


_Loader.yaml_implicit_resolvers = {k: list(v) for k, v in yaml.SafeLoader.yaml_implicit_resolvers.items()}
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"^[-+]?(?:[0-9][0-9_]*(?:\.[0-9_]*)?|\.[0-9]+)[eE][-+]?[0-9]+$"),
    list("-+.0123456789"),
)


def load_config(path: Path, overrides: Iterable[str] = ()) -> Config:
    """The checked configuration of a YAML file.

    Args:
        path: the file.
        overrides: ``training.optimizer.lr=3e-4`` and the like; the value is YAML.

    Raises:
        ConfigError: if the file cannot be read, or any value in it or in the overrides is unknown, of the wrong type or out
            of range. One line per mistake: file, key, what was given, what is allowed.
    """
    try:
        text = path.read_text()
    except OSError as error:
        raise ConfigError(f"cannot read the configuration {str(path)!r}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ConfigError(f"the configuration {str(path)!r} is not a text file in UTF-8") from None
    values = parse_yaml(text, where=str(path))
    if not isinstance(values, dict):
        raise ConfigError(f"{path}: must be a mapping with the keys {', '.join(Config.model_fields)}")
    return check_config(apply_overrides(values, overrides), where=str(path))


def parse_yaml(text: str, where: str) -> Any:
    """The value of a YAML text.

    Raises:
        ConfigError: with file, line and column of the mistake.
    """
    try:
        return yaml.load(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        at = f":{mark.line + 1}:{mark.column + 1}" if mark else ""
        raise ConfigError(f"{where}{at}: no valid YAML: {error.problem}") from None
    except yaml.YAMLError as error:
        raise ConfigError(f"{where}: no valid YAML: {' '.join(str(error).split())}") from None


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


def check_config(values: Mapping[str, Any], where: str = "configuration") -> Config:
    """A checked configuration from nested mappings.

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
        raise ConfigError("\n".join(mistakes))
    return _check_variants(_with_default_variants(config), values, where)


def _with_default_variants(config: Config) -> Config:
    """The configuration with the loss and the schedule named that are in force when the file names none."""
    training = config.training
    loss = training.loss or LossSection(name=TASKS[config.task].default_loss)
    schedule = training.lr_schedule or ScheduleSection()
    filled = training.model_copy(update={"loss": loss, "lr_schedule": schedule})
    return config.model_copy(update={"training": filled})


def _check_variants(config: Config, values: Mapping[str, Any], where: str) -> Config:
    """Check every variant's name and options; return the configuration with the options' types and defaults filled in."""
    mistakes: list[str] = []
    dump = config.model_dump()
    for spec in VARIANT_SECTIONS:
        section = _get(config, spec.path)
        if section is None:
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
        raise ConfigError("\n".join(mistakes))
    return Config.model_validate(dump)


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
    kind = detail["type"]
    if kind == "extra_forbidden":
        return f"{where}: {key}: unknown key {did_you_mean(str(location[-1]), [*_names_at(model, location[:-1]), *extra_names])}"
    if kind == "missing":
        return f"{where}: {key}: is missing and has no default"
    message = "Should be a path" if kind == "path_type" else detail["msg"]
    message = message.removeprefix("Value error, ").removeprefix("Input ")
    message = message[0].lower() + message[1:]
    given = _given(values, (*prefix, *location))
    return f"{where}: {key}: {message}, but {'nothing' if given is None else repr(given)} is given"


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
