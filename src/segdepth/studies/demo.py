"""The main job in one go: a world, one network on both tasks, scores beside baselines, one pixel explained for both."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml
from jaxtyping import UInt8
from numpy import ndarray

from segdepth.config import Config, check_config, config_to_dict
from segdepth.core.files import write_text
from segdepth.core.provenance import provenance
from segdepth.core.run_folders import newest_first
from segdepth.data import Dataset
from segdepth.data.loading import resize_sample
from segdepth.data.sample import Sample
from segdepth.drawing import colour_depth, colour_labels, colour_saliency, mark_pixel
from segdepth.evaluation import evaluate, evaluate_baselines
from segdepth.evaluation.pictures import answer_text, explain
from segdepth.geometry.crops import crop_window
from segdepth.networks import Network, load_network
from segdepth.saliency import saliency_maps
from segdepth.saliency.measures import activation_distance, activation_ratio, normalise
from segdepth.tasks import TASKS
from segdepth.training import Progress, as_recorded, newest_whole_checkpoint, open_split, read_checkpoint, train

__all__ = ["DemoResult", "Example", "ExplainedPixel", "SaliencyRow", "TaskResult", "demo_configs", "run_demo"]

Picture = UInt8[ndarray, "h w 3"]

#: Shares of the largest value at which a pixel counts as used (SPEC, saliency statistics).
THRESHOLDS = (0.1, 0.5, 0.9)


@dataclass(frozen=True)
class TaskResult:
    """One task's run.

    Attributes:
        task: its name.
        scores: of the best checkpoint on the validation split.
        baselines: scores without looking at the picture, by the baseline's name.
        columns: the scores to show, in order.
        best_score: the one that counts most.
        higher_is_better: about that one.
        protocol: how the scores were taken.
        log: the run's JSON lines.
        config: the configuration, as YAML.
        folder: of the run.
        parameters: number of weights.
    """

    task: str
    scores: Mapping[str, float | None]
    baselines: Mapping[str, Mapping[str, float | None]]
    columns: tuple[str, ...]
    best_score: str
    higher_is_better: bool
    protocol: Mapping[str, Any]
    log: Sequence[Mapping[str, Any]]
    config: str
    folder: Path
    parameters: int


@dataclass(frozen=True)
class Example:
    """A validation picture, the truth of both tasks and what the networks say, coloured."""

    name: str
    image: Picture
    pictures: Mapping[str, tuple[Picture, Picture]]  # task -> (truth, prediction)


@dataclass(frozen=True)
class ExplainedPixel:
    """The same pixel explained for both tasks.

    Attributes:
        name: of the picture.
        pixel: row, column.
        image: with the pixel marked.
        maps: task -> coloured map with the pixel marked.
        answers: task -> what the network says there, in words.
        truths: task -> what is there, in words.
    """

    name: str
    pixel: tuple[int, int]
    image: Picture
    maps: Mapping[str, Picture]
    answers: Mapping[str, str]
    truths: Mapping[str, str]


@dataclass(frozen=True)
class SaliencyRow:
    """One statistic of the maps, mean over pixels and pictures, by task."""

    statistic: str
    means: Mapping[str, float]


@dataclass(frozen=True)
class DemoResult:
    """Everything that the page shows."""

    arch: str
    size: tuple[int, int]
    tasks: Mapping[str, TaskResult]
    class_names: Sequence[str]
    class_colours: Sequence[tuple[int, int, int]]
    examples: Sequence[Example]
    explained: Sequence[ExplainedPixel]
    statistics: Sequence[SaliencyRow]
    statistics_pixels: int
    statistics_images: int
    provenance: Mapping[str, Any] = field(default_factory=provenance)


def demo_configs(world: Path) -> dict[str, Config]:
    """The two configurations of the demonstration; they differ in the task and its loss only."""
    common: dict[str, Any] = {
        "model": {"arch": "segnet", "width": 0.25},
        "data": {"dataset": "cityscapes", "path": str(world), "img_rows": 128, "img_cols": 416},
        "training": {
            "train_iters": 700,
            "batch_size": 4,
            "val_interval": 175,
            "checkpoint_interval": 50,
            "n_workers": 1,
            "print_interval": 25,
            "optimizer": {"name": "adamw", "lr": 2e-3, "weight_decay": 1e-4},
            "augmentations": {"hflip": 0.5},
            "lr_schedule": {"name": "poly_lr", "warmup_iters": 50},
        },
    }
    losses = {"seg": {"name": "cross_entropy"}, "depth": {"name": "l1_loss"}}
    return {
        task: check_config({**common, "task": task, "training": {**common["training"], "loss": loss}})
        for task, loss in losses.items()
    }


def run_demo(
    root: Path, configs: Mapping[str, Config], *, say: Callable[[str], None], progress: Callable[[], Progress]
) -> DemoResult:
    """Train (or go on with, or take as finished) both runs, score, explain.

    Args:
        root: the demonstration's folder.
        configs: by task; their data must be there.
        say: told what comes next.
        progress: makes the watcher of a run.
    """
    tasks: dict[str, TaskResult] = {}
    nets: dict[str, Network] = {}
    for name, config in configs.items():
        say(f"training {config.model.arch} for {name}")
        folder = _train_or_go_on(root, f"{config.model.arch}_{name}", config, progress())
        nets[name] = load_network(folder)
        say(f"scoring {name}")
        tasks[name] = _score(config, nets[name], folder)
    say("explaining pixels")
    datasets = {name: open_split(config, config.data.val_split) for name, config in configs.items()}
    any_config = next(iter(configs.values()))
    size = (any_config.data.img_rows, any_config.data.img_cols)
    shown = np.linspace(0, len(next(iter(datasets.values()))) - 1, 6).astype(int).tolist()
    statistics, pixels = _statistics(nets, datasets, shown, size)
    classes = nets["seg"].card.classes
    assert classes is not None
    return DemoResult(
        arch=any_config.model.arch,
        size=size,
        tasks=tasks,
        class_names=classes.names,
        class_colours=classes.colours,
        examples=[_example(nets, datasets, index, size) for index in shown],
        explained=[_explained(nets, datasets, index, size, kind) for index, kind in zip(shown, _KINDS, strict=False)],
        statistics=statistics,
        statistics_pixels=pixels,
        statistics_images=len(shown),
    )


def _train_or_go_on(root: Path, name: str, config: Config, progress: Progress) -> Path:
    """The folder of a finished run of this very configuration; one that was interrupted goes on where it stopped."""
    wanted = config_to_dict(config)
    for folder in newest_first(root / name):
        saved = folder / "config.yaml"
        last = newest_whole_checkpoint(folder)
        if last is None or not saved.is_file():
            continue
        record = _without_resume(yaml.safe_load(saved.read_text()))
        if record != as_recorded(wanted, record):
            continue
        if read_checkpoint(last)[0].step < config.training.train_iters:
            resumed = config.model_copy(update={"training": config.training.model_copy(update={"resume": folder})})
            train(resumed, name=name, root=root, progress=progress)
        return folder
    write_text(root / f"{name}.yml", yaml.safe_dump(wanted, sort_keys=False))
    return train(config, name=name, root=root, progress=progress).folder


def _without_resume(values: dict[str, Any]) -> dict[str, Any]:
    """A saved configuration as it was before the run was gone on with."""
    return values | {"training": values["training"] | {"resume": None}}


def _score(config: Config, net: Network, folder: Path) -> TaskResult:
    task = TASKS[config.task]
    training, validation = (
        open_split(config, config.data.train_split),
        open_split(config, config.data.val_split),
    )
    assert net.card.input_size is not None
    evaluation = evaluate(net, validation, task, size=net.card.input_size)
    return TaskResult(
        task=task.name,
        scores=evaluation.scores,
        baselines=evaluate_baselines(training, validation, task),
        columns=task.table_scores,
        best_score=task.best_score,
        higher_is_better=task.higher_is_better,
        protocol=evaluation.protocol,
        log=[json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()],
        config=(folder / "config.yaml").read_text(),
        folder=folder,
        parameters=sum(p.numel() for p in net.parameters()),
    )


def _both(datasets: Mapping[str, Dataset], index: int, size: tuple[int, int]) -> Sample:
    """Picture, labels and depth of one frame at the network's size."""
    seg, depth = (resize_sample(datasets[name][index], size) for name in ("seg", "depth"))
    return Sample(seg.image, seg.name, seg.labels, depth.depth)


