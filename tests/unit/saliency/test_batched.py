"""Several backward passes at once are what one at a time are."""

import torch
import torch.nn.functional as F
from torch import Tensor

from segdepth.saliency.batched import Recorded


def test_a_batch_that_pytorch_gets_wrong_is_not_believed() -> None:
    """As through a batch norm in eval mode whose gradient stands in memory with channels last, in PyTorch 2.13 and 2.14."""
    torch.manual_seed(0)
    other, mean, var = torch.randn(1, 8, 8, 4).permute(0, 3, 1, 2), torch.randn(4), torch.rand(4) + 0.5
    weight = torch.randn(2, 4, 3, 3)

    def function(x: Tensor) -> Tensor:
        return F.conv2d(other + F.batch_norm(x, mean, var), weight)

    recorded = Recorded(function, torch.randn(4, 8, 8))
    seeds = torch.randn(3, 2, 6, 6)
    alone = [torch.autograd.grad(recorded.y, recorded.x, seed[None], retain_graph=True)[0] for seed in seeds]
    for together in (False, True):  # as on a CPU, and as on a GPU
        recorded._together = together
        torch.testing.assert_close(recorded.products(seeds), torch.cat(alone))


def test_a_batch_that_pytorch_gets_right_is_used() -> None:
    recorded = Recorded(lambda x: F.conv2d(x.tanh(), torch.ones(2, 4, 3, 3)), torch.randn(4, 8, 8))
    recorded._together = True
    seeds = torch.randn(3, 2, 6, 6)
    alone = [torch.autograd.grad(recorded.y, recorded.x, seed[None], retain_graph=True)[0] for seed in seeds]
    torch.testing.assert_close(recorded.products(seeds), torch.cat(alone))
    assert recorded._together
