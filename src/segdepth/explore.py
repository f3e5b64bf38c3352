"""The explorer for notebooks: ``segdepth.explore.Widget(nets, image)``."""

from typing import TYPE_CHECKING, Any

from .core.errors import InputError

if TYPE_CHECKING:
    from .explorer.widget import Widget

__all__ = ["Widget"]


def __getattr__(name: str) -> Any:
    """The widget, imported when it is first asked for: what it stands on is in an extra.

    Raises:
        InputError: if that is not installed.
    """
    if name != "Widget":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        from .explorer.widget import Widget
    except ImportError as error:
        raise InputError(f"the widget needs {error.name}: pip install 'segdepth[widget]'") from None
    return Widget
