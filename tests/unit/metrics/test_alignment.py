"""Answers without metres, brought to metres by the picture's own truth, against one picture at a time in NumPy."""

import numpy as np
import pytest
import torch

from segdepth.metrics import ALIGNMENTS, DepthProtocol
from segdepth.metrics.depth_protocol import in_metres, scored_pixels

from ...oracles.metrics import least_squares_depth, median_depth

SIZE = (3, 12, 17)
FARTHEST = 70.0
TWINS = {"median": median_depth, "least-squares": least_squares_depth}


def protocol(scaling: str = "least-squares", *, inverse: bool = True) -> DepthProtocol:
    return DepthProtocol("none", 2.0, FARTHEST, scaling, inverse)  # type: ignore[arg-type]


def row(*values: float) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float64).view(1, 1, -1)


@pytest.mark.parametrize("inverse", [False, True], ids=["depth", "inverse"])
@pytest.mark.parametrize("scaling", TWINS)
def test_alignment_is_the_slow_obvious_one(scaling: str, inverse: bool) -> None:
    truth = 100 * torch.rand(SIZE) * (torch.rand(SIZE) < 0.5)
    answers = torch.rand(SIZE) * 3 - (1 if inverse else -0.1)
    metres, kept, valid = scored_pixels(answers, truth, protocol(scaling, inverse=inverse))
    for k in range(SIZE[0]):
        scored = ((truth[k] > 2) & (truth[k] < FARTHEST)).flatten()
        p, t = (x[k].flatten()[scored].double().numpy() for x in (answers, truth))
        np.testing.assert_allclose(metres[k][valid[k]], TWINS[scaling](p, t, inverse, FARTHEST).clip(2, 70), rtol=1e-9)
        np.testing.assert_array_equal(kept[k][valid[k]], t)


@pytest.mark.parametrize("factor", [0.02, 400.0])
@pytest.mark.parametrize("shift", [-3.0, 0.0, 50.0])
def test_whatever_factor_and_shift_an_answer_has_is_taken_away(factor: float, shift: float) -> None:
    truth = 3 + 60 * torch.rand(SIZE, dtype=torch.float64)
    metres, kept, _ = scored_pixels(factor / truth + shift, truth, protocol())
    torch.testing.assert_close(metres, kept, rtol=1e-7, atol=0)


def test_a_constant_answers_the_mean_of_inverse_depth() -> None:
    truth = row(4, 5, 20, 0)
    for constant in (0.0, 0.1, -7.3, 1e30):
        metres, _, valid = scored_pixels(torch.full_like(truth, constant), truth, protocol())
        torch.testing.assert_close(metres[valid], torch.full((3,), 1 / ((1 / 4 + 1 / 5 + 1 / 20) / 3)).double())


@pytest.mark.parametrize("answers", [(0.3, 9.0), (9.0, 0.3)])
def test_one_pixel_and_two_are_met(answers: tuple[float, float]) -> None:
    for truth in (row(4, 30), row(4, 0), row(0, 30)):
        metres, kept, valid = scored_pixels(row(*answers), truth, protocol())
        torch.testing.assert_close(metres[valid], kept[valid])


def test_inverse_depth_below_zero_is_as_far_as_the_protocol_goes() -> None:
    truth, answers = row(4, 5, 60, 60), row(0.25, 0.2, 1 / 60, -3)
    metres = scored_pixels(answers, truth, protocol())[0]
    assert metres[0, 3] == FARTHEST
    half = scored_pixels(row(0.5, 0.4, 0, -1), row(4, 5, 60, 60), protocol("median"))[0]
    torch.testing.assert_close(half[0], torch.tensor([2, 2, FARTHEST, FARTHEST]).double())  # more than half is far


def test_a_picture_without_truth_has_no_scored_pixel() -> None:
    for scaling in ALIGNMENTS:
        assert not scored_pixels(row(1, 2), row(0, 0), protocol(scaling, inverse=False))[2].any()


def test_a_zero_among_depths_is_no_infinite_disparity() -> None:
    metres = scored_pixels(row(0, 4, 5), row(3, 4, 5), protocol(inverse=False))[0]
    assert metres.isfinite().all()


def test_a_whole_answer_is_aligned_as_its_scored_pixels_are() -> None:
    truth = torch.tensor([[4.0, 0.0], [20.0, 0.0]])
    answer = 3 / torch.tensor([[4.0, 8.0], [20.0, 40.0]]) + 1
    torch.testing.assert_close(in_metres(answer, truth, protocol()), torch.tensor([[4.0, 8.0], [20.0, 40.0]]))
    assert in_metres(answer, truth, protocol("none", inverse=False)).equal(answer)


@pytest.mark.parametrize("inverse", [False, True], ids=["depth", "inverse"])
@pytest.mark.parametrize("scaling", TWINS)
def test_what_is_no_number_is_not_taken_for_far(scaling: str, inverse: bool) -> None:
    truth = row(4, 5, 20, 30)
    metres, _, valid = scored_pixels(torch.full_like(truth, float("nan")), truth, protocol(scaling, inverse=inverse))
    assert metres[valid].isnan().all()
