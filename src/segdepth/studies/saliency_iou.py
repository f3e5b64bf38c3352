"""How much of what segmentation uses does depth use too: overlap of both maps of one target."""

from collections.abc import Iterator
from typing import ClassVar

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy import ndarray
from torch import Tensor

from segdepth.core.errors import InputError
from segdepth.data import Sample
from segdepth.saliency.measures import mask_iou, normalise

from .experiment import Experiment, Rows
from .grid import TargetGrid
from .saliency_eval import GROUP
from .sources import MapSource

__all__ = ["IouStudy"]


class IouStudy(Experiment):
    """IoU of the active pixels of two networks' maps for every target of a grid; nan where neither has one.

    Args:
        seg: maps of the segmentation network.
        depth: maps of the depth network.
        grid: of targets.
        thresholds: shares of a normalised map's range.
    """

    kind: ClassVar[str] = "iou"

    def __init__(
        self,
        seg: MapSource,
        depth: MapSource,
        grid: TargetGrid,
        thresholds: tuple[float, ...] = (0.05, 0.1, 0.5, 0.9),
    ) -> None:
        if (seg.task, depth.task) != ("seg", "depth"):
            raise InputError(
                f"overlap is of a seg and a depth network, in this order; these are {seg.task}, {depth.task}"
            )
        self.sources = (seg, depth)
        self.grid = grid
        self.thresholds = thresholds

    @property
    def name(self) -> str:
        """The network, or both where they differ."""
        first, second = (("random-" if s.model == "random" else "") + s.network for s in self.sources)
        return first if first == second else f"{first}_{second}"

    @property
    def columns(self) -> tuple[str, ...]:
        """One per threshold."""
        return tuple(f"iou_{t:g}" for t in self.thresholds)

    def measure(self, sample: Sample, pixels: Int[ndarray, "p 2"]) -> Rows:
        """The overlaps, and each network's answer at the target."""
        seg, depth = self.sources
        streams = (_groups(s.maps(sample.image, pixels, self.grid.window)) for s in (seg, depth))
        parts = [
            mask_iou(normalise(a), normalise(b.to(a.device)), self.thresholds).cpu().numpy().astype(np.float32)
            for a, b in zip(*streams, strict=True)
        ]
        overlaps = np.concatenate(parts) if parts else np.zeros((0, len(self.columns)), np.float32)
        answers = {}
        for source in (seg, depth):
            answer = source.answers(sample.image)
            here = np.full(len(pixels), np.nan) if answer is None else answer[tuple(pixels.T)]
            answers[f"answer_{source.task}"] = here.astype(np.float32)
        return answers | dict(zip(self.columns, overlaps.T, strict=True))


def _groups(blocks: Iterator[Float[Tensor, "_p h w"]]) -> Iterator[Float[Tensor, "_p h w"]]:
    """Maps in groups of one size, whatever the blocks that they come in."""
    waiting: list[Tensor] = []
    for block in blocks:
        for piece in block.split(1):
            waiting.append(piece)
            if len(waiting) == GROUP:
                yield torch.cat(waiting)
                waiting = []
    if waiting:
        yield torch.cat(waiting)
