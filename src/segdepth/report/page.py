"""What every page shares: one template that each fills, one style, and pictures that stand inside the page."""

import base64
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import jinja2

from segdepth.core.files import write_text

__all__ = ["image_uri", "write_page"]


def write_page(path: Path, template: str, values: Mapping[str, Any], filters: Mapping[str, Callable[..., str]]) -> None:
    """Write one HTML file that needs nothing else.

    Args:
        path: of the page; folders are made where they are missing.
        template: file of a template that extends ``base.html``.
        values: that the template names, all of them.
        filters: and its filters.
    """
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("segdepth.report"), autoescape=True, undefined=jinja2.StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    environment.filters |= filters
    write_text(path, environment.get_template(template).render(values))


def image_uri(content: bytes, kind: str = "png") -> str:
    """A picture's file, for ``<img src="...">``.

    Args:
        content: of the file.
        kind: "png" or "jpeg".
    """
    return f"data:image/{kind};base64," + base64.b64encode(content).decode("ascii")
