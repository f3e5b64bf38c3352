"""Explains any network that it is given, pixel by pixel."""

from .maps import saliency_maps
from .reference import reference_gradients
from .target import Pixel, Target, check_pixels

__all__ = ["Pixel", "Target", "check_pixels", "reference_gradients", "saliency_maps"]
