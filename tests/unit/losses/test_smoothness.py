import pytest
import torch

from segdepth.losses.smoothness import smoothness


def slow_smoothness(depth):
    """Second differences one by one, for one map."""
    h, w = depth.shape
    z = depth.tolist()
    dxx = [abs(z[i][j + 2] - 2 * z[i][j + 1] + z[i][j]) for i in range(h) for j in range(w - 2)]
    dyy = [abs(z[i + 2][j] - 2 * z[i + 1][j] + z[i][j]) for i in range(h - 2) for j in range(w)]
    dxy = [abs(z[i + 1][j + 1] - z[i + 1][j] - z[i][j + 1] + z[i][j]) for i in range(h - 1) for j in range(w - 1)]
    return sum(sum(d) / len(d) for d in (dxx, dxy, dxy, dyy) if d)


@pytest.mark.parametrize("size", [(7, 9), (2, 5), (1, 4), (1, 1)])
def test_it_is_the_slow_twin(size):
    depth = torch.rand(1, 1, *size, dtype=torch.float64)
    assert smoothness(depth).item() == pytest.approx(slow_smoothness(depth[0, 0]))


def test_a_plane_is_smooth():
    rows, columns = torch.meshgrid(torch.arange(5.0), torch.arange(6.0), indexing="ij")
    assert smoothness((3 * rows - 2 * columns)[None, None]) == 0
