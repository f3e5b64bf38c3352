"""The options that the commands of ``segdepth study`` share, and what is made of them."""

import logging
import os
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from .options import CoresEach, EngineChoice, MaybeCheckpoint, NetworkOptions, On

if TYPE_CHECKING:
    from segdepth.config import Config
    from segdepth.data import Dataset
    from segdepth.networks import Network
    from segdepth.studies.sources import MapSource

__all__ = ["MapOptions", "SampleRate", "StudyOptions"]

log = logging.getLogger(__name__)

#: The size that the ancestor's study used, where neither checkpoint, flags nor configuration say one.
_SIZE = (256, 832)

_PICTURES = "Pictures"
_MEASUREMENT = "Measurement"
_WORK = "Work"

SampleRate = Annotated[
    int,
    typer.Option("--sample-rate", "--sample_rate", min=1, help="Every so many-th pixel of the crop is a target.",
                 rich_help_panel=_MEASUREMENT),
]  # fmt: skip


@dataclass(frozen=True)
class StudyOptions(NetworkOptions):
    """What every study is told: the network, the pictures, and how the work is done."""

    num_image: Annotated[
        int | None,
        typer.Option(
            "--num-image",
            "--num_image",
            min=1,
            help="Exactly so many pictures, the first of the split; by default all, at most 100.",
            show_default=False,
            rich_help_panel=_PICTURES,
        ),
    ] = None
    data_path: Annotated[
        Path | None,
        typer.Option(
            "--data-path",
            "--data_path",
            help="Folder of KITTI semantics, or of any pictures.",
            show_default=False,
            rich_help_panel=_PICTURES,
        ),
    ] = None
    dataset: Annotated[
        str | None,
        typer.Option(
            "--dataset", help="Read --data-path as this data set.", show_default=False, rich_help_panel=_PICTURES
        ),
    ] = None
    config: Annotated[
        Path | None,
        typer.Option(
            "--config", "-c", help="The data set of this configuration.", show_default=False, rich_help_panel=_PICTURES
        ),
    ] = None
    split: Annotated[
        str | None,
        typer.Option(
            "--split",
            help="By default val: pictures that the networks were not trained on.",
            show_default=False,
            rich_help_panel=_PICTURES,
        ),
    ] = None
    engine: Annotated[
        EngineChoice,
        typer.Option("--engine", help="Who computes the maps; all give the same.", rich_help_panel=_MEASUREMENT),
    ] = "auto"
    output: Annotated[
        Path,
        typer.Option("--out", help="Folder of the studies; each has its own folder in it.", rich_help_panel=_WORK),
    ] = Path("saliency_study")
    shard: Annotated[
        str | None,
        typer.Option(
            "--shard",
            metavar="I/N",
            help="Only pictures I, I+N, ... (from 0); under torchrun by itself.",
            show_default=False,
            rich_help_panel=_WORK,
        ),
    ] = None
    on: On = None
    cores_each: CoresEach = 1
    plan: Annotated[
        bool,
        typer.Option("--plan", help="Say how many maps, how long and how much memory; do nothing.", rich_help_panel=_WORK),
    ] = False  # fmt: skip

    def network(self, checkpoint: str, likely: str | None = None) -> "Network":
        """The network of a run or an address, on the device; of several processes, each has its own.

        Args:
            checkpoint: as the user named it.
            likely: the task of a network without a card, where no flag says it; None: the configuration's, where one is given.
        """
        from segdepth.tasks import find_origin

        from .console import log_to_terminal

        log_to_terminal()
        origin = find_origin(checkpoint)
        own = replace(self, device=self._own_device())
        if likely is None and self._configuration is not None:
            likely = self._configuration.task
        net = own.load(origin, likely=likely, data=lambda _: self.pictures())
        if origin.source != origin.words:  # a folder may hold many
            log.info("%s: %s for %s", origin.source, net.card.arch, net.card.task)
        return net

    def _own_device(self) -> str:
        local = os.environ.get("LOCAL_RANK")
        if self.device != "auto" or local is None:
            return self.device
        import torch

        return f"cuda:{local}" if torch.cuda.is_available() else "cpu"

    def size(self, net: "Network | None") -> tuple[int, int]:
        """Rows and columns: the network's, or the flags', or the configuration's, or the published study's."""
        if net is not None and net.card.input_size is not None:
            return net.card.input_size
        config = self._configuration
        rows, cols = _SIZE if config is None else (config.data.img_rows, config.data.img_cols)
        return self.height or rows, self.width or cols

    @cached_property
    def _configuration(self) -> "Config | None":
        """Of ``--config``."""
        if self.config is None:
            return None
        from segdepth.config import load_config

        return load_config(self.config)

    def pictures(self) -> "Dataset":
        """The pictures to measure on.

        Raises:
            InputError: if they are named twice, or not at all.
        """
        from segdepth.core.errors import InputError
        from segdepth.studies.frames import open_configured, open_frames

        if self._configuration is None:
            return open_frames(self.data_path, self.dataset, self.split or "val")
        if self.data_path is not None or self.dataset is not None:
            raise InputError("name the pictures once: --config, or --data_path with or without --dataset")
        return open_configured(self._configuration, self.split)


@dataclass(frozen=True)
class MapOptions:
    """Where maps come from: a checkpoint, or a null model."""

    checkpoint: MaybeCheckpoint = None
    null: Annotated[
        Literal["random", "field", "edges", "gaussian"] | None,
        typer.Option(
            "--null",
            help="A null model instead: the checkpoint's network with random weights, its theoretical receptive"
            " field, the picture's edges, or a Gaussian around the target.",
            show_default=False,
            rich_help_panel=_MEASUREMENT,
        ),
    ] = None
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of --null random.", rich_help_panel=_MEASUREMENT)] = 0  # fmt: skip

    def source(self, options: StudyOptions) -> "tuple[MapSource, tuple[int, int]]":
        """Where the maps come from, and the size of the pictures.

        Raises:
            ConfigError: if a network is needed and none is named.
        """
        from segdepth.core.errors import ConfigError
        from segdepth.studies.random_network import random_network
        from segdepth.studies.sources import NULL_MAPS, FieldMaps, NetworkMaps

        net = None if self.checkpoint is None else options.network(self.checkpoint)
        size = options.size(net)
        if self.null is not None and self.null in NULL_MAPS:
            return NULL_MAPS[self.null](), size
        if net is None:
            raise ConfigError("name a checkpoint: --checkpoint RUN (or --null edges, --null gaussian, which need none)")
        if self.null == "field":
            return FieldMaps(net), size
        if self.null == "random":
            return NetworkMaps(random_network(net, self.seed), "random", options.engine), size
        return NetworkMaps(net, engine=options.engine), size
