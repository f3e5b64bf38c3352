"""The options of a variant, read off its signature, as a checked model."""

from collections.abc import Callable, Mapping
from inspect import Parameter
from typing import Any, get_type_hints

from pydantic import BaseModel, ConfigDict, create_model

__all__ = ["annotation_of", "options_model"]


def annotation_of(function: Callable[..., Any], parameter: str) -> Any:
    """The type of one parameter of a function."""
    return get_type_hints(function, include_extras=True)[parameter]


def options_model(
    name: str, options: Mapping[str, Parameter], preset: Mapping[str, Any] | None = None, *, open_: bool = False
) -> type[BaseModel]:
    """A pydantic model whose fields are the variant's options.

    Args:
        name: of the variant; becomes the model's title.
        options: as :func:`segdepth.core.tables.signature_options` reads them.
        preset: defaults that replace the signature's (what an alias stands for).
        open_: whether other fields are taken as they are.
    """
    fields: dict[str, Any] = {}
    for key, parameter in options.items():
        default = (preset or {}).get(key, parameter.default)
        fields[key] = (parameter.annotation, ... if default is parameter.empty else default)
    config = ConfigDict(extra="allow" if open_ else "forbid", frozen=True, hide_input_in_errors=True)
    return create_model(name, __config__=config, **fields)
