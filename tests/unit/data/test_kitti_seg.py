from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from segdepth.core.errors import DataError
from segdepth.data.kitti_seg import KittiSemantics
from segdepth.drawing import write_png
from segdepth.kinds import IGNORE

LABELS = frozenset({"labels"})


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for index in range(12):
        write_png(tmp_path / "training" / "image_2" / f"{index:06}_10.png", np.zeros((2, 2, 3), np.uint8))
        label = np.array([[7, 26], [0, 33]], np.uint8)
        write_png(tmp_path / "training" / "semantic" / f"{index:06}_10.png", label)
    write_png(tmp_path / "testing" / "image_2" / "000000_10.png", np.zeros((2, 2, 3), np.uint8))
    return tmp_path


def test_every_fifth_from_the_first_is_validation(tree: Path) -> None:
    val, train = (list(KittiSemantics(tree, split, LABELS).names) for split in ("val", "train"))
    assert val == ["000000_10", "000005_10", "000010_10"]
    assert sorted(val + train) == [f"{index:06}_10" for index in range(12)]


def test_label_ids_become_train_ids(tree: Path) -> None:
    np.testing.assert_array_equal(KittiSemantics(tree, "val", LABELS)[0].truth("labels"), [[0, 13], [IGNORE, 18]])


def test_test_pictures_have_no_labels(tree: Path) -> None:
    dataset = KittiSemantics(tree, "test", LABELS)
    assert len(dataset) == 1
    assert "labels" not in dataset[0].truths


def test_labels_may_be_train_ids(tree: Path) -> None:
    for file in (tree / "training" / "semantic").iterdir():
        write_png(file, np.array([[0, 18], [250, 255]], np.uint8))
    np.testing.assert_array_equal(KittiSemantics(tree, "val", LABELS)[0].truth("labels"), [[0, 18], [IGNORE, IGNORE]])


def test_one_file_without_high_values_is_read_like_the_others(tree: Path) -> None:
    write_png(tree / "training" / "semantic" / "000000_10.png", np.array([[7, 8], [11, 0]], np.uint8))
    np.testing.assert_array_equal(KittiSemantics(tree, "val", LABELS)[0].truth("labels"), [[0, 1], [2, IGNORE]])


def test_a_file_of_the_other_kind_is_refused(tree: Path) -> None:
    for file in (tree / "training" / "semantic").iterdir():
        write_png(file, np.array([[0, 1], [2, 255]], np.uint8))
    dataset = KittiSemantics(tree, "train", LABELS)
    write_png(dataset.frames[3].truths["labels"], np.array([[26, 1], [2, 255]], np.uint8))
    with pytest.raises(DataError, match=r"000004_10\.png has 1 pixels of value 26.*0-18, 250, 255"):
        dataset[3]


def test_other_splits_are_refused(tree: Path) -> None:
    with pytest.raises(DataError, match=r"no split 'training' \(there are: train, val, test\)"):
        KittiSemantics(tree, "training", LABELS)


@pytest.mark.data
def test_the_real_one(shared_data: Callable[[str], Path]) -> None:
    root = shared_data("kitti_semantics")
    val, train = (KittiSemantics(root, split, LABELS) for split in ("val", "train"))
    assert (len(val), len(train)) == (4, 12)
    road, sky = val.classes.names.index("road"), val.classes.names.index("sky")
    for dataset in (val, train):
        for index in range(len(dataset)):
            labels = dataset[index].truth("labels")
            rows = np.arange(labels.shape[0])
            assert (labels == road).any()
            assert set(np.unique(labels)) <= {*range(19), IGNORE}
            if (labels == sky).any():
                mean_row = {k: np.average(rows, weights=(labels == k).sum(axis=1)) for k in (road, sky)}
                assert mean_row[sky] < mean_row[road]
