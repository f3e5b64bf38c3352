"""Is the map right? Change the pixels that it calls important, and watch that one pixel's answer.

If a map is right, changing its most salient pixels moves the answer at the target more than changing as many pixels
drawn by chance (*delete*), and an answer survives better when only they are kept (*keep*).
"""

from typing import ClassVar

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from numpy import ndarray
from torch import Tensor

from segdepth.data import Sample

from .columns import ACTIONS, CHOICES, change_column, peak_column
from .experiment import Experiment, Rows
from .grid import TargetGrid
from .sources import NetworkMaps

__all__ = ["FaithfulnessStudy", "most_salient"]


class FaithfulnessStudy(Experiment):
    """Change of the answer at each target when pixels are deleted or kept, by saliency and by chance.

    A deleted pixel takes the mean colour of the picture. The map is of the whole picture, not of the crop.

    Args:
        source: of the maps; its network is the one that is asked.
        grid: of targets.
        shares: of the picture's pixels.
        seed: of the pixels drawn by chance.
    """

    study: ClassVar[str] = "faithfulness"

    def __init__(
        self, source: NetworkMaps, grid: TargetGrid, shares: tuple[float, ...] = (0.01, 0.05, 0.2), seed: int = 0
    ) -> None:
        self.sources = (source,)
        self.source = source
        self.grid = grid
        self.thresholds = shares
        self.seed = seed

    @property
    def columns(self) -> tuple[str, ...]:
        """``delete_salient_0.01`` and so on."""
        return tuple(
            change_column(action, choice, share)
            for action in ACTIONS
            for choice in CHOICES
            for share in self.thresholds
        )

    @property
    def block(self) -> int | None:
        """All of a picture: what is drawn by chance depends on the targets before."""
        return None

    def measure(self, sample: Sample, pixels: Int[ndarray, "p 2"]) -> Rows:
        """The change of the answer, one column for each action, choice and share, and each map's largest value ("peak").

        A map that is zero everywhere has no most salient pixels: its changes are nan, which no mean counts.
        """
        height, width = self.grid.size
        x = self.source.input(sample.image)
        mean = x.mean((2, 3), keepdim=True)
        maps = self.source.maps(sample.image, pixels, (slice(0, height), slice(0, width)))
        output = self.source.output(sample.image)
        generator = torch.Generator().manual_seed(self.seed)
        changes, peaks = [], []
        for (row, col), saliency in zip(pixels, (one for block in maps for one in block), strict=True):
            found = self._changes(x, mean, output, saliency, (int(row), int(col)), generator)
            peaks.append(float(saliency.max()))
            changes.append(found if peaks[-1] > 0 else np.full_like(found, np.nan))
        table = np.stack(changes, axis=1) if changes else np.zeros((len(self.columns), 0), np.float32)
        return {peak_column(): np.array(peaks, np.float32), **dict(zip(self.columns, table, strict=True))}

    @torch.no_grad()
    def _changes(
        self,
        x: Float[Tensor, "1 3 h w"],
        mean: Float[Tensor, "1 3 1 1"],
        output: Float[Tensor, "1 c h w"],
        saliency: Float[Tensor, "h w"],
        target: tuple[int, int],
        generator: torch.Generator,
    ) -> Float[ndarray, " s"]:
        """Of one target; the rows of the batch are in the columns' order."""
        chance = torch.rand(saliency.shape, generator=generator).to(saliency.device)
        chosen = torch.stack([most_salient(order, share) for order in (saliency, chance) for share in self.thresholds])
        deleted = torch.cat([chosen, ~chosen])[:, None]
        row, col = target
        after = self.source.net(torch.where(deleted, mean, x))[:, :, row, col]
        return self.source.net.output.change(output[:, :, row, col], after).cpu().numpy().astype(np.float32)


def most_salient(values: Float[Tensor, "h w"], share: float) -> Bool[Tensor, "h w"]:
    """The given share of the pixels, those with the largest values; at least one."""
    count = max(1, round(share * values.numel()))
    chosen = torch.zeros(values.numel(), dtype=torch.bool, device=values.device)
    chosen[values.flatten().topk(count).indices] = True
    return chosen.view(values.shape)
