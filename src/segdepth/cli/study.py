"""``segdepth study``: the saliency statistics of many pictures."""

import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from .options import Device, EngineChoice, Height, ModelName, TaskName, Width

if TYPE_CHECKING:
    from segdepth.data import Dataset
    from segdepth.networks import Network
    from segdepth.studies.experiment import Experiment
    from segdepth.studies.sources import MapSource

__all__ = ["study_app"]

log = logging.getLogger(__name__)

study_app = typer.Typer(help="Saliency statistics of many pictures, pixel by pixel.", no_args_is_help=True)


@study_app.callback()
def study() -> None:
    """Saliency statistics of many pictures, pixel by pixel. Interrupted anywhere, the same command goes on."""


#: The size that the ancestor's study used, where neither checkpoint nor flags say one.
_SIZE = (256, 832)

_PICTURES = "Pictures"
_MEASUREMENT = "Measurement"
_WORK = "Work"

_Model = Annotated[
    Path | None, typer.Option("--checkpoint", "--model_path", help="Run folder or checkpoint file.", show_default=False)
]
_Null = Annotated[
    Literal["random", "field", "edges", "gaussian"] | None,
    typer.Option("--null", help="A null model instead: the checkpoint's network with random weights, its theoretical receptive"
                 " field, the picture's edges, or a Gaussian around the target.", show_default=False,
                 rich_help_panel=_MEASUREMENT),
]  # fmt: skip
_Seed = Annotated[int, typer.Option("--seed", min=0, help="Of --null random.", rich_help_panel=_MEASUREMENT)]
_Rate = Annotated[
    int,
    typer.Option("--sample-rate", "--sample_rate", min=1, help="Every so many-th pixel of the crop is a target.",
                 rich_help_panel=_MEASUREMENT),
]  # fmt: skip
_Engine = Annotated[
    EngineChoice,
    typer.Option("--engine", help="Who computes the maps; all give the same.", rich_help_panel=_MEASUREMENT),
]
_Count = Annotated[
    int | None,
    typer.Option("--num-image", "--num_image", min=1, help="Exactly so many pictures, the first of the split; by default all,"
                 " at most 100.", show_default=False, rich_help_panel=_PICTURES),
]  # fmt: skip
_Data = Annotated[
    Path | None,
    typer.Option("--data-path", "--data_path", help="Folder of KITTI semantics, or of any pictures.", show_default=False,
                 rich_help_panel=_PICTURES),
]  # fmt: skip
_Dataset = Annotated[
    str | None,
    typer.Option("--dataset", help="Read --data-path as this data set.", show_default=False, rich_help_panel=_PICTURES),
]
_Config = Annotated[
    Path | None,
    typer.Option(
        "--config", "-c", help="The data set of this configuration.", show_default=False, rich_help_panel=_PICTURES
    ),
]
_Split = Annotated[
    str | None,
    typer.Option("--split", help="By default val: pictures that the networks were not trained on.", show_default=False,
                 rich_help_panel=_PICTURES),
]  # fmt: skip
_Out = Annotated[
    Path, typer.Option("--out", help="Folder of the studies; each has its own folder in it.", rich_help_panel=_WORK)
]
_Shard = Annotated[
    str | None,
    typer.Option("--shard", metavar="I/N", help="Only pictures I, I+N, ... (from 0); under torchrun by itself.",
                 show_default=False, rich_help_panel=_WORK),
]  # fmt: skip
_PlanOnly = Annotated[
    bool,
    typer.Option("--plan", help="Say how many maps, how long and how much memory; do nothing.", rich_help_panel=_WORK),
]
_OUT = Path("saliency_study")


@study_app.command("eval")
def evaluate(
    checkpoint: _Model = None,
    null: _Null = None,
    seed: _Seed = 0,
    sample_rate: _Rate = 4,
    num_image: _Count = None,
    data_path: _Data = None,
    dataset: _Dataset = None,
    config: _Config = None,
    split: _Split = None,
    engine: _Engine = "auto",
    output: _Out = _OUT,
    shard: _Shard = None,
    plan: _PlanOnly = False,
    model_name: ModelName = None,
    task: TaskName = None,
    height: Height = None,
    width: Width = None,
    device: Device = "auto",
) -> None:
    """Activation distance and ratio (and more) of every target pixel's map."""
    from segdepth.studies.grid import TargetGrid
    from segdepth.studies.saliency_eval import EvalStudy

    source, size = _source(checkpoint, null, seed, engine, device, model_name, task, height, width)
    grid = TargetGrid(size, sample_rate)
    _carry_out(EvalStudy(source, grid), _open(data_path, dataset, config, split), num_image, output, shard, plan)


