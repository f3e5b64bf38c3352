"""On a network with a planted dependence, whose maps are known to be right, and on the same with maps made wrong."""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from segdepth.data import Sample
from segdepth.networks import Network
from segdepth.networks.card import Card
from segdepth.studies.faithfulness import FaithfulnessStudy
from segdepth.studies.grid import TargetGrid
from segdepth.studies.sources import NetworkMaps

SIZE = (40, 64)
SHIFT = 9


class Marker(Network):
    """The depth at a pixel follows from the red value ``SHIFT`` columns to its left, and from nothing else."""

    def __init__(self) -> None:
        super().__init__(1, "depth")
        self.card = Card(arch="marker", output="depth", out_channels=1, preprocessing="imagenet", task="depth")

    def raw(self, x: Tensor) -> Tensor:
        return torch.nn.functional.pad(x[:, :1, :, :-SHIFT], (SHIFT, 0))


class WrongMaps(NetworkMaps):
    """Points at the target's right instead."""

    def maps(self, image: np.ndarray, pixels: np.ndarray, window: tuple[slice, slice]) -> Iterator[Tensor]:
        for block in super().maps(image, pixels, window):
            yield block.flip(2)


def study(source: type[NetworkMaps]) -> dict[str, np.ndarray]:
    image = np.random.default_rng(0).integers(0, 256, (*SIZE, 3)).astype(np.uint8)
    experiment = FaithfulnessStudy(source(Marker().eval()), TargetGrid(SIZE, 7), shares=(0.01, 0.1))
    rows = experiment.rows(Sample(image, "made"))
    assert set(experiment.columns) <= set(rows)
    return rows


def test_a_right_map_tells_which_pixels_matter() -> None:
    rows = study(NetworkMaps)
    assert (rows["delete_salient_0.01"] > 0).all()
    assert rows["delete_salient_0.01"].mean() > 20 * rows["delete_random_0.01"].mean()
    assert (rows["keep_salient_0.01"] == 0).all()
    assert rows["keep_random_0.01"].mean() > 0.1


def test_a_wrong_map_is_found_out() -> None:
    rows = study(WrongMaps)
    assert rows["delete_salient_0.01"].mean() < 0.2 * rows["keep_salient_0.01"].mean()
