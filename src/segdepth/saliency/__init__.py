"""Explains any network that it is given, pixel by pixel."""

from .engines import ENGINES
from .graph import UnsupportedOperationError
from .maps import saliency_chunks, saliency_maps
from .methods import METHODS, IntegratedGradients, SmoothGrad
from .reference import reference_gradients
from .target import Margin, Pixel, Target, check_pixels

__all__ = [
    "ENGINES",
    "METHODS",
    "IntegratedGradients",
    "Margin",
    "Pixel",
    "SmoothGrad",
    "Target",
    "UnsupportedOperationError",
    "check_pixels",
    "reference_gradients",
    "saliency_chunks",
    "saliency_maps",
]
