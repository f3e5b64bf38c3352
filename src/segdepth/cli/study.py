"""``segdepth study``: the saliency statistics of many pictures."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .command import App
from .options import NETWORK, MaybeCheckpoint, gpus_for, place_of, spread
from .study_options import MapOptions, SampleRate, StudyOptions

if TYPE_CHECKING:
    from segdepth.data import Dataset
    from segdepth.networks import Network
    from segdepth.studies.experiment import Experiment
    from segdepth.studies.status import StudyStatus

__all__ = ["study_app"]

study_app = App(help="Saliency statistics of many pictures, pixel by pixel.", no_args_is_help=True)


@study_app.callback()
def study() -> None:
    """Saliency statistics of many pictures, pixel by pixel. Interrupted anywhere, the same command goes on."""


@study_app.command("eval")
@spread()
def evaluate(*, maps: MapOptions, sample_rate: SampleRate = 4, options: StudyOptions) -> None:
    """Activation distance and ratio (and more) of every target pixel's map."""
    _carry_out(partial(_eval, maps, sample_rate, options), options)


def _eval(maps: MapOptions, sample_rate: int, options: StudyOptions) -> "Experiment":
    from segdepth.studies.grid import TargetGrid
    from segdepth.studies.saliency_eval import EvalStudy

    source, size = maps.source(options)
    return EvalStudy(source, TargetGrid(size, sample_rate))


@study_app.command("class")
@spread()
def by_class(*, maps: MapOptions, sample_rate: SampleRate = 4, options: StudyOptions) -> None:
    """The same at five thresholds for every labelled target, to be read per class."""
    _carry_out(partial(_class, maps, sample_rate, options), options)


def _class(maps: MapOptions, sample_rate: int, options: StudyOptions) -> "Experiment":
    from segdepth.studies.grid import TargetGrid
    from segdepth.studies.saliency_eval import ClassStudy

    source, size = maps.source(options)
    return ClassStudy(source, TargetGrid(size, sample_rate, start="corner"))


@study_app.command()
@spread(without=("task",))
def iou(
    seg: Annotated[
        str,
        typer.Option("--seg", "--model_seg_path", metavar=NETWORK, show_default=False,
                     help="The segmentation network: checkpoint, owner/name on the hub, or address."),
    ],
    depth: Annotated[
        str,
        typer.Option("--depth", "--model_depth_path", metavar=NETWORK, help="The depth network.", show_default=False),
    ],
    sample_rate: SampleRate = 4,
    *,
    options: StudyOptions,
) -> None:  # fmt: skip
    """Overlap of the active pixels of segmentation's and depth's map of the same target."""
    _carry_out(partial(_iou, (seg, depth), sample_rate, options), options)


def _iou(named: tuple[str, str], sample_rate: int, options: StudyOptions) -> "Experiment":
    from segdepth.core.errors import InputError
    from segdepth.studies.grid import TargetGrid
    from segdepth.studies.pairing import CLAIM
    from segdepth.studies.saliency_iou import IouStudy
    from segdepth.studies.sources import NetworkMaps

    nets = [options.network(one, likely=task) for one, task in zip(named, CLAIM, strict=True)]
    _require_the_claim(named, nets)
    sizes = {options.size(net) for net in nets}
    if len(sizes) > 1:
        raise InputError(f"the two networks see pictures of different sizes: {sorted(sizes)}; maps of one size overlap")
    first, second = (NetworkMaps(net, engine=options.engine) for net in nets)
    return IouStudy(first, second, TargetGrid(sizes.pop(), sample_rate))


@study_app.command()
@spread()
def faithfulness(*, checkpoint: MaybeCheckpoint = None, sample_rate: SampleRate = 32, options: StudyOptions) -> None:
    """Delete, or keep only, the most salient pixels of each target and watch its answer, against pixels drawn by chance."""
    from segdepth.core.errors import ConfigError

    if checkpoint is None:
        raise ConfigError("name a checkpoint: --checkpoint RUN")
    _carry_out(partial(_faithfulness, checkpoint, sample_rate, options), options)


def _faithfulness(checkpoint: str, sample_rate: int, options: StudyOptions) -> "Experiment":
    from segdepth.studies.faithfulness import FaithfulnessStudy
    from segdepth.studies.grid import TargetGrid
    from segdepth.studies.sources import NetworkMaps

    net = options.network(checkpoint)
    return FaithfulnessStudy(NetworkMaps(net, engine=options.engine), TargetGrid(options.size(net), sample_rate))


