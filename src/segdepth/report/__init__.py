"""Plain data -> one self-contained HTML page. Never a network, never a GPU."""

from .demo_page import write_demo_page

__all__ = ["write_demo_page"]
