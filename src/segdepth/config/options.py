"""The options of a variant, read off its signature, as a checked model."""

import inspect
from collections.abc import Callable, Mapping
from typing import Any, get_type_hints

from pydantic import BaseModel, ConfigDict, create_model

__all__ = ["annotation_of", "options_model", "signature_options"]


def _function(variant: Callable[..., Any]) -> Callable[..., Any]:
    return variant.__init__ if inspect.isclass(variant) else variant


def annotation_of(variant: Callable[..., Any], parameter: str) -> Any:
    """The type of one parameter of a function or of a class's constructor."""
    return get_type_hints(_function(variant), include_extras=True)[parameter]


def signature_options(variant: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    """The options of a function or of a class's constructor: its keyword-only parameters."""
    parameters = inspect.signature(_function(variant)).parameters
    return {name: p for name, p in parameters.items() if p.kind is p.KEYWORD_ONLY}


def options_model(name: str, variant: Callable[..., Any], preset: Mapping[str, Any] | None = None) -> type[BaseModel]:
    """A pydantic model whose fields are the variant's options.

    Args:
        name: of the variant; becomes the model's title.
        variant: its function or class; every option must be annotated.
        preset: defaults that replace the signature's (what an alias stands for).
    """
    fields: dict[str, Any] = {}
    for key, parameter in signature_options(variant).items():
        default = (preset or {}).get(key, parameter.default)
        fields[key] = (annotation_of(variant, key), ... if default is parameter.empty else default)
    config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)
    return create_model(name, __config__=config, **fields)
