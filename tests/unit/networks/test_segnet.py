"""Parts of SegNet that no conformance file reaches."""

import torch
import torch.nn.functional as F

from segdepth.networks.segnet import scattered


def test_the_deterministic_unpooling_is_the_same() -> None:
    x = torch.randn(2, 3, 9, 13, dtype=torch.float64)
    pooled, indices = F.max_pool2d(x, 2, return_indices=True)
    assert torch.equal(
        scattered(pooled, indices, x.shape[-2:]), F.max_unpool2d(pooled, indices, [2, 2], output_size=x.shape[-2:])
    )