def _example(
    nets: Mapping[str, Network], datasets: Mapping[str, Dataset], index: int, size: tuple[int, int]
) -> Example:
    sample = _both(datasets, index, size)
    assert sample.labels is not None
    assert sample.depth is not None
    classes = nets["seg"].card.classes
    assert classes is not None
    near, far = 3.0, 50.0  # one colour scale for truth and prediction
    pictures = {
        "seg": (
            colour_labels(sample.labels, classes.colours),
            colour_labels(nets["seg"].predict(sample.image), classes.colours),
        ),
        "depth": (
            colour_depth(sample.depth, near, far),
            colour_depth(nets["depth"].predict(sample.image), near, far),
        ),
    }
    return Example(sample.name, sample.image, pictures)


#: Classes whose pixels are explained, one picture each: where there is none, the next class's.
_KINDS = ("car", "road", "building", "vegetation", "sidewalk", "person")


def _explained(
    nets: Mapping[str, Network], datasets: Mapping[str, Dataset], index: int, size: tuple[int, int], kind: str
) -> ExplainedPixel:
    sample = _both(datasets, index, size)
    classes = nets["seg"].card.classes
    assert classes is not None
    assert sample.labels is not None
    assert sample.depth is not None
    pixel = _central_pixel(sample, [classes.names.index(kind), *range(len(classes.names))])
    explanations = {name: explain(net, sample.image, pixel) for name, net in nets.items()}
    label = int(sample.labels[pixel])
    return ExplainedPixel(
        name=sample.name,
        pixel=pixel,
        image=mark_pixel(sample.image, *pixel),
        maps={name: mark_pixel(colour_saliency(e.saliency), *pixel) for name, e in explanations.items()},
        answers={name: answer_text(nets[name], e.answer, pixel) for name, e in explanations.items()},
        truths={"seg": classes.names[label], "depth": f"{sample.depth[pixel]:.2f} m"},
    )


