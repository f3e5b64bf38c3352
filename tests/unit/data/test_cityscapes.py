import json
import logging
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from segdepth.core.errors import DataError
from segdepth.data.cityscapes import Cityscapes
from segdepth.drawing import write_png
from segdepth.kinds import IGNORE

LABELS, DEPTH = frozenset({"labels"}), frozenset({"depth"})
STEM = "ulm_000000_000019"


def write_frame(root: Path, disparity: np.ndarray, split: str = "val", labels: int | np.ndarray = 26) -> None:
    shape = disparity.shape
    write_png(root / "leftImg8bit" / split / "ulm" / f"{STEM}_leftImg8bit.png", np.zeros((*shape, 3), np.uint8))
    write_png(root / "disparity" / split / "ulm" / f"{STEM}_disparity.png", disparity)
    values = np.broadcast_to(np.asarray(labels, np.uint8), shape)
    write_png(root / "gtFine" / split / "ulm" / f"{STEM}_gtFine_labelIds.png", np.ascontiguousarray(values))


def write_camera(root: Path, text: str) -> None:
    file = root / "camera" / "val" / "ulm" / f"{STEM}_camera.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def test_depth_follows_from_disparity_and_camera(tmp_path: Path) -> None:
    # no value; 0 px; 10 px; nearer than 85 m; farther than that
    write_frame(tmp_path, np.array([[0, 1, 2561, 256 * 5 + 1, 256 * 4 + 1]], np.uint16))
    write_camera(tmp_path, json.dumps({"extrinsic": {"baseline": 0.2}, "intrinsic": {"fx": 2048.0}}))
    sample = Cityscapes(tmp_path, "val", DEPTH)[0]
    np.testing.assert_allclose(sample.truth("depth"), [[0, 0, 40.96, 81.92, 0]], rtol=1e-6)
    assert sample.focal_px == 2048.0


def test_without_a_camera_the_usual_one_is_taken_and_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    write_frame(tmp_path, np.array([[2561]], np.uint16))
    with caplog.at_level(logging.WARNING):
        dataset = Cityscapes(tmp_path, "val", DEPTH)
        samples = [dataset[0] for _ in range(3)]
    assert samples[0].focal_px == pytest.approx(2262.52 / 2048)  # one column of 2048
    np.testing.assert_allclose(samples[0].truth("depth"), 0.209313 * 2262.52 / 10, rtol=1e-6)
    assert len(caplog.messages) == 1
    assert "1 of 1 frames have no camera file" in caplog.text
    assert "0.209313 m" in caplog.text
    assert "2262.52 px" in caplog.text


@pytest.mark.parametrize(
    "text", ["{", "[]", '{"intrinsic": {"fx": 2000}}', '{"extrinsic": {"baseline": 0}, "intrinsic": {"fx": 2000}}']
)
def test_a_broken_camera_file_is_named(tmp_path: Path, text: str) -> None:
    write_frame(tmp_path, np.array([[2561]], np.uint16))
    write_camera(tmp_path, text)
    with pytest.raises(DataError, match=rf"{STEM}_camera\.json.*(baseline|JSON|camera file)"):
        Cityscapes(tmp_path, "val", DEPTH)[0]


@pytest.mark.data
def test_depth_is_that_of_the_ancestor(tmp_path: Path, conformance: Path, conformance_inputs: ModuleType) -> None:
    write_frame(tmp_path, conformance_inputs.raw_disparity(852, 48, 96).astype(np.uint16))
    golden = np.load(conformance / "preprocess.npz")["cityscapes_depth_full_48x96"]
    np.testing.assert_allclose(Cityscapes(tmp_path, "val", DEPTH)[0].truth("depth"), golden, rtol=1e-6)


def test_label_ids_become_train_ids_and_the_rest_is_ignored(tmp_path: Path) -> None:
    values = np.arange(34, dtype=np.uint8)[None]
    write_frame(tmp_path, np.zeros((1, 34), np.uint16), labels=values)
    labels = Cityscapes(tmp_path, "val", LABELS)[0].truth("labels")[0]
    evaluated = [7, 8, 11, 12, 13, 17, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 31, 32, 33]
    np.testing.assert_array_equal(labels[evaluated], np.arange(19))
    assert (np.delete(labels, evaluated) == IGNORE).all()


@pytest.mark.data
def test_labels_are_those_of_the_ancestor(tmp_path: Path, conformance: Path, conformance_inputs: ModuleType) -> None:
    write_frame(tmp_path, np.zeros((48, 96), np.uint16), labels=conformance_inputs.raw_label(851, 48, 96))
    labels = Cityscapes(tmp_path, "val", LABELS)[0].truth("labels")
    golden = np.load(conformance / "preprocess.npz")["cityscapes_seg_24x48_label"]  # nearest: odd rows and columns
    np.testing.assert_array_equal(labels[1::2, 1::2], np.where(golden == 250, IGNORE, golden))


def test_one_decision_for_all_splits(tmp_path: Path) -> None:
    write_frame(tmp_path, np.zeros((1, 2), np.uint16), split="train", labels=np.array([[7, 26]]))
    write_frame(tmp_path, np.zeros((1, 2), np.uint16), split="val", labels=np.array([[7, 8]]))
    np.testing.assert_array_equal(Cityscapes(tmp_path, "val", LABELS)[0].truth("labels"), [[0, 1]])


def test_train_ids_are_known_by_their_values(tmp_path: Path) -> None:
    write_frame(tmp_path, np.zeros((1, 2), np.uint16), labels=np.array([[18, 255]]))
    np.testing.assert_array_equal(Cityscapes(tmp_path, "val", LABELS)[0].truth("labels"), [[18, 255]])


def test_files_named_train_ids_are_found(tmp_path: Path) -> None:
    write_frame(tmp_path, np.zeros((1, 2), np.uint16), labels=np.array([[18, 255]]))
    folder = tmp_path / "gtFine" / "val" / "ulm"
    (folder / f"{STEM}_gtFine_labelIds.png").rename(folder / f"{STEM}_gtFine_labelTrainIds.png")
    np.testing.assert_array_equal(Cityscapes(tmp_path, "val", LABELS)[0].truth("labels"), [[18, 255]])


def test_test_pictures_have_depth_but_no_labels(tmp_path: Path) -> None:
    write_frame(tmp_path, np.array([[2561]], np.uint16), split="test", labels=0)
    assert "labels" not in Cityscapes(tmp_path, "test", LABELS)[0].truths
    assert Cityscapes(tmp_path, "test", DEPTH)[0].truth("depth")[0, 0] > 0


def test_no_label_files_at_all_is_said(tmp_path: Path) -> None:
    write_frame(tmp_path, np.zeros((1, 2), np.uint16))
    (tmp_path / "gtFine" / "val" / "ulm" / f"{STEM}_gtFine_labelIds.png").unlink()
    with pytest.raises(DataError, match="gtFine has no label files"):
        Cityscapes(tmp_path, "val", LABELS)
