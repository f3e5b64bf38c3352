"""Plain data -> one self-contained HTML page. Never a network, never a GPU."""

from typing import TYPE_CHECKING, Any

from segdepth.core.tables import LazyTable

if TYPE_CHECKING:
    from .analysis_page import write_analysis
    from .data_page import write_data_page
    from .demo_page import write_demo_page

__all__ = ["write_analysis", "write_data_page", "write_demo_page"]

_HOMES: LazyTable[Any] = LazyTable(
    {
        "write_analysis": "segdepth.report.analysis_page:write_analysis",
        "write_data_page": "segdepth.report.data_page:write_data_page",
        "write_demo_page": "segdepth.report.demo_page:write_demo_page",
    }
)


def __getattr__(name: str) -> Any:
    """The writers, imported when first asked for: a list of runs needs no torch, which takes a second."""
    return _HOMES.attribute(name, __name__)
