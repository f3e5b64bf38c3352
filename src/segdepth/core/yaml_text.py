"""YAML as people type it: configurations, values on a command line. Text in, plain values out."""

import re
from pathlib import Path
from typing import Any

import yaml

from .errors import ConfigError, reason
from .reading import check_tree, read_text

__all__ = ["parse_yaml", "read_yaml"]

#: Characters of a text, of which PyYAML reads some 200,000 a second; its values, with what is repeated.
_LONGEST, _MOST_VALUES = 2**20, 100_000


class _Loader(yaml.SafeLoader):
    """YAML 1.1 with three mends: 1e-4 is a number, a date is a word, and a key may stand only once (so none is merged)."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[Any] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, str):
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key!r:.60} is no word", key_node.start_mark
                )
            if key in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key!r} stands twice", key_node.start_mark
                )
            seen.add(key)
        return super().construct_mapping(node, deep)


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"^[-+]?(?:[0-9][0-9_]*(?:\.[0-9_]*)?|\.[0-9]+)[eE][-+]?[0-9]+$"),
    list("-+.0123456789"),
)


def parse_yaml(text: str, where: str) -> Any:
    """The value of a YAML text.

    Raises:
        ConfigError: with file, line and column of the mistake; or if it is longer, deeper or larger than anything that is meant.
    """
    if len(text) > _LONGEST:
        raise ConfigError(f"{where}: has {len(text)} characters; more than {_LONGEST} are not read as YAML")
    try:
        value = yaml.load(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        at = f":{mark.line + 1}:{mark.column + 1}" if mark else ""
        raise ConfigError(f"{where}{at}: no valid YAML: {error.problem}") from None
    except RecursionError:
        raise ConfigError(f"{where}: no valid YAML: it is nested too deeply") from None
    except Exception as error:  # the reader of YAML raises whatever it stumbles on
        raise ConfigError(f"{where}: no valid YAML: {reason(error)[:200]}") from None
    return check_tree(value, f"{where}: the YAML", error=ConfigError, most=_MOST_VALUES)


def read_yaml(path: Path, what: str) -> dict[str, Any]:
    """The mapping in a YAML file.

    Args:
        path: of the file.
        what: it should be, for the messages.

    Raises:
        ConfigError: if it cannot be read, is no YAML, or holds something else.
    """
    values = parse_yaml(read_text(path, what, error=ConfigError), where=str(path))
    if not isinstance(values, dict):
        raise ConfigError(f"{path} must be a mapping: {what}")
    return values
