"""Predicted labels: train ids and label ids are told apart, or asked for; never taken for each other without a word."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from segdepth.core.errors import DataError
from segdepth.data.files import map_labels
from segdepth.data.labels import CAMVID, CITYSCAPES, NYU40, ClassTable
from segdepth.data.predicted_labels import predicted_lookup
from segdepth.drawing import write_png
from segdepth.kinds import IGNORE


def written(folder: Path, *pictures: list[int], ending: str = "") -> list[Path]:
    files = [folder / f"{k:02d}{ending}.png" for k in range(len(pictures))]
    for file, values in zip(files, pictures, strict=True):
        write_png(file, np.array([values], np.uint8))
    return files


@pytest.mark.parametrize(
    ("values", "ids"),
    [
        ([7, 8, 26], "label ids"),  # no train id is 26
        ([7, 8, 26, 255], "label ids"),
        ([0, 1, 13], "train ids"),  # 1 is the ego vehicle among label ids, which nobody predicts
        ([0, 8, 10], "train ids"),
        ([8, 18], "train ids"),
        ([0], "train ids"),
        ([0, 255], "train ids"),
        ([250, 255], "train ids"),
        ([7], None),
        ([0, 7, 11], None),
        ([7, 8, 11, 12, 13, 17, 255], None),
    ],
)
def test_values_tell_or_the_user_is_asked(tmp_path: Path, values: list[int], ids: str | None) -> None:
    files = written(tmp_path, values)
    if ids is None:
        with pytest.raises(DataError, match=r"may be train ids or label ids; say which: --train-ids or --label-ids"):
            predicted_lookup(files, CITYSCAPES)
    else:
        assert predicted_lookup(files, CITYSCAPES)[1] == ids
    assert {predicted_lookup(files, CITYSCAPES, said)[1] for said in ("train ids", "label ids")} == {
        "train ids", "label ids"
    }  # fmt: skip


TAKEN = "taken for train ids, because {} no class's label id; if they are label ids, say --label-ids (--train-ids says"


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ([7, 8, 11, 4], TAKEN.format("4 is")),  # a network that knows "static", whose label ids these may be
        ([0, 1, 13], TAKEN.format("0-1 are")),
        (list(range(19)), TAKEN.format("0-6, 9-10, 14-16, 18 are")),
        ([0], TAKEN.format("0 is")),
        ([250, 255], None),
        ([7, 26], None),
    ],
)
def test_what_is_taken_for_train_ids_without_proof_is_said(
    tmp_path: Path, values: list[int], words: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    predicted_lookup(written(tmp_path, values), CITYSCAPES)
    said = [record.getMessage() for record in caplog.records]
    assert len(said) == (words is not None)
    assert words is None or words in said[0]
    caplog.clear()
    predicted_lookup(written(tmp_path, values), CITYSCAPES, "train ids")
    predicted_lookup(written(tmp_path, values, ending="_trainIds"), CITYSCAPES)
    assert not caplog.records


def test_the_users_word_and_the_files_names_decide(tmp_path: Path) -> None:
    as_label_ids, as_train_ids = np.array([[0, 2, IGNORE]], np.uint8), np.array([[7, 11, IGNORE]], np.uint8)
    for ending, said, expected in (
        ("", "label ids", as_label_ids),
        ("", "train ids", as_train_ids),
        ("_trainIds", None, as_train_ids),
        ("_gtFine_labelTrainIds", None, as_train_ids),
        ("_labelIds", None, as_label_ids),
        ("_labelIds", "train ids", as_train_ids),
    ):
        (file,) = files = written(tmp_path, [7, 11, IGNORE], ending=ending)
        table, _ = predicted_lookup(files, CITYSCAPES, said)
        stored = np.array([[7, 11, IGNORE]], np.uint8)
        np.testing.assert_array_equal(map_labels(stored, table, file), expected)


def test_one_file_tells_for_all_wherever_it_is(tmp_path: Path) -> None:
    files = written(tmp_path, *[[7, 11]] * 30)
    with pytest.raises(DataError, match=r"\(7, 11\) may be"):
        predicted_lookup(files, CITYSCAPES)
    for place in (0, 13, 29):
        files = written(tmp_path, *[[7, 26 if k == place else 11] for k in range(30)])
        assert predicted_lookup(files, CITYSCAPES)[1] == "label ids"
        files = written(tmp_path, *[[0 if k % 2 else 7, 5 if k == place else 0] for k in range(30)])
        assert predicted_lookup(files, CITYSCAPES)[1] == "train ids"


@pytest.mark.parametrize("classes", [CAMVID, NYU40])
def test_other_data_sets_have_classes_of_their_own(tmp_path: Path, classes: ClassTable) -> None:
    every = list(range(len(classes)))
    (file,) = files = written(tmp_path, every)
    table, ids = predicted_lookup(files, classes)
    assert ids == "train ids"
    np.testing.assert_array_equal(map_labels(np.array([every], np.uint8), table, file), [every])


def test_a_table_of_ones_own(tmp_path: Path) -> None:
    own: Any = ClassTable(("cat", "dog"), ((0, 0, 0), (1, 1, 1)), (200, 1))
    assert predicted_lookup(written(tmp_path, [200, 1, 0]), own)[1] == "label ids"
    with pytest.raises(DataError, match="may be"):
        predicted_lookup(written(tmp_path, [0, 1]), own)
    reversed_ids: Any = ClassTable(("cat", "dog"), ((0, 0, 0), (1, 1, 1)), (1, 0))
    with pytest.raises(DataError, match=r"\(0\) may be"):
        predicted_lookup(written(tmp_path, [0, 0]), reversed_ids)
    partly: Any = ClassTable(("cat", "dog"), ((0, 0, 0), (1, 1, 1)), (0, 9))
    assert predicted_lookup(written(tmp_path, [0, 0]), partly)[1] == "train ids"
    (file,) = written(tmp_path, [0, 1])
    label_ids, train_ids = (predicted_lookup([file], own, ids)[0] for ids in ("label ids", "train ids"))
    assert [map_labels(np.array([[0, 1]], np.uint8), table, file).tolist() for table in (label_ids, train_ids)] == [
        [[IGNORE, 1]],
        [[0, 1]],
    ]
