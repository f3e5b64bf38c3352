"""``segdepth data``."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from segdepth.core.words import counted

from .command import App
from .options import MaybeConfigFile, Overrides, Processes

if TYPE_CHECKING:
    from segdepth.core.errors import SegdepthError
    from segdepth.data import Dataset, Sample
    from segdepth.data.doctor import Facts

__all__ = ["data_app"]

#: Sizes of pictures that are named on the terminal.
_SIZES = 3
#: Names of splits, of which a data set may have some.
_USUAL = ("train", "val", "test", "all")

data_app = App(help="Make, check and show data sets.", no_args_is_help=True)


#: For all kinds of truth that a data set has.
_ALL = "both"


@data_app.callback()
def data() -> None:
    """Make, check and show data sets."""


@data_app.command()
def synthesize(
    output: Annotated[Path, typer.Argument(help="Folder of the new data set.", show_default=False)],
    layout: Annotated[
        Literal["kitti_raw", "kitti_semantics", "cityscapes"],
        typer.Option("--layout", help="Official layout to write."),
    ] = "cityscapes",
    num_images: Annotated[
        int,
        typer.Option("--num-images", min=1, max=99_999, help="Frames (of the training split, if it has splits)."),
    ] = 100,
    height: Annotated[
        int | None, typer.Option("--height", min=32, max=16_384, help="Rows; by default the layout's own.")
    ] = None,
    width: Annotated[
        int | None, typer.Option("--width", min=32, max=16_384, help="Columns; by default the layout's own.")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Another seed, another world.")] = 0,
) -> None:
    """Write synthetic streets with exact labels, depth, disparity or lidar in the layout of a real data set."""
    from .console import counting, out, results_in
    from .worlds import write_world

    with results_in(f"{output}/"), counting(f"writing {layout}") as bar:
        frames = write_world(output, layout, num_images=num_images, height=height, width=width, seed=seed, progress=bar)
    out.print(f"{counted(frames, 'frame')} -> {output}/", soft_wrap=True)


_Dataset = Annotated[
    str | None, typer.Option("--dataset", help="Data set, without a configuration.", show_default=False)
]
_Folder = Annotated[Path | None, typer.Option("--dataset_dir", "--dataset-dir", help="Its folder.", show_default=False)]
_Target = Annotated[
    str | None,
    typer.Option(
        "--target",
        help="Kind of truth to read (labels, depth, normals), or both that files hold; by default the task's.",
        show_default=False,
    ),
]
_Splits = Annotated[
    list[str] | None,
    typer.Option("--split", help="Split; again for more. By default train and val.", show_default=False),
]

_SkipBad = Annotated[
    bool,
    typer.Option(
        "--skip-bad", help="As data.skip_bad=true: samples that are broken or incomplete are left out (and named)."
    ),
]


@data_app.command()
def check(
    overrides: Overrides = None,
    config: MaybeConfigFile = None,
    dataset: _Dataset = None,
    dataset_dir: _Folder = None,
    target: _Target = None,
    split: _Splits = None,
    skip_bad: _SkipBad = False,
    page: Annotated[
        Path, typer.Option("--page", help="Where the page with findings and samples goes.")
    ] = Path("data_check.html"),
    samples: Annotated[int, typer.Option("--samples", min=0, help="Pictures of each split on the page.")] = 4,
    num_threads: Processes = None,
) -> None:  # fmt: skip
    """The doctor: read every sample of a data set; say what is wrong, where, and what to do. Exit code 1 if something is."""
    from rich.text import Text

    from segdepth.core.errors import SegdepthError
    from segdepth.core.processes import usable_cores
    from segdepth.data import Dataset
    from segdepth.data.doctor import examine_splits
    from segdepth.report import write_data_page

    from .console import counting, log_to_terminal, out, results_in

    log_to_terminal()
    asked = _asked(config, overrides or [], dataset, dataset_dir, target, split)
    splits = asked.splits()
    broken = [error for error in splits.values() if isinstance(error, SegdepthError)]
    with results_in(page), counting("reading") as bar:
        report = examine_splits(
            splits, besides=asked.besides() if broken else (), workers=num_threads or usable_cores(),
            skip_bad=skip_bad or asked.skip_bad, allow_missing=asked.options.get("allow_missing") is True, progress=bar,
        )  # fmt: skip
    opened = {name: one for name, one in splits.items() if isinstance(one, Dataset)}
    pictures = {}
    for name, one in opened.items():
        good = [index for index, sample in enumerate(one.names) if sample not in report.facts[name].bad]
        pictures[name] = [one[index] for index in good[:: max(1, len(good) // max(samples, 1))][:samples]]
    write_data_page(report, opened, pictures, page)
    for finding in report.findings:
        colour = "red" if finding.severity == "error" else "yellow"
        out.print(Text(finding.severity, style=colour), end=" ")
        out.print(f"{finding.where}: {finding.what} ({finding.todo})", soft_wrap=True)
    for name, facts in report.facts.items():
        out.print(
            f"{name}: {counted(facts.samples, 'good sample')}, {len(facts.bad)} bad; sizes {_sizes(facts)}",
            soft_wrap=True,
        )
    out.print(
        f"page: {page}" if not broken else f"page: {page}; {counted(len(broken), 'split')} could not be opened",
        soft_wrap=True,
    )
    if not report.healthy:
        raise typer.Exit(1)


@data_app.command()
def show(
    overrides: Overrides = None,
    config: MaybeConfigFile = None,
    dataset: _Dataset = None,
    dataset_dir: _Folder = None,
    target: _Target = None,
    split: _Splits = None,
    skip_bad: _SkipBad = False,
    output: Annotated[Path, typer.Option("--out", help="Folder for the pictures.")] = Path("samples"),
    number: Annotated[int, typer.Option("--number", "-n", min=1, help="Samples of each split, evenly spread.")] = 8,
    augmented: Annotated[
        bool, typer.Option("--augmented", help="As training sees them: augmented and at the network's size (needs --config).")
    ] = False,
) -> None:  # fmt: skip
    """Draw samples: the picture, and labels and depth laid over it."""
    from segdepth.core.errors import ConfigError, SegdepthError
    from segdepth.drawing import write_png
    from segdepth.report.data_page import draw_sample

    from .console import err, out

    if augmented and config is None:
        raise ConfigError("--augmented needs --config, which says how")
    asked = _asked(config, overrides or [], dataset, dataset_dir, target, split)
    for name, one in asked.splits().items():
        if isinstance(one, SegdepthError):
            raise one
        count, drawn = min(number, len(one)), 0
        for index in (k * len(one) // count for k in range(count)):
            try:
                sample = one[index]
            except SegdepthError as error:
                if not (skip_bad or asked.skip_bad):
                    raise
                err.print(f"left out {one.names[index]}: {error}", soft_wrap=True)
                continue
            if augmented:
                assert config is not None
                sample = _as_training_sees(config, overrides or [], one, index)
            file = output / name / f"{sample.name.replace('/', '_')}.png"
            write_png(file, draw_sample(sample, one))
            drawn += 1
        out.print(f"{name}: {drawn} of {counted(len(one), 'sample')} -> {output / name}/", soft_wrap=True)


def _sizes(facts: "Facts") -> str:
    """The pictures' sizes, the most frequent first."""
    common = facts.sizes.most_common()
    named = [f"{size} ({count})" for size, count in common[:_SIZES]]
    if rest := common[_SIZES:]:
        others = sum(count for _, count in rest)
        named.append(f"{counted(others, 'sample')} of {counted(len(rest), 'other size')} (the page has all)")
    return ", ".join(named) or "none"


