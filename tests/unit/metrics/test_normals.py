"""Angles between normals, against the plain formulas in NumPy."""

import numpy as np
import pytest
import torch
from torch import Tensor

from segdepth.core.errors import InputError
from segdepth.metrics.normals import NormalScores


def unit(x: Tensor) -> Tensor:
    return x / x.norm(dim=-1, keepdim=True)


@pytest.fixture
def truth() -> Tensor:
    truth = unit(torch.randn(2, 9, 11, 3))
    truth[:, ::3, ::2] = 0
    return truth


def slow_scores(prediction: Tensor, truth: Tensor) -> dict[str, float]:
    """Arc cosines over all known pixels, in float64."""
    known = truth.any(-1)
    p, t = (x[known].double().numpy() for x in (prediction, truth))
    lengths = np.linalg.norm(p, axis=1) * np.linalg.norm(t, axis=1)
    cosines = np.where(lengths > 0, (p * t).sum(1) / np.maximum(lengths, 1e-30), 0)
    angles = np.degrees(np.arccos(cosines.clip(-1, 1)))
    shares = {f"within_{int(limit)}": (angles < limit).mean() for limit in (11.25, 22.5, 30.0)}
    return {
        "mean_angle": angles.mean(),
        "median_angle": np.sort(angles)[(len(angles) - 1) // 2],
        "rmse_angle": np.sqrt((angles**2).mean()),
        **shares,
    }


@pytest.mark.parametrize("spread", [0.05, 0.4, 3.0])
def test_scores_are_the_formulas(truth: Tensor, spread: float) -> None:
    prediction = 2.5 * (truth + spread * torch.randn_like(truth))  # vectors of any length
    scores = NormalScores()
    for one in range(2):
        scores.update(prediction[one : one + 1], truth[one : one + 1])
    found, expected = scores.compute(), slow_scores(prediction, truth)
    assert found.keys() == expected.keys()
    assert found.pop("median_angle") == pytest.approx(expected.pop("median_angle"), abs=0.0101)
    assert found == pytest.approx(expected, rel=1e-4)


def test_the_right_answer_and_its_opposite(truth: Tensor) -> None:
    right, opposite, nothing = (NormalScores() for _ in range(3))
    right.update(truth, truth)
    opposite.update(-truth, truth)
    nothing.update(torch.zeros_like(truth), truth)
    assert right.compute()["mean_angle"] == pytest.approx(0, abs=1e-6)
    assert right.compute()["within_11"] == 1
    assert opposite.compute()["mean_angle"] == pytest.approx(180)
    assert opposite.compute()["within_30"] == 0
    assert nothing.compute()["mean_angle"] == pytest.approx(90)


def test_small_angles_keep_their_digits() -> None:
    angle = 1e-4
    truth = torch.tensor([0.0, 0.0, -1.0], dtype=torch.float64).expand(1, 1, 1, 3)
    radians = torch.deg2rad(torch.tensor(angle, dtype=torch.float64))
    prediction = torch.stack([radians.sin(), torch.zeros_like(radians), -radians.cos()]).expand(1, 1, 1, 3)
    scores = NormalScores()
    scores.update(prediction, truth)
    assert scores.compute()["mean_angle"] == pytest.approx(angle, rel=1e-9)


def test_what_is_not_known_does_not_count(truth: Tensor) -> None:
    prediction = unit(torch.randn_like(truth))
    other = prediction.clone()
    other[~truth.any(-1)] = torch.tensor([0.0, 1.0, 0.0])
    first, second, none = (NormalScores() for _ in range(3))
    first.update(prediction, truth)
    second.update(other, truth)
    assert first.compute() == second.compute()
    none.update(prediction, torch.zeros_like(truth))
    assert set(none.compute().values()) == {None}


@pytest.mark.parametrize("size", [(2, 9, 10, 3), (2, 9, 11, 2)])
def test_what_is_no_answer_is_refused(truth: Tensor, size: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match="normals are scored at the truth's size"):
        NormalScores().update(torch.zeros(size), truth)
    with pytest.raises(InputError, match=r"must both be \[b, h, w, 3\]"):
        NormalScores().update(torch.zeros(1, 4, 4, 2), torch.zeros(1, 4, 4, 2))