@study_app.command("class")
def by_class(
    checkpoint: _Model = None,
    null: _Null = None,
    seed: _Seed = 0,
    sample_rate: _Rate = 4,
    num_image: _Count = None,
    data_path: _Data = None,
    dataset: _Dataset = None,
    config: _Config = None,
    split: _Split = None,
    engine: _Engine = "auto",
    output: _Out = _OUT,
    shard: _Shard = None,
    plan: _PlanOnly = False,
    model_name: ModelName = None,
    task: TaskName = None,
    height: Height = None,
    width: Width = None,
    device: Device = "auto",
) -> None:
    """The same at five thresholds for every labelled target, to be read per class."""
    from segdepth.studies.grid import TargetGrid
    from segdepth.studies.saliency_eval import ClassStudy

    source, size = _source(checkpoint, null, seed, engine, device, model_name, task, height, width)
    grid = TargetGrid(size, sample_rate, start="corner")
    _carry_out(ClassStudy(source, grid), _open(data_path, dataset, config, split), num_image, output, shard, plan)


@study_app.command()
def iou(
    seg: Annotated[
        Path,
        typer.Option("--seg", "--model_seg_path", help="Checkpoint of the segmentation network.", show_default=False),
    ],
    depth: Annotated[
        Path, typer.Option("--depth", "--model_depth_path", help="Checkpoint of the depth network.", show_default=False)
    ],
    sample_rate: _Rate = 4,
    num_image: _Count = None,
    data_path: _Data = None,
    dataset: _Dataset = None,
    config: _Config = None,
    split: _Split = None,
    engine: _Engine = "auto",
    output: _Out = _OUT,
    shard: _Shard = None,
    plan: _PlanOnly = False,
    model_name: ModelName = None,
    height: Height = None,
    width: Width = None,
    device: Device = "auto",
) -> None:
    """Overlap of the active pixels of segmentation's and depth's map of the same target."""
    from segdepth.core.errors import InputError
    from segdepth.studies.grid import TargetGrid
    from segdepth.studies.saliency_iou import IouStudy
    from segdepth.studies.sources import NetworkMaps

    nets = [_load(path, device, model_name, None, height, width) for path in (seg, depth)]
    for flag, path, task, net in (("--seg", seg, "seg", nets[0]), ("--depth", depth, "depth", nets[1])):
        if net.card.task != task:
            raise InputError(
                f"{flag} wants a network for {task!r}, but {str(path)!r} was trained for {net.card.task!r}"
                + ("; the two are swapped" if [n.card.task for n in nets] == ["depth", "seg"] else "")
            )
    sizes = {_size(net, height, width) for net in nets}
    if len(sizes) > 1:
        raise InputError(f"the two networks see pictures of different sizes: {sorted(sizes)}; maps of one size overlap")
    of_seg, of_depth = (NetworkMaps(net, engine=engine) for net in nets)
    experiment = IouStudy(of_seg, of_depth, TargetGrid(sizes.pop(), sample_rate))
    _carry_out(experiment, _open(data_path, dataset, config, split), num_image, output, shard, plan)


@study_app.command()
def faithfulness(
    checkpoint: _Model = None,
    sample_rate: _Rate = 32,
    num_image: _Count = None,
    data_path: _Data = None,
    dataset: _Dataset = None,
    config: _Config = None,
    split: _Split = None,
    engine: _Engine = "auto",
    output: _Out = _OUT,
    shard: _Shard = None,
    plan: _PlanOnly = False,
    model_name: ModelName = None,
    task: TaskName = None,
    height: Height = None,
    width: Width = None,
    device: Device = "auto",
) -> None:
    """Delete, or keep only, the most salient pixels of each target and watch its answer, against pixels drawn by chance."""
    from segdepth.core.errors import ConfigError
    from segdepth.studies.faithfulness import FaithfulnessStudy
    from segdepth.studies.grid import TargetGrid
    from segdepth.studies.sources import NetworkMaps

    if checkpoint is None:
        raise ConfigError("name a checkpoint: --checkpoint RUN")
    net = _load(checkpoint, device, model_name, task, height, width)
    grid = TargetGrid(_size(net, height, width), sample_rate)
    experiment = FaithfulnessStudy(NetworkMaps(net, engine=engine), grid)
    _carry_out(experiment, _open(data_path, dataset, config, split), num_image, output, shard, plan)


