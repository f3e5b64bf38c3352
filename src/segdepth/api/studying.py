"""``segdepth.study`` and ``segdepth.analyse``."""

from collections.abc import Callable, Collection, Mapping
from os import PathLike
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from segdepth.core.errors import ConfigError
from segdepth.core.tables import pick
from segdepth.core.words import as_file_name
from segdepth.data import Dataset
from segdepth.networks import Network
from segdepth.report.analysis_page import write_analysis
from segdepth.saliency.engines import EngineName
from segdepth.studies.analysis import Analysis
from segdepth.studies.analysis import analyse as analyse_studies
from segdepth.studies.experiment import Experiment
from segdepth.studies.faithfulness import FaithfulnessStudy
from segdepth.studies.frames import how_many, open_configured, open_frames
from segdepth.studies.grid import Start, TargetGrid
from segdepth.studies.run import Shard, describe_study, run_study
from segdepth.studies.saliency_eval import ClassStudy, EvalStudy
from segdepth.studies.sources import NetworkMaps
from segdepth.studies.store import Store, StudyTable, find_stores, load_study

from .named import NetworkOrPath, input_size, network_of, recorded_config, require_no_more

__all__ = ["analyse", "study"]


class _Measured(NamedTuple):
    """A study of one network's maps: what is measured, and where its targets begin."""

    experiment: Callable[[NetworkMaps, TargetGrid], Experiment]
    start: Start


_STUDIES: Mapping[str, _Measured] = MappingProxyType(
    {
        EvalStudy.study: _Measured(EvalStudy, "one step in"),
        ClassStudy.study: _Measured(ClassStudy, "corner"),
        FaithfulnessStudy.study: _Measured(FaithfulnessStudy, "one step in"),
    }
)


def study(
    net: NetworkOrPath,
    *,
    study: str = EvalStudy.study,
    dataset: str | Dataset | None = None,
    path: str | PathLike[str] | None = None,
    split: str | None = None,
    images: int | None = None,
    sample_rate: int = 4,
    crop: str = "garg",
    size: tuple[int, int] | None = None,
    engine: EngineName = "auto",
    out: str | PathLike[str] = "saliency_study",
    device: str = "auto",
    allow: Collection[str] = (),
    progress: Callable[[int, int], None] | None = None,
    **options: Any,
) -> StudyTable:
    """Saliency statistics of many pictures, as ``segdepth study`` takes them.

    What is done stays: interrupted anywhere, the same call goes on, and so does the command. It is of one network and its own
    maps; overlaps of two and null models are the command's (``segdepth study iou``, ``--null``), and :func:`analyse` reads them
    all.

    Args:
        net: a network, which is studied where it is, or a run folder or checkpoint file.
        study: "eval" (how far and how widely each target's map reaches), "class" (the same of labelled targets, by class) or
            "faithfulness" (how the answer moves when salient pixels are deleted or kept).
        dataset: name of a data set, or one that is open; None with a path: judged by the folder, without: that of the
            training run.
        path: folder of the data set, or of pictures.
        split: None: "val", or the training run's.
        images: exactly so many pictures, the first of the split; None: all, at most 100.
        sample_rate: every so many-th pixel of the crop is a target.
        crop: name of the window with the targets ("garg", "eigen", "none").
        size: rows and columns that the network sees; None: those that it was trained at.
        engine: who computes the maps; all give the same.
        out: folder of the studies; this one's is ``out/study/<network>_<task>``.
        device: of a network that is loaded.
        allow: ``python:package.module:factory`` of the card, to let that code run.
        progress: called with (pictures done, pictures in all).
        **options: of the data set that is named.

    Returns:
        The study's folder, what was asked, and a row for every target.

    Raises:
        SegdepthError: if the network or the pictures cannot be used, or the folder holds another study.

    Example:
        >>> import segdepth, tempfile
        >>> net = segdepth.create_network("segnet", "depth", width=0.125)
        >>> found = segdepth.study(
        ...     net, dataset="synthetic", images=1, size=(64, 208), sample_rate=16, engine="reference", out=tempfile.mkdtemp()
        ... )
        >>> found.title, len(found.rows["row"])
        ('segnet depth', 24)
    """
    chosen = pick(_STUDIES, study, kind="study")
    loaded = network_of(net, device, allow)
    pictures = _pictures(loaded, dataset, None if path is None else Path(path), split, options)
    grid = TargetGrid(input_size(loaded, size, None), sample_rate, chosen.start, crop)
    experiment = chosen.experiment(NetworkMaps(loaded, engine=engine), grid)
    info = describe_study(experiment, pictures, how_many(pictures, images))
    store = Store(Path(out) / study / as_file_name(experiment.name), info)
    was_training = loaded.training
    loaded.eval()
    try:
        run_study(experiment, pictures, store, Shard(), progress)
    finally:
        loaded.train(was_training)
    return load_study(store.folder)


def analyse(
    *studies: StudyTable | str | PathLike[str], out: str | PathLike[str] | None = None, partial: bool = False
) -> Analysis:
    """Tests, effect sizes and tables over studies, as ``segdepth analyse`` makes them.

    Args:
        *studies: tables of :func:`study`, or folders that hold studies at any depth.
        out: folder for the page, its tables and figures; None: nothing is written.
        partial: take what is there of unfinished studies.

    Raises:
        DataError: if there are no studies, or nothing in them can be compared.
    """
    found: list[StudyTable] = []
    for one in studies:
        if isinstance(one, StudyTable):
            found.append(one)
        else:
            found += [load_study(folder, partial=partial) for folder in find_stores([Path(one)])]
    analysis = analyse_studies(found)
    if out is not None:
        write_analysis(analysis, Path(out))
    return analysis


def _pictures(
    net: Network, dataset: str | Dataset | None, path: Path | None, split: str | None, options: Mapping[str, Any]
) -> Dataset:
    if isinstance(dataset, Dataset):
        require_no_more(dataset, path=path, split=split, **options)
        return dataset
    if dataset is not None or path is not None or options:
        return open_frames(path, dataset, split or "val", **options)
    config = recorded_config(net)
    if config is None:
        raise ConfigError(
            f"the card of {net.card.arch} names no data set: give dataset=, or path= of a folder of pictures"
        )
    return open_configured(config, split)
