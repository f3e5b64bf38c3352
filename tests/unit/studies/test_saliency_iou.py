"""Overlap is that of both maps of one target."""

import numpy as np
import pytest
import torch

from segdepth.core.errors import InputError
from segdepth.data import Dataset
from segdepth.data.loading import resize_sample
from segdepth.saliency import saliency_maps
from segdepth.saliency.measures import mask_iou, normalise
from segdepth.studies.grid import TargetGrid
from segdepth.studies.saliency_iou import IouStudy

from .tiny import SIZE, tiny


def test_overlap_is_of_both_maps_of_a_target(streets: Dataset) -> None:
    seg, depth = tiny("seg"), tiny("depth")
    study = IouStudy(seg, depth, TargetGrid(SIZE, 14))
    sample = resize_sample(streets[1], SIZE)
    rows = study.rows(sample)
    pixels = [tuple(p) for p in study.grid.pixels.tolist()]
    maps = []
    for source in (seg, depth):
        x = source.net.preprocessing(torch.from_numpy(sample.image).permute(2, 0, 1)[None])[0]
        signed = saliency_maps(source.net, x, pixels, engine="reference")
        maps.append(normalise(signed[:, *study.grid.window]))
    expected = mask_iou(*maps, study.thresholds).numpy()
    there = np.stack([rows[name] for name in study.columns], 1)
    np.testing.assert_allclose(there, expected, atol=0.05)
    assert np.nanmean(there) == pytest.approx(np.nanmean(expected), abs=1e-3)
    with pytest.raises(InputError, match="seg and a depth"):
        IouStudy(depth, seg, study.grid)