def _load(
    checkpoint: Path, device: str, model_name: str | None, task: str | None, height: int | None, width: int | None
) -> "Network":
    from segdepth.networks import find_weights

    from .console import log_to_terminal
    from .loading import load_checked

    log_to_terminal()
    local = os.environ.get("LOCAL_RANK")
    if device == "auto" and local is not None:
        import torch

        device = f"cuda:{local}" if torch.cuda.is_available() else "cpu"
    path = find_weights(checkpoint)
    net = load_checked(path, device, model_name=model_name, task=task, height=height, width=width)
    if path != checkpoint:  # a folder may hold many
        log.info("%s: %s for %s", path, net.card.arch, net.card.task)
    return net


def _size(net: "Network | None", height: int | None, width: int | None) -> tuple[int, int]:
    """The network's, or the flags', or the published study's."""
    if net is not None and net.card.input_size is not None:
        return net.card.input_size
    return height or _SIZE[0], width or _SIZE[1]


def _source(
    checkpoint: Path | None,
    null: str | None,
    seed: int,
    engine: EngineChoice,
    device: str,
    model_name: str | None,
    task: str | None,
    height: int | None,
    width: int | None,
) -> "tuple[MapSource, tuple[int, int]]":
    """Where the maps come from, and the size of the pictures."""
    from segdepth.core.errors import ConfigError
    from segdepth.studies.sources import NULL_MAPS, FieldMaps, NetworkMaps, random_network

    net = None if checkpoint is None else _load(checkpoint, device, model_name, task, height, width)
    size = _size(net, height, width)
    if null is not None and null in NULL_MAPS:
        return NULL_MAPS[null](), size
    if net is None:
        raise ConfigError("name a checkpoint: --checkpoint RUN (or --null edges, --null gaussian, which need none)")
    if null == "field":
        return FieldMaps(net), size
    if null == "random":
        return NetworkMaps(random_network(net, seed), "random", engine), size
    return NetworkMaps(net, engine=engine), size


def _open(data_path: Path | None, dataset: str | None, config: Path | None, split: str | None) -> "Dataset":
    from segdepth.core.errors import InputError
    from segdepth.studies.frames import open_configured, open_frames

    if config is None:
        return open_frames(data_path, dataset, split or "val")
    if data_path is not None or dataset is not None:
        raise InputError("name the pictures once: --config, or --data_path with or without --dataset")
    from segdepth.config import load_config

    return open_configured(load_config(config), split)


def _carry_out(
    experiment: "Experiment", dataset: "Dataset", num_image: int | None, root: Path, shard: str | None, plan_only: bool
) -> None:
    """Plan, and unless only that was asked for, do."""
    from segdepth.core import group
    from segdepth.core.words import counted
    from segdepth.studies.frames import how_many
    from segdepth.studies.run import Shard, describe_study, make_plan, run_study
    from segdepth.studies.store import Store

    from .console import GOES_ON, counting, err, log_to_terminal, out, results_in

    log_to_terminal()
    share = Shard.parse(shard)
    info = describe_study(experiment, dataset, how_many(dataset, num_image))
    store = Store(root / experiment.kind / experiment.name, info)
    own = share.of(len(info.images))
    if plan_only:
        plan = make_plan(experiment, dataset, len(own), store.missing(own))
        out.print(
            f"{counted(plan.images, 'picture')} to do, {plan.done} there\n"
            f"{plan.maps:,} maps of {len(experiment.grid.pixels)} targets a picture\n"
            f"{_duration(plan.seconds)} here ({plan.seconds_per_image:.1f} s a picture)\n"
            f"{plan.memory_bytes / 1e9:.1f} GB of memory, at most {plan.disk_bytes / 1e6:.1f} MB on disk",
            soft_wrap=True,
        )
        return
    with results_in(f"{store.folder}/", GOES_ON), counting(f"{experiment.kind} {experiment.name}") as bar:
        bar.begin(len(own) - len(store.missing(own)))
        done = run_study(experiment, dataset, store, share, bar)
    left = len(store.missing(range(len(info.images))))
    now = f"{counted(done, 'picture')} done now"
    err.print(f"{now}; {left} of {len(info.images)} left" if left else now)
    if group.rank() == 0:
        out.print(f"{store.folder}/", soft_wrap=True)


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"
