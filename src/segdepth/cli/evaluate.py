"""``segdepth evaluate``."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .options import (
    CHECKPOINT_HELP,
    NETWORK,
    AllowCode,
    CoresEach,
    Device,
    Height,
    ModelName,
    NetworkOptions,
    On,
    Overrides,
    TaskName,
    Width,
    gpus_for,
    place_of,
)

if TYPE_CHECKING:
    from segdepth.config import Config
    from segdepth.evaluation.answers import NetworkAnswers, Progress
    from segdepth.evaluation.service import Answerer, Source

__all__ = ["evaluate"]

_DATA, _DEPTH, _RESULTS = "Data", "Depth", "Results"


def evaluate(
    overrides: Overrides = None,
    config: Annotated[
        Path | None,
        typer.Option("--config", "-c", help="YAML configuration; by default the one that the checkpoint was trained with.",
                     show_default=False),
    ] = None,
    checkpoint: Annotated[
        str | None,
        typer.Option("--checkpoint", "--model_path", metavar=NETWORK, show_default=False,
                     help=f"{CHECKPOINT_HELP} By default testing.trained_model."),
    ] = None,
    predictions: Annotated[
        Path | None,
        typer.Option("--predictions", show_default=False,
                     help="Score files of another model instead: a folder of .npy (metres) or PNG (16 bits, metres x 256;"
                          " labels: train ids or label ids), or one .npy file [n, rows, columns]."),
    ] = None,
    label_ids: Annotated[
        bool | None,
        typer.Option("--label-ids/--train-ids", show_default=False,
                     help="What predicted labels are, where neither their names (_labelIds, _trainIds) nor their values tell."),
    ] = None,
    class_map: Annotated[
        Path | None,
        typer.Option("--class-map", show_default=False,
                     help="YAML: each class of the network -> the data set's class that it is, or null (then it is never"
                          " right). For networks whose classes are not the data set's."),
    ] = None,
    task: TaskName = None,
    model_name: ModelName = None,
    height: Height = None,
    width: Width = None,
    device: Device = "auto",
    allow_code: AllowCode = None,
    dataset: Annotated[
        str | None,
        typer.Option("--dataset", help="Data set other than the configuration's.", rich_help_panel=_DATA, show_default=False),
    ] = None,
    dataset_dir: Annotated[
        Path | None,
        typer.Option("--dataset_dir", "--dataset-dir", help="Its folder.", rich_help_panel=_DATA, show_default=False),
    ] = None,
    dataset_list: Annotated[
        str | None,
        typer.Option("--dataset_list", "--dataset-list", help="kitti_eigen: a list other than Eigen's 697 files (ours, or"
                     " Monodepth2's form).", rich_help_panel=_DATA, show_default=False),
    ] = None,
    truth_dir: Annotated[
        str | None,
        typer.Option("--truth_dir", "--truth-dir", help="kitti_eigen: folder of the improved ground truth.",
                     rich_help_panel=_DATA, show_default=False),
    ] = None,
    allow_missing: Annotated[
        bool,
        typer.Option("--allow-missing", help="Score what is there, of the data set (or its list) and of --predictions;"
                     " what is missing is counted and named.", rich_help_panel=_DATA),
    ] = False,
    split: Annotated[
        str | None,
        typer.Option("--split", help="Split; by default data.val_split.", rich_help_panel=_DATA, show_default=False),
    ] = None,
    test: Annotated[bool, typer.Option("--test", help="The split data.test_split.", rich_help_panel=_DATA)] = False,
    protocol: Annotated[
        str | None,
        typer.Option("--protocol", help="kitti_eigen: a named protocol; by default eigen-raw-garg.", rich_help_panel=_DEPTH,
                     show_default=False),
    ] = None,
    all_protocols: Annotated[
        bool, typer.Option("--all-protocols", help="kitti_eigen: every protocol whose truth is there.", rich_help_panel=_DEPTH)
    ] = False,
    min_depth: Annotated[
        float | None,
        typer.Option("--min-depth", help="Metres, instead of the protocol's.", rich_help_panel=_DEPTH, show_default=False),
    ] = None,
    max_depth: Annotated[
        float | None,
        typer.Option("--max-depth", help="Metres, instead of the protocol's.", rich_help_panel=_DEPTH, show_default=False),
    ] = None,
    pred_disp: Annotated[
        bool,
        typer.Option("--pred_disp", "--inverse", rich_help_panel=_DEPTH,
                     help="The predictions are inverse depth (a checkpoint knows that of itself)."),
    ] = False,
    relative: Annotated[
        bool,
        typer.Option("--relative", rich_help_panel=_DEPTH,
                     help="The predictions are relative depth, or with --inverse relative inverse depth, of no unit (a"
                          " checkpoint knows that of itself)."),
    ] = False,
    align: Annotated[
        str | None,
        typer.Option("--align", rich_help_panel=_DEPTH, show_default=False,
                     help="Align each answer to its image's truth first: median (a factor of depth) or least-squares (a factor"
                          " and a shift of inverse depth). Relative answers are scored only so."),
    ] = None,
    metrics: Annotated[
        list[str] | None,
        typer.Option("--metric", help="Score with this registered metric, too (once for each); by default training.metrics.",
                     rich_help_panel=_RESULTS, show_default=False),
    ] = None,
    baselines: Annotated[
        bool,
        typer.Option("--baselines", help="Score the constant and the per-position answer of the training split too.",
                     rich_help_panel=_RESULTS),
    ] = False,
    worst: Annotated[
        int, typer.Option("--worst", min=0, help="Draw so many of the worst pictures.", rich_help_panel=_RESULTS)
    ] = 0,
    pictures: Annotated[Path, typer.Option("--pictures", help="Folder for them.", rich_help_panel=_RESULTS)] = Path("worst"),
    on: On = None,
    cores_each: CoresEach = 1,
    output: Annotated[
        Path | None,
        typer.Option("--out", help="Write scores, protocol, bands and provenance to this JSON file.", rich_help_panel=_RESULTS,
                     show_default=False),
    ] = None,
) -> None:  # fmt: skip
    """Score a checkpoint, or another model's files, on a data set: mIoU and the like, or abs_rel and the like."""
    from segdepth.core.errors import ConfigError, DataError
    from segdepth.evaluation import PROTOCOLS
    from segdepth.evaluation.answers import NetworkAnswers
    from segdepth.evaluation.baselines import Baselines
    from segdepth.evaluation.depth_protocol import adjusted
    from segdepth.evaluation.service import (
        Scored,
        Source,
        file_answerer,
        open_scored,
        protocols_of,
        score_set,
        warn_of_leaks,
    )
    from segdepth.evaluation.sharing import SharedAnswers
    from segdepth.tasks import find_origin

    from .console import counting, log_to_terminal, out, results_in
    from .evaluation_output import print_report, write_report
    from .loading import find_configuration
    from .named_data import named_data

    log_to_terminal()
    place = place_of(on, cores_each)
    if on is not None and predictions is not None:
        raise ConfigError("--on is for a network's answers; those of --predictions are there already")
    if label_ids is not None and predictions is None:
        raise ConfigError("--label-ids and --train-ids are for the files of --predictions")
    if relative and predictions is None:
        raise ConfigError("--relative is for the files of --predictions; a network says of itself what it answers")
    if class_map is not None and predictions is not None:
        raise ConfigError("--class-map is for a network's classes; --predictions are the data set's already")
    if protocol is not None and all_protocols:
        raise ConfigError("give --protocol or --all-protocols, not both")
    given = named_data(overrides or [] if dataset is not None else [])
    others = given.others if dataset is not None else overrides or []
    origin = None if checkpoint is None else find_origin(checkpoint)
    checked = find_configuration(config, origin, predictions, others)
    if checked is None and given.section:
        raise ConfigError(f"data.{next(iter(given.section))} is for a configuration (--config); --split names a split")
    source = Source(
        dataset, dataset_dir or given.path, dataset_list, truth_dir, allow_missing, split, test, given.options
    )
    beside = metrics or (checked.training.metrics if checked else ())
    presets = protocols_of(source.name(checked), list(PROTOCOLS) if all_protocols else [protocol] if protocol else [])
    written = [str(output)] * (output is not None) + [f"{pictures}/"] * (worst > 0)
    with results_in(", ".join(written) or None), counting("evaluating") as bar:
        said = task or (checked.task if checked else None)
        asked: _Asked | None = None
        if predictions is not None:
            unit = _unit(pred_disp, relative, label_ids)
            answerer = file_answerer(predictions, said, dataset, unit=unit, allow_missing=allow_missing, progress=bar)
        else:
            if checkpoint is None and checked and checked.testing:
                checkpoint = str(checked.testing.trained_model)
            if checkpoint is None:
                raise ConfigError("name a checkpoint: --checkpoint, or testing.trained_model in the configuration")
            options = NetworkOptions(model_name, said, height, width, device, allow_code)
            asked = _Asked(options, checkpoint, checked, source, next(iter(presets)), class_map)
            answerer = asked.answerer(bar)
        results: list[Scored] = []
        floor: Baselines | None = None
        for truth, named in presets.items():
            scored_set = open_scored(source, checked, answerer.task, truth, optional=all_protocols)
            if scored_set is None:
                continue
            warn_of_leaks(answerer.training_names(), scored_set)
            makers = adjusted(named, answerer.task, scored_set, min_depth=min_depth, max_depth=max_depth, align=align)
            if baselines:
                training = source.training(checked).open(checked, answerer.task, None)
                floor = Baselines(training, scored_set, answerer.task, next(iter(makers.values())))
            folder = pictures / truth if truth is not None and len(presets) > 1 else pictures
            watch = [floor] if floor else []
            answers = answerer.answers_to(scored_set)
            if asked is not None and on is not None and isinstance(answers, NetworkAnswers):
                files = (output or Path("scores.json")).parent
                answers = SharedAnswers(
                    answers, partial(asked.answers, truth), place, files, gpus_for(device), progress=bar
                )
            results.append(score_set(answers, makers, watch=watch, beside=beside, worst=worst, folder=folder))
    if not results:
        raise DataError(
            "none of the protocols' truths is there; without --all-protocols the sentence says what is missing"
        )
    rows = {f"{name} baseline": scores for name, scores in (floor.scores() if floor else {}).items()}
    print_report(out, answerer, results, rows)
    if output is not None:
        write_report(output, answerer, results, rows, checked.seed if checked else None)


