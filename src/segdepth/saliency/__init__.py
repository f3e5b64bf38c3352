"""Explains any network that it is given, pixel by pixel."""

from .engines import ENGINES
from .explainer import ExplainedPicture, Explainer
from .graph import UnsupportedOperationError
from .maps import reference_gradients, saliency_chunks, saliency_maps
from .methods import METHODS, IntegratedGradients, SmoothGrad
from .parts import Part
from .precision import PrecisionError, precision_error
from .target import NAMED_TARGETS, Margin, Pixel, Target, Weighted, check_pixels

__all__ = [
    "ENGINES",
    "METHODS",
    "NAMED_TARGETS",
    "ExplainedPicture",
    "Explainer",
    "IntegratedGradients",
    "Margin",
    "Part",
    "Pixel",
    "PrecisionError",
    "SmoothGrad",
    "Target",
    "UnsupportedOperationError",
    "Weighted",
    "check_pixels",
    "precision_error",
    "reference_gradients",
    "saliency_chunks",
    "saliency_maps",
]
