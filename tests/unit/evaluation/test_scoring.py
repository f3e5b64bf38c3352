"""Answers on disk, protocols, distance bands, worst pictures: against plain numpy."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch

from segdepth.core.errors import ConfigError, DataError
from segdepth.data.frames import Frame, FrameDataset
from segdepth.data.labels import CITYSCAPES
from segdepth.data.sample import Dataset, Sample
from segdepth.drawing import write_depth_png16, write_png
from segdepth.evaluation import PROTOCOLS, Detail, Predictions, evaluate_predictions
from segdepth.evaluation.scoring import limited, limited_name, score
from segdepth.metrics import DepthProtocol
from segdepth.tasks import TASKS

SIZE = (20, 40)


class Streets(Dataset):
    """Four pictures with sparse depth and labels; picture k's answer below is wrong by k/10."""

    depth_range = (0.001, 80.0)
    classes = CITYSCAPES
    names = tuple(f"drive_02/{k:04d}" for k in range(4))

    def __init__(self) -> None:
        super().__init__(None, "test", frozenset({"labels", "depth"}))

    def __getitem__(self, index: int) -> Sample:
        rng = np.random.default_rng(index)
        depth = np.where(rng.random(SIZE) < 0.5, rng.uniform(1, 100, SIZE), 0).astype(np.float32)
        labels = rng.integers(0, 19, SIZE).astype(np.uint8)
        return Sample(
            rng.integers(0, 255, (*SIZE, 3)).astype(np.uint8), self.names[index], {"labels": labels, "depth": depth}
        )


def guess(index: int) -> np.ndarray:
    return np.maximum(Streets()[index].truth("depth"), 1) * np.float32(1 + index / 10)


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
    result = evaluate_predictions(Predictions(tmp_path, data), data, TASKS["depth"])
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
        super().__init__(root, "test", frozenset({"depth"}), frames=frames, kind="drives")

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
        np.testing.assert_allclose(answers.depth(name, SIZE), guess(k), atol=1 / 256)


def test_what_predict_writes_is_preferred_to_its_coloured_pictures(tmp_path: Path) -> None:
    data = Streets()
    for k, name in enumerate(data.names):
        flat = name.rpartition("/")[2]
        np.save(tmp_path / f"{flat}_depth_metres.npy", guess(k))
        write_depth_png16(tmp_path / f"{flat}_depth_x256.png", 2 * guess(k))
        write_png(tmp_path / f"{flat}_depth.png", np.zeros((*SIZE, 3), np.uint8))
    np.testing.assert_array_equal(Predictions(tmp_path, data).depth(data.names[2], SIZE), guess(2))


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
    answers = Predictions(tmp_path, data, allow_missing=True)
    result = evaluate_predictions(answers, data, TASKS[task])
    assert result.protocol["predictions_missing"] == ["drive_02/0000", "drive_02/0002"]
    assert result.protocol["files_scored"] == 2


def test_one_array_of_inverse_depth_with_median_scaling(tmp_path: Path) -> None:
    data = Streets()
    np.save(tmp_path / "all.npy", np.stack([0.03 / guess(k) for k in range(4)]))
    answers = Predictions(tmp_path / "all.npy", data, "inverse")
    protocols = {"none": DepthProtocol("none"), "median": DepthProtocol("none", scaling="median")}

    def run(dataset: Dataset, **looks: Any) -> Any:
        return evaluate_predictions(answers, dataset, TASKS["depth"], **looks)

    scored = score(run, data, TASKS["depth"], protocols=protocols).evaluations
    assert scored["none"].scores["abs_rel"] > 0.9
    assert scored["median"].scores["abs_rel"] < 0.02
    assert scored["median"].protocol["scaling"] == "median"
    assert scored["none"].protocol["scaling"] == "none"


def test_labels_may_be_label_ids_of_another_size(tmp_path: Path) -> None:
    data = Streets()
    for k, name in enumerate(data.names):
        ids = CITYSCAPES.to_label_id[data[k].truth("labels")]
        large = cv2.resize(ids, (2 * SIZE[1], 2 * SIZE[0]), interpolation=cv2.INTER_NEAREST)
        write_png(tmp_path / f"{name.replace('/', '_')}.png", large)
    result = evaluate_predictions(Predictions(tmp_path, data), data, TASKS["seg"])
    assert result.scores["mIoU"] == 1


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
        evaluate_predictions(Predictions(tmp_path, Streets()), Streets(), TASKS["depth"])


def test_a_stack_that_is_too_short_or_not_there_is_named(tmp_path: Path) -> None:
    np.save(tmp_path / "all.npy", np.zeros((3, *SIZE)))
    with pytest.raises(DataError, match="n at least 4"):
        Predictions(tmp_path / "all.npy", Streets())
    with pytest.raises(DataError, match="no predictions"):
        Predictions(tmp_path / "nowhere", Streets())


