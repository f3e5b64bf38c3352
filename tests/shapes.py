"""The runtime checker of shapes and types in the tests: beartype, with ints where floats are asked for, as PEP 484 has it.

jaxtyping wraps every function that it finds, some ten microseconds a call: much of the time of an engine's bookkeeping, whose
small functions are called by the hundred thousand. Functions that name no array are left as they are: mypy knows them.
"""

import inspect
from collections.abc import Callable
from inspect import get_annotations
from typing import Any, get_args

from beartype import BeartypeConf, beartype
from jaxtyping import AbstractArray

__all__ = ["check", "spare_others"]

check = beartype(conf=BeartypeConf(is_pep484_tower=True))


def spare_others(jaxtyped: Callable[..., Any]) -> Callable[..., Any]:
    """Jaxtyping's decorator, which leaves functions and dataclasses alone that name no array."""

    def decorator(*, typechecker: Any) -> Callable[[Any], Any]:
        decorate = jaxtyped(typechecker=typechecker)

        def decorated(named: Any) -> Any:
            if inspect.isfunction(named) or inspect.isclass(named):
                return decorate(named) if any(map(_names_array, get_annotations(named).values())) else named
            return decorate(named)  # a property, say

        return decorated

    return decorator


def _names_array(annotation: Any) -> bool:
    """Whether an array stands in an annotation, at any depth; of one in quotes nothing is known."""
    if isinstance(annotation, str):
        return True
    if isinstance(annotation, type) and issubclass(annotation, AbstractArray):
        return True
    return any(_names_array(part) for part in get_args(annotation) if not isinstance(part, str))
