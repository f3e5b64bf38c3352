"""``segdepth evaluate``."""

from pathlib import Path
from typing import Annotated

import typer

from .options import CHECKPOINT_HELP, NETWORK, AllowCode, Device, Height, ModelName, Overrides, TaskName, Width

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
    output: Annotated[
        Path | None,
        typer.Option("--out", help="Write scores, protocol, bands and provenance to this JSON file.", rich_help_panel=_RESULTS,
                     show_default=False),
    ] = None,
) -> None:  # fmt: skip
    """Score a checkpoint, or another model's files, on a data set: mIoU and the like, or abs_rel and the like."""
    from segdepth.core.errors import ConfigError, DataError
    from segdepth.evaluation import PROTOCOLS
    from segdepth.evaluation.baselines import Baselines
    from segdepth.evaluation.class_maps import read_class_map
    from segdepth.evaluation.depth_protocol import adjusted
    from segdepth.evaluation.service import (
        Source,
        file_answerer,
        network_answerer,
        only_task,
        open_scored,
        protocols_of,
        score_set,
        warn_of_leaks,
    )
    from segdepth.tasks import TASKS, find_origin

    from .console import counting, log_to_terminal, out, results_in
    from .evaluation_output import print_report, write_report
    from .loading import find_configuration, input_size, load_checked
    from .named_data import named_data

    log_to_terminal()
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
        if predictions is not None:
            unit = _unit(pred_disp, relative, label_ids)
            answerer = file_answerer(predictions, said, dataset, unit=unit, allow_missing=allow_missing, progress=bar)
        else:
            if origin is None and checked and checked.testing:
                origin = find_origin(checked.testing.trained_model)
            if origin is None:
                raise ConfigError("name a checkpoint: --checkpoint, or testing.trained_model in the configuration")
            net = load_checked(
                origin, device, allow=allow_code, model_name=model_name, task=said, likely=only_task(dataset), height=height,
                width=width, data=lambda task: source.open(checked, TASKS[task], next(iter(presets))),
            )  # fmt: skip
            classes = None if class_map is None else read_class_map(class_map)
            size = input_size(net, origin, checked)
            answerer = network_answerer(net, origin.words, checked, said, size, bar, class_map=classes)
        results, floor = [], None
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
            results.append(score_set(answers, makers, watch=watch, beside=beside, worst=worst, folder=folder))
    if not results:
        raise DataError(
            "none of the protocols' truths is there; without --all-protocols the sentence says what is missing"
        )
    rows = {f"{name} baseline": scores for name, scores in (floor.scores() if floor else {}).items()}
    print_report(out, answerer, results, rows)
    if output is not None:
        write_report(output, answerer, results, rows, checked.seed if checked else None)


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
