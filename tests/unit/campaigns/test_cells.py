"""Which cells there are, and in which order."""

import pytest

from segdepth.campaigns.cells import PLACES, choose
from segdepth.campaigns.published import PUBLISHED
from segdepth.core.errors import ConfigError


def test_cells_are_chosen_by_globs_and_starts_come_first() -> None:
    assert len(choose()) == 24
    assert choose(["fcrn_*_seg"]) == ["fcrn_cityscapes_seg", "fcrn_kitti_seg"]
    assert choose(["fcrn_kitti_seg", "fcrn_cityscapes_seg"]) == ["fcrn_cityscapes_seg", "fcrn_kitti_seg"]
    with pytest.raises(ConfigError, match="no cell fits"):
        choose(["fcrn_*", "resnet_*"])


def test_every_kind_of_cell_has_a_place() -> None:
    assert PLACES.keys() == {cell.problem for cell in PUBLISHED.values()}