@study_app.command()
def status(
    folders: Annotated[list[Path], typer.Argument(metavar="FOLDER...", help="Of studies, at any depth.", show_default=False)],
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, a list of all.")] = False,
) -> None:  # fmt: skip
    """How far studies are: pictures done and left, how long the rest takes, and who works on them, on whichever machine."""
    import json

    from segdepth.studies.status import study_status
    from segdepth.studies.store import find_stores

    found = [study_status(folder) for folder in find_stores(folders)]
    if as_json:
        typer.echo(json.dumps([one.as_json() for one in found], indent=2))
        return
    for one in found:
        _print_status(one)


def _print_status(one: "StudyStatus") -> None:
    from segdepth.core.words import counted

    from .console import out

    left = "" if not one.left else f", {one.left} left" + (
        "" if one.seconds_left is None else f", about {_duration(one.seconds_left)} at the last pace"
    )  # fmt: skip
    out.print(f"{one.folder}/: {one.done} of {counted(len(one.info.images), 'picture')} done{left}", soft_wrap=True)
    for note in one.at_work:
        out.print(f"  {note.host}, process {note.pid}: {note.at}, since {note.since} UTC", soft_wrap=True)
    if one.left and not one.at_work:
        out.print("  nobody is at work", soft_wrap=True)


def _require_the_claim(named: Sequence[str], nets: "Sequence[Network]") -> None:
    """Refuse networks that are not of the claim's tasks, in its order; the flags are called as the tasks are."""
    from segdepth.core.errors import InputError
    from segdepth.studies.pairing import CLAIM

    tasks = tuple(net.card.task for net in nets)
    for wanted, name, task in zip(CLAIM, named, tasks, strict=True):
        if task != wanted:
            raise InputError(
                f"--{wanted} wants a network for {wanted!r}, but {name!r} was trained for {task!r}"
                + ("; the two are swapped" if tasks == CLAIM[::-1] else "")
            )


def _recipe(make: "Callable[[], Experiment]", options: StudyOptions) -> "tuple[Experiment, Dataset]":
    """What is measured, and the pictures, made in whichever process this is."""
    return make(), options.pictures()


def _carry_out(make: "Callable[[], Experiment]", options: StudyOptions) -> None:
    """Plan, and unless only that was asked for, do."""
    from segdepth.core import group
    from segdepth.core.words import counted
    from segdepth.studies.frames import how_many
    from segdepth.studies.run import Shard, describe_study, make_plan, run_study
    from segdepth.studies.store import Store

    from .console import GOES_ON, counting, err, log_to_terminal, out, results_in

    log_to_terminal()
    place = place_of(options.on, options.cores_each)
    experiment, dataset = _recipe(make, options)
    share = Shard.parse(options.shard)
    info = describe_study(experiment, dataset, how_many(dataset, options.num_image))
    store = Store(options.output / experiment.study / experiment.name, info)
    own = share.of(len(info.images))
    if options.plan:
        plan = make_plan(experiment, dataset, len(own), store.missing(own))
        out.print(
            f"{counted(plan.images, 'picture')} to do, {plan.done} there\n"
            f"{plan.maps:,} maps of {len(experiment.grid.pixels)} targets a picture\n"
            f"{_duration(plan.seconds)} here ({plan.seconds_per_image:.1f} s a picture)\n"
            f"{plan.memory_bytes / 1e9:.1f} GB of memory, at most {plan.disk_bytes / 1e6:.1f} MB on disk",
            soft_wrap=True,
        )
        return
    with results_in(f"{store.folder}/", GOES_ON), counting(f"{experiment.study} {experiment.name}") as bar:
        bar.begin(len(own) - len(store.missing(own)))
        done = run_study(
            experiment, dataset, store, share, bar, place, partial(_recipe, make, options), gpus_for(options.device)
        )
    left = len(store.missing(range(len(info.images))))
    now = f"{counted(done, 'picture')} done now"
    err.print(f"{now}; {left} of {len(info.images)} left" if left else now)
    if group.rank() == 0:
        out.print(f"{store.folder}/", soft_wrap=True)


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"