@pytest.mark.parametrize("scaling", ["none", "median"])
def test_bands_are_numpys(scaling: Any) -> None:
    data = Streets()
    protocol = DepthProtocol("garg", 0.001, 80, scaling)
    from segdepth.metrics import DepthScores

    detail = Detail(data, TASKS["depth"], lambda _: DepthScores(protocol))
    errors, truths = [], []
    for k, name in enumerate(data.names):
        answer, truth = guess(k), data[k].truth("depth")
        detail(name, torch.from_numpy(answer), torch.from_numpy(truth))
        rows, columns = (
            slice(int(0.40810811 * 20), int(0.99189189 * 20)),
            slice(int(0.03594771 * 40), int(0.96405229 * 40)),
        )
        p, g = answer[rows, columns].astype(np.float64), truth[rows, columns].astype(np.float64)
        valid = (g > 0.001) & (g < 80)
        p, g = p[valid], g[valid]
        if scaling == "median":
            p = p * np.median(g) / np.median(p)
        errors.append(np.clip(p, 0.001, 80) - g)
        truths.append(g)
    error, truth = np.concatenate(errors), np.concatenate(truths)
    bands = detail.bands()
    assert list(bands) == ["0-10 m", "10-20 m", "20-30 m", "30-50 m", "50-80 m"]
    for (low, high), row in zip([(0, 10), (10, 20), (20, 30), (30, 50), (50, 80)], bands.values(), strict=True):
        inside = (truth > low) & (truth <= high)
        assert row["pixels"] == pytest.approx(inside.mean())
        assert row["abs_rel"] == pytest.approx(np.mean(np.abs(error[inside]) / truth[inside]))
        assert row["rmse"] == pytest.approx(np.sqrt(np.mean(error[inside] ** 2)))
        assert row["bias"] == pytest.approx(np.mean(error[inside]))


def test_a_band_without_pixels_has_no_error() -> None:
    detail = Detail(Streets(), TASKS["depth"])
    detail("a", torch.full(SIZE, 5.0), torch.full(SIZE, 6.0))
    assert detail.bands()["50-80 m"] == {"pixels": 0.0, "abs_rel": None, "rmse": None, "bias": None}


@pytest.mark.parametrize("task", ["depth", "seg"])
def test_the_worst_pictures_are_drawn_worst_first(tmp_path: Path, task: str) -> None:
    data = Streets()
    for k, name in enumerate(data.names):
        flat = tmp_path / "answers" / name.replace("/", "_")
        if task == "depth":
            write_depth_png16(flat.with_suffix(".png"), guess(k))
        else:
            labels = data[k].truth("labels").copy()
            labels[: 4 * k] = 0
            write_png(flat.with_suffix(".png"), CITYSCAPES.to_label_id[labels])
    answers = Predictions(tmp_path / "answers", data)

    def run(dataset: Dataset, **looks: Any) -> Any:
        return evaluate_predictions(answers, dataset, TASKS[task], **looks)

    scored = score(run, data, TASKS[task], worst=2, pictures=tmp_path / "worst")
    assert [file.name for file in scored.worst] == ["01_drive_02_0003.png", "02_drive_02_0002.png"]
    drawn = cv2.imread(str(scored.worst[0]))
    panels = drawn.reshape(4, -1, SIZE[1], 3)
    strip = panels.shape[1] - SIZE[0]
    assert strip > 10, "picture, truth, answer, error, with a title above each"
    assert all(panel[strip:].any() and panel[:strip].max() > 50 for panel in panels)
    np.testing.assert_array_equal(panels[0][strip:, :, ::-1], data[3].image)
    assert len(scored.detail.pictures) == 4


def test_a_protocol_with_other_limits_has_another_name() -> None:
    preset = PROTOCOLS["eigen-raw-garg"].protocol
    assert limited_name("eigen-raw-garg", preset, replace(preset, max_depth=80.0)) == "eigen-raw-garg"
    assert limited_name("eigen-raw-garg", preset, replace(preset, min_depth=1.0, max_depth=50.0)) == (
        "eigen-raw-garg, 1-50 m"
    )
    assert limited_name("", None, preset) == "the data set's own, 0.001-80 m"


def test_limits_change_the_range_alone() -> None:
    assert limited(Streets(), None, None, None) is None
    assert limited(Streets(), PROTOCOLS["eigen-raw-eigen"].protocol, None, 50) == DepthProtocol("eigen", 0.001, 50)
    assert limited(Streets(), None, 1, None) == DepthProtocol("none", 1, 80)
    labelled = Streets()
    labelled.depth_range = None
    with pytest.raises(ConfigError, match="has none"):
        limited(labelled, None, 1, None)


def test_the_first_protocol_is_the_specifications() -> None:
    first = next(iter(PROTOCOLS.values()))
    assert (first.truth, first.protocol) == ("velodyne", DepthProtocol("garg", 0.001, 80.0, "none"))
