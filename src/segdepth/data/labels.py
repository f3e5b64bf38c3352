"""Tables of classes: names, colours, and which value in a file means which train id."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import UInt8
from numpy import ndarray

__all__ = ["CAMVID", "CITYSCAPES", "NYU40", "ClassTable"]


@dataclass(frozen=True)
class ClassTable:
    """The classes of a data set, in the order of their train ids.

    Attributes:
        names: one per train id.
        colours: RGB, one per train id.
        label_ids: the value in the label files for each train id; every other value is :data:`~segdepth.kinds.IGNORE`.
    """

    names: tuple[str, ...]
    colours: tuple[tuple[int, int, int], ...]
    label_ids: tuple[int, ...]

    def __post_init__(self) -> None:
        if not len(self.names) == len(self.colours) == len(self.label_ids):
            raise ValueError("names, colours and label_ids must have the same length")

    def __len__(self) -> int:
        return len(self.names)

    @cached_property
    def to_label_id(self) -> UInt8[ndarray, "256"]:
        """Lookup table: train id -> label id; everything that is no train id becomes 0 (unlabelled)."""
        table = np.zeros(256, np.uint8)
        table[: len(self)] = self.label_ids
        return table


#: The 19 evaluated classes of Cityscapes, also used by KITTI semantics.
#: Source: cityscapesscripts, helpers/labels.py.
CITYSCAPES = ClassTable(
    names=(
        "road", "sidewalk", "building", "wall", "fence", "pole", "traffic light", "traffic sign", "vegetation", "terrain",
        "sky", "person", "rider", "car", "truck", "bus", "train", "motorcycle", "bicycle",
    ),
    colours=(
        (128, 64, 128), (244, 35, 232), (70, 70, 70), (102, 102, 156), (190, 153, 153), (153, 153, 153), (250, 170, 30),
        (220, 220, 0), (107, 142, 35), (152, 251, 152), (70, 130, 180), (220, 20, 60), (255, 0, 0), (0, 0, 142),
        (0, 0, 70), (0, 60, 100), (0, 80, 100), (0, 0, 230), (119, 11, 32),
    ),
    label_ids=(7, 8, 11, 12, 13, 17, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 31, 32, 33),
)  # fmt: skip

#: CamVid's 11 classes as published with SegNet; value 11 in the files is void.
CAMVID = ClassTable(
    names=(
        "sky", "building", "pole", "road", "pavement", "tree", "sign", "fence", "car", "pedestrian", "bicyclist",
    ),
    colours=(
        (128, 128, 128), (128, 0, 0), (192, 192, 128), (128, 64, 128), (60, 40, 222), (128, 128, 0), (192, 128, 128),
        (64, 64, 128), (64, 0, 128), (64, 64, 0), (0, 128, 192),
    ),
    label_ids=tuple(range(11)),
)  # fmt: skip

#: NYU Depth v2's 40 classes without the last (other props), whose pixels the public copies merge with "unlabelled".
#: Colours are ours: the data set publishes none.
NYU40 = ClassTable(
    names=(
        "wall", "floor", "cabinet", "bed", "chair", "sofa", "table", "door", "window", "bookshelf", "picture",
        "counter", "blinds", "desk", "shelves", "curtain", "dresser", "pillow", "mirror", "floor mat",
        "clothes", "ceiling", "books", "refrigerator", "television", "paper", "towel", "shower curtain", "box",
        "whiteboard", "person", "night stand", "toilet", "sink", "lamp", "bathtub", "bag", "other structure",
        "other furniture",
    ),
    colours=(
        (166, 75, 75), (50, 84, 166), (107, 166, 25), (204, 92, 190), (61, 204, 180), (204, 124, 31),
        (142, 109, 242), (80, 242, 73), (242, 36, 106), (75, 132, 166), (156, 166, 50), (136, 25, 166),
        (92, 204, 147), (204, 90, 61), (31, 46, 204), (160, 242, 109), (242, 73, 187), (36, 235, 242),
        (166, 142, 75), (102, 50, 166), (25, 166, 47), (204, 92, 107), (61, 122, 204), (155, 204, 31),
        (241, 109, 242), (73, 242, 191), (242, 120, 36), (85, 75, 166), (70, 166, 50), (166, 25, 91),
        (92, 177, 204), (204, 197, 61), (144, 31, 204), (109, 242, 158), (242, 85, 73), (36, 82, 242),
        (121, 166, 75), (166, 50, 143), (25, 166, 152),
    ),
    label_ids=tuple(range(39)),
)  # fmt: skip
