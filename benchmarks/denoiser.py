"""All rows of a denoiser's Jacobian, and its first singular vectors, beside autograd's: CPU seconds and differences.

    python benchmarks/denoiser.py                 # 64x64, every answer pixel: 4,096 rows
    python benchmarks/denoiser.py --size 32 --dtype float64

The denoiser is a DnCNN (Zhang et al. 2017, arXiv:1608.03981) of random weights: what counts is arithmetic, not the picture. Its
rows are compared with one backward pass per row, with frozen parameters; the singular values of the operator, which never
holds a row, with those of NumPy of all rows.
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from machine import describe, write_csv
from scipy.sparse.linalg import svds
from torch import Tensor, nn

from segdepth.saliency import Explainer

#: Singular vectors that are asked for.
FIRST = 5


class Denoiser(nn.Module):
    """A picture less the noise that convolutions see in it."""

    def __init__(self, width: int = 32, depth: int = 9) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Conv2d(1, width, 3, padding=1), nn.ReLU()]
        for _ in range(depth - 2):
            layers += [nn.Conv2d(width, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU()]
        self.noise = nn.Sequential(*layers, nn.Conv2d(width, 1, 3, padding=1))

    def forward(self, x: Tensor) -> Tensor:
        """``[1, 1, h, w]`` to ``[1, 1, h, w]``."""
        return x - self.noise(x)


def timed(run: Callable[[], Any]) -> tuple[float, Any]:
    """CPU seconds, and what came out."""
    begin = time.process_time()
    found = run()
    return time.process_time() - begin, found


def by_autograd(net: nn.Module, image: Tensor, pixels: list[tuple[int, int]]) -> Tensor:
    """One backward pass per row."""
    x = image[None].clone().requires_grad_()
    y = net(x)
    return torch.cat([torch.autograd.grad(y[0, 0, row, column], x, retain_graph=True)[0] for row, column in pixels])


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=64, help="rows and columns of the picture")
    parser.add_argument("--dtype", choices=("float32", "float64"), default="float32")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--csv", type=Path, default=Path("runs/benchmarks/denoiser.csv"))
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    net = Denoiser().to(getattr(torch, options.dtype)).eval().requires_grad_(requires_grad=False)
    image = torch.rand(1, options.size, options.size, dtype=getattr(torch, options.dtype))
    pixels = [(row, column) for row in range(options.size) for column in range(options.size)]
    print(describe())
    ready, at = timed(lambda: Explainer(net).at(image))
    first, _ = timed(lambda: at.jacobian(pixels[:20]))
    ours, rows = timed(lambda: at.jacobian(pixels))
    theirs, expected = timed(lambda: by_autograd(net, image, pixels))
    operator, found = timed(lambda: svds(at.operator(pixels), k=FIRST, random_state=0))
    dense, values = timed(lambda: np.linalg.svd(expected.flatten(1).numpy(), compute_uv=False)[:FIRST])
    result = {
        "rows": len(pixels),
        "numbers": rows.numel(),
        "ready s": ready + first,
        "ours s": ours,
        "autograd s": theirs,
        "autograd/ours": theirs / ours,
        "difference of peak": ((rows - expected).abs().max() / expected.abs().max()).item(),
        "singular vectors s": operator,
        "NumPy s": dense,
        "difference of singular values": float(np.abs(np.sort(found[1])[::-1] / values - 1).max()),
    }
    for name, value in result.items():
        print(f"{name:40s} {value:.3g}" if isinstance(value, float) else f"{name:40s} {value}")
    write_csv(options.csv, [result])
    print(options.csv)


if __name__ == "__main__":
    main()
