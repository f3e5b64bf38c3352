"""Backward passes at live units only, in native loops on the CPU."""

from .passes import SparsePass

__all__ = ["SparsePass"]
