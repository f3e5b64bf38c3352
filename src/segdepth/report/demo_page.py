"""The demonstration's page."""

from pathlib import Path

import jinja2

from segdepth.core.files import write_text
from segdepth.drawing import png_data_uri
from segdepth.studies.demo import DemoResult

from .figures import TASK_COLOURS, curves

__all__ = ["write_demo_page"]


def _number(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:.4f}" if abs(value) >= 1e-3 or value == 0 else f"{value:.2e}"


def write_demo_page(result: DemoResult, path: Path) -> None:
    """Write one HTML file that needs nothing else, not even a network."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("segdepth.report"), autoescape=True, undefined=jinja2.StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    environment.filters |= {"uri": png_data_uri, "number": _number}
    page = environment.get_template("demo.html").render(
        r=result,
        curves={name: curves(task.log, task.best_score, name) for name, task in result.tasks.items()},
        titles={"seg": "semantic segmentation", "depth": "monocular depth"},
        colours=TASK_COLOURS,
    )
    write_text(path, page)
