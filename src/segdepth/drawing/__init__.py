"""Numbers to pictures and pictures to PNG. Never decides what to draw; numpy only, no torch."""

from .colours import (
    ColourMap,
    colour_depth,
    colour_distance,
    colour_labels,
    colour_map,
    colour_saliency,
    enlarge_points,
)
from .overlay import mark_pixel, mark_region, overlay
from .png import depth_png16_bytes, png_bytes, png_data_uri, write_depth_png16, write_png

__all__ = [
    "ColourMap",
    "colour_depth",
    "colour_distance",
    "colour_labels",
    "colour_map",
    "colour_saliency",
    "depth_png16_bytes",
    "enlarge_points",
    "mark_pixel",
    "mark_region",
    "overlay",
    "png_bytes",
    "png_data_uri",
    "write_depth_png16",
    "write_png",
]