@dataclass(frozen=True)
class _Asked:
    """The data that the user asks for.

    Attributes:
        dataset: name.
        folder: of the data set.
        targets: kinds of truth.
        names: of the splits.
        options: the data set's own.
        skip_bad: whether ``data.skip_bad`` is set.
    """

    dataset: str
    folder: Path | None
    targets: frozenset[str]
    names: tuple[str, ...]
    options: Mapping[str, Any]
    skip_bad: bool

    def splits(self) -> "dict[str, Dataset | SegdepthError]":
        """The splits, or what is wrong with those that cannot be opened."""
        from segdepth.core.errors import DataError

        opened: dict[str, Dataset | SegdepthError] = {}
        for name in self.names:
            try:
                opened[name] = self._open(name)
            except DataError as error:
                opened[name] = error
        return opened

    def besides(self) -> list[str]:
        """The splits of usual names that can be opened, besides those that are asked for."""
        from segdepth.core.errors import SegdepthError

        there = []
        for name in _USUAL:
            if name not in self.names:
                with suppress(SegdepthError):
                    self._open(name)
                    there.append(name)
        return there

    def _open(self, split: str) -> "Dataset":
        from segdepth.data import open_dataset

        return open_dataset(
            self.dataset, path=self.folder, split=split, target=self.targets,
            leave_out_missing=True,  # it is found and named
            **self.options,
        )  # fmt: skip


def _asked(
    config: Path | None, overrides: list[str], dataset: str | None, folder: Path | None, target: str | None,
    splits: list[str] | None,
) -> _Asked:  # fmt: skip
    from segdepth.config import load_config
    from segdepth.core.errors import ConfigError
    from segdepth.core.tables import pick
    from segdepth.data import DATASETS, stored_kinds
    from segdepth.tasks import TASKS

    from .named_data import named_data

    if dataset is None and config is not None:
        checked = load_config(config, overrides)
        data, options = checked.data, dict(checked.data.options)
        folder, dataset, skip_bad = folder or data.path, data.dataset, data.skip_bad
        target = target or TASKS[checked.task].target
        names = splits or [data.train_split, data.val_split]
    else:  # data.raw_path=... and the like are the named data set's options
        given = named_data(overrides)
        folder, options, skip_bad = folder or given.path, given.options, given.section.get("skip_bad", False)
        if config is not None and (checked := load_config(config, given.others)).data.dataset == dataset:
            folder, options = folder or checked.data.path, checked.data.options | options
            target = target or TASKS[checked.task].target
        names = splits or [given.section.get("train_split", "train"), given.section.get("val_split", "val")]
    if dataset is None:
        raise ConfigError("name the data set: --config, or --dataset and --dataset_dir")
    readers = pick(DATASETS, dataset, kind="data set")
    target = target or next(iter(readers))
    wanted = stored_kinds(dataset) if target == _ALL else frozenset({target}).intersection(readers)
    if not wanted:
        raise ConfigError(
            f"the data set {dataset!r} has no {target} (it has: {', '.join(readers)}; {_ALL}: all that files hold)"
        )
    return _Asked(dataset, folder, wanted, tuple(names), options, skip_bad)


def _as_training_sees(config: Path, overrides: list[str], dataset: "Dataset", index: int) -> "Sample":
    """A sample of the first epoch."""
    from segdepth.config import load_config
    from segdepth.core.errors import SegdepthError
    from segdepth.data.loading import StandIn, TrainingView

    checked = load_config(config, overrides)
    size = (checked.data.img_rows, checked.data.img_cols)
    sample = TrainingView(dataset, size, checked.training.augmentations, checked.seed)[0, index]
    if isinstance(sample, SegdepthError | OSError):
        raise sample
    return sample.sample if isinstance(sample, StandIn) else sample
