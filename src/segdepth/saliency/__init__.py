"""Explains any network that it is given, pixel by pixel."""

from .engines import ENGINES
from .graph import UnsupportedOperationError
from .maps import saliency_chunks, saliency_maps
from .methods import METHODS, IntegratedGradients, SmoothGrad
from .precision import PrecisionError, precision_error
from .reference import reference_gradients
from .target import Margin, Pixel, Target, check_pixels

__all__ = [
    "ENGINES",
    "METHODS",
    "IntegratedGradients",
    "Margin",
    "Pixel",
    "PrecisionError",
    "SmoothGrad",
    "Target",
    "UnsupportedOperationError",
    "check_pixels",
    "precision_error",
    "reference_gradients",
    "saliency_chunks",
    "saliency_maps",
]
