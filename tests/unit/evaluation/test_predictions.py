"""Answers on disk are found by any of their usual names, and are what the files say."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from segdepth.core.errors import ConfigError, DataError, InputError
from segdepth.data.frames import Frame, FrameDataset
from segdepth.data.labels import CITYSCAPES
from segdepth.drawing import write_depth_png16, write_png
from segdepth.evaluation import Evaluation, FileAnswers, Predictions, score
from segdepth.kinds import KINDS
from segdepth.metrics import DepthProtocol, DepthScores
from segdepth.tasks import TASKS

from .streets import SIZE, Streets, guess, write_answers

DEPTH = KINDS["depth"]


def scored(folder: Path, task: str = "depth", *, allow_missing: bool = False) -> Evaluation:
    data = Streets()
    answers = FileAnswers(Predictions(folder, data, allow_missing=allow_missing), data, TASKS[task])
    (evaluation,) = score(answers).values()
    return evaluation


def written(folder: Path, style: str, name: str, k: int) -> None:
    if style == "npy, by name":
        target = folder / f"{name}.npy"
    elif style == "png, flat name":
        return write_depth_png16(folder / f"{name.replace('/', '_')}.png", guess(k))
    elif style == "npy, by frame":
        target = folder / f"{name.rpartition('/')[2]}.npy"
    else:
        target = folder / f"{k}.npy"
    target.parent.mkdir(parents=True, exist_ok=True)
    np.save(target, guess(k))
    return None


@pytest.mark.parametrize("style", ["npy, by name", "png, flat name", "npy, by frame", "npy, by number"])
def test_files_are_found_by_any_of_their_names(tmp_path: Path, style: str) -> None:
    data = Streets()
    for k, name in enumerate(data.names):
        written(tmp_path, style, name, k)
    result = scored(tmp_path)
    expected = []
    for k in range(4):
        truth = data[k].truth("depth")
        valid = (truth > 0.001) & (truth < 80)
        expected.append(np.mean(np.abs(np.clip(guess(k), 0.001, 80)[valid] - truth[valid]) / truth[valid]))
    assert result.scores["abs_rel"] == pytest.approx(np.mean(expected), rel=1e-3)
    assert result.protocol["files_scored"] == 4
    assert str(tmp_path) in result.protocol["answers"]


DRIVES = tuple(f"2011_09_26_drive_{drive}_sync_02/{k:010d}" for drive in ("0002", "0009") for k in (5, 7))


class Drives(FrameDataset):
    """Frames of two drives of KITTI, whose numbers are not unique; nothing reads them."""

    def __init__(self, root: Path) -> None:
        frames = [
            Frame(name, root / name[:10] / name[:26] / f"image_02/data/{name.rpartition('/')[2]}.png")
            for name in DRIVES
        ]
        super().__init__(root, "test", frozenset({"depth"}), frames=frames, dataset="drives")

    def _read_depth(self, file: Path, frame: Frame) -> Any:
        raise NotImplementedError


@pytest.mark.parametrize(
    "layout",
    [
        "{day}/{drive}/image_02/data/{frame}.npy",
        "{drive}/image_02/data/{frame}_depth_metres.npy",
        "{drive}_02/{frame}_depth_x256.png",
        "{drive}_02_{frame}_depth_metres.npy",
        "{drive}_{frame}.png",
        "{drive}/{frame}.npy",
    ],
)
def test_the_usual_layouts_of_kitti_are_found(tmp_path: Path, layout: str) -> None:
    data = Drives(tmp_path / "raw")
    for k, name in enumerate(data.names):
        drive, frame = name[:26], name[-10:]
        target = tmp_path / "answers" / layout.format(day=drive[:10], drive=drive, frame=frame)
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.suffix == ".npy":
            np.save(target, guess(k))
        else:
            write_depth_png16(target, guess(k))
    answers = Predictions(tmp_path / "answers", data)
    for k, name in enumerate(data.names):
        values, where = answers.stored(name)
        np.testing.assert_allclose(DEPTH.answer_from(values, where, SIZE, "metres"), guess(k), atol=1 / 256)


def test_what_predict_writes_is_preferred_to_its_coloured_pictures(tmp_path: Path) -> None:
    data = Streets()
    for k, name in enumerate(data.names):
        flat = name.rpartition("/")[2]
        np.save(tmp_path / f"{flat}_depth_metres.npy", guess(k))
        write_depth_png16(tmp_path / f"{flat}_depth_x256.png", 2 * guess(k))
        write_png(tmp_path / f"{flat}_depth.png", np.zeros((*SIZE, 3), np.uint8))
    np.testing.assert_array_equal(Predictions(tmp_path, data).stored(data.names[2])[0], guess(2))


def test_a_frame_that_is_not_unique_is_no_place_in_the_list(tmp_path: Path) -> None:
    for k in range(4):
        np.save(tmp_path / f"{k:010d}.npy", guess(k))
    with pytest.raises(DataError, match="no prediction of '2011_09_26_drive_0002_sync_02/0000000005'"):
        Predictions(tmp_path, Drives(tmp_path))


@pytest.mark.parametrize("task", ["depth", "seg"])
def test_missing_answers_need_a_word_and_are_counted(tmp_path: Path, task: str) -> None:
    data = Streets()
    with pytest.raises(DataError, match="4 of 4 have none"):
        Predictions(tmp_path, data, allow_missing=True)
    for k in (1, 3):
        if task == "depth":
            np.save(tmp_path / f"{k:04d}.npy", guess(k))
        else:
            write_png(tmp_path / f"{k:04d}.png", CITYSCAPES.to_label_id[data[k].truth("labels")])
    with pytest.raises(DataError, match=r"2 of 4 have none.*--allow-missing"):
        Predictions(tmp_path, data)
    result = scored(tmp_path, task, allow_missing=True)
    assert result.protocol["predictions_missing"] == ["drive_02/0000", "drive_02/0002"]
    assert result.protocol["files_scored"] == 2


def test_one_array_of_inverse_depth_with_median_scaling(tmp_path: Path) -> None:
    data = Streets()
    np.save(tmp_path / "all.npy", np.stack([0.03 / guess(k) for k in range(4)]))
    answers = FileAnswers(Predictions(tmp_path / "all.npy", data), data, TASKS["depth"], "inverse")
    protocols = {
        "none": lambda _: DepthScores(DepthProtocol("none")),
        "median": lambda _: DepthScores(DepthProtocol("none", scaling="median")),
    }
    by_name = score(answers, protocols)
    assert by_name["none"].scores["abs_rel"] > 0.9
    assert by_name["median"].scores["abs_rel"] < 0.02
    assert by_name["median"].protocol["scaling"] == "median"
    assert by_name["none"].protocol["scaling"] == "none"
    assert "inverse" in by_name["none"].protocol["answers"]


def test_labels_are_not_stored_inverse(tmp_path: Path) -> None:
    data = Streets()
    write_answers(tmp_path, "seg")
    with pytest.raises(ConfigError, match="files of labels hold train ids or label ids, not inverse"):
        FileAnswers(Predictions(tmp_path, data), data, TASKS["seg"], "inverse")


def test_labels_may_be_label_ids_of_another_size(tmp_path: Path) -> None:
    data = Streets()
    for k, name in enumerate(data.names):
        ids = CITYSCAPES.to_label_id[data[k].truth("labels")]
        large = cv2.resize(ids, (2 * SIZE[1], 2 * SIZE[0]), interpolation=cv2.INTER_NEAREST)
        write_png(tmp_path / f"{name.replace('/', '_')}.png", large)
    result = scored(tmp_path, "seg")
    assert result.scores["mIoU"] == 1
    assert result.protocol["resize"] == "answer resized by the nearest pixel to the truth's size"


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda f: None, "no prediction of 'drive_02/0000'.*drive_02_0000"),
        (lambda f: [write_png(f / f"{k}.png", np.zeros(SIZE, np.uint8)) for k in range(4)], "8-bit"),
        (lambda f: [np.save(f / f"{k}.npy", np.zeros((3, *SIZE))) for k in range(4)], r"shape \(3, 20, 40\)"),
        (lambda f: [np.save(f / f"{k}.npy", np.full(SIZE, np.nan)) for k in range(4)], "not finite"),
    ],
)
def test_what_is_no_prediction_is_named(tmp_path: Path, make: Any, words: str) -> None:
    make(tmp_path)
    with pytest.raises(DataError, match=words):
        scored(tmp_path)


def test_a_stack_that_is_too_short_or_not_there_is_named(tmp_path: Path) -> None:
    np.save(tmp_path / "all.npy", np.zeros((3, *SIZE)))
    with pytest.raises(DataError, match="n at least 4"):
        Predictions(tmp_path / "all.npy", Streets())
    with pytest.raises(DataError, match="no predictions"):
        Predictions(tmp_path / "nowhere", Streets())


def relative(folder: Path, ending: str) -> None:
    """Answers that are right but for factor and shift, called as ``segdepth predict`` calls them."""
    folder.mkdir()
    data = Streets()
    for k, name in enumerate(data.names):
        truth = np.maximum(data[k].truth("depth"), 1)
        values = (k + 1) / truth - 0.3 * k if "inverse" in ending else (k + 1) * truth
        np.save(folder / f"{name.replace('/', '_')}{ending}.npy", values)


@pytest.mark.parametrize(
    ("ending", "unit", "read"),
    [
        ("_relative_inverse_depth", None, "relative inverse depth"),
        ("_relative_depth", None, "relative depth"),
        ("", "relative inverse depth", "relative inverse depth"),
        ("", "relative depth", "relative depth"),
    ],
)
def test_relative_answers_are_told_by_their_names_or_the_user(
    tmp_path: Path, ending: str, unit: str | None, read: str
) -> None:
    folder = tmp_path / f"p{ending}"
    relative(folder, ending or f"_{read}")
    for file in folder.iterdir() if not ending else ():
        file.rename(folder / file.name.replace(f"_{read}", ""))
    data = Streets()
    answers = FileAnswers(Predictions(folder, data), data, TASKS["depth"], unit)
    assert answers.describe()["answers"].endswith(f"({read})")
    with pytest.raises(InputError, match=f"these answers are {read}"):
        score(answers)
    (evaluation,) = score(
        answers, {"aligned": lambda _: DepthScores(DepthProtocol("none", scaling="least-squares"))}
    ).values()
    assert evaluation.scores["abs_rel"] == pytest.approx(0, abs=1e-5)


def test_files_of_several_kinds_are_refused(tmp_path: Path) -> None:
    relative(tmp_path / "p", "_relative_depth")
    first = sorted((tmp_path / "p").iterdir())[0]
    first.rename(first.with_name(first.name.replace("_relative_depth", "_depth_metres")))
    data = Streets()
    with pytest.raises(DataError, match=r"by their names .* give files of one kind"):
        FileAnswers(Predictions(tmp_path / "p", data), data, TASKS["depth"])
