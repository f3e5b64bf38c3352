"""Depth errors by distance: against plain numpy."""

from typing import Any

import numpy as np
import pytest
import torch

from segdepth.metrics import DepthProtocol
from segdepth.metrics.depth_bands import DepthBands

SIZE = (20, 40)


def pictures(k: int) -> tuple[np.ndarray, np.ndarray]:
    """An answer that is wrong by k / 10, and its sparse truth."""
    rng = np.random.default_rng(k)
    truth = np.where(rng.random(SIZE) < 0.5, rng.uniform(1, 100, SIZE), 0).astype(np.float32)
    return np.maximum(truth, 1) * np.float32(1 + k / 10), truth


@pytest.mark.parametrize("scaling", ["none", "median"])
def test_bands_are_numpys(scaling: Any) -> None:
    table = DepthBands(DepthProtocol("garg", 0.001, 80, scaling))
    errors, truths = [], []
    for k in range(4):
        answer, truth = pictures(k)
        table.update(torch.from_numpy(answer)[None], torch.from_numpy(truth)[None])
        rows, columns = (
            slice(int(0.40810811 * 20), int(0.99189189 * 20)),
            slice(int(0.03594771 * 40), int(0.96405229 * 40)),
        )
        p, g = answer[rows, columns].astype(np.float64), truth[rows, columns].astype(np.float64)
        valid = (g > 0.001) & (g < 80)
        p, g = p[valid], g[valid]
        if scaling == "median":
            p = p * np.median(g) / np.median(p)
        errors.append(np.clip(p, 0.001, 80) - g)
        truths.append(g)
    error, truth = np.concatenate(errors), np.concatenate(truths)
    bands = table.compute()
    assert list(bands) == ["0-10 m", "10-20 m", "20-30 m", "30-50 m", "50-80 m"]
    for (low, high), row in zip([(0, 10), (10, 20), (20, 30), (30, 50), (50, 80)], bands.values(), strict=True):
        inside = (truth > low) & (truth <= high)
        assert row["pixels"] == pytest.approx(inside.mean())
        assert row["abs_rel"] == pytest.approx(np.mean(np.abs(error[inside]) / truth[inside]))
        assert row["rmse"] == pytest.approx(np.sqrt(np.mean(error[inside] ** 2)))
        assert row["bias"] == pytest.approx(np.mean(error[inside]))


def test_a_band_without_pixels_has_no_error() -> None:
    table = DepthBands(DepthProtocol("none"))
    assert table.compute()["0-10 m"] == dict.fromkeys(table.columns)
    table.update(torch.full((1, *SIZE), 5.0), torch.full((1, *SIZE), 6.0))
    assert table.compute()["50-80 m"] == {"pixels": 0.0, "abs_rel": None, "rmse": None, "bias": None}
