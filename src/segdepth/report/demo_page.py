"""The demonstration's page."""

from pathlib import Path

from segdepth.campaigns.demo.page import DemoPage
from segdepth.drawing import png_data_uri
from segdepth.kinds import Colours
from segdepth.runs import TASK_FACTS
from segdepth.studies.pairing import CLAIM

from .figures import curves
from .page import write_page

__all__ = ["write_demo_page"]


def _number(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:.4f}" if abs(value) >= 1e-3 or value == 0 else f"{value:.2e}"


def _duration(seconds: float) -> str:
    """About how long, in words."""
    if seconds < 50:
        return f"about {max(10, round(seconds, -1)):.0f} seconds"
    minutes = max(1, round(seconds / 60))
    return f"about {minutes} minute{'s' if minutes > 1 else ''}"


def _ramp(colours: Colours) -> str:
    """What fills a mark of a legend: one colour, or a ramp of several, as CSS has it."""
    stops = ", ".join(f"rgb{rgb}" for rgb in colours)
    return f"linear-gradient(90deg, {stops})" if len(colours) > 1 else stops


def write_demo_page(page: DemoPage, path: Path) -> None:
    """Write one HTML file that needs nothing else, not even a network, but for the page to move over beside it.

    While the work goes on it reloads itself.
    """
    values = {
        "r": page,
        "curves": {
            name: curves(task.log, task.facts.best_score, name) for name, task in page.tasks.items() if task.log
        },
        "facts": TASK_FACTS,
        "claim": CLAIM,
    }
    write_page(
        path, "demo.html", values, {"uri": png_data_uri, "number": _number, "duration": _duration, "ramp": _ramp}
    )
