"""Plain data -> one self-contained HTML page. Never a network, never a GPU."""

from .analysis_page import write_analysis
from .data_page import write_data_page
from .demo_page import write_demo_page

__all__ = ["write_analysis", "write_data_page", "write_demo_page"]