@dataclass(frozen=True)
class _Asked:
    """A network that is scored, as the user named it; picklable, so that workers load it, too.

    Attributes:
        options: what is said of it.
        checkpoint: its name.
        checked: the configuration.
        source: the data.
        truth: the first of the truths that are scored.
        class_map: file that says which class is which.
    """

    options: NetworkOptions
    checkpoint: str
    checked: "Config | None"
    source: "Source"
    truth: str | None
    class_map: Path | None

    def answerer(self, progress: "Progress | None" = None) -> "Answerer":
        """Who answers."""
        from segdepth.evaluation.class_maps import read_class_map
        from segdepth.evaluation.service import network_answerer, only_task
        from segdepth.tasks import TASKS, find_origin

        from .loading import input_size

        checked, said, origin = self.checked, self.options.task, find_origin(self.checkpoint)
        net = self.options.load(
            origin, likely=only_task(self.source.dataset),
            data=lambda task: self.source.open(checked, TASKS[task], self.truth),
        )  # fmt: skip
        classes = None if self.class_map is None else read_class_map(self.class_map)
        size = input_size(net, origin, checked)
        return network_answerer(net, origin.words, checked, said, size, progress, class_map=classes)

    def answers(self, truth: str | None) -> "NetworkAnswers":
        """The answers to the data with one of the truths, in a worker."""
        answerer = self.answerer()
        return answerer.answers_to(self.source.open(self.checked, answerer.task, truth))  # type: ignore[return-value]


def _unit(inverse: bool, relative: bool, label_ids: bool | None) -> str | None:
    """What the user says of the numbers in files of predictions."""
    if (inverse or relative) and label_ids is not None:
        from segdepth.core.errors import ConfigError

        raise ConfigError(
            "--inverse and --relative are for depth, --label-ids and --train-ids are for labels; give one"
        )
    if relative:
        return "relative inverse depth" if inverse else "relative depth"
    return "inverse" if inverse else None if label_ids is None else "label ids" if label_ids else "train ids"