def _central_pixel(sample: Sample, preferred: Sequence[int]) -> tuple[int, int]:
    """The pixel of the first preferred class (that has depth) nearest to the middle of its pixels' positions."""
    assert sample.labels is not None
    assert sample.depth is not None
    for train_id in preferred:
        places = np.argwhere((sample.labels == train_id) & (sample.depth > 0))
        if len(places) >= 60:
            centre = np.median(places, axis=0)
            row, col = places[np.square(places - centre).sum(1).argmin()]
            return int(row), int(col)
    raise AssertionError("a street without a single measured and labelled surface")


def _statistics(
    nets: Mapping[str, Network],
    datasets: Mapping[str, Dataset],
    indices: Sequence[int],
    size: tuple[int, int],
) -> tuple[list[SaliencyRow], int]:
    """Activation distance and ratio of a grid of pixels on some pictures: the mission's question, in small."""
    rows, cols = crop_window("garg", *size)
    pixels = [(r, c) for r in range(rows.start + 12, rows.stop, 24) for c in range(cols.start + 24, cols.stop, 64)]
    shifted = torch.tensor([(r - rows.start, c - cols.start) for r, c in pixels])
    means: dict[str, dict[str, float]] = {}
    for name, net in nets.items():
        distances, ratios = [], []
        for index in indices:
            image = resize_sample(datasets[name][index], size, image_only=True).image
            x = net.preprocessing(torch.from_numpy(image).permute(2, 0, 1)[None])[0]
            maps = normalise(saliency_maps(net, x, pixels)[:, rows, cols])
            distances.append(activation_distance(maps, shifted, THRESHOLDS))
            ratios.append(activation_ratio(maps, THRESHOLDS))
        for title, values in (("activation distance", distances), ("activation ratio", ratios)):
            for t, mean in zip(THRESHOLDS, torch.cat(values).mean(0).tolist(), strict=True):
                means.setdefault(f"{title} at {t}", {})[name] = mean
    return [SaliencyRow(statistic, by_task) for statistic, by_task in means.items()], len(pixels)
